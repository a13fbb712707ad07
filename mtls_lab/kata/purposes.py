"""The purposes of the certificates that both sides of a kata present.

Here: one certificate, one purpose, as the exercises hold it (exercises/part2, part3). Not here:
who is served or believed (exam.py).
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cryptography import x509

from mtls_lab.common import FileProblem
from mtls_lab.exercises import Unsafe
from mtls_lab.exercises.calling import LIMIT
from mtls_lab.net import Backend, PeerCertificate
from mtls_lab.pki import Purpose, pem

__all__ = ["backend_has_one", "careless_client", "device_has_one"]


def device_has_one(context: ssl.SSLContext, call: Callable[[Backend], object]) -> None:
    """Hold the certificate that the device presents to one purpose, as exercise 3.3 does.

    Args:
        context: the backend's.
        call: how the device calls it.
    """
    seen: list[PeerCertificate] = []
    with Backend(context, authorize=seen.append) as backend:
        call(backend)
    serial = int(str((seen[0] or {}).get("serialNumber", "0")), 16) if seen else 0
    for path in sorted(Path().rglob("*.crt")):
        with suppress(FileProblem):
            certificate = pem.read_certificate(path)
            if certificate.serial_number == serial:
                _one_purpose(certificate, Purpose.CLIENT, f"{path}", "a backend")


def backend_has_one(backend: Backend, files: tuple[Path, Path]) -> None:
    """Hold the certificate that the backend presents to one purpose, as exercise 2.1 does."""
    context = careless_client(files)
    with (
        socket.create_connection(backend.address, LIMIT) as raw,
        context.wrap_socket(raw, do_handshake_on_connect=False) as tls,
    ):
        tls.do_handshake()
        shown = tls.getpeercert(binary_form=True)
    assert shown  # noqa: S101 - whoever connects with TLS sees a certificate
    certificate = x509.load_der_x509_certificate(shown)
    _one_purpose(certificate, Purpose.SERVER, "the backend's certificate", "a device")


def _one_purpose(certificate: x509.Certificate, purpose: Purpose, what: str, other: str) -> None:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        found = f"{what} has no extended key usage, so it is good for every purpose"
    else:
        if list(usage.value) == [purpose.value]:
            return
        found = f"the extended key usage of {what} names more than one purpose"
    rule = "one certificate, one purpose: extendedKeyUsage names it, and nothing else"
    raise Unsafe(f"{found}: whoever trusts its CA takes it for {other} as well", rule)


def careless_client(files: tuple[Path, Path] | None) -> ssl.SSLContext:
    """Make the context of a device that checks nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if files:
        context.load_cert_chain(*files)
    return context

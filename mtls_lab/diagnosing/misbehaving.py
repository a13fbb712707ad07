"""How a server misbehaves, to try a client program on: data/misbehaviour.toml, made real.

Here: contexts with a fault in them, and what is done instead of a handshake or after it. Not here:
accepting clients and what is said of them (listening.py).
"""

from __future__ import annotations

import os
import socket
import ssl
import struct
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from mtls_lab.common import UnknownName, read_facts
from mtls_lab.pki import CertificateAuthority, Identity, Purpose, self_signed

__all__ = [
    "AFTER",
    "INSTEAD",
    "NAMES",
    "catalogue_of_faults",
    "context_with",
    "fault_named",
    "page",
]

NAMES = ("localhost", "127.0.0.1", "::1")
PAGE = "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {size}\r\n"
PAGE += "Connection: close\r\n\r\n{body}"
NGINX = (
    "<html>\n<head><title>400 No required SSL certificate was sent</title></head>\n"
    "<body>\n<center><h1>400 Bad Request</h1></center>\n"
    "<center>No required SSL certificate was sent</center>\n</body>\n</html>\n"
)


@cache
def catalogue_of_faults() -> dict[str, dict[str, Any]]:
    """Return every fault, by its name.

    Example:
        >>> catalogue_of_faults()["expired"]["does"]
        'presents a certificate that expired yesterday'
    """
    return read_facts("misbehaviour")


def fault_named(name: str) -> dict[str, Any]:
    """Return a fault; an empty one for `""`. Raises UnknownName."""
    if name and name not in catalogue_of_faults():
        raise UnknownName("fault", name, catalogue_of_faults())
    return catalogue_of_faults()[name] if name else {}


def _below(ca: CertificateAuthority) -> Identity:
    """A server's certificate of an intermediate CA, without that CA's."""
    bits = ("key_cert_sign", "crl_sign")
    made = ca.issue("Issuing CA", None, is_ca=True, key_usage=bits)
    return CertificateAuthority(made.key, made.certificate).issue_server(NAMES)


def _dated(first: int, last: int) -> Callable[[CertificateAuthority], Identity]:
    days = (first, last)
    return lambda ca: ca.issue("localhost", Purpose.SERVER, names=NAMES, valid_days=days)


#: Faults that are in the certificate itself.
CERTIFICATES: dict[str, Callable[[CertificateAuthority], Identity]] = {
    "expired": _dated(-30, -1),
    "not-yet-valid": _dated(1, 30),
    "wrong-name": lambda ca: ca.issue_server(["wrong.example"]),
    "wrong-purpose": lambda ca: ca.issue("localhost", Purpose.CLIENT, names=NAMES),
    "self-signed": lambda _: self_signed("localhost", Purpose.SERVER, names=NAMES),
    "untrusted": lambda _: CertificateAuthority.create("Nobody's CA").issue_server(NAMES),
    "missing-intermediate": _below,
}


def context_with(context: ssl.SSLContext, fault: str, ca: CertificateAuthority) -> None:
    """Put a fault into a finished server context."""
    match fault:
        case "tls12-only":
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        case "tls13-only":
            context.minimum_version = ssl.TLSVersion.TLSv1_3
        case "tls10-only":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # that is the fault
                context.set_ciphers("ALL:@SECLEVEL=0")
                context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
        case "no-request":
            context.verify_mode = ssl.CERT_NONE
        case "other-client-ca":
            # A certificate in the store cannot be taken out again: a context of its own has none.
            context.verify_mode = ssl.CERT_REQUIRED
        case "unknown-name":
            context.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        case "no-common-protocol":
            context.set_alpn_protocols(["mtls-lab/none"])
    if fault in CERTIFICATES:
        CERTIFICATES[fault](ca).load_into(context)


# --- Instead of a handshake, and after it


def _silent(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def _hang_up(connection: socket.socket) -> None:
    connection.recv(4096)


def _plain_http(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(page("400 Bad Request", "this is plain HTTP\n"))


def _noise(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"\xff" + os.urandom(63))


#: What is done with a connection in place of TLS.
INSTEAD: dict[str, Callable[[socket.socket], None]] = {
    "silent": _silent,
    "hangs-up": _hang_up,
    "plain-http": _plain_http,
    "noise": _noise,
}


def _hang_up_later(connection: ssl.SSLSocket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _reset(connection: ssl.SSLSocket) -> None:
    linger = struct.pack("ii", 1, 0)  # l_onoff, l_linger: a close is a reset (socket(7))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.close()


def _cut(connection: ssl.SSLSocket) -> None:
    connection.recv(4096)
    connection.sendall(page("200 OK", "hello " * 100)[:200])
    connection.shutdown(socket.SHUT_RDWR)


def _answers(status: str, body: str) -> Callable[[ssl.SSLSocket], None]:
    def answer(connection: ssl.SSLSocket) -> None:
        if connection.recv(4096):
            connection.sendall(page(status, body))

    return answer


#: What is done after a handshake in place of a polite answer.
AFTER: dict[str, Callable[[ssl.SSLSocket], None]] = {
    "hangs-up-later": _hang_up_later,
    "resets": _reset,
    "cut": _cut,
    "http-400": _answers("400 Bad Request", NGINX),
    "http-403": _answers("403 Forbidden", "not for you\n"),
}


def page(status: str, body: str) -> bytes:
    """Return a whole HTTP answer.

    Example:
        >>> page("200 OK", "hi").splitlines()[0]
        b'HTTP/1.1 200 OK'
    """
    return PAGE.format(status=status, size=len(body), body=body).encode()

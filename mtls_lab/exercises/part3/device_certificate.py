"""Exercise of Part 3: what a CA signs for a device, and what it must not sign.

Here: the check, and what Mallory, a device, asks for. Not here: who may speak (authorize.py).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from mtls_lab.enrolment import names_in
from mtls_lab.exercises.calling import call
from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.peers import LIE, SECRET, learners_ca, server_context, shown, strict_device
from mtls_lab.exercises.purposes import no_other_purpose, signs_handshakes, which_ca
from mtls_lab.exercises.refusals import served
from mtls_lab.exercises.requests import request
from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.net import Backend, ask, only_trusted_client
from mtls_lab.pki import CertificateAuthority, Identity, Purpose, common_name, create_key

__all__ = ["device_certificate"]


@exercise("a function device_certificate(csr, ca)")
def device_certificate(function: Callable[..., Any]) -> Iterator[str]:
    """Sign a device's request."""
    ca, key = learners_ca(), create_key()
    called = call(function, request(key, ("CN=sensor-7",)), ca)
    certificate = called.returned(
        "a CA answers a request with a certificate; its extensions are pairs, (extension, critical)"
    )
    if not isinstance(certificate, x509.Certificate):
        found = f"{called.name} returned {shown(certificate)}"
        raise NotYet(found, "it returns an x509.Certificate")
    if certificate.public_key() != key.public_key():
        raise NotYet(
            "the certificate holds a different key from the request, so the device cannot use it",
            "the device keeps its private key, and the CA certifies the public one",
        )
    which_ca(certificate, ca.certificate)
    own = server_context(ca.issue_server(["localhost"]), client_ca=ca.certificate)
    with Backend(own, secret=SECRET) as backend:
        device = strict_device(ca.certificate, Identity(key, certificate))
        peer = served(ask("GET_SECRET", backend, context=device)).peer
    if peer != "CN=sensor-7":
        found = f"the device asked for CN=sensor-7, and the backend sees {peer}"
        raise NotYet(found, "the certificate has the subject of the request")
    _has_no_other_name(certificate, "sensor-7")
    yield "sensor-7 gets a certificate for its name and its key, and is served"
    for wishes, how in _WISHES:
        mallory = _requested(function, ca, wishes)
        if mallory:
            _as_backend(mallory, ca)
            no_other_purpose(mallory.certificate, ExtendedKeyUsageOID.CLIENT_AUTH, "a backend")
            _as_ca(mallory, ca)
            signs_handshakes(mallory.certificate)
            _has_no_wish(mallory.certificate, wishes)
            if mallory.certificate.serial_number == certificate.serial_number:
                raise NotYet(
                    "two certificates have the same serial number",
                    "the serial number is all that a list of revoked certificates holds",
                )
        yield f"Mallory, a device, calls herself localhost{how}, but is neither a backend nor a CA"


#: Fit for every policy that a verifier may ask for (RFC 5280, section 4.2.1.4).
ANY_POLICY = x509.ObjectIdentifier("2.5.29.32.0")
#: What Mallory's second request has in it, as extensions that nobody has to grant.
_WISHES: tuple[tuple[tuple[x509.ExtensionType, ...], str], ...] = (
    ((), ""),
    (
        (
            x509.SubjectAlternativeName([x509.DNSName("localhost")]),
            x509.BasicConstraints(ca=True, path_length=None),
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            ),
            # Harmless here, and a stand-in for whatever another verifier makes a decision by.
            x509.CertificatePolicies([x509.PolicyInformation(ANY_POLICY, None)]),
        ),
        " and asks for everything",
    ),
)


def _requested(
    function: Callable[..., Any], ca: CertificateAuthority, wishes: tuple[x509.ExtensionType, ...]
) -> Identity | None:
    """Let Mallory ask; None if she gets nothing, whatever way the CA says so."""
    key = create_key()
    csr = request(key, ("CN=localhost",), wishes)
    certificate = call(function, csr, ca).value
    if isinstance(certificate, x509.Certificate) and certificate.public_key() == key.public_key():
        return Identity(key, certificate)
    return None


def _as_backend(mallory: Identity, ca: CertificateAuthority) -> None:
    """Let Mallory answer a device as most are: not strict. Raises Unsafe if she hears it."""
    device = strict_device(ca.certificate)
    device.verify_flags &= ~ssl.VERIFY_X509_STRICT
    device.hostname_checks_common_name = True
    with Backend(server_context(mallory), secret=LIE, name="mallory") as backend:
        if ask("GET_SECRET", backend, context=device).ok:
            raise Unsafe(
                "Mallory, a device that calls itself localhost, was taken for the backend:"
                f" she read the command, and answered {LIE!r}",
                "what a certificate may be used for is the CA's decision, not the device's",
            )


def _as_ca(mallory: Identity, ca: CertificateAuthority) -> None:
    """Let Mallory sign with her certificate. Raises Unsafe if that makes her trusted-client."""
    below = CertificateAuthority(mallory.key, mallory.certificate)
    forged = below.issue("trusted-client", Purpose.CLIENT, authority_id=False)
    forged = replace(forged, chain=(mallory.certificate,))
    # The lab's CA has path length 0, which stops this; most have none. The same CA without it:
    root = ca.issue(
        common_name(ca.certificate), None, key=ca.key, key_usage=("key_cert_sign",), is_ca=True
    )
    own = server_context(ca.issue_server(["localhost"]), client_ca=root.certificate)
    device = strict_device(ca.certificate, forged)
    with Backend(own, authorize=only_trusted_client, secret=SECRET) as backend:
        if ask("GET_SECRET", backend, context=device).ok:
            raise Unsafe(
                "Mallory signed a certificate for CN=trusted-client with her own,"
                f" and got {SECRET!r}",
                "only the CA may sign certificates: a device's key must not",
            )
    if _says_ca(mallory.certificate):
        raise NotYet(
            "the certificate says CA:TRUE",
            "the basic constraints say who may sign certificates: a device may not",
        )


def _has_no_other_name(certificate: x509.Certificate, name: str) -> None:
    """Look for a name that the CA has made up. The device's own may be in both places."""
    extra = [each for each in names_in(certificate) if each != name]
    if extra:
        found = f"{name} gets a certificate that names {shown(extra[0])} as well"
        raise NotYet(found, "a CA signs the names that it has verified, and no others")


def _has_no_wish(certificate: x509.Certificate, wishes: tuple[x509.ExtensionType, ...]) -> None:
    """Look for what was copied from the request. A name may be: names have been verified."""
    for wish in wishes:
        for each in certificate.extensions:
            if each.value == wish and not isinstance(wish, x509.SubjectAlternativeName):
                raise NotYet(
                    f"Mallory's request asks for the extension {type(wish).__name__}, and the"
                    " certificate has it as she wrote it",
                    "of what a request asks for, only the names were verified",
                )


def _says_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False

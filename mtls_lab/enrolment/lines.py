"""Signing requests and certificates as one line of text, and the names in them.

Here: base64 of DER, as enrolment over HTTPS has it too (RFC 7030, section 4.2). Not here: what is
signed (office.py).
"""

from __future__ import annotations

import base64

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from mtls_lab.common import LabError
from mtls_lab.net import PeerCertificate
from mtls_lab.pki import Key
from mtls_lab.pki.leaf import name_of
from mtls_lab.pki.signed import UNREADABLE

__all__ = ["certificate_from", "names_in", "request", "request_from", "to_line"]


def request(key: Key, common_name: str) -> x509.CertificateSigningRequest:
    """Ask for a certificate with this name, signed with the key that it is for.

    Example:
        >>> from mtls_lab.pki import create_key
        >>> request(create_key(), "device-07").subject.rfc4514_string()
        'CN=device-07'
    """
    builder = x509.CertificateSigningRequestBuilder().subject_name(name_of(common_name))
    return builder.sign(key, hashes.SHA256())


def to_line(thing: x509.CertificateSigningRequest | x509.Certificate) -> str:
    """Return a request or a certificate as base64 without line ends: 300 to 700 characters."""
    return base64.b64encode(thing.public_bytes(Encoding.DER)).decode("ascii")


def request_from(line: str) -> x509.CertificateSigningRequest:
    """Read what `to_line` wrote.

    Raises:
        LabError: it is not a signing request.
    """
    try:
        csr = x509.load_der_x509_csr(base64.b64decode(line, validate=True))
        # What cannot be read of it shows only when it is asked for.
        _ = (csr.subject, csr.public_key(), csr.is_signature_valid, csr.extensions)
    except UNREADABLE:
        raise LabError(
            "a line that is not a signing request",
            "a request in base64 of DER",
            "make it with to_line(csr)",
        ) from None
    return csr


def certificate_from(line: str | None) -> x509.Certificate:
    """Read the office's reply.

    Raises:
        LabError: it is a refusal, or no reply came.

    Example:
        >>> certificate_from("ERROR this certificate is not the current one")
        Traceback (most recent call last):
        mtls_lab.common.errors.LabError: Found:    ERROR this certificate is not the current one
        Expected: a certificate
        To do:    read both sides of the exchange
    """
    try:
        return x509.load_der_x509_certificate(base64.b64decode(line or "", validate=True))
    except UNREADABLE:
        raise LabError(
            line or "no reply", "a certificate", "read both sides of the exchange"
        ) from None


def names_in(
    asked: x509.CertificateSigningRequest | x509.Certificate | PeerCertificate,
) -> list[str]:
    """Return every name that a request asks for, or that a peer's certificate has.

    Args:
        asked: a request; or a certificate, also as `getpeercert()` gives it.

    Example:
        >>> names_in({"subject": ((("commonName", "device-07"),),)})
        ['device-07']
    """
    if isinstance(asked, x509.CertificateSigningRequest | x509.Certificate):
        return [str(each.value) for each in asked.subject] + [
            str(getattr(each, "value", each)) for each in _alternative(asked)
        ]
    found = asked or {}
    return [value for rdn in found.get("subject", ()) for _, value in rdn] + [
        value for _, value in found.get("subjectAltName", ())
    ]


def _alternative(
    asked: x509.CertificateSigningRequest | x509.Certificate,
) -> list[x509.GeneralName]:
    try:
        return list(asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []

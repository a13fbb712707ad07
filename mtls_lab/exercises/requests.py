"""Signing requests with any content, as a device may send them, hostile or not.

Here: one builder. Not here: what a CA makes of a request (pki/authority.py).
"""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from mtls_lab.pki import Key

__all__ = ["Names", "request"]

Names = tuple[tuple[x509.ObjectIdentifier, str], ...]


def request(
    key: Key, names: Names, wishes: tuple[x509.ExtensionType, ...] = ()
) -> x509.CertificateSigningRequest:
    """Ask for a certificate with any subject, and with extensions that nobody has to grant."""
    subject = x509.Name([x509.NameAttribute(kind, value) for kind, value in names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    for wish in wishes:
        builder = builder.add_extension(wish, critical=False)
    return builder.sign(key, hashes.SHA256())

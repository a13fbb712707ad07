"""Signing requests with any content, as a device may send them, hostile or not.

Here: one builder. Not here: what a CA makes of a request (pki/authority.py).
"""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from mtls_lab.pki import Key

__all__ = ["Names", "request"]

#: The RDNs of a subject, each as it is written, such as "CN=mallory" or "O=Lab+CN=mallory".
Names = tuple[str, ...]
_KINDS = {"CN": NameOID.COMMON_NAME, "O": NameOID.ORGANIZATION_NAME}


def request(
    key: Key, names: Names, wishes: tuple[x509.ExtensionType, ...] = ()
) -> x509.CertificateSigningRequest:
    """Ask for a certificate with any subject, and with extensions that nobody has to grant."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(map(_rdn, names)))
    for wish in wishes:
        builder = builder.add_extension(wish, critical=False)
    return builder.sign(key, hashes.SHA256())


def _rdn(written: str) -> x509.RelativeDistinguishedName:
    pairs = (each.partition("=") for each in written.split("+"))
    return x509.RelativeDistinguishedName(
        [x509.NameAttribute(_KINDS[kind], value) for kind, _, value in pairs]
    )

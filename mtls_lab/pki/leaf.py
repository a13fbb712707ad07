"""The fields of a leaf certificate, by the profile of RFC 5280, section 4.2.

Here: what a leaf is for, its builder, its names. Not here: keys, CAs and signatures (authority.py).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import datetime
from enum import Enum

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mtls_lab.pki.given import expect_name, expect_names

__all__ = ["LEAF_KEY_USAGE", "NO_KEY_USAGE", "Purpose", "general_names", "leaf_builder", "name_of"]


class Purpose(Enum):
    """What a leaf certificate is for: its extended key usage (RFC 5280, section 4.2.1.12)."""

    SERVER = ExtendedKeyUsageOID.SERVER_AUTH
    CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH


# keyUsage (RFC 5280, section 4.2.1.3): a CA signs certificates and CRLs, a leaf proves in the
# handshake that it holds its key. Key agreement happens with fresh keys, not with this one.
NO_KEY_USAGE = dict.fromkeys(
    [
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    ],
    False,
)  # fmt: skip
#: By the names that cryptography gives to the bits.
LEAF_KEY_USAGE = ("digital_signature",)


def leaf_builder(
    issuer: x509.Name,
    issuer_id: x509.AuthorityKeyIdentifier | None,
    subject: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    purpose: Purpose | Iterable[Purpose] | None,
    names: Iterable[x509.GeneralName],
    first: datetime,
    last: datetime,
    *,
    key_usage: Iterable[str] | None = LEAF_KEY_USAGE,
    is_ca: bool = False,
    serial_number: int | None = None,
) -> x509.CertificateBuilder:
    """Fill in everything of a leaf but the signature.

    Args:
        issuer, issuer_id: the CA's subject, and its key identifier; None leaves that out.
        subject, public_key: whom it is for.
        purpose: what it is for; several, or None for no limit.
        names: subjectAltName; empty leaves it out.
        first, last: its dates.
        key_usage: keyUsage, by cryptography's names; None leaves it out.
        is_ca: what basicConstraints says.
        serial_number: None for a random one, as it should be.
    """
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(serial_number or x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(last)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )
    if key_usage is not None:
        bits = {**NO_KEY_USAGE, **dict.fromkeys(key_usage, True)}
        builder = builder.add_extension(x509.KeyUsage(**bits), critical=True)
    if issuer_id is not None:
        builder = builder.add_extension(issuer_id, critical=False)
    purposes = [purpose] if isinstance(purpose, Purpose) else list(purpose or ())
    if purposes:
        extended = x509.ExtendedKeyUsage([each.value for each in purposes])
        builder = builder.add_extension(extended, critical=False)
    if names := list(names):
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder


def name_of(common_name: str) -> x509.Name:
    """Return the name that consists of this common name. Raises LabError: it cannot be one."""
    expect_name(common_name)
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def general_names(names: Iterable[str]) -> list[x509.GeneralName]:
    """Return host names, IP addresses and URIs, each in its kind (RFC 5280, section 4.2.1.6).

    Example:
        >>> [type(name).__name__ for name in general_names(["::1", "spiffe://lab.example/7"])]
        ['IPAddress', 'UniformResourceIdentifier']
    """
    expect_names(names := list(names))
    found: list[x509.GeneralName] = []
    for name in names:
        if "://" in name:
            found.append(x509.UniformResourceIdentifier(name))
            continue
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found

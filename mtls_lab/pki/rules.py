"""What a verifier demands of a path of certificates, rule by rule (RFC 5280, section 6.1.4).

Here: the rules for a signer, names, strength, identifiers, and what they need to read. Not here:
finding the path, its dates, and the pair of certificate and key (comparison.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from mtls_lab.common import printable
from mtls_lab.pki.description import oid_name, weak_digest
from mtls_lab.pki.key_kinds import OTHERS, POST_QUANTUM, key_kind, public_key
from mtls_lab.pki.names import outside
from mtls_lab.pki.signed import UNREADABLE

__all__ = [
    "NS_CERT_TYPE",
    "PURPOSES",
    "Look",
    "extensions_of",
    "in_path",
    "is_ca",
    "missing_purposes",
    "span",
    "told",
    "unfit_for",
]

_UNITS = {"day": timedelta(days=1), "hour": timedelta(hours=1), "minute": timedelta(minutes=1)}
PURPOSES = {
    "clients": ExtendedKeyUsageOID.CLIENT_AUTH,
    "servers": ExtendedKeyUsageOID.SERVER_AUTH,
}
#: Netscape's certificate type, the forerunner of extendedKeyUsage, and its bit for each purpose
#: (OpenSSL: NID_netscape_cert_type, x509v3.h).
NS_CERT_TYPE = x509.ObjectIdentifier("2.16.840.1.113730.1.1")
NS_BITS = {"clients": 0x80, "servers": 0x40}
#: What OpenSSL processes when it is critical (X509_supported_extension).
PROCESSED = {
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    ExtensionOID.NAME_CONSTRAINTS,
    ExtensionOID.CERTIFICATE_POLICIES,
    ExtensionOID.POLICY_CONSTRAINTS,
    ExtensionOID.POLICY_MAPPINGS,
    ExtensionOID.INHIBIT_ANY_POLICY,
    ExtensionOID.CRL_DISTRIBUTION_POINTS,
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    ExtensionOID.SUBJECT_KEY_IDENTIFIER,
}
#: OpenSSL's security level 2 (SSL_CTX_set_security_level).
RSA_BITS, EC_BITS = 2048, 224
#: DER of an EC key whose curve is no name, which would be an OID, but all of its numbers: RFC 5480,
#: section 2.1.1, forbids that.
EXPLICIT = bytes.fromhex("06072a8648ce3d020130")


@dataclass(frozen=True, slots=True)
class Look:
    """One thing that does not fit: a name of data/findings.toml, and the words that go into it."""

    name: str
    words: dict[str, str]


def in_path(path: Sequence[x509.Certificate], cas: Sequence[x509.Certificate]) -> Iterator[Look]:
    """Give what a verifier objects to along a path, and what a strict one does."""
    for depth, each in enumerate(path):
        words = {"subject": told(each.subject), "depth": str(depth)}
        found = extensions_of(each)
        for extension in _listed(each):
            if extension.critical and extension.oid not in PROCESSED:
                yield Look("unknown critical extension", words | {"oid": oid_name(extension.oid)})
        if depth:
            yield from _signer(found, words, path[1:depth], path[:depth])
        if each not in cas or each.issuer != each.subject:
            yield from _weak(each, words)
            if x509.AuthorityKeyIdentifier not in found and each.issuer != each.subject:
                old = each.version is x509.Version.v1  # which has no extensions at all
                look = "version 1" if old else "no authorityKeyIdentifier"
                yield Look(look, words | {"issuer": told(each.issuer)})
        if depth:
            yield from _identifiers(path[depth - 1], each, words)
    between = len(path) - 2
    if between > 1:
        yield Look("long chain", {"between": str(between)})


def _signer(
    found: dict[type, object],
    words: dict[str, str],
    between: Sequence[x509.Certificate],
    below: Sequence[x509.Certificate],
) -> Iterator[Look]:
    basic, bits = found.get(x509.BasicConstraints), found.get(x509.KeyUsage)
    if isinstance(basic, x509.BasicConstraints):
        limit = basic.path_length
        if limit is not None and len(between) > limit:
            yield Look("path too long", words | {"limit": str(limit), "is": str(len(between))})
        if basic.ca and bits is None:
            yield Look("ca without keyUsage", words)
    if isinstance(bits, x509.KeyUsage) and not bits.key_cert_sign:
        yield Look("no keyCertSign", words)
    if not (isinstance(basic, x509.BasicConstraints) and basic.ca):
        yield Look("not a ca", words)
    constraints = found.get(x509.NameConstraints)
    if isinstance(constraints, x509.NameConstraints):
        yield from _constrained(constraints, words, below)
    usages = found.get(x509.ExtendedKeyUsage)
    if isinstance(usages, x509.ExtendedKeyUsage):
        named = words | {"usages": ", ".join(oid_name(usage) for usage in usages)}
        for look in missing_purposes(usages):
            yield Look(look if look.startswith("any") else f"ca {look}", named)


def _constrained(
    constraints: x509.NameConstraints, words: dict[str, str], below: Sequence[x509.Certificate]
) -> Iterator[Look]:
    """Give each name below a CA that it may not sign for."""
    for each in below:
        for name, limits in outside(constraints, each.subject, extensions_of(each)):
            named = {"name": printable(name), "limits": printable(limits)}
            yield Look("name constraints", words | named)


def _weak(certificate: x509.Certificate, words: dict[str, str]) -> Iterator[Look]:
    key = public_key(certificate)
    bits = getattr(key, "key_size", 0)
    floor = RSA_BITS if isinstance(key, rsa.RSAPublicKey) else 0
    floor = EC_BITS if isinstance(key, ec.EllipticCurvePublicKey) else floor
    if bits < floor:
        yield Look("weak key", words | {"bits": str(bits)})
    if EXPLICIT in certificate.tbs_certificate_bytes:
        yield Look("explicit curve", words)
    if (kind := key_kind(certificate)) in POST_QUANTUM.values():
        yield Look("post-quantum key", words | {"kind": kind})
    elif kind in OTHERS.values():
        yield Look("DSA key", words)
    if digest := weak_digest(certificate):
        name = {"md5": "MD5", "sha1": "SHA-1"}[digest]
        yield Look("weak signature", words | {"digest": name})


def _identifiers(
    leaf: x509.Certificate, issuer: x509.Certificate, words: dict[str, str]
) -> Iterator[Look]:
    mine, own = extensions_of(leaf), extensions_of(issuer)
    authority = mine.get(x509.AuthorityKeyIdentifier)
    subject = own.get(x509.SubjectKeyIdentifier)
    named = words | {"leaf": told(leaf.subject)}
    if subject is None:
        yield Look("ca without subjectKeyIdentifier", words)
    elif (
        isinstance(authority, x509.AuthorityKeyIdentifier)
        and isinstance(subject, x509.SubjectKeyIdentifier)
        and authority.key_identifier not in {None, subject.digest}
    ):
        yield Look("identifiers differ", named)
    if leaf.issuer.public_bytes() != issuer.subject.public_bytes():
        yield Look("issuer in other bytes", named)
    if isinstance(authority, x509.AuthorityKeyIdentifier):
        serial = authority.authority_cert_serial_number
        if serial not in {None, issuer.serial_number}:
            yield Look("another certificate of its ca", named | {"serial": f"{serial:X}"})
    for extension in _listed(issuer):
        if extension.oid == ExtensionOID.BASIC_CONSTRAINTS and not extension.critical:
            yield Look("basicConstraints not critical", words)


def missing_purposes(usages: x509.ExtendedKeyUsage) -> Iterator[str]:
    """Give a look for each of `clients` and `servers` that an extendedKeyUsage leaves out."""
    by_any = "any, " * (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usages)
    yield from (f"{by_any}not for {whom}" for whom, oid in PURPOSES.items() if oid not in usages)


def unfit_for(certificate: x509.Certificate) -> Iterator[str]:
    """Give each of `clients` and `servers` that Netscape's certificate type leaves out."""
    for extension in _listed(certificate):
        value = extension.value
        if extension.oid == NS_CERT_TYPE and isinstance(value, x509.UnrecognizedExtension):
            bits = value.value[3] if len(value.value) > 3 else 0  # tag, length, unused bits
            yield from (whom for whom, bit in NS_BITS.items() if not bits & bit)


def _listed(certificate: x509.Certificate) -> list[x509.Extension[x509.ExtensionType]]:
    try:
        return list(certificate.extensions)
    except UNREADABLE:
        return []  # OpenSSL has read it, cryptography cannot


def extensions_of(certificate: x509.Certificate) -> dict[type, object]:
    """Return the extensions by their classes; none if cryptography cannot read them."""
    return {type(extension.value): extension.value for extension in _listed(certificate)}


def is_ca(certificate: x509.Certificate) -> bool:
    """Whether its basicConstraints say that it is a CA's."""
    basic = extensions_of(certificate).get(x509.BasicConstraints)
    return isinstance(basic, x509.BasicConstraints) and basic.ca


def told(name: x509.Name) -> str:
    """Return a name for a sentence: short, and of characters that can be seen."""
    return printable(name.rfc4514_string())[:200] or "(empty)"


def span(apart: timedelta) -> str:
    """Return a span of time for a sentence: what was made alike is told alike on every day.

    Example:
        >>> span(timedelta(days=30, hours=5)), span(timedelta(seconds=90)), span(timedelta(0))
        ('30 days', '1 minute', 'less than a minute')
    """
    for unit, size in _UNITS.items():
        if number := apart // size:
            return f"{number} {unit}{'s' * (number > 1)}"
    return "less than a minute"

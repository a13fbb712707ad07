"""What a certificate says, in words: all of it field by field, or what decides over trust.

Here: the words, and data/fields.toml, which says what each field is for. Not here: whether it is
still good, and who says so (signed.py), and how a card looks (panels/certificate.py).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from mtls_lab.common import printable, read_facts
from mtls_lab.pki.key_kinds import POST_QUANTUM
from mtls_lab.pki.signed import UNREADABLE, expect_certificate

__all__ = [
    "MISSING",
    "Field",
    "common_name",
    "describe",
    "in_words",
    "oid_name",
    "read_fields",
    "weak_digest",
]

#: The value of a field that a certificate does not have.
MISSING = "(not in this certificate)"
#: More of a value than this says nothing to a reader.
LONGEST = 400
#: The bits of keyUsage as RFC 5280, section 4.2.1.3 calls them, by cryptography's names.
USAGES = {
    "digital_signature": "digitalSignature",
    "content_commitment": "nonRepudiation",
    "key_encipherment": "keyEncipherment",
    "data_encipherment": "dataEncipherment",
    "key_agreement": "keyAgreement",
    "key_cert_sign": "keyCertSign",
    "crl_sign": "cRLSign",
}


# --- Field by field


@dataclass(frozen=True, slots=True)
class Field:
    """One field of one certificate.

    Attributes:
        name: as RFC 5280 and openssl call it, such as "keyUsage".
        title: for people, such as "Key usage".
        value: what this certificate says there.
        what: what the field is for.
        rfc: where it is defined.
        critical: whether who does not understand it must refuse the certificate
            (RFC 5280, section 4.2).
    """

    name: str
    title: str
    value: str
    what: str
    rfc: str
    critical: bool = False


@cache
def _facts() -> dict[str, dict[str, str]]:
    return read_facts("fields")


def read_fields(certificate: x509.Certificate, *, also: Collection[str] = ()) -> tuple[Field, ...]:
    """Return every field, in the order in which they decide over trust.

    Whatever a CA wrote into it, this reads it: what cannot be parsed is named as such.

    Args:
        certificate: what to read.
        also: names of fields that are listed even if the certificate does not have them; their
            value is then `MISSING`.

    Example:
        >>> from mtls_lab.pki import CertificateAuthority
        >>> ca = CertificateAuthority.create("Lab CA")
        >>> for field in read_fields(ca.certificate)[3:5]:
        ...     print(f"{field.name} = {field.value} ({field.rfc})")
        basicConstraints = CA:TRUE, pathlen:0 (RFC 5280, 4.2.1.9)
        keyUsage = keyCertSign, cRLSign (RFC 5280, 4.2.1.3)
    """
    found = [
        _field("subject", certificate.subject.rfc4514_string() or "(empty)"),
        _field("issuer", certificate.issuer.rfc4514_string() or "(empty)"),
        _field("validity", _validity(certificate)),
        _field("subjectPublicKeyInfo", _public_key(certificate)),
        _field("serialNumber", f"{certificate.serial_number:x}"),
        _field("signatureAlgorithm", oid_name(certificate.signature_algorithm_oid)),
        _field("version", certificate.version.name.removeprefix("v")),
        *_extensions(certificate),
    ]
    there = {field.name for field in found}
    found += [_field(name, MISSING) for name in also if name not in there]
    order = list(_facts())
    return tuple(sorted(found, key=lambda field: order.index(field.name)))


def _field(name: str, value: str, *, title: str = "", critical: bool = False) -> Field:
    fact = _facts()[name]
    value = printable(value)
    if len(value) > LONGEST:
        value = f"{value[:LONGEST]}… ({len(value)} characters)"
    return Field(name, title or fact["title"], value, fact["what"], fact["rfc"], critical)


def _extensions(certificate: x509.Certificate) -> list[Field]:
    names = {fact["oid"]: name for name, fact in _facts().items() if "oid" in fact}
    try:
        extensions = list(certificate.extensions)
    except UNREADABLE as error:
        return [_field("unknown", f"not readable: {error}", title="Extensions")]
    return [
        _field(
            names.get(extension.oid.dotted_string, "unknown"),
            _value(extension.value),
            title="" if extension.oid.dotted_string in names else extension.oid.dotted_string,
            critical=extension.critical,
        )
        for extension in extensions
    ]


def _value(value: x509.ExtensionType) -> str:
    text = in_words(value)
    match value:
        case x509.SubjectKeyIdentifier():
            text = value.digest.hex(":")
        case x509.AuthorityKeyIdentifier(key_identifier=bytes(identifier)):
            text = identifier.hex(":")
        case x509.AuthorityInformationAccess() | x509.SubjectInformationAccess():
            pairs = ((oid_name(one.access_method), one.access_location.value) for one in value)
            text = ", ".join(f"{method}: {location}" for method, location in pairs)
        case x509.CRLDistributionPoints() | x509.FreshestCRL():
            text = ", ".join(str(name.value) for point in value for name in point.full_name or ())
    if text:
        return text
    try:
        return value.public_bytes().hex(":")
    except (NotImplementedError, ValueError, TypeError):
        return str(value)


def _validity(certificate: x509.Certificate) -> str:
    def spelled(when: datetime) -> str:
        return f"{when:%Y-%m-%d %H:%M} UTC"

    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return f"{spelled(first)} to {spelled(last)}"


def _public_key(certificate: x509.Certificate) -> str:
    algorithm = certificate.public_key_algorithm_oid
    kind = POST_QUANTUM.get(algorithm.dotted_string) or oid_name(algorithm)
    try:
        key = certificate.public_key()
    except UNREADABLE:
        return f"{kind}, which this program cannot read"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC on the curve {key.curve.name}, {key.key_size} bits"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA, {key.key_size} bits"
    return kind


# --- What decides


def common_name(certificate: x509.Certificate) -> str:
    """Return the subject's common name; empty if it has none."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def describe(certificate: x509.Certificate) -> str:
    """Return what decides over trust, a line a field; no key, serial number or date.

    The names are those of RFC 5280 and of openssl's configuration files. Raises LabError: it is no
    certificate.
    """
    expect_certificate(certificate, "describe")
    lines = [
        ("subject", certificate.subject.rfc4514_string()),
        ("issuer", certificate.issuer.rfc4514_string()),
    ]
    try:
        lines += [
            (oid_name(extension.oid), text + ", critical" * extension.critical)
            for extension in certificate.extensions
            if (text := in_words(extension.value) or _unknown(extension))
        ]
    except UNREADABLE as error:
        lines.append(("extensions", f"not readable: {error}"))
    if digest := weak_digest(certificate):
        lines.append(("signatureAlgorithm", f"{digest}, weak"))
    order = [
        "subject",
        "issuer",
        "basicConstraints",
        "keyUsage",
        "extendedKeyUsage",
        "subjectAltName",
    ]
    lines.sort(key=lambda line: order.index(line[0]) if line[0] in order else len(order))
    return "\n".join(f"{name:<21} {printable(text)}" for name, text in lines)


def in_words(value: x509.ExtensionType) -> str:
    """Return what an extension says, if it is one of those that decide; else nothing.

    Example:
        >>> in_words(x509.BasicConstraints(ca=True, path_length=0))
        'CA:TRUE, pathlen:0'
    """
    text = ""
    if isinstance(value, x509.BasicConstraints):
        text = f"CA:{str(value.ca).upper()}"
        text += f", pathlen:{value.path_length}" if value.path_length is not None else ""
    elif isinstance(value, x509.KeyUsage):
        text = ", ".join(word for name, word in USAGES.items() if getattr(value, name))
    elif isinstance(value, x509.ExtendedKeyUsage):
        text = ", ".join(oid_name(usage) for usage in value)
    elif isinstance(value, x509.SubjectAlternativeName):
        text = ", ".join(_general_name(name) for name in value)
    elif isinstance(value, x509.NameConstraints):
        parts = {"permitted": value.permitted_subtrees, "excluded": value.excluded_subtrees}
        text = "; ".join(
            f"{part} {', '.join(map(_general_name, names))}"
            for part, names in parts.items()
            if names
        )
    return text


def _unknown(extension: x509.Extension[x509.ExtensionType]) -> str:
    """A critical extension that a verifier has to know, or refuse (RFC 5280, section 4.2)."""
    unrecognised = isinstance(extension.value, x509.UnrecognizedExtension)
    return "unknown" if extension.critical and unrecognised else ""


def weak_digest(certificate: x509.Certificate) -> str:
    """The digest of a signature that verifiers of today do not take; `""` for a good one."""
    try:
        digest = certificate.signature_hash_algorithm
    except UNREADABLE:
        return ""
    return digest.name if digest and digest.name in {"md5", "sha1"} else ""


def oid_name(oid: x509.ObjectIdentifier) -> str:
    """Return the name of an object identifier, or its numbers if it has none.

    Example:
        >>> oid_name(x509.ObjectIdentifier("2.5.29.15"))
        'keyUsage'
    """
    return oid.dotted_string if oid._name == "Unknown OID" else oid._name


def _general_name(name: x509.GeneralName) -> str:
    """One name as openssl writes it, such as `DNS:localhost`."""
    kinds = {
        x509.DNSName: "DNS",
        x509.IPAddress: "IP",
        x509.RFC822Name: "email",
        x509.UniformResourceIdentifier: "URI",
    }
    if isinstance(name, x509.DirectoryName):
        return f"DirName:{name.value.rfc4514_string()}"
    return f"{kinds.get(type(name), 'other')}:{name.value}"

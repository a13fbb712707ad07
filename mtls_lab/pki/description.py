"""What a certificate says, in words; and whether it is still good.

Here: reading certificates, and what is told to whoever gives a file in place of one. Not here:
making them (authority.py), and files (pem.py).
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import NameOID

from mtls_lab.errors import LabError, kind_of
from mtls_lab.text import printable

__all__ = [
    "UNREADABLE",
    "UNVERIFIED",
    "common_name",
    "describe",
    "expect_certificate",
    "expect_request",
    "has_signed",
    "in_words",
    "is_current",
    "is_signed_by",
    "oid_name",
]

#: What cryptography raises for a certificate, a request, a list or a key that it cannot read, at
#: once or when a part is asked for. Older releases raise a KeyError for a text of an unknown type.
UNREADABLE = (
    ValueError,
    TypeError,
    KeyError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
#: The same where a signature is checked.
UNVERIFIED = (*UNREADABLE, InvalidSignature)

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
    if weak := _weak_digest(certificate):
        lines.append(("signatureAlgorithm", weak))
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


def _weak_digest(certificate: x509.Certificate) -> str:
    """The digest of a signature that verifiers of today do not take; `""` for a good one."""
    try:
        digest = certificate.signature_hash_algorithm
    except UNREADABLE:
        return ""
    return f"{digest.name}, weak" if digest and digest.name in {"md5", "sha1"} else ""


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


def is_signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether `issuer` has signed this certificate; one that cannot be read has nobody signed."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except UNVERIFIED:
        return False
    return True


def has_signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the key of `issuer` made the signature, whatever the names say."""
    signed = certificate.signature, certificate.tbs_certificate_bytes
    try:
        key = issuer.public_key()
        if isinstance(key, rsa.RSAPublicKey):
            scheme, digest = (
                certificate.signature_algorithm_parameters,
                certificate.signature_hash_algorithm,
            )
            key.verify(*signed, scheme, digest)  # type: ignore[arg-type]
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(*signed, certificate.signature_algorithm_parameters)  # type: ignore[arg-type]
        elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            key.verify(*signed)
        else:
            return False
    except UNVERIFIED:
        return False
    return True


def is_current(certificate: x509.Certificate, issuer: x509.Certificate, *, days: int = 1) -> bool:
    """Whether `issuer` signed this certificate and it stays valid for `days` more."""
    if not is_signed_by(certificate, issuer):
        return False
    end = certificate.not_valid_after_utc - timedelta(days=days)
    return certificate.not_valid_before_utc <= datetime.now(UTC) <= end


# --- A file in place of what is in it


def expect_certificate(thing: object, call: str) -> None:
    """Hold what `call` is given to being a certificate. Raises LabError."""
    _expect(thing, x509.Certificate, call, "a certificate", "pem.read_certificate({})")


def expect_request(thing: object) -> None:
    """Hold what `sign` is given to being a signing request. Raises LabError."""
    read = "x509.load_pem_x509_csr(Path({}).read_bytes())"
    _expect(thing, x509.CertificateSigningRequest, "sign", "a signing request", read)


def _expect(thing: object, kind: type, call: str, what: str, read: str) -> None:
    if isinstance(thing, kind):
        return
    todo = f"give {what}; {read.format('file')} reads one"
    if isinstance(thing, str | os.PathLike):
        todo = f"read the file first: {read.format(repr(os.fspath(thing)))}"
    elif isinstance(getattr(thing, "certificate", None), kind):
        todo = f"give what is in it: {call}(….certificate)"
    raise LabError(f"{call} was given {kind_of(thing)}", what, todo)

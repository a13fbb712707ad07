"""Whether a certificate can be read, who has signed it, and whether it is still good.

Here: what reading one may raise, its signature and dates, and what is told to whoever gives a file
in place of one. Not here: what it says (description.py), and files (pem.py).
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from mtls_lab.common import LabError, kind_of

__all__ = [
    "UNREADABLE",
    "UNVERIFIED",
    "expect_certificate",
    "expect_request",
    "has_signed",
    "is_checkable",
    "is_current",
    "is_signed_by",
]

#: What cryptography raises for a certificate, a request, a list or a key that it cannot read, at
#: once or when a part is asked for. Older releases raise a KeyError for a text of an unknown type,
#: and OpenSSL's own error comes through for a key of X25519 or X448 that has a wrong length.
UNREADABLE = (
    ValueError,
    TypeError,
    KeyError,
    UnsupportedAlgorithm,
    InternalError,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
#: The same where a signature is checked.
UNVERIFIED = (*UNREADABLE, InvalidSignature)


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


def is_checkable(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether a signature with this key can be checked here: MD5, SM2 and others cannot."""
    try:
        key, _ = issuer.public_key(), certificate.signature_hash_algorithm
        scheme = certificate.signature_algorithm_parameters
    except UNREADABLE:
        return False
    return scheme is not None or not isinstance(key, rsa.RSAPublicKey)


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

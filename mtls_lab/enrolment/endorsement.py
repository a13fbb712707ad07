"""The certificate of a TPM's endorsement key: a manufacturer's word that this is a TPM of theirs.

Here: issuing one, as a manufacturer of our own, and checking one (TCG EK Credential Profile, 3.2).
Not here: whether a TPM is ours, which a register says (attested.py), and reading the certificate
that a chip brings (tpm/endorsed.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from mtls_lab.pki import CertificateAuthority
from mtls_lab.pki.authority import CLOCK_SKEW
from mtls_lab.pki.key_kinds import public_key
from mtls_lab.pki.leaf import leaf_builder, name_of
from mtls_lab.pki.rules import extensions_of
from mtls_lab.pki.signed import is_signed_by
from mtls_lab.tpm import Public

__all__ = ["endorse", "not_endorsed"]

#: tcg-kp-EKCertificate: the certificate is that of an endorsement key.
ENDORSEMENT = x509.ObjectIdentifier("2.23.133.8.1")
YEARS = 20
#: CAs between a TPM's certificate and its maker's root: usually one, at times two.
MOST_BETWEEN = 4


def endorse(manufacturer: CertificateAuthority, key: Public, model: str) -> x509.Certificate:
    """Certify a TPM's endorsement key, as its manufacturer does before it is sold.

    Args:
        manufacturer: their CA.
        key: the public area, read from the TPM.
        model: what the certificate calls the TPM.

    Example:
        >>> from mtls_lab.pki import create_key
        >>> point = create_key().public_key().public_numbers()
        >>> x, y = (each.to_bytes(32, "big") for each in (point.x, point.y))
        >>> from mtls_lab.tpm import Attribute
        >>> maker = CertificateAuthority.create("TPM Maker")
        >>> certificate = endorse(maker, Public(Attribute(0), x=x, y=y), "TPM 7")
        >>> not_endorsed(certificate, [maker.certificate]) is None
        True
        >>> not_endorsed(certificate, [CertificateAuthority.create("TPM Maker").certificate])
        'no manufacturer that this office trusts has signed the certificate of this TPM'
    """
    now = datetime.now(UTC)
    identifier = manufacturer.certificate.extensions.get_extension_for_class(
        x509.SubjectKeyIdentifier
    )
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier.value)
    builder = leaf_builder(
        manufacturer.certificate.subject,
        issuer_id,
        name_of(model),
        key.key,
        None,
        (),
        now - CLOCK_SKEW,
        now + timedelta(days=365 * YEARS),
        key_usage=["key_agreement"],
    ).add_extension(x509.ExtendedKeyUsage([ENDORSEMENT]), critical=False)
    return builder.sign(manufacturer.key, hashes.SHA256())


def not_endorsed(
    certificate: x509.Certificate,
    manufacturers: Sequence[x509.Certificate],
    between: Sequence[x509.Certificate] = (),
) -> str | None:
    """Say why a certificate is not the word of a known manufacturer; None if it is.

    Args:
        certificate: what a TPM shows.
        manufacturers: the CAs whose word is taken.
        between: their intermediate CAs, which count only as far as a manufacturer's chain has them.
    """
    if not _vouched(certificate, manufacturers, between):
        return "no manufacturer that this office trusts has signed the certificate of this TPM"
    if not _is_valid(certificate):
        return "the certificate of this TPM is not valid today"
    purposes = extensions_of(certificate).get(x509.ExtendedKeyUsage)
    if not isinstance(purposes, x509.ExtendedKeyUsage) or ENDORSEMENT not in purposes:
        return "this certificate is not that of an endorsement key"
    key = public_key(certificate)
    on_p256 = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    if not on_p256 and not (isinstance(key, rsa.RSAPublicKey) and key.key_size == 2048):
        return "the endorsement key is neither on the curve P-256 nor RSA of 2048 bits"
    return None


def _vouched(
    certificate: x509.Certificate,
    manufacturers: Sequence[x509.Certificate],
    between: Sequence[x509.Certificate],
    below: int = 0,
) -> bool:
    """Whether a chain of CAs leads to a manufacturer; `below` of them have been passed."""
    signers = [
        each
        for each in (*manufacturers, *between)
        if _may_sign(each, below) and is_signed_by(certificate, each)
    ]
    return any(
        each in manufacturers
        or (below < MOST_BETWEEN and _vouched(each, manufacturers, between, below + 1))
        for each in signers
    )


def _may_sign(ca: x509.Certificate, below: int) -> bool:
    """Whether this is a CA that may sign above so many others (RFC 5280, section 6.1.4)."""
    found = extensions_of(ca)
    basic, usage = found.get(x509.BasicConstraints), found.get(x509.KeyUsage)
    if not isinstance(basic, x509.BasicConstraints) or not basic.ca or not _is_valid(ca):
        return False
    if isinstance(usage, x509.KeyUsage) and not usage.key_cert_sign:
        return False
    return basic.path_length is None or below <= basic.path_length


def _is_valid(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_before_utc <= datetime.now(UTC) <= certificate.not_valid_after_utc

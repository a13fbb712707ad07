"""The certificate of a TPM's endorsement key: a manufacturer's word that this is a TPM of theirs.

Here: issuing one, as a manufacturer of our own, and checking one (TCG EK Credential Profile, 3.2).
Not here: whether a TPM is ours, which a register says (attested.py). On a chip the certificate lies
in its memory (NV index 0x01C0000A); the lab keeps it in a file.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from mtls_lab.pki import CertificateAuthority
from mtls_lab.pki.authority import CLOCK_SKEW
from mtls_lab.pki.description import is_signed_by
from mtls_lab.pki.leaf import leaf_builder, name_of
from mtls_lab.pki.rules import extensions_of, public_key
from mtls_lab.tpm import Public

__all__ = ["endorse", "not_endorsed"]

#: tcg-kp-EKCertificate: the certificate is that of an endorsement key.
ENDORSEMENT = x509.ObjectIdentifier("2.23.133.8.1")
YEARS = 20


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
    certificate: x509.Certificate, manufacturers: list[x509.Certificate]
) -> str | None:
    """Say why a certificate is not the word of a known manufacturer; None if it is.

    Args:
        certificate: what a TPM shows.
        manufacturers: the CAs that are known, each of which signs such certificates itself.
    """
    if not any(is_signed_by(certificate, each) for each in manufacturers):
        return "no manufacturer that this office trusts has signed the certificate of this TPM"
    now = datetime.now(UTC)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        return "the certificate of this TPM is not valid today"
    purposes = extensions_of(certificate).get(x509.ExtendedKeyUsage)
    if not isinstance(purposes, x509.ExtendedKeyUsage) or ENDORSEMENT not in purposes:
        return "this certificate is not that of an endorsement key"
    key = public_key(certificate)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        return "the endorsement key is not on the curve P-256"
    return None

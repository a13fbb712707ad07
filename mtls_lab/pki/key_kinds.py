"""What kind of key a certificate is for, and what that kind can sign with in TLS.

Here: names of kinds and of signature algorithms. Not here: which keys are too short (rules.py), and
making keys (authority.py).
"""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from mtls_lab.pki.signed import UNREADABLE

__all__ = [
    "CURVES",
    "OTHERS",
    "POST_QUANTUM",
    "identifier_of",
    "key_kind",
    "public_key",
    "schemes_of",
]

#: The schemes that a key of each kind can sign with: in TLS 1.3, and what 1.2 allows besides.
CURVES = {
    "secp256r1": "ecdsa_secp256r1_sha256",
    "secp384r1": "ecdsa_secp384r1_sha384",
    "secp521r1": "ecdsa_secp521r1_sha512",
}
RSA_13 = frozenset(f"rsa_pss_rsae_sha{size}" for size in (256, 384, 512))
RSA_12 = RSA_13 | {f"rsa_pkcs1_sha{size}" for size in (1, 256, 384, 512)} | {"rsa_sha224"}
ECDSA_12 = frozenset(CURVES.values()) | {"ecdsa_sha1", "ecdsa_sha224"}
#: Kinds whose signatures hold against quantum computers too, by their algorithm (RFC 9881, section
#: 2; RFC 9909, section 3). Which of them cryptography reads depends on its release.
ARC = "2.16.840.1.101.3.4.3."
SLH_DSA = [
    f"{digest}-{size}{speed}"
    for digest in ("SHA2", "SHAKE")
    for size in (128, 192, 256)
    for speed in "sf"
]
POST_QUANTUM = {f"{ARC}{17 + at}": f"ML-DSA-{size}" for at, size in enumerate((44, 65, 87))} | {
    f"{ARC}{20 + at}": f"SLH-DSA-{name}" for at, name in enumerate(SLH_DSA)
}
#: Kinds that TLS 1.3 does not have.
OTHERS = {"1.2.840.10040.4.1": "DSA"}


def public_key(certificate: x509.Certificate) -> object:
    """Return the public key, or None if it is of a kind that cryptography cannot read."""
    try:
        return certificate.public_key()
    except UNREADABLE:
        return None


def identifier_of(certificate: x509.Certificate) -> bytes:
    """Return the identifier that is made of a key (RFC 5280, 4.2.1.2); none if nobody reads it."""
    try:
        return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest
    except UNREADABLE:
        return b""


def key_kind(certificate: x509.Certificate) -> str:
    """Return what kind of key a certificate is for: `RSA 2048`, `EC secp256r1` or `ML-DSA-65`."""
    match public_key(certificate):
        case rsa.RSAPublicKey(key_size=size):
            return f"RSA {size}"
        case ec.EllipticCurvePublicKey(curve=curve):
            return f"EC {curve.name}"
        case ed25519.Ed25519PublicKey():
            return "Ed25519"
        case ed448.Ed448PublicKey():
            return "Ed448"
    try:
        algorithm = certificate.public_key_algorithm_oid.dotted_string
    except UNREADABLE:
        return "of an unknown kind"
    return (POST_QUANTUM | OTHERS).get(algorithm, f"of an unknown kind ({algorithm})")


def schemes_of(certificate: x509.Certificate, *, tls13: bool) -> frozenset[str]:
    """Return the signature algorithms that the key of a certificate can be used with.

    None for SLH-DSA, which no TLS version signs with.
    """
    match public_key(certificate):
        case rsa.RSAPublicKey():
            return RSA_13 if tls13 else RSA_12
        case ec.EllipticCurvePublicKey(curve=curve):
            own = CURVES.get(curve.name, "")
            return frozenset({own}) if tls13 else ECDSA_12
        case ed25519.Ed25519PublicKey():
            return frozenset({"ed25519"})
        case ed448.Ed448PublicKey():
            return frozenset({"ed448"})
    kind = key_kind(certificate)
    return frozenset({kind.lower().replace("-", "")} if tls13 and kind.startswith("ML-DSA") else ())

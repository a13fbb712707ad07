"""What kind of key a certificate is for, by its algorithm where cryptography does not know it."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from mtls_lab.pki.key_kinds import POST_QUANTUM, key_kind, schemes_of
from tests.unit.failures import LEAF, certify, post_quantum

SIGNER = ec.generate_private_key(ec.SECP256R1())
ECDSA = "ecdsa_secp384r1_sha384"


def certificate(key: Any) -> x509.Certificate:
    return certify("device", key, "Root", SIGNER, LEAF)


KINDS: dict[str, tuple[Callable[[], object], set[str]]] = {
    "RSA 2048": (lambda: rsa.generate_private_key(65537, 2048), {"rsa_pss_rsae_sha256"}),
    "EC secp384r1": (lambda: ec.generate_private_key(ec.SECP384R1()), {ECDSA}),
    "EC secp256k1": (lambda: ec.generate_private_key(ec.SECP256K1()), set()),
    "Ed25519": (ed25519.Ed25519PrivateKey.generate, {"ed25519"}),
    "Ed448": (ed448.Ed448PrivateKey.generate, {"ed448"}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_and_what_it_signs_with(kind: str) -> None:
    make, schemes = KINDS[kind]
    told = certificate(make())
    assert key_kind(told) == kind
    assert schemes <= schemes_of(told, tls13=True)
    assert bool(schemes) is bool(schemes_of(told, tls13=True) - {""})


@pytest.mark.parametrize(
    ("number", "kind", "schemes"),
    [
        (17, "ML-DSA-44", {"mldsa44"}),
        (18, "ML-DSA-65", {"mldsa65"}),
        (19, "ML-DSA-87", {"mldsa87"}),
        (20, "SLH-DSA-SHA2-128s", set()),
        (31, "SLH-DSA-SHAKE-256f", set()),
        (99, "of an unknown kind (2.16.840.1.101.3.4.3.99)", set()),
    ],
)
def test_a_key_of_tomorrow(number: int, kind: str, schemes: set[str]) -> None:
    """ML-DSA signs in TLS 1.3, SLH-DSA in none."""
    told = post_quantum(certificate(SIGNER), SIGNER, number)
    assert key_kind(told) == kind
    assert schemes_of(told, tls13=True) == schemes
    assert schemes_of(told, tls13=False) == set()
    assert len(POST_QUANTUM) == 3 + 12

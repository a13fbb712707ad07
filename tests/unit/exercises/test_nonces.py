"""From two lines with one nonce comes a third that verifies; from two with different ones, none."""

import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from mtls_lab.exercises.nonces import from_two

TEXTS = (b"sixteen letters.", b"and sixteen more", b"those of Mallory")


@pytest.mark.parametrize("cipher", [AESGCM, ChaCha20Poly1305])
def test_a_nonce_that_is_used_twice(cipher: type[AESGCM | ChaCha20Poly1305]) -> None:
    for _ in range(50):
        made, nonce = cipher(os.urandom(32)), os.urandom(12)
        one, other, third = ((nonce + made.encrypt(nonce, text, None)).hex() for text in TEXTS)
        assert third in set(from_two(one, other, TEXTS))


@pytest.mark.parametrize("cipher", [AESGCM, ChaCha20Poly1305])
def test_two_nonces(cipher: type[AESGCM | ChaCha20Poly1305]) -> None:
    made = cipher(os.urandom(32))
    one, other = (made.encrypt(os.urandom(12), text, None).hex() for text in TEXTS[:2])
    assert list(from_two(one, other, TEXTS)) == []


@pytest.mark.parametrize("line", ["", "no digits", "00", "00" * 31])
def test_a_line_of_another_kind(line: str) -> None:
    assert list(from_two(line, line, TEXTS)) == []

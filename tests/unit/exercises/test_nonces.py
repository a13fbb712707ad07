"""From two lines with one nonce comes a third that verifies; from two with different ones, none."""

import os
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.poly1305 import Poly1305

from mtls_lab.exercises.encodings import ENCODINGS
from mtls_lab.exercises.forgeries import beside, from_two

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


@pytest.mark.parametrize("encode", [encode for _, encode in ENCODINGS])
def test_tags_beside_the_text(encode: Callable[[bytes], str]) -> None:
    texts = (TEXTS[0].decode(), TEXTS[1].decode(), TEXTS[2].decode())
    for _ in range(50):
        key = os.urandom(32)
        one, other, third = (
            f"{text} {encode(Poly1305.generate_tag(key, text.encode()))}" for text in texts
        )
        assert third in set(beside(one, other, texts))
    assert list(beside("no tag", other, texts)) == []


@pytest.mark.parametrize("line", ["", "no digits", "00", "00" * 31])
def test_a_line_of_another_kind(line: str) -> None:
    assert list(from_two(line, line, TEXTS)) == []

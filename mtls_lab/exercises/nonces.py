"""A nonce that was used twice: from two sealed lines, Mallory computes the tag of a third.

So too without a nonce: Poly1305's key is for one text.

Here: AES-GCM (NIST SP 800-38D) and Poly1305 (RFC 8439), each as an equation of one block. Not here:
what she does with a single line (forgeries.py), and whether she is believed (part1/seal.py).

The tag of a block b is b·x plus what depends on key, nonce and length alone. For two blocks of one
nonce that cancels out, so that x is the difference of the tags over the difference of the blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from mtls_lab.exercises.encodings import ENCODINGS

__all__ = ["beside", "from_two"]

#: Bytes of a block, and of a tag.
BLOCK = 16
#: How a tag looks in each of ENCODINGS.
FORMS = (r"\b[0-9a-f]{32}\b", r"[A-Za-z0-9+/]{22}==", r"[\w-]{22}==")
#: What Poly1305 calculates modulo.
PRIME = 2**130 - 5


def from_two(one: str, other: str, texts: tuple[bytes, bytes, bytes]) -> Iterator[str]:
    """Give lines that hold the third text, if both lines were made with one nonce.

    Args:
        one, other: what she heard; each ends in its tag, as hexadecimal digits or as base64.
        texts: what the two say, and what she wants to say; BLOCK bytes each.
    """
    first, second, wanted = texts
    for decode, encode in ENCODINGS:
        with suppress(ValueError):
            raw = decode(one)
            start, block, tag = raw[: -2 * BLOCK], raw[-2 * BLOCK : -BLOCK], raw[-BLOCK:]
            beside, sign = decode(other)[-2 * BLOCK : -BLOCK], decode(other)[-BLOCK:]
            if encode(raw) != one or _sum(block, beside) != _sum(first, second):
                continue  # another key stream, and so another nonce
            forged = _sum(_sum(block, first), wanted)
            for made in _tags((block, tag), (beside, sign), forged):
                yield encode(start + forged + made)


def beside(one: str, other: str, texts: tuple[str, str, str]) -> Iterator[str]:
    """Give lines that hold the third text, if the tags beside two texts were made with one nonce.

    Args:
        one, other: what she heard; each has its text in clear.
        texts: as for `from_two`.
    """
    blocks = [each.encode() for each in texts]
    for (decode, encode), form in zip(ENCODINGS, FORMS, strict=True):
        tag, sign = (re.search(form, each) for each in (one, other))
        if tag and sign:
            pairs = [(blocks[at], decode(each[0])) for at, each in enumerate((tag, sign))]
            for made in _tags(pairs[0], pairs[1], blocks[2]):
                yield one.replace(tag[0], encode(made)).replace(texts[0], texts[2])


def _tags(one: tuple[bytes, bytes], other: tuple[bytes, bytes], block: bytes) -> Iterator[bytes]:
    """Give what the tag of a block may be: one in GCM, some in Poly1305, which cuts off its carry.

    Args:
        one, other: a block and its tag each.
        block: a third one, of the same nonce.
    """
    (first, tag), (second, sign) = one, other
    over = _power(_number(_sum(first, second)), 2**128 - 2)  # 1 divided by it
    factor = _times(_number(_sum(tag, sign)), over)
    yield _sum(tag, _times(factor, _number(_sum(first, block))).to_bytes(BLOCK))

    here, there, third = (int.from_bytes(each, "little") for each in (first, second, block))
    tags = [int.from_bytes(each, "little") for each in (tag, sign)]
    for carry in range(-5, 6):  # of sums below PRIME, whose difference the tags show modulo 2**128
        factor = (tags[0] - tags[1] + carry * 2**128) * pow(here - there, -1, PRIME)
        change = factor * (third - here) % PRIME
        for made in (tags[0] + change, tags[0] + change - PRIME):
            yield (made % 2**128).to_bytes(BLOCK, "little")


def _sum(one: bytes, other: bytes) -> bytes:
    return bytes(first ^ second for first, second in zip(one, other, strict=True))


def _number(block: bytes) -> int:
    return int.from_bytes(block)


def _times(one: int, other: int) -> int:
    """Multiply in the field of GCM, whose first bit is the lowest (SP 800-38D, section 6.3)."""
    product = 0
    for at in reversed(range(128)):
        product ^= other if one >> at & 1 else 0
        other = other >> 1 ^ (0xE1 << 120 if other & 1 else 0)
    return product


def _power(number: int, exponent: int) -> int:
    result = 1 << 127  # its 1
    for bit in f"{exponent:b}":
        result = _times(result, result)
        if bit == "1":
            result = _times(result, number)
    return result

"""The length extension of SHA-256: a hash that goes on from where another has ended.

Here: the compression function and what Mallory computes with it, without the key, and what may
have been hashed before a text. Not here: what she does with the result (part1/seal.py).

`hashlib` starts at the beginning only, so this is FIPS 180-4, section 6.2, once more.
"""

from __future__ import annotations

import math
import re
import struct
from itertools import count, islice

__all__ = ["extended", "padding", "starts"]

_WORD = 0xFFFFFFFF
_PRIMES = islice((n for n in count(2) if all(n % d for d in range(2, math.isqrt(n) + 1))), 64)


def _cube_root_bits(prime: int) -> int:
    """The first 32 bits behind the point of a prime's cube root (FIPS 180-4, section 4.2.2)."""
    shifted, low, high = prime << 96, 0, 1 << 40
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**3 <= shifted else (low, middle - 1)
    return low & _WORD


_K = tuple(map(_cube_root_bits, _PRIMES))


def padding(length: int) -> bytes:
    """Return what SHA-256 puts behind a message of so many bytes, to fill its last block.

    Example:
        >>> padding(55).hex()
        '8000000000000001b8'
    """
    return b"\x80" + bytes((55 - length) % 64) + struct.pack(">Q", 8 * length)


def extended(digest: bytes, length: int, more: bytes) -> bytes:
    """Return the SHA-256 of a message, its padding and `more`, without the message.

    Args:
        digest: the message's SHA-256.
        length: how many bytes the message has.
        more: what comes behind its padding.

    Example:
        >>> from hashlib import sha256
        >>> message = b"a key that she does not know" + b"the moon is full"
        >>> forged = extended(sha256(message).digest(), len(message), b" of cheese")
        >>> forged == sha256(message + padding(len(message)) + b" of cheese").digest()
        True
    """
    done = length + len(padding(length))
    rest, state = more + padding(done + len(more)), struct.unpack(">8I", digest)
    for start in range(0, len(rest), 64):
        state = _compressed(state, rest[start : start + 64])
    return struct.pack(">8I", *state)


def _turned(word: int, by: int) -> int:
    return (word >> by | word << (32 - by)) & _WORD


def _compressed(state: tuple[int, ...], block: bytes) -> tuple[int, ...]:
    w = list(struct.unpack(">16I", block))
    for t in range(16, 64):
        s0 = _turned(w[t - 15], 7) ^ _turned(w[t - 15], 18) ^ w[t - 15] >> 3
        s1 = _turned(w[t - 2], 17) ^ _turned(w[t - 2], 19) ^ w[t - 2] >> 10
        w.append((w[t - 16] + s0 + w[t - 7] + s1) & _WORD)
    a, b, c, d, e, f, g, h = state
    for k, word in zip(_K, w, strict=True):
        big = _turned(e, 6) ^ _turned(e, 11) ^ _turned(e, 25)
        one = h + big + (e & f ^ ~e & g) + k + word
        two = (_turned(a, 2) ^ _turned(a, 13) ^ _turned(a, 22)) + (a & b ^ a & c ^ b & c)
        a, b, c, d, e, f, g, h = (one + two) & _WORD, a, b, c, (d + one) & _WORD, e, f, g
    return tuple(
        (old + new) & _WORD for old, new in zip(state, (a, b, c, d, e, f, g, h), strict=True)
    )


def starts(line: str, keys: tuple[bytes, ...]) -> set[bytes]:
    """Return what may be hashed before the text: a key, alone or with a salt that the line shows.

    Example:
        >>> starts("a1b2: the sea", (b"key",)) >= {b"key", b"a1b2key", b"key\\xa1\\xb2"}
        True
    """
    words = re.findall(r"[\w+/=-]{4,}", line)
    salts = {word.encode() for word in words}
    salts |= {bytes.fromhex(word) for word in words if re.fullmatch("(?:[0-9a-f]{2})+", word)}
    return {*keys} | {each for key in keys for salt in salts for each in (salt + key, key + salt)}

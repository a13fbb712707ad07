"""The lines that Mallory forges from what was sealed, by the weakness that she finds in a tag.

Here: text in, lines out: from one line, by a SHA-256 that goes on from where it ended, from two
lines of one nonce. Not here: whether they are believed (part1/seal.py).
"""

from __future__ import annotations

import hashlib
import math
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import count, islice

from mtls_lab.exercises.encodings import ENCODINGS
from mtls_lab.exercises.peers import LIE, SECRET, shown

__all__ = ["DARK", "HASHES", "KEYED", "TWIN", "extended", "forgeries", "from_two", "padding"]

#: Which hashes the tag may be made with.
HASHES = ("sha256", "md5", "sha1", "sha512")
#: As long as SECRET: what Mallory needs when she calculates.
DARK = "the moon is dark"
#: As long as SECRET too, and with its CRC-32, whatever stands before and behind.
TWIN = "no moon uhemabhs"
#: What she makes of a text under the old tag: whatever a tag that overlooks case, blanks, ways to
#: write a letter, the order of letters, or a part of the text takes for the same.
CHANGES = (
    *(f"{SECRET[:at]}{SECRET[at].swapcase()}{SECRET[at + 1 :]}" for at in (0, len(SECRET) - 1)),
    *(SECRET.replace(" ", other) for other in ("  ", "", "\N{NO-BREAK SPACE}")),
    f" {SECRET}",
    f"{SECRET} ",
    SECRET.replace("t", "\N{FULLWIDTH LATIN SMALL LETTER T}"),
    *(f"{SECRET[:at]}#{SECRET[at + 1 :]}" for at in reversed(range(len(SECRET)))),
    SECRET[::-1],
    TWIN,
)
KEYED = "nobody without the key may be able to compute a tag: use a method made for that"
COVERS = "a tag covers the text as it is, and all of it"
MIXED = "what a sum, a product or XOR puts in can be taken out: HMAC (RFC 2104) mixes key and text"


def forgeries(line: str, longest: int) -> Iterator[tuple[str, str, str]]:
    """Give what she did, the rule that this breaks, and the line that she sends.

    Args:
        line: what she heard; SECRET stands in it, or it is not changed.
        longest: how many bytes a key may have that stands behind the text in a CRC.
    """
    for text in (LIE, f"{LIE} ", f" {LIE}"):
        yield f"Mallory sent {shown(text)} without a tag, and was believed", "no tag, no text", text
    if SECRET not in line:
        return
    found = f"Mallory computed the CRC of {shown(DARK)} from the one she heard, and was believed"
    for forged in _of_a_crc(line, longest):
        yield found, KEYED, forged
    found = f"Mallory calculated the tag of {shown(DARK)} from the one she heard, and was believed"
    for forged in _of_a_sum(line):
        yield found, MIXED, forged
    for text in CHANGES:
        found = f"Mallory made it {shown(text)}, kept the tag, and was believed"
        yield found, COVERS, line.replace(SECRET, text)
    found = "Mallory put a zero byte behind your text, kept the tag, and was believed"
    rule = "HMAC takes the key first, and fills it up with zero bytes: the text comes second"
    yield found, rule, line.replace(SECRET, f"{SECRET}\0")


def _of_a_crc(line: str, longest: int) -> Iterator[str]:
    """A CRC is linear: what the text changes in it does not depend on what stands before it.

    What stands behind the text shifts the change; how long that is, she tries out.
    """
    start, tag = line[:-8], line[-8:]
    with suppress(ValueError):
        number = int(tag, 16)
        for behind in (bytes(length) for length in range(longest + 3)):
            change = zlib.crc32(SECRET.encode() + behind) ^ zlib.crc32(DARK.encode() + behind)
            yield f"{start.replace(SECRET, DARK)}{number ^ change:08x}"


def _of_a_sum(line: str) -> Iterator[str]:
    """Take a text, or its hash, out of the sum or product with a key, and put another in."""
    measures = [partial(hashlib.new, name, usedforsecurity=False) for name in HASHES]
    sides = [(SECRET.encode(), DARK.encode())]
    sides += [(of(SECRET.encode()).digest(), of(DARK.encode()).digest()) for of in measures]
    for old, new in ((int.from_bytes(one), int.from_bytes(other)) for one, other in sides):
        for tag in re.findall(r"[0-9a-f]{32,}", line):
            number = int(tag, 16)
            for made in (number ^ old ^ new, number - old + new, number // old * new):
                changed = f"{made % 16 ** len(tag):0{len(tag)}x}"
                yield line.replace(tag, changed).replace(SECRET, DARK)


# `hashlib` starts at the beginning only, so here is FIPS 180-4, section 6.2, once more.
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


#: Bytes of a block, and of a tag.
BLOCK = 16
#: What Poly1305 calculates modulo.
PRIME = 2**130 - 5


def from_two(one: str, other: str, texts: tuple[bytes, bytes, bytes]) -> Iterator[str]:
    """Give lines that hold the third text, if both lines were made with one nonce.

    In AES-GCM (NIST SP 800-38D) and Poly1305 (RFC 8439), the tag of a block b is b·x plus what
    depends on key, nonce and length alone. For two blocks of one nonce that cancels out, so that x
    is the difference of the tags over the difference of the blocks.

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

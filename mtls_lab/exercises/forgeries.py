"""The lines that Mallory forges from sealed lines, in whose tags she looks for a weakness.

Here: from one line, each with what she did and the rule that lets her; and from two of one nonce,
or without any: AES-GCM (NIST SP 800-38D) and Poly1305 (RFC 8439), each as an equation of one block.
Not here: whether they are believed (part1/seal.py), and a hash that goes on from where it ended
(extension.py).
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from mtls_lab.exercises.encodings import ENCODINGS
from mtls_lab.exercises.peers import LIE, SECRET, shown

__all__ = ["COVERS", "DARK", "HASHES", "KEYED", "TWIN", "beside", "forgeries", "from_two"]

#: Which hashes the tag may be made with.
HASHES = ("sha256", "md5", "sha1", "sha512", "sha224")
#: As long as SECRET: what Mallory needs when she calculates.
DARK = "the moon is dark"
#: As long as SECRET too, and with its CRC-32, whatever stands before and behind.
TWIN = "no moon uhemabhs"
#: And with its Adler-32.
ADLER = f"uff{SECRET[3:]}"
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
    *(TWIN, ADLER),
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
    rule = "HMAC takes the key first, and pads it with zero bytes: the text comes second"
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


# --- From two lines
#
# The tag of a block b is b·x plus what depends on key, nonce and length alone. For two blocks of
# one nonce that cancels out, so that x is the difference of the tags over that of the blocks. So
# too without a nonce: Poly1305's key is for one text.

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
    factor = _times(_number(_sum(tag, sign)), _inverse(_number(_sum(first, second))))
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


def _inverse(number: int) -> int:
    """Divide 1 by it in the same field, by Euclid's algorithm."""
    here, there = int(f"{number:0128b}"[::-1], 2), 1 << 128 | 0x87
    times, others = 1, 0
    while here > 1:
        shift = here.bit_length() - there.bit_length()
        if shift < 0:
            here, there, times, others, shift = there, here, others, times, -shift
        here, times = here ^ there << shift, times ^ others << shift
    return int(f"{times:0128b}"[::-1], 2)

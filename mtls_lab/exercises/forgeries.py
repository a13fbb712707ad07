"""The lines that Mallory forges from one sealed line, in whose tag she looks for a weakness.

Here: text in, lines out, each with what she did and the rule that lets her. Not here: whether they
are believed (part1/seal.py), and a hash that goes on from where it ended (extension.py).
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

from mtls_lab.exercises.peers import LIE, SECRET, shown

__all__ = ["DARK", "HASHES", "KEYED", "TWIN", "forgeries"]

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

"""What Mallory does with what passes by her.

Here: one unit that passed, and the ways to change it. Not here: the relay that asks (relay.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mtls_lab.wire import Direction, hexdump

__all__ = ["Chunk", "Tamper", "cut", "flip_bit", "replace"]


@dataclass(frozen=True, slots=True)
class Chunk:
    """One unit that passed by: a TLS record, or a line of text.

    Attributes:
        connection: 0 for the first connection through this relay, 1 for the second, …
        index: 0 for the first chunk of this connection in this direction.
        direction: which way it went.
        heard: the bytes as they came.
        sent: the bytes as they were passed on; None if Mallory cut the connection instead.
    """

    connection: int
    index: int
    direction: Direction
    heard: bytes
    sent: bytes | None = None

    def __str__(self) -> str:
        return "\n".join(f"{self.direction.value} {line}" for line in hexdump(self.heard))


#: Gets a chunk, returns the bytes to pass on; None cuts the connection.
Tamper = Callable[[Chunk], bytes | None]


def replace(old: str | bytes, new: str | bytes) -> Tamper:
    """Make a tamper that exchanges these bytes wherever they pass in clear."""
    before, after = (text.encode() if isinstance(text, str) else text for text in (old, new))
    return lambda chunk: chunk.heard.replace(before, after)


def flip_bit(index: int, direction: Direction = Direction.TO_DEVICE, bit: int = 0) -> Tamper:
    """Make a tamper that flips one bit of one chunk; bit 0 is the lowest of its last byte."""

    def tamper(chunk: Chunk) -> bytes:
        if (chunk.direction, chunk.index) != (direction, index):
            return chunk.heard
        at = bit % (8 * len(chunk.heard))
        number = int.from_bytes(chunk.heard, "big") ^ (1 << at)
        return number.to_bytes(len(chunk.heard), "big")

    return tamper


def cut(index: int, direction: Direction = Direction.TO_DEVICE) -> Tamper:
    """Make a tamper that cuts the connection where this chunk would have passed."""
    return lambda chunk: (
        None if (chunk.direction, chunk.index) == (direction, index) else chunk.heard
    )

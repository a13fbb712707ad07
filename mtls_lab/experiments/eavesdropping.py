"""What Eve wrote down, unit by unit: names, the places of a word, what the connection tells.

Here: pure functions from a relay's chunks to values. Not here: their bytes as HTML
(panels/wire/dump.py), and what Mallory does (mallory.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby

from cryptography import x509

from mtls_lab.common import printable
from mtls_lab.net import Chunk
from mtls_lab.pki.signed import UNREADABLE
from mtls_lab.wire import (
    Direction,
    PlaintextMessages,
    looks_like_tls,
    readable_records,
    server_name,
)

__all__ = ["Places", "Unit", "listing", "places", "seen", "units"]

#: For each unit, by its label, where in its bytes something is: from, to.
Places = dict[str, list[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Unit:
    """One TLS record or one line of text.

    Attributes:
        label: its direction and its number in this direction, such as `"← 3"`; in an answer
            to a replay, `"again ← 3"`.
        name: the messages in a record, `"{record}"` if it is encrypted; a line's text.
        tls: whether it is a TLS record.
        start: where it begins in what was sent in this direction.
        chunk: the bytes, as they were heard and as they were passed on.
    """

    label: str
    name: str
    tls: bool
    start: int
    chunk: Chunk

    @property
    def encrypted(self) -> bool:
        """Whether Eve sees no more than its length."""
        return self.tls and self.name.startswith("{")

    @property
    def stream(self) -> tuple[int, str]:
        """What it is a part of: one direction of one connection."""
        return self.chunk.connection, self.chunk.direction.value

    def __str__(self) -> str:
        return f"{self.label} {self.name}, {len(self.chunk.heard)} bytes"


def units(chunks: Iterable[Chunk]) -> tuple[Unit, ...]:
    """Name the chunks, in the order in which they passed."""
    found: list[Unit] = []
    streams: dict[tuple[int, Direction], _Stream] = {}
    for chunk in chunks:
        stream = streams.setdefault((chunk.connection, chunk.direction), _Stream())
        label = f"{'again ' * chunk.connection}{chunk.direction.value} {chunk.index + 1}"
        start = stream.length
        name = stream.name_of(chunk.heard)
        found.append(Unit(label, name, stream.tls, start, chunk))
    return tuple(found)


class _Stream:
    """One direction of one connection, so far."""

    def __init__(self) -> None:
        self.length, self._head, self._messages = 0, b"", PlaintextMessages()

    @property
    def tls(self) -> bool:
        return looks_like_tls(self._head)

    def name_of(self, data: bytes) -> str:
        """Take the next bytes, and name them."""
        self.length += len(data)
        self._head = (self._head + data)[:2]
        names = [name for name, _ in self._messages.feed(data)]
        if not self.tls:
            return printable(data.decode("utf-8", "backslashreplace").rstrip("\r\n"))
        return "{record}" if "record" in names else ", ".join(names) or "part of a message"


def listing(heard: Sequence[Unit]) -> str:
    """Return what passed each way, a line each: the same on every run.

    How the two directions interleave is not, and into how many records the encrypted part is
    cut, so neither is told.
    """
    lines = []
    for stream in _streams(heard):
        told = [
            "{records}" if name == "{record}" else ", ".join(same)
            for name, same in groupby(unit.name for unit in stream)
        ]
        lines.append(f"  {stream[0].label.rstrip('0123456789')}{', '.join(told)}")
    return "\n".join(lines) or "  nothing passed"


def _streams(heard: Iterable[Unit]) -> list[list[Unit]]:
    streams: dict[tuple[int, str], list[Unit]] = {}
    for unit in heard:
        streams.setdefault(unit.stream, []).append(unit)
    return list(streams.values())


def places(heard: Sequence[Unit], wanted: bytes) -> Places:
    """Find every place where these bytes passed in clear, also across two units."""
    found: Places = {}
    for stream in _streams(heard):
        data = b"".join(unit.chunk.heard for unit in stream)
        for hit in re.finditer(re.escape(wanted), data) if wanted else ():
            for unit in stream:
                start = max(hit.start() - unit.start, 0)
                end = min(hit.end() - unit.start, len(unit.chunk.heard))
                if start < end:
                    found.setdefault(unit.label, []).append((start, end))
    return found


def seen(heard: Sequence[Unit]) -> list[tuple[str, str]]:
    """Return what the connection tells about itself, protected or not: names and values."""
    up, down = (
        b"".join(unit.chunk.heard for unit in heard if unit.stream == (0, direction.value))
        for direction in Direction
    )
    rows = [("Always", "who talks to whom, when, and how much")]
    if not any(unit.tls for unit in heard):
        rows.append(("Words", "every one of them, both ways"))
    else:
        rows.append(("Server name", server_name(up) or "not sent"))
        shown, missing = _subjects(down), "not in clear"
        rows.append(("Backend's certificate", " and ".join(shown) or missing))
        missing = "none was sent" if shown else missing
        rows.append(("Device's certificate", " and ".join(_subjects(up)) or missing))
    return rows


def _subjects(stream: bytes) -> list[str]:
    """Return the subjects in a Certificate message in clear: TLS 1.2 (RFC 5246, 7.4.2)."""
    clear: list[bytes] = []
    for record in readable_records(stream) if looks_like_tls(stream) else ():
        if record.type != 22:
            break
        clear.append(record.payload)
    data = b"".join(clear)
    while data and data[0] != 11:
        data = data[4 + int.from_bytes(data[1:4], "big") :]
    rest, found = data[7 : 4 + int.from_bytes(data[1:4], "big")], []
    while rest:
        end = 3 + int.from_bytes(rest[:3], "big")
        with suppress(*UNREADABLE):  # bytes of a peer: they may be anything
            certificate = x509.load_der_x509_certificate(rest[3:end])
            found.append(printable(certificate.subject.rfc4514_string()))
        rest = rest[end:]
    return found

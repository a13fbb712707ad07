"""The fields of a message as rows for a reader, and which bytes belong to each.

Here: from a tree of fields to fewer, flatter rows, and to the pieces of a dump. Not here: HTML
(saying.py), and reading fields from bytes (reading/).

A tree of fields shows every level of RFC 8446's presentation language. Who reads about key_share
needs no `extension_data`, `client_shares` and `KeyShareEntry` on the way to its key: what is on
the way only is left out here, and its bytes belong to the row that it is in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mtls_lab.wire.reading import Field
from mtls_lab.wire.reading.reader import NOT_READABLE

__all__ = ["BETWEEN", "MOST", "Listing", "Piece", "Row", "listings"]

#: Rows of one message. A real one has fifty; a hostile one would fill the page.
MOST = 250
#: Between the values of a list.
BETWEEN = " · "
#: Says that a field was decompressed, so its offsets count in other bytes (reading/messages.py).
DECOMPRESSED = "decompressed"


@dataclass(slots=True)
class Row:
    """One field, as a reader sees it.

    Attributes:
        name: as the RFC calls it.
        value: what it says; "" for one that consists of others.
        rfc: where it is defined.
        start, end: where its bytes are in the message.
        rows: what it consists of.
        number: its place among all rows of the message, from 0.
    """

    name: str
    value: str
    rfc: str
    start: int
    end: int
    rows: list[Row] = field(default_factory=list)
    number: int = -1
    pieces: list[tuple[int, int, str]] = field(default_factory=list, repr=False)

    def walk(self) -> Iterator[Row]:
        """Yield this row and all in it."""
        yield self
        for row in self.rows:
            yield from row.walk()


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of a message that say one thing.

    Attributes:
        data: the bytes.
        title: what they are.
        own: the number of the row that they belong to; -1 without one.
        rows: the numbers of that row and of those that it is in.
    """

    data: bytes
    title: str
    own: int = -1
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of a message, its bytes in pieces, and how many rows were left out."""

    title: str
    rows: list[Row]
    pieces: list[Piece]
    more: int = 0


def listings(message: Field) -> list[Listing]:
    """Return what to show of a message: one listing, or two if a part of it was compressed.

    Example:
        >>> level = Field("level", 0, b"\\x02", "fatal (0x02)")
        >>> [shown] = listings(Field("Alert", 0, b"\\x02\\x30", fields=(level,)))
        >>> [(row.name, row.value) for row in shown.rows]
        [('level', 'fatal (0x02)')]
        >>> [(piece.data.hex(), piece.title, piece.own) for piece in shown.pieces]
        [('02', 'level: fatal (0x02)', 0), ('30', 'Alert', -1)]
    """
    found, count = [], 0
    for each in [message, *(each for each in message.fields if each.value == DECOMPRESSED)]:
        root = _row(each, root=True)
        rows = root.rows
        numbered = [row for top in rows for row in top.walk()]
        for number, row in enumerate(numbered, count):
            row.number = number if number < MOST else -1
        count += len(numbered)
        pieces = [*_pieces(root, each.data, ())]
        title = "" if each is message else f"{each.name}, {DECOMPRESSED}"
        found.append(Listing(title, rows, pieces, max(count - MOST, 0)))
    return found


def _row(each: Field, *, root: bool = False) -> Row:
    row = Row(each.name, each.value, each.rfc, each.offset, each.offset + each.length)
    parts = [_row(part) for part in each.fields if part.value != DECOMPRESSED]
    if not parts:
        row.pieces = [(row.start, row.end, _titled(row))]
        return row
    if not root and len(parts) > 1 and _is_list(parts):
        row.value = BETWEEN.join(_short(part.value) for part in parts)
        row.pieces = [piece for part in parts for piece in part.pieces]
        return row
    for part in parts:
        if part.name == "extension_type":
            row.pieces += part.pieces
        elif part.name == "extension_data":
            row.pieces += part.pieces
            row.value, row.rows = part.value, [*row.rows, *part.rows]
        else:
            row.rows.append(part)
    only = row.rows[0] if len(row.rows) == 1 else None
    if only and not root and each.name != "extensions" and only.name != NOT_READABLE:
        row.value = only.value if only.rows else _short(only.value)
        row.rows, row.pieces = only.rows, row.pieces + only.pieces
    if row.rows:
        row.value = row.value if root else ""
    return row


def _is_list(parts: list[Row]) -> bool:
    return len({part.name for part in parts}) == 1 and not any(part.rows for part in parts)


def _short(value: str) -> str:
    """A value without the number behind its name."""
    name, number, _ = value.partition(" (0x")
    return name if number else value


def _titled(row: Row) -> str:
    return f"{row.name}: {row.value}" if row.value else row.name


def _pieces(row: Row, data: bytes, outer: tuple[int, ...]) -> Iterator[Piece]:
    """Yield the bytes of a row in order: its own, and between them those of the rows in it."""
    own = row.number
    around = (*outer, own) if own >= 0 else outer
    parts: list[tuple[int, int, str | Row]] = [*row.pieces]
    parts += [(part.start, part.end, part) for part in row.rows]
    at = row.start
    gap = f"length of {row.name}" if own >= 0 else row.name
    for start, end, what in sorted(parts, key=lambda part: part[:2]):
        if start > at:
            yield Piece(data[at:start], gap, own, around)
        if isinstance(what, Row):
            yield from _pieces(what, data, around)
        elif end > start:
            yield Piece(data[start:end], what, own, around)
        at = max(at, end)
    if row.end > at:
        yield Piece(data[at : row.end], gap, own, around)

"""The units that Eve wrote down, as a list that opens to their bytes.

Here: pure functions to HTML, in which every byte of a peer is escaped. Not here: what the units
are (experiments/eavesdropping.py), widgets (panel.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from mtls_lab.drawing import escape
from mtls_lab.experiments.eavesdropping import Places, Unit
from mtls_lab.wire import Direction

__all__ = ["draw"]

#: Bytes in a row. Eight fit on a telephone; a wide page shows columns of such rows.
WIDTH = 8
#: Bytes in a row that look like text where the rest is binary: shorter ones come by chance.
READABLE = re.compile(rb"[ -~]{6,}")
#: Letters of a line that stand for it while it is closed.
TITLE = 80

Span = tuple[int, int]


def draw(heard: Sequence[Unit], found: Places, aimed: tuple[str, int] | None = None) -> str:
    """Return the units as a list that opens to their bytes.

    Args:
        heard: the units.
        found: what is marked and opened.
        aimed: the unit and the byte that Mallory would hit.
    """
    unit_aimed, at = aimed or ("", 0)
    return "".join(
        _unit(unit, found.get(unit.label, []), [(at, at + 1)] * (unit.label == unit_aimed))
        for unit in heard
    )


def _unit(unit: Unit, found: list[Span], aimed: list[Span]) -> str:
    chunk = unit.chunk
    to_backend = chunk.direction is Direction.TO_BACKEND
    way = "to the backend" if to_backend else "to the device"
    notes = [f"{len(chunk.heard)} bytes"]
    if unit.tls:
        notes.append("encrypted" if unit.encrypted else "in clear")
    tags = ["found here"] * bool(found)
    body = _dump(unit, chunk.heard, found, aimed)
    if chunk.sent is None:
        tags.append("✂ cut here: it did not pass")
    elif chunk.sent != chunk.heard:
        tags.append("✎ changed by Mallory")
        ranges = [_changed(chunk.heard, chunk.sent), _changed(chunk.sent, chunk.heard)]
        body = (
            f"<p>As it was sent:</p>{_dump(unit, chunk.heard, found + ranges[:1])}"
            f"<p>As Mallory passed it on:</p>{_dump(unit, chunk.sent, ranges[1:])}"
        )
    opened = " open" if found or chunk.sent != chunk.heard else ""
    told = " ".join(f"<span class='lab-tag'>{tag}</span>" for tag in tags)
    return (
        f"<details class='lab-unit lab-{'up' if to_backend else 'down'}'{opened} "
        f"data-unit='{unit.label}' data-key='{unit.label}'>"
        f"<summary><span class='lab-number'>{unit.label}</span> "
        f"<span class='lab-unseen'>{way}: </span><b>{escape(unit.name[:TITLE])}</b> "
        f"<span class='lab-note'>{', '.join(notes)}</span> {told}</summary>{body}</details>"
    )


def _changed(these: bytes, others: bytes) -> Span:
    """Where `these` differ from `others`: all but what they begin and end with in common."""
    pairs = list(zip(these, others, strict=False))
    start = next((at for at, (a, b) in enumerate(pairs) if a != b), len(pairs))
    ends = list(zip(reversed(these[start:]), reversed(others[start:]), strict=False))
    same = next((at for at, (a, b) in enumerate(ends) if a != b), len(ends))
    return start, len(these) - same


def _dump(unit: Unit, data: bytes, found: list[Span], aimed: Sequence[Span] = ()) -> str:
    """Return the bytes in rows of hexadecimal and text, the readable and the found marked."""
    kinds = [""] * len(data)
    readable = [] if unit.encrypted else [m.span() for m in READABLE.finditer(data)]
    if not unit.tls:
        readable = [(0, len(data.rstrip(b"\r\n")))]
    for spans, kind in (
        (readable, "<mark>"),
        (found, "<mark class='lab-found'>"),
        (aimed, "<mark class='lab-aimed'>"),
    ):
        for start, end in spans:
            kinds[start:end] = [kind] * (end - start)
    rows = []
    for at in range(0, len(data), WIDTH):
        runs = [
            (kind, bytes(byte for _, byte in run))
            for kind, run in groupby(
                zip(kinds[at : at + WIDTH], data[at : at + WIDTH], strict=True), lambda p: p[0]
            )
        ]
        hexed = " ".join(_wrapped(kind, part.hex(" ")) for kind, part in runs)
        text = "".join(_wrapped(kind, escape(_text(part))) for kind, part in runs)
        rows.append(f"<span><i>{at:04x}</i><code>{hexed}</code><code>{text}</code></span>")
    return f"<div class='lab-dump'>{''.join(rows)}</div>"


def _wrapped(kind: str, text: str) -> str:
    return f"{kind}{text}</mark>" if kind else text


def _text(part: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)

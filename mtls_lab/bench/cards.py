"""A diagnosis and a client as cards, in a notebook.

Here: the form. Not here: what is on them (value.py, clients.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mtls_lab.drawing import (
    BAD,
    EDGE,
    GOOD,
    WARN,
    breakable,
    card,
    code,
    definitions,
    escape,
    side_by_side,
    verdict,
)

if TYPE_CHECKING:
    from mtls_lab.bench.value import Cause, Diagnosis, Line

__all__ = ["as_cards", "as_lines"]

_COLOURS = {"✓": GOOD, "✗": BAD, "!": WARN}


def as_lines(lines: Iterable[Line]) -> str:
    """Return what was seen, a line each, with its sign; the colour repeats what the sign says.

    Example:
        >>> from mtls_lab.bench.value import Line
        >>> as_lines([Line("TCP", "✓", "<ok>")]).count("&lt;ok&gt;")
        1
    """
    rows = "".join(
        f'<dt style="font-weight:600"><span style="border-left:4px solid '
        f'{_COLOURS.get(line.sign, EDGE)};padding-left:6px">{line.sign} {escape(line.label)}</span>'
        f'</dt><dd style="margin:0;min-width:0;overflow-wrap:anywhere">{breakable(line.text)}</dd>'
        for line in lines
    )
    style = "display:grid;grid-template-columns:fit-content(38%) minmax(0,1fr);gap:2px 12px"
    return f'<dl style="{style};margin:4px 0">{rows}</dl>'


def as_cards(diagnosis: Diagnosis, title: str) -> str:
    """Return a diagnosis: what was seen, and a card for each cause.

    Args:
        diagnosis: the value.
        title: what is said where nothing is wrong.
    """
    seen = side_by_side(card(f"<b>{escape(diagnosis.target)}</b>", as_lines(diagnosis.lines)))
    if diagnosis.ok:
        return seen + verdict(diagnosis.ok, title)
    causes = (_cause(number, each) for number, each in enumerate(diagnosis.causes, 1))
    return seen + "".join(side_by_side(each) for each in causes)


def _cause(number: int, cause: Cause) -> str:
    sure = "certain" if cause.certain else "likely"
    head = f"<b>{number}. {breakable(cause.says)}</b> ({sure})"
    rows = [("Seen", "; ".join(cause.evidence)), ("What to do", cause.fix)]
    body = definitions(((name, text) for name, text in rows if text), sentences=True)
    return card(head, body + (code(cause.command) if cause.command else ""), good=False)

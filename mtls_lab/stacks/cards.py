"""Both sides of a stack as cards, in a notebook.

Here: the form. Not here: what is on them (meeting.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtls_lab.drawing import actor, breakable, card, escape, side_by_side

if TYPE_CHECKING:
    from mtls_lab.stacks.meeting import Encounter, Encounters

__all__ = ["as_cards"]


def as_cards(encounters: Encounters) -> str:
    """Return a row of two cards for each credential: the client's words, the server's words."""
    if encounters.instead:
        return f"<p>{escape(encounters.instead)}</p>"
    return "".join(_row(encounters, each) for each in encounters.all)


def _row(encounters: Encounters, encounter: Encounter) -> str:
    sign = "✓ served" if encounter.served else "✗ not served"
    name = encounter.credential.replace("_", " ")
    head = f'<p style="margin:8px 0 0;font-weight:600">{escape(name)} {sign}</p>'
    sides = side_by_side(
        card(actor("device", encounters.client), _words(encounter.client), good=encounter.served),
        card(actor("backend", encounters.server), _words(encounter.server), good=encounter.served),
    )
    return head + sides


def _words(lines: tuple[str, ...]) -> str:
    if not lines:
        return '<div style="font-style:italic">says nothing</div>'
    style = "overflow-wrap:anywhere;margin:2px 0"
    return "".join(f'<div style="{style}">{breakable(line)}</div>' for line in lines)

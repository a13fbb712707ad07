"""Both ends of an exchange, and what an explanation says, as a panel shows them.

Here: the same cards as in a cell (wire/cards.py, diagnosis/cards.py). Not here: widgets.
"""

from __future__ import annotations

from mtls_lab.diagnosis.cards import reasons
from mtls_lab.drawing import side_by_side
from mtls_lab.wire import Side
from mtls_lab.wire.cards import side_card

__all__ = ["both_sides", "reasons"]


def both_sides(*sides: tuple[str, Side | str]) -> str:
    """Return each side's view under its title; a text for one that is not known."""
    return side_by_side(*(side_card(side, title) for title, side in sides))

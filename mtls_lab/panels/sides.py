"""Both ends of an exchange side by side, and what an explanation says, as a panel shows them.

Here: the same cards as in a cell (wire/cards.py), with the words of this release of OpenSSL. Not
here: widgets; what a failure means (diagnosis/explanation.py).
"""

from __future__ import annotations

from mtls_lab.diagnosis import Explanation
from mtls_lab.drawing import definitions, side_by_side
from mtls_lab.wire import Side
from mtls_lab.wire.cards import side_card

__all__ = ["both_sides", "reasons"]


def both_sides(*sides: tuple[str, Side | str]) -> str:
    """Return each side's view under its title; a text for one that is not known."""
    return side_by_side(*(side_card(side, title, exact=True) for title, side in sides))


def reasons(explanation: Explanation) -> str:
    """Return what happened, why, where, what to do and how to check it, as a list."""
    rows = [
        ("What happened", explanation.what),
        ("Why", explanation.why),
        ("Where", explanation.where),
        ("What to do", explanation.fix),
        ("Check with", explanation.command),
    ]
    return definitions((name, text) for name, text in rows if text)

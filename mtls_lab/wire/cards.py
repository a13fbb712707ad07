"""What each side of a connection saw, as cards.

Here: HTML of a side, or of both, the same in a cell and in a panel. Not here: the forms of cards
(drawing/), and what a failure means (diagnosis/).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtls_lab.drawing import actor, card, definitions, escape, side_by_side

if TYPE_CHECKING:
    from mtls_lab.wire.outcome import Side, Step

__all__ = ["both_sides", "side_card"]


def both_sides(*sides: Side | str, exact: bool = False) -> str:
    """Return the sides' cards beside each other; see `side_card`."""
    return side_by_side(*(side_card(side, exact=exact) for side in sides))


def side_card(side: Side | str, title: str = "", *, exact: bool = False) -> str:
    """Return how far one side came, step by step, and its error.

    Args:
        side: what it saw; or, of a backend, what is said instead.
        title: what it is called, if not by its name.
        exact: add the words of this release of OpenSSL to the reason that all releases share.

    Example:
        >>> card = side_card("saw no connection")
        >>> "■ backend" in card, "saw no connection" in card
        (True, True)
    """
    if isinstance(side, str):
        return card(actor("backend", title), f"<p>{escape(side)}</p>")
    steps = side.steps
    good = side.ok and all(step.good for step in steps)
    rows = [(step.name, _words(side, step, exact=exact)) for step in steps]
    body = definitions(rows or [("connect", "✓ it opened and ended, and nothing was said")])
    return card(actor(side.who, title), body, good=good)


def _words(side: Side, step: Step, *, exact: bool) -> str:
    words = f"{'✓' if step.good else '✗'} {step.words}".rstrip()
    if side.reused and step.name == "handshake":
        words += ": no certificate was shown"
    failure = side.failure
    if exact and failure and not step.good and failure.text and failure.text not in words:
        words += f" ({failure.text})"
    return words

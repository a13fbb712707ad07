"""What each side of a connection saw, as cards; several connections one below the other.

Here: HTML of a side, of both, or of exchanges under their labels, the same in a cell and in a
panel. Not here: the forms of cards (drawing/), and what a failure means (explaining/).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mtls_lab.common import Shown
from mtls_lab.drawing import (
    ACTORS,
    WARN,
    actor,
    actor_of,
    breakable,
    card,
    definitions,
    escape,
    side_by_side,
    varying,
)

if TYPE_CHECKING:
    from mtls_lab.wire.outcome import Exchange, Failure, Side, Step

__all__ = ["Compared", "both_sides", "compare", "side_card"]

_DECEIVED = "<p style='margin:4px 0'><b>⚠ deceived</b>: it was Mallory who answered</p>"


def both_sides(*sides: Side | str) -> str:
    """Return the sides' cards beside each other; see `side_card`.

    Where Mallory answered in the backend's place, the other side is told so.

    Example:
        >>> from mtls_lab.wire import Side, Stage
        >>> page = both_sides(
        ...     Side("device", Stage.APPLICATION, received=("the cave is empty",)),
        ...     Side("mallory", Stage.APPLICATION, received=("GET_SECRET",)),
        ... )
        >>> page.count("deceived")
        1
    """
    by_mallory = any(actor_of(_name(side)) is ACTORS["mallory"] for side in sides)
    return side_by_side(*(side_card(side, by_mallory=by_mallory) for side in sides))


def _name(side: Side | str) -> str:
    return "backend" if isinstance(side, str) else side.who


def side_card(side: Side | str, title: str = "", *, by_mallory: bool = False) -> str:
    """Return how far one side came, step by step, and its error.

    Below the reason, which all releases of OpenSSL share, are the words of this one.

    Args:
        side: what it saw; or, of a backend, what is said instead.
        title: what it is called, if not by its name.
        by_mallory: whether Mallory answered; a side that noticed nothing was deceived.

    Example:
        >>> card = side_card("saw no connection")
        >>> "■ backend" in card, "saw no connection" in card
        (True, True)
    """
    if isinstance(side, str):
        return card(actor("backend", title), f"<p>{escape(side)}</p>")
    steps = side.steps
    rows = [(step.name, _words(side, step)) for step in steps]
    body = definitions(rows or [("connect", "✓ it opened and ended, and nothing was said")])
    good: bool | None = side.ok and all(step.good for step in steps)
    named = actor(side.name or side.who, title)
    if by_mallory and good and side.received and not _is_attacker(side):
        return card(named, f"{body}{_DECEIVED}", colour=WARN)
    if _is_attacker(side):
        good = False if good else None  # what serves her is no success
    return card(named, body + _in_full(side.failure), good=good)


def _words(side: Side, step: Step) -> str:
    taken = step.good and step.name == "received" and _is_attacker(side)
    words = f"{'⚠' if taken else '✓' if step.good else '✗'} {step.words}".rstrip()
    resumed = side.reused and step.name == "handshake"
    return words + ": no certificate was presented" * resumed


def _is_attacker(side: Side) -> bool:
    return actor_of(side.name or side.who) is ACTORS["mallory"]


def _in_full(failure: Failure | None) -> str:
    if failure is None or _words_of(failure.text) <= _words_of(str(failure)):
        return ""
    return varying(f'<div style="font-size:.92em">In full: {breakable(failure.text)}</div>')


def _words_of(text: str) -> set[str]:
    """The words of a message: OpenSSL often says one twice, as a name and in small letters."""
    return set(re.findall(r"[a-z0-9]+", text.lower())) - {"ssl"}


# --- Several exchanges


@dataclass(frozen=True)
class Compared(Shown):
    """Exchanges by what tells one from the other, in the order in which they were made."""

    exchanges: Mapping[str, Exchange]

    def __str__(self) -> str:
        return "\n\n".join(f"{label}:\n{each}" for label, each in self.exchanges.items())

    def _repr_html_(self) -> str:
        return "".join(
            f'<p style="margin:18px 0 4px"><b>{escape(label)}</b></p>{each._repr_html_()}'
            for label, each in self.exchanges.items()
        )


def compare(exchanges: Mapping[str, Exchange]) -> Compared:
    """Return exchanges as one value, which shows each under its label.

    Example:
        >>> from mtls_lab.wire import Exchange, Side, Stage
        >>> print(compare({"Alone": Exchange("PING", Side("device", Stage.CONNECT))}))
        Alone:
        device   connect ✓
        backend  saw no connection
    """
    return Compared(exchanges)

"""Several exchanges under their labels, as one value of a cell.

Here: the value and its two forms. Not here: the cards (cards.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mtls_lab.drawing import escape
from mtls_lab.text import Shown
from mtls_lab.wire.outcome import Exchange

__all__ = ["Compared", "compare"]


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
        >>> from mtls_lab.wire import Side, Stage
        >>> print(compare({"Alone": Exchange("PING", Side("device", Stage.CONNECT))}))
        Alone:
        device   connect ✓
        backend  saw no connection
    """
    return Compared(exchanges)

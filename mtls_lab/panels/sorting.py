"""A panel in which things are put into their places, and a run says what comes of it.

Here: the sorter, the button, and what is shown before the run. Not here: the sorter itself
(sorter.py), and the panels based on this (placement.py, chain.py, parsons.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ipywidgets

from mtls_lab.common import UnknownName
from mtls_lab.drawing import actor, card, escape, side_by_side
from mtls_lab.explaining import explain
from mtls_lab.explaining.cards import reasons
from mtls_lab.panels.base import Panel, details, mark
from mtls_lab.panels.sorter import Sorter
from mtls_lab.wire import Exchange

__all__ = ["ListPanel", "SortPanel", "items", "means", "with_reasons"]

NOT_RUN = "Not run yet. Predict what both sides will say, then press Run."
NOT_ASKED = "saw nothing yet"


class SortPanel(Panel):
    """Things to be put into places; `value` is what the last run gave, None before it.

    What a hand changes is kept for the next kernel, and takes the result of the last run away: it
    belongs to another arrangement.
    """

    def sort(self, sorter: Sorter) -> None:
        """Show the sorter, and the button that runs what was put together."""
        self._sorter = sorter
        run = ipywidgets.Button(description="Run", button_style="primary")
        self.on_change(sorter, self.moved)
        self.on_click(run, self.run)
        self.add(sorter)
        self.add(run)
        self._below = ipywidgets.HTML()
        self.add_below(self._below, sorter.carrier)

    def moved(self) -> None:
        """Answer a hand: the old result goes, and what lies where is kept."""
        self.wait()
        self._sorter.keep()

    def wait(self) -> None:
        """Show what is put together now, and no result."""
        sides = (card(actor(name), f"<p>{NOT_ASKED}</p>") for name in ("device", "backend"))
        self._below.value = side_by_side(*sides)
        self.show(None, f"{self.arranged()}\n{NOT_RUN}", mark(None, NOT_RUN), outcome="open")

    def run(self) -> None:
        """Run what is put together now, and show what came of it."""
        raise NotImplementedError

    def arranged(self) -> str:
        """Return what is put together now, as text."""
        raise NotImplementedError


class ListPanel(SortPanel):
    """One list to be put in order."""

    def select(self, *names: str) -> Any:
        """Put these in order as a hand would, run, and return `value`.

        Raises:
            UnknownName: there is nothing of this name, or it comes twice.
        """
        left = [each["name"] for each in self._sorter.things]
        for name in names:
            if name not in left:
                raise UnknownName(self.name, name, left)
            left.remove(name)
        with self.turn:
            with self.quietly():
                self._sorter.put(**{self._place: list(names)})
            self.guard(self.run)
            return self.value

    @property
    def _place(self) -> str:
        name: str = self._sorter.places[0]["name"]
        return name

    @property
    def order(self) -> list[str]:
        """The names of what is in the list."""
        return list(self._sorter.value[self._place])

    def labels(self) -> list[str]:
        """What the things in the list are called, in order."""
        labels = {each["name"]: each["label"] for each in self._sorter.things}
        return [labels[name] for name in self.order]

    def arranged(self) -> str:
        """Return the list as text."""
        return "\n".join(self.labels()) or "(nothing yet)"

    def still(self) -> str:
        """Return what there is to choose from, the list, and what came of it."""
        left = [each for each in self._sorter.things if each["name"] not in self.order]
        offered = "".join(f"<li>{_still(each['label'], each['note'])}</li>" for each in left)
        listed = "".join(f"<li>{_still(label)}</li>" for label in self.labels())
        place = self._sorter.places[0]["label"]
        lists = side_by_side(
            card(f"<b>{escape(self._sorter.rest)}</b>", f"<ul>{offered}</ul>"),
            card(f"<b>{escape(place)}</b>", f"<ol>{listed}</ol>" if listed else "<p>nothing</p>"),
        )
        return f"{lists}{self._shown}{self._below.value if self.value else ''}"


def _still(label: str, note: str = "") -> str:
    return f"<code>{escape(label)}</code>" + (f": {escape(note)}" if note else "")


def with_reasons(exchange: Exchange) -> str:
    """Return both sides, and below them, folded, what an error means."""
    return exchange._repr_html_() + means(exchange)


def means(exchange: Exchange) -> str:
    """Return what an error means, folded; nothing if there was none, or if the lab cannot tell."""
    told = None if exchange.ok else explain(exchange)
    return details("What the error means", reasons(told)) if told and told.known else ""


def items(texts: Iterable[str]) -> str:
    """Return texts as a list, each escaped; nothing for none."""
    found = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f"<ul>{found}</ul>" if found else ""

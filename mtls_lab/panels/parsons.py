"""A Parsons problem: the lines of a backend's context in an order that works, judged by calls.

Here: the list, and the result. Not here: the lines and who calls (experiments/parsons.py), and
moving them (sorter.py).
"""

from __future__ import annotations

from mtls_lab.drawing import card, definitions, escape, side_by_side
from mtls_lab.experiments.parsons import FOOT, HEAD, Assembled, assemble, callers, lines
from mtls_lab.panels.base import mark
from mtls_lab.panels.sorter import Place, Sorter, Thing
from mtls_lab.panels.sorting import ListPanel, items, means, with_reasons
from mtls_lab.wire import Exchange, Side

__all__ = ["ParsonsPanel"]


class ParsonsPanel(ListPanel):
    """Put a function together; `value` is the `Assembled` of the last run, None before the first.

    `select("make", "present")` does it in a cell, with the names of data/parsons.toml.
    """

    name = "parsons"
    looks = ("sorter", "parsons")

    def __init__(self) -> None:
        super().__init__(
            "A backend that serves its devices, and nobody else",
            "Build the function. Not every line belongs in it. Run starts a backend with what "
            "you built, and four clients call it.",
        )
        things = [Thing(name, code, code=True) for name, code in lines().items()]
        place = Place("lines", "Your function", many=True, head=HEAD, foot=FOOT)
        sorter = Sorter(things, [place], label="Your function", rest="Lines", kept=self.name)
        sorter.recall()
        self.sort(sorter)
        self.wait()

    def run(self) -> None:
        """Make the context, and let everybody call."""
        made = assemble(self.order)
        good = made.starts and made.works and not made.wrong
        told = [each.wrong for each in made.wrong if not each.served]
        if made.raised_at:
            told = [
                f"At this line: {made.raised_at}",
                "There is no context yet: the line that makes one comes before those that use it.",
            ]
        first = next(iter(made.calls.values()))
        self._below.value = _calls(made) + means(first) if made.starts else with_reasons(first)
        self.show(
            made,
            f"{self.arranged()}\n{made}",
            mark(good, made.verdict) + items(told),
            outcome="right" if good else "unsafe" if made.starts and made.works else "not yet",
        )


def _calls(made: Assembled) -> str:
    """Return a card for each caller, with what both sides saw, two in a row."""
    cards = [_card(made.calls[name], each.title, each.served) for name, each in callers().items()]
    return "".join(side_by_side(*cards[at : at + 2]) for at in range(0, len(cards), 2))


def _card(exchange: Exchange, title: str, should: bool) -> str:  # noqa: FBT001 - what is expected
    served = "served" if exchange.ok else "refused"
    sign = "✓" if exchange.ok is should else "✗"
    rows = [("device", _end(exchange.device))]
    if exchange.backend:
        who = exchange.backend.peer or "somebody that it does not know"
        rows.append(("backend", _end(exchange.backend) + f" from {who}" * exchange.ok))
    head = f"<b>{sign} {served}</b> · {escape(title)}"
    return card(head, definitions(rows), good=exchange.ok is should)


def _end(side: Side) -> str:
    """How far it came: the last step that it saw."""
    return str(side.steps[-1]) if side.steps else "connect ✓"

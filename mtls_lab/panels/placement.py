"""Which CA goes where: six files, two machines; place them, run, and see what each side says.

Here: the slots, and the result. Not here: moving the files (sorter.py), running a placement and
whom to blame (experiments/placement.py), what the error means (explaining/explanation.py).
"""

from __future__ import annotations

import ipywidgets

from mtls_lab.drawing import actor, card, definitions, side_by_side
from mtls_lab.experiments import Kit
from mtls_lab.experiments.placement import EMPTY, Placed, Slot, files, placement, slots, starts
from mtls_lab.panels.base import mark
from mtls_lab.panels.sorter import Place, Sorter, Thing
from mtls_lab.panels.sorting import SortPanel, items, with_reasons
from mtls_lab.wire import Exchange

__all__ = ["PlacementPanel"]

#: What "Begin with" says of a placement that has no name.
OWN = ""


class PlacementPanel(SortPanel):
    """Six slots to fill; `value` is the `Exchange` of the last run, None before the first.

    Args:
        start: where to begin, such as "swapped", "empty" or "right". Without a start, the panel
            goes on with what the learner placed last, or else begins with "swapped".
        slots: slots that differ from that, each with its file, or None for an empty one.

    Raises:
        UnknownName: there is no such start, slot or file.
    """

    name = "placement"
    looks = ("sorter", "placement")

    def __init__(self, start: str = "", **slots: str | None) -> None:
        super().__init__(
            "Which CA goes where?",
            "One CA signs servers, another signs devices. Put the right file into each slot, "
            "predict what happens, and run.",
        )
        placed = placement(start or "swapped", **slots)
        self._kit = Kit()
        self._start = ipywidgets.Dropdown(
            options=[*((title, name) for name, title in starts().items()), ("(your own)", OWN)],
            description="Begin with:",
        ).add_class("lab-stacked")
        sorter = _sorter()
        if start or slots or not sorter.recall():
            sorter.put(**_lying(placed))
        self.on_change(self._start, self._begin_anew)
        self.add(self._start)
        self.sort(sorter)
        self.wait()

    @property
    def placed(self) -> dict[str, str]:
        """Which file each slot has now."""
        return {name: (lying or [EMPTY])[0] for name, lying in self._sorter.value.items()}

    def select(self, start: str = "right", **slots: str | None) -> Exchange:
        """Fill the slots as a hand would, run, and return the exchange.

        Args:
            start: the placement to begin with.
            slots: those that differ from it: `device_cafile`, `device_certfile`,
                `device_keyfile`, `backend_certfile`, `backend_keyfile`, `backend_cafile`, each
                with the name of a file, or None for no file.

        Raises:
            UnknownName: there is no such start, slot or file.
        """
        placed = placement(start, **slots)
        with self.turn:
            self._set(placed)
            self._name_it()
            self.guard(self.run)
            exchange: Exchange = self.value
            return exchange

    def still(self) -> str:
        """Return what is in each slot, and what came of it."""
        machines = dict.fromkeys(slot.machine for slot in slots().values())
        cards = (card(actor(machine), definitions(self._slots_of(machine))) for machine in machines)
        came = f"{self._shown}{self._below.value if self.value else ''}"
        return side_by_side(*cards) + came

    def _slots_of(self, machine: str) -> list[tuple[str, str]]:
        placed = self.placed
        return [
            (slot.option, placed[name] or "(no file)")
            for name, slot in slots().items()
            if slot.machine == machine
        ]

    def _set(self, placed: dict[str, str]) -> None:
        with self.quietly():
            self._sorter.put(**_lying(placed))

    def _begin_anew(self) -> None:
        if self._start.value != OWN:
            self._set(placement(self._start.value))
        self.moved()

    def _name_it(self) -> None:
        """Let "Begin with" name the placement that is there, if it has a name."""
        here = self.placed
        with self.quietly():
            self._start.value = next((name for name in starts() if placement(name) == here), OWN)

    def wait(self) -> None:
        """Take the old result away: it belongs to another placement."""
        self._name_it()
        self._sorter.marks = {}
        super().wait()

    def _point(self, placed: Placed) -> None:
        """Say at each slot whether it is to blame."""
        to_blame = {slot.name: "✗ to blame" for slot in placed.blame}
        unnoticed = {slot.name: "✗ not noticed yet" for slot in placed.unnoticed}
        self._sorter.marks = unnoticed | to_blame

    def arranged(self) -> str:
        """Return the file of each slot as text."""
        placed = self.placed
        return "\n".join(
            f"{slot.machine:<8} {slot.option:<9} {placed[name] or '(no file)'}"
            for name, slot in slots().items()
        )

    def run(self) -> None:
        """Let the device ask the backend, each with its files."""
        placed = self._kit.run(self.placed)
        self._point(placed)
        exchange = placed.exchange
        self._below.value = with_reasons(exchange)
        self.show(
            exchange,
            f"{self.arranged()}\n{placed}",
            _verdict(placed),
            outcome="served" if exchange.ok else "refused",
        )


def _sorter() -> Sorter:
    things = [Thing(name, name) for name in files()]
    places = [Place(name, _label(slot), slot.machine.title()) for name, slot in slots().items()]
    return Sorter(things, places, label="Which file goes where", kept=PlacementPanel.name)


def _lying(placed: dict[str, str]) -> dict[str, list[str]]:
    return {name: [file] if file else [] for name, file in placed.items()}


def _label(slot: Slot) -> str:
    return f"{slot.machine} {slot.option}, {slot.use}"


def _verdict(placed: Placed) -> str:
    """Return whether the device is served, who is to blame, and which secrets lie astray."""
    served = placed.exchange.ok
    words = "The device gets the secret." if served else "The device does not get the secret."
    if served and placed.unnoticed:
        words += " Still, not everything is where it should be."
    lines = [mark(served, words)]
    for title, wrong in (("To blame", placed.blame), ("Not noticed yet", placed.unnoticed)):
        if wrong:
            lines.append(f"<h5>{title}</h5>" + items(map(placed.sentence, wrong)))
    count = len(placed.astray)
    secrets = f"{count} secret{' lies' if count == 1 else 's lie'} on the wrong machine"
    astray = (
        f": {', '.join(placed.astray)}. Whoever can read a key can impersonate its owner."
        if count
        else "."
    )
    if count or served:
        lines.append(mark(not count, secrets + astray))
    return "".join(lines)

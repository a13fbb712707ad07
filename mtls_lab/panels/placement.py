"""Which CA goes where: six files, two machines; place them, run, and see what each side says.

Here: a drop-down for each slot, and the result. Not here: running a placement and whom to blame
(experiments/placement.py), what the error means (diagnosis/explanation.py).
"""

from __future__ import annotations

import ipywidgets

from mtls_lab.diagnosis import explain
from mtls_lab.diagnosis.cards import reasons
from mtls_lab.drawing import actor, card, definitions, side_by_side
from mtls_lab.experiments import Kit
from mtls_lab.experiments.placement import EMPTY, Placed, Slot, files, placement, slots, starts
from mtls_lab.panels.base import Panel, details, escape, mark
from mtls_lab.wire import Exchange

__all__ = ["PlacementPanel"]

#: What "Begin with" says of a placement that has no name.
OWN = ""
NOT_RUN = "Not run yet. Predict which side will complain, then press Run."
NOT_ASKED = "saw nothing yet"


class PlacementPanel(Panel):
    """Six slots to fill; `value` is the `Exchange` of the last run, None before the first.

    Args:
        start: where to begin, such as "swapped", "empty" or "right".
        slots: slots that differ from that, each with its file, or None for an empty one.

    Raises:
        UnknownName: there is no such start, slot or file.
    """

    name = "placement"
    looks = ("placement",)

    def __init__(self, start: str = "swapped", **slots: str | None) -> None:
        super().__init__(
            "Which CA goes where?",
            "One CA signs servers, another signs devices. Put the right file into each slot, "
            "predict what happens, and run.",
        )
        placed = placement(start, **slots)
        self._kit = Kit()
        self._start = ipywidgets.Dropdown(
            options=[*((title, name) for name, title in starts().items()), ("(your own)", OWN)],
            description="Begin with:",
        ).add_class("lab-stacked")
        self._files = self._slots()
        self._set(placed)
        run = ipywidgets.Button(description="Run", button_style="primary")
        self.on_change(self._start, self._begin_anew)
        self.on_click(run, self._run)
        self.add(self._start)
        self.add(*(self._machine(name) for name in ("device", "backend")))
        self.add(run)
        self._below = ipywidgets.HTML()
        self.add_below(self._below)
        self._changed()

    def _slots(self) -> dict[str, ipywidgets.Dropdown]:
        choices = [("(no file)", EMPTY), *((name, name) for name in files())]
        found = {}
        for name, slot in slots().items():
            found[name] = ipywidgets.Dropdown(options=choices, description=_label(slot))
            found[name].add_class("lab-stacked")
            self.on_change(found[name], self._changed)
        return found

    def _machine(self, machine: str) -> ipywidgets.Widget:
        mine = [self._files[name] for name, slot in slots().items() if slot.machine == machine]
        box = ipywidgets.VBox([ipywidgets.HTML(f"<h5>{machine.capitalize()}</h5>"), *mine])
        return box.add_class("lab-machine")

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
            self.guard(self._run)
            exchange: Exchange = self.value
            return exchange

    def still(self) -> str:
        """Return what is in each slot, and what came of it."""
        machines = dict.fromkeys(slot.machine for slot in slots().values())
        cards = (card(actor(machine), definitions(self._slots_of(machine))) for machine in machines)
        came = f"{self._shown}{self._below.value if self.value else ''}"
        return side_by_side(*cards) + came

    def _slots_of(self, machine: str) -> list[tuple[str, str]]:
        return [
            (slot.option, self._files[name].value or "(no file)")
            for name, slot in slots().items()
            if slot.machine == machine
        ]

    def _set(self, placed: dict[str, str]) -> None:
        with self.quietly():
            for name, file in placed.items():
                self._files[name].value = file

    def _begin_anew(self) -> None:
        if self._start.value != OWN:
            self._set(placement(self._start.value))
        self._changed()

    def _name_it(self) -> None:
        """Let "Begin with" name the placement that is there, if it has a name."""
        here = {name: slot.value for name, slot in self._files.items()}
        with self.quietly():
            self._start.value = next((name for name in starts() if placement(name) == here), OWN)

    def _changed(self) -> None:
        """Take the old result away: it belongs to another placement."""
        self._name_it()
        self._below.value = side_by_side(*(_waiting(name) for name in ("device", "backend")))
        self._point()
        self.show(None, f"{self._placement()}\n{NOT_RUN}", mark(None, NOT_RUN), outcome="open")

    def _point(self, placed: Placed | None = None) -> None:
        """Say at each slot whether it is to blame; without a result, at none."""
        for name, slot in slots().items():
            words = ""
            if placed and slot in placed.blame:
                words = " ✗ to blame"
            elif placed and slot in placed.unnoticed:
                words = " ✗ not noticed yet"
            self._files[name].description = _label(slot) + words

    def _placement(self) -> str:
        return "\n".join(
            f"{slot.machine:<8} {slot.option:<9} {self._files[name].value or '(no file)'}"
            for name, slot in slots().items()
        )

    def _run(self) -> None:
        placed = self._kit.run({name: slot.value for name, slot in self._files.items()})
        self._point(placed)
        exchange = placed.exchange
        more = details("What the error means", reasons(explain(exchange)))
        self._below.value = exchange._repr_html_() + ("" if exchange.ok else more)
        self.show(
            exchange,
            f"{self._placement()}\n{placed}",
            _verdict(placed),
            outcome="served" if exchange.ok else "refused",
        )


def _waiting(machine: str) -> str:
    """Keep the place of what this side will have seen."""
    return card(actor(machine), f"<p>{NOT_ASKED}</p>")


def _label(slot: Slot) -> str:
    return f"{slot.machine} {slot.option}, {slot.use}:"


def _verdict(placed: Placed) -> str:
    """Return whether the device is served, who is to blame, and which secrets lie astray."""
    served = placed.exchange.ok
    words = "The device gets the secret." if served else "The device does not get the secret."
    if served and placed.unnoticed:
        words += " Still, not everything is where it should be."
    lines = [mark(served, words)]
    for title, wrong in (("To blame", placed.blame), ("Not noticed yet", placed.unnoticed)):
        items = "".join(f"<li>{escape(placed.sentence(slot))}</li>" for slot in wrong)
        lines.append(f"<h5>{title}</h5><ul>{items}</ul>" if items else "")
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

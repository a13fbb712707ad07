"""Things and their places, to be put there by mouse, finger or keyboard: the widget of all sorting.

Here: what can be moved where, what lies where, and how that outlives the kernel. Not here: what
the things are and what comes of an arrangement (experiments/, and the panel of each).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets

from mtls_lab.drawing import escape
from mtls_lab.learner import progress

__all__ = ["Place", "Sorter", "Thing"]

#: What lies in each place, from its first to its last.
Arrangement = dict[str, list[str]]

HINT = (
    "Drag; or press a thing and then its place; or Space, arrow keys, Space. "
    "Delete takes it out, Escape puts it back."
)


@dataclass(frozen=True, slots=True)
class Thing:
    """What is moved: its name, its label, a note below it, and whether the label is code."""

    name: str
    label: str
    note: str = ""
    code: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where things go.

    Attributes:
        name, label: what the program and the learner call it.
        group: the heading that it shares with others.
        many: whether it is a list with an order. Otherwise it holds one thing, which may lie in
            another place as well.
        head, foot: lines of code above and below the list.
    """

    name: str
    label: str
    group: str = ""
    many: bool = False
    head: str = ""
    foot: str = ""


class Sorter(anywidget.AnyWidget):
    """Places for things; `value` is an `Arrangement`. Its style is style/sorter.css.

    Args:
        things, places: what can be moved where.
        label: what it is called to a screen reader.
        rest: what the place is called where things lie that are not in use.
        kept: the name under which a learner's arrangement is kept, and found again; without one
            it is not.

    Attributes:
        carrier: brings to the page what the kernel changes, and has to be shown beside the sorter.
            An anywidget that needs more than two seconds to load, on a busy page, never hears of
            its kernel again; an HTML of ipywidgets does.

    Example:
        >>> sorter = Sorter([Thing("key", "server.key")], [Place("slot", "keyfile")], label="Files")
        >>> sorter.value, sorter.put(slot=["key"])
        ({'slot': []}, {'slot': ['key']})
    """

    _esm = Path(__file__).with_name("sorter.js")

    number = traitlets.Unicode().tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)
    hint = traitlets.Unicode(HINT).tag(sync=True)
    rest = traitlets.Unicode().tag(sync=True)
    things: traitlets.List[Any] = traitlets.List().tag(sync=True)
    places: traitlets.List[Any] = traitlets.List().tag(sync=True)
    marks: traitlets.Dict[str, str] = traitlets.Dict().tag(sync=True)
    value: traitlets.Dict[str, list[str]] = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        things: Iterable[Thing],
        places: Iterable[Place],
        *,
        label: str,
        rest: str = "Files",
        kept: str = "",
    ) -> None:
        places = list(places)
        super().__init__(
            layout={"width": "100%"},
            _dom_classes=("lab-sorting",),
            number=secrets.token_hex(8),
            label=label,
            rest=rest,
            things=[asdict(each) for each in things],
            places=[asdict(each) for each in places],
            value={each.name: [] for each in places},
        )
        self._kept = kept
        self.carrier = ipywidgets.HTML(layout={"display": "none"}).add_class("lab-carrier")
        self._heard, self._given = False, 0
        self.observe(self._carry, ["value", "marks"])

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the page has changed: of that, nothing is told back to it."""
        self._heard = True
        try:
            super().set_state(sync_data)
        finally:
            self._heard = False

    def _carry(self, change: Mapping[str, Any]) -> None:
        """Tell the page the marks, and what lies where if that was not its own last word."""
        if change["name"] == "value":
            self._given = 0 if self._heard else secrets.randbits(48) + 1
        state = {"marks": self.marks, "given": self._given, "value": self.value}
        said = escape(json.dumps(state))
        self.carrier.value = f'<lab-carried data-to="{self.number}" data-state="{said}">'

    def put(self, **lying: list[str]) -> Arrangement:
        """Lay things into places, those that are not named being empty; return what lies where."""
        self.value = {each["name"]: lying.get(each["name"], []) for each in self.places}
        return self.value

    def recall(self) -> bool:
        """Lay everything as the learner left it; return whether there was anything to recall."""
        lying = progress.read().arranged.get(self._kept)
        if lying is None or not self._fits(lying):
            return False
        self.put(**lying)
        return True

    def keep(self) -> None:
        """Note what lies where, for `recall` in another kernel. Raises FileProblem."""
        lying = self.value
        if self._kept and progress.read().arranged.get(self._kept) != lying:
            progress.note(arranged=self._kept, lying=lying)

    @traitlets.validate("value")
    def _check(self, proposal: Mapping[str, Any]) -> Arrangement:
        value: Arrangement = proposal["value"]
        if not self._fits(value):
            raise traitlets.TraitError("no arrangement of these things in these places")
        return value

    def _fits(self, value: Mapping[str, Any]) -> bool:
        """Whether everything is known, and lies where it can."""
        known = [each["name"] for each in self.things]
        room = {each["name"]: len(known) if each["many"] else 1 for each in self.places}
        return set(value) == set(room) and all(
            isinstance(lying, list)
            and len(lying) <= room[name]
            and all(each in known and lying.count(each) == 1 for each in lying)
            for name, lying in value.items()
        )

"""Mallory's controls: what she does, where, and to which bit or word.

Here: the widgets, and the plan that they stand for. Not here: carrying it out (panel.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets

from mtls_lab.common import UnknownName
from mtls_lab.drawing import escape
from mtls_lab.experiments.eavesdropping import Unit
from mtls_lab.experiments.mallory import DEEDS, Plan
from mtls_lab.panels.base import WIDE, Panel
from mtls_lab.wire import HEADER, LIE

__all__ = ["Aim"]


class Aim:
    """The controls, shown in a panel; those that a deed does not need are hidden.

    A bit is chosen by its number, in a field: the handle of ipywidgets' slider has no name
    that a screen reader could say.

    Args:
        panel: where they are shown.
        secret: the word that she looks for, if nobody says otherwise.
    """

    def __init__(self, panel: Panel, secret: str) -> None:
        self._targets: dict[str, Unit] = {}
        self._reply = ""
        self._deed = ipywidgets.ToggleButtons(
            options=[(words, deed) for deed, words in DEEDS.items()],
            description="Mallory",
            style=WIDE,
        )
        self._record = ipywidgets.Dropdown(description="At", style=WIDE)
        self._bit = ipywidgets.BoundedIntText(
            description="Bit", max=0, style=WIDE, layout={"width": "130px"}
        )
        self._shown = ipywidgets.HTML()
        self._old = ipywidgets.Text(secret, description="Replace", style=WIDE)
        self._new = ipywidgets.Text(LIE, description="by", style=WIDE)
        panel.on_change(self._deed, self._offer)
        panel.on_change(self._record, self._aim_anew)
        panel.on_change(self._bit, self._show)
        panel.add(self._deed)
        panel.add(self._record, self._bit, self._shown, self._old, self._new)
        self._offer()

    @property
    def plan(self) -> Plan:
        """What the controls say now."""
        return Plan(
            self._deed.value,
            self._record.value or "",
            self._bit.value,
            self._old.value,
            self._new.value,
        )

    def offer(self, targets: Sequence[Unit], reply: str) -> None:
        """Say what there is to aim at, and which of it is the reply: the first choice."""
        self._targets = {unit.label: unit for unit in targets}
        self._reply = reply
        self._record.options = [(str(unit), unit.label) for unit in targets]
        self._record.value = reply or None

    def set(
        self, deed: str, record: str | None, bit: int | None, words: tuple[str, str] | None
    ) -> None:
        """Set the controls; None leaves the words alone, and aims at the middle of the reply.

        Raises:
            UnknownName: there is no such deed or record.
        """
        for what, name, among in (("deed", deed, DEEDS), ("record", record, self._targets)):
            if name is not None and name not in among:
                raise UnknownName(what, name, among)
        self._deed.value = deed
        self._record.value = record or self._reply or None
        if self._targets:
            self._bit.value = self._middle if bit is None else bit
        if words is not None:
            self._old.value, self._new.value = words

    @property
    def _target(self) -> bytes:
        """What passes undisturbed where she aims."""
        return self._targets[self._record.value].chunk.heard

    @property
    def _middle(self) -> int:
        """The last bit of the byte in the middle: among letters, it makes another letter."""
        return 8 * (len(self._target) // 2) + 7

    @property
    def aimed(self) -> tuple[str, int] | None:
        """The record and the byte in it that would be hit; None if no bit is flipped."""
        if self._deed.value != "flip" or self._record.value is None:
            return None
        return self._record.value, self._bit.value // 8

    def point(self, record: str, at: int) -> bool:
        """Aim at a byte, as a click on it means; tell whether there is one to aim at."""
        if record not in self._targets or not 0 <= at < len(self._targets[record].chunk.heard):
            return False
        self.set("flip", record, 8 * at + 7, None)
        return True

    def _offer(self) -> None:
        for widget, deeds in (
            (self._record, {"flip", "cut"}),
            (self._bit, {"flip"}),
            (self._shown, {"flip"}),
            (self._old, {"replace"}),
            (self._new, {"replace"}),
        ):
            widget.layout.display = None if self._deed.value in deeds else "none"

    def _aim_anew(self) -> None:
        if self._record.value is None:
            return
        self._bit.max = 8 * len(self._target) - 1
        self._bit.value = self._middle
        self._show()

    def _show(self) -> None:
        """Say which byte is hit, and what becomes of it."""
        data, tls = self._target, self._targets[self._record.value].tls
        at, bit = divmod(self._bit.value, 8)
        before, after = (
            f"{byte:02x}" + f" “{chr(byte)}”" * (32 <= byte < 127)
            for byte in (data[at], data[at] ^ (0x80 >> bit))
        )
        text = f"of 0 to {8 * len(data) - 1}. Byte {at + 1} of {len(data)}"
        if not tls:  # the bytes of a record are others in every connection
            text += f": {before} becomes {after}"
        elif at < HEADER:
            text += ", in the record's header"
        self._shown.value = f"<p>{escape(text)}.</p>"

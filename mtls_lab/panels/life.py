"""The life of a fleet, step by step: provisioned, robbed, renewed, revoked, moved to another CA.

Here: the buttons, the devices after each step, and what was done. Not here: the certificates, the
office and the handshakes (experiments/life.py), and who shares a key with whom (fleet.py).
"""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets

from mtls_lab.common import UnknownName
from mtls_lab.drawing import definitions, escape
from mtls_lab.experiments import Life, LifeReport
from mtls_lab.experiments.life import CAS, TRUSTED, Member
from mtls_lab.panels.base import WIDE, Panel, mark

__all__ = ["STEPS", "LifePanel"]

SIZE = 8
#: Each button, and whether its step is about the device that is chosen.
STEPS = {
    "steal": ("Steal its key", True),
    "renew": ("It renews", True),
    "revoke": ("Revoke it", True),
    "thief_renews": ("The thief renews", False),
    "renew_all": ("All renew", False),
    "provision": ("A new fleet", False),
}


class LifePanel(Panel):
    """A fleet of eight, and what happens to it; `value` is its `LifeReport`."""

    name = "life"
    looks = ("fleet", "life")

    def __init__(self) -> None:
        super().__init__(
            "A fleet's life",
            "Eight devices were provisioned with Device CA 1. Each button is one step; after it, "
            "every device calls the backend. Move them all to CA 2, and let none be refused.",
        )
        self._life = Life(SIZE)
        self._device = ipywidgets.Dropdown(
            options=[f"{number:02}" for number in range(1, SIZE + 1)], description="Device:"
        )
        buttons = []
        for step, (words, _) in STEPS.items():
            button = ipywidgets.Button(description=words)
            self.on_click(button, self._doing(step))
            buttons.append(button)
        self._trusted, self._signing = (
            ipywidgets.ToggleButtons(options=list(choices), description=words, style=WIDE)
            for words, choices in (
                ("The backend trusts:", TRUSTED),
                ("The office signs with:", CAS),
            )
        )
        self.on_change(self._trusted, lambda: self._draw(self._life.trust(self._trusted.value)))
        self.on_change(self._signing, lambda: self._draw(self._life.sign_with(self._signing.value)))
        self.add(self._device.add_class("lab-stacked"), *buttons[:3])
        self.add(*buttons[3:])
        self.add(self._trusted)
        self.add(self._signing)
        self._grid = ipywidgets.HTML()
        self.add_below(self._grid)
        self.guard(lambda: self._draw(self._life.report()))

    def select(self, step: str, choice: str = "01") -> LifeReport:
        """Do one step as a hand would, and return the report.

        Args:
            step: "steal", "renew", "revoke", "thief_renews", "renew_all", "provision", "trust" or
                "sign_with".
            choice: the device, from "01" to "08"; for "trust" one of "CA 1", "both" and "CA 2",
                for "sign_with" one of "CA 1" and "CA 2".

        Raises:
            UnknownName: there is no such step or choice.
        """
        controls = {"trust": self._trusted, "sign_with": self._signing}
        if step not in {*STEPS, *controls}:
            raise UnknownName("step", step, (*STEPS, *controls))
        control = controls.get(step, self._device)
        if choice not in control.options:
            raise UnknownName("choice", choice, control.options)
        with self.turn:
            with self.quietly():
                control.value = choice
            if step in controls:
                self.guard(lambda: self._draw(getattr(self._life, step)(choice)))
            else:
                self.guard(self._doing(step))
            report: LifeReport = self.value
            return report

    def still(self) -> str:
        """Return who is served, and the latest steps."""
        return _verdict(self.value) + definitions(
            (each.name, f"✗ {each.why}" if each.why else "✓ served") for each in _all(self.value)
        )

    def _doing(self, step: str) -> Callable[[], None]:
        """Return what a button does."""

        def do() -> None:
            if step == "provision":
                with self.quietly():
                    self._trusted.value = self._signing.value = "CA 1"
                self._life = Life(SIZE)
                self._draw(self._life.report())
                return
            chosen = (self._device.value,) if STEPS[step][1] else ()
            self._draw(getattr(self._life, step)(*chosen))

        return do

    def _draw(self, report: LifeReport) -> None:
        self._grid.value = _grid(report)
        thief = report.thief is not None and report.thief.served
        outcome = "thief served" if thief else "refused" if report.refused else "served"
        self.show(report, str(report), _verdict(report), outcome=outcome)


def _all(report: LifeReport) -> tuple[Member, ...]:
    return (*report.devices, *([report.thief] if report.thief else []))


def _verdict(report: LifeReport) -> str:
    total, served = len(report.devices), len(report.served)
    words = f"{served} of {total} devices get the secret"
    good: bool | None = served == total
    if report.thief is None:
        words += "."
    elif report.thief.served:
        good, words = False, f"{words}, and so does the thief, as {report.robbed}."
    else:
        words += ". The thief is refused."
    said = "".join(f"<li>{escape(step)}</li>" for step in report.done)
    return f'{mark(good, words)}<p>The latest steps:</p><ol class="lab-steps">{said}</ol>'


def _grid(report: LifeReport) -> str:
    tiles = "".join(_tile(each, report.robbed) for each in _all(report))
    reasons = dict.fromkeys(each.why for each in _all(report) if each.why)
    said = "".join(
        f"<li>{', '.join(m.name for m in _all(report) if m.why == why)}: {escape(why)}</li>"
        for why in reasons
    )
    return (
        f'<div class="lab-fleet"><ul data-testid="life-grid">{tiles}</ul></div>'
        f'<ul class="lab-reasons" data-testid="life-reasons">{said}</ul>'
    )


def _tile(member: Member, robbed: str) -> str:
    kind, said = ("good", "✓ served") if member.served else ("bad", "✗ refused")
    if member.name == "thief":
        kind, said = ("bad", "⚠ served") if member.served else ("plain", "✗ refused")
    whose = f"as {robbed}" if member.name == "thief" else member.ca
    name, ca = escape(member.name), escape(whose)
    return f'<li class="lab-{kind}"><b>{name}</b><span>{ca}</span><span>{said}</span></li>'

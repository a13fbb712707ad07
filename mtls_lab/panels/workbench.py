"""The workbench: tick what goes into a certificate, and see at once who accepts it.

Here: the switches and the verdict. Not here: making and trying the certificate
(experiments/workbench.py), the card (certificate.py), why it was refused
(diagnosis/explanation.py).
"""

from __future__ import annotations

from dataclasses import asdict
from functools import cache

import ipywidgets

from mtls_lab.diagnosis import explain
from mtls_lab.experiments import Recipe, Workbench
from mtls_lab.experiments.workbench import CHOICES, RULES, Trial, Trials
from mtls_lab.facts import read_facts
from mtls_lab.panels.base import Panel, details, escape, field, mark
from mtls_lab.panels.certificate import card
from mtls_lab.wire import Failure

__all__ = ["WorkbenchPanel"]

TITLES = {
    "purpose": "Extended key usage:",
    "key_usage": "Key usage:",
    "names": "SAN:",
    "dates": "Dates:",
    "is_ca": "CA:TRUE",
    "authority_id": "Authority key identifier",
}
PURPOSES = {
    "server": "serverAuth",
    "client": "clientAuth",
    "both": "serverAuth and clientAuth",
    "none": "none",
}


class WorkbenchPanel(Panel):
    """Switches for what goes into a certificate; `value` is the `Trials` on it.

    Each change signs a certificate and shows it in real handshakes: as a server and as a
    client, to somebody who verifies by the older rules and to somebody who is strict.
    """

    name = "workbench"
    looks = ("workbench", "certificate")

    def __init__(self) -> None:
        super().__init__(
            "The workbench",
            "Choose what the CA writes into a certificate. It is signed at once, used in real "
            "handshakes, and you see who accepts it.",
        )
        self._workbench = Workbench()
        self._switches = {part: _switch(part) for part in TITLES}
        for switch in self._switches.values():
            self.on_change(switch, self._try)
        boxes = [s for s in self._switches.values() if isinstance(s, ipywidgets.Checkbox)]
        self.add(*(switch for switch in self._switches.values() if switch not in boxes))
        self.add(*boxes)
        self._below = ipywidgets.HTML()
        self.add_below(self._below)
        self.guard(self._try)

    def select(
        self,
        *,
        purpose: str = "server",
        key_usage: str = "digitalSignature",
        names: str = "localhost",
        dates: str = "valid",
        is_ca: bool = False,
        authority_id: bool = True,
    ) -> Trials:
        """Set all switches as a hand would, and return the verdict.

        Args:
            purpose: "server", "client", "both" or "none".
            key_usage: "digitalSignature", "keyEncipherment", "digitalSignature, keyCertSign" or
                "none".
            names: "localhost", "another host" or "none".
            dates: "valid", "expired" or "not yet valid".
            is_ca, authority_id: whether it says CA:TRUE, and who signed it.

        Raises:
            UnknownName: there is no such choice.
        """
        recipe = Recipe(purpose, key_usage, names, dates, is_ca, authority_id)
        with self.turn:
            with self.quietly():
                for part, choice in asdict(recipe).items():
                    self._switches[part].value = choice
            self.guard(self._try)
            verdict: Trials = self.value
            return verdict

    def _try(self) -> None:
        recipe = Recipe(**{part: switch.value for part, switch in self._switches.items()})
        verdict = self._workbench.judge(recipe)
        shown = details("This certificate, field by field", card(verdict.certificate))
        self._below.value = f"{_notes(recipe)}{_reasons(verdict)}{shown}"
        accepted = all(trial.exchange.ok for trial in verdict.trials)
        outcome = "accepted" if accepted else "refused"
        self.show(verdict, str(verdict), _accepted(verdict), outcome=outcome)


def _switch(part: str) -> ipywidgets.Widget:
    """The control for one part of the recipe, at its first choice, which is the usual one."""
    choices, title = CHOICES[part], TITLES[part]
    if set(choices) == {True, False}:
        return ipywidgets.Checkbox(value=choices[0], indent=False, description=title)
    titles = PURPOSES if part == "purpose" else {}
    dropdown = ipywidgets.Dropdown(
        options=[(titles.get(str(choice), choice), choice) for choice in choices],
        description=title,
    )
    return dropdown.add_class("lab-stacked")


def _accepted(verdict: Trials) -> str:
    """Return who accepted it: for each role, the verdict of either set of rules."""
    rows = "".join(
        f"<div><dt>{escape(role)}</dt>{''.join(map(_said, trials))}</div>"
        for role, trials in verdict.roles.items()
    )
    return f"<p>{escape(str(verdict.recipe))}</p><dl class='lab-trials'>{rows}</dl>"


def _said(trial: Trial) -> str:
    failure, rules = trial.failure, RULES[trial.strict]
    if failure is None:
        return f"<dd>{mark(True, f'{rules}: accepted')}</dd>"  # noqa: FBT003 - a verdict
    words = failure.verify_message or failure.reason or failure.text
    refused = mark(False, f"{rules}: refused")  # noqa: FBT003
    return f"<dd>{refused}<p>{escape(words)}</p></dd>"


@cache
def _facts() -> dict[str, dict[str, str]]:
    return read_facts("workbench")


def _notes(recipe: Recipe) -> str:
    """Return what to notice about the choices that are not the usual ones."""
    facts = _facts()
    chosen = {part: str(choice) for part, choice in asdict(recipe).items()}
    chosen |= {part: chosen[part].lower() for part in ("is_ca", "authority_id")}
    notes = [facts[part][choice] for part, choice in chosen.items() if choice in facts[part]]
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<h5>What to notice</h5><ul>{items}</ul>" if items else ""


def _reasons(verdict: Trials) -> str:
    """Return every different error of this verdict, exactly as it came, and what it means."""
    failed: dict[Failure, list[Trial]] = {}
    for trial in verdict.trials:
        if trial.failure:
            failed.setdefault(trial.failure, []).append(trial)
    return "".join(
        f"<details{' open' * (not number)}><summary>Refused "
        f"{' and '.join(dict.fromkeys(trial.role for trial in trials))}: "
        f"{escape(failure.verify_message or str(failure))}</summary>"
        f"{_reason(failure, trials[0])}</details>"
        for number, (failure, trials) in enumerate(failed.items())
    )


def _reason(failure: Failure, trial: Trial) -> str:
    """The explanation, without the files: those that it names are not the workbench's."""
    explanation = explain(trial.exchange)
    rows = [
        ("The exact error", f"{failure.error}: {failure.text}"),
        ("What happened", explanation.what),
        ("Why", explanation.why),
        ("What to do", explanation.fix),
    ]
    return field((name, text) for name, text in rows if text)

"""The workbench: tick what goes into a certificate, and see at once who accepts it.

Here: the switches and the verdict. Not here: making and trying the certificate
and what a refusal comes from (experiments/workbench.py), the card (certificate.py), the
sentences (data/workbench.toml).
"""

from __future__ import annotations

from dataclasses import asdict
from functools import cache

import ipywidgets

from mtls_lab.drawing import BAD, GOOD, breakable, table
from mtls_lab.experiments import Recipe, Workbench
from mtls_lab.experiments.workbench import CHOICES, RULES, Cause, Trial, Trials, causes
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
#: Where in the certificate each part of the recipe is written, as RFC 5280 calls it.
FIELDS = {
    "purpose": "extendedKeyUsage",
    "key_usage": "keyUsage",
    "names": "subjectAltName",
    "dates": "validity",
    "is_ca": "basicConstraints",
    "authority_id": "authorityKeyIdentifier",
}
PURPOSES = {
    "server": "serverAuth",
    "client": "clientAuth",
    "both": "serverAuth and clientAuth",
    "none": "none",
}


AS_A_CLIENT = "as a client"
FOLDED = "As a client, which Part 3 is about"


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
        self._recipe: Recipe | None = None
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

    def still(self) -> str:
        """Return who accepts the certificate, as a table."""
        rows = ((role, map(_cell, trials)) for role, trials in self.value.roles.items())
        recipe = f"<p>{escape(str(self.value.recipe))}</p>"
        return recipe + table(RULES.values(), rows)

    def _try(self) -> None:
        recipe = Recipe(**{part: switch.value for part, switch in self._switches.items()})
        verdict = self._workbench.judge(recipe)
        marked = card(
            verdict.certificate, shown=FIELDS.values(), changed=_changed(self._recipe, recipe)
        )
        self._recipe = recipe
        shown = details("This certificate, field by field", marked)
        self._below.value = f"{_notes(recipe)}{_reasons(verdict)}{shown}"
        accepted = all(trial.exchange.ok for trial in verdict.trials)
        outcome = "accepted" if accepted else "refused"
        self.show(verdict, str(verdict), _accepted(verdict), outcome=outcome)


def _changed(before: Recipe | None, after: Recipe) -> set[str]:
    """Return the fields in which the certificates of two recipes differ by a choice."""
    old, new = asdict(before or after), asdict(after)
    return {name for part, name in FIELDS.items() if old[part] != new[part]}


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
    """Return who accepted it: for each role, the verdict of either set of rules.

    The client's rows are folded: what becomes of a device is a question of Part 3.
    """
    rows = {
        role: f"<div><dt>{escape(role)}</dt>{''.join(map(_said, trials))}</div>"
        for role, trials in verdict.roles.items()
    }
    client = _list(rows.pop(AS_A_CLIENT))
    shown = _list("".join(rows.values()))
    return f"<p>{escape(str(verdict.recipe))}</p>{shown}{details(FOLDED, client)}"


def _list(rows: str) -> str:
    return f"<dl class='lab-trials'>{rows}</dl>"


def _said(trial: Trial) -> str:
    failure, rules = trial.failure, RULES[trial.strict]
    if failure is None:
        return f"<dd>{mark(True, f'{rules}: accepted')}</dd>"  # noqa: FBT003 - a verdict
    words = failure.verify_message or failure.reason or failure.text
    refused = mark(False, f"{rules}: refused")  # noqa: FBT003
    return f"<dd>{refused}<p>{escape(words)}</p></dd>"


def _cell(trial: Trial) -> str:
    if trial.failure is None:
        said, colour = "✓ accepted", GOOD
    else:
        words = str(trial.failure).removeprefix("SSLCertVerificationError: ")
        said, colour = f"✗ {words}", BAD
    return f'<td role="cell" style="border-bottom:3px solid {colour}">{breakable(said)}</td>'


@cache
def _facts() -> dict[str, dict[str, str]]:
    notice: dict[str, dict[str, str]] = read_facts("workbench")["notice"]
    return notice


def _notes(recipe: Recipe) -> str:
    """Return what to notice about the choices that are not the usual ones."""
    facts = _facts()
    chosen = {part: str(choice) for part, choice in asdict(recipe).items()}
    chosen |= {part: chosen[part].lower() for part in ("is_ca", "authority_id")}
    notes = [facts[part][choice] for part, choice in chosen.items() if choice in facts[part]]
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<h5>What to notice</h5><ul>{items}</ul>" if items else ""


def _reasons(verdict: Trials) -> str:
    """Return every different reason of this verdict, with its error exactly as it came.

    Open is the first one, if it is not the client's alone: what becomes of a device is a matter
    of Part 3.
    """
    refused: dict[tuple[Failure, tuple[Cause, ...]], list[Trial]] = {}
    for trial in verdict.trials:
        if trial.failure:
            reason = trial.failure, causes(verdict.recipe, trial)
            refused.setdefault(reason, []).append(trial)
    texts = []
    for number, ((failure, found), trials) in enumerate(refused.items()):
        roles = list(dict.fromkeys(trial.role for trial in trials))
        is_open = not number and roles != [AS_A_CLIENT]
        texts.append(
            f"<details{' open' * is_open}><summary>Refused {' and '.join(roles)}: "
            f"{escape(failure.verify_message or str(failure))}</summary>"
            f"{_reason(failure, found)}</details>"
        )
    return "".join(texts)


def _reason(failure: Failure, found: tuple[Cause, ...]) -> str:
    rows = [
        ("The exact error", f"{failure.error}: {failure.text}"),
        ("Why", " ".join(cause.why for cause in found)),
        ("What to do", " ".join(map(_choose, found))),
    ]
    return field((name, text) for name, text in rows if text)


def _choose(cause: Cause) -> str:
    """What to do with the switches, in words."""
    if cause.change is None:
        return cause.fix
    part, choice = cause.change
    title = TITLES[part].removesuffix(":")
    if isinstance(choice, bool):
        return f"{'Tick' if choice else 'Clear'} “{title}”."
    return f"Set “{title}” to “{PURPOSES[choice] if part == 'purpose' else choice}”."

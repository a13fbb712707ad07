"""The workbench: tick what goes into a certificate, and see at once who accepts it.

Here: the switches, and one's own files in their place. Not here: making and trying the certificate
(experiments/trying.py), what a refusal comes from (experiments/workbench.py), the verdict as HTML
(verdicts.py), the card (certificate.py).
"""

from __future__ import annotations

import os
from dataclasses import asdict

import ipywidgets

from mtls_lab.common import LabError, PathLike, printable
from mtls_lab.drawing import escape, table
from mtls_lab.experiments import Recipe, Workbench
from mtls_lab.experiments.own import look_into
from mtls_lab.experiments.workbench import CHOICES, RULES, Trials
from mtls_lab.panels.base import Panel, details
from mtls_lab.panels.certificate import card, found_in
from mtls_lab.panels.verdicts import (
    PURPOSES,
    TITLES,
    accepted,
    cell,
    notes,
    own_reasons,
    reasons_of,
    title,
)

__all__ = ["WorkbenchPanel"]

#: Where in the certificate each part of the recipe is written, as RFC 5280 calls it.
FIELDS = {
    "purpose": "extendedKeyUsage",
    "key_usage": "keyUsage",
    "names": "subjectAltName",
    "dates": "validity",
    "is_ca": "basicConstraints",
    "authority_id": "authorityKeyIdentifier",
}


class WorkbenchPanel(Panel):
    """Switches for what goes into a certificate; `value` is the `Trials` on it.

    Each change signs a certificate and shows it in real handshakes: as a server and as a
    client, to somebody who verifies by the older rules and to somebody who is strict.

    Your own certificate can be tried beside those that are made here, by whoever trusts your CA.

    Args:
        certfile: your own certificate with its chain: PEM, PKCS #12 or PKCS #7.
        keyfile: its private key, if that is in another file.
        cafile: the CAs that its counterparts trust.
        password: of the PKCS #12 file or of the key.
    """

    name = "workbench"
    looks = ("workbench", "certificate")

    def __init__(
        self,
        certfile: PathLike | None = None,
        keyfile: PathLike | None = None,
        cafile: PathLike | None = None,
        password: str | None = None,
    ) -> None:
        super().__init__(
            "The workbench",
            "Choose what the CA writes into a certificate. It is signed at once, used in real "
            "handshakes, and you see who accepts it.",
        )
        self._workbench = Workbench()
        self._certfile, self._keyfile, self._cafile = certfile, keyfile, cafile
        self._password = password
        own = [] if certfile is None else [(os.fspath(certfile), certfile)]
        self._which = ipywidgets.Dropdown(
            options=[*own, ("one made here", None)], description="Certificate:"
        )
        if own:
            self.add(self._which)
            self.on_change(self._which, self._choose)
        self._recipe: Recipe | None = None
        self._switches = {part: _switch(part) for part in TITLES}
        for switch in self._switches.values():
            self.on_change(switch, self._try)
        boxes = [s for s in self._switches.values() if isinstance(s, ipywidgets.Checkbox)]
        self.add(*(switch for switch in self._switches.values() if switch not in boxes))
        self.add(*boxes)
        self._below = ipywidgets.HTML()
        self.add_below(self._below)
        self.guard(self._choose)

    def select_own(self) -> Trials:
        """Try your own certificate, and return the verdict.

        Raises:
            LabError: none was given.
        """
        if self._certfile is None:
            raise LabError(
                "no certificate of your own",
                "its file, with its key and its CA",
                "make the panel with them: WorkbenchPanel(certfile, keyfile, cafile)",
            )
        with self.turn:
            with self.quietly():
                self._which.value = self._certfile
            self.guard(self._choose)
            verdict: Trials = self.value
            return verdict

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
                self._which.value = None
                for part, choice in asdict(recipe).items():
                    self._switches[part].value = choice
            self.guard(self._choose)
            verdict: Trials = self.value
            return verdict

    def still(self) -> str:
        """Return who accepts the certificate, as a table."""
        rows = ((role, map(cell, trials)) for role, trials in self.value.roles.items())
        recipe = f"<p>{escape(title(self.value))}</p>"
        return recipe + table(RULES.values(), rows)

    def _choose(self) -> None:
        own: PathLike | None = self._which.value
        for switch in self._switches.values():
            switch.disabled = own is not None
        if own is None:
            self._try()
        else:
            self._try_own(own)

    def _try_own(self, certfile: PathLike) -> None:
        self._below.value = ""
        own = look_into(
            certfile, keyfile=self._keyfile, cafile=self._cafile, password=self._password
        )
        verdict = self._workbench.judge_own(own, printable(os.fspath(certfile)))
        shown = details("This certificate, field by field", card(verdict.certificate))
        told = own_reasons(verdict, own, self._cafile)
        self._below.value = f"{found_in(own, checked=True)}{told}{shown}"
        self._show(verdict)

    def _try(self) -> None:
        recipe = Recipe(**{part: switch.value for part, switch in self._switches.items()})
        verdict = self._workbench.judge(recipe)
        marked = card(
            verdict.certificate, shown=FIELDS.values(), changed=_changed(self._recipe, recipe)
        )
        self._recipe = recipe
        shown = details("This certificate, field by field", marked)
        self._below.value = f"{notes(recipe)}{reasons_of(verdict)}{shown}"
        self._show(verdict)

    def _show(self, verdict: Trials) -> None:
        good = all(trial.exchange.ok for trial in verdict.trials)
        outcome = "accepted" if good else "refused"
        self.show(verdict, str(verdict), accepted(verdict), outcome=outcome)


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

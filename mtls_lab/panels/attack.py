"""The attack panel of all parts: every attack against each protection, run live.

Here: the table, and the evidence behind each of its cells. Not here: the attacks
(attacks/attacks.py), running them all (attacks/table.py).
"""

from __future__ import annotations

from collections.abc import Iterable

import ipywidgets

from mtls_lab.attacks import ATTACKS, Attack, AttackResult, AttackTable, Protection, attack_table
from mtls_lab.attacks.protections import expect_protections
from mtls_lab.attacks.table import heading
from mtls_lab.common import UnknownName
from mtls_lab.drawing import breakable, escape, table
from mtls_lab.panels.base import Panel, mark

__all__ = ["AttackPanel"]


class AttackPanel(Panel):
    """Every attack against any number of protections; `value` is the `AttackTable`.

    The attacks run when the panel is made, and again at each press of the button.

    Args:
        protections: the columns; without any, plain TCP.

    Raises:
        LabError: `protections` is not a list of them.
    """

    name = "attack"
    looks = ("attack",)

    def __init__(self, protections: Iterable[Protection] = (Protection("Plain TCP"),)) -> None:
        protections = expect_protections(protections)
        super().__init__(
            "The attacks",
            "Each cell is an attack that ran a moment ago: ✗ succeeds, which is bad for you, and "
            "✓ was stopped. Open one to see its evidence.",
        )
        self._protections = protections
        self._results: list[AttackResult] = []
        button = ipywidgets.Button(description="Run all attacks", button_style="primary")
        self._table = ipywidgets.HTML()
        self.on_click(button, self._run, live=True)
        self.add(button)
        self.add_below(self._table)
        self.guard(self._run)

    def select(self, attack: str, protection: str) -> AttackResult:
        """Open the evidence of one cell, and return its result.

        Args:
            attack: a row of the table, such as "Clone the device".
            protection: a column, such as "TLS".

        Raises:
            UnknownName: there is no such cell.
        """
        with self.turn:
            result = self.result(attack, protection)
            self._draw(opened=result)
            self._report(result)
            return result

    def result(self, attack: str, protection: str) -> AttackResult:
        """Return the result of one cell, and leave the panel as it is.

        Raises:
            UnknownName: there is no such cell.
        """
        cells = {(result.attack, result.protection): result for result in self._results}
        if (attack, protection) not in cells:
            known = (f"{row} against {column}" for row, column in cells)
            raise UnknownName("cell", f"{attack} against {protection}", known)
        return cells[attack, protection]

    def _run(self) -> None:
        self._results = []
        self._progress()
        attack_table(self._protections, [self._counted(attack) for attack in ATTACKS.values()])
        self._report()

    def _counted(self, attack: Attack) -> Attack:
        """Let an attack show its result as soon as it is there."""

        def run(protection: Protection) -> AttackResult:
            result = attack(protection)
            self._results.append(result)
            self._progress()
            return result

        return run

    def _progress(self) -> None:
        """Show what has run so far, in the place of the last result."""
        count = f"{len(self._results)} of {len(ATTACKS) * len(self._protections)} attacks ran."
        self._result.value = f'<div data-testid="attack-progress">{mark(None, count)}</div>'
        self._draw()

    def _report(self, opened: AttackResult | None = None) -> None:
        ran = AttackTable(tuple(self._results))
        succeeded = any(result.succeeded for result in ran.results)
        text, body = str(ran), _verdict(ran)
        if opened is not None:
            title = f"{opened.attack} against {opened.protection}: {opened.word}"
            text += f"\n{opened}"
            body += f"<p>{escape(title)}. Its evidence is open below.</p>"
        self.show(ran, text, body, outcome="succeeds" if succeeded else "stopped")

    def still(self) -> str:
        """Return the table, and how many attacks succeeded."""
        table: AttackTable = self.value
        return _verdict(table) + table._repr_html_()

    def _draw(self, opened: AttackResult | None = None) -> None:
        """Draw the results that there are; the cells that are still to come have three dots."""
        names = [protection.name for protection in self._protections]
        there = AttackTable(tuple(self._results)).rows
        rows = (
            (
                heading(attack),
                (_cell(name, there.get(attack, {}).get(name), opened) for name in names),
            )
            for attack in ATTACKS
        )
        self._table.value = table(names, rows, kind="lab-attacks")


def _verdict(ran: AttackTable) -> str:
    count = len(ran.results)
    succeeded = sum(result.succeeded for result in ran.results)
    words = f"{count} attacks ran: {succeeded} succeeded, {count - succeeded} were stopped."
    return mark(not succeeded, words)


def _cell(column: str, result: AttackResult | None, opened: AttackResult | None) -> str:
    start = f'<td role="cell" data-column="{escape(column)}"'
    if result is None:
        return f"{start}>…</td>"
    kind = "bad" if result.succeeded else "good"
    evidence = "".join(f"<p>{breakable(line)}</p>" for line in result.evidence)
    name = f"{result.attack} against {result.protection}: "
    return (
        f'{start}><details class="lab-{kind}"{" open" if result is opened else ""}>'
        f'<summary><span class="lab-unseen">{escape(name)}</span>{result.word}</summary>'
        f"{evidence}</details></td>"
    )

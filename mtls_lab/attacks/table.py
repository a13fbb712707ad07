"""The attack table: every attack against any number of protections, as text and HTML.

Here: running them all, and how the results look. Not here: the attacks (attacks.py), their panel
(panels/attack.py), the README's picture (tests/authoring/picture.py).
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mtls_lab.attacks.attacks import ATTACKS, Attack, AttackResult, attacker_of
from mtls_lab.attacks.protections import Protection, expect_protections
from mtls_lab.common import LabError, Shown
from mtls_lab.drawing import BAD, GOOD, actor_of, table

__all__ = ["AttackTable", "attack_table", "heading"]


@dataclass(frozen=True)
class AttackTable(Shown):
    """The results as a table: text and HTML."""

    results: tuple[AttackResult, ...]

    @property
    def rows(self) -> dict[str, dict[str, AttackResult]]:
        """The results by attack, then by protection."""
        rows: dict[str, dict[str, AttackResult]] = {}
        for result in self.results:
            rows.setdefault(result.attack, {})[result.protection] = result
        return rows

    @property
    def columns(self) -> Sequence[str]:
        """The names of the protections, in order."""
        return list(dict.fromkeys(result.protection for result in self.results))

    def __str__(self) -> str:
        wide = {name: max(14, len(name) + 2) for name in self.columns}
        lines = [" " * 25 + "".join(f"{name:<{width}}" for name, width in wide.items())]
        for attack, row in self.rows.items():
            cells = (f"{row[name].word:<{width}}" for name, width in wide.items())
            lines.append(f"{attack:<25}" + "".join(cells))
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        rows = (
            (heading(attack), (_html_cell(row[name]) for name in self.columns))
            for attack, row in self.rows.items()
        )
        return table(self.columns, rows)


def heading(attack: str) -> str:
    """Return the heading of an attack's row, with the sign of whoever carries it out.

    Example:
        >>> heading("Eavesdrop"), heading("Tamper")
        ('◉ Eavesdrop', '▲ Tamper')
    """
    return f"{actor_of(attacker_of(attack)).sign} {attack}"


def _html_cell(result: AttackResult) -> str:
    colour = BAD if result.succeeded else GOOD
    evidence = html.escape("\n".join(result.evidence), quote=True)
    style = f"border-bottom:3px solid {colour}"
    return f'<td role="cell" style="{style}" title="{evidence}">{result.word}</td>'


def attack_table(
    protections: Iterable[Protection],
    attacks: Iterable[Attack] = ATTACKS.values(),
) -> AttackTable:
    """Run every attack against every protection, now, and return the table.

    Raises:
        LabError: `protections` is not a list of them, or two have the same name, and so the same
            column.
        ProtectionBroken: under one of them not even the device is served.

    Example:
        >>> from mtls_lab.attacks import clone, eavesdrop
        >>> print(attack_table([Protection("Plain TCP")], [eavesdrop, clone]))
                                 Plain TCP
        Eavesdrop                ✗ succeeds
        Clone the device         ✗ succeeds
    """
    attacks, protections = list(attacks), expect_protections(protections)
    names = [protection.name for protection in protections]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise LabError(
            f"two protections named {twice}",
            "a name for each: it heads a column",
            "give one of them another name",
        )
    for protection in protections:
        protection.check()
    return AttackTable(
        tuple(attack(protection) for protection in protections for attack in attacks)
    )

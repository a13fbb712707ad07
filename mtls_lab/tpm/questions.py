"""What a TPM was asked, command by command, as a page and a terminal show it.

Here: the list and its words. Not here: recording it (broker.py), the codes (codes.py).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mtls_lab.common import Shown, read_facts
from mtls_lab.drawing import BAD, GOOD, escape, table
from mtls_lab.tpm.manager import Asked

__all__ = ["Questions", "in_a_row"]


def in_a_row(asked: Iterable[Asked]) -> Iterator[tuple[Asked, int]]:
    """Give each command once, and how often it was asked in a row, with the same answer."""
    for _, same in itertools.groupby(asked, key=lambda each: (each.name, each.answer)):
        first, *rest = same
        yield first, 1 + len(rest)


@dataclass(frozen=True)
class Questions(Shown):
    """Commands in their order; what is asked several times in a row is told once."""

    asked: tuple[Asked, ...]

    def _rows(self) -> list[tuple[str, str, bool]]:
        rows = []
        for each, count in in_a_row(self.asked):
            times, answer = f" ×{count}" if count > 1 else "", each.answer
            rows.append((f"{each.name}{times}", "ok" if answer.ok else str(answer), answer.ok))
        return rows

    def __str__(self) -> str:
        return "\n".join(f"{name:<24} {said}" for name, said, _ in self._rows())

    def _repr_html_(self) -> str:
        asks = read_facts("tpm")["asks"]
        rows = []
        for name, said, good in self._rows():
            left = "text-align:left"  # sentences, where JupyterLab aligns figures
            style = f"{left};border-bottom:3px solid {GOOD if good else BAD}"
            means = asks.get(name.partition(" ")[0], "")
            cells = (f'<td role="cell" style="{left}">{escape(means)}</td>',)
            rows.append((name, (*cells, f'<td role="cell" style="{style}">{escape(said)}</td>')))
        return table(["what it means", "the TPM"], rows)

"""What a TPM was asked, command by command, as a page and a terminal show it.

Here: the list and its words. Not here: recording it (broker.py), the codes (codes.py).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from mtls_lab.drawing import BAD, GOOD, escape, table
from mtls_lab.facts import read_facts
from mtls_lab.text import Shown
from mtls_lab.tpm.manager import Asked

__all__ = ["Questions"]


@dataclass(frozen=True)
class Questions(Shown):
    """Commands in their order; what is asked several times in a row is told once."""

    asked: tuple[Asked, ...]

    def _rows(self) -> list[tuple[str, str, bool]]:
        rows = []
        for (name, answer), group in itertools.groupby(
            self.asked, key=lambda each: (each.name, each.answer)
        ):
            count = len(list(group))
            times = f" ×{count}" if count > 1 else ""
            rows.append((f"{name}{times}", "ok" if answer.ok else str(answer), answer.ok))
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

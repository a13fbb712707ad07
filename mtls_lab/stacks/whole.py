"""All stacks in one table: who serves which credential, and what the client is told.

Here: the value and its form. Not here: the runs (meeting.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from mtls_lab.common import Shown
from mtls_lab.drawing import definitions
from mtls_lab.stacks.meeting import CREDENTIALS, Encounter, Encounters, title

__all__ = ["StackTable", "stack_table"]


@dataclass(frozen=True)
class StackTable(Shown):
    """A row for each pair of stacks, a column for each credential.

    Attributes:
        rows: what was run; what was skipped is left out.
    """

    rows: tuple[Encounters, ...]

    def __str__(self) -> str:
        heads = [_pair(each) for each in self.rows]
        wide = max(map(len, heads), default=0)
        columns = [title(name) for name in CREDENTIALS]
        cells = [[_cell(each[name]) for name in CREDENTIALS] for each in self.rows]
        widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
        lines = [["", *columns], *([head, *row] for head, row in zip(heads, cells, strict=True))]
        return "\n".join(
            "  ".join(
                f"{text:<{width}}" for text, width in zip(line, (wide, *widths), strict=True)
            ).rstrip()
            for line in lines
        )

    def _repr_html_(self) -> str:
        """A list, for six columns are too wide for a telephone: what is told alike is told once."""
        return definitions([(_pair(each), _told(each)) for each in self.rows], sentences=True)


def stack_table(*encounters: Encounters) -> StackTable:
    """Return the table of what was run."""
    return StackTable(tuple(each for each in encounters if each))


def _pair(encounters: Encounters) -> str:
    return f"{encounters.client} → {encounters.server}"


def _told(encounters: Encounters) -> str:
    """What the client is told, and with which credentials."""
    told: dict[str, list[str]] = {}
    for name in CREDENTIALS:
        told.setdefault(_cell(encounters[name]), []).append(title(name))
    return " · ".join(f"{words}: {', '.join(names)}" for words, names in told.items())


def _cell(encounter: Encounter) -> str:
    return "✓ served" if encounter.served else f"✗ {encounter.heard}"

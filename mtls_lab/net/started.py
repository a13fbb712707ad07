"""By which cell of a notebook something was started, so that the cell can be run again.

Here: asking IPython, and which of two replaces the other. Not here: what is started (backend.py).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

__all__ = ["Started"]


@dataclass(frozen=True, slots=True)
class Started:
    """Under which name a backend was started, and in a notebook by which run of which cell."""

    name: str
    cell: str
    run: str

    @classmethod
    def now(cls, name: str) -> Started:
        """Ask IPython, if it runs: each request to run a cell has a number and the cell's own."""
        ipython = sys.modules.get("IPython")
        parent = getattr(ipython and ipython.get_ipython(), "get_parent", dict)
        request: dict[str, Any] = parent()
        # Not every program that shows notebooks numbers its cells: then it is the text.
        cell = request.get("metadata", {}).get("cellId") or request.get("content", {}).get("code")
        return cls(name, cell or "", request.get("header", {}).get("msg_id", ""))

    def replaces(self, earlier: Started) -> bool:
        """Whether the earlier one has to end: it has this name, or is of an earlier run."""
        if self.name or earlier.name:
            return self.name == earlier.name
        return bool(self.cell) and self.cell == earlier.cell and self.run != earlier.run

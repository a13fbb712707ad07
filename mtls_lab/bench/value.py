"""What `diagnose` returns: what was seen, and the causes, the likeliest first.

Here: the values, their text and their exit code. Not here: how they come about (judging.py,
reporting.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from mtls_lab.bench.cards import as_cards
from mtls_lab.facts import read_facts
from mtls_lab.text import Shown

__all__ = ["NO", "NOTE", "OPEN", "YES", "Cause", "Diagnosis", "Line", "classes"]

#: What stands before a line: in order or not, worth knowing, not known.
YES, NO, NOTE, OPEN = "✓", "✗", "!", "–"
#: Width of the labels of a printed diagnosis.
WIDTH = 11


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at: what it is, how it went (✓, ✗, !, –), what was seen."""

    label: str
    sign: str
    text: str

    def __str__(self) -> str:
        return f"  {self.sign} {self.label:<{WIDTH}} {self.text}"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why it fails, or may fail.

    Attributes:
        name: its name in data/diagnoses.toml.
        kind: its class there, which has the exit code.
        says: the cause, a sentence.
        fix: the file, setting or command that repairs it.
        command: a command line that checks it; `""` if there is none.
        evidence: what was seen that speaks for it.
        certain: whether it is proved; otherwise it is the likeliest of what fits.
    """

    name: str
    kind: str
    says: str
    fix: str
    command: str = ""
    evidence: tuple[str, ...] = ()
    certain: bool = False

    def __str__(self) -> str:
        lines = [self.says if self.certain else f"(likely) {self.says}"]
        lines += [f"   Seen:  {'; '.join(self.evidence)}"] * bool(self.evidence)
        lines += [f"   Fix:   {self.fix}"] * bool(self.fix)
        lines += [f"   Check: {self.command}"] * bool(self.command)
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Diagnosis(Shown):
    """What was seen of a server, and why mutual TLS with it fails.

    Attributes:
        target: the server as it was asked for, such as `api.example:443`.
        name: the name that its certificate was checked for.
        lines: what was looked at, in order.
        causes: what is wrong, the likeliest first; empty if nothing is.
    """

    target: str
    name: str
    lines: tuple[Line, ...]
    causes: tuple[Cause, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing wrong was found."""
        return not self.causes

    @property
    def kind(self) -> str:
        """The class of the first cause; "ok" without one."""
        return self.causes[0].kind if self.causes else "ok"

    @property
    def code(self) -> int:
        """The exit code of the command, one for each class."""
        return int(classes()[self.kind]["code"])

    @property
    def _fine(self) -> str:
        """What is said where nothing is wrong."""
        noted = any(line.sign == NOTE for line in self.lines)
        found: str = classes()["ok"]["noted" if noted else "title"]
        return found

    def _repr_html_(self) -> str:
        return as_cards(self, self._fine)

    def __str__(self) -> str:
        lines = [f"{self.target}", *map(str, self.lines), ""]
        if not self.causes:
            return "\n".join([*lines, self._fine])
        for number, cause in enumerate(self.causes, 1):
            lines.append(f"{number}. {cause}")
        return "\n".join(lines)


@cache
def classes() -> dict[str, dict[str, Any]]:
    """Return the classes of causes, each with its exit code and its title.

    Example:
        >>> classes()["ok"]["code"]
        0
    """
    found: dict[str, dict[str, Any]] = read_facts("diagnoses")["classes"]
    return found

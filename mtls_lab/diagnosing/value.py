"""What `diagnose` returns: what was seen, and the causes, the likeliest first.

Here: the values, their text, their cards in a notebook, their exit code. Not here: how they come
about (judging.py, reporting.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from mtls_lab.common import Shown, read_facts
from mtls_lab.drawing import (
    BAD,
    EDGE,
    GOOD,
    WARN,
    breakable,
    card,
    code,
    definitions,
    escape,
    side_by_side,
    verdict,
)

__all__ = [
    "BARE",
    "LOGIN",
    "NO",
    "NOTE",
    "OPEN",
    "YES",
    "Cause",
    "Diagnosis",
    "Line",
    "as_lines",
    "classes",
]

#: What stands before a line: in order or not, worth knowing, not known.
YES, NO, NOTE, OPEN = "✓", "✗", "!", "–"
#: The label of what the server does without a certificate; a ! there leaves open what it decides.
BARE = "without"
#: The label of who decides in a login after TLS.
LOGIN = "login"
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
        noted = {line.label for line in self.lines if line.sign == NOTE}
        labels = {line.label for line in self.lines}
        fine: dict[str, str] = classes()["ok"]
        if LOGIN in labels:
            return fine["login"]
        found = fine["open" if BARE in noted else "noted" if noted else "title"]
        # What is asked may still be refused by name, once there is a request.
        silent = "request" not in labels and BARE not in noted and "asks" in labels
        return f"{found} {fine['silent']}" if silent else found

    def _repr_html_(self) -> str:
        seen = side_by_side(card(f"<b>{escape(self.target)}</b>", as_lines(self.lines)))
        if self.ok:
            return seen + verdict(good=True, text=self._fine)
        causes = (_cause(number, each) for number, each in enumerate(self.causes, 1))
        return seen + "".join(side_by_side(each) for each in causes)

    def __str__(self) -> str:
        lines = [self.target, *map(str, self.lines), ""]
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


# --- As cards

_COLOURS = {YES: GOOD, NO: BAD, NOTE: WARN}


def as_lines(lines: Iterable[Line]) -> str:
    """Return what was seen, a line each, with its sign; the colour repeats what the sign says.

    Example:
        >>> as_lines([Line("TCP", "✓", "<ok>")]).count("&lt;ok&gt;")
        1
    """
    rows = "".join(
        f'<dt style="font-weight:600"><span style="border-left:4px solid '
        f'{_COLOURS.get(line.sign, EDGE)};padding-left:6px">{line.sign} {escape(line.label)}</span>'
        f'</dt><dd style="margin:0;min-width:0;overflow-wrap:anywhere">{breakable(line.text)}</dd>'
        for line in lines
    )
    style = "display:grid;grid-template-columns:fit-content(38%) minmax(0,1fr);gap:2px 12px"
    return f'<dl style="{style};margin:4px 0">{rows}</dl>'


def _cause(number: int, cause: Cause) -> str:
    sure = "certain" if cause.certain else "likely"
    head = f"<b>{number}. {breakable(cause.says)}</b> ({sure})"
    rows = [("Seen", "; ".join(cause.evidence)), ("What to do", cause.fix)]
    body = definitions(((name, text) for name, text in rows if text), sentences=True)
    return card(head, body + (code(cause.command) if cause.command else ""), good=False)

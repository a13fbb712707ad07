"""The errors that a person reads: what was found, what was expected, what to do.

Here: one base class and its few kinds, and what a caller gives, held to its kind: the likely slips,
told at once. Not here: errors of TLS itself, which are the lesson and reach the reader unchanged
(see wire/outcome.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mtls_lab.common.text import printable

__all__ = [
    "FileProblem",
    "LabError",
    "NetworkProblem",
    "NotInWorkspace",
    "ProtectionBroken",
    "TamperFailed",
    "ToolMissing",
    "UnknownName",
    "expect_function",
    "expect_number",
    "expect_text",
    "expect_written",
    "folder_gone",
    "kind_of",
    "why_of",
]


class LabError(Exception):
    """Base of every error that the lab raises on purpose.

    Args:
        found: what was there.
        expected: what should have been there.
        todo: the next step for the reader.

    Example:
        >>> print(LabError("two keys", "one certificate and one key", "copy server.crt again"))
        Found:    two keys
        Expected: one certificate and one key
        To do:    copy server.crt again
    """

    def __init__(self, found: str, expected: str, todo: str) -> None:
        # Foreign names end up in messages: of files, of peers, of what a learner typed.
        self.found, self.expected, self.todo = map(self._shown, (found, expected, todo))
        super().__init__(
            f"Found:    {self.found}\nExpected: {self.expected}\nTo do:    {self.todo}"
        )

    @staticmethod
    def _shown(text: str) -> str:
        return printable(text)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.found, self.expected, self.todo), self.__dict__

    def _render_traceback_(self) -> list[str]:
        """Jupyter asks for this: the message alone, without a traceback."""
        return [type(self).__name__, str(self)]


def kind_of(value: object) -> str:
    """Return the kind of a value as a sentence names it.

    Example:
        >>> kind_of({}), kind_of(7), kind_of(None)
        ('a dict', 'an int', 'None')
        >>> import ssl
        >>> kind_of(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        'an SSLContext'
    """
    if value is None:
        return "None"
    name = type(value).__name__
    # An abbreviation begins as its first letter is called: ess, ess, ell.
    vowels = "AEFHILMNORSX" if name[:2].isupper() else "AEIOaeio"
    return f"{'an' if name[0] in vowels else 'a'} {name}"


def why_of(error: Exception) -> str:
    """Return why something failed, without the name of the file that a message has already.

    Example:
        >>> why_of(FileNotFoundError(2, "No such file or directory", "ca.crt"))
        'No such file or directory'
        >>> why_of(ValueError("not a regular file"))
        'not a regular file'
    """
    return getattr(error, "strerror", None) or str(error)


class FileProblem(LabError):
    """A file or folder that cannot be read, written, or is not what its name says.

    Attributes:
        kind: what a file is in the place of what was expected, where pki/ tells: "password", "der",
            "swapped", "another thing", "kind" (of a key), "damaged", or a form of pki/forms.py.
    """

    def __init__(self, found: str, expected: str, todo: str, kind: str = "") -> None:
        super().__init__(found, expected, todo)
        self.kind = kind


class NetworkProblem(LabError):
    """An address that cannot be listened on, or a peer that did not show up."""


class ToolMissing(LabError):
    """A program that the lab calls, such as openssl, is not installed."""


class NotInWorkspace(LabError):
    """A notebook runs outside a learner's folder."""


class ProtectionBroken(LabError):
    """A protection under which not even the device is served, so no attack can be judged."""

    @staticmethod
    def _shown(text: str) -> str:
        """Keep the two lines of its exchange apart."""
        return "\n".join(map(printable, text.split("\n")))


class TamperFailed(LabError):
    """A function that was to change what passes a relay did not work."""


class UnknownName(LabError):
    """A name that a catalogue does not have; the message lists those that it has."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = tuple(known)
        names = ", ".join(known) or "none"
        super().__init__(f"no {kind} {name!r}", f"one of {names}", "correct the name")
        self._arguments = (kind, name, known)

    def __reduce__(self) -> tuple[type[LabError], tuple[Any, ...]]:
        return type(self), self._arguments


def folder_gone() -> FileProblem | None:
    """Return what is said if the current folder was deleted while this program was in it."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return FileProblem(
            "the current folder, which is not there any more",
            "a folder that is there",
            'go into another one; into a new one of the same name with cd "$PWD", or in a notebook '
            "by restarting its kernel",
        )
    return None


# --- What a caller gives


def expect_text(text: object, what: str) -> None:
    """Hold a command, a name or a host to being a text. Raises LabError."""
    if isinstance(text, str):
        return
    todo = "leave out the b before the quotes" if isinstance(text, bytes) else "put it in quotes"
    raise LabError(f"{what} is {kind_of(text)}", "a text", todo)


def expect_number(number: object, what: str, least: float = 0, most: float = math.inf) -> None:
    """Hold a time-out or a limit to a number from `least` to `most`. Raises LabError."""
    if isinstance(number, int | float) and least <= number <= most:
        return
    above = isinstance(number, int | float) and number > most
    raise LabError(
        f"{what} is {number if isinstance(number, int | float) else kind_of(number)}",
        f"a number up to {most:,}" if above else f"a number from {least} on",
        f"write {what}={number if isinstance(number, str) and number.isdigit() else 5}, say",
    )


def expect_function(function: object, what: str) -> None:
    """Hold what is to be called later to being a function, or None. Raises LabError."""
    if function is not None and not callable(function):
        raise LabError(
            f"{what} is {kind_of(function)}",
            "a function, or None",
            f"write {what}=name, with the name of a function and without brackets behind it",
        )


def expect_written(things: Sequence[object], kind: Any, call: str, what: str) -> None:
    """Hold what `call` is to write, behind the name of the file, to its kind. Raises LabError."""
    wrong = [each for each in things if not isinstance(each, kind)] if things else [None]
    if wrong:
        raise LabError(
            f"{call} was given {kind_of(wrong[0])} to write",
            f"the name of a file, then {what}",
            f"write {call}(path, …), with {what} in the second place",
        )

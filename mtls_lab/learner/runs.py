"""A decisive run: the function of a lesson's cell, what it returned, and what it printed meanwhile.

Here: running it, catching what it prints, and its error in a few lines. Not here: what the outcome
means (judges.py), and showing it (panels/prediction.py).
"""

from __future__ import annotations

import io
import linecache
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mtls_lab.common import LabError

__all__ = ["Run", "in_short", "make"]


@dataclass(frozen=True, slots=True)
class Run:
    """What a run left.

    Attributes:
        value: what the function returned.
        printed: what it printed, without the line ends around it.
    """

    value: object
    printed: str = ""

    @property
    def named(self) -> list[tuple[str, object]]:
        """Each piece of evidence with its title; the parts of a dict have one, others none.

        Example:
            >>> Run({"with it": 1, "without": 2}).named
            [('with it', 1), ('without', 2)]
            >>> Run((["a", "b"], {"beside it": 3})).named
            [('', ['a', 'b']), ('beside it', 3)]
        """
        parts = self.value if isinstance(self.value, tuple) else (self.value,)
        return [
            (str(title), each)
            for part in parts
            for title, each in (part.items() if isinstance(part, dict) else [("", part)])
        ]

    @property
    def evidence(self) -> list[object]:
        """The evidence alone, as a judge takes it."""
        return [each for _, each in self.named]


class _Printed(io.TextIOBase):
    """Keeps what some threads print, each apart, and lets all others print.

    A cell and a click on a panel may run at the same time, and either may be the first to end.
    """

    def __init__(self) -> None:
        super().__init__()
        self._one = threading.Lock()
        self._kept: dict[int, list[str]] = {}
        self._passing = sys.stdout

    @contextmanager
    def kept(self) -> Iterator[list[str]]:
        """Keep what this thread prints."""
        me, pieces = threading.get_ident(), list[str]()
        with self._one:
            if sys.stdout is not self:
                self._passing, sys.stdout = sys.stdout, self
            outer = self._kept.get(me)
            self._kept[me] = pieces
        try:
            yield pieces
        finally:
            with self._one:
                if outer is None:
                    del self._kept[me]
                else:
                    self._kept[me] = outer
                if not self._kept:
                    sys.stdout = self._passing

    def write(self, text: str) -> int:
        pieces = self._kept.get(threading.get_ident())
        if pieces is None:
            return self._passing.write(text)
        pieces.append(text)
        return len(text)

    def flush(self) -> None:
        if not self._passing.closed:  # as it may be when Python ends
            self._passing.flush()


_printed = _Printed()


def make(function: Callable[[], object]) -> Run:
    """Run a function; what it raises is raised.

    Example:
        >>> make(lambda: print("seen") or 7)
        Run(value=7, printed='seen')
    """
    __tracebackhide__ = True  # Jupyter shows the learner's lines, and leaves ours out
    with _printed.kept() as pieces:
        value = function()
    return Run(value, "".join(pieces).strip("\n"))


def in_short(error: Exception, function: Callable[[], object]) -> str:
    """Return an error as Jupyter would show it, with the line of the learner's function alone.

    Example:
        >>> def run():
        ...     return nobody
        >>> try:
        ...     make(run)
        ... except NameError as error:
        ...     print(in_short(error, run).splitlines()[0])
        NameError: name 'nobody' is not defined
    """
    if isinstance(error, LabError):
        return str(error)
    said = traceback.format_exception_only(error)[-1].strip()
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    lines = [
        f"\n  in line {number} of the cell: {line}"
        for frame, number in traceback.walk_tb(error.__traceback__)
        if file
        and frame.f_code.co_filename == file
        and (line := linecache.getline(file, number).strip())
    ]
    return said + "".join(lines[-1:])

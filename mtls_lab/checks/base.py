"""What all checks share: the four outcomes, how a check tells them, and how it calls a learner.

Here: Result, the decorator `exercise`, and `call`, which no learner's code escapes from. Not
here: any particular exercise.

A check is a generator. It yields a sentence for each thing that it has seen to hold, and raises
NotYet or Unsafe at the first that does not; whoever reaches the end is right.
"""

from __future__ import annotations

import ctypes
import dis
import functools
import html
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from types import CodeType
from typing import Any

from mtls_lab import progress
from mtls_lab.errors import LabError

__all__ = [
    "Called",
    "Check",
    "Exercise",
    "NotYet",
    "Outcome",
    "Result",
    "Unsafe",
    "call",
    "exercise",
    "exercises",
]

#: What a learner writes here takes milliseconds; what takes longer waits for nothing.
LIMIT = 5.0
#: How long a stopped thread may take to end. Whatever holds on for longer catches everything.
GRACE = 1.0


class Outcome(Enum):
    """How an attempt at an exercise is judged; the value is what the learner reads."""

    NOT_ATTEMPTED = "not attempted"
    NOT_YET = "not yet"
    UNSAFE = "works but unsafe"
    RIGHT = "right"


_SIGNS = {
    Outcome.NOT_ATTEMPTED: ("○", "border-color1"),
    Outcome.NOT_YET: ("✗", "error-color1"),
    Outcome.UNSAFE: ("⚠", "warn-color1"),
    Outcome.RIGHT: ("✓", "success-color1"),
}


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """What a check found; shown by Jupyter as the value of a cell.

    Attributes:
        exercise: the name of the check.
        outcome: the judgement.
        seen: what was tried and held, in order.
        found: what did not hold; empty if nothing.
        rule: what should have been; empty if nothing is wrong.
    """

    exercise: str
    outcome: Outcome
    seen: tuple[str, ...] = ()
    found: str = ""
    rule: str = ""

    @property
    def right(self) -> bool:
        """Whether the exercise is solved."""
        return self.outcome is Outcome.RIGHT

    def _lines(self) -> list[str]:
        lines = [f"{_SIGNS[self.outcome][0]} {self.outcome.value}"]
        if self.outcome is Outcome.NOT_ATTEMPTED:
            lines[0] += ": replace the ... above, and run the cell again"
        lines += [f"  ✓ {each}" for each in self.seen]
        if self.found:
            lines += [f"  ✗ {self.found}", f"  Rule: {self.rule}"]
        return lines

    def __str__(self) -> str:
        return "\n".join(self._lines())

    __repr__ = __str__  # Jupyter shows the last value of a cell by its repr

    def _repr_html_(self) -> str:
        head, *rest = (html.escape(line.strip()) for line in self._lines())
        body = "<br>".join([f"<strong>{head}</strong>", *rest])
        name, outcome = html.escape(self.exercise), html.escape(self.outcome.value)
        colour = _SIGNS[self.outcome][1]
        style = f"border-left: 5px solid var(--jp-{colour}, currentColor); padding: 2px 10px"
        attributes = f'role="status" data-testid="check-{name}" data-outcome="{outcome}"'
        return f'<div {attributes} style="{style}">{body}</div>'


class NotYet(Exception):
    """An exercise is not solved.

    Args:
        found: what the check saw, as a sentence without a full stop.
        rule: the rule that this breaks, and never the answer.
    """

    outcome = Outcome.NOT_YET

    def __init__(self, found: str, rule: str) -> None:
        super().__init__(found, rule)
        self.found, self.rule = found, rule


class Unsafe(NotYet):
    """An exercise works, and an attacker gets through."""

    outcome = Outcome.UNSAFE


# --- Exercises -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Exercise:
    """An exercise of a part: the name of its check, and what is to be done."""

    name: str
    part: int
    title: str


Check = Callable[[Any], Result]
_exercises: dict[str, Exercise] = {}


def exercises() -> dict[str, Exercise]:
    """Return every exercise by its name, in the order of the parts."""
    return dict(_exercises)


def exercise(
    part: int, wanted: str, kind: type | Callable[[object], bool]
) -> Callable[[Callable[..., Iterator[str]]], Check]:
    """Make a check of a generator; what the generator does is told in this module's docstring.

    The check takes what the learner wrote and never raises. The first line of its docstring is
    the exercise's title.

    Args:
        part: where the exercise belongs.
        wanted: what the learner has to hand in, such as "an ssl.SSLContext".
        kind: its type, or a function that says whether something is of this kind.
    """

    def decorate(generator: Callable[..., Iterator[str]]) -> Check:
        name = generator.__name__
        title = (generator.__doc__ or "").partition("\n")[0].rstrip(".")
        _exercises[name] = Exercise(name, part, title)

        @functools.wraps(generator)
        def check(thing: Any) -> Result:
            result = _judge(name, generator, thing, wanted, kind)
            if result.outcome is not Outcome.NOT_ATTEMPTED:
                progress.note(exercise=name, outcome=result.outcome.value)
            return result

        return check

    return decorate


def _judge(
    name: str,
    generator: Callable[..., Iterator[str]],
    thing: object,
    wanted: str,
    kind: type | Callable[[object], bool],
) -> Result:
    if _is_open(thing):
        return Result(name, Outcome.NOT_ATTEMPTED)
    seen: list[str] = []
    try:
        with _no_stragglers():
            if not (isinstance(thing, kind) if isinstance(kind, type) else kind(thing)):
                raise NotYet(f"you gave the check {_spoken(thing)}", f"it takes {wanted}")
            for sentence in generator(thing):
                seen.append(sentence)  # noqa: PERF402 - what held stays, if the next does not
    except NotYet as no:
        return Result(name, no.outcome, tuple(seen), no.found, no.rule)
    except LabError as error:
        return Result(name, Outcome.NOT_YET, tuple(seen), error.found, error.todo)
    except Exception as error:  # noqa: BLE001 - a traceback of ours would teach nothing
        found = f"the check could not go on: {type(error).__name__}: {error}"
        rule = "run the cells above once more, in order; if it stays, please report it"
        return Result(name, Outcome.NOT_YET, tuple(seen), found, rule)
    return Result(name, Outcome.RIGHT, tuple(seen))


def _spoken(thing: object) -> str:
    return f"a {type(thing).__name__}" if thing is not None else "None"


#: All that the body `...` (or `pass`, or a docstring) compiles to, on every Python since 3.11.
_NOTHING = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "CACHE"}


def _is_open(thing: object) -> bool:
    """Whether there is still a `...` where the answer belongs, or a function without a body."""
    if thing is ... or (isinstance(thing, tuple | list) and ... in list(thing)):
        return True
    code = getattr(thing, "__code__", None)
    if not isinstance(code, CodeType):
        return False
    return ... in code.co_consts or {each.opname for each in dis.get_instructions(code)} <= _NOTHING


# --- Calling what a learner wrote ------------------------------------------------------------


class _Stopped(BaseException):
    """Raised in a learner's function from outside, to end it."""


@dataclass(frozen=True, slots=True)
class Called:
    """How a call ended: with a value, or with an error of the learner's function.

    Attributes:
        name: the function's name.
        value: what it returned.
        error: what it raised, or None.
        line: the line of the function's cell at which it raised; 0 if that is not known.
    """

    name: str
    value: Any = None
    error: BaseException | None = None
    line: int = 0

    @property
    def told(self) -> str:
        """The error as a sentence, such as `fetch raised TypeError: … (line 3 of its cell)`."""
        error = self.error
        where = f" (line {self.line} of its cell)" if self.line else ""
        message = f": {error}" if str(error) else ""
        return f"{self.name} raised {type(error).__name__}{message}{where}"

    def returned(self, rule: str) -> Any:
        """Return the value; an error is a NotYet with this rule."""
        if self.error is not None:
            raise NotYet(self.told, rule)
        return self.value


#: The threads that the running check has started, and that have not ended in time.
_stragglers: list[threading.Thread] = []


def call(
    function: Callable[..., Any], *arguments: object, limit: float = LIMIT, **options: object
) -> Called:
    """Call a learner's function, for `limit` seconds at most, and note how that ended.

    The function runs in a thread of its own, into which an exception is thrown when the time is
    over. A wait on a socket ends when the check hangs up.

    Raises:
        NotYet: it had not returned by then.

    Example:
        >>> call(lambda: 1 / 0).told
        '<lambda> raised ZeroDivisionError: division by zero (line 1 of its cell)'
    """
    name = getattr(function, "__name__", type(function).__name__)
    ended: list[Called] = []

    def work() -> None:
        try:
            ended.append(Called(name, value=function(*arguments, **options)))
        except _Stopped:
            return
        except BaseException as error:  # noqa: BLE001 - SystemExit as well: it is the learner's
            ended.append(Called(name, error=error, line=_line(error, function)))

    thread = threading.Thread(target=work, name=f"check of {name}", daemon=True)
    thread.start()
    try:
        thread.join(limit)
    finally:  # the learner may interrupt the kernel meanwhile
        if thread.is_alive():
            _stragglers.append(thread)
            _throw(thread)
    if not ended:
        raise NotYet(
            f"{name} had not returned after {limit:g} s, and was stopped",
            "a loop needs an end, and a wait for a peer needs a time-out",
        )
    return ended[0]


def _line(error: BaseException, function: Callable[..., Any]) -> int:
    code = getattr(function, "__code__", None)
    own = [
        frame.lineno or 0
        for frame in traceback.extract_tb(error.__traceback__)
        if code is not None and frame.filename == code.co_filename
    ]
    return own[-1] if own else 0


def _throw(thread: threading.Thread) -> None:
    """Make the thread raise _Stopped at its next step."""
    number = ctypes.c_ulong(thread.ident or 0)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(number, ctypes.py_object(_Stopped))


@contextmanager
def _no_stragglers() -> Iterator[None]:
    """When the check is over and its peers are gone, see every learner's function end."""
    try:
        yield
    finally:
        threads = _stragglers[:]
        _stragglers.clear()
        for thread in threads:
            for _ in range(20):
                thread.join(GRACE / 20)
                if not thread.is_alive():
                    break
                _throw(thread)  # it may have caught the one before
        if any(thread.is_alive() for thread in threads):
            raise NotYet(
                "your function catches everything, even being stopped, and still runs",
                "choose Kernel → Restart Kernel; and catch the errors that you expect, not all",
            )

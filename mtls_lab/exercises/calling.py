"""Calling what a learner wrote, which may raise anything and may never end.

Here: `call`, a rule that a backend calls, and the end of every thread that a check leaves. Not
here: the judgement (result.py).
"""

from __future__ import annotations

import ctypes
import inspect
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mtls_lab.exercises.result import NotYet
from mtls_lab.explaining.calls import unopened
from mtls_lab.net import PeerCertificate

__all__ = ["LIMIT", "Called", "Rule", "call", "no_stragglers", "stragglers"]

#: What a learner writes here takes milliseconds; what takes longer waits for nothing.
LIMIT = 5.0
#: How long a stopped thread may take to end. Whatever holds on for longer catches everything.
GRACE = 1.0


class _Stopped(BaseException):
    """Raised in a learner's function from outside, to end it."""


_COROUTINE = "write def: inside it, asyncio.run can run an async function"
_GENERATOR = "with yield in it, a function returns a generator: return its value instead"
_NAME = "a name is imported, or gets its value, before it is used"
#: How Python begins to say that ssl, or a context, lacks a name.
_SSL = ("module 'ssl'", "'SSLContext'")
_ATTRIBUTE = "ssl has no such name: compare how the lesson spells it"
_ARGUMENTS = "the check calls it with the arguments that the exercise names, in that order"


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
        if isinstance(error, FileNotFoundError) and error.filename is None:
            _, named = unopened(error)  # ssl leaves the name out
            message += f": {named['file']!r}" if named else ""
        return f"{self.name} raised {type(error).__name__}{message}{where}"

    def returned(self, rule: str) -> Any:
        """Return the value; an error is a NotYet with this rule, or with that of its kind."""
        if self.error is not None:
            raise NotYet(self.told, self._rule_of_its_kind() or rule)
        if inspect.iscoroutine(self.value):
            self.value.close()
            raise NotYet(f"{self.name} returned a coroutine, which has not run", _COROUTINE)
        if inspect.isgenerator(self.value):
            raise NotYet(f"{self.name} returned a generator, which has not run", _GENERATOR)
        return self.value

    def _rule_of_its_kind(self) -> str:
        if isinstance(self.error, NameError):
            return _NAME
        if isinstance(self.error, AttributeError) and str(self.error).startswith(_SSL):
            return _ATTRIBUTE
        outside = isinstance(self.error, TypeError) and not self.line
        return _ARGUMENTS if outside and "argument" in str(self.error) else ""


#: The threads that the running check has started, and that have not ended in time.
stragglers: list[threading.Thread] = []


def call(
    function: Callable[..., Any],
    *arguments: object,
    limit: float = LIMIT,
    busy: Callable[[], bool] = lambda: False,
    **options: object,
) -> Called:
    """Call a learner's function, for `limit` seconds at most, and note how that ended.

    The time starts when `busy` is over: until then the check keeps the function busy.
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
        while thread.is_alive() and busy():
            thread.join(0.02)
        thread.join(limit)
    finally:  # the learner may interrupt the kernel meanwhile
        if thread.is_alive():
            stragglers.append(thread)
            _throw(thread)
    if not ended:
        raise NotYet(
            f"{name} had not returned after {limit:g} s, and was stopped",
            "a loop needs an end, and a wait for a peer needs a time-out",
        )
    return ended[0]


class Rule:
    """A learner's authorization rule as a backend takes it, and how its latest call ended.

    Options are those of `call`.

    Attributes:
        certificate: what it was asked about.
        ended: how; None while it has not been asked.
    """

    def __init__(self, function: Callable[..., Any], **options: Any) -> None:
        self._function, self._options = function, options
        self.certificate: PeerCertificate = None
        self.ended: Called | NotYet | None = None

    def __call__(self, certificate: PeerCertificate) -> object:
        """Ask the rule; what does not end, or raises, is a no."""
        self.certificate, self.ended = certificate, None
        try:
            self.ended = call(self._function, certificate, **self._options)
        except NotYet as no:
            self.ended = no
            return False
        return self.ended.value  # None after an error: the backend says no, as to every error

    def returned(self, who: str, rule: str) -> None:
        """Raise NotYet if the latest call did not end with a value."""
        if isinstance(self.ended, NotYet):
            raise self.ended
        if self.ended is not None and self.ended.error is not None:
            raise NotYet(f"for {who}, {self.ended.told}", rule)


def _line(error: BaseException, function: Callable[..., Any]) -> int:
    code = getattr(function, "__code__", None)
    own = [
        line or 0
        for frame, line in traceback.walk_tb(error.__traceback__)
        if code is not None and frame.f_code.co_filename == code.co_filename
    ]
    return own[-1] if own else 0


def _throw(thread: threading.Thread) -> None:
    """Make the thread raise _Stopped at its next step."""
    number = ctypes.c_ulong(thread.ident or 0)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(number, ctypes.py_object(_Stopped))


@contextmanager
def no_stragglers() -> Iterator[None]:
    """When the check is over and its peers are gone, see every learner's function end.

    A thread that is told to stop while it is ending has nobody left to catch that, and Python would
    print it.
    """
    usual = sys.unraisablehook

    def unless_stopped(lost: sys.UnraisableHookArgs) -> None:
        if not issubclass(lost.exc_type, _Stopped):
            usual(lost)

    sys.unraisablehook = unless_stopped
    try:
        yield
    finally:
        try:
            _see_them_end()
        finally:
            sys.unraisablehook = usual


def _see_them_end() -> None:
    threads = stragglers[:]
    stragglers.clear()
    for thread in threads:
        thread.join(GRACE / 2)  # as a rule it is on its way out, through its `with` blocks
        for _ in range(10):
            if not thread.is_alive():
                break
            _throw(thread)  # it may have caught the one before
            thread.join(GRACE / 20)
    if any(thread.is_alive() for thread in threads):
        raise NotYet(
            "your function catches everything, even being stopped, and still runs",
            "choose Kernel → Restart Kernel; and catch the errors that you expect, not all",
        )

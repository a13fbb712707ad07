"""Before Part 3: try to stop the clone with what you have, and see why that does not work.

Here: a check that attacks two functions of the learner's, and never says "right". Not here: the
exercises (manifest.py), and the attack on a finished protection (attacks/).

A clone has everything that the software has: so it runs the device's function, as it is. What
the check says follows from who was served; it does not read what the functions do.
"""

from __future__ import annotations

import builtins
import errno
import io
import marshal
import os
import platform
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any
from unittest import mock

from mtls_lab.common import scratch_folder
from mtls_lab.drawing import WARN, box, line_of
from mtls_lab.exercises.calling import no_stragglers
from mtls_lab.exercises.peers import shown
from mtls_lab.exercises.questioning import (
    Call,
    Genuine,
    QuestioningBackend,
    Says,
    can_be_elsewhere,
)
from mtls_lab.exercises.result import NotYet

__all__ = ["Attempt", "stop_the_clone"]

#: A shorter text is in any program.
TELLING = 4

SENT_AGAIN = (
    "what is sent can be sent again, also by whoever receives it: a log, a proxy, a backend "
    "that was broken into"
)
PLACE = "an address says where a call comes from, and not who calls: others can be there as well"
LABEL = (
    "a MAC address, a serial number or a host name is a name, not a secret: it can be read off, "
    "and set with one command"
)
INSIDE = "what is in the program is in every copy of it, hidden or not: nobody has to find it"
OPEN = "somebody has to be refused: compare the answer with something"
FILE = (
    "the copy of the program has no copy of your file: a secret that is not in the software is the "
    "idea that works. But the backend has this one as well, and whoever reads it there is the "
    "device. Part 3 gives each device a secret that no backend knows"
)
LOCKED_OUT = "a rule that remembers callers can be made to lock out the device"
UNKNOWN = (
    "the copy was refused, and this check cannot say why. Ask yourself what your device has here "
    "that a copy of all its software does not"
)
NEXT = (
    "You need a secret that is not in the software, and a proof that shows it to nobody. Part 3 "
    "gives each device one."
)


@dataclass(frozen=True, slots=True, repr=False)
class Attempt:
    """How an attempt to stop the clone ended; shown by Jupyter as the value of a cell.

    Attributes:
        head: the judgement; none of them is "right".
        tried: whoever called, and whether the backend served them, in order.
        evidence: what both sides saw of the last call of the clone.
        rules: what follows from it.
        served: whether the clone got the secret.
    """

    head: str
    tried: tuple[tuple[str, bool], ...] = ()
    evidence: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    served: bool = False

    def _lines(self) -> list[str]:
        lines = [
            f"  {'✓' if served is who.startswith('the device') else '✗'} "
            f"{who}: {'served' if served else 'refused'}"
            for who, served in self.tried
        ]
        lines += [f"    {each}" for each in self.evidence]
        lines += [f"  Rule: {rule}" for rule in self.rules]
        return [self.head, *lines, *([f"  {NEXT}"] if self.served else [])]

    def __str__(self) -> str:
        return "\n".join(self._lines())

    __repr__ = __str__  # Jupyter shows the last value of a cell by its repr

    def _repr_html_(self) -> str:
        head, *rest = map(line_of, self._lines())
        return box([f"<strong>{head}</strong>", *rest], WARN, testid="stop-the-clone")


def stop_the_clone(device_says: Says, is_genuine: Genuine) -> Attempt:
    """Let the device call, and then Mallory, with all that the device's software has.

    For each call over TLS the backend sends a new question, the caller answers with a line, and
    the backend serves whom it takes for the device. It never raises.

    Args:
        device_says: runs on the device; takes the question, and returns the answer, a str.
        is_genuine: runs on the backend; takes the answer, the question and the caller's address,
            and returns whether it is the device.

    Example:
        >>> attempt = stop_the_clone(lambda question: "x", lambda answer, question, address: True)
        >>> attempt.served
        True
    """
    try:
        with no_stragglers():
            return _attack(device_says, is_genuine)
    except NotYet as no:
        return Attempt(f"✗ not yet: {no.found}", rules=(no.rule,))
    except Exception as error:  # noqa: BLE001 - a traceback of ours would teach nothing
        return Attempt(
            f"✗ not yet: the check could not go on: {type(error).__name__}: {error}",
            rules=("run the cells above once more; if it still fails, please report it",),
        )


@contextmanager
def _another_machine() -> Iterator[None]:
    """Report another MAC address and another host name to whoever asks Python for them."""
    with (
        mock.patch.object(uuid, "getnode", return_value=0x02005E001053),
        mock.patch.object(socket, "gethostname", return_value="another-machine"),
        mock.patch.object(platform, "node", return_value="another-machine"),
    ):
        yield


def _attack(device_says: Says, is_genuine: Genuine) -> Attempt:
    with QuestioningBackend(is_genuine) as backend:
        first = _device(backend, device_says)
        _device(backend, device_says)  # one that is served once only is of no use
        tried = [("the device", True)]
        stranger = backend.visit("stranger", lambda _: "", elsewhere=True)
        tried.append(("somebody who answers nothing", stranger.served))
        if stranger.served:
            head = "✗ everybody is served"
            return Attempt(head, tuple(tried), stranger.lines, (OPEN,), served=True)
        recording = _sent_again(backend, first.answer, tried)
        with scratch_folder() as empty:
            copy = _Copy(device_says, str(empty))
            clone, needed = _copies(backend, copy, tried)
        locked = not backend.visit("device", device_says, elsewhere=False).served
        if locked:
            tried.append(("the device, after that", False))
    rules = [SENT_AGAIN] if recording.served else []
    rules += needed
    if not clone.served:
        rules += [FILE if copy.misses_a_file else LOCKED_OUT if locked else UNKNOWN]
        return Attempt("✗ not stopped for good", tuple(tried), clone.lines, tuple(rules))
    if LABEL not in needed:
        rules += [_how(device_says, first.answer, recorded=recording.served), INSIDE]
    head = "✗ the clone is served"
    return Attempt(head, tuple(tried), clone.lines, tuple(rules), served=True)


def _device(backend: QuestioningBackend, says: Says) -> Call:
    done = backend.visit("device", says, elsewhere=False)
    if not done.served:
        rule = f"the device has to be served, each time: {'; '.join(done.lines)}"
        raise NotYet("your device itself is refused", rule)
    return done


def _sent_again(backend: QuestioningBackend, answer: str, tried: list[tuple[str, bool]]) -> Call:
    """Let Mallory send a recording: from elsewhere, and if refused from the device's address."""
    done = backend.visit("mallory", lambda _: answer, elsewhere=True)
    tried.append(("a recording, sent from elsewhere", done.served))
    if not done.served and can_be_elsewhere():
        done = backend.visit("mallory", lambda _: answer, elsewhere=False)
        tried.append(("a recording, sent from the device's address", done.served))
    return done


@contextmanager
def _only_files_in(folder: str) -> Iterator[None]:
    """Let this thread open no file that is somewhere else: another machine has none of them."""
    device, opened = threading.get_ident(), builtins.open

    def elsewhere(file: Any, *args: Any, **options: Any) -> Any:
        if threading.get_ident() == device and isinstance(file, str | bytes | os.PathLike):
            path = Path(os.fsdecode(file)).resolve()
            if not path.is_relative_to(Path(folder).resolve()):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), file)
        return opened(file, *args, **options)

    with (
        chdir(folder),
        mock.patch.object(builtins, "open", elsewhere),
        mock.patch.object(io, "open", elsewhere),  # which pathlib calls
    ):
        yield


class _Copy:
    """The device's function, in a folder without the device's files.

    Attributes:
        misses_a_file: whether it wanted to read one.
    """

    def __init__(self, says: Says, folder: str) -> None:
        self.__name__ = getattr(says, "__name__", "device_says")
        self._says, self._folder = says, folder
        self.misses_a_file = False

    def __call__(self, question: str) -> object:
        """Answer as the device does, or with nothing where its file is missing."""
        try:
            with _only_files_in(self._folder):
                return self._says(question)
        except FileNotFoundError:
            self.misses_a_file = True
            return ""


def _copies(
    backend: QuestioningBackend, says: _Copy, tried: list[tuple[str, bool]]
) -> tuple[Call, list[str]]:
    """Run the copy where it is easiest for Mallory, and each time with one thing more.

    Returns:
        The first call that was served, or else the last; and what it took.
    """

    def on_another(question: str) -> object:
        with _another_machine():
            return says(question)

    on_another.__name__ = says.__name__
    ways: list[tuple[str, Says, bool, list[str]]] = [
        ("a copy of the program, on another machine, elsewhere", on_another, True, []),
        ("the same, which is told the device's MAC address and host name", says, True, [LABEL]),
        ("a copy on another machine, at the device's address", on_another, False, [PLACE]),
        ("a copy that is told all of that", says, False, [LABEL, PLACE]),
    ]
    for what, function, elsewhere, needed in ways:
        done = backend.visit("clone", function, elsewhere=elsewhere)
        tried.append((what, done.served))
        if done.served:
            return done, needed
    return done, []


def _how(says: Says, answer: str, *, recorded: bool) -> str:
    """How Mallory came by the answer: as far as that is known."""
    if not recorded:
        return (
            "the answer is a new one each time, so a recording is worth nothing: keep that idea. "
            "But what makes the answer was copied with the program"
        )
    if len(answer) >= TELLING and answer.encode() in _bytes_of(says):
        return f"{shown(answer)} can be read in the bytes of the program: she need not run it"
    return f"she let the program say {shown(answer)}: it need not be found to be used"


def _bytes_of(says: Says) -> bytes:
    """The compiled function with the constants that it names: what `strings` would search."""
    code = getattr(says, "__code__", None)
    if not isinstance(code, CodeType):
        return b""
    named = (says.__globals__.get(name) for name in code.co_names)
    constants = [value for value in named if isinstance(value, str | bytes)]
    return marshal.dumps(code) + b" ".join(
        value if isinstance(value, bytes) else value.encode() for value in constants
    )

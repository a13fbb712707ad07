"""What a contexts.py does for real: with its own device, and against an attacker.

Here: running the learner's file anew, and one honest exchange. Not here: the attacks (mallory.py),
how a kata is made (sabotage.py), and who asks for this (task.py).

Paths in a contexts.py count from its folder, which is the current one while this runs.
"""

from __future__ import annotations

import runpy
import shutil
import ssl
import traceback
from collections.abc import Callable, Iterator
from contextlib import chdir, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mtls_lab.common import FileProblem, kind_of, scratch_folder
from mtls_lab.exercises import NotYet, call
from mtls_lab.exercises.calling import LIMIT, Rule
from mtls_lab.explaining import explain
from mtls_lab.explaining.wording import steady
from mtls_lab.kata import purposes
from mtls_lab.kata.mallory import COMMAND, RULE_LIMIT, Mallory
from mtls_lab.kata.sabotage import FILE
from mtls_lab.net import Backend, PeerCertificate, ask, nobody_listens
from mtls_lab.pki import public_ca
from mtls_lab.wire import SECRET, Exchange, Failure, Side, Stage

__all__ = ["Contexts", "examine", "load", "meet"]

#: What nothing but a mistake in the program raises; all else is what TLS says to it.
MISTAKES = (NameError, AttributeError, TypeError, SyntaxError, ImportError, SystemExit)


@dataclass(frozen=True)
class Contexts:
    """What a contexts.py gives: its two contexts, or how making one failed, its name and rule."""

    backend: ssl.SSLContext | Exception
    device: ssl.SSLContext | Exception
    authorize: Callable[[PeerCertificate], object]
    hostname: str | None

    def present(self) -> ssl.SSLContext:
        """Return the device's context, or raise what making it has raised."""
        return _made(self.device)

    def listen(self) -> ssl.SSLContext:
        """Return the backend's context, or raise what making it has raised."""
        return _made(self.backend)


def _made(context: ssl.SSLContext | Exception) -> ssl.SSLContext:
    if isinstance(context, Exception):
        raise context
    return context


# --- The learner's file


def load() -> Contexts:
    """Run the contexts.py of the current folder, from its source, and call its functions.

    Raises:
        FileProblem: it is not there, does not run, or does not give what it should.
        NotYet: something in it does not end.
    """
    if not Path(FILE).is_file():
        todo = "Kata.create(…, fresh=True) makes another, and keeps this folder beside it"
        raise FileProblem(f"{FILE} is not there", "the file that the kata came with", todo)

    def run() -> dict[str, Any]:
        # Compiles the source each time: no bytecode of an earlier version is ever run.
        return runpy.run_path(FILE)

    run.__name__ = FILE  # a sentence about it names the file
    called = call(run, limit=LIMIT)
    if called.error is not None:
        raise _problem(FILE, called.error)
    names: dict[str, Any] = called.value
    for name in ("backend_context", "device_context", "authorize"):
        if not callable(names.get(name)):
            raise FileProblem(
                f"{FILE} has no function {name}",
                f"a function {name}, as the kata came with",
                f"{name} is called by this name, so it has to be there",
            )
    hostname = names.get("SERVER_HOSTNAME")
    if not (hostname is None or (isinstance(hostname, str) and hostname.isascii())):
        found = f"SERVER_HOSTNAME in {FILE} is {hostname!r}"
        raise FileProblem(found, "the name of the backend", "it is ASCII text")
    backend, device = (_context(names[f"{side}_context"]) for side in ("backend", "device"))
    return Contexts(backend, device, names["authorize"], hostname)


def _context(function: Callable[[], object]) -> ssl.SSLContext | Exception:
    called = call(function, limit=LIMIT)
    error = called.error
    if isinstance(error, MISTAKES) or (error and not isinstance(error, Exception)):
        raise _problem(called.name, error)
    if isinstance(error, Exception):
        return error
    if not isinstance(called.value, ssl.SSLContext):
        found = f"{called.name} returned {kind_of(called.value)}"
        raise FileProblem(found, "an ssl.SSLContext", "it returns a finished ssl.SSLContext")
    return called.value


def _problem(name: str, error: BaseException) -> FileProblem:
    if isinstance(error, SyntaxError):
        line, message = error.lineno, error.msg
    else:
        walked = traceback.walk_tb(error.__traceback__)
        own = [line for frame, line in walked if frame.f_code.co_filename == FILE]
        line = own[-1] if own else None
        message = str(error)
    where = f" in line {line} of {FILE}" if line else f" in {FILE}"
    what = ": ".join(filter(None, [type(error).__name__, steady(message)]))
    rule = "the file has to run before anybody can connect; each attempt reads it again"
    return FileProblem(f"{name} raised {what}{where}", "a file that runs", rule)


# --- The honest exchange


def meet(contexts: Contexts) -> Exchange:
    """Let the device of these contexts ask their backend, over a real connection.

    Raises:
        FileProblem: the rule raised.
        NotYet: the rule did not end.
    """
    if isinstance(contexts.backend, Exception):
        with nobody_listens() as address:
            exchange = _ask(contexts, address)
        failure = Failure.of(contexts.backend)
        return replace(exchange, backend=Side("backend", Stage.SETUP, failure))
    rule = Rule(contexts.authorize, limit=RULE_LIMIT)
    with Backend(contexts.backend, authorize=rule) as backend:
        exchange = _ask(contexts, backend)
    if isinstance(rule.ended, NotYet):
        raise rule.ended
    # Of None a rule may well fail: that is a no.
    if rule.ended and rule.ended.error is not None and rule.certificate is not None:
        raise _problem("authorize", rule.ended.error)
    return exchange


def _ask(contexts: Contexts, to: Any) -> Exchange:
    return ask(COMMAND, to, context=contexts.present, server_hostname=contexts.hostname)


def _evidence(exchange: Exchange) -> str:
    """Who refused whom, and both lines; not why, for that is the exercise."""
    explanation = explain(exchange)
    sides = "\n".join(f"    {line}" for line in str(exchange).splitlines())
    return f"{explanation.who} {explanation.what}\n{sides}"


# --- The examination


def examine(*, crl: bool, sessions: bool = True) -> Iterator[str]:
    """Try the current folder's contexts.py, first its own device, then every attack.

    It is a check (exercises/judging.py): it yields what held. The attacks change files, such as
    the list of a rule that reads it, so they go to a copy of the folder.

    Args:
        crl: whether the backend has to refuse who is revoked.
        sessions: whether it then has to refuse them with an old session too.

    Raises:
        NotYet: the device is not served, or the file does not run.
        Unsafe: an attack succeeded.
    """
    contexts = load()
    exchange = meet(contexts)
    if exchange.reply != SECRET:
        raise NotYet(_evidence(exchange), "the device is served: both lines end with a ✓")
    yield "the device gets the secret"
    purposes.device_has_one(contexts.listen(), lambda backend: _ask(contexts, backend))
    yield "the device's certificate is good for a device, and for nothing else"
    with scratch_folder() as folder, public_ca(folder) as public:
        with suppress(shutil.Error):  # raised at the end: what the device needs was read before
            shutil.copytree(".", folder / "copy")
        with chdir(folder / "copy"):
            attacked = load()
            mallory = Mallory(
                attacked.listen(),
                attacked.present(),
                attacked.authorize,
                attacked.hostname,
                folder,
                public,
            )
            yield from mallory.as_device(crl=crl, sessions=crl and sessions)
            yield from mallory.as_backend()

"""The exercise of Part 1 in which a server has many clients, and some say nothing.

Here: one check, and the clients that it sends. Not here: what all checks share (judging.py,
peers.py).
"""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import CodeType
from typing import Any

from mtls_lab.exercises.calling import LIMIT, call, no_stragglers, stragglers
from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.peers import all_closed, shown
from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.net import Address
from mtls_lab.wire import MAX_LINE, SECRET

__all__ = ["serve_many"]

#: A client that is served is served in milliseconds.
PATIENCE = 5.0
#: How long an honest client may think before it sends its command.
PAUSE = 1.0
#: Clients that say nothing, all at a time; more than `ThreadPoolExecutor()` has threads, on any
#: machine.
SILENT = 40

#: Where the standard library is, and in which of its files and functions a thread waits for work.
_LIBRARY = Path(threading.__file__).parent
_WAITS = {
    ("threading.py", "wait"),  # an event, a condition, a queue
    ("thread.py", "_worker"),  # concurrent.futures
    ("pool.py", "worker"),  # multiprocessing, as the next two
    ("pool.py", "_handle_tasks"),
    ("pool.py", "_handle_results"),
    ("selectors.py", "select"),  # a loop of asyncio or socketserver
    ("windows_events.py", "_poll"),  # a loop of asyncio on Windows
}
#: Where a thread starts another.
_STARTS = ("threading.py", "start")

FIRST = "the first client"
WHOLE = "a line is not complete without its end: whoever receives it waits"
OPEN = "a connection stays open until the reply is sent: whoever sends it closes it then"
ARGS = "Thread takes its function's arguments as a list: args=[connection]"
STARTED = "accept each client, and let `talk` speak to it: a thread runs once start() is called"
AGAIN = "call accept again and again, whatever the last client did"
STAYS = f"your function had returned by then, and has to stay: {AGAIN}"
SLOW = "a slow client is honest: it has seconds for its command, while others are served"
ENDS = (
    "accept raises OSError then, and that has to end the loop: the servers of asyncio and "
    "socketserver swallow it, a loop with accept need not"
)


@exercise("a function serve_many(listener)")
def serve_many(function: Callable[..., Any]) -> Iterator[str]:
    """Serve a client while others are silent."""
    name = getattr(function, "__name__", "your function")
    raised: list[str] = []
    listener = socket.create_server(("127.0.0.1", 0), backlog=2 * SILENT)
    with (
        _threads_first(raised),
        all_closed(name),
        _errors_noted(raised),
        _threads_end(),
        listener,
        ThreadPoolExecutor(1) as pool,
    ):
        visits = pool.submit(_visit, listener.getsockname())
        visits.add_done_callback(lambda _: _end(listener))
        try:
            called = call(function, listener, busy=lambda: not visits.done(), limit=LIMIT)
        except NotYet:
            _stop_loops()
            held, problem = visits.result()
            yield from held
            went_on = f"{name} went on after its listener was closed, and was stopped"
            raise problem or NotYet(went_on, ENDS) from None
        finally:
            early = not visits.done()
            listener.close()  # a client that waits to be accepted need not wait any longer
        held, problem = visits.result()
    yield from held
    if not isinstance(called.error, OSError):
        called.returned("the loop goes on until accept raises OSError")
    _no_thread_raised(raised)
    if problem is not None and early:
        called.returned(STAYS)
        raise NotYet(problem.found, STAYS)
    if problem is not None:
        raise problem
    yield "when its listener is closed, it ends"


def _no_thread_raised(raised: list[str]) -> None:
    for each in raised[:1]:
        rule = ARGS if " after * " in each else "a thread serves one connection"
        raise NotYet(f"a thread of yours raised {each}", rule)


@contextmanager
def _threads_first(raised: list[str]) -> Iterator[None]:
    """Let what a thread raised come before whatever else is wrong, such as a socket left open."""
    try:
        yield
    except NotYet:
        _no_thread_raised(raised)
        raise


def _visit(address: Address) -> tuple[list[str], NotYet | None]:
    """Come as all kinds of clients; return what held, and what did not."""
    held: list[str] = []
    try:
        for sentence in _clients(address):
            held.append(sentence)  # noqa: PERF402 - what held stays, if the next does not
    except NotYet as problem:
        return held, problem
    except OSError:
        return held, NotYet("the next client was refused: nobody listens now", AGAIN)
    return held, None


def _clients(address: Address) -> Iterator[str]:
    for who in (FIRST, "the second client"):
        _is_served(address, who)
    yield "two clients, one after the other, receive the secret"
    socket.create_connection(address, PATIENCE).close()
    _is_served(address, "after a client that hung up without a word, the next one")
    yield "a client that hangs up without a word does no harm"
    if _reply(address, b"GET_SECRET\n", pause=PAUSE).rstrip("\n") != SECRET:
        found = f"a client that took {PAUSE:g} s to send its command did not receive the secret"
        raise NotYet(found, SLOW)
    yield "a client that takes its time to send the command receives the secret"
    for command in (b"", b"\n", b"GET", b"SECRET\n", b"NOT GET_SECRET\n", b"GET_SECRET NOT\n"):
        if SECRET in _reply(address, command, ends=True):
            sent = shown(command.decode()) if command else "nothing"
            found = f"a client that sent {sent}, and no more, received the secret"
            raise Unsafe(found, "a command is compared as a whole: a part of it is another command")
    yield "a client that sends a part of the command, or more, does not receive the secret"
    with ExitStack() as silent:
        for _ in range(SILENT):
            silent.enter_context(socket.create_connection(address, PATIENCE))
        try:
            _is_served(address, f"while {SILENT} clients say nothing, the next one")
        except NotYet as no:
            rule = "no client may keep the others waiting: accept in one thread, talk in others"
            raise Unsafe(no.found, rule) from None
    yield f"while {SILENT} clients say nothing, the next one receives the secret"


def _is_served(address: Address, who: str) -> None:
    begun = time.monotonic()
    reply = _reply(address, b"GET_SECRET\n")
    if reply == SECRET:
        raise NotYet(f"{who} received {shown(reply)} without the newline", WHOLE)
    if not reply and time.monotonic() - begun < PATIENCE / 2:
        raise NotYet(f"{who} received nothing: it was hung up on", OPEN)
    reply = reply.rstrip("\n")
    if reply != SECRET:
        rule = STARTED if who == FIRST and not reply else AGAIN
        raise NotYet(f"{who} received {shown(reply) if reply else 'nothing'}", rule)


def _reply(address: Address, command: bytes, *, ends: bool = False, pause: float = 0) -> str:
    """Send a command after a pause, and nothing more if it `ends`; return the line that comes."""
    line = b""
    with (
        suppress(OSError),
        socket.create_connection(address, PATIENCE) as client,
        client.makefile("rb") as replies,
    ):
        time.sleep(pause)  # a slow client: nothing waits for it but the server
        client.sendall(command)
        if ends:
            client.shutdown(socket.SHUT_WR)
        line = replies.readline(MAX_LINE)
    return line.decode("utf-8", "replace")


def _end(listener: socket.socket) -> None:
    """Make an accept that waits in another thread raise OSError."""
    try:
        listener.shutdown(socket.SHUT_RDWR)
    except OSError:  # Linux knows this for a listener; elsewhere, a close does it
        listener.close()


def _stop_loops() -> None:
    """Stop the event loops of the functions that are to end: a callback swallows every exception.

    asyncio knows the loop of its own thread only, so we look for them. Each ends while its
    listener is open, which it wants to close itself.
    """
    threads = {thread.ident: thread for thread in stragglers}
    for each in gc.get_objects():
        if not isinstance(each, asyncio.BaseEventLoop):
            continue
        if thread := threads.get(getattr(each, "_thread_id", None)):
            with suppress(RuntimeError):  # it has just been closed
                each.call_soon_threadsafe(each.stop)
            thread.join(PATIENCE)


@contextmanager
def _errors_noted(raised: list[str]) -> Iterator[None]:
    """Note the errors that end threads, which nobody is to read as a traceback.

    A thread that talks to a client that has hung up may well fail with an OSError. And asyncio
    would log each accept on a listener that is closed, a hundred thousand times.
    """
    log = logging.getLogger("asyncio")
    was_disabled, log.disabled = log.disabled, True
    usual = threading.excepthook

    def note(failed: threading.ExceptHookArgs) -> None:
        if not issubclass(failed.exc_type, OSError):
            raised.append(f"{failed.exc_type.__name__}: {failed.exc_value}")

    threading.excepthook = note
    try:
        yield
    finally:
        threading.excepthook = usual
        gc.collect()  # what a task has failed with, asyncio logs when nobody can ask for it
        log.disabled = was_disabled


def _waits(thread: threading.Thread) -> bool:
    """Whether a thread waits for work, as those of a pool do, and not for a client.

    A pool may be the learner's for longer than one check. While a thread starts another, it waits
    for a moment only.
    """
    frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - there is no other way
    if frame is None:
        return False
    places = [_place(each.f_code) for each, _ in traceback.walk_stack(frame)]
    return places[0] in _WAITS and _STARTS not in places


def _place(code: CodeType) -> tuple[str, str]:
    """Return a file of the standard library, `""` for any other, and the function in it."""
    path = Path(code.co_filename)
    return path.name if path.is_relative_to(_LIBRARY) else "", code.co_name


@contextmanager
def _threads_end() -> Iterator[None]:
    """Wait for the learner's threads, all of whose clients have hung up at the end of the block.

    Raises:
        NotYet: one stayed, and was stopped.
    """
    before = set(threading.enumerate())
    with no_stragglers():
        try:
            yield
        finally:
            deadline = time.monotonic() + PATIENCE
            before.update(stragglers)
            # One that accepts clients may start another until it ends itself.
            while (left := _busy(before)) and time.monotonic() < deadline:
                left[0].join(0.02)
            stragglers.extend(left)
        if left:
            rule = "recv returns empty bytes once the other side has hung up: the thread ends then"
            raise NotYet("a thread of yours still talks to a client that has hung up", rule)


def _busy(before: set[threading.Thread]) -> list[threading.Thread]:
    """The threads that were not there before, but for those that wait for work."""
    return [each for each in threading.enumerate() if each not in before and not _waits(each)]

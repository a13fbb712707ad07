"""What an exception of any library says: the one that matters may be deep inside another.

Here: the walk through what an exception carries, and the step and side that its traceback shows.
Not here: what the arguments of its calls tell (calls.py), what a text means (lines.py), and what a
failure means (explanation.py).
"""

from __future__ import annotations

import itertools
import socket
import ssl
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from types import GetSetDescriptorType, MemberDescriptorType

from mtls_lab.common import LabError, printable
from mtls_lab.explaining.calls import FILE_ERRORS, attribute, handed_on, over_tls, unopened
from mtls_lab.explaining.excerpt import READ, decoded
from mtls_lab.explaining.lines import heard
from mtls_lab.explaining.sides import longest_part
from mtls_lab.explaining.symptoms import Symptoms
from mtls_lab.explaining.wording import steady
from mtls_lab.wire import Failure, Stage
from mtls_lab.wire.names import NO_CHAIN

__all__ = ["answered", "exceptions_in", "inside", "written"]

#: How many exceptions are looked at. Retries carry a handful; a cycle would have no end.
MOST = 64
#: How much less a text counts than the exception that it quotes, which may be in it as well.
QUOTED = 0.5
#: What a text counts at least that is known at all.
LEAST = 0.1
#: Errors of Python whose words are the same whatever failed: their lines of code may tell.
NO_WORDS = (AttributeError, KeyError, RecursionError, TypeError)
#: So many of these lines, from the innermost on.
INNERMOST = 4
#: The reason of an attempt to close in good order what had failed before.
AFTERMATH = {"SHUTDOWN_WHILE_IN_INIT"}
#: The methods of an SSLSocket and an SSLObject, and the step that fails in them.
STEPS = {
    "do_handshake": Stage.HANDSHAKE,
    "read": Stage.FIRST_READ,
    "write": Stage.APPLICATION,
    "send": Stage.APPLICATION,
}


def inside(error: BaseException) -> Symptoms:
    """Return what the most telling exception says of those that this one carries, or is.

    Example:
        >>> reset = ConnectionResetError(104, "Connection reset by peer")
        >>> inside(RuntimeError("the call failed", reset)).failure.reason
        'ECONNRESET'
    """
    carried = list(_carried(error))
    best, found, known = _most_telling(carried)
    if not known:  # then what it was told to hide says more: raise … from None
        carried = list(_carried(error, hidden=True))
        best, found, _ = _most_telling(carried)
    proxied = "ProxyError" in {type(each).__name__ for each in carried}  # of urllib3
    if proxied and best.failure.verify_code is not None:  # the tunnel was not made yet
        best = replace(best, state="certificate of the proxy")
    if best.failure.error == "EOFError" and any(map(over_tls, carried)):
        best = replace(best, side="device", version="TLS")
    if found is error and type(error).__module__ == "builtins":
        return replace(best, says="", stack="", note="")  # it is in the reader's hand
    if found is error or best.says:
        return best
    module, name = str(type(error).__module__), printable(type(error).__name__)
    library = printable(module.partition(".")[0])
    kind = name if library in {"builtins", "__main__"} else f"{library}'s {name}"
    side, says = best.side or _seen(error).side, steady(str(best.failure))
    side = side or longest_part("sides", f"{module}.{name}: ".lower())
    return replace(best, side=side, stack=kind, by=f"{library} python", says=says)


def _most_telling(carried: list[BaseException]) -> tuple[Symptoms, BaseException, bool]:
    """Return what the most telling one says, which one it is, and whether anything is known."""
    found, weight = carried[0], 0.0
    best = _seen(found)
    for each in carried:
        seen = best if each is carried[0] else _seen(each)
        if (worth := _weight(seen, each)) > weight:
            best, weight, found = seen, worth, each
        told = _told(each)
        if told and (worth := max(told.weight - QUOTED, LEAST)) > weight:
            best, weight, found = replace(told, side=told.side or seen.side), worth, each
    return best, found, weight > 0


def written(thing: object) -> str:
    """Return what a program has written that was run by Python: subprocess keeps it.

    Example:
        >>> from subprocess import CompletedProcess
        >>> written(CompletedProcess(["curl"], 60, stderr=b"curl: (60) ..."))
        'curl: (60) ...'
    """
    streams = (attribute(thing, name) for name in ("stdout", "stderr"))
    texts = (decoded(each) if isinstance(each, bytes | bytearray) else each for each in streams)
    return "\n".join(text for text in texts if isinstance(text, str) and text)


def answered(response: object) -> Symptoms | None:
    """Return what an HTTP answer says that a library keeps, such as one of requests or httpx."""
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    if not isinstance(status, int):
        return None
    with suppress(Exception):  # a stream that was not read, or was closed: somebody else's code
        headers = getattr(response, "headers", None) or {}
        page = _page(response, headers.get("content-length", ""))
        return heard(f"{page[:READ]}\n{headers.get('server', '')}\nHTTP {status}")
    return heard(f"HTTP {status}")


def _page(response: object, length: str) -> str:
    """Return the text of an answer; one that waits to be read (urllib) is looked at and left."""
    for name in ("text", "body"):
        page = attribute(response, name)
        if isinstance(page, str | bytes):
            return page if isinstance(page, str) else page.decode(errors="replace")
    peek = attribute(attribute(response, "fp"), "peek")
    if callable(peek) and length.isdigit() and int(length) <= READ:
        return bytes(peek(int(length))).decode(errors="replace")
    return ""


def _carried(error: BaseException, *, hidden: bool = False) -> Iterator[BaseException]:
    """Give an exception and those that it carries, the nearest first; each once.

    With `hidden`, also those that it was raised instead of.
    """
    waiting, known = deque([error]), {id(error)}
    while waiting and len(known) <= MOST:
        each = waiting.popleft()
        yield each
        for one in _held(each, hidden=hidden):
            if id(one) not in known and len(known) <= MOST:
                known.add(id(one))
                waiting.append(one)


def _held(error: BaseException, *, hidden: bool) -> Iterator[BaseException]:
    """Give what an exception holds, itself or in a thing that it holds, such as a future.

    Libraries call it reason, orig, cause, errors, last_attempt, …: it is looked for, not asked for
    by a name. Nothing of theirs is called, which may fail, or wait, as a proxy does for a database.
    """
    given = BaseException.args.__get__(error)  # type: ignore[attr-defined]
    held = [error.__cause__, *given]
    held += [] if error.__suppress_context__ and not hidden else [error.__context__]
    for one in _flat([*held, *_attributes(error)]):
        if issubclass(type(one), BaseException):
            yield one  # type: ignore[misc]
        elif type(one) not in {str, bytes, int, type(None)}:
            yield from exceptions_in(one)


def exceptions_in(thing: object) -> list[BaseException]:
    """Return the exceptions in a thing that is none: a future, a list, a Failure of Twisted."""
    held = _flat([thing, *_attributes(thing)])
    return [each for each in held if issubclass(type(each), BaseException)]  # type: ignore[misc]


def _attributes(thing: object) -> list[object]:
    """Return what is in a thing itself: in its `__dict__`, its slots, and a future of asyncio."""
    found = list[object]()
    for kind in type(thing).__mro__:
        for name, slot in list(vars(kind).items()):
            if type(slot) not in {MemberDescriptorType, GetSetDescriptorType}:
                continue
            with suppress(AttributeError):  # an empty slot
                if name == "__dict__":
                    found += itertools.islice(slot.__get__(thing).values(), MOST)
                elif name == "_exception" or type(slot) is MemberDescriptorType:
                    found.append(slot.__get__(thing))
    return found


def _flat(held: list[object]) -> Iterator[object]:
    for some in held:
        kind = type(some)
        if issubclass(kind, dict):
            yield from itertools.islice(dict.values(some), MOST)  # type: ignore[arg-type]
        elif issubclass(kind, tuple | list):
            base = tuple if issubclass(kind, tuple) else list
            yield from itertools.islice(base.__iter__(some), MOST)  # type: ignore[arg-type]
        else:
            yield some


def _told(error: BaseException) -> Symptoms | None:
    """What its text says, the notes on it, a program that it tells of, or an HTTP answer.

    A library may derive an error of its own from ssl's (ldap3): that has the words, not the reason.
    """
    if isinstance(error, LabError) or _is_of_ssl(error):
        return None
    # The exception itself is the answer in urllib and aiohttp.
    answer = error if attribute(error, "headers") else attribute(error, "response")
    if seen := answered(answer):
        return seen
    try:
        name = f"{type(error).__module__}.{type(error).__name__}"
        notes = getattr(error, "__notes__", [])  # PEP 678
        text = "\n".join((f"{name}: {error}", *notes, written(error)))
    except Exception:  # noqa: BLE001 - a text of any library
        return None
    seen = heard(text)
    if not seen.weight and isinstance(error, NO_WORDS) and error.__traceback__:
        calls = traceback.format_exception(type(error), error, error.__traceback__, -INNERMOST)
        seen = heard("".join(calls))
    return seen if seen.weight else None


def _is_of_ssl(error: BaseException) -> bool:
    """Whether it is an error of ssl with its reason, and not one that is derived from it."""
    return isinstance(error, ssl.SSLError) and (
        type(error).__module__ == "ssl" or bool(attribute(error, "reason"))
    )


def _weight(seen: Symptoms, error: BaseException) -> float:
    """How much an exception says about the cause, on the scale of lines.py."""
    failure = seen.failure
    if isinstance(error, LabError):
        return 7
    if failure.verify_code is not None:
        return 6
    if _is_of_ssl(error):
        ended = isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError)
        return 1.5 if ended or failure.reason in AFTERMATH else 5
    if isinstance(error, (*FILE_ERRORS, PermissionError)):
        return 2
    if isinstance(error, ConnectionError | TimeoutError | socket.gaierror) and failure.reason:
        return 1
    return 0.5 if isinstance(error, OSError) and failure.reason else 0


def _seen(error: BaseException) -> Symptoms:
    """Read the side and the step off the traceback: ssl works on an object that knows both."""
    try:
        seen = Symptoms(failure=Failure.of(error))
        state, words = unopened(error)
    except Exception:  # noqa: BLE001 - its text is made by code of any library
        return Symptoms(failure=Failure(type(error).__name__))
    if state:
        return replace(seen, state=state, words=tuple(words.items()))
    for frame, _ in traceback.walk_tb(error.__traceback__):
        end = frame.f_locals.get("self")
        if frame.f_code.co_filename == ssl.__file__:  # wrap_socket and wrap_bio have it
            server = frame.f_locals.get("server_side")
            if isinstance(server, bool):
                seen = replace(seen, side="backend" if server else "device")
            if frame.f_code.co_name == "wrap_socket" and isinstance(
                frame.f_locals.get("sock"), ssl.SSLSocket
            ):
                return replace(seen, state="wrapped twice")
        if isinstance(end, ssl.SSLSocket | ssl.SSLObject):
            server = getattr(end, "server_side", None)
            if server is None:  # it could not be made
                continue
            seen = replace(seen, side="backend" if server else "device")
            if stage := STEPS.get(frame.f_code.co_name):
                return replace(seen, stage=stage.value, state=_state(seen, stage, end))
    files = handed_on(error) if isinstance(error, ssl.SSLError | PermissionError) else {}
    return replace(seen, files=tuple(files.items()))


def _state(seen: Symptoms, stage: Stage, end: ssl.SSLSocket | ssl.SSLObject) -> str:
    """What only the connection itself knows: nothing to verify with, or a handshake that was done.

    `SSLContext.cert_store_stats` counts what was loaded. Of a device it is not asked: the public
    CAs are in a folder that OpenSSL reads when it needs one of them.
    """
    if seen.side == "backend":
        nothing = (
            seen.failure.verify_code in NO_CHAIN and not end.context.cert_store_stats()["x509"]
        )
        return "no ca loaded" if nothing else ""
    return "writing" if stage is Stage.APPLICATION else ""

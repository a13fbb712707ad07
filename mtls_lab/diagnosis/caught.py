"""What an exception of any library says: the one that matters may be deep inside another.

Here: the walk through what an exception carries, and the step and side that its traceback shows.
Not here: what a text means (lines.py), and what a failure means (explanation.py).
"""

from __future__ import annotations

import errno
import http.client
import os
import re
import socket
import ssl
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from mtls_lab.diagnosis.lines import READ, heard
from mtls_lab.diagnosis.symptoms import Symptoms, steady
from mtls_lab.errors import LabError
from mtls_lab.files import PathLike
from mtls_lab.text import printable
from mtls_lab.wire import Failure, Stage
from mtls_lab.wire.reasons import NO_CHAIN

__all__ = ["answered", "inside"]

#: How many exceptions are looked at. Retries carry a handful; a cycle would have no end.
MOST = 64
#: How much less a text counts than the exception that it quotes, which may be in it as well.
QUOTED = 0.5
#: What a text counts at least that is known at all.
LEAST = 0.1
#: Attributes that hold the exception behind this one: urllib and urllib3, aiohttp, groups.
HOLDERS = ("reason", "os_error", "original_error", "orig", "error", "exceptions")
#: Errors of a file that ssl raises without its name.
FILE_ERRORS = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
#: What the functions that hand a file on to ssl call it: ssl's own, urllib3's and others'.
FILE_ARGUMENTS = {"cafile", "certfile", "keyfile", "ca_certs", "cert_file", "key_file", "ca_file"}
#: How a call names an environment variable.
VARIABLE = r"environ(?:\[|\.get\()[\"']([A-Z_]{3,40})[\"']"
#: So many of the innermost calls are looked at for the name of a file.
CALLS = 4
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
    own = _seen(error)
    best, weight, found = own, _weight(own, error), error
    carried = list(_carried(error))
    for each in carried:
        seen = own if each is error else _seen(each)
        if _weight(seen, each) > weight:
            best, weight, found = seen, _weight(seen, each), each
        told = _told(each)
        if told and (worth := max(told.weight - QUOTED, LEAST)) > weight:
            best = replace(told, side=told.side or seen.side)
            weight, found = worth, each
    if best.failure.error == "EOFError" and any(map(_over_tls, carried)):
        best = replace(best, side="device", version="TLS")
    if found is error and type(error).__module__ == "builtins":
        return replace(best, says="", stack="", note="")  # it is in the reader's hand
    if found is error or best.says:
        return best
    kind = f"{type(error).__module__.partition('.')[0]}'s {type(error).__name__}"
    says = steady(str(best.failure))
    return replace(best, side=best.side or own.side, stack=kind, by="python", says=says)


def answered(response: object) -> Symptoms | None:
    """Return what an HTTP answer says that a library keeps, such as one of requests or httpx."""
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    if not isinstance(status, int):
        return None
    with suppress(Exception):  # a stream that was not read, or was closed: somebody else's code
        text = getattr(response, "text", "")
        server = getattr(response, "headers", {}).get("server", "")
        page = text if isinstance(text, str) else ""
        return heard(f"{page[:READ]}\n{server}\nHTTP {status}")
    return heard(f"HTTP {status}")


def _carried(error: BaseException) -> Iterator[BaseException]:
    """Give an exception and those that it carries, the nearest first; each once."""
    waiting, known = deque([error]), {id(error)}
    while waiting and len(known) <= MOST:
        each = waiting.popleft()
        yield each
        held: list[object] = [each.__cause__, *each.args]
        held += [] if each.__suppress_context__ else [each.__context__]
        held += [_attribute(each, name) for name in HOLDERS]
        flat = (
            one for some in held for one in (some if isinstance(some, tuple | list) else [some])
        )
        for one in flat:
            if isinstance(one, BaseException) and id(one) not in known and len(known) <= MOST:
                known.add(id(one))
                waiting.append(one)


def _attribute(error: object, name: str) -> object:
    with suppress(Exception):  # it may be a property of any library
        return getattr(error, name, None)
    return None


def _told(error: BaseException) -> Symptoms | None:
    """What its text says, or the HTTP answer that it carries.

    A library may derive an error of its own from ssl's (ldap3): that has the words, not the reason.
    """
    if isinstance(error, LabError) or _is_of_ssl(error):
        return None
    if seen := answered(_attribute(error, "response")):
        return seen
    try:
        text = f"{type(error).__module__}.{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - a text of any library
        return None
    seen = heard(text)
    return seen if seen.weight else None


def _is_of_ssl(error: BaseException) -> bool:
    """Whether it is an error of ssl with its reason, and not one that is derived from it."""
    return isinstance(error, ssl.SSLError) and (
        type(error).__module__ == "ssl" or bool(getattr(error, "reason", ""))
    )


def _over_tls(error: BaseException) -> bool:
    """Whether a request was made by https, which its error may not say: off the calls."""
    urls = [_attribute(_attribute(error, "request"), "url")]
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if isinstance(frame.f_locals.get("self"), http.client.HTTPSConnection):
            return True
        urls.append(frame.f_locals.get("url"))
    known = [str(url) for url in urls if isinstance(url, str) or type(url).__name__ == "URL"]
    return any(url.startswith(("https:", "wss:")) for url in known)


def _unopened(error: BaseException) -> dict[str, str]:
    """The file that could not be opened, where its error leaves the name out: off the calls.

    With the environment variable that named it, where the line of a call has one.
    """
    too_long = isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG
    if not (isinstance(error, FILE_ERRORS) or too_long) or _attribute(error, "filename"):
        return {}
    found: dict[str, str] = {}
    calls = list(traceback.walk_tb(error.__traceback__))[-CALLS:]
    for frame, _ in reversed(calls):
        for name in FILE_ARGUMENTS & frame.f_locals.keys():
            value = frame.f_locals[name]
            if isinstance(value, str) and "-----BEGIN " in value:
                return {"text": name}
            if isinstance(value, str | os.PathLike) and not _is_file(value):
                found.setdefault("file", printable(os.fspath(value)))
    lines = [call.line or "" for call in traceback.extract_tb(error.__traceback__)[-CALLS:]]
    variable = re.search(VARIABLE, "\n".join(lines))
    return found | ({"found": variable[1]} if variable and found else {})


def _is_file(path: PathLike) -> bool:
    with suppress(OSError, ValueError):  # a name that no file can have
        return Path(path).is_file()
    return False


def _weight(seen: Symptoms, error: BaseException) -> float:
    """How much an exception says about the cause, on the scale of lines.py."""
    failure = seen.failure
    if isinstance(error, LabError):
        return 7
    if failure.verify_code is not None:
        return 6
    if _is_of_ssl(error):
        return 1.5 if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError) else 5
    if isinstance(error, (*FILE_ERRORS, PermissionError)):
        return 2
    if isinstance(error, ConnectionError | TimeoutError | socket.gaierror) and failure.reason:
        return 1
    return 0.5 if isinstance(error, OSError) and failure.reason else 0


def _seen(error: BaseException) -> Symptoms:
    """Read the side and the step off the traceback: ssl works on an object that knows both."""
    try:
        seen = Symptoms(failure=Failure.of(error))
    except Exception:  # noqa: BLE001 - its text is made by code of any library
        return Symptoms(failure=Failure(type(error).__name__))
    if words := _unopened(error):
        state = "file of the environment" if "found" in words else "argument missing"
        state = "text for a name" if "text" in words else state
        return replace(seen, state=state, words=tuple(words.items()))
    for frame, _ in traceback.walk_tb(error.__traceback__):
        end = frame.f_locals.get("self")
        if frame.f_code.co_filename == ssl.__file__:  # wrap_socket and wrap_bio have it
            server = frame.f_locals.get("server_side")
            if isinstance(server, bool):
                seen = replace(seen, side="backend" if server else "device")
        if isinstance(end, ssl.SSLSocket | ssl.SSLObject):
            server = getattr(end, "server_side", None)
            if server is None:  # it could not be made
                continue
            seen = replace(seen, side="backend" if server else "device")
            if stage := STEPS.get(frame.f_code.co_name):
                return replace(seen, stage=stage.value, state=_state(seen, stage, end))
    return seen


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

"""The exercise of Part 1 in which a line is sealed: a checksum with a key.

Here: one check, and every forgery that Mallory tries. Not here: what all checks share (judging.py,
peers.py).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from mtls_lab.exercises.calling import call
from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.peers import LIE, SECRET, shown
from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.net import Backend, Relay, ask, replace
from mtls_lab.wire import MAX_LINE

__all__ = ["seal"]

Function = Callable[..., Any]

KEY = b"known to device and backend only"
HER_KEY = b"a key that Mallory has thought up"
#: As long as SECRET: what Mallory needs when she calculates with a CRC.
DARK = "the moon is dark"
REFUSE = "what does not verify is a ValueError, and nothing is returned"


def _is_pair(thing: object) -> bool:
    return isinstance(thing, tuple) and len(thing) == 2 and all(map(callable, thing))


@exercise("two functions, (seal, unseal)", _is_pair)
def seal(pair: tuple[Function, Function]) -> Iterator[str]:
    """Add a checksum that Mallory cannot compute."""
    make, read = pair
    for text in (SECRET, f"{SECRET} ☾", "1 + 1 = 2", "a|b:c,d"):
        line = _sealed(make, text, KEY)
        value = call(read, line, KEY).returned("what was sealed with the same key is returned")
        if value != text:
            found = f"sealed and unsealed, {shown(text)} becomes {shown(value)}"
            raise NotYet(found, "what was sealed with the same key is returned")
    yield "what was sealed comes back, whatever characters it has"
    line = _sealed(make, SECRET, KEY)
    if KEY.decode() in line or KEY.hex() in line:
        raise Unsafe("Eve reads the key in the sealed line", "a key is used, but never sent")
    _over_a_relay(read, line)
    yield "Mallory changes the words at her relay, and the device refuses them"
    for found, rule, forged in _forgeries(make, line):
        if _accepts(read, forged):
            raise Unsafe(found, rule)
    yield "what Mallory seals with a key of her own, or without one, is refused"
    yield "a tag that is changed, cut or missing is refused"


def _sealed(make: Function, text: str, key: bytes) -> str:
    called = call(make, text, key)
    line = called.returned("it takes a text and a key, and returns the line to send")
    if not isinstance(line, str):
        raise NotYet(f"{called.name} returned {shown(line)}", "a line is text: a str")
    if "\n" in line or len(line.encode()) >= MAX_LINE:
        rule = f"it has to fit into one line of the protocol, of {MAX_LINE} bytes"
        raise NotYet(f"{called.name} returned {shown(line)}", rule)
    return line


def _over_a_relay(read: Function, line: str) -> None:
    with Backend(secret=line) as backend, Relay(backend, tamper=replace(SECRET, LIE)) as relay:
        reply = ask("GET_SECRET", relay).reply or ""
    if LIE in reply and _accepts(read, reply):
        found = f"Mallory changed the text and kept the tag, and was believed: {shown(LIE)}"
        raise Unsafe(found, "the tag depends on the text, and is computed again to compare")


def _forgeries(make: Function, line: str) -> Iterator[tuple[str, str, str]]:
    """What she did, the rule that this breaks, and the line that she sends."""
    keyed = "nobody without the key may be able to compute a tag: use a method made for that"
    found = f"Mallory sealed {shown(LIE)} without your key, and was believed"
    yield found, keyed, _sealed(make, LIE, HER_KEY)
    for text in (LIE, f"{LIE} ", f" {LIE}"):
        yield f"Mallory sent {shown(text)} without a tag, and was believed", "no tag, no text", text
    found = f"Mallory computed the CRC of {shown(DARK)} from the one she heard, and was believed"
    for forged in _crc_forgeries(line):
        yield found, keyed, forged
    whole = "every bit of the tag counts: compare all of it"
    for end in range(len(line)):
        yield "Mallory cut the sealed line short, and was believed", whole, line[:end]
    for at, character in enumerate(line):
        other = "8" if character == "0" else "0"
        found = "Mallory changed one character of the sealed line, and was believed"
        yield found, whole, line[:at] + other + line[at + 1 :]


def _crc_forgeries(line: str) -> Iterator[str]:
    """A CRC is linear: what the text changes in it does not depend on what stands before it.

    What stands behind the text shifts the change; how long that is, she tries out.
    """
    start, tag = line[:-8], line[-8:]
    with suppress(ValueError):
        number = int(tag, 16)
        for behind in (bytes(length) for length in range(len(KEY) + 3)):
            change = zlib.crc32(SECRET.encode() + behind) ^ zlib.crc32(DARK.encode() + behind)
            yield f"{start.replace(SECRET, DARK)}{number ^ change:08x}"


def _accepts(read: Function, forged: str) -> bool:
    called = call(read, forged, KEY)
    if isinstance(called.error, ValueError):
        return False
    if called.error is not None:
        raise NotYet(f"{called.told}, for a line that Mallory made", REFUSE)
    if called.value and isinstance(called.value, str) and called.value in forged:
        return True
    raise NotYet(f"{called.name} returned {shown(called.value)} for a line of Mallory's", REFUSE)

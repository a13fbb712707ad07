"""The exercise of Part 1 in which a line is sealed: a checksum with a key.

Here: one check, and every forgery that Mallory tries. Not here: what all checks share (judging.py,
peers.py).
"""

from __future__ import annotations

import builtins
import hashlib
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product, zip_longest
from typing import Any

from mtls_lab.exercises.calling import call
from mtls_lab.exercises.extension import extended, padding
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
#: What Mallory puts behind a text, and the rule that lets her.
MORE = ", says Mallory"
NO_MAC = "such a hash goes on from where it ended: HMAC (RFC 2104) is made to prevent that"
#: Bits of a tag, at least (RFC 2104, section 5).
ENOUGH = 80
#: Of a hash that goes on, what it may be of: text and key as bytes, and what is between them.
HASHES = ("sha256", "md5", "sha1", "sha512")
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")
KEYS = (KEY, KEY.hex().encode(), repr(KEY).encode())
GAPS = tuple(each.encode() for each in ("", *" :;,|.-_/+=#"))
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
    _uses_the_whole_key(make, line)
    _is_long(make)
    _is_the_same_elsewhere(make, line)
    _is_not_extended(read, line)
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
    found = "Mallory put a zero byte behind your text, kept the tag, and was believed"
    rule = "HMAC takes the key first, and fills it up with zero bytes: the text comes second"
    yield found, rule, line.replace(SECRET, f"{SECRET}\0")
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


def _is_long(make: Function) -> None:
    """Hold the tag to more than can be tried out.

    Where a line differs from key to key, it has at most so many bits as its characters there.
    """
    lines = [_sealed(make, SECRET, HER_KEY + bytes([number])) for number in range(128)]
    bits = sum((len(set(each)) - 1).bit_length() for each in zip_longest(*lines, fillvalue=""))
    if bits < ENOUGH:
        found = f"the tag has {bits} bits: Mallory tries {2**bits:,} of them, and one is believed"
        rule = f"nobody can try out a tag of {ENOUGH} bits or more: do not cut it (RFC 2104)"
        raise Unsafe(found, rule)


def _uses_the_whole_key(make: Function, line: str) -> None:
    for at in range(len(KEY)):
        if _sealed(make, SECRET, KEY[:at] + b"~" + KEY[at + 1 :]) == line:
            found = f"byte {at} of the key can be any other, and the line stays the same"
            raise Unsafe(found, "of a key that is used in part, Mallory has less to try out")


def _is_the_same_elsewhere(make: Function, line: str) -> None:
    """Seal as another process would, in which `hash` has another random start."""
    usual = builtins.hash
    builtins.hash = lambda thing: usual(("another process", thing))
    try:
        other = _sealed(make, SECRET, KEY)
    finally:
        builtins.hash = usual
    if other != line == _sealed(make, SECRET, KEY):
        rule = "hash() is for dictionaries, and is another one in every process: use hashlib"
        raise NotYet("in the device's process the tag is not the one of the backend's", rule)


def _is_not_extended(read: Function, line: str) -> None:
    """Continue a hash of key and text, which is what the tag may be. See extension.py."""
    for name, encoding, start, gap in product(HASHES, ENCODINGS, KEYS, GAPS):
        text = SECRET.encode(encoding)
        message = start + gap + text
        digest = hashlib.new(name, message, usedforsecurity=False).digest()
        for shape in (bytes.hex, lambda raw: b64encode(raw).decode()):
            if shape(digest) not in line:
                continue
            if name != "sha256":
                found = f"the tag is the {name} of key and text, which goes on without the key"
                raise Unsafe(found, NO_MAC)
            tail = padding(len(message)) + MORE.encode(encoding)
            longer = (text + tail).decode(encoding, "surrogateescape")
            tag = shape(extended(digest, len(message), MORE.encode(encoding)))
            found = (
                f"from the tag that she heard, Mallory computed that of your text with {MORE!r}"
                " behind it, without your key"
            )
            forged = line.replace(shape(digest), tag).replace(SECRET, longer)
            if call(read, forged, KEY).value == longer:
                raise Unsafe(f"{found}, and was believed", NO_MAC)
            stops = "only UTF-8 stops her, in which the bytes between the two are not text"
            raise Unsafe(f"{found}; {stops}", NO_MAC)


def _accepts(read: Function, forged: str) -> bool:
    called = call(read, forged, KEY)
    if isinstance(called.error, ValueError):
        return False
    if called.error is not None:
        raise NotYet(f"{called.told}, for a line that Mallory made", REFUSE)
    if called.value and isinstance(called.value, str) and called.value in forged:
        return True
    raise NotYet(f"{called.name} returned {shown(called.value)} for a line of Mallory's", REFUSE)

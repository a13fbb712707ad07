"""The exercise of Part 1 in which a line is sealed: a checksum with a key.

Here: one check, and what Mallory does to the line and to the tag. Not here: the lines that she
forges (forgeries.py), what all checks share (judging.py, peers.py).
"""

from __future__ import annotations

import builtins
import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from itertools import chain, product, zip_longest
from typing import Any

from mtls_lab.exercises.calling import call
from mtls_lab.exercises.encodings import rewritten, undressed
from mtls_lab.exercises.extension import extended, padding, starts
from mtls_lab.exercises.forgeries import (
    COVERS,
    DARK,
    HASHES,
    KEYED,
    TWIN,
    beside,
    forgeries,
    from_two,
)
from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.lots import draws_lots
from mtls_lab.exercises.peers import LIE, SECRET, shown
from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.net import Backend, Relay, ask, replace
from mtls_lab.wire import MAX_LINE

__all__ = ["seal"]

Function = Callable[..., Any]

KEY = b"known to device and backend only"
#: As long as KEY: a cipher takes no key of another length. The second is no text in UTF-8.
HER_KEY, NO_TEXT = b"a key that Mallory has imagined!", bytes(range(0x80, 0xA0))
#: What Mallory puts behind a text, and the rule that lets her.
MORE = ", says Mallory"
NO_MAC = "such a hash can be continued from where it ended: HMAC (RFC 2104) prevents that"
LOTS = "random is made for simulations, and its manual says not to use it for security: use hmac"
#: A text of more than one block of every hash.
LONG = ", ".join([SECRET] * 12)
#: Bits of a tag, at least (RFC 2104, section 5).
ENOUGH = 80
#: Of a hash that goes on, what it may be of: text and key as bytes, and what is between them.
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")
KEYS = (KEY, KEY.hex().encode(), repr(KEY).encode())
SHAPES: tuple[Callable[[bytes], str], ...] = (
    bytes.hex,
    lambda raw: b64encode(raw).decode(),
    lambda raw: raw.decode("utf-8", "surrogateescape"),
)
GAPS = tuple(each.encode() for each in ("", *" :;,|.-_/+=#"))
RETURNED = "what was sealed with the same key is returned"
TEXTS = f"{RETURNED}, whatever characters it has: compare bytes"
REFUSE = "what does not verify is a ValueError, and nothing is returned"


def _is_pair(thing: object) -> bool:
    return isinstance(thing, tuple) and len(thing) == 2 and all(map(callable, thing))


@exercise("two functions, (seal, unseal)", _is_pair)
def seal(pair: tuple[Function, Function]) -> Iterator[str]:
    """Add a checksum that Mallory cannot compute."""
    make, read = pair
    for text in (SECRET, f"{SECRET} ☾", "1 + 1 = 2", "a|b:c,d", f" {SECRET} "):
        _comes_back(make, read, text, KEY)
    _comes_back(make, read, SECRET, NO_TEXT)
    yield "what was sealed comes back, whatever characters it has"
    line = _sealed(make, SECRET, KEY)
    bare, heard = undressed(read, line, SECRET)
    if KEY.decode() in heard or KEY.hex() in heard:
        raise Unsafe("Eve reads the key in the sealed line", "a key is used, but never sent")
    if SECRET in heard:
        _over_a_relay(bare, heard)
        yield "Mallory changes the words at her relay, and the device refuses them"
    else:
        _changes_blindly(read, line)
        _seals_more_than_one_line(make, read)
        yield "Mallory cannot read the line; whatever she changes in it, no other text comes out"
    if _accepts(read, _sealed(make, LIE, HER_KEY)):
        found = f"Mallory sealed {shown(LIE)} without your key, and was believed"
        raise Unsafe(found, KEYED)
    for found, rule, forged in forgeries(heard, len(KEY)):
        if forged != heard and _accepts(bare, forged):
            raise Unsafe(found, rule)
    _seals_more_than_one_line(make, read)
    _compares_all(bare, heard)
    yield "what Mallory seals with a key of her own, or without one, is refused"
    _uses_the_whole_key(read, line)
    _covers_the_end(make, read)
    _is_long(make)
    _is_the_same_elsewhere(make, read)
    _is_not_extended(bare, heard)
    if draws_lots(lambda: _sealed(make, SECRET, KEY)):
        raise Unsafe("the tag is drawn from random, which was seeded with the key", LOTS)
    yield "a tag that is changed, cut or missing is refused"
    _is_read_to_the_letter(make, read, bare, heard)
    yield "a tag that is written in another way is refused"


def _comes_back(make: Function, read: Function, text: str, key: bytes) -> None:
    called = call(read, _sealed(make, text, key), key)
    if isinstance(called.error, ValueError):
        raise NotYet(f"{shown(text)} was sealed, and {called.told}", RETURNED)
    value = called.returned(TEXTS if isinstance(called.error, TypeError) else RETURNED)
    if value != text:
        raise NotYet(f"sealed and unsealed, {shown(text)} becomes {shown(value)}", RETURNED)


def _sealed(make: Function, text: str, key: bytes) -> str:
    called = call(make, text, key)
    line = called.returned("it takes a text, and a key of any bytes, and returns the line to send")
    if not isinstance(line, str):
        raise NotYet(f"{called.name} returned {shown(line)}", "a line is text: a str")
    if "\n" in line or len(line.encode()) >= MAX_LINE:
        rule = f"it has to fit into one line of the protocol, of {MAX_LINE} bytes"
        raise NotYet(f"{called.name} returned {shown(line)}", rule)
    return line


def _over_a_relay(read: Function, line: str) -> None:
    """Change the words on their way; what has no encoding that anybody can take off, for real."""
    forged = line.replace(SECRET, LIE)
    if line.isprintable():
        with Backend(secret=line) as backend, Relay(backend, tamper=replace(SECRET, LIE)) as relay:
            forged = ask("GET_SECRET", relay).reply or ""
    if _accepts(read, forged):
        found = f"Mallory changed the text and kept the tag, and was believed: {shown(LIE)}"
        raise Unsafe(found, "the tag depends on the text, and is computed again to compare")


def _changed(line: str) -> Iterator[list[str]]:
    """Change each character of a line, in ways that no encoding of bytes takes for the same.

    The last character of base64 may have bits that count for nothing, but never its first two.
    """
    for at, character in enumerate(line):
        yield [f"{line[:at]}{other}{line[at + 1 :]}" for other in "A08" if other != character]


def _changes_blindly(read: Function, line: str) -> None:
    """Change a line that hides its text, and look for a text that follows."""
    for forged in (each for lines in _changed(line) for each in lines):
        value = call(read, forged, KEY).value
        if value != SECRET and _is_like_the_secret(value):
            found = (
                f"Mallory changed one character of the sealed line, {shown(forged)}, and the "
                f"device received {shown(value)}"
            )
            raise Unsafe(
                found, "what cannot be read can still be changed: a tag has to cover all of it"
            )


def _seals_more_than_one_line(make: Function, read: Function) -> None:
    texts = (SECRET, DARK, TWIN)
    one, other = (_sealed(make, text, KEY) for text in texts[:2])
    hidden = from_two(one, other, (SECRET.encode(), DARK.encode(), TWIN.encode()))
    for forged in chain(hidden, beside(one, other, texts)):
        if call(read, forged, KEY).value == TWIN:
            found = (
                f"from two sealed lines Mallory computed a third, {shown(TWIN)}, and was believed"
            )
            rule = (
                "a nonce is for one line, and so is a key of Poly1305: used twice, it gives away"
                " the key of the tags"
            )
            raise Unsafe(found, rule)


def _is_like_the_secret(value: object) -> bool:
    if not isinstance(value, str) or len(value) != len(SECRET):
        return False
    return sum(one == other for one, other in zip(value, SECRET, strict=True)) > len(SECRET) / 2


def _compares_all(read: Function, line: str) -> None:
    """Cut the line short, and change each character of it."""
    whole = "every bit of the tag counts: compare all of it"
    for end in range(len(line.rstrip("="))):  # what fills up base64 says nothing
        if _accepts(read, line[:end], same=True):
            raise Unsafe("Mallory cut the sealed line short, and was believed", whole)
    for lines in _changed(line):
        if all(_accepts(read, forged, same=True) for forged in lines):
            found = "Mallory changed one character of the sealed line, and was believed"
            raise Unsafe(found, whole)


def _covers_the_end(make: Function, read: Function) -> None:
    """Change the last character of a text that is longer than others."""
    bare, heard = undressed(read, _sealed(make, LONG, KEY), LONG)
    changed = f"{LONG[:-1]}#"
    if LONG in heard and call(bare, heard.replace(LONG, changed), KEY).value == changed:
        found = f"Mallory changed the last of {len(LONG)} characters, kept the tag, and was"
        raise Unsafe(f"{found} believed", COVERS)


def _is_long(make: Function) -> None:
    """Hold the tag to more than can be tried out.

    Where a line differs from key to key, it has at most so many bits as its characters there.
    """
    keys = (hashlib.sha256(bytes([number])).hexdigest() for number in range(128))
    lines = [_sealed(make, SECRET, key[: len(KEY)].encode()) for key in keys]
    bits = sum((len(set(each)) - 1).bit_length() for each in zip_longest(*lines, fillvalue=""))
    if bits < ENOUGH:
        found = f"the tag has at most {bits} bits: of {2**bits:,} guesses, one is right"
        rule = f"keep {ENOUGH} bits of a tag or more (RFC 2104, section 5); the check did not guess"
        raise Unsafe(found, rule)


def _uses_the_whole_key(read: Function, line: str) -> None:
    for at in range(len(KEY)):
        if call(read, line, KEY[:at] + b"~" + KEY[at + 1 :]).value == SECRET:
            found = f"byte {at} of the key can be any other, and the line is still accepted"
            raise Unsafe(found, "if only a part of the key is used, Mallory has less to try")


def _is_the_same_elsewhere(make: Function, read: Function) -> None:
    """Seal as another process would, in which `hash` has another random start."""
    usual = builtins.hash
    builtins.hash = lambda thing: usual(("another process", thing))
    try:
        other = _sealed(make, SECRET, KEY)
    finally:
        builtins.hash = usual
    if call(read, other, KEY).value != SECRET:
        rule = "hash() is for dictionaries, and differs from process to process: use hashlib"
        raise NotYet("the device's process and the backend's compute different tags", rule)


def _is_not_extended(read: Function, line: str) -> None:
    """Continue a hash of key and text, which is what the tag may be. See extension.py."""
    for name, encoding, start, gap in product(HASHES, ENCODINGS, starts(line, KEYS), GAPS):
        message = start + gap + (text := SECRET.encode(encoding))
        digest = hashlib.new(name, message, usedforsecurity=False).digest()
        for shape in SHAPES:
            if shape(digest) not in line:
                continue
            if name != "sha256":
                found = f"the tag is the {name} of key and text, which can be continued without it"
                # It leaves 32 bits of its state out: fewer than a tag may have.
                guessed = f" after {2**32:,} guesses; the check did not guess"
                raise Unsafe(found + guessed * (name == "sha224"), NO_MAC)
            more = MORE.encode(encoding)
            longer = (text + padding(len(message)) + more).decode(encoding, "surrogateescape")
            tag = shape(extended(digest, len(message), more))
            found = (
                f"from the tag that she heard, Mallory computed that of your text with {MORE!r}"
                " behind it, without your key"
            )
            forged = line.replace(shape(digest), tag).replace(SECRET, longer)
            if call(read, forged, KEY).value == longer:
                raise Unsafe(f"{found}, and was believed", NO_MAC)
            stops = "only UTF-8 stops her, in which the bytes between the two are not text"
            raise Unsafe(f"{found}; {stops}", NO_MAC)


def _is_read_to_the_letter(make: Function, read: Function, bare: Function, line: str) -> None:
    """Write the tag in other ways. It is where the line of another key differs."""
    _, other = undressed(read, _sealed(make, SECRET, HER_KEY), SECRET)
    places = [at for at, (one, two) in enumerate(zip(line, other, strict=False)) if one != two]
    if SECRET not in line or not places:
        return  # a line that hides its text has no tag beside it
    rule = "it is a ValueError unless the line is, letter for letter, what was sealed"
    for how, forged in rewritten(line, places[0], places[-1] + 1):
        called = call(bare, forged, KEY)
        if forged != line and not isinstance(called.error, ValueError):
            told = called.told if called.error else f"{called.name} returned {shown(called.value)}"
            raise NotYet(f"with {how}, {told}", rule)


def _accepts(read: Function, forged: str, *, same: bool = False) -> bool:
    """Whether a text comes out of a line of Mallory's; `same`: also if it is the one sealed.

    Raises:
        NotYet: neither a text nor a ValueError.
    """
    called = call(read, forged, KEY)
    if isinstance(called.error, ValueError):
        return False
    if called.error is not None:
        raise NotYet(f"{called.told}, for a line that Mallory made", REFUSE)
    value = called.value
    if value == SECRET:
        return same
    if value and isinstance(value, str) and (value == LIE or value in forged):
        return True
    raise NotYet(
        f"{called.name} returned {shown(value)} for a line of Mallory's, {shown(forged)}", REFUSE
    )

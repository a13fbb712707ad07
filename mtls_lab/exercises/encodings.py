"""Hexadecimal digits and base64: they hide nothing from Mallory, and she can write them otherwise.

Here: how she takes them off a whole line and puts them on again, and the ways to write a tag. Not
here: what she changes in the text (part1/seal.py).
"""

from __future__ import annotations

import functools
import string
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

__all__ = ["ENCODINGS", "rewritten", "undressed"]

#: From the alphabet for URLs to the usual one (RFC 4648, section 5).
_STANDARD = str.maketrans("-_", "+/")
#: In order: two characters beside each other, the first at an even place, differ in the last bit.
_ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
#: How each is taken off, and put on.
ENCODINGS: tuple[tuple[Callable[[str], bytes], Callable[[bytes], str]], ...] = (
    (bytes.fromhex, bytes.hex),
    (lambda line: b64decode(line, validate=True), lambda raw: b64encode(raw).decode()),
    (
        lambda line: b64decode(line.translate(_STANDARD), validate=True),
        lambda raw: b64encode(raw, b"-_").decode(),
    ),
)


def undressed(read: Callable[..., Any], line: str, text: str) -> tuple[Callable[..., Any], str]:
    """Take an encoding off a line, if the text can be read then.

    Bytes that are not UTF-8 become surrogates, as in the names of files.

    Returns:
        A function that puts the encoding on again and calls `read`, and the line without it; both
        as they were if there is none.

    Example:
        >>> undressed(print, b"a tag, the text".hex(), "the text")[1]
        'a tag, the text'
    """
    for decode, encode in ENCODINGS:
        with suppress(ValueError):
            raw = decode(line)
            if text.encode() in raw and encode(raw) == line:
                return _dressing(read, encode), raw.decode("utf-8", "surrogateescape")
    return read, line


def _dressing(read: Callable[..., Any], encode: Callable[[bytes], str]) -> Callable[..., Any]:
    @functools.wraps(read)
    def dressed(line: str, key: bytes) -> object:
        return read(encode(line.encode("utf-8", "surrogateescape")), key)

    return dressed


def rewritten(line: str, start: int, end: int) -> Iterator[tuple[str, str]]:
    """Write the tag of a line otherwise: what an `unseal` may overlook that decodes it.

    Args:
        line: the text and its tag.
        start: where the tag begins.
        end: where it ends, before what fills up base64.

    Yields:
        What is different, and the line.

    Example:
        >>> [line for _, line in rewritten("moon QUJD=", 5, 9)][-2:]
        ['moon Q!UJD=', 'moon QUJC=']
    """
    middle, last = (start + end - 1) // 2, line[end - 1]
    yield "a letter in the tag that is not ASCII", f"{line[:middle]}é{line[middle + 1 :]}"
    yield "the tag in the other case", line[:start] + line[start:end].swapcase() + line[end:]
    # `bytes.fromhex` overlooks a space between two bytes, and none between the digits of a byte.
    for at in (middle, middle + 1):
        yield "a space in the tag", f"{line[:at]} {line[at:]}"
    # `b64decode` overlooks what is not in its alphabet, and the bits that are left over at the end.
    yield "a ! in the tag", f"{line[:middle]}!{line[middle:]}"
    if last in _ALPHABET:
        other = _ALPHABET[_ALPHABET.index(last) ^ 1]
        yield "another letter at the end of the tag", f"{line[: end - 1]}{other}{line[end:]}"

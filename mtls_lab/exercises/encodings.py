"""Hexadecimal digits and base64 around a whole line: they hide nothing from Mallory.

Here: how she takes them off, and puts them on again. Not here: what she changes in between
(part1/seal.py).
"""

from __future__ import annotations

import functools
from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import suppress
from typing import Any

__all__ = ["undressed"]

#: From the alphabet for URLs to the usual one (RFC 4648, section 5).
_STANDARD = str.maketrans("-_", "+/")
#: How each is taken off, and put on.
_ENCODINGS: tuple[tuple[Callable[[str], bytes], Callable[[bytes], str]], ...] = (
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
    for decode, encode in _ENCODINGS:
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

"""The fields of a message, and taking them from its bytes by RFC 8446, section 3.

Here: a field with its listing; numbers, opaque bytes, vectors and structures, each read within its
bounds. Not here: what a message consists of (messages.py, extensions.py).

The bytes come from a peer and may be anything. What does not fit its structure is kept as a field
called `NOT_READABLE`, and what comes after the vector that it is in is read all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from dataclasses import field as attribute

from mtls_lab.common import printable
from mtls_lab.wire.names import spelled

__all__ = ["NOT_READABLE", "Field", "Malformed", "Reader"]


# --- A field

#: Bytes of a field that its line in a listing shows, and characters of its value.
SHOWN, LISTED = 8, 100


@dataclass(frozen=True, slots=True)
class Field:
    """A field with its bytes and what they mean; printed, an indented listing.

    Attributes:
        name: as the RFC calls it, such as "legacy_version" or "key_share".
        offset: where it begins in its message, from 0.
        data: its bytes, with the length in front of a vector (RFC 8446, section 3.4).
        value: what it says to a reader; harmless text on one line.
        rfc: where it is defined, such as "RFC 8446, 4.2.8".
        fields: what it consists of, if it is more than a value.

    Example:
        >>> level = Field("level", 0, b"\\x02", "fatal")
        >>> print(Field("Alert", 0, b"\\x02\\x30", "unknown_ca", "RFC 8446, 6", (level,)))
        0000  Alert = unknown_ca (2 bytes; RFC 8446, 6)
        0000    level  02  fatal
    """

    name: str
    offset: int
    data: bytes = attribute(repr=False)
    value: str = ""
    rfc: str = ""
    fields: tuple[Field, ...] = ()

    @property
    def length(self) -> int:
        """How many bytes it takes."""
        return len(self.data)

    def walk(self) -> Iterator[Field]:
        """Yield this field and everything in it, in the order of the bytes."""
        yield self
        for each in self.fields:
            yield from each.walk()

    def find(self, name: str) -> Field | None:
        """Return the first field of this name, in here or further in; None without one.

        Example:
            >>> hello = Field("ServerHello", 0, b"", fields=(Field("random", 6, b"\\x07"),))
            >>> hello.find("random").offset
            6
        """
        return next((each for each in self.walk() if each.name == name), None)

    def __str__(self) -> str:
        return "\n".join(_lines(self, "", ""))


def _lines(field: Field, indent: str, rfc: str) -> Iterator[str]:
    start = f"{field.offset:04x}  {indent}{field.name}"
    value = field.value if len(field.value) <= LISTED else f"{field.value[:LISTED]}…"
    if not field.fields:
        head = field.data[:SHOWN].hex(" ") + " …" * (field.length > SHOWN)
        yield "  ".join(part for part in (start, head, value) if part)
        return
    where = f"; {field.rfc}" * bool(field.rfc and field.rfc != rfc)
    yield f"{start}{f' = {value}' if value else ''} ({field.length} bytes{where})"
    for each in field.fields:
        yield from _lines(each, f"{indent}  ", field.rfc)


# --- Reading

NOT_READABLE = "not readable"
#: Fields of one message that are read. A real one has some hundred, a hostile one would fill the
#: memory: 16 MiB hold eight million numbers of two bytes.
MOST = 4000
#: Characters of a value.
LONGEST = 400


class Malformed(ValueError):
    """Bytes that are not the message, or the part of one, that they should be."""


class Reader:
    """Reads `data` from `start` to `end` and collects the fields.

    Args:
        data: the whole message, in which the fields' offsets count.
        start, end: the part to read.
        rfc: the section that the fields belong to.
        left: how many more fields may be read, shared by all readers of a message.

    Attributes:
        fields: what has been read.
        at: where the next field begins.
    """

    def __init__(
        self,
        data: bytes,
        start: int = 0,
        end: int | None = None,
        *,
        rfc: str = "",
        left: list[int] | None = None,
    ) -> None:
        self.data, self.at, self.end = data, start, len(data) if end is None else end
        self.rfc, self._left = rfc, [MOST] if left is None else left
        self.fields: list[Field] = []

    @property
    def more(self) -> int:
        """How many bytes are left."""
        return self.end - self.at

    def peek(self, size: int) -> bytes:
        """Return the next bytes, as many as there are, and stay where it is."""
        return self.data[self.at : min(self.at + size, self.end)]

    def number(self, name: str, size: int, registry: str = "", value: str = "") -> int:
        """Read a number; with `registry`, its value is spelled with the name it has there."""
        data = self._take(name, size)
        number = int.from_bytes(data, "big")
        text = value or (spelled(registry, number, size) if registry else str(number))
        self._add(name, self.at - size, text)
        return number

    def opaque(self, name: str, size: int | None = None, value: str | None = None) -> bytes:
        """Read `size` bytes, or all that are left; `value` is what they mean, if anything."""
        size = self.more if size is None else size
        data = self._take(name, size)
        self._add(name, self.at - size, _count(data) if value is None else value)
        return data

    def text(self, name: str) -> None:
        """Read what is left, which a peer means as text."""
        start = self.at
        data = self._take(name, self.more)
        self._add(name, start, data.decode("utf-8", "backslashreplace"))

    def vector(
        self,
        name: str,
        size: int,
        inside: Callable[[Reader], object] | None = None,
        *,
        once: bool = False,
    ) -> Field:
        """Read a vector, whose length stands before it in `size` bytes.

        Args:
            name: what the vector is called.
            size: bytes of the length.
            inside: reads one element, again and again until the vector's end; None for bytes.
            once: it reads the whole content in one go.
        """
        start = self.at
        length = int.from_bytes(self._take(name, size), "big")
        if length > self.more:
            self.at = start
            raise Malformed(f"{name} should have {length} bytes, and {self.more - size} are left")
        inner = Reader(self.data, self.at, self.at + length, rfc=self.rfc, left=self._left)
        self.at += length
        if inside is None:
            return self._add(name, start, _count(inner.peek(length)))
        inner.until_the_end(inside, once=once)
        return self._add(name, start, _summary(inner.fields), inner)

    def struct(self, name: str, inside: Callable[[Reader], object], rfc: str = "") -> Field:
        """Read a structure of several fields, which becomes one field."""
        inner = Reader(self.data, self.at, self.end, rfc=rfc or self.rfc, left=self._left)
        inside(inner)
        start, self.at = self.at, inner.at
        return self._add(name, start, _summary(inner.fields), inner)

    def until_the_end(self, inside: Callable[[Reader], object], *, once: bool = False) -> None:
        """Let `inside` read until nothing is left; what it cannot read becomes a field."""
        try:
            while self.more or once:
                before = self.at
                inside(self)
                if once or self.at == before:
                    break
            if self.more:
                raise Malformed(f"{self.more} bytes more than there should be")
        except Malformed as error:
            rest = self.data[self.at : self.end]
            text = printable(str(error))[:LONGEST]
            self.fields.append(Field(NOT_READABLE, self.at, rest, text, self.rfc))
            self.at = self.end

    def _take(self, name: str, size: int) -> bytes:
        if size > self.more:
            raise Malformed(f"{name} should have {size} bytes, and {self.more} are left")
        if self._left[0] <= 0:
            raise Malformed(f"more than {MOST} fields in one message")
        self._left[0] -= 1
        self.at += size
        return self.data[self.at - size : self.at]

    def _add(self, name: str, start: int, value: str, inner: Reader | None = None) -> Field:
        value = printable(value)
        if len(value) > LONGEST:
            value = f"{value[:LONGEST]}…"
        rfc, fields = (inner.rfc, tuple(inner.fields)) if inner else (self.rfc, ())
        made = Field(name, start, self.data[start : self.at], value, rfc, fields)
        self.fields.append(made)
        return made


def _count(data: bytes) -> str:
    if len(data) == 1:
        return "1 byte"
    return f"{len(data)} bytes" if data else "(empty)"


def _summary(fields: list[Field]) -> str:
    """What a list of plain values says in one line; a tree says it further in."""
    if not fields:
        return "(empty)"
    if any(each.fields for each in fields) or len({each.name for each in fields}) > 1:
        return ""
    return ", ".join(each.value.split(" (0x")[0] for each in fields)

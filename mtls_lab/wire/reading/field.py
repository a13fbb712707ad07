"""One field of a TLS message, and the tree that fields form.

Here: the value and its text. Not here: reading it from bytes (reader.py, messages.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as attribute

__all__ = ["Field"]

#: Bytes of a field that its line in a listing shows, and characters of its value.
SHOWN, LONGEST = 8, 100


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
    value = field.value if len(field.value) <= LONGEST else f"{field.value[:LONGEST]}…"
    if not field.fields:
        head = field.data[:SHOWN].hex(" ") + " …" * (field.length > SHOWN)
        yield "  ".join(part for part in (start, head, value) if part)
        return
    where = f"; {field.rfc}" * bool(field.rfc and field.rfc != rfc)
    yield f"{start}{f' = {value}' if value else ''} ({field.length} bytes{where})"
    for each in field.fields:
        yield from _lines(each, f"{indent}  ", field.rfc)

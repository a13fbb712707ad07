"""Bytes to TLS records, messages and hexdump lines (RFC 8446 section 5, RFC 5246).

Here: pure functions and small values; what an eavesdropper can read without any key.
Not here: sockets, keys, decryption.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

from mtls_lab.common import printable
from mtls_lab.wire.names import alert_name, handshake_name, name_of
from mtls_lab.wire.protocol import MAX_LINE

__all__ = [
    "ALERT",
    "APPLICATION_DATA",
    "CHANGE_CIPHER_SPEC",
    "HANDSHAKE",
    "HEADER",
    "Direction",
    "PlaintextMessages",
    "Record",
    "Splitter",
    "hexdump",
    "looks_like_tls",
    "parse_records",
    "readable_records",
    "server_name",
]

#: ChangeCipherSpec, Alert, Handshake, ApplicationData (RFC 8446, section 5.1).
CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = CONTENT_TYPES = (20, 21, 22, 23)
HEADER = 5  # type (1), legacy version (2), length (2)
LONGEST = 2**14 + 256  # RFC 8446 section 5.2: more is a record_overflow


class Direction(Enum):
    """Which way bytes travel."""

    TO_BACKEND = "→"
    TO_DEVICE = "←"


@dataclass(frozen=True, slots=True)
class Record:
    """One TLS record as it stands on the wire.

    Attributes:
        type: the content type in clear; encrypted TLS 1.3 records all say 23.
        version: the legacy version, `(3, 3)` in TLS 1.2 and later.
        payload: what follows the five header bytes.
    """

    type: int
    version: tuple[int, int]
    payload: bytes

    @property
    def name(self) -> str:
        """The content type by its RFC name."""
        return name_of("content_types", self.type) or f"type {self.type}"

    def __str__(self) -> str:
        return f"{self.name}, {len(self.payload)} bytes"


def looks_like_tls(data: bytes) -> bool:
    """Tell whether a stream starts with a TLS record header.

    Example:
        >>> looks_like_tls(b"\\x16\\x03\\x01"), looks_like_tls(b"GET_SECRET")
        (True, False)
    """
    return data[:1] in (b"\x14", b"\x15", b"\x16", b"\x17") and data[1:2] in (b"", b"\x03")


def parse_records(data: bytes) -> tuple[list[Record], bytes]:
    """Split bytes into complete records and the rest that is not complete yet.

    Raises:
        ValueError: the bytes are no TLS records: an unknown content type, a version other
            than 3.x, or a length over 2**14 + 256 (RFC 8446 section 5.2).

    Example:
        >>> records, rest = parse_records(bytes.fromhex("15 0303 0002 0274 16 03"))
        >>> str(records[0]), rest.hex()
        ('Alert, 2 bytes', '1603')
    """
    records, end = [], 0
    for record, end in _records(data):  # noqa: B007 - where the last one ends
        records.append(record)
    return records, data[end:]


def _records(data: bytes) -> Iterator[tuple[Record, int]]:
    """Yield each complete record and where it ends. Raises ValueError as `parse_records`."""
    at = 0
    while len(data) - at >= HEADER:
        kind, major, minor = data[at : at + 3]
        length = int.from_bytes(data[at + 3 : at + HEADER], "big")
        if kind not in CONTENT_TYPES or major != 3 or length > LONGEST:
            raise ValueError(f"no TLS record at byte {at}: {data[at : at + HEADER].hex(' ')}")
        if len(data) - at - HEADER < length:
            return
        start, at = at + HEADER, at + HEADER + length
        yield Record(kind, (major, minor), data[start:at]), at


def readable_records(data: bytes) -> list[Record]:
    """Return the complete records up to where the bytes are no records any more.

    A stream that was garbled on its way is a view of what could be read, not an error.

    Example:
        >>> garbled = bytes.fromhex("15 0303 0002 0274 ff ffffffff")
        >>> [str(record) for record in readable_records(garbled)]
        ['Alert, 2 bytes']
    """
    records = []
    with suppress(ValueError):
        for record, _ in _records(data):
            records.append(record)
    return records


class Splitter:
    """Cut a byte stream into the units that mean something: TLS records, or lines of text.

    What it returns, joined, is exactly what went in. A unit that is too long for its kind is
    handed on as it is, so nothing is ever held back for good.

    Example:
        >>> splitter = Splitter()
        >>> splitter.feed(b"PING\\nGET_"), splitter.feed(b"SECRET\\n"), splitter.rest()
        ([b'PING\\n'], [b'GET_SECRET\\n'], b'')
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._tls: bool | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """Take more bytes and return the units that are complete now."""
        self._buffer += data
        if self._tls is None and self._buffer:
            self._tls = looks_like_tls(self._buffer)
        if not self._tls:
            units = io.BytesIO(self._buffer).readlines()
            whole = not units or units[-1].endswith(b"\n") or len(units[-1]) > MAX_LINE
            self._buffer = b"" if whole else units.pop()
            return units
        units, start = [], 0
        while end := self._end(start):
            units.append(self._buffer[start:end])
            start = end
        self._buffer = self._buffer[start:]
        return units

    def rest(self) -> bytes:
        """Return what is left at the end of the stream, and forget it."""
        rest, self._buffer = self._buffer, b""
        return rest

    def _end(self, start: int) -> int:
        """Return where the record that starts here ends; 0 if it is not complete."""
        whole = len(self._buffer)
        header = self._buffer[start : start + HEADER]
        if len(header) < HEADER:
            return 0
        length = int.from_bytes(header[3:], "big")
        if not looks_like_tls(header) or length > LONGEST:
            return whole
        end = start + HEADER + length
        return end if end <= whole else 0


class PlaintextMessages:
    """The messages of one direction that can be read without a key, as its bytes arrive.

    What is encrypted is told as a record. After a ChangeCipherSpec of TLS 1.2, and for every record
    of type 23, nothing more can be named. Bytes that are no TLS end it.

    Example:
        >>> messages = PlaintextMessages()
        >>> messages.feed(bytes.fromhex("15 0303 0002")), messages.feed(bytes.fromhex("0274"))
        ([], [('Alert certificate_required', 2)])
    """

    def __init__(self) -> None:
        self._rest, self._message = b"", bytearray()
        self._hidden = self._garbled = False

    def feed(self, data: bytes) -> list[tuple[str, int]]:
        """Take more bytes; return the messages that are complete now, with their sizes."""
        found: list[tuple[str, int]] = []
        if self._garbled:
            return found
        data, end = self._rest + data, 0
        try:
            for record, end in _records(data):  # noqa: B007 - where the last one ends
                found += self._named(record)
        except ValueError:
            self._garbled = True
        self._rest = data[end:]
        return found

    def _named(self, record: Record) -> Iterator[tuple[str, int]]:
        if record.type == CHANGE_CIPHER_SPEC:
            self._hidden = True
            yield "ChangeCipherSpec", len(record.payload)
        elif record.type == APPLICATION_DATA or self._hidden:
            yield "record", len(record.payload)
        elif record.type == ALERT and len(record.payload) == 2:
            yield alert_name(record.payload), 2
        else:
            self._message += record.payload
            while len(self._message) >= 4:
                size = 4 + int.from_bytes(self._message[1:4], "big")
                if len(self._message) < size:
                    break
                yield handshake_name(bytes(self._message[:4])), size
                del self._message[:size]


def server_name(data: bytes) -> str | None:
    """Return the host name that a ClientHello shows in clear (RFC 6066, section 3).

    `data` is what the client sent, from its first byte. None where there is no ClientHello,
    no such extension, or the bytes end too early.

    Example:
        >>> server_name(b"GET_SECRET") is None
        True
    """
    try:
        hello = b"".join(r.payload for r in readable_records(data) if r.type == 22)
        if hello[0] != 1:
            return None
        at = 4 + 2 + 32  # header, version, random
        at += 1 + hello[at]  # session id
        at += 2 + int.from_bytes(hello[at : at + 2], "big")  # cipher suites
        at += 1 + hello[at]  # compression methods
        end = at + 2 + int.from_bytes(hello[at : at + 2], "big")
        at += 2
        while at + 4 <= min(end, len(hello)):
            kind, size = (
                int.from_bytes(hello[at : at + 2], "big"),
                int.from_bytes(hello[at + 2 : at + 4], "big"),
            )
            body = hello[at + 4 : at + 4 + size]
            if kind == 0 and len(body) == size:
                length = int.from_bytes(body[3:5], "big")
                name = body[5 : 5 + length].decode("ascii")
                return printable(name) if len(body) >= 5 + length else None
            at += 4 + size
    except (ValueError, IndexError):
        return None
    return None


def hexdump(data: bytes, width: int = 16) -> Iterator[str]:
    """Yield lines of offset, hexadecimal and readable text.

    Example:
        >>> print(next(hexdump(b"open sesame")))
        0000  6f 70 65 6e 20 73 65 73 61 6d 65                 open sesame
    """
    for at in range(0, len(data), width):
        part = data[at : at + width]
        text = "".join(chr(b) if 32 <= b < 127 else "." for b in part)
        yield f"{at:04x}  {part.hex(' '):<{3 * width}} {text}"

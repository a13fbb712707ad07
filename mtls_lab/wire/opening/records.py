"""Every record of a connection, opened where the secrets allow it.

Here: which record is protected by which key, in TLS 1.3 and 1.2, in both directions. Not here: the
keys themselves (schedule.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mtls_lab.wire.opening.schedule import Protection, Protection13, Secrets, key_block, suite_of
from mtls_lab.wire.reading.messages import Agreed, agreed_in
from mtls_lab.wire.records import (
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    HEADER,
    Direction,
    Record,
    hexdump,
    parse_records,
    readable_records,
)

__all__ = ["Opened", "open_records"]

#: Handshake bytes that may wait for the end of their message; a longer one is not put together.
LONGEST = 2**18
#: The labels of the secrets of TLS 1.3 in a key log, by direction: handshake, application data.
LABELS = {
    Direction.TO_BACKEND: ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0"),
    Direction.TO_DEVICE: ("SERVER_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0"),
}


@dataclass(frozen=True, slots=True)
class Opened:
    """One record and what is in it.

    Attributes:
        direction: which way it went.
        offset: where it begins in what was sent this way.
        record: as it stood on the wire, with its five bytes of header.
        type: the content type of what is in it (RFC 8446, section 5.1).
        content: what is in it, decrypted; None if it could not be opened.
        encrypted: whether it was.
        why: why it could not be opened, in a few words.
        means_nothing: whether it is a ChangeCipherSpec of TLS 1.3, which only looks like TLS 1.2
            (RFC 8446, appendix D.4).
        messages: the handshake messages that are complete with this record.
    """

    direction: Direction
    offset: int
    record: bytes = field(repr=False)
    type: int
    content: bytes | None = field(default=None, repr=False)
    encrypted: bool = False
    why: str = ""
    means_nothing: bool = False
    messages: tuple[bytes, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        kind = Record(self.type, (3, 3), b"").name
        head = f"{self.direction.value} {f'{{{kind}}}' if self.encrypted else kind}"
        if self.content is None:
            return f"{head}, {len(self.record) - HEADER} bytes: {self.why}"
        return "\n".join([head, *(f"  {line}" for line in hexdump(self.content))])


def open_records(
    passed: Iterable[tuple[Direction, bytes]], secrets: bytes = b""
) -> tuple[Opened, ...]:
    """Open every record of one connection. Whatever the bytes are, this does not fail.

    Args:
        passed: pieces of both directions, in the order in which they passed.
        secrets: the lines of a key log; those of other connections do no harm.

    Example:
        >>> alert = bytes.fromhex("15 0303 0002 0230")
        >>> print(*open_records([(Direction.TO_DEVICE, alert)]))
        ← Alert
          0000  02 30                                            .0
    """
    connection = _Connection(secrets)
    return tuple(opened for way, data in passed for opened in connection.feed(way, data))


class _Way:
    """What is known of one direction."""

    def __init__(self) -> None:
        self.rest, self.offset, self.pending = b"", 0, b""
        self.protection: Protection | None = None
        self.protected = self.broken = False


class _Connection:
    def __init__(self, log: bytes) -> None:
        self._log, self._secrets = log, Secrets({})
        self._ways = {direction: _Way() for direction in Direction}
        self._client_random = b""
        self._agreed: Agreed | None = None

    def feed(self, direction: Direction, data: bytes) -> Iterator[Opened]:
        way = self._ways[direction]
        if way.broken:
            return
        way.rest += data
        records = readable_records(way.rest)
        rest = way.rest[sum(HEADER + len(each.payload) for each in records) :]
        for record in records:
            yield self._open(direction, way, record)
            way.offset += HEADER + len(record.payload)
        try:
            _, way.rest = parse_records(rest)
        except ValueError:
            way.broken = True
            why = "these bytes are not a TLS record"
            yield Opened(direction, way.offset, rest, rest[0], why=why)

    def _open(self, direction: Direction, way: _Way, record: Record) -> Opened:
        header = bytes([record.type, *record.version]) + len(record.payload).to_bytes(2, "big")
        whole = header + record.payload
        tls13 = self._agreed is not None and self._agreed.tls13
        # Before the ServerHello it is of TLS 1.3 too, from one that asked for another ClientHello.
        nothing = tls13 or self._agreed is None
        if record.type == CHANGE_CIPHER_SPEC and (nothing or not way.protected):
            if not nothing:
                self._change_cipher_spec(direction)
            return Opened(
                direction, way.offset, whole, record.type, record.payload, means_nothing=nothing
            )
        # In TLS 1.3 what is encrypted looks like application data; an alert may be in clear.
        encrypted = record.type == APPLICATION_DATA if tls13 else way.protected
        if not encrypted and record.type != APPLICATION_DATA:
            messages = self._collect(direction, record.type, record.payload)
            return Opened(
                direction, way.offset, whole, record.type, record.payload, messages=messages
            )
        found = way.protection.open(header, record.payload) if way.protection else None
        if found is None:
            why = self._why(way)
            return Opened(direction, way.offset, whole, record.type, None, encrypted=True, why=why)
        kind, content = found
        messages = self._collect(direction, kind, content)
        return Opened(
            direction, way.offset, whole, kind, content, encrypted=True, messages=messages
        )

    def _why(self, way: _Way) -> str:
        if way.protection:
            return "the key does not fit: it was changed on its way, or is early data"
        if self._agreed and suite_of(self._agreed.suite_name) is None:
            name = self._agreed.suite_name or f"0x{self._agreed.suite:04x}"
            return f"{name} is not an AEAD suite; the lab does not decrypt it"
        return "its secret is not known"

    def _collect(self, direction: Direction, kind: int, content: bytes) -> tuple[bytes, ...]:
        """Put handshake messages together, and follow what each of them changes."""
        if kind != HANDSHAKE:
            return ()
        way, complete = self._ways[direction], []
        way.pending += content
        while len(way.pending) >= 4:
            size = 4 + int.from_bytes(way.pending[1:4], "big")
            if len(way.pending) < size:
                break
            message, way.pending = way.pending[:size], way.pending[size:]
            complete.append(message)
            self._follow(direction, way, message)
        if len(way.pending) > LONGEST:
            way.pending = b""
        return tuple(complete)

    def _follow(self, direction: Direction, way: _Way, message: bytes) -> None:
        if message[0] == 1 and not self._client_random:
            self._client_random = message[6:38]
            self._secrets = Secrets.read(self._log, self._client_random)
        elif message[0] == 2 and self._agreed is None:
            agreed = agreed_in(message)
            if agreed and not agreed.retry:
                self._agreed = agreed
                for each in Direction:
                    self._protect_1_3(each, 0)
        elif message[0] == 20:
            self._protect_1_3(direction, 1)
        elif message[0] == 24 and way.protection:
            way.protection = way.protection.updated()

    def _protect_1_3(self, direction: Direction, stage: int) -> None:
        if self._agreed is None or not self._agreed.tls13:
            return
        suite = suite_of(self._agreed.suite_name)
        secret = self._secrets.by_label.get(LABELS[direction][stage])
        self._ways[direction].protection = Protection13(suite, secret) if suite and secret else None

    def _change_cipher_spec(self, direction: Direction) -> None:
        way = self._ways[direction]
        way.protected = True
        master = self._secrets.by_label.get("CLIENT_RANDOM")
        suite = suite_of(self._agreed.suite_name) if self._agreed else None
        if self._agreed and suite and master:
            client, server = key_block(suite, master, self._client_random, self._agreed.random)
            way.protection = client if direction is Direction.TO_BACKEND else server

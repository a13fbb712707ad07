"""The messages of a real handshake, by their RFC names, from both ends.

Here: reading what OpenSSL reported, joining the two ends, and a plain text. Not here: recording
it (net/tls.py), connections (net/backend.py, net/device.py) and the picture (ladder/).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from mtls_lab.common import Shown
from mtls_lab.wire.names import CLOSURE_ALERTS, alert_name, handshake_name
from mtls_lab.wire.reading import (
    Field,
    Malformed,
    read_alert,
    read_change_cipher_spec,
    read_message,
)
from mtls_lab.wire.reading.messages import TLS_1_3
from mtls_lab.wire.records import Direction, PlaintextMessages

__all__ = ["RESUMED", "Handshake", "Message", "from_wire", "join", "message_of", "read_notes"]

# What OpenSSL passes as content type besides those on the wire (SSL3_RT_… in <openssl/ssl3.h>).
_CHANGE_CIPHER_SPEC, _ALERT, _HANDSHAKE, _RECORD_HEADER, _INNER_CONTENT_TYPE = 20, 21, 22, 256, 257
#: How many bytes each of them has at least, if it means anything.
_SHORTEST = {_ALERT: 2, _HANDSHAKE: 1, _RECORD_HEADER: 1}

#: What OpenSSL said at each step: direction, version, content type, bytes. Kept as it came, for
#: noting happens in the middle of a handshake.
Notes = tuple[tuple[str, int, int, bytes], ...]


#: RFC 8446 marks in its figure 1 with braces what is encrypted; so does the text form here.
HEADING = "  {device} ··· backend    {…} is encrypted"
#: What a resumed handshake does without (RFC 8446, section 2.2; RFC 5246, section 7.3).
RESUMED = "  resumed: no Certificate, no CertificateVerify; a secret from before speaks for both"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the TLS protocol.

    Attributes:
        name: as RFC 8446 or RFC 5246 call it; an alert with its description.
        direction: which way it went.
        size: in bytes, with its four bytes of header, without the record's.
        encrypted: whether an eavesdropper sees only its length.
        arrived: whether the receiver processed it. In TLS 1.3 a client sends its last three
            messages in one go, and a server that refuses the first never looks at the others.
        empty: whether it is a Certificate message without a certificate in it.
        compressed: whether this Certificate came as a CompressedCertificate (RFC 8879), which
            OpenSSL 3.2 and newer send where both sides know how to. What it says is the same.
        data: its bytes, decrypted; empty where only its length is known.
        server_hello: the ServerHello of its connection, which decides how to read it.
    """

    name: str
    direction: Direction
    size: int
    encrypted: bool
    arrived: bool = True
    empty: bool = False
    compressed: bool = False
    data: bytes = field(default=b"", compare=False, repr=False)
    server_hello: bytes = field(default=b"", compare=False, repr=False)

    @property
    def fields(self) -> Field | None:
        """What it says, as a tree of fields that prints; None where only its length is known.

        Example:
            >>> said = bytes([2, 48])
            >>> alert = Message("Alert unknown_ca", Direction.TO_DEVICE, 2, True, data=said)
            >>> print(alert.fields)
            0000  Alert = unknown_ca (2 bytes; RFC 8446, 6)
            0000    level  02  fatal (0x02)
            0001    description  30  unknown_ca (0x30)
        """
        if not self.data:
            return None
        if self.alert is not None:
            return read_alert(self.data)
        if self.name == "ChangeCipherSpec":
            return read_change_cipher_spec(self.data)
        try:
            return read_message(self.data, self.server_hello)
        except Malformed as error:
            return Field(self.name, 0, self.data, str(error))

    @property
    def alert(self) -> str | None:
        """The description of an alert (RFC 8446, section 6); None for any other message.

        Example:
            >>> Message("Alert unknown_ca", Direction.TO_DEVICE, 2, encrypted=False).alert
            'unknown_ca'
        """
        kind, _, description = self.name.partition(" ")
        return description if kind == "Alert" else None

    @property
    def fatal(self) -> bool:
        """Whether it is an alert that ends the connection, and not as its sender meant to."""
        return self.alert is not None and self.alert not in CLOSURE_ALERTS

    def __str__(self) -> str:
        name = f"{{{self.name}}}" if self.encrypted else self.name
        marks = [" (empty)" * self.empty, "" if self.arrived else " (never read)"]
        return f"{self.direction.value} {name}{''.join(marks)}"


@dataclass(frozen=True, slots=True)
class Handshake(Shown):
    """The messages of one connection in the order in which the device met them.

    Attributes:
        messages: from the first ClientHello to the last alert, after-handshake messages
            included; empty without TLS.
        both_ends: whether both ends noted them. Otherwise nobody knows what the other end read.
        device: what the output calls the device, such as "thief".
    """

    messages: tuple[Message, ...] = ()
    both_ends: bool = field(default=True, compare=False)
    device: str = field(default="device", compare=False, repr=False)

    @property
    def resumed(self) -> bool:
        """Whether a session was resumed: the backend is finished, and showed no certificate.

        Example:
            >>> Handshake((Message("Finished", Direction.TO_DEVICE, 36, encrypted=True),)).resumed
            True
        """
        said = {m.name for m in self.messages if m.direction is Direction.TO_DEVICE}
        return "Finished" in said and "Certificate" not in said

    def __str__(self) -> str:
        if not self.messages:
            return "  nothing noted: call watch(context) on both contexts, then ask again"
        lines = [
            HEADING.replace("{device}", self.device),
            *(f"  {message}" for message in self.messages),
        ]
        return "\n".join(lines + [RESUMED] * self.resumed)

    def _repr_html_(self) -> str:
        from mtls_lab.wire.ladder import draw  # noqa: PLC0415 - it draws handshakes

        return draw(self, inline=True, page=f"{self._digest}-")

    @property
    def _digest(self) -> str:
        """Tells it from other handshakes on a page."""
        return sha256(b"".join(message.data for message in self.messages)).hexdigest()[:8]


def read_notes(log: Notes, *, client: bool) -> tuple[Message, ...]:
    """Turn the notes of one end into messages; `client` says which end it was."""
    agreed = [version for _, version, content_type, *_ in log if content_type == _HANDSHAKE]
    # In TLS 1.3 a ChangeCipherSpec means nothing (RFC 8446, appendix D.4); in 1.2 it divides
    # the clear from the encrypted, and OpenSSL reports it as a record only.
    divides = not agreed or agreed[-1] != TLS_1_3
    inner, ciphered, messages, server_hello = False, set[str](), [], b""
    for direction, _, content_type, data in log:
        if len(data) < _SHORTEST.get(content_type, 0):
            continue  # a peer may send a record that holds nothing
        if content_type == _INNER_CONTENT_TYPE:
            inner = True
            continue
        encrypted = inner or direction in ciphered
        if content_type == _RECORD_HEADER and data[0] == _CHANGE_CIPHER_SPEC and divides:
            name, data = "ChangeCipherSpec", b"\x01"  # noqa: PLW2901 - its header was reported
            ciphered.add(direction)
        elif content_type == _ALERT:
            name = alert_name(data)
        elif content_type == _HANDSHAKE:
            name = handshake_name(data)
        else:
            continue
        inner = False
        if name == "ServerHello":
            server_hello = data
        towards = Direction.TO_BACKEND if (direction == "write") == client else Direction.TO_DEVICE
        messages.append(message_of(name, towards, data, server_hello, encrypted=encrypted))
    return tuple(messages)


def message_of(
    name: str, direction: Direction, data: bytes, server_hello: bytes, *, encrypted: bool
) -> Message:
    """Make a message of its bytes.

    A CompressedCertificate is called Certificate: what it says is the same, and other releases
    of OpenSSL send that.
    """
    compressed = name == "CompressedCertificate"
    name = "Certificate" if compressed else name
    # The length of a list; in TLS 1.3 after a context, which has a length once somebody asks late.
    empty = name == "Certificate" and len(data) <= 8 + sum(data[4:5])
    return Message(
        name,
        direction,
        len(data),
        encrypted,
        empty=empty,
        compressed=compressed,
        data=data,
        server_hello=server_hello,
    )


def join(device: Sequence[Message], backend: Sequence[Message]) -> Handshake:
    """Join the two ends: what was sent, in the device's order, and what the receiver read.

    A message that its sender noted and its receiver did not is kept with `arrived=False`.
    Where one end noted nothing, the other's view is all there is.

    Example:
        >>> hello = Message("ClientHello", Direction.TO_BACKEND, 500, encrypted=False)
        >>> alert = Message("Alert unknown_ca", Direction.TO_BACKEND, 2, encrypted=True)
        >>> print(join([hello, alert], [hello]))
          device ··· backend    {…} is encrypted
          → ClientHello
          → {Alert unknown_ca} (never read)
    """
    if not (device and backend):
        return Handshake(tuple(device or backend), both_ends=False)
    unread = [m for m in backend if m.direction is Direction.TO_BACKEND]
    merged = []
    for message in device:
        arrived = True
        if message.direction is Direction.TO_BACKEND:
            arrived = bool(unread) and unread[0].name == message.name
            if arrived:
                unread.pop(0)
        merged.append(replace(message, arrived=arrived))
    seen = sum(m.direction is Direction.TO_DEVICE for m in device)
    sent = [m for m in backend if m.direction is Direction.TO_DEVICE]
    merged += [replace(m, arrived=False) for m in sent[seen:]]
    return Handshake(tuple(merged))


def from_wire(chunks: Iterable[tuple[Direction, bytes]]) -> Handshake:
    """Name the messages that recorded bytes show to someone without a key.

    Args:
        chunks: pieces of both directions in the order in which they passed.

    Example:
        >>> alert = bytes.fromhex("15 0303 0002 0274")
        >>> print(from_wire([(Direction.TO_DEVICE, alert)]))
          device ··· backend    {…} is encrypted
          ← Alert certificate_required
    """
    streams = {direction: PlaintextMessages() for direction in Direction}
    messages = [
        Message(name, direction, size, name == "record")
        for direction, data in chunks
        for name, size in streams[direction].feed(data)
    ]
    return Handshake(tuple(messages), both_ends=False)

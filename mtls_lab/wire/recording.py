"""One connection as it was recorded: its bytes both ways, when they passed, and its secrets.

Here: the value, its messages, and the capture file that Wireshark opens: pcapng, with IP and TCP
around the recorded bytes (draft-ietf-opsawg-pcapng, sections 4.1, 4.2, 4.3 and 4.7). Not here:
recording (net/recording.py), and how records are opened (opening/).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mtls_lab.common import FileProblem, PathLike, write_file
from mtls_lab.wire.handshake import Handshake, Message, message_of
from mtls_lab.wire.names import alert_name, handshake_name
from mtls_lab.wire.records import (
    ALERT,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    Direction,
    looks_like_tls,
)

if TYPE_CHECKING:
    from mtls_lab.wire.opening import Opened

__all__ = ["Passed", "Recording", "pcapng"]

Address = tuple[str, int]


class Passed(NamedTuple):
    """Bytes that passed, and when: in seconds since 1970, as `time.time()` counts."""

    time: float
    direction: Direction
    data: bytes


@dataclass(frozen=True, slots=True)
class Recording:
    """What passed on one connection, as the device saw it.

    Attributes:
        device: the address that the device had.
        backend: the address that it spoke to.
        passed: every piece that it sent or received, in order.
        secrets: the lines of a key log for this connection; empty where nobody watched it, and
            then this is what Eve has.
        complete: whether all of it was kept; a very long connection is cut.
    """

    device: tuple[str, int]
    backend: tuple[str, int]
    passed: tuple[Passed, ...] = field(repr=False)
    secrets: bytes = field(default=b"", repr=False)
    complete: bool = True

    @property
    def records(self) -> tuple[Opened, ...]:
        """Every TLS record, opened where the secrets allow it; each prints as a hexdump.

        Without TLS there are none.
        """
        # Decryption needs cryptography; Part 1 does not.
        from mtls_lab.wire.opening import open_records  # noqa: PLC0415

        if self.passed and not looks_like_tls(self.passed[0].data):
            return ()
        return open_records(((each.direction, each.data) for each in self.passed), self.secrets)

    @property
    def handshake(self) -> Handshake:
        """The messages of these records, without those that could not be opened."""
        messages: list[Message] = []
        server_hello = b""
        for record in self.records:
            found: list[tuple[str, bytes]] = []
            if record.type == HANDSHAKE:
                found = [(handshake_name(each), each) for each in record.messages]
            elif record.type == ALERT and len(record.content or b"") == 2:
                found = [(alert_name(record.content or b""), record.content or b"")]
            elif record.type == CHANGE_CIPHER_SPEC and not record.means_nothing:
                found = [("ChangeCipherSpec", record.content or b"")]
            for name, data in found:
                server_hello = data if name == "ServerHello" else server_hello
                messages.append(
                    message_of(
                        name, record.direction, data, server_hello, encrypted=record.encrypted
                    )
                )
        return Handshake(tuple(messages), both_ends=False)

    def save_pcapng(self, path: PathLike, *, overwrite: bool = False) -> Path:
        """Write it as a capture that Wireshark opens, decrypted with the secrets in the file.

        Bytes, addresses and times are those of the connection. The TCP segments around them are
        made for the file: who records in the device does not see any. Keep the file to yourself:
        whoever has it can read the connection.

        Args:
            path: the file; by its name, Wireshark knows it as `.pcapng`.
            overwrite: whether a file of this name may be replaced.

        Raises:
            FileProblem: there is such a file, or it cannot be written.
        """
        if not overwrite and Path(path).exists():
            raise FileProblem(
                f"{Path(path)}, which is there already",
                "the name of a new file",
                "choose another name, or say overwrite=True",
            )
        capture = pcapng(self.device, self.backend, self.passed, self.secrets)
        return write_file(path, capture, mode=0o600)


# --- The capture file

SECTION, INTERFACE, PACKET, SECRETS = 0x0A0D0D0A, 1, 6, 10
TLS_KEY_LOG = 0x544C534B
RAW_IP = 101  # LINKTYPE_RAW: a packet begins with its IP header
FIN, SYN, PUSH, ACK = 1, 2, 8, 16
#: Bytes of data in a segment. On loopback a packet may be larger than on any wire.
SEGMENT = 32 * 1024
COMMENT = b"TCP segments made by mtls_lab around the bytes that it recorded"


def pcapng(
    device: Address,
    backend: Address,
    passed: Iterable[tuple[float, Direction, bytes]],
    secrets: bytes = b"",
) -> bytes:
    """Return the capture file of one connection, which the device opened.

    Args:
        device, backend: their addresses, IPv4 or IPv6.
        passed: when (in seconds since 1970), which way, and what.
        secrets: the lines of a key log, which go into the file.

    Example:
        >>> capture = pcapng(("127.0.0.1", 40000), ("127.0.0.1", 5000), [])
        >>> capture[:4].hex(), b"mtls_lab" in capture
        ('0a0d0d0a', True)
    """
    comment = struct.pack("<HH", 1, len(COMMENT)) + _padded(COMMENT) + bytes(4)
    blocks = [
        _block(SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + comment),
        _block(INTERFACE, struct.pack("<HHI", RAW_IP, 0, 0)),
    ]
    if secrets:  # before the packets, so that they can be read in one pass
        blocks.append(_block(SECRETS, struct.pack("<II", TLS_KEY_LOG, len(secrets)) + secrets))
    for time, packet in _packets(device, backend, passed):
        microseconds = int(time * 1_000_000)
        head = struct.pack("<III", 0, microseconds >> 32, microseconds & 0xFFFFFFFF)
        sizes = struct.pack("<II", len(packet), len(packet))
        blocks.append(_block(PACKET, head + sizes + packet))
    return b"".join(blocks)


def _packets(
    device: Address, backend: Address, passed: Iterable[tuple[float, Direction, bytes]]
) -> Iterator[tuple[float, bytes]]:
    """Yield a whole TCP connection: its opening, the data, its end on both sides."""
    pieces = list(passed)
    first, last = (pieces[0][0], pieces[-1][0]) if pieces else (0.0, 0.0)
    ends = {Direction.TO_BACKEND: (device, backend), Direction.TO_DEVICE: (backend, device)}
    up, down = Direction.TO_BACKEND, Direction.TO_DEVICE
    sent = dict.fromkeys(Direction, 0)  # the next sequence number of each direction

    def segment(way: Direction, flags: int, data: bytes = b"") -> bytes:
        back = down if way is up else up
        made = _ip(*ends[way], sent[way], sent[back] if flags & ACK else 0, flags, data)
        sent[way] += len(data) + bool(flags & (SYN | FIN))
        return made

    yield first, segment(up, SYN)
    yield first, segment(down, SYN | ACK)
    yield first, segment(up, ACK)
    for time, way, data in pieces:
        for at in range(0, len(data), SEGMENT):
            yield time, segment(way, PUSH | ACK, data[at : at + SEGMENT])
    yield last, segment(up, FIN | ACK)
    yield last, segment(down, FIN | ACK)
    yield last, segment(up, ACK)


def _ip(
    source: Address, target: Address, number: int, acknowledged: int, flags: int, data: bytes
) -> bytes:
    """Return an IP packet with one TCP segment (RFC 9293, section 3.1)."""
    family = socket.AF_INET6 if ":" in source[0] else socket.AF_INET
    # A zone means something on its machine alone (RFC 4007, section 6), and is in no packet.
    hosts = (each[0].partition("%")[0] for each in (source, target))
    addresses = b"".join(socket.inet_pton(family, host) for host in hosts)
    size = 20 + len(data)
    ports = struct.pack(">HH", source[1], target[1])
    rest = struct.pack(">IIBBHHH", number, acknowledged, 5 << 4, flags, 65535, 0, 0)
    pseudo = addresses + struct.pack(">IHBB", size, 0, 0, socket.IPPROTO_TCP)
    checksum = _checksum(pseudo + ports + rest + data)
    tcp = ports + rest[:12] + struct.pack(">HH", checksum, 0) + data
    if family == socket.AF_INET6:
        head = struct.pack(">IHBB", 6 << 28, size, socket.IPPROTO_TCP, 64)
        return head + addresses + tcp
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + size, 0, 0, 64, socket.IPPROTO_TCP, 0)
    head = head[:10] + struct.pack(">H", _checksum(head + addresses))
    return head + addresses + tcp


def _checksum(data: bytes) -> int:
    """Return the checksum of the Internet (RFC 1071)."""
    total: int = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def _block(kind: int, body: bytes) -> bytes:
    body = _padded(body)
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)

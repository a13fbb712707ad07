"""A recorded connection as a capture file: pcapng, with IP and TCP around the recorded bytes.

Here: bytes from bytes. Not here: writing the file (recording.py). The format is that of
draft-ietf-opsawg-pcapng: sections 4.1 (section header), 4.2 (interface), 4.3 (packet) and 4.7
(decryption secrets).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator

from mtls_lab.wire.records import Direction

__all__ = ["pcapng"]

SECTION, INTERFACE, PACKET, SECRETS = 0x0A0D0D0A, 1, 6, 10
TLS_KEY_LOG = 0x544C534B
RAW_IP = 101  # LINKTYPE_RAW: a packet begins with its IP header
FIN, SYN, PUSH, ACK = 1, 2, 8, 16
#: Bytes of data in a segment. On loopback a packet may be larger than on any wire.
MOST = 32 * 1024
COMMENT = b"TCP segments made by mtls_lab around the bytes that it recorded"

Address = tuple[str, int]


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
        for at in range(0, len(data), MOST):
            yield time, segment(way, PUSH | ACK, data[at : at + MOST])
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

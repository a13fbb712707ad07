"""What Linux tells of the TCP sockets of this machine: their states, ports and owners.

Here: the question and its answers, in the bytes of sock_diag(7), and whose program is at the other
end by them: every user of a machine reaches its loopback address. Not here: what is done with a
stranger (sockets.py, backend.py), and whether a server is ready (stacks/states.py).

To ask for a connection takes some ten microseconds, for a port a fraction of a millisecond. Linux
needs ten to write `/proc/net/tcp`, the list of all sockets.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Told", "at_port", "between", "is_loopback", "stranger"]

#: From linux/netlink.h, linux/sock_diag.h and linux/inet_diag.h.
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY = 4, 20
NLM_F_REQUEST, NLM_F_DUMP, NLMSG_DONE = 1, 0x300, 3
HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
ASKED = struct.Struct("=BBBBI")  # inet_diag_req_v2 up to its id: family, protocol, …, states
ENDS = struct.Struct("!HH16s16s")  # inet_diag_sockid: ports and addresses of both ends
ANY = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)  # … and interface and cookie: any
#: An inet_diag_msg up to the owner: state and own port, the rest of the ends, timers and queues.
TOLD, OWNER = struct.Struct("!xBxxH"), struct.Struct("=I")
OWNER_AT = 4 + ENDS.size + len(ANY) + 3 * 4
EVERY_STATE = 0xFFFFFFFF
BUFFER = 1 << 16


class Told(NamedTuple):
    """A socket: its state (linux/net/tcp_states.h), its own port, and its owner's number."""

    state: int
    port: int
    owner: int


def between(family: int, own: tuple[str, int], other: tuple[str, int]) -> Told:
    """Return the one socket with these two ends.

    Raises:
        OSError: there is none, or the system does not tell.
        AttributeError: this is not Linux.
    """
    ends = ENDS.pack(own[1], other[1], *(socket.inet_pton(family, ip) for ip, _ in (own, other)))
    for told in _ask(family, EVERY_STATE, ends + ANY):
        return told
    raise OSError("the system has no such socket")


def at_port(family: int, port: int, states: frozenset[int]) -> Iterator[Told]:
    """Give the sockets with this own port, in one of these states.

    Raises:
        OSError: the system does not tell.
        AttributeError: this is not Linux.
    """
    wanted = sum(1 << state for state in states)
    # As a filter the kernel reads the ports alone; older ones give the sockets of other ports too.
    for told in _ask(family, wanted, ENDS.pack(port, 0, b"", b"") + bytes(len(ANY)), NLM_F_DUMP):
        if told.port == port:
            yield told


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach what listens there.

    Example:
        >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
        (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def stranger(connection: socket.socket) -> int | None:
    """Return the number of the other user whose program opened this connection, or None.

    None stands for one's own program, and for root's, which may do anything anyway. It stands for
    everybody where one is root oneself, since root's programs run under many names, and where the
    system does not tell. A connection that its owner has closed may be root's by then; it hears no
    more.
    """
    own = os.geteuid() if hasattr(os, "geteuid") else 0
    if own == 0:
        return None
    try:
        there, here = connection.getpeername(), connection.getsockname()
        owner = between(connection.family, there[:2], here[:2]).owner
    except (AttributeError, OSError):  # no Linux, no such question, no such socket
        return None
    return None if owner in (0, own) else owner


def _ask(family: int, states: int, ends: bytes, flags: int = 0) -> Iterator[Told]:
    asked = ASKED.pack(family, socket.IPPROTO_TCP, 0, 0, states) + ends
    length = HEADER.size + len(asked)
    head = HEADER.pack(length, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | flags, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as kernel:
        kernel.send(head + asked)
        while True:
            answer = kernel.recv(BUFFER, socket.MSG_DONTWAIT)  # it is there when send returns
            for kind, body in _messages(answer):
                if kind == NLMSG_DONE:
                    return
                if kind != SOCK_DIAG_BY_FAMILY or len(body) < OWNER_AT + OWNER.size:
                    raise OSError("the system has no such socket, or knows no such question")
                yield Told(*TOLD.unpack_from(body), *OWNER.unpack_from(body, OWNER_AT))
            if not flags & NLM_F_DUMP:
                return


def _messages(answer: bytes) -> Iterator[tuple[int, bytes]]:
    """Cut an answer into its messages, each with its kind."""
    at = 0
    while at + HEADER.size <= len(answer):
        length, kind, *_ = HEADER.unpack_from(answer, at)
        yield kind, answer[at + HEADER.size : at + length]
        at += max((length + 3) & ~3, HEADER.size)

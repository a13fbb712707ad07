"""Whether anybody listens on a port of this machine, and whether a server still has a client.

Here: the question to Linux. Not here: what is waited for (running.py).

It is asked fifty times a second. sock_diag(7) answers in a twentieth of a millisecond; to write all
of `/proc/net/tcp` takes the kernel a hundred times as long, and is for a sandbox that knows no
other way.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

__all__ = ["CONNECTED", "LISTENS", "states"]

#: Numbers from linux/net/tcp_states.h. A server has a client while the connection is established,
#: about to be, or closed by the client alone.
LISTENS, CONNECTED = 10, frozenset({1, 3, 8})
WANTED = sum(1 << state for state in {LISTENS, *CONNECTED})
#: From linux/netlink.h, linux/sock_diag.h and linux/inet_diag.h, as in net/neighbours.py.
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, NLM_F_DUMP = 4, 20, 1, 0x300
NLMSG_DONE, BUFFER = 3, 1 << 16
HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
ASKED = struct.Struct("=BBBBI")  # inet_diag_req_v2 up to its id: family, protocol, …, states
OWN_PORT = struct.Struct("!H46x")  # inet_diag_sockid: any other end, interface and cookie
#: Where an inet_diag_msg has the state, and the own port.
TOLD = struct.Struct("!xBxxH")


def states(port: int) -> set[int] | None:
    """Return the states in which sockets with this own port are, or None: the system does not tell.

    Only those in which somebody listens or has a client: LISTENS, CONNECTED.

    Example:
        >>> with socket.create_server(("127.0.0.1", 0)) as listener:
        ...     states(listener.getsockname()[1]) in ({LISTENS}, None)
        True
    """
    try:
        return {
            state
            for family in (socket.AF_INET, socket.AF_INET6)
            for state, own in _dump(family, port)
            if own == port
        }
    except (AttributeError, OSError, struct.error):  # no Linux, or no such question
        return _in_tables(port)


def _dump(family: int, port: int) -> Iterator[tuple[int, int]]:
    """Ask Linux for the sockets of a port; give state and own port of each. Raises OSError."""
    asked = ASKED.pack(family, socket.IPPROTO_TCP, 0, 0, WANTED) + OWN_PORT.pack(port)
    flags = NLM_F_REQUEST | NLM_F_DUMP
    head = HEADER.pack(HEADER.size + len(asked), SOCK_DIAG_BY_FAMILY, flags, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as kernel:
        kernel.send(head + asked)
        while True:
            answer, at = kernel.recv(BUFFER, socket.MSG_DONTWAIT), 0
            while at < len(answer):
                length, kind, *_ = HEADER.unpack_from(answer, at)
                if kind == NLMSG_DONE:
                    return
                if kind != SOCK_DIAG_BY_FAMILY:
                    raise OSError("the system does not know this question")
                yield TOLD.unpack_from(answer, at + HEADER.size)
                at += (length + 3) & ~3


def _in_tables(port: int) -> set[int] | None:
    """Look it up in the kernel's tables (proc_net_tcp(5))."""
    text = ""
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            text += Path(f"/proc/net/{table}").read_text("ascii")
    found = re.findall(rf":{port:04X} [0-9A-F]+:[0-9A-F]{{4}} ([0-9A-F]{{2}}) ", text)
    return {int(each, 16) for each in found} & {LISTENS, *CONNECTED} if text else None

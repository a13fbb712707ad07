"""Whose program is at the other end of a connection on loopback, where Linux tells.

Here: the question to the kernel, and whether the answer is somebody else. Not here: what is done
with a stranger (sockets.py, backend.py).

Every user of a machine reaches its loopback address. Linux knows who opened a socket and tells
anybody (sock_diag(7)): one question for one connection, where `/proc/net/tcp` is the list of all.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import struct

__all__ = ["is_loopback", "stranger"]

#: From linux/netlink.h, linux/sock_diag.h and linux/inet_diag.h.
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST = 4, 20, 1
HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
ASKED = struct.Struct("=BBBBI")  # inet_diag_req_v2 up to its id: family, protocol, …, states
ENDS = struct.Struct("!HH16s16s")  # inet_diag_sockid: ports and addresses of both ends
ANY = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)  # … and interface and cookie: any
#: Where the answer, an inet_diag_msg, has the user's number.
UID = struct.Struct("=I")
UID_AT = HEADER.size + 4 + ENDS.size + len(ANY) + 3 * 4


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
        owner = _owner(connection)
    except (AttributeError, OSError, struct.error):  # no Linux, no such question, no such socket
        return None
    return None if owner in (0, own) else owner


def _owner(connection: socket.socket) -> int:
    """Ask Linux who opened the other end. Raises OSError, struct.error: it does not tell."""
    family, (there, here) = connection.family, (connection.getpeername(), connection.getsockname())
    ends = ENDS.pack(
        there[1], here[1], *(socket.inet_pton(family, each[0]) for each in (there, here))
    )
    asked = ASKED.pack(family, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF) + ends + ANY
    head = HEADER.pack(HEADER.size + len(asked), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as kernel:
        kernel.send(head + asked)
        answer = kernel.recv(4096, socket.MSG_DONTWAIT)  # it is there when send returns
    if HEADER.unpack_from(answer)[1] != SOCK_DIAG_BY_FAMILY:
        raise OSError("the system has no such socket")
    owner: int = UID.unpack_from(answer, UID_AT)[0]
    return owner

"""Whose program is at the other end of a connection on loopback, where Linux tells.

Here: whether the owner of a socket is somebody else. Not here: the question to Linux
(sock_diag.py), and what is done with a stranger (sockets.py, backend.py).

Every user of a machine reaches its loopback address. Linux knows who opened a socket and tells
anybody (sock_diag.py).
"""

from __future__ import annotations

import ipaddress
import os
import socket

from mtls_lab.net import sock_diag

__all__ = ["is_loopback", "stranger"]


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
        owner = sock_diag.between(connection.family, there[:2], here[:2]).owner
    except (AttributeError, OSError):  # no Linux, no such question, no such socket
        return None
    return None if owner in (0, own) else owner

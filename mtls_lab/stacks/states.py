"""Whether anybody listens on a port of this machine, and whether a server still has a client.

Here: what is asked. Not here: the question to Linux (net/sock_diag.py), and what is waited for
(running.py).

It is asked fifty times a second: by sock_diag(7), or by `/proc/net/tcp` in a sandbox that knows no
other way.
"""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from pathlib import Path

from mtls_lab.net import sock_diag

__all__ = ["CONNECTED", "LISTENS", "states"]

#: Numbers from linux/net/tcp_states.h. A server has a client while the connection is established,
#: about to be, or closed by the client alone.
LISTENS, CONNECTED = 10, frozenset({1, 3, 8})
WANTED = CONNECTED | {LISTENS}


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
            each.state
            for family in (socket.AF_INET, socket.AF_INET6)
            for each in sock_diag.at_port(family, port, WANTED)
        }
    except (AttributeError, OSError):  # no Linux, or no such question
        return _in_tables(port)


def _in_tables(port: int) -> set[int] | None:
    """Look it up in the kernel's tables (proc_net_tcp(5))."""
    text = ""
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            text += Path(f"/proc/net/{table}").read_text("ascii")
    found = re.findall(rf":{port:04X} [0-9A-F]+:[0-9A-F]{{4}} ([0-9A-F]{{2}}) ", text)
    return {int(each, 16) for each in found} & WANTED if text else None

"""Backends that go on after the cell of a notebook that started them.

Here: starting one, which of two replaces the other when a cell is run again, and ending all. Not
here: what a backend does (backend.py).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mtls_lab.net.backend import (
    HANDSHAKE_TIMEOUT,
    IDLE_TIMEOUT,
    Answer,
    Backend,
    Context,
    Observer,
)
from mtls_lab.net.sockets import MAX_CONNECTIONS
from mtls_lab.net.tls import PeerCertificate
from mtls_lab.wire import SECRET

__all__ = ["running", "serve", "stop_all"]

#: Each with the cell that started it, and the run of that cell.
_running: dict[Backend, _Started] = {}
_registry = threading.Lock()


class _Kept(Backend):
    def stop(self) -> None:
        super().stop()
        with _registry:
            _running.pop(self, None)


@dataclass(frozen=True, slots=True)
class _Started:
    """Under which name a backend was started, and in a notebook by which run of which cell."""

    name: str
    cell: str
    run: str

    @classmethod
    def now(cls, name: str) -> _Started:
        """Ask IPython, if it runs: each request to run a cell has a number and the cell's own."""
        ipython = sys.modules.get("IPython")
        parent = getattr(ipython and ipython.get_ipython(), "get_parent", dict)
        request: dict[str, Any] = parent()
        # Not every program that shows notebooks numbers its cells: then it is the text.
        cell = request.get("metadata", {}).get("cellId") or request.get("content", {}).get("code")
        return cls(name, cell or "", request.get("header", {}).get("msg_id", ""))

    def replaces(self, earlier: _Started) -> bool:
        """Whether the earlier one has to end: it has this name, or is of an earlier run."""
        if self.name or earlier.name:
            return self.name == earlier.name
        return bool(self.cell) and self.cell == earlier.cell and self.run != earlier.run


def serve(
    context: Context = None,
    *,
    authorize: Callable[[PeerCertificate], object] | None = None,
    answer: Answer | None = None,
    name: str = "",
    secret: str = SECRET,
    host: str = "127.0.0.1",
    port: int = 0,
    handshake_timeout: float = HANDSHAKE_TIMEOUT,
    idle_timeout: float = IDLE_TIMEOUT,
    max_connections: int = MAX_CONNECTIONS,
    everybody: bool = False,
    observe: Observer | None = None,
) -> Backend:
    """Start a backend and return it, ready for connections.

    A cell can be run again: what it started without a name in an earlier run is stopped first,
    and what other cells started goes on, unless it has the same port. With a name, whatever runs
    under this name is stopped.

    Args:
        context: a finished server context; None for plain TCP. Or a function that returns the
            one for a new connection: those that are open go on with theirs.
        authorize: asked once for each connection with the peer's certificate, as
            `getpeercert()` gives it; what is false, or an exception, refuses the client with
            one ERROR line.
        answer: asked for each command, with the peer's certificate as
            `getpeercert(binary_form=True)` gives it; returns the line that answers it. Default:
            the lab's own commands.
        name: what the backend is known by in this process; without one, "backend".
        secret: what GET_SECRET answers.
        host, port: where to listen; port 0 takes a free one.
        handshake_timeout, idle_timeout: seconds for the whole handshake, and for each command.
        max_connections: at a time; whoever comes then waits until one of them has ended.
        everybody: whether other users of this machine are served on loopback. Where Linux tells
            whose a connection is, they are not, and `connections` names them.
        observe: told of a connection when it is open, at each command, and when it has ended.

    Raises:
        NetworkProblem: the address cannot be listened on.
        LabError: the context is not one, or what is to be asked is not a function.

    Example:
        >>> import socket
        >>> with serve(name="example") as backend:
        ...     with socket.create_connection(backend.address) as device:
        ...         device.sendall(b"GET_SECRET\\n")
        ...         device.recv(1024)
        b'open sesame\\n'
    """
    started = _Started.now(name)
    with _registry:
        old = [
            each
            for each, earlier in _running.items()
            if started.replaces(earlier)
            or (port and each.address[1] == port and not (name or earlier.name))
        ]
    for each in old:
        each.stop()
    backend = _Kept(
        context,
        authorize=authorize,
        answer=answer,
        name=name or "backend",
        secret=secret,
        host=host,
        port=port,
        handshake_timeout=handshake_timeout,
        idle_timeout=idle_timeout,
        max_connections=max_connections,
        everybody=everybody,
        observe=observe,
    )
    with _registry:
        _running[backend] = started
    return backend


def running() -> list[Backend]:
    """Return the backends that run in this process, oldest first."""
    with _registry:
        return list(_running)


def stop_all() -> None:
    """Stop every backend of this process."""
    for backend in running():
        backend.stop()

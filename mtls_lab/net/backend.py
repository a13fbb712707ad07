"""The backend: real servers in background threads, with the outcome of every connection.

Here: plain TCP, TLS and mutual TLS through one path, which takes a finished SSLContext or
None; nothing here configures TLS. Not here: commands (wire/protocol.py), the device (device.py).
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from mtls_lab.net.mailbox import Mailbox
from mtls_lab.net.sockets import MAX_CONNECTIONS, Acceptor, Address, hang_up
from mtls_lab.net.started import Started
from mtls_lab.net.tls import PeerCertificate, messages_of, receive, subject_of, wrap
from mtls_lab.wire import SECRET, Failure, LineBuffer, ProtocolError, Service, Side, Stage

__all__ = ["Backend", "Observer", "running", "serve", "stop_all"]

#: A handshake on loopback takes milliseconds; a peer that needs longer is silent or broken.
HANDSHAKE_TIMEOUT = 5.0
#: A person may type commands by hand, so a connection may be quiet for a while.
IDLE_TIMEOUT = 60.0
#: Outcomes that `Backend.connections` remembers.
REMEMBERED = 256

#: Called in a connection's thread: "open", "command" or "ended", who, and the outcome so far.
Observer = Callable[[str, Address, Side], object]

#: Each with the cell that started it, and the run of that cell.
_running: dict[Backend, Started] = {}
_registry = threading.Lock()


class Backend:
    """A server that runs until `stop`; `serve` makes one and keeps it.

    The arguments are those of `serve`.

    Attributes:
        address: `(host, port)` as it listens.
        connections: the outcomes of the latest connections, oldest first.
        service: what answers the commands.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None = None,
        *,
        authorize: Callable[[PeerCertificate], object] | None = None,
        name: str = "backend",
        secret: str = SECRET,
        host: str = "127.0.0.1",
        port: int = 0,
        handshake_timeout: float = HANDSHAKE_TIMEOUT,
        idle_timeout: float = IDLE_TIMEOUT,
        max_connections: int = MAX_CONNECTIONS,
        observe: Observer | None = None,
    ) -> None:
        self.name, self.service = name, Service(secret)
        self.connections: deque[Side] = deque(maxlen=REMEMBERED)
        self._context, self._authorize = context, authorize
        self._handshake_timeout, self._idle_timeout = handshake_timeout, idle_timeout
        self._observe = observe or (lambda _what, _peer, _side: None)
        self._outcomes: Mailbox[Address, Side] = Mailbox()
        self._acceptor = Acceptor(self._handle, host, port, name, most=max_connections, adopts=True)
        self.address = self._acceptor.address

    #: A backend of this process; see upstream.py.
    elsewhere = False

    def wait_for(self, peer: Address, timeout: float = 5.0) -> Side:
        """Return how the connection from `peer`, the client's own address, ended.

        Each outcome is handed out once. Raises TimeoutError if there is none in time.
        """
        return self._outcomes.take(peer, timeout)

    def stop(self) -> None:
        """End every connection and free the port; no thread is left. Twice does no harm."""
        self._acceptor.stop()
        with _registry:
            _running.pop(self, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        kind = "TCP" if self._context is None else "TLS"
        return f"<Backend {self.name!r}, {kind}, {len(self.connections)} connections>"

    def _handle(self, raw: socket.socket, peer: Address) -> None:
        conversation = _Conversation(raw, self.name)
        try:
            self._converse(conversation, peer)
        except Exception as error:  # noqa: BLE001 - what a peer provokes ends its connection only
            conversation.failure = Failure.of(error, conversation.stage)
        side = conversation.side()
        self.connections.append(side)
        self._outcomes.put(peer, side)
        self._observe("ended", peer, side)
        hang_up(conversation.connection)

    def _converse(self, talk: _Conversation, peer: Address) -> None:
        if self._context is not None:
            talk.stage = Stage.HANDSHAKE
            talk.connection.settimeout(self._handshake_timeout)
            # The handshake is a step of its own: a failed wrap_socket would close the socket
            # at once, and the client might never read the alert.
            talk.connection = tls = wrap(self._context, talk.connection, server_side=True)
            self._acceptor.adopt(tls)
            tls.do_handshake()
            talk.version, talk.peer = tls.version(), subject_of(tls.getpeercert())
            talk.asked = tls.context.verify_mode is not ssl.CERT_NONE
            talk.reused = bool(tls.session_reused)
            talk.stage = Stage.APPLICATION
        self._observe("open", peer, talk.side())
        if self._authorize is not None:
            talk.stage = Stage.APPLICATION
            try:
                with self._acceptor.outside():
                    allowed = self._authorize(talk.certificate())
            except Exception:
                talk.send("ERROR not authorized")
                raise
            if not allowed:
                talk.failure = Failure(
                    "PermissionError",
                    "NOT_AUTHORIZED",
                    text=f"{talk.peer or 'who shows no name'} may not speak here",
                )
                talk.send("ERROR not authorized")
                return
        lines = LineBuffer()
        while True:
            deadline, answered = time.monotonic() + self._idle_timeout, False
            while not answered:
                talk.connection.settimeout(max(deadline - time.monotonic(), 0.001))
                data = receive(talk.connection)
                if not data:
                    return
                talk.stage = Stage.APPLICATION
                try:
                    for command in lines.feed(data):
                        talk.received.append(command)
                        self._observe("command", peer, talk.side())
                        talk.send(self.service.answer(command))
                        answered = True
                except ProtocolError as error:
                    talk.send(f"ERROR {error}")
                    raise


@dataclass
class _Conversation:
    """What is known so far of a connection that is still open."""

    connection: socket.socket
    who: str
    stage: Stage = Stage.CONNECT
    failure: Failure | None = None
    version: str | None = None
    peer: str | None = None
    asked: bool = False
    reused: bool = False
    # Bounded: a client may send commands for as long as it likes.
    received: deque[str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def certificate(self) -> PeerCertificate:
        tls = self.connection
        return tls.getpeercert() if isinstance(tls, ssl.SSLSocket) else None

    def send(self, line: str) -> None:
        self.connection.sendall(line.encode("utf-8") + b"\n")

    def side(self) -> Side:
        return Side(
            self.who,
            self.stage,
            self.failure,
            self.version,
            self.peer,
            tuple(self.received),
            messages_of(self.connection),
            asked=self.asked,
            reused=self.reused,
        )


def serve(
    context: ssl.SSLContext | None = None,
    *,
    authorize: Callable[[PeerCertificate], object] | None = None,
    name: str = "",
    secret: str = SECRET,
    host: str = "127.0.0.1",
    port: int = 0,
    handshake_timeout: float = HANDSHAKE_TIMEOUT,
    idle_timeout: float = IDLE_TIMEOUT,
    max_connections: int = MAX_CONNECTIONS,
    observe: Observer | None = None,
) -> Backend:
    """Start a backend and return it, ready for connections.

    A cell can be run again: what it started without a name in an earlier run is stopped first,
    and what other cells started goes on, unless it has the same port. With a name, whatever runs
    under this name is stopped.

    Args:
        context: a finished server context; None for plain TCP.
        authorize: asked once for each connection with the peer's certificate, as
            `getpeercert()` gives it; what is false, or an exception, refuses the client with
            one ERROR line.
        name: what the backend is known by in this process; without one, "backend".
        secret: what GET_SECRET answers.
        host, port: where to listen; port 0 takes a free one.
        handshake_timeout, idle_timeout: seconds for the whole handshake, and for each command.
        max_connections: at a time; whoever comes then waits until one of them has ended.
        observe: told of a connection when it is open, at each command, and when it has ended.

    Raises:
        NetworkProblem: the address cannot be listened on.

    Example:
        >>> with serve(name="example") as backend:
        ...     with socket.create_connection(backend.address) as device:
        ...         device.sendall(b"GET_SECRET\\n")
        ...         device.recv(1024)
        b'open sesame\\n'
    """
    started = Started.now(name)
    with _registry:
        old = [
            each
            for each, earlier in _running.items()
            if started.replaces(earlier)
            or (port and each.address[1] == port and not (name or earlier.name))
        ]
    for each in old:
        each.stop()
    backend = Backend(
        context,
        authorize=authorize,
        name=name or "backend",
        secret=secret,
        host=host,
        port=port,
        handshake_timeout=handshake_timeout,
        idle_timeout=idle_timeout,
        max_connections=max_connections,
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

"""The backend: real servers in background threads, with the outcome of every connection.

Here: plain TCP, TLS and mutual TLS through one path, which takes a finished SSLContext or
None; nothing here configures TLS. Not here: commands (wire/protocol.py), the device (device.py),
and backends that outlive the cell that started them (serving.py).
"""

from __future__ import annotations

import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from mtls_lab.common import LabError, expect_function, expect_number, expect_text, kind_of
from mtls_lab.net.clock import LEAST, LONGEST
from mtls_lab.net.sockets import MAX_CONNECTIONS, Acceptor, Address, Mailbox
from mtls_lab.net.tls import (
    LINGER,
    PeerCertificate,
    expect_context,
    hang_up,
    messages_of,
    peer_of,
    receive,
    wrap,
)
from mtls_lab.wire import SECRET, Failure, LineBuffer, ProtocolError, Service, Side, Stage

__all__ = [
    "HANDSHAKE_TIMEOUT",
    "IDLE_TIMEOUT",
    "Answer",
    "Backend",
    "Context",
    "Observer",
]

#: A handshake on loopback takes milliseconds; where a TPM signs, a second, and on a busy machine
#: some of them wait for one another. A peer that needs longer is silent or broken.
HANDSHAKE_TIMEOUT = 15.0
#: A person may type commands by hand, so a connection may be quiet for a while.
IDLE_TIMEOUT = 60.0
#: Outcomes that `Backend.connections` remembers, and commands of one connection: the latest.
REMEMBERED = 256

#: Called in a connection's thread: "open", "command" or "ended", who, and the outcome so far.
Observer = Callable[[str, Address, Side], object]
#: A finished context, or what returns one for each new connection.
Context = ssl.SSLContext | Callable[[], ssl.SSLContext | None] | None
#: What answers a command of the peer with this certificate, in DER; None if it has shown none.
Answer = Callable[[str, bytes | None], str]


@dataclass
class Conversation:
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
    replies: bytearray = field(default_factory=bytearray)

    def say(self, line: str) -> None:
        """Have one line ready for `flush`: commands that came together are answered together."""
        self.replies += line.encode("utf-8") + b"\n"

    def flush(self) -> None:
        """Send what is ready."""
        if self.replies:
            self.connection.sendall(self.replies)
            self.replies.clear()

    def side(self) -> Side:
        """Return it as it is now."""
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
        context: Context = None,
        *,
        authorize: Callable[[PeerCertificate], object] | None = None,
        answer: Answer | None = None,
        name: str = "backend",
        secret: str = SECRET,
        host: str = "127.0.0.1",
        port: int = 0,
        handshake_timeout: float = HANDSHAKE_TIMEOUT,
        idle_timeout: float = IDLE_TIMEOUT,
        max_connections: int = MAX_CONNECTIONS,
        everybody: bool = False,
        observe: Observer | None = None,
    ) -> None:
        expect_context(context, "serve")
        expect_function(authorize, "authorize")
        expect_function(answer, "answer")
        for what, text in (("name", name), ("secret", secret), ("host", host)):
            expect_text(text, what)
        if "\n" in secret:
            raise LabError("a secret of several lines", "one line", "take the line ends out of it")
        expect_number(max_connections, "max_connections", 1)
        expect_number(handshake_timeout, "handshake_timeout", most=LONGEST)
        expect_number(idle_timeout, "idle_timeout", most=LONGEST)
        self.name, self.service = name, Service(secret)
        self.connections: deque[Side] = deque(maxlen=REMEMBERED)
        self._context, self._authorize = context, authorize
        self._answer = answer
        self._handshake_timeout = max(handshake_timeout, LEAST)
        self._idle_timeout = max(idle_timeout, LEAST)
        self._observe = observe
        self._outcomes: Mailbox[Address, Side] = Mailbox()
        self._acceptor = Acceptor(
            self._handle,
            *(host, port, name),
            most=max_connections,
            adopts=True,
            refuse=None if everybody else self._refuse,
        )
        self.address = self._acceptor.address

    #: A backend of this process; see `Upstream` (device.py).
    elsewhere = False

    def wait_for(self, peer: Address, timeout: float = 5.0) -> Side:
        """Return how the connection from `peer`, the client's own address, ended.

        Each outcome is handed out once. Raises TimeoutError if there is none in time.
        """
        return self._outcomes.take(peer, timeout)

    def stop(self) -> None:
        """End every connection and free the port; no thread is left. Twice does no harm."""
        self._acceptor.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        kind = "TCP" if self._context is None else "TLS"
        return f"<Backend {self.name!r}, {kind}, {len(self.connections)} connections>"

    def _refuse(self, _peer: Address, who: int) -> None:
        failure = Failure("PermissionError", text=f"another user of this machine, uid {who}")
        self.connections.append(Side(self.name, Stage.CONNECT, failure))

    def _handle(self, raw: socket.socket, peer: Address) -> None:
        conversation, wait = Conversation(raw, self.name), LINGER
        try:
            if self._converse(conversation, peer):
                wait = 0.0  # the other side has ended its direction: there is no more to read
        except BaseException as error:  # noqa: BLE001 - what a peer provokes ends its connection only
            conversation.failure = Failure.of(error, conversation.stage)
        side = conversation.side()
        self.connections.append(side)
        self._outcomes.put(peer, side)
        try:
            self._tell("ended", peer, conversation)
        finally:
            hang_up(conversation.connection, wait=wait)

    def _tell(self, what: str, peer: Address, talk: Conversation) -> None:
        if self._observe:
            with self._acceptor.outside():
                self._observe(what, peer, talk.side())

    def _shake_hands(self, talk: Conversation) -> None:
        context = self._context
        if callable(context):
            with self._acceptor.outside():
                context = context()
        if context is None:
            return
        talk.stage = Stage.HANDSHAKE
        talk.connection.settimeout(self._handshake_timeout)
        # The handshake is a step of its own: a failed wrap_socket would close the socket
        # at once, and the client might never read the alert.
        talk.connection = tls = wrap(context, talk.connection, server_side=True)
        self._acceptor.adopt(tls)
        tls.do_handshake()
        talk.version, talk.peer = tls.version(), peer_of(tls)
        talk.asked = tls.context.verify_mode is not ssl.CERT_NONE
        talk.reused = bool(tls.session_reused)
        talk.stage = Stage.APPLICATION

    def _converse(self, talk: Conversation, peer: Address) -> bool:
        """Talk until the end; return whether it was the other side that ended it, in order."""
        self._shake_hands(talk)
        self._tell("open", peer, talk)
        if not self._is_allowed(talk):
            return False
        lines = LineBuffer(long=self._answer is not None)
        while True:
            deadline, answered = time.monotonic() + self._idle_timeout, False
            left = self._idle_timeout
            while not answered:
                if left != talk.connection.gettimeout():
                    talk.connection.settimeout(left)
                data = receive(talk.connection)
                if not data:
                    return True
                left = max(deadline - time.monotonic(), 0.001)
                talk.stage = Stage.APPLICATION
                try:
                    for command in lines.feed(data):
                        talk.received.append(command)
                        self._tell("command", peer, talk)
                        talk.say(self._reply(command, talk))
                        answered = True
                        if self._answer:  # which may take its time for the next one
                            talk.flush()
                except ProtocolError as error:
                    talk.say(f"ERROR {error}")
                    raise
                finally:
                    talk.flush()

    def _is_allowed(self, talk: Conversation) -> bool:
        if self._authorize is None:
            return True
        talk.stage = Stage.APPLICATION
        tls, allowed = talk.connection, False
        shown = tls.getpeercert() if isinstance(tls, ssl.SSLSocket) else None
        try:
            with self._acceptor.outside():
                allowed = bool(self._authorize(shown))
        finally:  # also after exit(), which a thread would not say
            if not allowed:
                talk.say("ERROR not authorized")
                talk.flush()
        if not allowed:
            talk.failure = Failure(
                "PermissionError",
                "NOT_AUTHORIZED",
                text=f"{talk.peer or 'who shows no name'} may not speak here",
            )
        return allowed

    def _reply(self, command: str, talk: Conversation) -> str:
        if self._answer is None:
            return self.service.answer(command)
        tls = talk.connection
        shown = tls.getpeercert(binary_form=True) if isinstance(tls, ssl.SSLSocket) else None
        try:
            with self._acceptor.outside():
                line: object = self._answer(command, shown)
            if not isinstance(line, str) or "\n" in line:
                what = "several lines" if isinstance(line, str) else kind_of(line)
                raise TypeError(f"answer returned {what}, and not one line of text")
        except BaseException:
            talk.say("ERROR the backend could not answer")
            raise
        return line

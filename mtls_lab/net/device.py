"""The device: one command to the backend, and what both sides saw of it.

Here: `ask`, and whom it can ask. Not here: the backend (backend.py), and how a context is
configured, which is the learner's work.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Never, Protocol

from mtls_lab.common import LabError, expect_number, expect_text, kind_of
from mtls_lab.net.clock import LONGEST, Clock, addresses
from mtls_lab.net.recording import RecordedSocket
from mtls_lab.net.sockets import Address
from mtls_lab.net.tls import expect_context, hang_up, messages_of, peer_of
from mtls_lab.wire import Exchange, Failure, LineBuffer, Session, Side, Stage

__all__ = ["GRACE", "Upstream", "ask", "expect_upstream"]

#: What is said of a backend that was reached and whose side nobody here can see.
NOT_HERE = "is not in this process: see its own log"
#: What a device waits for in all. An exchange on loopback takes milliseconds.
TIMEOUT = 5.0
#: Seconds in which a backend that only waits notices that a device has given up. One that is busy
#: with something else is not waited for.
GRACE = 0.5


class Upstream(Protocol):
    """What a device can be sent to: a Backend, or a Relay."""

    @property
    def address(self) -> Address:
        """Where it listens."""

    @property
    def elsewhere(self) -> bool:
        """Whether the backend runs in another process, so that its side is not known here."""

    def wait_for(self, peer: Address, timeout: float = ...) -> Side | None:
        """Return how the connection from `peer` ended on the backend's side."""


def ask(
    command: str,
    to: Upstream | Address,
    *more: Never,
    context: ssl.SSLContext | Callable[[], ssl.SSLContext | None] | None = None,
    server_hostname: str | None = "localhost",
    session: Session | None = None,
    timeout: float = TIMEOUT,
    name: str = "",
) -> Exchange:
    """Send one command and return what the device and the backend saw.

    What goes wrong on the way is no exception here: it is the result, as a failure with its
    stage on each side.

    Args:
        command: one line, such as "GET_SECRET".
        to: a Backend or a Relay of this process; or an address, then the backend's side is
            not known.
        more: nothing; what follows has its name in front of it.
        context: a finished client context; None for plain TCP. Or a function that makes one:
            what fails in it is the device's failure at the stage `setup`.
        server_hostname: the name that the device wants to talk to (RFC 6066, section 3).
        session: an earlier exchange's `session`, to resume it, with the same context or another
            one. If the backend does not resume it, the device presents what `context` loaded,
            and checks the backend as the session's own context says.
        timeout: seconds for everything from the look-up of the host to the last word; a function
            that makes the context takes its own time before that. When they are over, the backend
            has half a second to notice, so that its side is known as well.
        name: what the output calls this device, such as "thief".

    Raises:
        ValueError: the command is more than one line, or there is a session and no context.
        LabError: an argument is of another kind, or has no name in front of it.

    Example:
        >>> from mtls_lab import serve
        >>> with serve() as backend:
        ...     print(ask("GET_SECRET", backend))
        device   connect ✓  received ✓ open sesame
        backend  connect ✓  received ✓ GET_SECRET
    """
    _expect_call(command, more, to, context, timeout)
    if "\n" in command:
        raise ValueError(f"one command is one line, and this is more: {command!r}")
    if session is not None and context is None:
        raise ValueError("a session is presented over TLS, and there is no context")
    clock = Clock(timeout)
    stage, failure, version, peer, own = Stage.SETUP, None, None, None, None
    reused, tls = False, None
    received: list[str] = []
    connection: RecordedSocket | None = None
    try:
        if callable(context):
            context = context()
            clock = Clock(timeout)  # somebody may have typed a password meanwhile
        address = to if isinstance(to, tuple) else to.address
        connection = RecordedSocket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        if context is not None:
            # Before it connects: what is wrong with the arguments shows here.
            connection.wrap(context, server_hostname, session)
        stage, connection.clock = Stage.CONNECT, clock
        address = _connect(connection, address, clock, known=not isinstance(to, tuple))
        own = connection.getsockname()[:2]
        stage = Stage.APPLICATION
        if connection.tls is not None:
            stage = Stage.HANDSHAKE
            connection.do_handshake()
            version, peer = connection.tls.version(), peer_of(connection.tls)
            reused = bool(connection.tls.session_reused)
            stage = Stage.FIRST_READ
        _send(connection, command)
        lines = LineBuffer()
        while not received:
            data = connection.recv(4096)
            if not data:
                raise EOFError("the connection was closed without a reply")
            stage = Stage.APPLICATION
            received += lines.feed(data)
        tls = connection.tls
    except Exception as error:  # noqa: BLE001 - every way of failing is a result of an exchange
        failure = Failure.of(error, stage)
    clock = Clock(max(clock.left, GRACE))  # for the backend to end its side
    messages = messages_of(connection.tls if connection else None)
    recording = None
    if connection is not None:
        # After a good reply there is nothing left to wait for.
        hang_up(connection, wait=clock.left if failure else 0)
        recording = connection.recording(own, address) if own else None
    device = Side(
        *("device", stage, failure, version, peer, tuple(received), messages),
        reused=reused,
        name=name,
    )
    backend, unseen = _backend_of(to, own, clock, timeout)
    return Exchange(command, device, backend, unseen, tls=tls, recording=recording)


def expect_upstream(to: object, who: str) -> None:
    """Hold whom `who` calls to being a backend, a relay or an address. Raises LabError."""
    pair = to if isinstance(to, tuple) and len(to) == 2 else None
    if pair and isinstance(pair[0], str) and isinstance(pair[1], int):
        return
    if not isinstance(to, tuple) and hasattr(to, "address") and hasattr(to, "wait_for"):
        return
    given = f"a pair of {kind_of(pair[0])} and {kind_of(pair[1])}" if pair else kind_of(to)
    raise LabError(
        f"{who} was given {given} to call",
        "what serve or Relay returned, or an address: a pair of host and port",
        'give the backend itself, or a pair such as ("localhost", 5000)',
    )


def _expect_call(
    command: object, more: tuple[object, ...], to: object, context: object, timeout: object
) -> None:
    """Hold a call of `ask` to two arguments without a name, and to their kinds. Raises LabError."""
    expect_text(command, "the command")
    expect_number(timeout, "timeout", most=LONGEST)
    if more:
        name = "context" if isinstance(more[0], ssl.SSLContext) else "name"
        raise LabError(
            f"ask was given {2 + len(more)} arguments without a name: the third is "
            f"{kind_of(more[0])}",
            "the command and whom to ask; what follows has its name in front of it",
            f"write ask(command, backend, {name}=…)",
        )
    expect_upstream(to, "ask")
    expect_context(context, "ask")


def _connect(connection: socket.socket, address: Address, clock: Clock, *, known: bool) -> Address:
    """Connect, and return the address that the host has; that of a backend is `known`."""
    if not known:
        ((_, address), *_) = addresses(*address, clock, connection.family)
    connection.connect(address)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return address


def _send(connection: socket.socket, command: str) -> None:
    """Send a line. If the backend has hung up already, it has said why: the next read tells."""
    with suppress(OSError):
        connection.sendall(command.encode("utf-8") + b"\n")


def _backend_of(
    to: Upstream | Address, own: Address | None, clock: Clock, timeout: float
) -> tuple[Side | None, str]:
    """Return what the backend saw of the connection from `own`, and what is said if nothing."""
    if own is None:
        return None, Exchange.unseen
    if isinstance(to, tuple) or to.elsewhere:
        return None, NOT_HERE
    try:
        return to.wait_for(own, clock.left), Exchange.unseen
    except TimeoutError:
        return None, f"had not finished after {timeout:g} s"

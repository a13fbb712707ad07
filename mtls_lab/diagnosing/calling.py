"""One connection to a server that is not ours: as far as it goes, and how it ended.

Here: TCP, the way into TLS, the handshake, and what comes at the first read; within one deadline,
and bounded in bytes. Not here: what an attempt is (attempts.py), which connections are made
(probing.py), and what they prove (judging.py).
"""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass

from mtls_lab.diagnosing.attempts import Attempt
from mtls_lab.diagnosing.starttls import NoStartTls, into_tls
from mtls_lab.net.clock import Clock
from mtls_lab.net.recording import RecordedSocket
from mtls_lab.net.sockets import Address
from mtls_lab.net.tls import messages_of
from mtls_lab.wire import Direction, Failure, Session, Stage
from mtls_lab.wire.names import alert_of, reason_of

__all__ = ["Call", "attempt"]

#: Bytes that are taken from a server on one connection; a chain and a page have some thousands.
MOST = 512 * 1024
#: Of what a server sends to a person, this much is kept.
KEPT = 16 * 1024
#: How long a server may take to refuse after a handshake, at least. A slow one gets more: some
#: times as long as its handshake took.
PATIENCE, TIMES = 0.2, 6
#: How long it may take to connect, to shake hands, to answer our goodbye, and to answer a request.
CONNECT, HANDSHAKE, GOODBYE, ANSWER = 4.0, 5.0, 1.0, 5.0


#: How a connection ended after the handshake, by the reason of the failure. In TLS 1.3, mbedTLS 3
#: as a server sends its alert under the keys of the handshake, which a client then no longer uses.
GARBLED = "RECORD_LAYER_FAILURE"
ENDED_BY = {"ECONNRESET": "reset", "EPIPE": "reset", GARBLED: "garbled"}


class TooMuch(OSError):
    """A server sends without end."""


@dataclass(frozen=True, slots=True)
class Call:
    """How to call: everything but the context, which differs from attempt to attempt.

    Attributes:
        address: a resolved address.
        clock: the deadline.
        starttls: the protocol in which TLS begins later; `""` if it begins at once.
    """

    address: Address
    clock: Clock
    starttls: str


class _Connection(RecordedSocket):
    """A client's socket that does not take in everything, and writes down no secrets."""

    taken = 0

    @property
    def wrapped(self) -> ssl.SSLObject:
        """The TLS of it, once there is."""
        if self.tls is None:
            raise ValueError("there is no TLS on this connection yet")
        return self.tls

    @property
    def heard(self) -> bytes:
        """What came, as it came, and not more than is kept."""
        came = (each.data for each in self._passed if each.direction is Direction.TO_DEVICE)
        return b"".join(came)[:KEPT]

    def do_handshake(self) -> None:
        """Shake hands."""
        self._carry(self.wrapped.do_handshake)

    def _receive(self, size: int) -> bytes:
        data = super()._receive(size)
        self.taken += len(data)
        if self.taken > MOST:
            raise TooMuch(f"more than {MOST // 1024} KiB, and no end")
        return data


def attempt(
    call: Call,
    context: ssl.SSLContext,
    server_hostname: str | None,
    *,
    session: Session | None = None,
    wait: bool = True,
    request: bytes = b"",
) -> Attempt:
    """Connect and go as far as it goes.

    Args:
        call: where to, and within which time.
        context: a watched context.
        server_hostname: the name for SNI and for the check of the certificate; None for neither.
        session: a session to resume.
        wait: whether to wait after the handshake for what the server has to say.
        request: what to send after that; by default nothing but a goodbye.
    """
    stage, failure, end, heard = Stage.CONNECT, None, "", b""
    version = cipher = ""
    resumed, kept = False, None
    family = socket.AF_INET6 if ":" in call.address[0] else socket.AF_INET
    with _Connection(family) as connection:
        try:
            connection.clock = call.clock.within(CONNECT)
            connection.connect(call.address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stage = Stage.SETUP
            into_tls(connection, call.starttls, call.clock.at_most)
            stage = Stage.HANDSHAKE
            connection.wrap(context, server_hostname, session)
            connection.clock = call.clock.within(HANDSHAKE)
            began = time.monotonic()
            connection.do_handshake()
            took = time.monotonic() - began
            tls = connection.wrapped
            version, resumed = tls.version() or "", bool(tls.session_reused)
            cipher = (tls.cipher() or ("",))[0]
            if wait or request:
                stage = Stage.FIRST_READ
                patience = call.clock.at_most(max(PATIENCE, TIMES * took))
                heard, end = _listen(connection, call.clock, patience, request)
            kept = Session.of(tls)
        except NoStartTls as error:
            failure, heard = Failure.of(error, stage), error.heard
        except (OSError, ValueError) as error:
            failure = Failure.of(error, stage)
        messages = messages_of(connection.tls)
        if stage is Stage.HANDSHAKE and not version:
            heard = connection.heard
        if stage is Stage.FIRST_READ and failure:
            end = ENDED_BY.get(failure.reason, "")
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    return Attempt(stage, failure, version, cipher, messages, heard, end, resumed, kept)


def _listen(
    connection: _Connection, clock: Clock, patience: float, request: bytes
) -> tuple[bytes, str]:
    """Return what the server says after a handshake, and how it ended.

    A server that accepts us waits for a request. So does one of TLS 1.3 that has not looked at our
    certificate yet: then the goodbye of TLS is enough to be told.
    """
    connection.clock = Clock(patience)
    try:
        data = connection.recv(KEPT)
    except TimeoutError:
        return _ask(connection, clock, request) if request else _goodbye(connection, clock)
    except ssl.SSLError as error:
        if not _is_cut(error):
            raise
        return b"", "closed"
    return data, "said" if data else "closed"


def _is_cut(error: OSError) -> bool:
    """Whether the connection ended without a goodbye; before Python 3.11.4 it has no class."""
    if isinstance(error, ssl.SSLEOFError):
        return True
    return isinstance(error, ssl.SSLError) and reason_of(error) == "UNEXPECTED_EOF_WHILE_READING"


def _goodbye(connection: _Connection, clock: Clock) -> tuple[bytes, str]:
    """Say that we are done, and return what comes then: an alert is raised, an end is no news."""
    data = b""
    connection.clock = clock.within(GOODBYE)
    try:
        with suppress(ssl.SSLWantReadError):
            connection.unwrap()
        data = connection.recv(KEPT)
    except OSError as error:
        reason = Failure.of(error).reason
        if alert_of(reason) or reason == GARBLED:
            raise
    return data, "said" if data else "quiet"


def _ask(connection: _Connection, clock: Clock, request: bytes) -> tuple[bytes, str]:
    with suppress(OSError):  # it has hung up: the read tells why
        connection.clock = clock.within(ANSWER)
        connection.sendall(request)
    data = b""
    while len(data) < KEPT:
        # The first part of an answer may take long, the others come at once.
        connection.clock = clock.within(PATIENCE if data else ANSWER)
        try:
            part = connection.recv(KEPT)
        except (TimeoutError, ssl.SSLError, ConnectionError) as error:
            ended = isinstance(error, (TimeoutError, ssl.SSLZeroReturnError, ConnectionError))
            if not data or not (ended or _is_cut(error)):
                raise
            break
        data += part
        if not part:
            break
    return data, "said" if data else "closed"

"""The device's end of a connection, which keeps every byte that passes.

Here: a TCP socket that writes down what it sends and receives, with TLS on top. Not here: what a
device does with it (device.py), and what a recording can tell (wire/recording.py).

`ssl.SSLSocket` lets OpenSSL read from the connection itself, past anybody who would write it down.
So TLS runs in memory here (`ssl.SSLObject`), and this carries its bytes.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from mtls_lab.net.secrets import key_log
from mtls_lab.net.tls import cuts_count, is_watched
from mtls_lab.wire import Direction, Passed, Recording, Session

__all__ = ["RecordedSocket"]

#: Bytes that are kept of one connection: an exchange of the lab has a few thousand.
MOST = 1024 * 1024

#: Bytes that are received at a time: a whole record of TLS, and more.
PIECE = 32 * 1024

T = TypeVar("T")


class RecordedSocket(socket.socket):
    """A client's socket; after `wrap`, what it sends and receives goes through TLS.

    Attributes:
        tls: the connection's TLS, or None.
    """

    def __init__(self, family: int = socket.AF_INET) -> None:
        super().__init__(family)
        self.tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._passed: list[Passed] = []
        self._kept, self._complete = 0, True
        self._secrets = b""

    def wrap(
        self, context: ssl.SSLContext, server_hostname: str | None, session: Session | None = None
    ) -> None:
        """Put TLS on top; its handshake is still to do, and is done with `context`.

        Python takes a session in the context that it was made in only. That one is put in its
        place for as long as Python looks. Raises what `ssl.SSLContext.wrap_socket` raises.
        """
        if context.check_hostname and not server_hostname:  # as ssl.SSLSocket has it
            raise ValueError("check_hostname requires server_hostname")
        first = session.context if session else context
        with cuts_count(first):
            self.tls = first.wrap_bio(
                self._incoming,
                self._outgoing,
                server_hostname=server_hostname,
                session=session.session if session else None,
            )
        if session:
            self.tls.context = context

    def do_handshake(self) -> None:
        """Shake hands; in a watched context, keep the secrets, also if it fails."""
        tls = self.tls
        if tls is None:
            raise ValueError("there is no TLS on this connection: call wrap first")
        if not is_watched(tls.context):
            self._carry(tls.do_handshake)
            return
        with key_log(tls.context) as lines:
            try:
                self._carry(tls.do_handshake)
            finally:
                self._secrets = lines()

    def sendall(self, data: bytes) -> None:  # type: ignore[override]
        """Send all of it."""
        if (tls := self.tls) is None:
            self._send(data)
        else:
            self._carry(lambda: tls.write(data))

    def recv(self, size: int) -> bytes:  # type: ignore[override]
        """Return what has arrived, b"" at the end; without close_notify, that is an error."""
        if (tls := self.tls) is None:
            return self._receive(size)
        if not (self._incoming.pending or tls.pending()):
            self._take_in()  # there is nothing to read yet
        return self._carry(lambda: tls.read(size))

    def unwrap(self) -> None:
        """Send a close_notify; it does not wait for the other one, but may have it already."""
        if self.tls is not None:
            try:
                self.tls.unwrap()
            finally:
                self._flush()

    def recording(self, device: tuple[str, int], backend: tuple[str, int]) -> Recording:
        """Return what passed so far between these two addresses."""
        # The key log holds what other threads did with this context at the same time.
        random = self._passed[0].data[11:43].hex().encode() if self._passed else b""
        own = [line for line in self._secrets.splitlines(keepends=True) if random in line]
        return Recording(device, backend, tuple(self._passed), b"".join(own), self._complete)

    def _carry(self, step: Callable[[], T]) -> T:
        """Run a step of TLS and carry its bytes until it is done, or the timeout is over."""
        timeout = self.gettimeout()
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                done = step()
            except ssl.SSLWantReadError:
                self._flush()
            except ssl.SSLError:
                with suppress(OSError):
                    self._flush()  # the alert; what went wrong is said all the same
                raise
            else:
                self._flush()
                return done
            if deadline is not None and timeout:
                self.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                self._take_in()
            finally:
                self.settimeout(timeout)

    def _take_in(self) -> None:
        if data := self._receive(PIECE):
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _flush(self) -> None:
        if data := self._outgoing.read():
            self._send(data)

    def _send(self, data: bytes) -> None:
        self._note(Direction.TO_BACKEND, data)
        super().sendall(data)

    def _receive(self, size: int) -> bytes:
        data = super().recv(size)
        if data:
            self._note(Direction.TO_DEVICE, data)
        return data

    def _note(self, direction: Direction, data: bytes) -> None:
        self._complete = self._complete and self._kept + len(data) <= MOST
        if self._complete:
            self._kept += len(data)
            self._passed.append(Passed(time.time(), direction, data))

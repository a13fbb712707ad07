"""The device's end of a connection, which keeps every byte that passes, and what opens them.

Here: a TCP socket that writes down what it sends and receives, with TLS on top; the secrets of a
handshake, as OpenSSL writes them. Not here: what a device does with it (device.py), and what a
recording can tell (wire/recording.py) or open (wire/opening/).

`ssl.SSLSocket` lets OpenSSL read from the connection itself, past anybody who would write it down.
So TLS runs in memory here (`ssl.SSLObject`), and this carries its bytes.
"""

from __future__ import annotations

import os
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

from mtls_lab.net.clock import Clock
from mtls_lab.net.sockets import Address
from mtls_lab.net.tls import cuts_count, is_watched
from mtls_lab.wire import Direction, Passed, Recording, Session

__all__ = ["RecordedSocket", "key_log"]

#: Bytes that are kept of one connection: an exchange of the lab has a few thousand.
MOST = 1024 * 1024

#: Bytes that are received at a time: a whole record of TLS, and more.
PIECE = 32 * 1024
#: Seconds for which a time-out may stand although the clock went on. A new one is a call of the
#: system, and a whole exchange on loopback takes less than this.
SLACK = 0.01

T = TypeVar("T")


class RecordedSocket(socket.socket):
    """A client's socket; after `wrap`, what it sends and receives goes through TLS.

    Attributes:
        tls: the connection's TLS, or None.
        clock: the deadline of all that is done from now on; None if each wait has the socket's
            own time-out. Setting that ends the clock.
    """

    def __init__(self, family: int = socket.AF_INET) -> None:
        super().__init__(family)
        self.tls: ssl.SSLObject | None = None
        self.clock: Clock | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._passed: list[Passed] = []
        self._left = MOST  # below 0 where not all was kept
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

    def connect(self, address: Address) -> None:  # type: ignore[override]
        """Connect to a resolved address."""
        self._limit()
        super().connect(address)

    def settimeout(self, value: float | None) -> None:
        """Give each wait a time-out of its own, in seconds; None for ever, 0 for not at all."""
        self.clock = None
        super().settimeout(value)

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
        return self._carry(
            lambda: tls.read(size), dry=not (self._incoming.pending or tls.pending())
        )

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
        return Recording(device, backend, tuple(self._passed), b"".join(own), self._left >= 0)

    def _carry(self, step: Callable[[], T], *, dry: bool = False) -> T:
        """Run a step of TLS and carry its bytes until it is done.

        Where it is `dry`, there is nothing to read yet.
        """
        while True:
            if dry:
                self._take_in()
            try:
                done = step()
            except ssl.SSLWantReadError:
                dry = True
            except ssl.SSLError:
                with suppress(OSError):
                    self._flush()  # the alert; what went wrong is said all the same
                raise
            else:
                dry = False
            self._flush()
            if not dry:
                return done

    def _limit(self) -> None:
        """Let the next wait end at the deadline, if there is one."""
        if self.clock is None:
            return
        rest = self.clock.rest
        if rest <= 0:  # a peer may send a byte now and then for ever
            raise TimeoutError("timed out")
        if not 0 <= (self.gettimeout() or -1) - rest <= SLACK:
            super().settimeout(rest)

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
        self._limit()
        super().sendall(data)

    def _receive(self, size: int) -> bytes:
        self._limit()
        data = super().recv(size)
        if data:
            self._note(Direction.TO_DEVICE, data)
        return data

    def _note(self, direction: Direction, data: bytes) -> None:
        self._left -= len(data)
        if self._left >= 0:
            self._passed.append(Passed(time.time(), direction, data))


# --- The secrets of a handshake ----------------------------------------------------------------


@dataclass(slots=True)
class _Log:
    """A file that OpenSSL writes to.

    Attributes:
        file: the same file, to read from.
        start: where what we want begins.
        users: how many handshakes wait for its lines.
        name: its name, if it is ours.
    """

    file: BinaryIO
    start: int = 0
    users: int = 1
    name: str = ""

    def read(self) -> bytes:
        with _lock:
            self.file.seek(self.start)
            return self.file.read()

    def forget(self) -> None:
        """Take its name away, so that nobody else can open it."""
        with suppress(OSError):  # Windows does not while it is open
            Path(self.name).unlink(missing_ok=True)


#: The contexts whose secrets are being written, to files of ours.
_logs: dict[ssl.SSLContext, _Log] = {}
_lock = threading.Lock()


@contextmanager
def key_log(context: ssl.SSLContext) -> Iterator[Callable[[], bytes]]:
    """Give a function that returns the key log of this context, while the block runs.

    OpenSSL writes it to a file and to nothing else. Only its owner may open that, and it loses its
    name as soon as OpenSSL has opened it (on Windows, at the end of the block). Afterwards the
    context is as it was; other threads may shake hands with it at the same time. A context that
    writes a key log already goes on doing so, and its file is read. Where no file can be written,
    there are no secrets.

    Example:
        >>> context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        >>> with key_log(context) as lines:
        ...     lines().startswith(b"# TLS secrets log file")
        True
        >>> context.keylog_filename is None
        True
    """
    log = _begin(context)
    try:
        yield log.read if log else bytes
    finally:
        if log:
            _end(context, log)


def _begin(context: ssl.SSLContext) -> _Log | None:
    with _lock, suppress(OSError):
        if log := _logs.get(context):
            log.users += 1
            return log
        if own := context.keylog_filename:  # the learner's
            file = Path(own).open("rb")  # noqa: SIM115 - closed in _end
            return _Log(file, file.seek(0, os.SEEK_END))
        descriptor, name = tempfile.mkstemp(prefix=f"mtls-lab-{os.getpid()}-")
        log = _Log(os.fdopen(descriptor, "rb"), name=name)
        try:
            context.keylog_filename = name
        except OSError:
            log.file.close()
            raise
        finally:
            log.forget()
        _logs[context] = log
        return log
    return None


def _end(context: ssl.SSLContext, log: _Log) -> None:
    with _lock:
        log.users -= 1
        if log.users:
            return
        if log.name:
            del _logs[context]
            context.keylog_filename = None  # type: ignore[assignment] # OpenSSL closes it
        log.file.close()
        if log.name:
            log.forget()

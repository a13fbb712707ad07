"""The attacker between device and backend: Eve records, Mallory changes, replays, cuts, pretends.

Here: a real relay on a socket of its own. Not here: the ways to tamper (tampering.py), and what
an attack proves (attacks/attacks.py).
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Self

from mtls_lab.common import TamperFailed, expect_function
from mtls_lab.net.clock import Clock, addresses, await_connection
from mtls_lab.net.device import Upstream, expect_upstream
from mtls_lab.net.sockets import Acceptor, Address, Mailbox
from mtls_lab.net.tampering import Chunk, Tamper
from mtls_lab.net.tls import expect_sides, hang_up, wrap
from mtls_lab.wire import Direction, Side, Splitter

__all__ = ["Relay"]

#: How long the relay waits for the backend to accept, or for a handshake of its own.
TIMEOUT = 5.0
#: Chunks that a relay remembers, and bytes: hours of a lab.
REMEMBERED, REMEMBERED_BYTES = 10_000, 16 << 20


class Relay:
    """Stand between the device and `upstream`, and write down everything that passes.

    With `server_context` the relay terminates the device's TLS itself, shows its own certificate,
    and reads along; `upstream_context`, a client context, is what it then speaks to the backend.

    Args:
        upstream: a Backend, another Relay, or an address `(host, port)`.
        tamper: what Mallory does with each chunk; see `replace`, `flip_bit` and `cut`.
        whole: whether a chunk is a whole record or line. Protocols that begin with neither, such as
            PostgreSQL's, need chunks as they come.

    Raises:
        LabError: there is nobody to pass on to, `tamper` is not a function, or a context is not
            one, or is one of the other side.

    Attributes:
        forgotten: how many chunks passed that are not in `chunks`: after 16 MiB, or 10,000 of
            them, the relay carries on and writes nothing more down.

    Example:
        >>> from mtls_lab import ask, serve
        >>> with serve(name="example") as backend, Relay(backend) as eve:
        ...     reply = ask("GET_SECRET", eve).reply
        >>> reply, eve.heard("open sesame")
        ('open sesame', True)
    """

    def __init__(
        self,
        upstream: Upstream | Address,
        *,
        tamper: Tamper | None = None,
        server_context: ssl.SSLContext | None = None,
        upstream_context: ssl.SSLContext | None = None,
        whole: bool = True,
    ) -> None:
        expect_upstream(upstream, "Relay")
        expect_function(tamper, "tamper")
        expect_sides(server_context, upstream_context, "Relay")
        self.tamper = tamper
        self._whole = whole
        self._upstream = upstream
        self._server_context, self._upstream_context = server_context, upstream_context
        self._chunks: list[Chunk] = []
        self._bytes = self.forgotten = 0
        self._failed: BaseException | None = None
        self._connections = 0
        self._lock = threading.Lock()
        self._through: Mailbox[Address, Address | None] = Mailbox()
        # Whoever is no user of this lab is not heard, and not passed on to its backend either.
        self._acceptor = Acceptor(
            self._handle, "127.0.0.1", 0, "relay", adopts=True, refuse=lambda *_: None
        )
        self.address = self._acceptor.address

    @property
    def elsewhere(self) -> bool:
        """Whether the backend behind is a bare address, so that its side is not known here."""
        return isinstance(self._upstream, tuple) or self._upstream.elsewhere

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """Everything that passed so far, in order."""
        with self._lock:
            return tuple(self._chunks)

    def stream(self, direction: Direction, connection: int | None = None) -> bytes:
        """Return one direction's bytes as they came, of one connection or of all."""
        return b"".join(
            chunk.heard
            for chunk in self.chunks
            if chunk.direction is direction and connection in (None, chunk.connection)
        )

    def heard(self, what: str | bytes) -> bool:
        """Tell whether these bytes passed by in clear, in either direction."""
        wanted = what.encode("utf-8") if isinstance(what, str) else what
        return any(wanted in self.stream(direction) for direction in Direction)

    def replay(self, connection: int = 0, timeout: float = TIMEOUT) -> bytes:
        """Send the backend again what the device sent it; return its answer, within bounds."""
        clock, answer = Clock(timeout), bytearray()
        again = socket.create_connection(self._target, clock.left)
        with again, contextlib.suppress(OSError):
            again.settimeout(clock.left)
            again.sendall(self.stream(Direction.TO_BACKEND, connection))
            again.shutdown(socket.SHUT_WR)
            while len(answer) < REMEMBERED_BYTES:
                again.settimeout(clock.left)
                data = again.recv(4096)
                if not data:
                    break
                answer += data
        return bytes(answer)

    def wait_for(self, peer: Address, timeout: float = TIMEOUT) -> Side | None:
        """Return the backend's side of the connection that the device opened from `peer`.

        None if the relay never reached the backend, or if the upstream is a bare address.
        Raises TimeoutError, after `timeout` seconds in all.
        """
        clock = Clock(timeout)
        behind = self._through.take(peer, timeout)
        if behind is None or isinstance(self._upstream, tuple):
            return None
        return self._upstream.wait_for(behind, clock.left)

    def stop(self) -> None:
        """End every connection and free the port; what was heard stays.

        Raises:
            TamperFailed: the tamper raised an exception or returned something else than bytes.
        """
        self._acceptor.stop()
        failed, self._failed = self._failed, None
        if failed is not None:
            raise TamperFailed(
                f"a tampering function that failed, with {type(failed).__name__}: {failed}",
                "a function that takes a Chunk and returns bytes, or None to cut",
                "correct the function; the connection was cut at this chunk",
            ) from failed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def _target(self) -> Address:
        return self._upstream if isinstance(self._upstream, tuple) else self._upstream.address

    def _handle(self, device: socket.socket, peer: Address) -> None:
        with self._lock:
            number, self._connections = self._connections, self._connections + 1
        try:
            backend = self._reach()
        except OSError:
            self._through.put(peer, None)
            hang_up(device)
            return
        self._through.put(peer, backend.getsockname()[:2])
        backend.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sides = [device, backend]
        try:
            if self._server_context is not None:
                device.settimeout(TIMEOUT)
                sides[0] = tls = wrap(self._server_context, device, server_side=True)
                self._acceptor.adopt(tls)
                tls.do_handshake()
            if self._upstream_context is not None:
                sides[1] = tls = wrap(self._upstream_context, backend, server_hostname="localhost")
                self._acceptor.adopt(tls)
                tls.do_handshake()
            self._pump(number, *sides)
        finally:
            # The backend first, so that both ends can go before either is waited for.
            for side in reversed(sides):
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(side, socket.SHUT_WR)
            for side in reversed(sides):
                hang_up(side)

    def _reach(self) -> socket.socket:
        """Connect to the backend; `stop` ends a connection that is only being made, too."""
        clock, refused = Clock(TIMEOUT), OSError()
        for family, address in addresses(*self._target, clock):
            backend = socket.socket(family)
            try:
                backend.settimeout(0)
                backend.connect_ex(address)
                self._acceptor.adopt(backend)  # not before: what has not begun cannot be ended
                await_connection(backend, clock)
            except OSError as error:
                backend.close()
                refused = error
            else:
                return backend
        raise refused

    def _pump(self, number: int, device: socket.socket, backend: socket.socket) -> None:
        """Carry bytes both ways until both sides have ended, or Mallory cuts."""
        paths = [
            (device, Direction.TO_BACKEND, backend, Splitter()),
            (backend, Direction.TO_DEVICE, device, Splitter()),
        ]
        counts = dict.fromkeys(Direction, 0)
        with selectors.DefaultSelector() as selector:
            for path in paths:
                path[0].settimeout(None)
                selector.register(path[0], selectors.EVENT_READ, path)
            while selector.get_map():
                for key, _ in selector.select():
                    source, direction, sink, splitter = key.data
                    data = _receive(source)
                    if data is None:
                        continue
                    units = [data]
                    if self._whole:
                        units = splitter.feed(data) if data else [splitter.rest()]
                    units = list(filter(None, units))
                    for sent in self._passed(number, counts[direction], direction, units):
                        if sent is None:
                            return
                        with contextlib.suppress(OSError):
                            sink.sendall(sent)
                    counts[direction] += len(units)
                    if not data:
                        selector.unregister(source)
                        with contextlib.suppress(OSError):
                            socket.socket.shutdown(sink, socket.SHUT_WR)

    def _passed(
        self, number: int, index: int, direction: Direction, units: list[bytes]
    ) -> Iterator[bytes | None]:
        """Write units down and give what to pass on: all at once; with a tamper, one at a time.

        None cuts. A tamper is not asked for the next unit before this one was sent.
        """
        tamper = self.tamper  # once: a cell may set another one meanwhile
        for piece in [[unit] for unit in units] if tamper else [units]:
            heard = b"".join(piece)
            chunk = Chunk(number, index, direction, heard)
            sent = self._tampered(tamper, chunk) if tamper else heard
            with self._lock:
                for place, unit in enumerate(piece):
                    self._bytes += len(unit)
                    if len(self._chunks) == REMEMBERED or self._bytes > REMEMBERED_BYTES:
                        self.forgotten += len(piece) - place
                        break
                    passed = sent if tamper else unit
                    self._chunks.append(Chunk(number, index + place, direction, unit, passed))
            index += len(piece)
            yield sent

    def _tampered(self, tamper: Tamper, chunk: Chunk) -> bytes | None:
        try:
            with self._acceptor.outside():
                sent: object = tamper(chunk)
            if not (sent is None or isinstance(sent, bytes)):
                raise TypeError(f"it returned {type(sent).__name__}")
        except BaseException as error:  # noqa: BLE001 - a thread has nobody to raise to: stop() has
            self._failed, sent = error, None
        return sent


def _receive(source: socket.socket) -> bytes | None:
    """Read what is there, b"" at the end; None if that was TLS's own, such as a session ticket.

    Over TLS all of it is read, since a selector does not see what is decrypted already.
    """
    source.settimeout(0)
    try:
        data = source.recv(65536)
        while isinstance(source, ssl.SSLSocket) and source.pending():
            data += source.recv(65536)
    except (ssl.SSLWantReadError, BlockingIOError):
        return None
    except OSError:
        return b""
    finally:
        source.settimeout(None)
    return data

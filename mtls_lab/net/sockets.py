"""Listening, accepting in threads, and what those threads leave for whoever asks later.

Here: what a server and a relay share below TLS. Not here: where TLS begins and ends (tls.py), whose
program calls (sock_diag.py), and what is said (backend.py, relay.py).
"""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import socket
import threading
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

from mtls_lab.common import NetworkProblem, host_and_port
from mtls_lab.net.sock_diag import is_loopback, stranger

__all__ = [
    "MAX_CONNECTIONS",
    "NO_ROOM",
    "PAUSE",
    "Acceptor",
    "Address",
    "Mailbox",
    "nobody_listens",
]

Address = tuple[str, int]
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

#: Connections at a time, each with a thread. A lab has two or three, a room of people some dozens.
#: Whoever comes when there is no room waits until one of the others has gone.
MAX_CONNECTIONS = 1024
#: Clients that may wait to be accepted.
WAITING = 1024
#: Where the process had no descriptor or thread left: seconds until it tries again, and the errors.
PAUSE = 0.1
NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
#: Seconds that a learner's function has to end when its server is stopped.
PATIENCE = 1.0


class Acceptor:
    """Listen on an address and run `handle(socket, peer)` in a thread for each connection.

    `handle` owns the socket; whatever it leaves open is closed after it. An error in one
    connection ends that connection only.

    Args:
        handle: what is done with a connection, in a thread of its own.
        host, port: where to listen; port 0 takes a free one.
        name: part of the threads' names.
        most: connections at a time; the next one waits, in the queue of the system.
        adopts: whether `handle` calls `adopt` for the socket into which it wraps its own, which
            saves a second descriptor for each connection.
        refuse: told who it was when a connection on loopback is another user's, as Linux numbers
            them; it is closed unheard. None serves everybody.

    Raises:
        NetworkProblem: the address cannot be listened on.
    """

    def __init__(
        self,
        handle: Callable[[socket.socket, Address], None],
        host: str,
        port: int,
        name: str,
        *,
        most: int = MAX_CONNECTIONS,
        adopts: bool = False,
        refuse: Callable[[Address, int], object] | None = None,
    ) -> None:
        self._handle, self._adopts = handle, adopts
        self._refuse = refuse if is_loopback(host) else None
        self._name = name
        self._most = most
        self._open: dict[threading.Thread, list[socket.socket]] = {}
        self._outside: set[threading.Thread] = set()
        self._threads: list[threading.Thread] = []  # those that may still run
        self._stopped = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"lab {name}", daemon=True)
        with contextlib.ExitStack() as stack:  # for a system without room for one of them
            self._listener = stack.enter_context(_listen(host, port))
            self._bell, self._wire = map(stack.enter_context, socket.socketpair())
            self.address: Address = self._listener.getsockname()[:2]
            self._thread.start()
            stack.pop_all()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._wire, selectors.EVENT_READ)
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._stopped or len(self._open) < self._most)
                ready = {key.fileobj for key, _ in selector.select()}
                if self._wire in ready:
                    return
                try:
                    connection, peer = self._listener.accept()
                    try:
                        self._serve(connection, peer[:2])
                    except OSError:
                        connection.close()
                        raise
                except OSError as error:  # the client may be gone again already
                    if error.errno in NO_ROOM:
                        self._pause()

    def _pause(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped, PAUSE)

    def _serve(self, connection: socket.socket, peer: Address) -> None:
        thread = threading.Thread(
            target=self._connection,
            args=(connection, peer),
            name=f"lab {self._name} connection",
            daemon=True,
        )
        # wrap_socket takes the first one over.
        kept = connection if self._adopts else connection.dup()
        with self._changed:
            self._open[thread] = [kept]
        # Kept until it has ended: it is in `_open` only for as long as its connection. And kept
        # before it starts, or whoever has its answer might look for it in vain.
        if len(self._threads) > 2 * len(self._open) + 16:
            self._threads = [old for old in self._threads if old.is_alive()]
        self._threads.append(thread)
        try:
            thread.start()
        except RuntimeError:  # the system has no room for another thread
            self._threads.pop()
            with self._changed:
                del self._open[thread]
            kept.close()
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)) from None

    def _connection(self, connection: socket.socket, peer: Address) -> None:
        try:
            with connection, contextlib.suppress(OSError):
                if self._refuse and (who := stranger(connection)) is not None:
                    self._refuse(peer, who)
                    return
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._handle(connection, peer)
        finally:
            with self._changed:
                left = self._open.pop(threading.current_thread())
                self._changed.notify_all()
            for each in left:
                each.close()

    def adopt(self, connection: socket.socket) -> None:
        """Let `stop` end this socket too.

        It is one that the calling connection's thread has opened, or into which it has wrapped
        the one that it was given.
        """
        with self._changed:
            self._open[threading.current_thread()].append(connection)
            if self._stopped:
                _end(connection)

    @contextlib.contextmanager
    def outside(self) -> Iterator[None]:
        """Call a learner's function in the block: `stop` does not wait for its end."""
        thread = threading.current_thread()
        with self._changed:
            self._outside.add(thread)
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._outside.discard(thread)

    def stop(self) -> None:
        """Stop listening, end every connection, and wait until the threads are gone.

        A thread that is in a learner's function has a second to leave it, and ends after it.
        """
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._bell.close()
        self._thread.join()
        self._listener.close()
        self._wire.close()
        this = threading.current_thread()
        with self._changed:
            for connections in self._open.values():
                for connection in connections:
                    _end(connection)
            self._changed.wait_for(lambda: self._open.keys() <= {this}, PATIENCE)
            self._changed.wait_for(lambda: self._open.keys() <= self._outside | {this})
            inside = [each for each in self._threads if each not in self._outside | {this}]
        for thread in inside:
            thread.join()


def _end(connection: socket.socket) -> None:
    # It may have ended already. Below TLS: its thread is at work.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _listen(host: str, port: int) -> socket.socket:
    if not host:
        raise NetworkProblem(
            "an empty host, which means every network of this machine",
            'an address, such as "127.0.0.1"',
            'leave the host out, or say host="0.0.0.0" if others are meant to reach it',
        )
    if port not in range(65536):
        raise NetworkProblem(
            f"the port {port!r}",
            "a number from 1 to 65535, or 0 for a free port",
            "choose another number, or leave the port out",
        )
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=WAITING)
    except OSError as error:
        # create_server puts the address behind the reason; it is in the message already.
        reason = (error.strerror or str(error)).split(" (while ")[0]
        names = {
            errno.EADDRINUSE: (
                f"port {port} on {host} is in use by another program",
                "stop that program, or leave the port out: then a free one is chosen",
            ),
            errno.EACCES: (
                f"port {port} on {host} may not be used by this account",
                "choose a port of 1024 or higher, or leave it out",
            ),
        }
        found, todo = names.get(
            error.errno or 0,
            (
                f"{host_and_port(host, port)} cannot be listened on ({reason})",
                'use the host "127.0.0.1" and leave the port out',
            ),
        )
        raise NetworkProblem(found, "an address of this machine and a free port", todo) from None


class Mailbox(Generic[K, V]):
    """Values that threads leave for one another under a key; each is handed out once.

    Example:
        >>> box = Mailbox()
        >>> box.put("device", 1)
        >>> box.take("device", timeout=1)
        1
    """

    #: Values that nobody asks for are dropped from this number on, oldest first.
    LIMIT = 256

    def __init__(self) -> None:
        self._values: dict[K, V] = {}
        self._arrived = threading.Condition()

    def put(self, key: K, value: V) -> None:
        """Leave a value."""
        with self._arrived:
            self._values.pop(key, None)
            self._values[key] = value
            if len(self._values) > self.LIMIT:
                del self._values[next(iter(self._values))]
            self._arrived.notify_all()

    def take(self, key: K, timeout: float) -> V:
        """Wait for a value and remove it. Raises TimeoutError after `timeout` seconds."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: key in self._values, timeout):
                raise TimeoutError(f"nothing arrived for {key} in {timeout} s")
            return self._values.pop(key)


@contextlib.contextmanager
def nobody_listens() -> Iterator[Address]:
    """Give an address at which, while the block runs, certainly nobody listens.

    Its port is taken, and does not listen.
    """
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()

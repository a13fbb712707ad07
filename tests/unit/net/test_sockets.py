"""The mailbox between threads, saying goodbye, and a listener on a system without room.

Listening otherwise is tested through test_backend*.py.
"""

import errno
import os
import socket
import threading

import pytest

from mtls_lab import serve
from mtls_lab.common import NetworkProblem
from mtls_lab.net import hang_up, tls
from mtls_lab.net.sockets import Acceptor, Address, Mailbox
from tests.unit.lab import LONG


def test_a_value_is_handed_out_once() -> None:
    box = Mailbox[str, int]()
    box.put("a", 1)
    box.put("b", 2)
    assert (box.take("b", 0), box.take("a", 0)) == (2, 1)
    with pytest.raises(TimeoutError, match="nothing arrived for a in 0 s"):
        box.take("a", 0)


def test_the_newest_value_counts() -> None:
    box = Mailbox[str, int]()
    box.put("a", 1)
    box.put("a", 2)
    assert box.take("a", 0) == 2


def test_waiting_for_another_thread() -> None:
    box, taken = Mailbox[int, int](), []
    threads = [
        threading.Thread(target=lambda key=key: taken.append(box.take(key, LONG)))
        for key in range(10)
    ]
    for thread in threads:
        thread.start()
    for key in reversed(range(10)):
        box.put(key, key * key)
    for thread in threads:
        thread.join(LONG)
    assert sorted(taken) == [key * key for key in range(10)]


def test_what_nobody_asks_for_is_dropped_oldest_first() -> None:
    box = Mailbox[int, int]()
    for key in range(Mailbox.LIMIT + 1):
        box.put(key, key)
    with pytest.raises(TimeoutError):
        box.take(0, 0)
    assert box.take(1, 0) == 1
    assert box.take(Mailbox.LIMIT, 0) == Mailbox.LIMIT


def test_the_last_word_is_heard_by_one_who_still_speaks() -> None:
    """A plain close with unread bytes would reset the connection and lose it."""
    near, far = socket.socketpair()
    with far:
        far.sendall(b"unread " * 1000)
        near.sendall(b"goodbye")
        thread = threading.Thread(target=hang_up, args=(near,))
        thread.start()
        far.sendall(b"and more")
        assert far.recv(100) == b"goodbye"
        assert far.recv(100) == b""
        far.shutdown(socket.SHUT_WR)
        thread.join(LONG)
    assert near.fileno() == -1


def test_not_waiting() -> None:
    near, far = socket.socketpair()
    with far:
        hang_up(near, wait=0)  # far never closes, and this returns
        assert near.fileno() == -1
        assert far.recv(1) == b""


def test_a_peer_that_stays_has_had_its_chance() -> None:
    near, far = socket.socketpair()
    with far:
        hang_up(near, wait=0.05)
        assert near.fileno() == -1


def test_a_peer_that_talks_on_has_had_its_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "LINGER_BYTES", 10_000)
    near, far = socket.socketpair()
    with far:
        far.sendall(b"x" * 20_000)
        hang_up(near)
        assert near.fileno() == -1


def test_hanging_up_twice() -> None:
    near, far = socket.socketpair()
    with far:
        hang_up(near, wait=0)
        hang_up(near)


def test_an_empty_host_is_not_every_network() -> None:
    with pytest.raises(NetworkProblem) as caught:
        serve(host="")
    assert caught.value.found == "an empty host, which means every network of this machine"
    assert caught.value.todo.startswith("leave the host out")


def say_hello(connection: socket.socket, _: Address) -> None:
    connection.sendall(b"hello")


def no_thread(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def no_descriptor(_: socket.socket) -> socket.socket:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


@pytest.mark.parametrize("lacks", ["a thread", "a descriptor"])
def test_a_client_for_whom_there_is_no_room_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch, lacks: str
) -> None:
    """At once, and not when the next one comes; whoever comes when there is room is served."""
    acceptor = Acceptor(say_hello, "127.0.0.1", 0, "full")
    try:
        with monkeypatch.context() as patched:
            if lacks == "a thread":
                patched.setattr(threading.Thread, "start", no_thread)
            else:
                patched.setattr(socket.socket, "dup", no_descriptor)
            with socket.create_connection(acceptor.address, LONG) as client:
                assert client.recv(5) == b""
        with socket.create_connection(acceptor.address, LONG) as client:
            assert client.recv(5) == b"hello"
    finally:
        acceptor.stop()


def test_a_listener_without_a_thread_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket is left, either (conftest.py)."""
    monkeypatch.setattr(threading.Thread, "start", no_thread)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        Acceptor(say_hello, "127.0.0.1", 0, "full")

"""Other users of the machine: refused on loopback where Linux tells whose a connection is."""

import os
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mtls_lab import Relay, Stage, ask, explain, serve
from mtls_lab.net import Address, Backend, device, sock_diag
from mtls_lab.net.recording import RecordedSocket
from tests.unit.lab import LONG

pytestmark = [
    pytest.mark.once,  # Linux decides, and no Python
    pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0, reason="becomes other users of a Linux"
    ),
]
#: Numbers of users: the learner, and a neighbour.
LEARNER, NEIGHBOUR = 65534, 1234


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    """Load everything first: another user may not read where Python and the lab are."""
    with serve() as backend, Relay(backend) as relay:
        assert said_to(0, relay.address) == b"PONG\n"


@contextmanager
def being(user: int) -> Iterator[None]:
    before = os.geteuid()
    os.seteuid(0)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)
        os.seteuid(before)


def said_to(user: int, address: Address) -> bytes:
    """Send PING over a socket of this user, and return what comes back."""
    with being(user):  # a socket belongs to whoever made it
        client = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    with client:
        client.settimeout(LONG)
        client.connect(address)
        try:
            client.sendall(b"PING\n")
            return client.recv(1024)
        except ConnectionError:  # closed before it was read
            return b""


def neighbours_socket(family: int) -> RecordedSocket:
    with being(NEIGHBOUR):
        return RecordedSocket(family)


def refusals(backend: Backend) -> list[tuple[Stage, str]]:
    return [(side.stage, str(side.failure)) for side in backend.connections if side.failure]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_neighbour_is_refused_and_named(host: str) -> None:
    with being(LEARNER), serve(host=host) as backend:
        assert said_to(NEIGHBOUR, backend.address) == b""
        assert ask("PING", backend).reply == "PONG"
        words = "PermissionError: another user of this machine, uid 1234"
        assert refusals(backend) == [(Stage.CONNECT, words)]
        told = explain(backend.connections[0])
    assert told.entry == "another_user"
    assert "made by another user of this machine, uid 1234." in told.what
    assert "everybody=True" in told.fix


@pytest.mark.parametrize("over", ["TCP", "TLS"])
def test_the_neighbour_finds_the_reason(monkeypatch: pytest.MonkeyPatch, over: str) -> None:
    """As `mtls-lab ask` of another user does, who sees a connection that is closed."""
    context = ssl.create_default_context() if over == "TLS" else None
    with being(LEARNER), serve() as backend:
        monkeypatch.setattr(device, "RecordedSocket", neighbours_socket)
        exchange = ask("PING", backend.address, context=context)
        told = explain(exchange)
    assert exchange.device.failure is not None
    assert "another user of the machine runs it" in told.why


def test_the_learner_and_root_are_served() -> None:
    with being(LEARNER), serve() as backend:
        assert said_to(LEARNER, backend.address) == b"PONG\n"
        assert said_to(0, backend.address) == b"PONG\n"
        assert refusals(backend) == []


def test_a_relay_passes_nothing_on_for_a_neighbour() -> None:
    with being(LEARNER), serve() as backend, Relay(backend) as relay:
        assert said_to(NEIGHBOUR, relay.address) == b""
        assert relay.chunks == ()
        assert list(backend.connections) == []
        assert said_to(LEARNER, relay.address) == b"PONG\n"


def test_everybody_is_served_where_that_was_asked_for() -> None:
    with (
        being(LEARNER),
        serve(name="asked", everybody=True) as asked,
        serve(name="network", host="0.0.0.0") as network,
    ):
        assert said_to(NEIGHBOUR, asked.address) == b"PONG\n"
        assert said_to(NEIGHBOUR, ("127.0.0.1", network.address[1])) == b"PONG\n"


def test_root_serves_everybody() -> None:
    """Its programs run under many names: a web server's workers, a database."""
    with serve() as backend:
        assert said_to(NEIGHBOUR, backend.address) == b"PONG\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NETLINK_SOCK_DIAG", 31),  # a Linux without it, such as a sandbox that plays one
        ("SOCK_DIAG_BY_FAMILY", 9999),  # one that knows no such question
    ],
)
def test_where_the_system_does_not_tell_everybody_is_served(
    monkeypatch: pytest.MonkeyPatch, name: str, value: int
) -> None:
    monkeypatch.setattr(sock_diag, name, value)
    with being(LEARNER), serve() as backend:
        assert said_to(NEIGHBOUR, backend.address) == b"PONG\n"


def test_without_netlink_everybody_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_NETLINK")
    with being(LEARNER), serve() as backend:
        assert said_to(NEIGHBOUR, backend.address) == b"PONG\n"

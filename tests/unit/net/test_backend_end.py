"""How a backend ends: no thread and no file is left, whatever its clients are doing."""

import ssl
import threading
from contextlib import ExitStack

import pytest

from mtls_lab import Side, Stage, ask, serve
from mtls_lab.common import NetworkProblem
from mtls_lab.net import running
from tests.unit.lab import LONG, Lab, OpenFile, connect, leftovers, name_of


@pytest.mark.parametrize("kind", ["plain", "TLS", "mTLS"])
@pytest.mark.parametrize("sent", [b"", b"\x16\3\1", b"PING\n"], ids=["silent", "half", "PING"])
def test_stop_ends_every_connection(lab: Lab, kind: str, sent: bytes) -> None:
    context = {"plain": lambda: None, "TLS": lab.tls, "mTLS": lab.mtls}[kind]()
    before = leftovers()
    with ExitStack() as stack:
        backend = serve(context, handshake_timeout=LONG, idle_timeout=LONG)
        clients = [stack.enter_context(connect(backend.address)) for _ in range(10)]
        for client in clients:
            client.sendall(sent)
        ask("PING", backend)  # by now all of them have a thread
        backend.stop()
        ends = {OpenFile.at(client.fileno()) for client in clients}  # the test's own
        assert leftovers() - before == ends
        assert len(backend.connections) == len(clients) + 1
    assert leftovers() <= before


def test_stop_ends_a_connection_after_its_handshake(lab: Lab, version: ssl.TLSVersion) -> None:
    before = leftovers()
    backend = serve(lab.mtls())
    with (
        connect(backend.address) as raw,
        lab.device("valid", version).wrap_socket(raw, server_hostname="localhost") as client,
    ):
        client.sendall(b"PING\n")
        assert client.recv(5) == b"PONG\n"
        backend.stop()
        assert client.recv(1) == b""
        side = backend.wait_for(name_of(client), timeout=0)
    assert (side.stage, side.received) == (Stage.APPLICATION, ("PING",))
    assert leftovers() <= before


def test_stop_does_not_wait_for_a_refused_client(lab: Lab) -> None:
    """The backend lingers until that client has read its alert; stop ends that as well."""
    before = leftovers()
    backend = serve(lab.mtls())
    with (
        connect(backend.address) as raw,
        lab.device("none", ssl.TLSVersion.TLSv1_3).wrap_socket(
            raw, server_hostname="localhost"
        ) as client,
    ):
        assert not backend.wait_for(name_of(client)).ok
        backend.stop()
        ends = {OpenFile.at(client.fileno())}
        assert leftovers() - before == ends
    assert leftovers() <= before


def test_stop_twice() -> None:
    before = leftovers()
    backend = serve()
    backend.stop()
    backend.stop()
    assert leftovers() <= before
    with serve() as another:
        backend.stop()
        assert running() == [another]


def test_stop_from_many_threads() -> None:
    backend = serve()
    with connect(backend.address):
        threads = [threading.Thread(target=backend.stop) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG)
    assert not any(thread.is_alive() for thread in threads)


def test_stop_from_a_rule() -> None:
    """`authorize` runs in a connection's own thread, which cannot wait for itself."""
    with serve(authorize=lambda _: backend.stop()) as backend:
        exchange = ask("GET_SECRET", backend)
        assert exchange.reply is None
        assert running() == []


def test_nobody_gets_in_after_stop() -> None:
    backend = serve()
    backend.stop()
    with pytest.raises(ConnectionRefusedError):
        connect(backend.address)
    assert ask("PING", backend).device.stage is Stage.CONNECT


def test_outcomes_can_be_read_after_stop() -> None:
    with serve() as backend:
        ask("PING", backend)
    assert list(backend.connections) == [Side("backend", Stage.APPLICATION, received=("PING",))]


def test_a_backend_that_fails_to_start_leaves_nothing() -> None:
    before = leftovers()
    with serve(name="one") as one:
        with pytest.raises(NetworkProblem):
            serve(name="two", port=one.address[1])
        assert running() == [one]
    assert leftovers() <= before


def test_a_hundred_starts_and_stops() -> None:
    before = leftovers()
    for _ in range(100):
        last = serve(name="again")
    assert running() == [last]
    last.stop()
    assert leftovers() <= before

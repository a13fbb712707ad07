"""A cut is no clean end, on every Python, and a learner's context stays as it was."""

import socket
import ssl
import threading

import pytest

from mtls_lab import Relay, ask
from mtls_lab.net import Backend, Chunk, tls
from mtls_lab.net.tls import cuts_count
from mtls_lab.wire import Direction
from tests.unit.lab import LONG, Lab, connect

LOOKS_CLEAN = ssl.OP_IGNORE_UNEXPECTED_EOF
#: A record's type (RFC 8446, section 5.1).
APPLICATION_DATA = 23


@pytest.fixture(autouse=True)
def _too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """As before 3.11.4: contexts with the option, and a lab that knows of it."""
    monkeypatch.setattr(tls, "_CUT_LOOKS_CLEAN", LOOKS_CLEAN)


def old(context: ssl.SSLContext) -> ssl.SSLContext:
    context.options |= LOOKS_CLEAN
    return context


def test_all_three_leave_a_context_as_it_was(lab: Lab) -> None:
    device, upstream, relayed, context = map(old, (*[lab.device()] * 2, lab.tls(), lab.tls()))
    before = [each.options for each in (device, upstream, relayed, context)]
    with (
        Backend(context) as backend,
        Relay(backend, server_context=relayed, upstream_context=upstream) as relay,
    ):
        assert ask("PING", relay, context=device).reply == "PONG"
    assert [each.options for each in (device, upstream, relayed, context)] == before
    assert not tls._lent


def test_the_device_sees_a_cut_with_a_session_too(lab: Lab) -> None:
    """The session's context makes the connection, and the other one is put in its place."""
    device, other = (old(lab.device(version=ssl.TLSVersion.TLSv1_2)) for _ in range(2))

    def cut_the_reply(chunk: Chunk) -> bytes | None:
        reply = chunk.direction is Direction.TO_DEVICE and chunk.heard[0] == APPLICATION_DATA
        return None if reply else chunk.heard

    with Backend(lab.tls()) as backend, Relay(backend, tamper=cut_the_reply) as mallory:
        session = ask("PING", backend, context=device).session
        exchange = ask("PING", mallory, context=other, session=session)
    assert exchange.device.reused
    assert exchange.device.failure is not None
    assert exchange.device.failure.reason == "UNEXPECTED_EOF_WHILE_READING"
    assert device.options & other.options & LOOKS_CLEAN


def test_a_failure_leaves_a_context_as_it_was(lab: Lab) -> None:
    device = old(lab.device())
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert ask("PING", bound.getsockname(), context=device).device.failure is not None
    assert ask("PING", ("127.0.0.1", 1), context=device, server_hostname=None).device.failure
    assert device.options & LOOKS_CLEAN


def test_a_learners_own_recv_after_ask(lab: Lab) -> None:
    """What Python suppresses by itself it still suppresses, with a context that `ask` has used."""
    device = old(lab.device())
    with Backend(lab.tls()) as backend:
        assert ask("PING", backend, context=device).reply == "PONG"

    def cutting() -> None:
        client, _ = listener.accept()
        server = lab.tls().wrap_socket(client, server_side=True)
        server.recv(10)
        socket.socket.shutdown(server, socket.SHUT_WR)  # below TLS: no close_notify
        server.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=cutting)
        thread.start()
        with (
            connect(listener.getsockname()) as raw,
            device.wrap_socket(raw, server_hostname="localhost") as own,
        ):
            own.sendall(b"PING\n")
            assert own.recv(100) == b""
        thread.join(LONG)


def test_threads_share_a_context() -> None:
    """The last one to leave puts the option back, in whatever order they come and go."""
    context = old(ssl.create_default_context())
    first, second = cuts_count(context), cuts_count(context)
    first.__enter__()
    second.__enter__()
    assert not context.options & LOOKS_CLEAN
    first.__exit__(None, None, None)
    assert not context.options & LOOKS_CLEAN
    second.__exit__(None, None, None)
    assert context.options & LOOKS_CLEAN


def test_what_a_learner_took_out_stays_out() -> None:
    context = ssl.create_default_context()
    context.options &= ~LOOKS_CLEAN
    with cuts_count(context):
        pass
    assert not context.options & LOOKS_CLEAN

"""Clients that are silent, slow, broken or too many: each harms its own connection only.

Nothing here depends on how long something takes: a client that must not be in the way is held
open while another one is served.
"""

import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from mtls_lab import Failure, Relay, Side, Stage, ask, serve
from mtls_lab.net import Backend
from mtls_lab.wire import SECRET
from tests.unit.lab import (
    LONG,
    Lab,
    client_hello,
    connect,
    failure,
    name_of,
    open_files,
    read_all,
    spelled,
)

KINDS = ("plain", "TLS", "mTLS")
CONTROL = "this is not text: a line may hold no control characters"
SHORT = 0.05


def start(lab: Lab, kind: str, **options: Any) -> Backend:
    context = {"plain": lambda: None, "TLS": lab.tls, "mTLS": lab.mtls}[kind]()
    return serve(context, **{"handshake_timeout": LONG, "idle_timeout": LONG} | options)


def connections_of(server: Backend | Relay) -> set[threading.Thread]:
    """The threads in which a server is with its clients."""
    with server._acceptor._changed:
        return set(server._acceptor._open)


def is_served(lab: Lab, kind: str, backend: Backend) -> bool:
    context = None if kind == "plain" else lab.device()
    return ask("GET_SECRET", backend, context=context).reply == SECRET


# --- None delays another


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sent", [0, 4, 100], ids=["silent", "slow", "slower"])
def test_twenty_that_wait_delay_nobody(lab: Lab, kind: str, sent: int) -> None:
    opening = b"x" * 100 if kind == "plain" else client_hello(lab.device())
    with start(lab, kind) as backend, ExitStack() as stack:
        for _ in range(20):
            client = stack.enter_context(connect(backend.address))
            client.sendall(opening[:sent])
        assert is_served(lab, kind, backend)
        assert len(backend.connections) == 1  # the other twenty are still open


def test_a_handshake_byte_by_byte(lab: Lab, version: ssl.TLSVersion) -> None:
    """While it goes on others are served, and in the end it is served too."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = lab.device("valid", version)
    slow = context.wrap_bio(incoming, outgoing, server_hostname="localhost")

    def drive(action: Callable[[], object]) -> object:
        while True:
            result: object = ssl.SSL_ERROR_WANT_READ
            with suppress(ssl.SSLWantReadError):
                result = action()
            for number, byte in enumerate(outgoing.read()):
                client.sendall(bytes([byte]))
                if number % 400 == 0:
                    assert is_served(lab, "mTLS", backend)
            if result is not ssl.SSL_ERROR_WANT_READ:
                return result
            incoming.write(client.recv(4096))

    with start(lab, "mTLS") as backend, connect(backend.address) as client:
        drive(slow.do_handshake)
        drive(lambda: slow.write(b"GET_SECRET\n"))
        assert drive(slow.read) == b"open sesame\n"


@pytest.mark.parametrize("kind", KINDS)
def test_a_silent_client_that_gives_up(lab: Lab, kind: str) -> None:
    with start(lab, kind) as backend:
        with connect(backend.address) as client:
            name = name_of(client)
        side = backend.wait_for(name, LONG)
        assert is_served(lab, kind, backend)
    if kind == "plain":
        assert side == Side("backend", Stage.CONNECT)
    else:
        assert side.stage is Stage.HANDSHAKE
        assert side.failure is not None
        assert side.failure.error == "SSLEOFError"
        assert side.failure.reason == "UNEXPECTED_EOF_WHILE_READING"


#: What OpenSSL calls a ClientHello of one byte.
TOO_SHORT = "LENGTH_TOO_SHORT" if ssl.OPENSSL_VERSION_INFO < (4,) else "BAD_EXTENSION"


@pytest.mark.parametrize(
    ("kind", "data", "error", "reason"),
    [
        ("plain", bytes(range(256)), "ProtocolError", ""),
        ("plain", b"\xff" * 2000, "ProtocolError", ""),
        ("TLS", bytes(range(256)), "SSLError", "WRONG_VERSION_NUMBER"),
        ("TLS", b"GET / HTTP/1.1\r\n\r\n", "SSLError", "HTTP_REQUEST"),
        ("TLS", b"\x16\3\1\0\5\1\0\0\1\0", "SSLError", TOO_SHORT),
        ("TLS", b"\x17\3\3\0\5hello", "SSLError", "UNEXPECTED_MESSAGE"),
        ("TLS", b"\x15\3\3\0\2\2\x28", "SSLError", "UNEXPECTED_MESSAGE"),
        ("mTLS", b"\x80" * 500, "SSLError", "WRONG_VERSION_NUMBER"),
    ],
)
def test_garbage(lab: Lab, kind: str, data: bytes, error: str, reason: str) -> None:
    with start(lab, kind) as backend:
        with connect(backend.address) as client:
            client.sendall(data)
            side = backend.wait_for(name_of(client), LONG)
        assert is_served(lab, kind, backend)
    assert side.failure is not None
    assert (side.failure.error, side.failure.reason) == (error, reason)
    assert side.stage is (Stage.APPLICATION if kind == "plain" else Stage.HANDSHAKE)


def reset(client: socket.socket) -> None:
    """Close with a TCP reset instead of a goodbye."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


# CPython before 3.13 leaves it to the collector to close what a failed wrap_socket has made.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_clients_that_reset(lab: Lab, kind: str) -> None:
    """At once, then in the middle of the conversation."""
    with start(lab, kind) as backend:
        for _ in range(20):
            reset(connect(backend.address))
        with connect(backend.address) as client:
            client.sendall(b"PING\n" if kind == "plain" else client_hello(lab.device()))
            assert client.recv(1) in {b"P", b"\x16"}  # the backend waits for more now
            name = name_of(client)
            reset(client)
        side = backend.wait_for(name, LONG)
        assert is_served(lab, kind, backend)
    assert side.failure is not None
    assert (side.failure.error, side.failure.reason) == ("ConnectionResetError", "ECONNRESET")


# --- The wrong protocol


def test_a_tls_client_at_a_plain_backend(lab: Lab, version: ssl.TLSVersion) -> None:
    with serve() as backend:
        exchange = ask("GET_SECRET", backend, context=lab.device("none", version))
    assert exchange.backend == Side(
        "backend", Stage.APPLICATION, Failure("ProtocolError", text=CONTROL)
    )
    assert exchange.device == Side(
        "device",
        Stage.HANDSHAKE,
        Failure(
            "SSLError",
            "WRONG_VERSION_NUMBER",
            text="[SSL: WRONG_VERSION_NUMBER] wrong version number",
        ),
    )


@pytest.mark.parametrize("command", ["GET_SECRET", "PING", "HELP"])
def test_a_plain_client_at_a_tls_backend(lab: Lab, command: str) -> None:
    with serve(lab.tls()) as backend:
        exchange = ask(command, backend)
    assert exchange.backend == Side(
        "backend",
        Stage.HANDSHAKE,
        Failure(
            "SSLError",
            "WRONG_VERSION_NUMBER",
            text="[SSL: WRONG_VERSION_NUMBER] wrong version number",
        ),
    )
    assert exchange.device == Side(
        "device",
        Stage.APPLICATION,
        Failure("EOFError", text="the connection was closed without a reply"),
    )


# --- Time-outs


@pytest.mark.parametrize("kind", ["TLS", "mTLS"])
def test_the_handshake_has_its_time(lab: Lab, kind: str) -> None:
    with (
        start(lab, kind, handshake_timeout=SHORT) as backend,
        connect(backend.address) as client,
    ):
        side = backend.wait_for(name_of(client), LONG)
        backend._handshake_timeout = LONG
        assert is_served(lab, kind, backend)
    assert side.stage is Stage.HANDSHAKE
    assert str(side) == "backend  connect ✓  handshake ✗ TimeoutError: TIMED_OUT"


def outcome_while(backend: Backend, client: socket.socket, stream: bytes) -> Side:
    """Send a byte, look for the outcome, send a byte, …"""
    for byte in stream:
        client.sendall(bytes([byte]))
        with suppress(TimeoutError):
            return backend.wait_for(name_of(client), 0.01)
    raise AssertionError("every byte was sent, and the backend still waits")


def test_more_bytes_win_no_time_in_the_handshake(lab: Lab) -> None:
    hello = client_hello(lab.device())
    with (
        start(lab, "TLS", handshake_timeout=SHORT) as backend,
        connect(backend.address) as client,
    ):
        side = outcome_while(backend, client, hello[:-1])
    assert str(side) == "backend  connect ✓  handshake ✗ TimeoutError: TIMED_OUT"


def test_more_bytes_win_no_time_for_a_command() -> None:
    with serve(idle_timeout=SHORT) as backend, connect(backend.address) as client:
        side = outcome_while(backend, client, b"x" * 1000)
    assert str(side) == "backend  connect ✓  application ✗ TimeoutError: TIMED_OUT"


def test_a_connection_may_be_quiet_for_its_time_only(lab: Lab, version: ssl.TLSVersion) -> None:
    with (
        start(lab, "mTLS", idle_timeout=SHORT) as backend,
        connect(backend.address) as raw,
        lab.device("valid", version).wrap_socket(raw, server_hostname="localhost") as client,
    ):
        side = backend.wait_for(name_of(client), LONG)
    assert side.failure is not None
    assert (side.failure.error, side.failure.reason) == ("TimeoutError", "TIMED_OUT")
    assert (side.stage, side.version) == (Stage.APPLICATION, spelled(version))


def test_a_client_that_never_reads() -> None:
    """Its replies fill every buffer on the way; then it has the time of a quiet one."""
    with (
        serve(idle_timeout=SHORT, secret="x" * 4000) as backend,
        connect(backend.address) as client,
    ):
        refused = failure(lambda: client.sendall(b"GET_SECRET\n" * 1_000_000))
        side = backend.wait_for(name_of(client), LONG)
        backend._idle_timeout = LONG
        assert ask("PING", backend).ok
    assert refused is not None
    assert refused.reason in {"ECONNRESET", "EPIPE"}
    assert side.failure is not None
    assert side.failure.reason == "TIMED_OUT"


# --- The alert arrives


@pytest.mark.parametrize("size", [0, 100_000], ids=["waits", "sends first"])
def test_a_refused_client_always_reads_why(lab: Lab, size: int) -> None:
    """In TLS 1.3 a client may send as soon as its own handshake is done.

    It does so after the backend has refused it, which is the worst moment, 50 times.
    """
    context = lab.device("none", ssl.TLSVersion.TLSv1_3)
    reasons = set()
    with serve(lab.mtls()) as backend:
        for _ in range(50):
            with (
                connect(backend.address) as raw,
                context.wrap_socket(raw, server_hostname="localhost") as client,
            ):
                side = backend.wait_for(name_of(client), LONG)
                assert side.failure is not None
                client.sendall(b"x" * size)
                reasons.add((side.failure.reason, failure(lambda: client.recv(1))))
    ((reason, told),) = reasons
    assert reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE"
    assert told == Failure(
        "SSLError",
        "TLSV13_ALERT_CERTIFICATE_REQUIRED",
        text="[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required",
    )


def test_a_refused_client_in_a_hurry(lab: Lab, version: ssl.TLSVersion) -> None:
    """The same race without waiting for the backend; 1.2 is told in the handshake."""
    context = lab.device("untrusted", version)
    with serve(lab.mtls()) as backend:
        sides = {ask("x" * 1000, backend, context=context).device for _ in range(50)}
    assert {side.failure.reason for side in sides if side.failure} == {"TLSV1_ALERT_UNKNOWN_CA"}
    assert len(sides) == 1


def test_a_reply_arrives_at_a_client_that_sends_on() -> None:
    with serve() as backend, connect(backend.address) as client:
        client.sendall(b"x" * 100_000)
        backend.wait_for(name_of(client), LONG)
        client.sendall(b"x" * 100_000)
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"ERROR the line is longer than 1024 bytes\n"


# --- Many


def test_who_comes_when_there_is_no_room_waits_until_another_has_gone(lab: Lab) -> None:
    with start(lab, "plain", max_connections=4) as backend, ExitStack() as stack:
        held = [stack.enter_context(connect(backend.address)) for _ in range(4)]
        for each in held:
            each.sendall(b"PING\n")
            assert each.recv(16) == b"PONG\n"
        busy = connections_of(backend)
        one_more = stack.enter_context(connect(backend.address))
        one_more.sendall(b"GET_SECRET\n")
        assert connections_of(backend) == busy
        assert len(busy) == 4
        held[1].close()
        assert one_more.recv(64) == f"{SECRET}\n".encode()


def test_three_hundred_silent_clients_keep_nobody_out(lab: Lab) -> None:
    with start(lab, "mTLS") as backend, ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(connect(backend.address))
        assert is_served(lab, "mTLS", backend)


def test_a_connection_costs_one_descriptor(lab: Lab) -> None:
    """And one more at the client's end, which is in this process as well."""
    with start(lab, "mTLS") as backend, ExitStack() as stack:
        assert is_served(lab, "mTLS", backend)
        for thread in backend._acceptor._threads:
            thread.join(LONG)
        before = open_files()
        for _ in range(10):
            tls = lab.device().wrap_socket(
                stack.enter_context(connect(backend.address)), server_hostname="localhost"
            )
            stack.enter_context(tls).sendall(b"PING\n")
            assert tls.recv(16) == b"PONG\n"
        assert len(open_files() - before) == 20


NO_DESCRIPTORS = """
import resource, socket, threading
from mtls_lab import ask, serve
from mtls_lab.net.sockets import Acceptor

paused, pause = threading.Event(), Acceptor._pause
def counted(self):
    paused.set()
    pause(self)
Acceptor._pause = counted

backend, held = serve(), []
assert ask("PING", backend).reply == "PONG"
for thread in backend._acceptor._threads:
    thread.join()
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
try:
    while True:
        held.append(socket.socket())
except OSError as error:
    print(error.strerror)
held[0].connect(backend.address)
print(paused.wait(60))
for each in held:
    each.close()
print(ask("PING", backend, timeout=60).reply)
backend.stop()
"""


def test_without_descriptors_it_pauses_and_goes_on_afterwards() -> None:
    run = subprocess.run(
        [sys.executable, "-c", NO_DESCRIPTORS], capture_output=True, text=True, check=False
    )
    assert (run.stdout, run.stderr) == ("Too many open files\nTrue\nPONG\n", "")


def test_what_was_asked_before_a_line_that_is_none_is_answered(lab: Lab) -> None:
    with start(lab, "plain") as backend, connect(backend.address) as client:
        client.sendall(b"PING\nHELP\n\xff\nPING\n")
        assert read_all(client) == (
            b"PONG\nGET_SECRET, PING, HELP\nERROR this is not text: the line is not UTF-8\n"
        )
        assert backend.wait_for(name_of(client), LONG).received == ("PING", "HELP")


@pytest.mark.parametrize("whose", ["context", "authorize", "answer", "observe", "tamper"])
def test_a_learners_function_that_never_ends_is_not_waited_for(
    whose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mtls_lab.net.sockets.PATIENCE", 0.2)
    begun, ended = threading.Event(), threading.Event()

    def endless(*_: object) -> Any:
        begun.set()
        ended.wait(LONG)
        return b""

    functions: dict[str, Any] = {whose: endless}
    tamper = functions.pop("tamper", None)
    backend = serve(**functions)
    relay = Relay(backend, tamper=tamper)
    with connect(relay.address) as client:
        client.sendall(b"PING\n")
        assert begun.wait(LONG)
        relay.stop()
        backend.stop()
        client.settimeout(LONG)
        assert read_all(client) == b""
    left = connections_of(backend) | connections_of(relay)
    assert len(left) == 1
    ended.set()
    for thread in left:
        thread.join(LONG)


def test_many_devices_at_once(lab: Lab) -> None:
    context, replies = lab.device(), []

    def device() -> None:
        replies.append(ask("GET_SECRET", backend, context=context).reply)

    threads = [threading.Thread(target=device) for _ in range(30)]
    with serve(lab.mtls()) as backend:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG)
    assert replies == [SECRET] * 30


def test_threads_print_nothing(lab: Lab, capfd: pytest.CaptureFixture[str]) -> None:
    with start(lab, "mTLS", handshake_timeout=SHORT) as backend:
        for data in (b"", b"garbage, and more of it", client_hello(lab.device())[:50]):
            with connect(backend.address) as client:
                client.sendall(data)
                backend.wait_for(name_of(client), LONG)
        ask("GET_SECRET", backend, context=lab.device("none"))
    with serve(authorize=lambda _: 1 / 0) as backend:
        assert ask("GET_SECRET", backend).reply == "ERROR not authorized"
    assert capfd.readouterr() == ("", "")

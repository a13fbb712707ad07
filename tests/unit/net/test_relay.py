"""Eve and Mallory between real parts: what they hear, what they change, and what comes of it."""

import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from mtls_lab import Exchange, Relay, Stage, ask, serve
from mtls_lab.attacks import reply_index
from mtls_lab.common import TamperFailed
from mtls_lab.net import Address, Backend, Chunk, Tamper, clock, cut, flip_bit, relay, replace
from mtls_lab.wire import SECRET, Direction, Side
from tests.unit.lab import LONG, Lab, connect, leftovers, name_of, read_all

UP, DOWN = Direction.TO_BACKEND, Direction.TO_DEVICE


def told(exchange: Exchange) -> tuple[tuple[Stage, str, str] | None, ...]:
    """Stage, class and reason of the failure on each side."""
    sides = (exchange.device, exchange.backend)
    return tuple(
        (side.stage, side.failure.error, side.failure.reason) if side and side.failure else None
        for side in sides
    )


# --- Eve


def test_eve_hears_plain_text_in_both_directions() -> None:
    with serve() as backend, Relay(backend) as eve:
        exchange = ask("GET_SECRET", eve)
    assert exchange.reply == SECRET
    assert exchange.backend is not None
    assert exchange.backend.received == ("GET_SECRET",)
    assert [(c.direction, c.heard, c.sent) for c in eve.chunks] == [
        (UP, b"GET_SECRET\n", b"GET_SECRET\n"),
        (DOWN, b"open sesame\n", b"open sesame\n"),
    ]
    assert (eve.stream(UP), eve.stream(DOWN)) == (b"GET_SECRET\n", b"open sesame\n")
    assert eve.heard("GET_SECRET")
    assert eve.heard(SECRET)
    assert eve.heard(b"sesame\n")
    assert not eve.heard("open sesame\nGET")  # across directions there is no text
    assert str(eve.chunks[0]).startswith("→ 0000  47 45 54 5f")


def test_eve_hears_nothing_of_tls(lab: Lab, version: ssl.TLSVersion) -> None:
    with serve(lab.mtls()) as backend, Relay(backend) as eve:
        exchange = ask("GET_SECRET", eve, context=lab.device("valid", version))
    assert exchange.ok
    assert exchange.backend is not None
    assert exchange.backend.peer == "CN=trusted-client"
    assert not eve.heard("GET_SECRET")
    assert not eve.heard(SECRET)
    assert eve.heard("localhost")  # the server name
    # Who the device is shows in TLS 1.2 only: 1.3 encrypts its certificate.
    assert eve.heard("trusted-client") is (version is ssl.TLSVersion.TLSv1_2)


def test_connections_are_kept_apart() -> None:
    with serve() as backend, Relay(backend) as eve:
        ask("PING", eve)
        ask("GET_SECRET", eve)
    assert [(c.connection, c.index, c.direction) for c in eve.chunks] == [
        (0, 0, UP),
        (0, 0, DOWN),
        (1, 0, UP),
        (1, 0, DOWN),
    ]
    assert eve.stream(UP, connection=1) == b"GET_SECRET\n"
    assert eve.stream(UP) == b"PING\nGET_SECRET\n"


def test_many_connections_at_once(lab: Lab) -> None:
    context, results = lab.device(), list[bool]()
    threads = [
        threading.Thread(target=lambda: results.append(ask("GET_SECRET", eve, context=context).ok))
        for _ in range(20)
    ]
    with serve(lab.mtls()) as backend, Relay(backend) as eve:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG)
    assert results == [True] * 20


def test_a_relay_of_a_relay(lab: Lab, version: ssl.TLSVersion) -> None:
    with serve(lab.mtls()) as backend, Relay(backend) as far, Relay(far) as near:
        exchange = ask("GET_SECRET", near, context=lab.device("valid", version))
    assert exchange.ok
    assert exchange.backend is not None
    assert exchange.backend.peer == "CN=trusted-client"
    # The last words may be lost at stop, on the way from one to the other.
    assert near.stream(UP).startswith(far.stream(UP))
    assert far.stream(DOWN).startswith(near.stream(DOWN))


def test_what_is_heard_stays_after_stop() -> None:
    with serve() as backend:
        eve = Relay(backend)
        ask("GET_SECRET", eve)
        eve.stop()
        eve.stop()
    assert eve.heard(SECRET)
    with pytest.raises(ConnectionRefusedError):
        connect(eve.address)


# --- Mallory changes


def test_a_changed_reply() -> None:
    with serve() as backend, Relay(backend, tamper=replace(SECRET, "nothing here")) as mallory:
        exchange = ask("GET_SECRET", mallory)
    assert exchange.reply == "nothing here"
    assert exchange.ok  # nobody notices
    assert mallory.chunks[1].heard == b"open sesame\n"
    assert mallory.chunks[1].sent == b"nothing here\n"


def test_a_changed_command() -> None:
    with serve() as backend, Relay(backend, tamper=replace(b"PING", b"GET_SECRET")) as mallory:
        exchange = ask("PING", mallory)
    assert exchange.reply == SECRET
    assert exchange.backend is not None
    assert exchange.backend.received == ("GET_SECRET",)


def test_a_tamper_sees_whole_lines_however_they_are_sent() -> None:
    with (
        serve() as backend,
        Relay(backend, tamper=replace("PING", "GET_SECRET")) as mallory,
        connect(mallory.address) as client,
    ):
        for byte in b"PING\nPING\n":
            client.sendall(bytes([byte]))
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b"open sesame\nopen sesame\n"


def test_a_tamper_that_takes_its_time_holds_nothing_back_that_passed_before() -> None:
    arrived = threading.Event()
    waited: list[bool] = []

    def slow(chunk: Chunk) -> bytes:
        if chunk.heard == b"HELP\n":
            waited.append(arrived.wait(LONG))
        return chunk.heard

    def observe(what: str, *_: object) -> None:
        if what == "command":
            arrived.set()

    with (
        serve(observe=observe) as backend,
        Relay(backend, tamper=slow) as mallory,
        connect(mallory.address) as client,
    ):
        client.sendall(b"PING\nHELP\n")
        client.shutdown(socket.SHUT_WR)
        assert read_all(client).startswith(b"PONG\n")
    assert waited == [True]


def test_many_lines_in_one_piece_are_written_down_one_by_one_and_pass_in_order() -> None:
    lines = [f"{number:04x}\n".encode() for number in range(20_000)]
    with serve(answer=lambda command, _: command) as backend, Relay(backend) as eve:
        with connect(eve.address) as client:
            sending = threading.Thread(target=lambda: client.sendall(b"".join(lines)))
            sending.start()
            with client.makefile("rb") as replies:
                assert [replies.readline() for _ in lines] == lines
            sending.join()
        heard = [chunk for chunk in eve.chunks if chunk.direction is UP]
        assert [chunk.heard for chunk in heard] == lines[: len(heard)]
        assert [chunk.index for chunk in heard] == list(range(len(heard)))
        assert len(eve.chunks) == relay.REMEMBERED
        assert eve.forgotten == 2 * len(lines) - relay.REMEMBERED


class Changing(Relay):
    """A relay whose tampering function another cell sets and takes away all the time."""

    looks = 0

    @property
    def tamper(self) -> Tamper | None:
        self.looks += 1
        return None if self.looks % 2 else lambda chunk: chunk.heard

    @tamper.setter
    def tamper(self, tamper: Tamper | None) -> None:
        pass


def test_a_tamper_that_comes_and_goes_gets_whole_lines() -> None:
    with serve() as backend, Changing(backend) as mallory:
        with connect(mallory.address) as client, client.makefile("rb") as replies:
            for _ in range(4):
                client.sendall(b"PING\nPING\n")
                assert replies.read(10) == b"PONG\n" * 2
        assert {chunk.heard for chunk in mallory.chunks} == {b"PING\n", b"PONG\n"}
        assert all(chunk.sent == chunk.heard for chunk in mallory.chunks)
        for direction in Direction:
            heard = [chunk.index for chunk in mallory.chunks if chunk.direction is direction]
            assert heard == list(range(8))


def command_index(relay: Relay) -> int:
    """The last record of the device that is longer than a close_notify."""
    sent = [c for c in relay.chunks if c.direction is UP and c.heard[0] == 23]
    return max(c.index for c in sent if len(c.heard) > 5 + 2 + 8 + 16)


@pytest.mark.parametrize("direction", [UP, DOWN], ids=["command", "reply"])
def test_a_flipped_bit(lab: Lab, version: ssl.TLSVersion, direction: Direction) -> None:
    """Who decrypts the record notices; the other one is told."""
    context = lab.device("valid", version)
    with serve(lab.mtls()) as backend, Relay(backend) as mallory:
        assert ask("GET_SECRET", mallory, context=context).ok
        index = command_index(mallory) if direction is UP else reply_index(mallory)
        mallory.tamper = flip_bit(index, direction)
        exchange = ask("GET_SECRET", mallory, context=context)
    notices = (Stage.APPLICATION, "SSLError", "RECORD_LAYER_FAILURE")
    is_told = (Stage.APPLICATION, "SSLError", "SSLV3_ALERT_BAD_RECORD_MAC")
    first_read = (Stage.FIRST_READ, *notices[1:])
    if direction is UP:
        assert told(exchange) == ((Stage.FIRST_READ, *is_told[1:]), notices)
    else:
        assert told(exchange) == (first_read, is_told)
    assert exchange.reply is None


def test_any_bit_of_a_record_will_do(lab: Lab) -> None:
    context = lab.device("valid", ssl.TLSVersion.TLSv1_3)
    with serve(lab.mtls()) as backend, Relay(backend) as mallory:
        assert ask("GET_SECRET", mallory, context=context).ok
        index = reply_index(mallory)
        record = [c.heard for c in mallory.chunks if c.direction is DOWN][index]
        for bit in range(0, 8 * (len(record) - 5), 13):  # of what follows the header
            mallory.tamper = flip_bit(index, bit=bit)
            exchange = ask("GET_SECRET", mallory, context=context)
            assert told(exchange)[0] == (
                Stage.FIRST_READ,
                "SSLError",
                "RECORD_LAYER_FAILURE",
            )


def test_flipping_is_exact() -> None:
    chunk = Chunk(0, 2, DOWN, b"\0\0\x80")
    assert flip_bit(2)(chunk) == b"\0\0\x81"
    assert flip_bit(2, bit=7)(chunk) == b"\0\0\0"
    assert flip_bit(2, bit=23)(chunk) == b"\x80\0\x80"
    assert flip_bit(2, bit=24)(chunk) == b"\0\0\x81"
    assert flip_bit(1)(chunk) == flip_bit(2, UP)(chunk) == chunk.heard


# --- Mallory cuts


def test_a_cut_reply(lab: Lab, version: ssl.TLSVersion) -> None:
    """TLS tells an end from a cut: the goodbye is missing."""
    context = lab.device("valid", version)
    with serve(lab.mtls()) as backend, Relay(backend) as mallory:
        assert ask("GET_SECRET", mallory, context=context).ok
        mallory.tamper = cut(reply_index(mallory))
        exchange = ask("GET_SECRET", mallory, context=context)
    assert told(exchange)[0] == (Stage.FIRST_READ, "SSLEOFError", "UNEXPECTED_EOF_WHILE_READING")
    assert exchange.backend is not None
    assert exchange.backend.received == ("GET_SECRET",)


def test_a_cut_handshake(lab: Lab, version: ssl.TLSVersion) -> None:
    with serve(lab.mtls()) as backend, Relay(backend, tamper=cut(0)) as mallory:
        exchange = ask("GET_SECRET", mallory, context=lab.device("valid", version))
    eof = (Stage.HANDSHAKE, "SSLEOFError", "UNEXPECTED_EOF_WHILE_READING")
    assert told(exchange) == (eof, eof)


def test_a_cut_plain_connection() -> None:
    with serve() as backend, Relay(backend, tamper=cut(0)) as mallory:
        exchange = ask("GET_SECRET", mallory)
    assert told(exchange) == ((Stage.APPLICATION, "EOFError", ""), None)
    assert mallory.chunks[-1].sent is None


# --- Mallory repeats


def test_a_replayed_command_is_served_again() -> None:
    with serve() as backend, Relay(backend) as mallory:
        ask("GET_SECRET", mallory)
        assert mallory.replay() == b"open sesame\n"
        assert [side.received for side in backend.connections] == [("GET_SECRET",)] * 2


def test_a_replay_of_tls_is_refused(lab: Lab, version: ssl.TLSVersion) -> None:
    """The server's random number is another one, so no recorded message fits."""
    with serve(lab.mtls()) as backend, Relay(backend) as mallory:
        ask("GET_SECRET", mallory, context=lab.device("valid", version))
        answer = mallory.replay()
        assert answer[:1] == b"\x16"  # a ServerHello, and never the secret
        replayed = backend.connections[-1]
    assert len(backend.connections) == 2
    assert (replayed.stage, replayed.received) == (Stage.HANDSHAKE, ())
    assert replayed.failure is not None
    assert replayed.failure.error == "SSLError"


def test_replay_picks_a_connection() -> None:
    with serve() as backend, Relay(backend) as mallory:
        ask("PING", mallory)
        ask("GET_SECRET", mallory)
        assert mallory.replay(0) == b"PONG\n"
        assert mallory.replay(1) == b"open sesame\n"
        assert mallory.replay(2) == b""


# --- Mallory pretends


@contextmanager
def in_the_middle(lab: Lab, backend: Backend, *, onward: str = "valid") -> Iterator[Relay]:
    """Mallory with a certificate of her own, and some credential for the backend."""
    files = lab.store.files("self_signed")
    assert files is not None
    pretend = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pretend.load_cert_chain(files[0], files[1])
    with Relay(backend, server_context=pretend, upstream_context=lab.device(onward)) as mallory:
        yield mallory


def careless(version: ssl.TLSVersion) -> ssl.SSLContext:
    """A device that checks nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    return context


def test_a_device_that_checks_nothing_is_read(lab: Lab, version: ssl.TLSVersion) -> None:
    with serve(lab.tls()) as backend, in_the_middle(lab, backend) as mallory:
        exchange = ask("GET_SECRET", mallory, context=careless(version))
    assert exchange.ok
    assert exchange.reply == SECRET
    assert mallory.heard(SECRET)
    assert mallory.heard("GET_SECRET")


def test_and_its_words_are_changed(lab: Lab, version: ssl.TLSVersion) -> None:
    with serve(lab.tls()) as backend, in_the_middle(lab, backend) as mallory:
        mallory.tamper = replace(SECRET, "a lie")
        exchange = ask("GET_SECRET", mallory, context=careless(version))
    assert exchange.reply == "a lie"


def test_a_device_that_checks_is_not(lab: Lab, version: ssl.TLSVersion) -> None:
    with serve(lab.tls()) as backend, in_the_middle(lab, backend) as mallory:
        exchange = ask("GET_SECRET", mallory, context=lab.device("none", version))
    assert exchange.device.failure is not None
    assert exchange.device.failure.verify_code == 18
    assert exchange.device.stage is Stage.HANDSHAKE
    assert mallory.chunks == ()


def test_a_backend_that_checks_refuses_mallory(lab: Lab, version: ssl.TLSVersion) -> None:
    """Mutual TLS protects even a careless device's secret from Mallory, who has no certificate."""
    with serve(lab.mtls()) as backend, in_the_middle(lab, backend, onward="none") as mallory:
        exchange = ask("GET_SECRET", mallory, context=careless(version))
    assert exchange.reply is None
    assert exchange.backend is not None
    assert exchange.backend.failure is not None
    assert exchange.backend.failure.reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE"
    assert not mallory.heard(SECRET)


def test_a_device_may_take_its_time_with_mallory(lab: Lab) -> None:
    """The backend's session tickets arrive first; they must not keep her from the command."""
    reached = threading.Event()

    def authorize(_: object) -> bool:
        reached.set()
        return True

    with (
        serve(lab.tls(), authorize=authorize) as backend,
        in_the_middle(lab, backend) as mallory,
        connect(mallory.address) as raw,
        careless(ssl.TLSVersion.TLSv1_3).wrap_socket(raw) as client,
    ):
        assert reached.wait(LONG)
        client.settimeout(5)
        client.sendall(b"GET_SECRET\n")
        assert client.recv(100) == b"open sesame\n"


# --- When something is wrong


def test_no_backend_behind_the_relay(lab: Lab) -> None:
    backend = serve()
    with Relay(backend) as eve:
        backend.stop()
        plain = ask("GET_SECRET", eve)
        tls = ask("GET_SECRET", eve, context=lab.device())
    assert told(plain) == ((Stage.APPLICATION, "EOFError", ""), None)
    assert told(tls) == (
        (Stage.HANDSHAKE, "SSLEOFError", "UNEXPECTED_EOF_WHILE_READING"),
        None,
    )
    assert plain.backend is tls.backend is None


def test_a_relay_of_an_address_does_not_know_the_backends_side() -> None:
    with serve() as backend, Relay(backend.address) as eve:
        exchange = ask("GET_SECRET", eve)
    assert len(backend.connections) == 1
    assert (exchange.reply, exchange.backend) == (SECRET, None)


def test_wait_for_times_out() -> None:
    with serve() as backend, Relay(backend) as eve, pytest.raises(TimeoutError):
        eve.wait_for(("127.0.0.1", 1), timeout=0)


@pytest.mark.parametrize(
    ("tamper", "what"),
    [
        (lambda _: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda _: "text", "TypeError: it returned str"),
    ],
    ids=["raises", "returns text"],
)
def test_a_tamper_that_fails(tamper: Callable[[Chunk], bytes], what: str) -> None:
    with serve() as backend:
        mallory = Relay(backend, tamper=tamper)
        exchange = ask("GET_SECRET", mallory)
        with pytest.raises(TamperFailed) as caught:
            mallory.stop()
        mallory.stop()
    assert told(exchange)[0] == (Stage.APPLICATION, "EOFError", "")
    assert str(caught.value) == (
        f"Found:    a tampering function that failed, with {what}\n"
        "Expected: a function that takes a Chunk and returns bytes, or None to cut\n"
        "To do:    correct the function; the connection was cut at this chunk"
    )


# --- The end


@pytest.mark.parametrize("pretends", [False, True], ids=["passes on", "pretends"])
def test_stop_leaves_nothing(lab: Lab, *, pretends: bool) -> None:
    before = leftovers()
    with serve(lab.tls()) as backend, ExitStack() as stack:
        relay = Relay(backend, server_context=lab.tls() if pretends else None)
        for _ in range(10):
            client = stack.enter_context(connect(relay.address))
            client.sendall(b"\x16\3\1")
        ask("PING", relay)  # by now all of them have a thread
        relay.stop()
        backend.stop()
        threads = {thread.name for thread in threading.enumerate()}
        assert not any("relay" in name for name in threads)
        stack.close()
        assert leftovers() <= before


@contextmanager
def mute() -> Iterator[Address]:
    """A server that takes connections, reads nothing, says nothing and never closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        yield host, port


@pytest.mark.parametrize("sent", [b"", b"PING\n", b"x" * 10_000_000], ids=["0", "5", "10 MB"])
def test_stop_does_not_wait_for_a_backend_that_never_answers(sent: bytes) -> None:
    before = leftovers()
    with mute() as address:
        relay = Relay(address)
        with connect(relay.address) as client:
            client.settimeout(0)
            assert sent == b"" or client.send(sent) > 0
            relay._through.take(name_of(client), LONG)  # it is connected to both
            stopping = threading.Thread(target=relay.stop)
            stopping.start()
            stopping.join(LONG / 5)
            hangs = stopping.is_alive()
    stopping.join(LONG)
    assert not hangs
    assert leftovers() <= before


def test_what_is_too_much_to_remember_passes_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "REMEMBERED_BYTES", 12)
    with serve() as backend, Relay(backend) as eve:
        assert [ask("PING", eve).reply for _ in range(3)] == ["PONG"] * 3
        assert [chunk.heard for chunk in eve.chunks] == [b"PING\n", b"PONG\n"]
        assert eve.forgotten == 4


def test_bytes_that_are_neither_record_nor_line_pass_as_they_come() -> None:
    request = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"  # PostgreSQL's SSLRequest
    with ExitStack() as opened:
        server = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        relay = opened.enter_context(Relay(server.getsockname(), whole=False))
        client = opened.enter_context(socket.create_connection(relay.address, 5))
        client.sendall(request)
        accepted = opened.enter_context(server.accept()[0])
        accepted.settimeout(5)
        assert accepted.recv(64) == request
        accepted.sendall(b"S")
        assert client.recv(64) == b"S"
        assert [chunk.heard for chunk in relay.chunks] == [request, b"S"]


# --- Time-outs


@contextmanager
def full_house() -> Iterator[Address]:
    """An address that answers nobody: its queue is full, and it accepts none."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            guest = stack.enter_context(socket.socket())
            guest.settimeout(0)
            guest.connect_ex(listener.getsockname())
        host, port = listener.getsockname()
        yield host, port


@pytest.mark.skipif(sys.platform != "linux", reason="what a full queue does, a system decides")
def test_stop_ends_a_connection_that_is_only_being_made(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()
    real = clock.addresses

    def addresses(host: str, port: int, until: clock.Clock) -> list[tuple[int, Address]]:
        begun.set()
        return real(host, port, until)

    monkeypatch.setattr(relay, "addresses", addresses)
    monkeypatch.setattr(relay, "TIMEOUT", LONG)
    with full_house() as address:
        eve = Relay(address)
        with connect(eve.address):
            assert begun.wait(LONG)
            began = time.monotonic()
            eve.stop()
    assert time.monotonic() - began < LONG / 2


def test_a_backend_that_is_not_there_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "TIMEOUT", 0.2)
    with full_house() as address, Relay(address) as eve:
        exchange = ask("GET_SECRET", eve)
    assert told(exchange) == ((Stage.APPLICATION, "EOFError", ""), None)


class Half:
    """A mailbox, and a backend, that take half of the time that they have."""

    elsewhere = False
    address = ("127.0.0.1", 1)

    def __init__(self, now: list[float]) -> None:
        self._now = now

    def take(self, peer: Address, timeout: float) -> Address:
        self._now[0] += timeout / 2
        return peer

    def wait_for(self, peer: Address, timeout: float = 5.0) -> Side:
        self._now[0] += timeout
        raise TimeoutError(peer)


def test_both_waits_have_one_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    half = Half(now)
    with Relay(half) as eve, monkeypatch.context() as patched:
        patched.setattr(time, "monotonic", lambda: now[0])
        patched.setattr(eve, "_through", half)
        with pytest.raises(TimeoutError):
            eve.wait_for(("127.0.0.1", 2), timeout=8)
    assert now == [8.0]


def test_a_replay_that_drips_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend that sends a byte a second, on a clock of ours, is heard for eight of them."""
    now = [0.0]

    class Dripping(socket.socket):
        def recv(self, _size: int) -> bytes:  # type: ignore[override]
            allowed = self.gettimeout() or 0
            now[0] += min(1, allowed)
            if allowed < 1:
                raise TimeoutError("timed out")
            return b"x"

    def create_connection(address: Address, timeout: float) -> socket.socket:
        client = Dripping()
        client.settimeout(timeout)
        client.connect(address)
        return client

    with serve() as backend, Relay(backend) as mallory, monkeypatch.context() as patched:
        patched.setattr(time, "monotonic", lambda: now[0])
        patched.setattr(socket, "create_connection", create_connection)
        assert mallory.replay(timeout=8) == b"x" * 8
    assert now == [pytest.approx(8, abs=0.01)]


def test_a_replay_is_heard_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(secret="x" * 500) as backend, Relay(backend) as mallory:
        with connect(mallory.address) as device:
            device.sendall(b"GET_SECRET\n" * 100)
            device.shutdown(socket.SHUT_WR)
            assert len(read_all(device)) == 100 * 501
        monkeypatch.setattr(relay, "REMEMBERED_BYTES", 1000)
        assert 1000 <= len(mallory.replay()) < 1000 + 4096

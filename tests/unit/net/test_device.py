"""Every way in which `ask` fails, on both sides, with the exact error. Success: test_backend.py."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from mtls_lab import CertificateAuthority, Failure, Relay, Side, Stage, ask, pki, serve
from mtls_lab.net import Address, client_context, device
from mtls_lab.net.recording import RecordedSocket
from mtls_lab.pki import Identity, Purpose
from mtls_lab.wire import SECRET
from tests.unit.lab import LONG, VERSIONS, Lab, read_all, served_with, spelled

#: Expected to elapse; nothing else has to happen in it but a connection on this machine.
SHORT = 0.5
VERIFY_FAILED = "CERTIFICATE_VERIFY_FAILED"


def told(side: Side | None) -> tuple[Stage, str, str, int | None]:
    """Stage, class, reason and verify code of a failure."""
    assert side is not None
    assert side.failure is not None
    return side.stage, side.failure.error, side.failure.reason, side.failure.verify_code


@contextmanager
def stranger(behave: Callable[[socket.socket], object]) -> Iterator[Address]:
    """A server that is not ours: it does one thing with one client, and waits for its end."""

    def run() -> None:
        client, _ = listener.accept()
        with client:
            behave(client)
            read_all(client)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run)
        thread.start()
        try:
            host, port = listener.getsockname()
            yield host, port
        finally:
            thread.join(LONG)


# --- Before there is a connection


def test_nobody_listens() -> None:
    with socket.socket() as bound:  # taken, so that nobody else gets this port
        bound.bind(("127.0.0.1", 0))
        exchange = ask("GET_SECRET", bound.getsockname())
    assert exchange.device == Side(
        "device",
        Stage.CONNECT,
        Failure("ConnectionRefusedError", "ECONNREFUSED", text="Connection refused"),
    )
    assert exchange.backend is None
    assert str(exchange).splitlines()[1] == "backend  saw no connection"


def test_no_server_name(lab: Lab) -> None:
    """Python refuses to leave the host unchecked by accident; nothing is sent."""
    with serve(lab.tls()) as backend:
        exchange = ask("GET_SECRET", backend, context=lab.device(), server_hostname=None)
        assert len(backend.connections) == 0
    assert exchange.device == Side(
        "device", Stage.SETUP, Failure("ValueError", text="check_hostname requires server_hostname")
    )
    assert exchange.backend is None


def test_a_key_of_another_certificate(lab: Lab) -> None:
    with serve(lab.mtls()) as backend:
        exchange = ask("GET_SECRET", backend, context=lambda: lab.device("wrong_key"))
        assert len(backend.connections) == 0
    assert told(exchange.device) == (Stage.SETUP, "SSLError", "KEY_VALUES_MISMATCH", None)


def test_a_file_that_is_missing(lab: Lab) -> None:
    with serve(lab.tls()) as backend:
        exchange = ask("PING", backend, context=lambda: client_context(lab.folder / "missing"))
    assert told(exchange.device) == (Stage.SETUP, "FileNotFoundError", "ENOENT", None)


@pytest.mark.parametrize("command", ["PING\nGET_SECRET", "PING\n", "\n"])
def test_a_command_is_one_line(command: str) -> None:
    with (
        serve() as backend,
        pytest.raises(ValueError, match="one command is one line, and this is more: "),
    ):
        ask(command, backend)


# --- The device does not trust the backend


@dataclass
class Case:
    """A server certificate that the device refuses, and what each side is told."""

    server: Callable[[CertificateAuthority], Identity]
    verify_code: int
    alert: str
    name: str = "localhost"


CASES = {
    "another host": Case(
        lambda ca: ca.issue_server(["backend.example"]), 62, "SSLV3_ALERT_BAD_CERTIFICATE"
    ),
    "another address": Case(
        lambda ca: ca.issue_server(["localhost", "192.0.2.1"]),
        64,
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "127.0.0.1",
    ),
    "another CA": Case(
        lambda _: CertificateAuthority.create("Mallory CA").issue_server(["localhost"]),
        20,
        "TLSV1_ALERT_UNKNOWN_CA",
    ),
    "same-named CA": Case(
        lambda _: CertificateAuthority.create("Lab CA").issue_server(["localhost"]),
        20,
        "TLSV1_ALERT_UNKNOWN_CA",
    ),
    "self-signed": Case(
        lambda _: pki.self_signed("localhost", Purpose.SERVER, names=["localhost"]),
        18,
        "TLSV1_ALERT_UNKNOWN_CA",
    ),
    "expired": Case(
        lambda ca: ca.issue("x", Purpose.SERVER, names=["localhost"], valid_days=(-30, -1)),
        10,
        "SSLV3_ALERT_CERTIFICATE_EXPIRED",
    ),
    "not yet valid": Case(
        lambda ca: ca.issue("x", Purpose.SERVER, names=["localhost"], valid_days=(1, 30)),
        9,
        "SSLV3_ALERT_BAD_CERTIFICATE",
    ),
    "a client's": Case(
        lambda ca: ca.issue("x", Purpose.CLIENT, names=["localhost"]),
        26,
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_untrusted_backend(
    lab: Lab, tmp_path: Path, version: ssl.TLSVersion, case: Case
) -> None:
    context = served_with(case.server(lab.ca), tmp_path)
    with serve(context) as backend:
        exchange = ask(
            "GET_SECRET",
            backend,
            context=lab.device("none", version),
            server_hostname=case.name,
        )
    assert told(exchange.device) == (
        Stage.HANDSHAKE,
        "SSLCertVerificationError",
        VERIFY_FAILED,
        case.verify_code,
    )
    assert told(exchange.backend) == (Stage.HANDSHAKE, "SSLError", case.alert, None)
    assert exchange.reply is None


@pytest.mark.parametrize(("kind", "code"), [("tls", 20), ("mtls", 19)])
def test_a_device_without_a_ca(lab: Lab, version: ssl.TLSVersion, kind: str, code: int) -> None:
    """A backend that has the CA in its own store sends it along, which changes the words only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = context.maximum_version = version
    with serve(getattr(lab, kind)()) as backend:
        exchange = ask("GET_SECRET", backend, context=context)
    error = (Stage.HANDSHAKE, "SSLCertVerificationError", VERIFY_FAILED, code)
    assert told(exchange.device) == error
    assert told(exchange.backend)[2] == "TLSV1_ALERT_UNKNOWN_CA"


def test_an_address_in_the_certificate_is_a_name_too(lab: Lab, version: ssl.TLSVersion) -> None:
    with serve(lab.tls()) as backend:
        exchange = ask(
            "PING", backend, context=lab.device("none", version), server_hostname="127.0.0.1"
        )
    assert exchange.ok


@pytest.mark.parametrize("newer", [True, False], ids=["device newer", "backend newer"])
def test_no_version_in_common(lab: Lab, *, newer: bool) -> None:
    ours, theirs = VERSIONS if newer else VERSIONS[::-1]
    context = lab.tls()
    context.minimum_version = context.maximum_version = theirs
    with serve(context) as backend:
        exchange = ask("PING", backend, context=lab.device("none", ours))
    alert = "TLSV1_ALERT_PROTOCOL_VERSION"
    assert told(exchange.device) == (Stage.HANDSHAKE, "SSLError", alert, None)
    assert told(exchange.backend) == (Stage.HANDSHAKE, "SSLError", "UNSUPPORTED_PROTOCOL", None)


# --- An address instead of a backend


def test_a_backend_elsewhere_keeps_its_side(lab: Lab, version: ssl.TLSVersion) -> None:
    with serve(lab.mtls()) as backend:
        exchange = ask("GET_SECRET", backend.address, context=lab.device("valid", version))
    assert (exchange.reply, exchange.backend, exchange.ok) == (SECRET, None, True)
    assert exchange.device.version == spelled(version)


# --- Servers that are not ours


def test_a_silent_server(lab: Lab) -> None:
    with stranger(lambda _: None) as address:
        exchange = ask("PING", address, timeout=SHORT)
    assert told(exchange.device) == (Stage.APPLICATION, "TimeoutError", "TIMED_OUT", None)
    with stranger(lambda _: None) as address:
        exchange = ask("PING", address, context=lab.device(), timeout=SHORT)
    assert told(exchange.device) == (Stage.HANDSHAKE, "TimeoutError", "TIMED_OUT", None)


def flood(client: socket.socket) -> None:
    client.sendall(b"and so on " * 1000)


@pytest.mark.parametrize(
    ("behave", "error", "text"),
    [
        (flood, "ProtocolError", "the line is longer than 1024 bytes"),
        (
            lambda client: client.sendall(b"\x1b]0;title\x07\n"),
            "ProtocolError",
            "this is not text: a line may hold no control characters",
        ),
        (
            lambda client: client.sendall(b"\xff\xfe\n"),
            "ProtocolError",
            "this is not text: the line is not UTF-8",
        ),
        (
            lambda client: client.shutdown(socket.SHUT_WR),
            "EOFError",
            "the connection was closed without a reply",
        ),
        (
            lambda client: (client.sendall(b"half a"), client.shutdown(socket.SHUT_WR)),
            "EOFError",
            "the connection was closed without a reply",
        ),
    ],
    ids=["without end", "control characters", "not UTF-8", "none", "half"],
)
def test_a_reply_that_is_no_line(
    behave: Callable[[socket.socket], object], error: str, text: str
) -> None:
    with stranger(behave) as address:
        exchange = ask("PING", address)
    assert exchange.device == Side("device", Stage.APPLICATION, Failure(error, text=text))
    assert exchange.reply is None


def test_a_reply_that_comes_byte_by_byte_has_its_time() -> None:
    """The time-out is for the whole exchange, not for each byte."""

    def drip(client: socket.socket) -> None:
        client.settimeout(0.005)
        data = b"PING"
        while data:
            with suppress(TimeoutError):
                data = client.recv(100)
            client.sendall(b"x")

    with stranger(drip) as address:
        exchange = ask("PING", address, timeout=SHORT)
    assert told(exchange.device) == (Stage.APPLICATION, "TimeoutError", "TIMED_OUT", None)


def test_several_lines_at_once() -> None:
    with stranger(lambda client: client.sendall(b"one\ntwo\n")) as address:
        exchange = ask("PING", address)
    assert exchange.device.received == ("one", "two")
    assert exchange.reply == "two"


# --- A backend whose side is not known here


def test_a_backend_of_another_process() -> None:
    """An address may be anybody's: what the backend saw is not known, and nothing is claimed."""
    with serve() as backend, Relay(backend.address) as relay:
        seen_from_here = [ask("PING", backend.address), ask("PING", relay)]
    for seen in seen_from_here:
        assert (seen.reply, seen.backend) == ("PONG", None)
        assert str(seen).splitlines()[1] == "backend  is not in this process: see its own log"


def test_a_backend_that_has_not_finished() -> None:
    """Its rule is still thinking when the device gives up."""
    thought = threading.Event()
    with serve(authorize=lambda _: thought.wait(LONG)) as backend:
        seen = ask("PING", backend, timeout=SHORT)
        (thinking,) = (each for each in threading.enumerate() if "connection" in each.name)
        thought.set()
        thinking.join(LONG)
    assert told(seen.device) == (Stage.APPLICATION, "TimeoutError", "TIMED_OUT", None)
    assert str(seen).splitlines()[1] == f"backend  had not finished after {SHORT:g} s"


class Recorded:
    """A backend that never answers, and notes how long it was waited for."""

    elsewhere = False

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.waited = 0.0

    def wait_for(self, peer: tuple[str, int], timeout: float = 5.0) -> Side | None:
        self.waited = timeout
        raise TimeoutError(peer)


@pytest.mark.parametrize("timeout", [SHORT, 0.3])
def test_a_timeout_is_one(monkeypatch: pytest.MonkeyPatch, timeout: float) -> None:
    waits: list[float] = []

    def hang_up(connection: socket.socket, *, wait: float) -> None:
        waits.append(wait)
        connection.close()

    monkeypatch.setattr(device, "hang_up", hang_up)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        backend = Recorded(silent.getsockname())
        seen = ask("PING", backend, timeout=timeout)
    assert told(seen.device) == (Stage.APPLICATION, "TimeoutError", "TIMED_OUT", None)
    (hung_up,) = waits
    assert 0 <= backend.waited <= hung_up <= device.GRACE  # for both together


class Slow(RecordedSocket):
    """A socket on which every step takes most of the time-out that it has, on a clock of ours."""

    now = 0.0

    def spend(self, share: float) -> None:
        assert self.clock is not None
        Slow.now += self.clock.left * share

    def connect(self, _address: Address) -> None:  # type: ignore[override]
        self.spend(0.5)

    def do_handshake(self) -> None:
        self.spend(0.5)
        raise TimeoutError("timed out")

    def sendall(self, _data: bytes) -> None:  # type: ignore[override]
        self.spend(0.5)

    def recv(self, _size: int) -> bytes:  # type: ignore[override]
        self.spend(1)
        raise TimeoutError("timed out")


@pytest.mark.parametrize("over", ["TCP", "TLS"])
def test_all_steps_have_one_timeout(monkeypatch: pytest.MonkeyPatch, lab: Lab, over: str) -> None:
    """Half of what is left to connect, half of that to send, the rest to wait; then the grace."""
    waits: list[float] = []

    def hang_up(connection: socket.socket, *, wait: float) -> None:
        waits.append(wait)
        Slow.now += wait
        connection.close()

    Slow.now = 0.0
    backend = Recorded(("127.0.0.1", 1))
    context = lab.device() if over == "TLS" else None
    with monkeypatch.context() as patched:
        patched.setattr(time, "monotonic", lambda: Slow.now)
        patched.setattr(device, "RecordedSocket", Slow)
        patched.setattr(device, "hang_up", hang_up)
        seen = ask("PING", backend, context=context, timeout=8)
    assert told(seen.device)[1] == "TimeoutError"
    spent = {"TCP": 8.0, "TLS": 6.0}[over]  # in TLS, time is left when the handshake has failed
    assert waits == pytest.approx([max(8 - spent, device.GRACE)])
    assert pytest.approx(max(8, spent + device.GRACE)) == Slow.now
    assert backend.waited == pytest.approx(0.001)


def test_the_time_begins_once_there_is_a_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody types a password, or a TPM loads a key: that is not the exchange."""
    now = [0.0]

    def typed() -> None:
        now[0] += 100

    with serve() as backend, monkeypatch.context() as patched:
        patched.setattr(time, "monotonic", lambda: now[0])
        seen = ask("PING", backend.address, context=typed, timeout=8)
    assert seen.reply == "PONG"


def test_a_name_without_an_address_is_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number says something else on each system: -2 on Linux, 8 on macOS."""

    def nobody(*_: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "nobody knows it")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    seen = ask("PING", ("nobody.example", 1))
    assert str(seen.device.failure) == "gaierror: EAI_NONAME"


def test_a_name_is_looked_up_within_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver of the system is silent: the device is not."""
    asked, answered = threading.Event(), threading.Event()
    real = socket.getaddrinfo

    def silent(host: str, port: int, family: int, kind: int, protocol: int, flags: int) -> object:
        if not flags & socket.AI_NUMERICHOST:
            asked.set()
            answered.wait(LONG)
            raise socket.gaierror(socket.EAI_NONAME, "nobody knows it")
        return real(host, port, family, kind, protocol, flags)

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    seen = ask("PING", ("nobody.example", 1), timeout=SHORT)
    answered.set()
    assert asked.is_set()
    assert told(seen.device)[:2] == (Stage.CONNECT, "TimeoutError")
    (thread,) = (each for each in threading.enumerate() if each.name == "lab resolver")
    thread.join(LONG)

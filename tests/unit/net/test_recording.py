"""What the device writes down, and where the secrets of a connection are while it does."""

import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mtls_lab import Direction, Exchange, FileProblem, Relay, ask, serve, watch
from mtls_lab.common import LabError
from mtls_lab.net import nobody_listens
from mtls_lab.net.clock import Clock
from mtls_lab.net.recording import MOST, RecordedSocket, key_log
from mtls_lab.wire import Recording
from mtls_lab.wire.records import APPLICATION_DATA
from tests.unit.lab import LONG, Lab

UP, DOWN = Direction.TO_BACKEND, Direction.TO_DEVICE


def recorded(exchange: Exchange) -> Recording:
    assert exchange.recording is not None
    return exchange.recording


def read_aloud(exchange: Exchange) -> list[bytes | None]:
    records = recorded(exchange).records
    return [record.content for record in records if record.type == APPLICATION_DATA]


def closed_log(context: ssl.SSLContext) -> bool:
    """Whether this context writes no key log."""
    return not context.keylog_filename


@pytest.fixture
def folder_of_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are made, for this test alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_without_tls_every_line_is_recorded() -> None:
    with serve() as backend:
        exchange = ask("GET_SECRET", backend)
        address = backend.address
    recording = recorded(exchange)
    assert [(each.direction, each.data) for each in recording.passed] == [
        (UP, b"GET_SECRET\n"),
        (DOWN, b"open sesame\n"),
    ]
    assert [each.time for each in recording.passed] == sorted(
        each.time for each in recording.passed
    )
    assert recording.backend == address
    assert recording.device[0] == "127.0.0.1"
    assert (recording.records, recording.secrets, recording.complete) == ((), b"", True)


def test_what_the_device_recorded_is_what_eve_heard(lab: Lab, version: ssl.TLSVersion) -> None:
    with serve(lab.mtls()) as backend, Relay(backend) as eve:
        recording = recorded(ask("GET_SECRET", eve, context=lab.device("valid", version)))
    for direction in Direction:
        own = b"".join(each.data for each in recording.passed if each.direction is direction)
        assert eve.stream(direction).startswith(own)
        assert len(own) > 500


def test_nothing_is_kept_of_a_connection_that_never_was() -> None:
    with nobody_listens() as address:
        exchange = ask("PING", address)
    assert exchange.recording is None
    with pytest.raises(LabError, match="an exchange without a connection"):
        exchange.save_pcapng("never.pcapng")


def test_only_a_watched_context_gives_its_secrets(lab: Lab, folder_of_secrets: Path) -> None:
    context = lab.device()
    with serve(lab.mtls()) as backend:
        closed = ask("GET_SECRET", backend, context=context)
        watch(context)
        opened = ask("GET_SECRET", backend, context=context)
    assert recorded(closed).secrets == b""
    assert b"CLIENT_TRAFFIC_SECRET_0" in recorded(opened).secrets
    assert (read_aloud(closed)[-1], read_aloud(opened)[-1]) == (None, b"open sesame\n")
    assert closed_log(context)
    assert list(folder_of_secrets.iterdir()) == []


def test_secrets_are_not_printed_by_accident(lab: Lab) -> None:
    context = lab.device()
    watch(context)
    with serve(lab.mtls()) as backend:
        exchange = ask("GET_SECRET", backend, context=context)
    secret = recorded(exchange).secrets.split()[-1].decode()
    assert len(secret) >= 64
    for text in (repr(exchange), str(exchange), repr(exchange.recording)):
        assert secret not in text


def test_secrets_of_a_handshake_that_failed(lab: Lab, folder_of_secrets: Path) -> None:
    """They are taken, and nothing is left behind: the device refuses the backend's name."""
    context = lab.device()
    watch(context)
    with serve(lab.mtls()) as backend:
        exchange = ask("GET_SECRET", backend, context=context, server_hostname="example.com")
    assert not exchange.ok
    assert b"SERVER_HANDSHAKE_TRAFFIC_SECRET" in recorded(exchange).secrets
    assert closed_log(context)
    assert list(folder_of_secrets.iterdir()) == []


def test_a_key_log_of_the_learner_goes_on(lab: Lab, tmp_path: Path) -> None:
    own = tmp_path / "keys.log"
    context = lab.device()
    context.keylog_filename = str(own)
    watch(context)
    with serve(lab.mtls()) as backend:
        first = ask("GET_SECRET", backend, context=context)
        second = ask("GET_SECRET", backend, context=context)
    assert str(own) == context.keylog_filename
    context.keylog_filename = None  # type: ignore[assignment] # closes it
    kept = own.read_bytes()
    for exchange in (first, second):
        assert read_aloud(exchange)[-1] == b"open sesame\n"
        assert recorded(exchange).secrets in kept
    assert recorded(first).secrets != recorded(second).secrets


def test_threads_with_one_context_get_their_own_secrets(lab: Lab, folder_of_secrets: Path) -> None:
    context = lab.device()
    watch(context)
    with serve(lab.mtls()) as backend, ThreadPoolExecutor(8) as pool:
        exchanges = list(
            pool.map(lambda _: ask("GET_SECRET", backend, context=context, timeout=LONG), range(24))
        )
    assert {tuple(read_aloud(each)) for each in exchanges} == {(b"GET_SECRET\n", b"open sesame\n")}
    assert len({recorded(each).secrets for each in exchanges}) == 24
    assert closed_log(context)
    assert list(folder_of_secrets.iterdir()) == []


def test_handshakes_at_the_same_time_share_a_file(folder_of_secrets: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with key_log(context) as outer:
        with key_log(context) as inner:
            assert inner() == outer()
        assert outer().startswith(b"#"), "the first one still needs it"
        assert not closed_log(context)
        assert list(folder_of_secrets.iterdir()) == [], "it has no name that others could open"
    assert closed_log(context)


def test_where_no_file_can_be_written_there_are_no_secrets(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    context = lab.device()
    watch(context)
    with serve(lab.mtls()) as backend:
        exchange = ask("GET_SECRET", backend, context=context)
    assert exchange.ok
    assert recorded(exchange).secrets == b""
    assert closed_log(context)


def test_a_long_connection_is_cut_in_the_recording() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = RecordedSocket()
        with peer:
            peer.settimeout(LONG)
            peer.connect(listener.getsockname())
            other, _ = listener.accept()
            with other:
                thread = threading.Thread(target=other.sendall, args=(bytes(2 * MOST),))
                thread.start()
                got = 0
                while got < 2 * MOST:
                    got += len(peer.recv(65536))
                thread.join()
    recording = peer.recording(("127.0.0.1", 1), ("127.0.0.1", 2))
    assert not recording.complete
    assert MOST - 65536 <= sum(len(each.data) for each in recording.passed) <= MOST


def test_a_handshake_needs_tls() -> None:
    with RecordedSocket() as connection, pytest.raises(ValueError, match="call wrap first"):
        connection.do_handshake()


def test_a_capture_replaces_nothing_unasked(tmp_path: Path) -> None:
    with serve() as backend:
        exchange = ask("GET_SECRET", backend)
    path = tmp_path / "mine.pcapng"
    assert exchange.save_pcapng(path) == path
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    with pytest.raises(FileProblem, match="is there already") as told:
        exchange.save_pcapng(path)
    assert "overwrite=True" in told.value.todo
    assert path.read_bytes() == before
    path.write_bytes(b"old")
    exchange.save_pcapng(path, overwrite=True)
    assert path.read_bytes() == before


def test_a_capture_that_cannot_be_written(tmp_path: Path) -> None:
    with serve() as backend:
        exchange = ask("GET_SECRET", backend)
    with pytest.raises(FileProblem, match="cannot be written"):
        exchange.save_pcapng(tmp_path / "missing" / "mine.pcapng")


class Dripping(RecordedSocket):
    """A byte of a ServerHello without end arrives each second, on a clock of ours."""

    now = 0.0

    def _receive(self, _size: int) -> bytes:
        assert self.clock is not None
        allowed = self.clock.left
        Dripping.now += min(1, allowed)
        if allowed < 1:
            raise TimeoutError("timed out")
        return b"\x16\x03\x03\x10\x00\x02\x00\xff\xff"[: int(Dripping.now)][-1:]

    def _send(self, data: bytes) -> None:
        """To nobody."""


@pytest.mark.parametrize(
    "step", [RecordedSocket.do_handshake, lambda each: each.recv(1)], ids=["handshake", "read"]
)
def test_what_drips_has_its_time(
    monkeypatch: pytest.MonkeyPatch, step: Callable[[RecordedSocket], object]
) -> None:
    """The clock is for the whole step, not for each byte of a record."""
    Dripping.now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: Dripping.now)
    with Dripping() as client:
        client.wrap(ssl.create_default_context(), "localhost")
        client.clock = Clock(6)
        with pytest.raises(TimeoutError):
            step(client)
    assert pytest.approx(6, abs=0.01) == Dripping.now

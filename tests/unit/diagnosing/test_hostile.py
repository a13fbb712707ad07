"""A server that wants to harm who diagnoses it: endless, silent, slow, or with forged messages."""

import random
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from mtls_lab import Relay, serve
from mtls_lab.diagnosing import diagnose
from mtls_lab.diagnosing.attempts import Attempt
from mtls_lab.diagnosing.calling import KEPT
from mtls_lab.diagnosing.judging import judge
from mtls_lab.diagnosing.own import look_into
from mtls_lab.diagnosing.probing import Seen, probe
from mtls_lab.diagnosing.reporting import report
from mtls_lab.exercises.peers import listening
from mtls_lab.net import Chunk
from tests.unit.damage import changed
from tests.unit.lab import Lab

#: What a terminal does something with.
ESCAPES = b"\x1b]0;owned\x07\x1b[2J\r\n"


def floods(data: bytes) -> Callable[[socket.socket], None]:
    def handle(connection: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection.sendall(data * 1000)

    return handle


def listens(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def drips(connection: socket.socket) -> None:
    """The header of a record, then a byte now and then: each of them ends a short time-out."""
    connection.sendall(bytes.fromhex("16 0303 4000 02"))
    connection.settimeout(0.05)
    while True:
        with suppress(TimeoutError):
            if connection.recv(4096) == b"":
                return
        connection.sendall(b"\0")


def test_silence_ends_in_time() -> None:
    began = time.monotonic()
    with listening(listens) as at:
        told = diagnose(at, timeout=1.0)
    assert time.monotonic() - began < 30  # where nothing ended it, it would take for ever
    assert [cause.name for cause in told.causes] == ["slow"]
    assert not told.causes[0].certain
    assert told.code == 18  # TCP works, and nothing says why no answer comes


def test_a_slow_answer_ends_in_time() -> None:
    began = time.monotonic()
    with listening(drips) as at:
        told = diagnose(at, timeout=1.0)
    assert time.monotonic() - began < 30
    assert told.kind in {"network", "unclear", "not_tls"}
    assert not told.ok


@pytest.mark.parametrize("data", [b"\0", b"A", b"\x16\x03\x03\x00\x01\x00", ESCAPES])
def test_an_endless_answer_is_cut(data: bytes) -> None:
    with listening(floods(data)) as at:
        told = diagnose(at, timeout=5.0)
    assert told.kind in {"not_tls", "unclear"}
    assert len(str(told)) < KEPT
    assert "\x1b" not in str(told)


def test_what_a_server_says_is_harmless_to_a_terminal() -> None:
    with listening(lambda connection: connection.sendall(b"HTTP/1.1 400 " + ESCAPES)) as at:
        told = diagnose(at, timeout=5.0)
    assert [cause.name for cause in told.causes] == ["plain"]
    assert "\\u001b" in str(told)
    assert all(character.isprintable() for line in str(told).splitlines() for character in line)


@pytest.fixture(scope="module")
def seen(lab: Lab) -> Seen:
    cert, key = lab.store.files("valid")
    with serve(context=lab.mtls()) as backend:
        host, port = backend.address
        own = look_into(lab.ca_file, cert, key)
        return probe(host, port, own, name="localhost", timeout=60)


@pytest.mark.parametrize("number", range(80))
def test_forged_messages_are_judged_all_the_same(seen: Seen, number: int) -> None:
    """Certificates and requests with changed bytes: an answer, and no exception."""
    luck = random.Random(number)

    def forged(tried: Attempt) -> Attempt:
        messages = tuple(replace(m, data=changed(m.data, luck)) for m in tried.messages)
        return replace(tried, messages=messages)

    full = {version: forged(tried) for version, tried in seen.full.items()}
    other = replace(seen, full=full, nameless=seen.nameless and forged(seen.nameless))
    text = "\n".join([*map(str, report(other)), *map(str, judge(other))])
    assert all(character.isprintable() for line in text.splitlines() for character in line)


@pytest.mark.parametrize("number", range(16))
def test_a_garbled_handshake_is_an_answer(lab: Lab, number: int) -> None:
    """What a real server sends, with bytes changed on the way."""
    luck = random.Random(number)

    def garble(chunk: Chunk) -> bytes:
        return changed(chunk.heard, luck)

    with serve(context=lab.mtls()) as backend, Relay(backend, tamper=garble) as relay:
        told = diagnose(relay, cafile=lab.ca_file, server_hostname="localhost", timeout=1.0)
    assert told.lines

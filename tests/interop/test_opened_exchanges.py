"""What openssl's own server can do and Python's cannot, opened and read at our device."""

import ssl
from contextlib import suppress

import pytest

from mtls_lab import Direction, Exchange, ask, watch
from mtls_lab.net.recording import RecordedSocket
from mtls_lab.wire import Handshake, Message, Recording
from mtls_lab.wire.records import APPLICATION_DATA
from tests.interop.command import listening, peer
from tests.interop.test_openssl_peers import s_server
from tests.unit.lab import LONG, Lab

UP, DOWN = Direction.TO_BACKEND, Direction.TO_DEVICE


def watched(lab: Lab, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    context = lab.device("valid", version)
    watch(context)
    return context


def recorded(exchange: Exchange) -> Recording:
    assert exchange.recording is not None
    return exchange.recording


def said(handshake: Handshake, message: str, field: str) -> list[str]:
    """The values of a field in every message of this name."""
    found: list[Message] = [m for m in handshake.messages if m.name == message]
    trees = [each.fields for each in found]
    return [f.value for tree in trees if tree for f in tree.walk() if f.name == field]


def lines(recording: Recording) -> list[bytes | None]:
    return [r.content for r in recording.records if r.type == APPLICATION_DATA]


@pytest.mark.parametrize(
    "suite", ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]
)
def test_the_suites_of_tls_1_3(lab: Lab, suite: str) -> None:
    with peer(*s_server(lab, "-ciphersuites", suite, "-Verify", "1")) as server:
        exchange = ask("PING", listening(server), context=watched(lab))
    recording = recorded(exchange)
    assert said(recording.handshake, "ServerHello", "cipher_suite")[0].startswith(suite)
    assert lines(recording) == [b"PING\n", b"GNIP\n"]
    assert [record for record in recording.records if record.why] == []


def test_the_names_of_the_cas_that_a_server_accepts(lab: Lab, version: ssl.TLSVersion) -> None:
    with peer(*s_server(lab, "-Verify", "1")) as server:
        exchange = ask("PING", listening(server), context=watched(lab, version))
    assert said(exchange.handshake, "CertificateRequest", "DistinguishedName") == ["CN=Lab CA"]


def test_a_server_that_asks_for_another_key_share(lab: Lab) -> None:
    with peer(*s_server(lab, "-groups", "P-384")) as server:
        exchange = ask("PING", listening(server), context=watched(lab))
    recording = recorded(exchange)
    names = [(m.name, m.encrypted) for m in recording.handshake.messages[:4]]
    assert names == [("ClientHello", False), ("ServerHello", False)] * 2
    first, second = (m.fields for m in recording.handshake.messages if m.name == "ServerHello")
    assert first is not None
    assert second is not None
    assert (first.value, second.value) == ("HelloRetryRequest", "")
    chosen = said(recording.handshake, "ServerHello", "selected_group")
    assert chosen == ["secp384r1 (0x0018)"]
    assert lines(recording) == [b"PING\n", b"GNIP\n"]
    assert [record for record in recording.records if record.why] == []


def test_keys_that_change_on_the_way(lab: Lab) -> None:
    """The server asks for it; both sides send a KeyUpdate and go on with their next keys."""
    command = [each for each in s_server(lab) if each != "-rev"]
    with peer(*command) as server, RecordedSocket() as device:
        assert server.stdin is not None
        assert server.stdout is not None
        address = listening(server)
        device.settimeout(LONG)
        device.connect(address)
        device.wrap(watched(lab), "localhost")
        device.do_handshake()
        device.sendall(b"PING\n")
        while server.stdout.readline() != "PING\n":
            continue
        server.stdin.write("K\n")  # a command of s_server: a KeyUpdate with a request
        while "KeyUpdate" not in str(device.recording(address, address).handshake):
            device._take_in()
        server.stdin.write("done\n")  # no command of s_server begins like this
        assert device.recv(100) == b"done\n"
        device.sendall(b"again\n")  # OpenSSL answers a KeyUpdate when it has something to say
        with suppress(ssl.SSLWantReadError):
            device.unwrap()
        recording = device.recording(address, address)
    updates = [m for m in recording.handshake.messages if m.name == "KeyUpdate"]
    assert [m.direction for m in updates] == [DOWN, UP]
    assert said(recording.handshake, "KeyUpdate", "request_update") == [
        "update_requested (0x01)",
        "update_not_requested (0x00)",
    ]
    assert lines(recording) == [b"PING\n", b"done\n", b"again\n"]
    last = recording.handshake.messages[-1]
    assert (last.name, last.direction) == ("Alert close_notify", UP)
    assert [record for record in recording.records if record.why] == []

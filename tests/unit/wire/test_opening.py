"""Records opened with the secrets of their connection, against what OpenSSL said was in them."""

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtls_lab import Direction, Exchange, Relay, ask, serve, watch
from mtls_lab.wire import Recording
from mtls_lab.wire.opening import open_records
from mtls_lab.wire.opening.schedule import Protection13, suite_of
from mtls_lab.wire.records import APPLICATION_DATA
from tests.unit.lab import VERSIONS, Lab

UP, DOWN = Direction.TO_BACKEND, Direction.TO_DEVICE

Told = list[tuple[str, Direction, bytes, bool]]


def recorded(exchange: Exchange) -> Recording:
    assert exchange.recording is not None
    return exchange.recording


def noted(exchange: Exchange) -> Told:
    """What OpenSSL said at both ends, as it works with the messages."""
    return [
        (m.name, m.direction, m.data, m.encrypted)
        for m in exchange.handshake.messages
        if m.alert != "close_notify"
    ]


def opened(exchange: Exchange) -> Told:
    """The same from the bytes on the wire."""
    return [
        (m.name, m.direction, m.data, m.encrypted)
        for m in recorded(exchange).handshake.messages
        if m.alert != "close_notify"
    ]


def said(exchange: Exchange) -> list[tuple[Direction, bytes | None]]:
    records = recorded(exchange).records
    return [(r.direction, r.content) for r in records if r.type == APPLICATION_DATA]


SPOKEN = [(UP, b"GET_SECRET\n"), (DOWN, b"open sesame\n")]


@pytest.mark.parametrize("credential", ["valid", "none", "untrusted", "expired"])
def test_what_is_opened_is_what_openssl_said(
    lab: Lab, version: ssl.TLSVersion, credential: str
) -> None:
    device, backend_context = lab.device(credential, version), lab.mtls()
    watch(device, backend_context)
    with serve(backend_context) as backend:
        exchange = ask("GET_SECRET", backend, context=device)
    assert opened(exchange) == noted(exchange)
    assert len(opened(exchange)) >= 10
    if exchange.ok:
        assert said(exchange) == SPOKEN
    assert [r for r in recorded(exchange).records if r.why] == []


def test_a_refusal_by_the_device(lab: Lab, version: ssl.TLSVersion) -> None:
    """OpenSSL sends its alert in clear, in TLS 1.3 too: it has not begun to encrypt. The rest of
    the backend's flight had arrived already, and was never read."""
    device, backend_context = lab.device("valid", version), lab.mtls()
    watch(device, backend_context)
    with serve(backend_context) as backend:
        exchange = ask("PING", backend, context=device, server_hostname="example.com")
    for direction in Direction:
        assert [m for m in opened(exchange) if m[1] is direction] == [
            m for m in noted(exchange) if m[1] is direction
        ]
    *_, (name, direction, _, encrypted) = opened(exchange)
    assert (name, direction, encrypted) == ("Alert bad_certificate", UP, False)


def test_a_resumed_connection(lab: Lab, version: ssl.TLSVersion) -> None:
    again = lab.resumed(version)
    assert again.device.reused
    assert opened(again) == noted(again)
    assert said(again) == SPOKEN


AEAD = ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305", "AES128-CCM", "AES256-CCM8"]


@pytest.mark.parametrize("suite", AEAD)
def test_every_aead_suite_of_tls_1_2(lab: Lab, suite: str) -> None:
    device, backend_context = lab.device("valid", ssl.TLSVersion.TLSv1_2), lab.mtls()
    for context in (device, backend_context):
        context.set_ciphers(f"ECDHE-ECDSA-{suite}:@SECLEVEL=0")
    watch(device, backend_context)
    with serve(backend_context) as backend:
        exchange = ask("GET_SECRET", backend, context=device)
    assert opened(exchange) == noted(exchange)
    assert said(exchange) == SPOKEN


def test_an_older_suite_is_said_and_not_decrypted(lab: Lab) -> None:
    device, backend_context = lab.device("valid", ssl.TLSVersion.TLSv1_2), lab.mtls()
    for context in (device, backend_context):
        context.set_ciphers("ECDHE-ECDSA-AES128-SHA256")
    watch(device)
    with serve(backend_context) as backend:
        exchange = ask("GET_SECRET", backend, context=device)
    reasons = {r.why for r in recorded(exchange).records if r.content is None}
    assert reasons == {
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256 is not an AEAD suite; the lab does not decrypt it"
    }
    assert exchange.ok


def test_without_secrets_it_is_what_eve_has(lab: Lab, version: ssl.TLSVersion) -> None:
    with serve(lab.mtls()) as backend:
        exchange = ask("GET_SECRET", backend, context=lab.device("valid", version))
    closed = [r for r in recorded(exchange).records if r.content is None]
    assert {r.why for r in closed} == {"its secret is not known"}
    assert str(closed[-1]).endswith(" bytes: its secret is not known")
    seen = b"".join(r.content or b"" for r in recorded(exchange).records)
    assert b"open sesame" not in seen
    assert (b"localhost" in seen) is True  # the server name is in clear


def test_what_a_relay_recorded_can_be_opened_too(lab: Lab, version: ssl.TLSVersion) -> None:
    device = lab.device("valid", version)
    watch(device)
    with serve(lab.mtls()) as backend, Relay(backend) as eve:
        exchange = ask("GET_SECRET", eve, context=device)
    heard = [(chunk.direction, chunk.heard) for chunk in eve.chunks]
    records = open_records(heard, recorded(exchange).secrets)
    assert [(r.direction, r.content) for r in records if r.type == APPLICATION_DATA] == SPOKEN
    other = open_records(heard, b"CLIENT_RANDOM 00 11\nnonsense\n\xff \xff \xff")
    assert {r.why for r in other if r.content is None} == {"its secret is not known"}


def test_a_record_that_was_changed_on_its_way(lab: Lab, version: ssl.TLSVersion) -> None:
    device = lab.device("valid", version)
    watch(device)
    with serve(lab.mtls()) as backend:
        exchange = ask("GET_SECRET", backend, context=device)
    pieces = [(p.direction, bytearray(p.data)) for p in recorded(exchange).passed]
    last = next(data for way, data in reversed(pieces) if way is DOWN)
    last[-1] ^= 1
    records = open_records([(w, bytes(d)) for w, d in pieces], recorded(exchange).secrets)
    assert "the key does not fit: it was changed on its way, or is early data" in {
        r.why for r in records
    }


def test_byte_by_byte_is_the_same(lab: Lab, version: ssl.TLSVersion) -> None:
    device = lab.device("valid", version)
    watch(device)
    with serve(lab.mtls()) as backend:
        recording = recorded(ask("GET_SECRET", backend, context=device))
    drops = [(p.direction, bytes([byte])) for p in recording.passed for byte in p.data]
    assert open_records(drops, recording.secrets) == recording.records


def test_records_say_where_they_are(lab: Lab, version: ssl.TLSVersion) -> None:
    device = lab.device("valid", version)
    watch(device)
    with serve(lab.mtls()) as backend:
        recording = recorded(ask("GET_SECRET", backend, context=device))
    for direction in Direction:
        stream = b"".join(p.data for p in recording.passed if p.direction is direction)
        found = [r for r in recording.records if r.direction is direction]
        assert b"".join(r.record for r in found) == stream
        for record in found:
            assert stream[record.offset :].startswith(record.record)


def test_keys_are_those_of_the_rfc() -> None:
    """The vector of RFC 8448, section 3: the client's keys of its handshake."""
    suite = suite_of("TLS_AES_128_GCM_SHA256")
    assert suite is not None
    secret = bytes.fromhex("b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21")
    protection = Protection13(suite, secret)
    assert protection._expand("key", 16).hex() == "dbfaa693d1762c5b666af5d950258d01"
    assert protection._expand("iv", 12).hex() == "5bd3c71b836e0b76bb73265f"


@pytest.fixture(scope="module")
def pieces(lab: Lab) -> list[tuple[list[tuple[Direction, bytes]], bytes]]:
    found = []
    for version in VERSIONS:
        device = lab.device("valid", version)
        watch(device)
        with serve(lab.mtls()) as backend:
            recording = recorded(ask("GET_SECRET", backend, context=device))
        found.append(([(p.direction, p.data) for p in recording.passed], recording.secrets))
    return found


NUMBERS = st.integers(0, 2**16)


@given(NUMBERS, st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=3))
def test_flipped_bits_of_a_real_connection(
    pieces: list[tuple[list[tuple[Direction, bytes]], bytes]],
    which: int,
    flips: list[tuple[int, int]],
) -> None:
    """The numbers are taken modulo what there is: the sizes differ from run to run."""
    whole, secrets = pieces[which % len(pieces)]
    changed = [(way, bytearray(piece)) for way, piece in whole]
    for at, bit in flips:
        piece = changed[at % len(changed)][1]
        piece[bit // 8 % len(piece)] ^= 1 << bit % 8
    for record in open_records([(way, bytes(piece)) for way, piece in changed], secrets):
        assert (record.content is None) == bool(record.why)
        assert str(record)


@given(st.lists(st.tuples(st.sampled_from(Direction), st.binary(max_size=60)), max_size=5))
def test_random_bytes(passed: list[tuple[Direction, bytes]]) -> None:
    for record in open_records(passed):
        assert str(record)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(Direction), st.sampled_from([20, 21, 22, 23]), st.binary(max_size=80)
        ),
        max_size=6,
    )
)
def test_random_records(passed: list[tuple[Direction, int, bytes]]) -> None:
    wire = [
        (way, bytes([kind, 3, 3]) + len(body).to_bytes(2, "big") + body)
        for way, kind, body in passed
    ]
    assert len(open_records(wire)) == len(wire)


def test_what_comes_before_bytes_that_are_no_record_is_told() -> None:
    alert, noise = bytes.fromhex("15 0303 0002 0230"), b"\xff" * 9
    first, second = open_records([(DOWN, alert + noise), (DOWN, alert)])
    assert first.content == alert[5:]
    assert (second.content, second.record, second.offset) == (None, noise, len(alert))

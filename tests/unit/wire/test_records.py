"""The parsers against real recorded bytes, every truncation and every split. No socket is here."""

import ssl
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtls_lab.wire import (
    MAX_LINE,
    Direction,
    PlaintextMessages,
    Record,
    Splitter,
    hexdump,
    looks_like_tls,
    parse_records,
    readable_records,
    server_name,
)
from mtls_lab.wire.records import LONGEST
from tests.unit.lab import VERSIONS, Lab, client_hello, shake_hands, spelled

Recorded = dict[Direction, bytes]
records_like = st.builds(
    lambda kind, minor, payload: whole(Record(kind, (3, minor), payload)),
    st.integers(19, 24),
    st.integers(0, 4),
    st.binary(max_size=40),
)
streams = st.binary(max_size=200) | st.lists(records_like | st.binary(max_size=5)).map(b"".join)


@pytest.fixture(scope="module", params=VERSIONS, ids=spelled)
def recorded(lab: Lab, request: pytest.FixtureRequest) -> Recorded:
    """Both directions of a mutual handshake and one command."""
    return shake_hands(lab.device("valid", request.param), lab.mtls())


@pytest.fixture(scope="module")
def hello(lab: Lab) -> bytes:
    return client_hello(lab.device())


def whole(record: Record) -> bytes:
    """The record as it stood on the wire."""
    header = bytes([record.type, *record.version]) + len(record.payload).to_bytes(2, "big")
    return header + record.payload


def in_two(data: bytes) -> list[list[bytes]]:
    return [[data[:at], data[at:]] for at in range(len(data) + 1)]


# --- Records


def test_records_of_every_truncation_join_to_the_input(recorded: Recorded) -> None:
    for data in recorded.values():
        full, rest = parse_records(data)
        assert (b"".join(map(whole, full)), rest) == (data, b"")
        for end in range(len(data)):
            records, rest = parse_records(data[:end])
            assert records == full[: len(records)]
            assert b"".join(map(whole, records)) + rest == data[:end]


@given(streams)
def test_bytes_are_records_or_a_value_error(data: bytes) -> None:
    with suppress(ValueError):
        records, rest = parse_records(data)
        assert b"".join(map(whole, records)) + rest == data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"GET_SECRET\n", "no TLS record at byte 0: 47 45 54 5f 53"),
        (b"\x15\x03\x03\0\2\2\x28HELLO", "no TLS record at byte 7: 48 45 4c 4c 4f"),
        (b"\x16\2\0\0\1\0", "no TLS record at byte 0: 16 02 00 00 01"),
        (b"\x17\3\3\x41\1", "no TLS record at byte 0: 17 03 03 41 01"),
    ],
    ids=["text", "text after a record", "SSL 2", "too long"],
)
def test_what_is_no_record(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match="no TLS record") as caught:
        parse_records(data)
    assert str(caught.value) == message


def test_the_longest_record() -> None:
    data = b"\x17\3\3" + LONGEST.to_bytes(2, "big") + bytes(LONGEST)
    records, rest = parse_records(data)
    assert ([str(record) for record in records], rest) == (["ApplicationData, 16640 bytes"], b"")


def test_names_of_records() -> None:
    names = [Record(kind, (3, 3), b"").name for kind in (20, 21, 22, 23, 99)]
    assert names == ["ChangeCipherSpec", "Alert", "Handshake", "ApplicationData", "type 99"]


@pytest.mark.parametrize(
    ("data", "tls"),
    [(b"", False), (b"\x16", True), (b"\x16\3\1", True), (b"\x16X", False), (b"P", False)],
)
def test_looks_like_tls(data: bytes, *, tls: bool) -> None:
    assert looks_like_tls(data) is tls


# --- Splitter


def split(pieces: list[bytes]) -> list[bytes]:
    splitter = Splitter()
    units = [unit for piece in pieces for unit in splitter.feed(piece)]
    rest = splitter.rest()
    assert splitter.rest() == b""
    return [*units, rest] if rest else units


def test_every_split_of_a_recording_gives_its_records(recorded: Recorded) -> None:
    for data in recorded.values():
        records = [whole(record) for record in parse_records(data)[0]]
        assert split([bytes([byte]) for byte in data]) == records
        assert all(split(pieces) == records for pieces in in_two(data))


def test_every_split_of_text_gives_its_lines() -> None:
    text = b"PING\n\nGET_SECRET\r\nhalf a line"
    lines = [b"PING\n", b"\n", b"GET_SECRET\r\n", b"half a line"]
    assert all(split(pieces) == lines for pieces in in_two(text))


@given(st.lists(streams))
def test_what_comes_out_is_what_went_in(pieces: list[bytes]) -> None:
    assert b"".join(split(pieces)) == b"".join(pieces)


@pytest.mark.parametrize(
    "endless",
    [
        b"x" * (MAX_LINE + 1),
        b"\x16\3\1\xff\xff" + bytes(10),
        b"\x15\3\3\0\1\1HELLO, THIS IS NO TLS",
    ],
    ids=["line", "record", "TLS, then text"],
)
def test_nothing_is_held_back_for_good(endless: bytes) -> None:
    assert b"".join(Splitter().feed(endless)) == endless


# --- Messages

CLEAR = {
    "TLSv1.3": {
        Direction.TO_BACKEND: ["ClientHello", "ChangeCipherSpec"],
        Direction.TO_DEVICE: ["ServerHello", "ChangeCipherSpec"],
    },
    "TLSv1.2": {
        Direction.TO_BACKEND: [
            "ClientHello",
            "Certificate",
            "ClientKeyExchange",
            "CertificateVerify",
            "ChangeCipherSpec",
        ],
        Direction.TO_DEVICE: [
            "ServerHello",
            "Certificate",
            "ServerKeyExchange",
            "CertificateRequest",
            "ServerHelloDone",
            "NewSessionTicket",
            "ChangeCipherSpec",
        ],
    },
}


@pytest.mark.parametrize("direction", Direction, ids=lambda direction: direction.name)
def test_what_can_be_named_without_a_key(
    lab: Lab, version: ssl.TLSVersion, direction: Direction
) -> None:
    data = shake_hands(lab.device("valid", version), lab.mtls())[direction]
    messages = [name for name, _ in PlaintextMessages().feed(data)]
    clear = CLEAR[spelled(version)][direction]
    assert messages[: len(clear)] == clear
    assert set(messages[len(clear) :]) == {"record"}


def test_truncation_takes_messages_off_the_end(recorded: Recorded) -> None:
    for data in recorded.values():
        full = PlaintextMessages().feed(data)
        for end in range(len(data)):
            some = PlaintextMessages().feed(data[:end])
            assert some == full[: len(some)]


@given(streams)
def test_messages_of_arbitrary_bytes(data: bytes) -> None:
    assert all(size >= 0 and name for name, size in PlaintextMessages().feed(data))


@given(streams, st.lists(st.integers(0, 200)))
def test_messages_do_not_care_how_bytes_arrive(data: bytes, cuts: list[int]) -> None:
    messages, ends = PlaintextMessages(), sorted(cuts)
    pieces = [data[start:end] for start, end in zip([0, *ends], [*ends, None], strict=True)]
    found = [message for piece in pieces for message in messages.feed(piece)]
    assert found == PlaintextMessages().feed(data)


def test_messages_do_not_care_about_records(hello: bytes) -> None:
    messages = hello[5:] * 2
    pieces = [messages[at : at + 7] for at in range(0, len(messages), 7)]
    shredded = b"".join(whole(Record(22, (3, 1), piece)) for piece in pieces)
    together = whole(Record(22, (3, 1), messages))
    expected = [("ClientHello", len(hello) - 5)] * 2
    assert PlaintextMessages().feed(shredded) == PlaintextMessages().feed(together) == expected


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b"\x15\3\3\0\2\2\x28", ["Alert handshake_failure"]),
        (b"\x15\3\3\0\2\2\xfe", ["Alert 254"]),
        (b"\x16\3\3\0\4\x63\0\0\0", ["type 99"]),
        (b"\x14\3\3\0\1\1\x15\3\3\0\2\2\x28", ["ChangeCipherSpec", "record"]),
        (b"no TLS at all", []),
    ],
    ids=["alert", "unknown alert", "unknown message", "encrypted alert", "text"],
)
def test_names_of_messages(data: bytes, names: list[str]) -> None:
    assert [name for name, _ in PlaintextMessages().feed(data)] == names


# --- Server name


def test_server_name(recorded: Recorded) -> None:
    assert server_name(recorded[Direction.TO_BACKEND]) == "localhost"
    assert server_name(recorded[Direction.TO_DEVICE]) is None


def test_a_truncated_hello_shows_the_right_name_or_none(hello: bytes) -> None:
    assert {server_name(hello[:end]) for end in range(len(hello))} == {None}
    # The same, in a record that is whole: the message inside it ends early.
    bodies = (hello[5:end] for end in range(5, len(hello)))
    names = {server_name(whole(Record(22, (3, 1), body))) for body in bodies}
    assert names <= {None, "localhost"}  # OpenSSL 4 puts the name at the end
    assert server_name(hello) == "localhost"


def test_no_damaged_hello_raises(hello: bytes) -> None:
    for at in range(len(hello)):
        for value in (0, 1, 0x7F, 0xFF):
            name = server_name(hello[:at] + bytes([value]) + hello[at + 1 :])
            assert name is None or isinstance(name, str)


def test_a_client_that_names_nobody(lab: Lab) -> None:
    context = lab.device()
    context.check_hostname = False
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing).do_handshake()
    assert server_name(outgoing.read()) is None


@given(streams)
def test_server_name_of_arbitrary_bytes(data: bytes) -> None:
    assert server_name(data) is None


# --- Hexdump


@given(st.binary(max_size=100), st.integers(1, 32))
def test_a_hexdump_holds_every_byte(data: bytes, width: int) -> None:
    lines = list(hexdump(data, width))
    assert bytes.fromhex("".join(line[6 : 6 + 3 * width] for line in lines)) == data
    assert "".join(line[7 + 3 * width :] for line in lines) == "".join(
        chr(byte) if 32 <= byte < 127 else "." for byte in data
    )
    offsets = [int(line[:4], 16) for line in lines]
    assert all(after - before == width for before, after in pairwise(offsets))


def test_a_garbled_stream_is_what_could_be_read() -> None:
    hello = bytes.fromhex("16 0303 0004 02000000")
    for rest in (b"\xff" * 9, b"\x16\x03\x03\xff\xff", b"GET_SECRET"):
        assert PlaintextMessages().feed(hello + rest) == [("ServerHello", 4)]
        assert [str(record) for record in readable_records(hello + rest)] == ["Handshake, 4 bytes"]
        with pytest.raises(ValueError, match="no TLS record at byte 9"):
            parse_records(hello + rest)

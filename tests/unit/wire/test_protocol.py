"""The line protocol from bytes to bytes: lines, limits, commands. No socket is here."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtls_lab.wire import MAX_LINE, SECRET, LineBuffer, ProtocolError, Service

TOO_LONG = "the line is longer than 1024 bytes"
CONTROL = "this is not text: a line may hold no control characters"
NOT_UTF8 = "this is not text: the line is not UTF-8"

text_line = st.text("aZ \t~éß✓🔑", max_size=200)


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("GET_SECRET", SECRET),
        ("  GET_SECRET ", SECRET),
        ("PING", "PONG"),
        ("HELP", "GET_SECRET, PING, HELP"),
        ("get_secret", "ERROR unknown command: try HELP"),
        ("GET_SECRET PING", "ERROR unknown command: try HELP"),
        ("", "ERROR unknown command: try HELP"),
        ("ünknown ✓", "ERROR unknown command: try HELP"),
    ],
)
def test_answers(command: str, reply: str) -> None:
    assert Service().answer(command) == reply


def test_every_command_that_help_names_is_answered() -> None:
    service = Service("another secret")
    for command in service.answer("HELP").split(", "):
        assert not service.answer(command).startswith("ERROR")
    assert service.answer("GET_SECRET") == "another secret"


@given(st.lists(text_line, max_size=5), st.sampled_from(["\n", "\r\n"]), st.data())
def test_lines_are_the_same_however_they_are_split(
    lines: list[str], end: str, data: st.DataObject
) -> None:
    stream = "".join(line + end for line in lines).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    buffer = LineBuffer()
    pieces = [stream[i:j] for i, j in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert [line for piece in pieces for line in buffer.feed(piece)] == lines
    assert not buffer._buffer


def test_a_line_that_has_begun_is_kept() -> None:
    buffer = LineBuffer()
    assert list(buffer.feed(b"PI")) == []
    assert list(buffer.feed(b"NG\nH")) == ["PING"]


def test_the_longest_line() -> None:
    longest = "x" * (MAX_LINE - 1)
    assert list(LineBuffer().feed(longest.encode() + b"\n")) == [longest]
    certificate = "x" * 4095
    assert list(LineBuffer(long=True).feed(certificate.encode() + b"\n")) == [certificate]
    with pytest.raises(ProtocolError, match=r"^the line is longer than 4096 bytes$"):
        list(LineBuffer(long=True).feed(certificate.encode() + b"x"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"x" * MAX_LINE, TOO_LONG),
        (b"x" * MAX_LINE + b"\n", TOO_LONG),
        (b"PING\n" + b"x" * MAX_LINE, TOO_LONG),
        (b"PING\0\n", CONTROL),
        (b"\x1b[2J", CONTROL),
        (b"\x16\x03\x01", CONTROL),
        (b"caf\xe9\n", NOT_UTF8),
        (b"\xff\xfe\n", NOT_UTF8),
    ],
)
def test_refuses(data: bytes, message: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        list(LineBuffer().feed(data))
    assert str(caught.value) == message


def test_what_came_before_a_line_that_is_none_counts() -> None:
    lines = LineBuffer().feed(b"PING\nHELP\n\xff\nPING\n")
    assert [next(lines), next(lines)] == ["PING", "HELP"]
    with pytest.raises(ProtocolError, match=NOT_UTF8):
        next(lines)
    assert list(lines) == []


@given(st.lists(st.binary(max_size=50)))
def test_arbitrary_bytes_give_lines_or_a_protocol_error(pieces: list[bytes]) -> None:
    buffer = LineBuffer()
    with suppress(ProtocolError):
        for piece in pieces:
            assert all("\n" not in line for line in buffer.feed(piece))

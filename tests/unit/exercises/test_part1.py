"""The exercises of Part 1: untouched, wrong in every way that a check knows, unsafe, and right.

Here: what each check finds. Not here: the solutions of the notebook (tests/notebooks), and what
all checks share (test_judging.py).
"""

import base64
import hashlib
import hmac
import importlib
import json
import socket
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mtls_lab import checks
from mtls_lab.exercises import Outcome, Result
from mtls_lab.net import Address, Chunk, replace
from mtls_lab.wire import Direction
from tests.unit.exercises.conftest import Hurry

#: The module, which has the name of its function.
SERVE_MANY = importlib.import_module("mtls_lab.exercises.part1.serve_many")
NOT_YET, UNSAFE = Outcome.NOT_YET, Outcome.UNSAFE
STREAM = "a socket carries bytes, and in a stream: encode, collect up to the line end, then decode"
Wrong = tuple[Callable[..., Any], Outcome, str, str]


def judged(result: Result) -> tuple[Outcome, str, str]:
    return result.outcome, result.found, result.rule


def odd(*_: object) -> object:
    sys.stdout.write("I am here")
    return object()


def stumbling(*_: object) -> None:
    raise KeyError("here")


def none() -> object:
    return odd()


# --- Ask by hand -----------------------------------------------------------------------------


def asked(
    address: Address,
    *,
    command: bytes = b"GET_SECRET\n",
    once: bool = False,
    end: str = "raise",
    decode_each: bool = False,
) -> str:
    """The solution, or something near it."""
    received, text = b"", ""
    with socket.create_connection(address) as connection:
        connection.sendall(command)
        while not received.endswith(b"\n"):
            data = connection.recv(1024)
            if not data and end == "raise":
                raise ConnectionError("no whole line")
            if not data and end == "break":
                break
            received += data
            text += data.decode() if decode_each else ""
            if once:
                break
    return received.decode().rstrip("\n")


def as_bytes(address: Address) -> bytes:
    return asked(address).encode()


def with_newline(address: Address) -> str:
    return asked(address) + "\n"


def without_newline(address: Address) -> str:
    return asked(address, command=b"GET_SECRET")


def no_wait_without_newline(address: Address) -> None:
    with socket.create_connection(address) as connection:
        connection.sendall(b"GET_SECRET")


def another_command(address: Address) -> str:
    return asked(address, command=b"GET SECRET\n")


def one_recv(address: Address) -> str:
    with socket.create_connection(address) as connection:
        connection.sendall(b"GET_SECRET\n")
        return connection.recv(1024).decode("utf-8", "replace").rstrip("\n")


def decodes_each_piece(address: Address) -> str:
    return asked(address, decode_each=True)


def to_the_end_of_the_stream(address: Address) -> str:
    with socket.create_connection(address) as connection:
        connection.sendall(b"GET_SECRET\n")
        return connection.makefile("rb").read().decode().rstrip("\n")


def known_by_heart(address: Address) -> str:
    asked(address)
    return "open sesame"


def asks_and_returns_odd(address: Address) -> object:
    return object() if asked(address) else None


def never_closes(address: Address) -> str:
    connection = socket.create_connection(address)
    connection.sendall(b"GET_SECRET\n")
    return connection.makefile("rb").readline().decode().rstrip("\n")


def closes_if_all_goes_well(address: Address) -> str:
    connection = socket.create_connection(address)
    connection.sendall(b"GET_SECRET\n")
    with connection.makefile("rb") as lines:
        line = lines.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    connection.close()
    return line.decode().rstrip("\n")


def nothing_is_something(address: Address) -> str:
    with socket.create_connection(address) as connection:
        connection.sendall(b"GET_SECRET\n")
        return connection.makefile("rb").readline().decode().rstrip("\n")


def half_is_whole(address: Address) -> str:
    reply = asked(address, end="break")
    if not reply:
        raise ConnectionError
    return reply


def waits_at_the_end(address: Address) -> str:
    return asked(address, end="wait")


def leaves(address: Address) -> str:
    try:
        return asked(address)
    except ConnectionError:
        raise SystemExit(1) from None


END = "recv returns nothing when the other side has hung up: without a line end, that is an error"
ONE_LINE = "a command is one line, and a newline ends it"
CLOSED = (
    "leaves its socket open",
    "whoever opens a socket closes it, whatever happens: `with` does that, for the "
    "socket and for a file that `makefile` makes of it",
)
ASKED: list[Wrong] = [
    (
        as_bytes,
        NOT_YET,
        "as_bytes returned b'the moon is full'",
        "a line is text: decode the bytes",
    ),
    (
        with_newline,
        NOT_YET,
        "with_newline returned 'the moon is full\\n'",
        "the newline ends the line, and is not part of it",
    ),
    (
        without_newline,
        NOT_YET,
        "the backend received b'GET_SECRET', which is not a complete line",
        ONE_LINE,
    ),
    (
        no_wait_without_newline,
        NOT_YET,
        "the backend received b'GET_SECRET', which is not a complete line",
        ONE_LINE,
    ),
    (
        another_command,
        NOT_YET,
        "the backend received 'GET SECRET', a command that it does not know",
        "the command is GET_SECRET, and a newline ends it",
    ),
    (
        one_recv,
        NOT_YET,
        "one_recv returned 'the moon is full �', and the reply is 'the moon is full ☾'",
        STREAM,
    ),
    (
        to_the_end_of_the_stream,
        NOT_YET,
        "the whole reply has arrived, but your function waits for more",
        "a reply ends with its line; the connection stays open for the next command",
    ),
    (
        known_by_heart,
        NOT_YET,
        "known_by_heart returned 'open sesame', and the reply is 'the moon is full'",
        STREAM,
    ),
    (never_closes, NOT_YET, f"never_closes {CLOSED[0]}", CLOSED[1]),
    (closes_if_all_goes_well, NOT_YET, f"closes_if_all_goes_well {CLOSED[0]}", CLOSED[1]),
    (
        nothing_is_something,
        NOT_YET,
        "the backend hung up without a whole line, and nothing_is_something returned ''",
        END,
    ),
    (
        half_is_whole,
        UNSAFE,
        "Mallory cut the reply in the middle, and half_is_whole returned 'the mo' as if it were"
        " whole",
        END,
    ),
    (waits_at_the_end, NOT_YET, "the backend has hung up, but your function still waits", END),
    (odd, NOT_YET, "the backend received nothing, which is not a complete line", ONE_LINE),
    (
        asks_and_returns_odd,
        NOT_YET,
        "asks_and_returns_odd returned an object, and the reply is 'the moon is full'",
        STREAM,
    ),
]


#: They wait for ever, after so many calls that end.
WAITING = {without_newline: 0, to_the_end_of_the_stream: 0, waits_at_the_end: 2}


@pytest.mark.parametrize(("function", "outcome", "found", "rule"), ASKED)
def test_ask_by_hand(hurry: Hurry, function: Any, outcome: Outcome, found: str, rule: str) -> None:
    if function in WAITING:
        function = hurry(function, WAITING[function])
    assert judged(checks.ask_by_hand(function)) == (outcome, found, rule)


@pytest.mark.parametrize(
    ("function", "found"),
    [
        (stumbling, "stumbling raised KeyError: 'here'"),
        (none, "none raised TypeError: none() takes 0 positional arguments but 1 was given"),
        (decodes_each_piece, "decodes_each_piece raised UnicodeDecodeError: "),
        (leaves, "leaves raised SystemExit: 1"),
    ],
)
def test_ask_by_hand_that_raises(function: Any, found: str) -> None:
    result = checks.ask_by_hand(function)
    assert result.outcome is NOT_YET
    assert result.found.startswith(found)


def test_ask_by_hand_right() -> None:
    assert checks.ask_by_hand(asked).seen == (
        "the backend hands out its secret, and your function returns it",
        "a reply in two pieces, cut through the middle of a character, is put together",
        "a backend that hangs up without an answer is an error",
        "Mallory cuts the reply in the middle, and half a line is an error too",
    )
    assert checks.ask_by_hand(asked).right


# --- Mallory ---------------------------------------------------------------------------------

PASS_ON = "a tampering function takes a Chunk and returns the bytes to pass on"


def right_tamper(chunk: Chunk) -> bytes:
    if chunk.direction is Direction.TO_DEVICE:
        return chunk.heard.replace(b"open sesame", b"the cave is empty")
    return chunk.heard


def one_direction(chunk: Chunk) -> bytes | None:
    if chunk.direction is Direction.TO_DEVICE:
        return right_tamper(chunk)
    return None


def every_reply(chunk: Chunk) -> bytes:
    return b"the cave is empty\n" if chunk.direction is Direction.TO_DEVICE else chunk.heard


def broken_line(chunk: Chunk) -> bytes:
    return right_tamper(chunk).strip()


def as_text(chunk: Chunk) -> str:
    return right_tamper(chunk).decode()


def unchanged(chunk: Chunk) -> bytes:
    return chunk.heard


def forever(_: object) -> None:
    while True:
        pass


TAMPERED: list[Wrong] = [
    (one_direction, NOT_YET, "one_direction returned None", PASS_ON),
    (as_text, NOT_YET, "as_text returned 'GET_SECRET\\n'", PASS_ON),
    (odd, NOT_YET, "odd returned an object", PASS_ON),
    (
        broken_line,
        NOT_YET,
        "broken_line returned b'GET_SECRET', without the newline",
        "a line is not complete without its end: whoever receives it waits",
    ),
    (
        unchanged,
        NOT_YET,
        "the device asked for the secret and received 'open sesame'",
        "Mallory exchanges 'open sesame' for 'the cave is empty'",
    ),
    (
        every_reply,
        NOT_YET,
        "the reply to PING arrived as 'the cave is empty'",
        "what is not the secret passes unchanged",
    ),
    (
        replace("open sesame", "the cave is empty"),
        NOT_YET,
        "the device sent 'SAY open sesame', and the backend received 'SAY the cave is empty'",
        "a chunk has a direction, and what goes towards the backend passes unchanged",
    ),
    (
        forever,
        NOT_YET,
        "forever had not returned after 1 s, and was stopped",
        "a loop needs an end, and a wait for a peer needs a time-out",
    ),
]


@pytest.mark.parametrize(("function", "outcome", "found", "rule"), TAMPERED)
def test_mallory(hurry: Hurry, function: Any, outcome: Outcome, found: str, rule: str) -> None:
    if function is forever:
        hurry(function, 0)
    assert judged(checks.mallory(function)) == (outcome, found, rule)


def test_mallory_that_raises() -> None:
    assert checks.mallory(stumbling).found.startswith("stumbling raised KeyError: 'here'")


def test_mallory_right() -> None:
    result = checks.mallory(right_tamper)
    assert result.right
    assert result.seen == (
        "the device asks for the secret and receives 'the cave is empty'",
        "every other reply passes unchanged",
        "a command with the same words in it reaches the backend unchanged",
    )


# --- Serve many ------------------------------------------------------------------------------


def talk(connection: socket.socket) -> None:
    with connection:
        if connection.recv(1024) == b"GET_SECRET\n":
            connection.sendall(b"open sesame\n")


def start(talk: Callable[[socket.socket], None], connection: socket.socket) -> None:
    threading.Thread(target=talk, args=[connection], daemon=True).start()


def with_threads(listener: socket.socket) -> None:
    while True:
        start(talk, listener.accept()[0])


def with_a_pool(listener: socket.socket) -> None:
    with ThreadPoolExecutor(64) as pool:
        while True:
            try:
                pool.submit(talk, listener.accept()[0])
            except OSError:
                return


def one_loop(listener: socket.socket) -> None:
    while True:
        talk(listener.accept()[0])


def one_client(listener: socket.socket) -> None:
    talk(listener.accept()[0])


def ends_with_a_silent_client(listener: socket.socket) -> None:
    while True:
        with listener.accept()[0] as connection:
            if not connection.recv(1024):
                return
            connection.sendall(b"open sesame\n")


def another_reply(listener: socket.socket) -> None:
    while True:
        with listener.accept()[0] as connection:
            connection.sendall(connection.recv(1024))


def never_ends(listener: socket.socket) -> None:
    while True:
        try:
            start(talk, listener.accept()[0])
        except OSError:
            continue


def wrong_arguments(listener: socket.socket) -> None:
    while True:
        connection = listener.accept()[0]
        with connection:
            threading.Thread(target=talk, args=[connection, 1], daemon=True).start()


def never_hangs_up(listener: socket.socket) -> None:
    def talk(connection: socket.socket) -> None:
        with connection:
            while True:
                if connection.recv(1024):
                    connection.sendall(b"open sesame\n")

    while True:
        start(talk, listener.accept()[0])


AGAIN = "call accept again and again, whatever the last client did"
SERVED: list[Wrong] = [
    (
        one_loop,
        UNSAFE,
        "while 20 clients say nothing, the next one received nothing",
        "no client may keep the others waiting: accept in one thread, talk in others",
    ),
    (one_client, NOT_YET, "the second client received nothing", AGAIN),
    (another_reply, NOT_YET, "the first client received 'GET_SECRET'", AGAIN),
    (odd, NOT_YET, "the first client received nothing", AGAIN),
    (
        ends_with_a_silent_client,
        NOT_YET,
        "after a client that hung up without a word, the next one received nothing",
        AGAIN,
    ),
    (
        never_ends,
        NOT_YET,
        "never_ends had not returned after 4 s, and was stopped",
        "a loop needs an end, and a wait for a peer needs a time-out",
    ),
    (
        never_hangs_up,
        NOT_YET,
        "a thread of yours still talks to a client that has hung up",
        "recv returns nothing when the other side has hung up: the thread ends then",
    ),
    (
        wrong_arguments,
        NOT_YET,
        "a thread of yours raised TypeError: talk() takes 1 positional argument but 2 were given",
        "a thread serves one connection",
    ),
]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, function: Any) -> None:
    """For a server that lets somebody wait for ever. All others have the time of a learner's."""
    if function is never_ends:
        monkeypatch.setattr(SERVE_MANY, "LIMIT", 2.0)
    if function in {one_loop, never_hangs_up}:
        monkeypatch.setattr(SERVE_MANY, "PATIENCE", 1.5)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("function", "outcome", "found", "rule"), SERVED)
def test_serve_many(function: Any, outcome: Outcome, found: str, rule: str) -> None:
    assert judged(checks.serve_many(function)) == (outcome, found, rule)


def test_serve_many_that_raises() -> None:
    assert checks.serve_many(stumbling).found.startswith("stumbling raised KeyError: 'here'")


@pytest.mark.parametrize("function", [with_threads, with_a_pool])
def test_serve_many_right(function: Any) -> None:
    usual = threading.excepthook
    result = checks.serve_many(function)
    assert result.right, result
    assert result.seen == (
        "two clients, one after the other, receive the secret",
        "a client that hangs up without a word does no harm",
        "while 20 clients say nothing, the next one receives the secret",
        "when its listener is closed, it ends",
    )
    assert threading.excepthook is usual


# --- Seal ------------------------------------------------------------------------------------

Seal = Callable[[str, bytes], str]
Unseal = Callable[[str, bytes], Any]


def with_tag(tag: Callable[[str, bytes], str]) -> Seal:
    def seal(text: str, key: bytes) -> str:
        return f"{text} {tag(text, key)}"

    return seal


def hmac_tag(text: str, key: bytes) -> str:
    return hmac.new(key, text.encode(), "sha256").hexdigest()


def pair(tag: Callable[[str, bytes], str] = hmac_tag) -> tuple[Seal, Unseal]:
    """Functions that seal with this tag, and compare the whole line."""
    seal = with_tag(tag)

    def unseal(line: str, key: bytes) -> str:
        text = line.rpartition(" ")[0]
        if seal(text, key) != line:
            raise ValueError
        return text

    return seal, unseal


def reading(accept: Callable[[str, str], bool], refused: object = ValueError) -> tuple[Any, Any]:
    """Functions with a right tag, and a way of one's own to compare it."""

    def unseal(line: str, key: bytes) -> object:
        text, _, tag = line.rpartition(" ")
        if accept(tag, hmac_tag(text, key)):
            return text
        if isinstance(refused, type) and issubclass(refused, Exception):
            raise refused
        return refused

    return with_tag(hmac_tag), unseal


def with_json() -> tuple[Seal, Unseal]:
    def seal(text: str, key: bytes) -> str:
        tag = base64.b64encode(hmac.digest(key, text.encode(), "sha256")).decode()
        return json.dumps([tag, text])

    def unseal(line: str, key: bytes) -> str:
        _, text = json.loads(line)
        if seal(text, key) != line:
            raise ValueError
        return str(text)

    return seal, unseal


def without_a_tag_is_fine(line: str, key: bytes) -> str:
    _text, _, tag = line.rpartition(" ")
    if len(tag) != 64:
        return line
    return str(pair()[1](line, key))


def crc(text: bytes) -> str:
    return f"{zlib.crc32(text):08x}"


KEYED = "nobody without the key may be able to compute a tag: use a method made for that"
WHOLE = "every bit of the tag counts: compare all of it"
REFUSE = "what does not verify is a ValueError, and nothing is returned"
FORGED = "Mallory sealed 'the cave is empty' without your key, and was believed"
CRC = "Mallory computed the CRC of 'the moon is dark' from the one she heard, and was believed"
RESULT = "what was sealed with the same key is returned"
CHANGED = "Mallory changed one character of the sealed line, and was believed"
CUT = "Mallory cut the sealed line short, and was believed"

SEALED: dict[str, tuple[Any, Outcome, str, str]] = {
    "plain crc": (pair(lambda text, _: crc(text.encode())), UNSAFE, FORGED, KEYED),
    "plain hash": (
        pair(lambda text, _: hashlib.sha256(text.encode()).hexdigest()),
        UNSAFE,
        FORGED,
        KEYED,
    ),
    "crc of key and text": (
        pair(lambda text, key: crc(key + text.encode())),
        UNSAFE,
        CRC,
        KEYED,
    ),
    "crc of text and key": (
        pair(lambda text, key: crc(text.encode() + b":" + key)),
        UNSAFE,
        CRC,
        KEYED,
    ),
    "tag without the text": (
        pair(lambda _, key: hmac_tag("always", key)),
        UNSAFE,
        "Mallory changed the text and kept the tag, and was believed: 'the cave is empty'",
        "the tag depends on the text, and is computed again to compare",
    ),
    "key in the line": (
        pair(lambda text, key: hmac_tag(text, key) + key.hex()),
        UNSAFE,
        "Eve reads the key in the sealed line",
        "a key is used, but never sent",
    ),
    "no check at all": (
        reading(lambda *_: True),
        UNSAFE,
        "Mallory changed the text and kept the tag, and was believed: 'the cave is empty'",
        "the tag depends on the text, and is computed again to compare",
    ),
    "no tag is fine": (
        (with_tag(hmac_tag), without_a_tag_is_fine),
        UNSAFE,
        "Mallory sent 'the cave is empty' without a tag, and was believed",
        "no tag, no text",
    ),
    "a part of the tag": (
        reading(lambda tag, right: tag[:8] == right[:8]),
        UNSAFE,
        CUT,
        WHOLE,
    ),
    "a part of the tag, all its length": (
        reading(lambda tag, right: len(tag) == 64 and tag[:8] == right[:8]),
        UNSAFE,
        CHANGED,
        WHOLE,
    ),
    "whatever the tag starts with": (
        reading(lambda tag, right: right.startswith(tag)),
        UNSAFE,
        "Mallory sent 'the cave is empty ' without a tag, and was believed",
        "no tag, no text",
    ),
    "None": (
        reading(str.__eq__, refused=None),
        NOT_YET,
        "unseal returned None for a line of Mallory's",
        REFUSE,
    ),
    "False": (
        reading(str.__eq__, refused=False),
        NOT_YET,
        "unseal returned False for a line of Mallory's",
        REFUSE,
    ),
    "a message": (
        reading(str.__eq__, refused="changed!"),
        NOT_YET,
        "unseal returned 'changed!' for a line of Mallory's",
        REFUSE,
    ),
    "bytes": (
        (lambda text, key: text.encode() + key, pair()[1]),
        NOT_YET,
        "<lambda> returned b'the moon is fullknown to device and backend only'",
        "a line is text: a str",
    ),
    "two lines": (
        (lambda text, key: f"{text}\n{hmac_tag(text, key)}", pair()[1]),
        NOT_YET,
        "<lambda> returned 'the moon is full\\n"
        + hmac_tag("the moon is full", b"known to device and backend only")[:41]
        + "…",
        "it has to fit into one line of the protocol, of 1024 bytes",
    ),
    "another text": (
        (with_tag(hmac_tag), lambda line, _: line),
        NOT_YET,
        "sealed and unsealed, 'the moon is full' becomes 'the moon is full "
        + hmac_tag("the moon is full", b"known to device and backend only")[:42]
        + "…",
        RESULT,
    ),
    "one function": (
        pair()[0],
        NOT_YET,
        "you gave the check a function",
        "it takes two functions, (seal, unseal)",
    ),
    "three functions": (
        (*pair(), odd),
        NOT_YET,
        "you gave the check a tuple",
        "it takes two functions, (seal, unseal)",
    ),
}


@pytest.mark.parametrize("name", SEALED)
def test_seal(name: str) -> None:
    thing, *expected = SEALED[name]
    assert judged(checks.seal(thing)) == tuple(expected)


def splits_in_two(line: str, key: bytes) -> str:
    text, tag = line.split(" ")
    return text if tag == hmac_tag(text, key) else ""


def test_seal_that_raises() -> None:
    result = checks.seal((with_tag(hmac_tag), splits_in_two))
    assert result.found.startswith("splits_in_two raised ValueError: too many values to unpack")
    assert result.rule == RESULT
    result = checks.seal((stumbling, stumbling))
    assert result.found.startswith("stumbling raised KeyError: 'here'")
    assert result.rule == "it takes a text and a key, and returns the line to send"
    result = checks.seal(reading(str.__eq__, refused=KeyError))
    assert result.found.startswith("unseal raised KeyError (line ")
    assert result.found.endswith(", for a line that Mallory made")
    assert result.rule == REFUSE


@pytest.mark.parametrize("functions", [pair(), with_json()])
def test_seal_right(functions: object) -> None:
    result = checks.seal(functions)
    assert result.right, result
    assert result.seen == (
        "what was sealed comes back, whatever characters it has",
        "Mallory changes the words at her relay, and the device refuses them",
        "what Mallory seals with a key of her own, or without one, is refused",
        "a tag that is changed, cut or missing is refused",
    )


# --- Untouched -------------------------------------------------------------------------------


def open_function(*_: object) -> object:
    return ...


@pytest.mark.parametrize(
    ("check", "thing"),
    [
        (checks.ask_by_hand, open_function),
        (checks.mallory, open_function),
        (checks.serve_many, open_function),
        (checks.seal, (open_function, open_function)),
        (checks.seal, (pair()[0], open_function)),
    ],
)
def test_untouched(check: Callable[[object], Result], thing: object) -> None:
    assert judged(check(thing)) == (Outcome.NOT_ATTEMPTED, "", "")


@pytest.fixture(autouse=True)
def quiet(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """No traceback is printed, by no thread."""
    yield
    assert "Traceback" not in capsys.readouterr().err

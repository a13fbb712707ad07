"""The exercises of Part 1: untouched, wrong in every way that a check knows, unsafe, and right.

Here: what each check finds. Not here: the solutions of the notebook (tests/notebooks), and what
all checks share (test_judging.py).
"""

import asyncio
import base64
import hashlib
import hmac
import importlib
import json
import logging
import os
import random
import re
import socket
import socketserver
import sys
import threading
import time
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from itertools import count
from queue import Queue
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.poly1305 import Poly1305

from mtls_lab import checks
from mtls_lab.exercises import Outcome, Result
from mtls_lab.exercises.forgeries import TWIN
from mtls_lab.exercises.peers import SECRET
from mtls_lab.net import Address, Chunk, replace
from mtls_lab.wire import Direction
from tests.unit.exercises.conftest import Hurry
from tests.unit.exercises.verdicts import Attempts, Hold, named

#: The module, which has the name of its function.
SERVE_MANY = importlib.import_module("mtls_lab.exercises.part1.serve_many")
NOT_YET, UNSAFE, RIGHT = Outcome.NOT_YET, Outcome.UNSAFE, Outcome.RIGHT


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
    errors: str = "strict",
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
    return received.decode("utf-8", errors).rstrip("\n")


def as_bytes(address: Address) -> bytes:
    return asked(address).encode()


def with_newline(address: Address) -> str:
    return asked(address) + "\n"


def takes_blanks_away(address: Address) -> str:
    return asked(address).strip()


def takes_blanks_away_at_the_end(address: Address) -> str:
    return asked(address).rstrip()


def without_newline(address: Address) -> str:
    return asked(address, command=b"GET_SECRET")


def no_wait_without_newline(address: Address) -> None:
    with socket.create_connection(address) as connection:
        connection.sendall(b"GET_SECRET")


def another_command(address: Address) -> str:
    return asked(address, command=b"GET SECRET\n")


def with_a_carriage_return(address: Address) -> str:
    return asked(address, command=b"GET_SECRET\r\n")


def more_than_a_command(address: Address) -> str:
    return asked(address, command=b"GET_SECRET\nand more")


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


def first_of_its_lines(address: Address) -> str:
    return asked(address).splitlines()[0]


def as_a_file_of_text(address: Address) -> str:
    with (
        socket.create_connection(address) as connection,
        connection.makefile("rw", encoding="utf-8") as lines,
    ):
        lines.write("GET_SECRET\n")
        lines.flush()
        line = lines.readline()
    if not line.endswith("\n"):
        raise EOFError
    return line[:-1]


def only_prints(address: Address) -> None:
    print(asked(address))  # noqa: T201 - as a learner does


def as_it_is_written(address: Address) -> str:
    return str(asked(address).encode())


def with_its_address(address: Address) -> tuple[str, Address]:
    return asked(address), address


async def asks_later(address: Address) -> str:
    return asked(address)


def asks_piece_by_piece(address: Address) -> Iterator[str]:
    yield asked(address)


def of_host_and_port(host: str, port: int) -> str:
    return asked((host, port))


def without_its_import(address: Address) -> str:
    return regex.sub("", asked(address))  # type: ignore[name-defined,no-any-return] # noqa: F821


def passes_over(how: str) -> Callable[[Address], str]:
    """It decodes whatever comes."""

    def ask(address: Address) -> str:
        return asked(address, errors=how)

    return ask


ASKED: Attempts = {
    **named(
        NOT_YET,
        as_bytes,
        with_newline,
        takes_blanks_away,
        takes_blanks_away_at_the_end,
        without_newline,
        no_wait_without_newline,
        another_command,
        with_a_carriage_return,
        more_than_a_command,
        one_recv,
        to_the_end_of_the_stream,
        known_by_heart,
        never_closes,
        closes_if_all_goes_well,
        nothing_is_something,
        first_of_its_lines,
        as_a_file_of_text,
        only_prints,
        as_it_is_written,
        with_its_address,
        asks_later,
        asks_piece_by_piece,
        of_host_and_port,
        without_its_import,
    ),
    **named(UNSAFE, half_is_whole),
    "what is no text is left out": (passes_over("ignore"), UNSAFE),
    "what is no text is replaced": (passes_over("replace"), UNSAFE),
    "what is no text is kept": (passes_over("surrogateescape"), UNSAFE),
    **named(NOT_YET, waits_at_the_end, odd, asks_and_returns_odd),
    **named(NOT_YET, stumbling, none, decodes_each_piece, leaves),
    **named(RIGHT, asked),
}


#: They wait for ever, after so many calls that end.
WAITING = {without_newline: 0, to_the_end_of_the_stream: 0, waits_at_the_end: 6}


@pytest.mark.parametrize("name", ASKED)
def test_ask_by_hand(hurry: Hurry, hold: Hold, name: str) -> None:
    function, outcome = ASKED[name]
    if function in WAITING:
        function = hurry(function, WAITING[function])
    hold(checks.ask_by_hand(function), outcome)


# --- Mallory ---------------------------------------------------------------------------------


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


def each_word(chunk: Chunk) -> bytes:
    said = chunk.heard.replace(b"open", b"the cave is").replace(b"sesame", b"empty")
    return said if chunk.direction is Direction.TO_DEVICE else chunk.heard


def without_case(chunk: Chunk) -> bytes:
    said = re.sub(rb"(?i)open sesame", b"the cave is empty", chunk.heard)
    return said if chunk.direction is Direction.TO_DEVICE else chunk.heard


def the_whole_line(chunk: Chunk) -> bytes:
    return b"the cave is empty\n" if right_tamper(chunk) != chunk.heard else chunk.heard


def the_first_place(chunk: Chunk) -> bytes:
    said = chunk.heard.replace(b"open sesame", b"the cave is empty", 1)
    return said if chunk.direction is Direction.TO_DEVICE else chunk.heard


def through_text(chunk: Chunk) -> bytes:
    return right_tamper(chunk).decode("utf-8", "ignore").encode()


def stripped_and_ended(chunk: Chunk) -> bytes:
    return right_tamper(chunk).strip() + b"\n"


def broken_line(chunk: Chunk) -> bytes:
    return right_tamper(chunk).strip()


def as_text(chunk: Chunk) -> str:
    return right_tamper(chunk).decode()


def unchanged(chunk: Chunk) -> bytes:
    return chunk.heard


def forever(_: object) -> None:
    while True:
        pass


TAMPERED: Attempts = {
    **named(NOT_YET, one_direction, as_text, odd, broken_line, unchanged, every_reply),
    **named(NOT_YET, each_word, without_case),
    **named(NOT_YET, the_whole_line, the_first_place, through_text, stripped_and_ended),
    "the secret everywhere": (replace("open sesame", "the cave is empty"), NOT_YET),
    **named(NOT_YET, forever, stumbling),
    **named(RIGHT, right_tamper),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_mallory(hurry: Hurry, hold: Hold, name: str) -> None:
    function, outcome = TAMPERED[name]
    if function is forever:
        hurry(function, 0)
    hold(checks.mallory(function), outcome)


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


def compares(matches: Callable[[str], bool]) -> Callable[[socket.socket], None]:
    """A server with threads that hands out the secret if the command matches."""

    def talk(connection: socket.socket) -> None:
        with connection:
            secret = matches(connection.recv(1024).decode())
            connection.sendall(b"open sesame\n" if secret else b"ERROR\n")

    def serve(listener: socket.socket) -> None:
        while True:
            start(talk, listener.accept()[0])

    return serve


def forgets_to_close(listener: socket.socket) -> None:
    def talk(connection: socket.socket) -> None:
        if connection.recv(1024) == b"GET_SECRET\n":
            connection.sendall(b"open sesame\n")

    while True:
        start(talk, listener.accept()[0])


def hangs_up_at_once(listener: socket.socket) -> None:
    """As a loop whose `with` ends while a thread still has to read."""
    while True:
        listener.accept()[0].close()


def gives_up_waiting(_listener: socket.socket) -> None:
    """As after `settimeout`, where nobody called for a while."""
    raise TimeoutError("timed out")


def hands_over_a_pair(listener: socket.socket) -> None:
    while True:
        threading.Thread(target=talk, args=[listener.accept()], daemon=True).start()


def hands_over_no_list(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection:
            threading.Thread(target=talk, args=connection, daemon=True).start()  # type: ignore[arg-type]


def no_newline(listener: socket.socket) -> None:
    def talk(connection: socket.socket) -> None:
        with connection:
            if connection.recv(1024) == b"GET_SECRET\n":
                connection.sendall(b"open sesame")

    while True:
        start(talk, listener.accept()[0])


def with_a_small_pool(listener: socket.socket) -> None:
    with ThreadPoolExecutor(4) as pool:
        while True:
            pool.submit(talk, listener.accept()[0])


def never_hangs_up(listener: socket.socket) -> None:
    def talk(connection: socket.socket) -> None:
        with connection:
            while True:
                if connection.recv(1024):
                    connection.sendall(b"open sesame\n")
                time.sleep(0.01)

    while True:
        start(talk, listener.accept()[0])


def with_a_pool_of_any_size(listener: socket.socket) -> None:
    with ThreadPoolExecutor() as pool:
        while True:
            pool.submit(talk, listener.accept()[0])


def hurries_its_clients(listener: socket.socket) -> None:
    while True:
        connection = listener.accept()[0]
        connection.settimeout(0.05)
        with suppress(TimeoutError):
            talk(connection)


def leaves_its_loop_to_a_thread(listener: socket.socket) -> None:
    threading.Thread(target=with_threads_until_the_end, args=[listener], daemon=True).start()


def with_threads_until_the_end(listener: socket.socket) -> None:
    with suppress(OSError):
        with_threads(listener)


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if await reader.readline() == b"GET_SECRET\n":
        writer.write(b"open sesame\n")
    writer.close()


def with_asyncio(listener: socket.socket) -> None:
    async def serve() -> None:
        server = await asyncio.start_server(answer, sock=listener)
        await server.serve_forever()

    asyncio.run(serve())


def with_socketserver(listener: socket.socket) -> None:
    class Talk(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            talk(self.request)

    address = listener.getsockname()
    with socketserver.ThreadingTCPServer(address, Talk, bind_and_activate=False) as server:
        server.daemon_threads = True
        server.socket.close()
        server.socket = listener
        server.serve_forever()


def accepts_with_asyncio(listener: socket.socket) -> None:
    async def serve() -> None:
        listener.settimeout(0)
        loop, talks = asyncio.get_running_loop(), set()
        while True:
            connection, _ = await loop.sock_accept(listener)
            streams = await asyncio.open_connection(sock=connection)
            talks.add(asyncio.create_task(answer(*streams)))

    asyncio.run(serve())


SERVED: Attempts = {
    **named(UNSAFE, with_a_pool_of_any_size),
    **named(
        NOT_YET,
        hurries_its_clients,
        with_asyncio,
        with_socketserver,
    ),
    **named(RIGHT, accepts_with_asyncio),
    **named(NOT_YET, forgets_to_close, hangs_up_at_once, no_newline),
    **named(NOT_YET, gives_up_waiting, hands_over_a_pair, hands_over_no_list),
    "any part of the command": (compares(lambda command: command in "GET_SECRET\n"), UNSAFE),
    "any part of it, stripped": (
        compares(lambda command: bool(command) and command.strip() in "GET_SECRET"),
        UNSAFE,
    ),
    "any part of it but nothing": (
        compares(lambda command: command != "" and command in "GET_SECRET\n"),
        UNSAFE,
    ),
    "what begins with it": (compares(lambda command: command.startswith("GET_SECRET")), UNSAFE),
    "what contains it": (compares(lambda command: "GET_SECRET" in command), UNSAFE),
    "what begins with GET": (compares(lambda command: command.startswith("GET")), UNSAFE),
    **named(UNSAFE, with_a_small_pool, one_loop),
    **named(
        NOT_YET,
        one_client,
        another_reply,
        odd,
        ends_with_a_silent_client,
        never_ends,
        never_hangs_up,
        wrong_arguments,
        stumbling,
    ),
    **named(RIGHT, with_threads, with_a_pool),
    "what is equal": (compares(lambda command: command == "GET_SECRET\n"), RIGHT),
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """For a server that lets somebody wait for ever. All others have the time of a learner's.

    How long the honest client thinks matters to a server that waits for it with a time-out.
    """
    if name not in {"with_threads", "hurries_its_clients"}:
        monkeypatch.setattr(SERVE_MANY, "PAUSE", 0.1)
    if name in {"never_ends", "with_asyncio", "with_socketserver"}:
        monkeypatch.setattr(SERVE_MANY, "LIMIT", 1.0)
    if name in {"one_loop", "never_hangs_up", "with_a_small_pool", "with_a_pool_of_any_size"}:
        monkeypatch.setattr(SERVE_MANY, "PATIENCE", 1.5)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("name", SERVED)
def test_serve_many(hold: Hold, caplog: pytest.LogCaptureFixture, name: str) -> None:
    usual = threading.excepthook
    function, outcome = SERVED[name]
    hold(checks.serve_many(function), outcome)
    assert caplog.messages == []  # nothing of asyncio's in the notebook
    assert not logging.getLogger("asyncio").disabled
    assert threading.excepthook is usual


def test_serve_many_that_leaves_its_loop_to_a_thread() -> None:
    """How many clients are served before the listener is closed is a matter of luck."""
    before = set(threading.enumerate())
    result = checks.serve_many(leaves_its_loop_to_a_thread)
    assert (result.outcome, result.rule) == (NOT_YET, SERVE_MANY.STAYS)
    assert set(threading.enumerate()) <= before  # they end with the listener and the clients


def leaves_a_block(wait: Callable[[], object]) -> None:
    with ExitStack() as stack:
        stack.callback(wait)


def starts_another(wait: Callable[[], object]) -> None:
    thread = threading.Thread(target=int)
    usual = thread._started.wait  # type: ignore[attr-defined]
    thread._started.wait = lambda: wait() and usual()  # type: ignore[attr-defined]
    thread.start()
    thread.join()


#: Where a thread is, what it does there, and whether the check takes it for one of a pool.
BUSY: dict[str, tuple[str, Callable[[threading.Event, threading.Lock], Any], bool]] = {
    "waits for work": ("wait", lambda event, _: event.wait, True),
    "starts another": ("wait", lambda event, _: partial(starts_another, event.wait), False),
    "leaves a block": (
        "_exit_wrapper",
        lambda _, lock: partial(leaves_a_block, lock.acquire),
        False,
    ),
    "begins or ends": ("run", lambda _, lock: lock.acquire, False),
}


@pytest.mark.parametrize("name", BUSY)
def test_a_thread_that_waits_for_work(name: str) -> None:
    """Or that is about to do something, when there is nothing in it but the standard library."""
    event, lock = threading.Event(), threading.Lock()
    lock.acquire()  # a function of C, without a frame
    place, target, waits = BUSY[name]
    thread = threading.Thread(target=target(event, lock), daemon=True)
    thread.start()
    while sys._current_frames()[thread.ident or 0].f_code.co_name != place:
        assert thread.is_alive()
    assert SERVE_MANY._waits(thread) is waits
    event.set()
    lock.release()
    thread.join()


def test_serve_many_with_a_pool_outside_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made in another cell than the function, it outlives the check."""
    monkeypatch.setattr(SERVE_MANY, "PAUSE", 0.1)
    with ThreadPoolExecutor(50) as pool:

        def serve(listener: socket.socket) -> None:
            while True:
                pool.submit(talk, listener.accept()[0])

        assert [checks.serve_many(serve).outcome for _ in range(2)] == [Outcome.RIGHT] * 2


def test_serve_many_with_workers_that_wait_at_a_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SERVE_MANY, "PAUSE", 0.1)
    queue: Queue[socket.socket | None] = Queue()
    workers: list[threading.Thread] = []

    def work() -> None:
        while (connection := queue.get()) is not None:
            talk(connection)

    def serve(listener: socket.socket) -> None:
        for _ in range(50):
            workers.append(threading.Thread(target=work, daemon=True))
            workers[-1].start()
        while True:
            queue.put(listener.accept()[0])

    result = checks.serve_many(serve)
    for _ in workers:
        queue.put(None)
    for worker in workers:
        worker.join()
    assert result.right, result


# --- Seal ------------------------------------------------------------------------------------

Seal = Callable[[str, bytes], str]
Unseal = Callable[[str, bytes], Any]


def with_tag(tag: Callable[[str, bytes], str]) -> Seal:
    def seal(text: str, key: bytes) -> str:
        return f"{text} {tag(text, key)}"

    return seal


def hmac_tag(text: str, key: bytes) -> str:
    return hmac.new(key, text.encode(), "sha256").hexdigest()


def added(one: bytes, other: bytes) -> str:
    return bytes(first ^ second for first, second in zip(one, other, strict=True)).hex()


def pair(tag: Callable[[str, bytes], str] = hmac_tag) -> tuple[Seal, Unseal]:
    """Functions that seal with this tag, and compare the whole line."""
    seal = with_tag(tag)

    def unseal(line: str, key: bytes) -> str:
        text = line.rpartition(" ")[0]
        if seal(text, key) != line:
            raise ValueError
        return text

    return seal, unseal


def salted(raw: Callable[[str], bytes]) -> tuple[Seal, Unseal]:
    """As a password is kept: a salt, and a hash that begins with it."""

    def tag(salt: str, text: str, key: bytes) -> str:
        return hashlib.sha256(raw(salt) + key + text.encode()).hexdigest()

    def seal(text: str, key: bytes) -> str:
        salt = os.urandom(8).hex()
        return f"{text} {salt} {tag(salt, text, key)}"

    def unseal(line: str, key: bytes) -> str:
        text, salt, shown = line.rsplit(" ", 2)
        if not hmac.compare_digest(shown.encode(), tag(salt, text, key).encode()):
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


def compares_text(line: str, key: bytes) -> str:
    text = line.rpartition(" ")[0]
    if not hmac.compare_digest(line, f"{text} {hmac_tag(text, key)}"):
        raise ValueError("changed")
    return text


def splits_in_two(line: str, key: bytes) -> str:
    if line.count(" ") != 1:
        raise ValueError("not a text and a tag")
    text, tag = line.split(" ")
    return text if tag == hmac_tag(text, key) else ""


def crc(text: bytes) -> str:
    return f"{zlib.crc32(text):08x}"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def with_a_cipher(
    encrypt: Callable[[bytes, bytes], bytes],
    decrypt: Callable[[bytes, bytes], bytes],
    dress: tuple[Callable[[bytes], str], Callable[[str], bytes]] = (bytes.hex, bytes.fromhex),
) -> tuple[Seal, Unseal]:
    """Functions that hide the text; what each cipher refuses is a ValueError."""

    def seal(text: str, key: bytes) -> str:
        return dress[0](encrypt(key, text.encode()))

    def unseal(line: str, key: bytes) -> str:
        try:
            return decrypt(key, dress[1](line)).decode()
        except (InvalidTag, InvalidToken):
            raise ValueError from None

    return seal, unseal


def with_a_nonce(cipher: type[AESGCM | ChaCha20Poly1305]) -> tuple[Seal, Unseal]:
    def encrypt(key: bytes, text: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + cipher(key).encrypt(nonce, text, None)

    def decrypt(key: bytes, sealed: bytes) -> bytes:
        return cipher(key).decrypt(sealed[:12], sealed[12:], None)

    return with_a_cipher(encrypt, decrypt)


def with_one_nonce(cipher: type[AESGCM | ChaCha20Poly1305]) -> tuple[Seal, Unseal]:
    nonce = bytes(12)
    return with_a_cipher(
        lambda key, text: cipher(key).encrypt(nonce, text, None),
        lambda key, sealed: cipher(key).decrypt(nonce, sealed, None),
        BASE64,
    )


def ctr_and_hmac() -> tuple[Seal, Unseal]:
    """It shows Eve where two texts differ; but what hides the text has not been promised."""

    def decrypt(key: bytes, sealed: bytes) -> bytes:
        if not hmac.compare_digest(sealed[-32:], hmac.digest(key, sealed[:-32], "sha256")):
            raise ValueError
        return aes_ctr(key, sealed[:-32])

    return with_a_cipher(
        lambda key, text: (hidden := aes_ctr(key, text)) + hmac.digest(key, hidden, "sha256"),
        decrypt,
    )


def fernet(key: bytes) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(key).digest()))


def xor(key: bytes, text: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(text, key * (1 + len(text)), strict=False))


def aes_ctr(key: bytes, text: bytes) -> bytes:
    return Cipher(AES(key), CTR(bytes(16))).encryptor().update(text)


BASE64 = (lambda raw: base64.b64encode(raw).decode(), base64.b64decode)


def tag_first(tag: Callable[[bytes, bytes], bytes]) -> tuple[Seal, Unseal]:
    """Functions whose line is the base64 of tag and text."""

    def decrypt(key: bytes, sealed: bytes) -> bytes:
        if not hmac.compare_digest(sealed[:32], tag(key, sealed[32:])):
            raise ValueError
        return sealed[32:]

    return with_a_cipher(lambda key, text: tag(key, text) + text, decrypt, BASE64)


def in_three_parts(covered: slice) -> tuple[Seal, Unseal]:
    """Functions whose line is the base64 of the text, a dot, and the tag of a part of it."""

    def seal(text: str, key: bytes) -> str:
        shown = base64.urlsafe_b64encode(text.encode()).decode()
        return f"v1.{shown}.{hmac_tag(text[covered], key)}"

    def unseal(line: str, key: bytes) -> str:
        _, shown, _ = line.split(".")
        text = base64.urlsafe_b64decode(shown).decode()
        if seal(text, key) != line:
            raise ValueError
        return text

    return seal, unseal


def decodes_the_tag(line: str, key: bytes) -> str:
    text, _, tag = line.rpartition(" ")
    if bytes.fromhex(tag) != hmac.digest(key, text.encode(), "sha256"):
        raise ValueError
    return text


def decoded_from_json(line: str, key: bytes) -> str:
    """What `b64decode` does not know, it overlooks."""
    text, tag = json.loads(line)
    if base64.b64decode(tag) != hmac.digest(key, text.encode(), "sha256"):
        raise ValueError
    return str(text)


def decodes_base64(line: str, key: bytes) -> str:
    text, _, tag = line.rpartition(" ")
    if base64.b64decode(tag) != hmac.digest(key, text.encode(), "sha256"):
        raise ValueError
    return text


def decodes_base64_strictly(line: str, key: bytes) -> str:
    """What is left over behind the last whole byte is overlooked all the same."""
    text, _, tag = line.rpartition(" ")
    if base64.b64decode(tag, validate=True) != hmac.digest(key, text.encode(), "sha256"):
        raise ValueError
    return text


def into_base64(text: str, key: bytes) -> str:
    return f"{text} {base64.b64encode(hmac.digest(key, text.encode(), 'sha256')).decode()}"


def compares_base64(line: str, key: bytes) -> str:
    text = line.rpartition(" ")[0]
    if line != into_base64(text, key):
        raise ValueError
    return text


def into_json(text: str, key: bytes) -> str:
    return json.dumps([text, base64.b64encode(hmac.digest(key, text.encode(), "sha256")).decode()])


def compares_tags(line: str, key: bytes) -> str:
    """`compare_digest` takes text, but only ASCII: a TypeError for any other."""
    text, _, tag = line.rpartition(" ")
    if not hmac.compare_digest(hmac_tag(text, key), tag):
        raise ValueError
    return text


def without_blanks(line: str, key: bytes) -> str:
    """The tag is the last 64 characters that are not blank."""
    for end in range(len(line)):
        text, rest = line[:end], line[end:]
        if rest.startswith(" ") and rest.replace(" ", "") == hmac_tag(text, key):
            return text
    raise ValueError


def splits_at_blanks(line: str, key: bytes) -> str:
    text, tag = line.rsplit(maxsplit=1)
    if hmac_tag(text, key) != tag:
        raise ValueError
    return text


HIDDEN: Attempts = {
    "Fernet": (
        with_a_cipher(
            lambda key, text: fernet(key).encrypt(text),
            lambda key, token: fernet(key).decrypt(token),
            (bytes.decode, str.encode),
        ),
        RIGHT,
    ),
    "AES-GCM": (with_a_nonce(AESGCM), RIGHT),
    "ChaCha20-Poly1305": (with_a_nonce(ChaCha20Poly1305), RIGHT),
    "AES-GCM with one nonce": (with_one_nonce(AESGCM), UNSAFE),
    "ChaCha20-Poly1305 with one nonce": (with_one_nonce(ChaCha20Poly1305), UNSAFE),
    "AES-CTR and HMAC": (ctr_and_hmac(), RIGHT),
    "base64 of tag and text": (
        tag_first(lambda key, text: hmac.digest(key, text, "sha256")),
        RIGHT,
    ),
    "base64 of the text, and a tag": (in_three_parts(slice(None)), RIGHT),
    "base64 of tag and text, the tag of a part": (
        tag_first(lambda key, text: hmac.digest(key, text[:8], "sha256")),
        UNSAFE,
    ),
    "base64 of hash of key and text, and text": (
        tag_first(lambda key, text: hashlib.sha256(key + text).digest()),
        UNSAFE,
    ),
    "base64 of the text, and a tag of a part": (in_three_parts(slice(8)), UNSAFE),
    "base64 without a tag": (
        with_a_cipher(lambda _, text: text, lambda _, text: text, BASE64),
        UNSAFE,
    ),
    "XOR with the key": (with_a_cipher(xor, xor), UNSAFE),
    "AES-CTR": (with_a_cipher(aes_ctr, aes_ctr, BASE64), UNSAFE),
}


def drawn(text: str, key: bytes) -> str:
    random.seed(key + text.encode())
    return random.randbytes(16).hex()


EVENED_OUT: Attempts = {
    "tag without case": (pair(lambda text, key: hmac_tag(text.lower(), key)), UNSAFE),
    "tag without blanks": (pair(lambda text, key: hmac_tag("".join(text.split()), key)), UNSAFE),
    "tag of single blanks": (pair(lambda text, key: hmac_tag(" ".join(text.split()), key)), UNSAFE),
    "tag without blanks at the ends": (
        pair(lambda text, key: hmac_tag(text.strip(), key)),
        UNSAFE,
    ),
    "tag of letters as Unicode evens them out": (
        pair(lambda text, key: hmac_tag(unicodedata.normalize("NFKC", text), key)),
        UNSAFE,
    ),
    "tag of the first letters": (pair(lambda text, key: hmac_tag(text[:8], key)), UNSAFE),
    "tag of the letters in any order": (
        pair(lambda text, key: hmac_tag("".join(sorted(text)), key)),
        UNSAFE,
    ),
    "tag of the CRC": (pair(lambda text, key: hmac_tag(crc(text.encode()), key)), UNSAFE),
    "tag of the Adler-32": (
        pair(lambda text, key: hmac_tag(str(zlib.adler32(text.encode())), key)),
        UNSAFE,
    ),
    "tag by Poly1305": (
        pair(lambda text, key: Poly1305.generate_tag(key, text.encode()).hex()),
        UNSAFE,
    ),
    "tag of the hash": (
        pair(lambda text, key: hmac_tag(hashlib.sha256(text.encode()).hexdigest(), key)),
        RIGHT,
    ),
    "tag of the last letters": (pair(lambda text, key: hmac_tag(text[-8:], key)), UNSAFE),
    "tag that is decoded": ((with_tag(hmac_tag), decodes_the_tag), NOT_YET),
    "tag in base64 that is decoded": ((into_json, decoded_from_json), NOT_YET),
    "tag in base64 behind a blank": ((into_base64, decodes_base64), NOT_YET),
    "tag in base64, each digit checked": ((into_base64, decodes_base64_strictly), NOT_YET),
    "tag in base64 that is compared": ((into_base64, compares_base64), RIGHT),
    "blanks that are a part of the text": ((with_tag(hmac_tag), splits_at_blanks), NOT_YET),
}

SEALED: Attempts = {
    **HIDDEN,
    **EVENED_OUT,
    "16 bits": (pair(lambda text, key: hmac_tag(text, key)[:4]), UNSAFE),
    "32 bits": (pair(lambda text, key: hmac_tag(text, key)[:8]), UNSAFE),
    "16 bits of hash": (pair(lambda text, key: f"{hash((text, key)) & 0xFFFF:04x}"), UNSAFE),
    "a long tag of hash": (
        pair(lambda text, key: "".join(f"{hash((n, text, key)):+024d}" for n in range(3))),
        NOT_YET,
    ),
    "hash of key and text": (pair(lambda text, key: sha256(key + text.encode())), UNSAFE),
    "hash of a salt, key and text": (salted(lambda salt: salt.encode()), UNSAFE),
    "hash of a salt in bytes, key and text": (salted(bytes.fromhex), UNSAFE),
    "tag of a beginning": (pair(lambda text, key: hmac_tag(text[:40], key)), UNSAFE),
    "the key as text": (pair(lambda text, key: hmac_tag(text, key.decode().encode())), NOT_YET),
    "stripped before it is sealed": (
        (lambda text, key: pair()[0](text.strip(), key), pair()[1]),
        NOT_YET,
    ),
    "hash of key, colon and text": (
        pair(lambda text, key: sha256(key + b":" + text.encode())),
        UNSAFE,
    ),
    "hash of a key in hex and text": (
        pair(lambda text, key: sha256(f"{key.hex()}{text}".encode())),
        UNSAFE,
    ),
    "hash of key and text in UTF-16": (
        pair(lambda text, key: sha256(key + text.encode("utf-16-le"))),
        UNSAFE,
    ),
    "hash of key and text as any bytes": (
        pair(lambda text, key: sha256(key + text.encode("utf-8", "surrogateescape"))),
        UNSAFE,
    ),
    "hash of key and text in base64": (
        pair(
            lambda text, key: base64.b64encode(
                hashlib.sha256(key + text.encode()).digest()
            ).decode()
        ),
        UNSAFE,
    ),
    "MD5 of key and text": (
        pair(lambda text, key: hashlib.new("md5", key + text.encode()).hexdigest()),  # noqa: S324 - that is the point
        UNSAFE,
    ),
    "SHA-512 of key and text": (
        pair(lambda text, key: hashlib.sha512(key + text.encode()).hexdigest()),
        UNSAFE,
    ),
    "SHA-224 of key and text": (
        pair(lambda text, key: hashlib.sha224(key + text.encode()).hexdigest()),
        UNSAFE,
    ),
    "SHA-384 of key and text": (  # 128 bits of its state are left out
        pair(lambda text, key: hashlib.sha384(key + text.encode()).hexdigest()),
        RIGHT,
    ),
    "drawn from a generator": (
        pair(lambda text, key: random.Random(key + text.encode()).randbytes(16).hex()),
        UNSAFE,
    ),
    "drawn from the module's generator": (pair(drawn), UNSAFE),
    "a part of the key": (pair(lambda text, key: hmac_tag(text, key[:2])), UNSAFE),
    "the length of the key": (pair(lambda text, key: hmac_tag(text, bytes([len(key)]))), UNSAFE),
    "HMAC with key and text exchanged": (
        pair(lambda text, key: hmac_tag(key.decode("latin-1"), text.encode())),
        UNSAFE,
    ),
    "plain crc": (pair(lambda text, _: crc(text.encode())), UNSAFE),
    "plain hash": (pair(lambda text, _: hashlib.sha256(text.encode()).hexdigest()), UNSAFE),
    "hash of the text, XOR with the key": (
        pair(lambda text, key: added(hashlib.sha256(text.encode()).digest(), key)),
        UNSAFE,
    ),
    "sum of text and key": (
        pair(lambda text, key: f"{sum(map(int.from_bytes, (text.encode(), key))):064x}"),
        UNSAFE,
    ),
    "product of text and key": (
        pair(lambda text, key: f"{int.from_bytes(text.encode()) * int.from_bytes(key):0100x}"),
        UNSAFE,
    ),
    "hash of the text, XOR with that of the key": (
        pair(
            lambda text, key: added(*(hashlib.sha512(it).digest() for it in (text.encode(), key)))
        ),
        UNSAFE,
    ),
    "crc of key and text": (pair(lambda text, key: crc(key + text.encode())), UNSAFE),
    "crc of text and key": (pair(lambda text, key: crc(text.encode() + b":" + key)), UNSAFE),
    "tag without the text": (pair(lambda _, key: hmac_tag("always", key)), UNSAFE),
    "key in the line": (pair(lambda text, key: hmac_tag(text, key) + key.hex()), UNSAFE),
    "no check at all": (reading(lambda *_: True), UNSAFE),
    "no tag is fine": ((with_tag(hmac_tag), without_a_tag_is_fine), UNSAFE),
    "a part of the tag": (reading(lambda tag, right: tag[:8] == right[:8]), UNSAFE),
    "a part of the tag, all its length": (
        reading(lambda tag, right: len(tag) == 64 and tag[:8] == right[:8]),
        UNSAFE,
    ),
    "whatever the tag starts with": (reading(lambda tag, right: right.startswith(tag)), UNSAFE),
    "None": (reading(str.__eq__, refused=None), NOT_YET),
    "False": (reading(str.__eq__, refused=False), NOT_YET),
    "a message": (reading(str.__eq__, refused="changed!"), NOT_YET),
    "bytes": ((lambda text, key: text.encode() + key, pair()[1]), NOT_YET),
    "two lines": ((lambda text, key: f"{text}\n{hmac_tag(text, key)}", pair()[1]), NOT_YET),
    "another text": ((with_tag(hmac_tag), lambda line, _: line), NOT_YET),
    "one function": (pair()[0], NOT_YET),
    "three functions": ((*pair(), odd), NOT_YET),
    "an error for its own line": ((with_tag(hmac_tag), splits_in_two), NOT_YET),
    "tags compared as text": ((with_tag(hmac_tag), compares_text), NOT_YET),
    "an error for every text": ((stumbling, stumbling), NOT_YET),
    "KeyError": (reading(str.__eq__, refused=KeyError), NOT_YET),
    "tags compared as text, with another split": ((with_tag(hmac_tag), compares_tags), NOT_YET),
    "tag in small letters": (reading(lambda tag, right: tag.lower() == right), NOT_YET),
    "tag without its blanks": ((with_tag(hmac_tag), without_blanks), NOT_YET),
    "64 bits": (pair(lambda text, key: hmac_tag(text, key)[:16]), UNSAFE),
    "a number": (pair(lambda text, key: str(int(hmac_tag(text, key), 16))), RIGHT),
    "HMAC": (pair(), RIGHT),
    "HMAC in JSON": (with_json(), RIGHT),
    "80 bits": (pair(lambda text, key: hmac_tag(text, key)[:20]), RIGHT),
    "BLAKE2 with a key": (
        pair(lambda text, key: hashlib.blake2b(text.encode(), key=key).hexdigest()),
        RIGHT,
    ),
    "SHA-3 of key and text": (
        pair(lambda text, key: hashlib.sha3_256(key + text.encode()).hexdigest()),
        RIGHT,
    ),
}


@pytest.mark.parametrize("name", SEALED)
def test_seal(hold: Hold, name: str) -> None:
    thing, outcome = SEALED[name]
    hold(checks.seal(thing), outcome)


@pytest.mark.once  # hashes, many of them
def test_a_tag_of_16_bits_is_found_by_trying() -> None:
    """What the check computes is true: Mallory, who knows the functions, tries lines."""
    seal, unseal = pair(lambda text, key: hmac_tag(text, key)[:4])
    for number in count():
        line = seal("the cave is empty", b"%d" % number)
        with suppress(ValueError):
            assert unseal(line, b"known to device and backend only") == "the cave is empty"
            break
    assert number < 2**20


def test_two_texts_have_one_crc() -> None:
    """What the check sends in place of the other, behind whatever and before whatever."""
    assert TWIN != SECRET
    for before, behind in [("", ""), ("key ", ""), ("", ":key")]:
        one, other = (f"{before}{text}{behind}".encode() for text in (SECRET, TWIN))
        assert zlib.crc32(one) == zlib.crc32(other)


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
    assert check(thing).outcome is Outcome.NOT_ATTEMPTED


@pytest.fixture(autouse=True)
def quiet(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """No traceback is printed, by no thread."""
    yield
    assert "Traceback" not in capsys.readouterr().err

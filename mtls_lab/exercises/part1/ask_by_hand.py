"""Exercise of Part 1: ask the backend for its secret with a bare socket.

Here: the check, and the backends that it plays. Not here: what all checks share (the folder
above).
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

from mtls_lab.exercises.calling import Called, call
from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.peers import (
    ENDS,
    NO_TEXT,
    SECRET,
    SPOILED,
    STAYS,
    STREAM,
    all_closed,
    expect_line,
    listening,
    settle,
    shown,
)
from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.net import hang_up
from mtls_lab.wire import MAX_LINE, Service

__all__ = ["ask_by_hand"]

Function = Callable[..., Any]

#: A secret whose last character is three bytes long, one with a blank at each end, and two with a
#: character that does not end a line here: `splitlines` ends one at the first, and a file that is
#: opened as text at the second.
MOON, BLANKS = f"{SECRET} ☾", f" {SECRET} "
PARTED = tuple(SECRET.replace(" is", f"{each}is") for each in ("\N{LINE SEPARATOR}", "\r"))
END = "recv returns empty bytes once the other side has hung up: without a line end, an error"


class _Peer:
    """A backend of a few lines, which notes what it hears.

    What it answers in two pieces takes the client two reads: the byte of urgent data between
    them, which a client does not see, is a mark that no read goes across (RFC 6093, section 3).
    """

    def __init__(self, *pieces: bytes, hangs_up: bool = False) -> None:
        self.pieces, self.hangs_up, self.heard = pieces, hangs_up, b""

    def handle(self, connection: socket.socket) -> None:
        while b"\n" not in self.heard:
            data = connection.recv(MAX_LINE)
            if not data:
                return
            self.heard += data
        pieces = self.pieces if self.command == "GET_SECRET" else (self.error(),)
        for number, piece in enumerate(pieces):
            if number:
                connection.send(b"!", socket.MSG_OOB)
            connection.sendall(piece)
        if self.hangs_up:
            hang_up(connection)
        else:
            connection.recv(1)  # until the client hangs up

    @property
    def command(self) -> str:
        return self.heard.partition(b"\n")[0].decode("utf-8", "replace")

    def error(self) -> bytes:
        return Service().answer("what is that").encode() + b"\n"

    def no_line(self) -> NotYet:
        received = f"{shown(self.heard)}, which is not a complete line"
        found = f"the backend received {received if self.heard else 'nothing'}"
        return NotYet(found, ENDS)

    def why_waiting(self) -> NotYet:
        """What a function waits for that had not returned."""
        if b"\n" not in self.heard:
            return self.no_line()
        if self.hangs_up:
            return NotYet("the backend has hung up, but your function still waits", END)
        return NotYet("the whole reply has arrived, but your function waits for more", STAYS)


def _ask(function: Function, peer: _Peer) -> Called:
    with listening(peer.handle) as address:
        try:
            called = call(function, address)
        except NotYet:
            raise peer.why_waiting() from None
        settle(address)
        return called


@exercise("a function ask_by_hand(address)")
def ask_by_hand(function: Function) -> Iterator[str]:
    """Ask for the secret with a bare socket."""
    name = getattr(function, "__name__", "your function")
    with all_closed(name):
        _gets(function, SECRET, _Peer(SECRET.encode() + b"\n"))
    yield "the backend hands out its secret, and your function returns it"
    line = MOON.encode() + b"\n"
    with all_closed(name):
        try:
            _gets(function, MOON, _Peer(line[:-2], line[-2:]))
        except NotYet as error:
            found = f"when the reply came in two pieces, {error.found}"
            raise type(error)(found, error.rule) from None
    yield "a reply in two pieces, cut through the middle of a character, is put together"
    with all_closed(name):
        _gets(function, BLANKS, _Peer(BLANKS.encode() + b"\n"))
    yield "blanks at the ends of a reply are part of it"
    for secret in PARTED:
        with all_closed(name):
            _gets(function, secret, _Peer(secret.encode() + b"\n"))
    yield "a reply ends at its newline, and at nothing else"
    with all_closed(name):
        _fails(function, name, _Peer(SPOILED), "changed a byte of the reply", NO_TEXT)
    yield "Mallory changes a byte of the reply, and what is no longer text is an error"
    with all_closed(name):
        _fails(function, name, _Peer(hangs_up=True))
    yield "a backend that hangs up without an answer is an error"
    with all_closed(name):
        _fails(function, name, _Peer(line[:6], hangs_up=True))
    yield "Mallory cuts the reply in the middle, and half a line is an error too"


def _gets(function: Function, secret: str, peer: _Peer) -> None:
    called = _ask(function, peer)
    called.returned(STREAM)
    if b"\n" not in peer.heard:
        raise peer.no_line()
    if more := peer.heard.partition(b"\n")[2]:
        found = f"after its command, {called.name} sent {shown(more)} as well"
        raise NotYet(found, "what follows a newline begins the next command")
    if peer.command != "GET_SECRET":
        found = f"the backend received {shown(peer.command)}, a command that it does not know"
        raise NotYet(found, "the command is GET_SECRET, and a newline ends it")
    expect_line(called, secret)


def _fails(
    function: Function,
    name: str,
    peer: _Peer,
    did: str = "cut the reply in the middle",
    rule: str = END,
) -> None:
    called = _ask(function, peer)
    if isinstance(called.error, Exception):
        return
    if called.error is not None:
        raise NotYet(called.told, rule)
    told = f"{name} returned {shown(called.value)}"
    if called.value and peer.pieces:
        raise Unsafe(f"Mallory {did}, and {told} as if it were whole", rule)
    what = "the backend hung up without a whole line" if peer.hangs_up else f"Mallory {did}"
    raise NotYet(f"{what}, and {told}", rule)

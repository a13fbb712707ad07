"""Exercise of Part 1: change the secret on its way, and nothing else.

Here: the check, and the commands that pass its relay. Not here: what all checks share (the
folder above).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mtls_lab.exercises.calling import call
from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.peers import LIE, shown
from mtls_lab.exercises.result import NotYet
from mtls_lab.net import Backend, Chunk, Relay, ask
from mtls_lab.wire import Direction, Exchange, Service

__all__ = ["mallory"]

Function = Callable[..., Any]

OPEN = "open sesame"
#: Secrets that have something of it.
NEAR = ("sesame is open", "Open Sesame", "open  sesame")
#: Lines that go through a change of types: blanks at the ends, and a byte that no text has.
ODD = (b" what is open \n", b"\xff\n")
#: The secret twice, and more: all of it is changed, or it is another line.
TWICE = f"{OPEN}, {OPEN}!\n".encode()
TAMPER = "a tampering function takes a Chunk and returns the bytes to pass on"


@exercise("a function mallory(chunk)")
def mallory(tamper: Function) -> Iterator[str]:
    """Change the secret on its way, and nothing else."""
    failed: list[NotYet] = []

    def guarded(chunk: Chunk) -> bytes | None:
        try:
            return _passed_on(tamper, chunk)
        except NotYet as no:
            failed.append(no)
            return None

    def through(command: str, secret: str = OPEN) -> Exchange:
        with Backend(secret=secret) as backend, Relay(backend, tamper=guarded) as relay:
            exchange = ask(command, relay)
        if failed:
            raise failed[0]
        return exchange

    exchange = through("GET_SECRET")
    if exchange.reply != LIE:
        where = " in what goes to the device: Direction.TO_DEVICE" * (exchange.reply == OPEN)
        raise NotYet(
            f"the device asked for the secret and received {shown(exchange.reply)}",
            f"Mallory exchanges {shown(OPEN)} for {shown(LIE)}{where}",
        )
    yield f"the device asks for the secret and receives {shown(LIE)}"
    for command, secret in (("PING", OPEN), ("HELP", OPEN), *(("GET_SECRET", it) for it in NEAR)):
        reply, arrived = Service(secret).answer(command), through(command, secret).reply
        if arrived != reply:
            raise NotYet(
                f"the reply {shown(reply)} to {command} arrived as {shown(arrived)}",
                "what is not the secret passes unchanged",
            )
    for line in ODD:
        _is_among(tamper, line, (line,), "what is not the secret passes unchanged, byte by byte")
    changed = TWICE.replace(OPEN.encode(), LIE.encode())
    _is_among(tamper, TWICE, (TWICE, changed), "the secret is changed in each place, and no more")
    yield "every other reply passes unchanged"
    exchange = through(f"SAY {OPEN}")
    received = exchange.backend.received if exchange.backend else ()
    if received != (f"SAY {OPEN}",):
        raise NotYet(
            f"the device sent {shown(f'SAY {OPEN}')}, and the backend received "
            + (shown(received[0]) if received else "nothing"),
            "a chunk has a direction, and what goes towards the backend passes unchanged",
        )
    yield "a command with the same words in it reaches the backend unchanged"


def _is_among(tamper: Function, line: bytes, good: tuple[bytes, ...], rule: str) -> None:
    sent = _passed_on(tamper, Chunk(0, 0, Direction.TO_DEVICE, line))
    if sent not in good:
        raise NotYet(f"the line {shown(line)} was passed on as {shown(sent)}", rule)


def _passed_on(tamper: Function, chunk: Chunk) -> bytes:
    called = call(tamper, chunk)
    sent = called.returned(TAMPER)
    if not isinstance(sent, bytes):
        raise NotYet(f"{called.name} returned {shown(sent)}", TAMPER)
    if chunk.heard.endswith(b"\n") and not sent.endswith(b"\n"):
        rule = "a line is not complete without its end: whoever receives it waits"
        raise NotYet(f"{called.name} returned {shown(sent)}, without the newline", rule)
    return sent

"""One call over TLS in which the backend asks first: whom does it take for the device?

Here: a backend around two functions of the learner's, and what both sides saw of a call. Not here:
who calls, and what follows (attempt.py).
"""

from __future__ import annotations

import secrets
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Self

from mtls_lab.exercises.calling import call
from mtls_lab.exercises.peers import SECRET, listening, server_context, shown, strict_device
from mtls_lab.exercises.result import NotYet
from mtls_lab.net import Address
from mtls_lab.pki import CertificateAuthority
from mtls_lab.wire import LineBuffer, ProtocolError

__all__ = ["Call", "Genuine", "QuestioningBackend", "Says", "can_be_elsewhere"]

Says = Callable[[str], object]
Genuine = Callable[[str, str, str], object]

REFUSAL = "ERROR not authorized"
#: Seconds for each step on loopback.
PATIENCE = 10.0
#: Where the clone calls from: loopback has more than one address, but not on every system.
ELSEWHERE = "127.0.0.2"


@dataclass
class Call:
    """What both sides saw of one call."""

    who: str
    answer: str = ""
    reply: str = ""
    heard: str = ""

    @property
    def served(self) -> bool:
        """Whether the caller got the secret."""
        return self.reply == SECRET

    @property
    def lines(self) -> tuple[str, str]:
        """Both sides, the caller's first."""
        sign = "✓" if self.served else "✗"
        return (
            f"{self.who:<8} said {shown(self.answer)}  received {sign} {self.reply}",
            f"backend  heard {self.heard or 'nothing'}",
        )


class QuestioningBackend:
    """The backend of Part 2, with a question before the command."""

    def __init__(self, is_genuine: Genuine) -> None:
        ca = CertificateAuthority.create("Lab CA")
        self._context = server_context(ca.issue_server(["localhost"]))
        self._device = strict_device(ca.certificate)
        self._is_genuine = is_genuine
        self._stack = ExitStack()
        self._heard = ""
        self._wrong: NotYet | None = None

    def __enter__(self) -> Self:
        self._address: Address = self._stack.enter_context(listening(self._serve))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _serve(self, raw: socket.socket) -> None:
        address = raw.getpeername()[0]
        raw.settimeout(PATIENCE)
        with self._context.wrap_socket(raw, server_side=True) as tls:
            question = secrets.token_hex(8)
            tls.sendall(f"{question}\n".encode())
            answer = _line(tls)
            genuine = False
            try:
                ended = call(self._is_genuine, answer, question, address)
                genuine = bool(ended.returned("it returns True or False"))
            except NotYet as no:
                self._wrong = no
            verdict = f"is_genuine {'✓ True' if genuine else '✗ False'}"
            self._heard = f"{shown(answer)}  {verdict}"
            tls.sendall(f"{SECRET if genuine else REFUSAL}\n".encode())

    def visit(self, who: str, says: Says, *, elsewhere: bool) -> Call:
        """Call the backend, answer its question, and return what both sides saw.

        Raises:
            NotYet: `says` failed, or gave no line of text; or the backend's function failed.
        """
        done, self._heard, self._wrong = Call(who), "", None
        with self._connected(elsewhere=elsewhere) as tls:
            question = _line(tls)
            ended = call(says, question)
            value = ended.returned("it takes the question, and returns the answer")
            done.answer = _one_line(ended.name, value)
            tls.sendall(f"{done.answer}\n".encode())
            done.reply = _line(tls)  # the backend has noted what it heard before it replies
            done.heard = self._heard
        if self._wrong is not None:
            raise self._wrong
        return done

    @contextmanager
    def _connected(self, *, elsewhere: bool) -> Iterator[ssl.SSLSocket]:
        source = (ELSEWHERE, 0) if elsewhere and can_be_elsewhere() else None
        with (
            socket.create_connection(self._address, PATIENCE, source_address=source) as raw,
            self._device.wrap_socket(raw, server_hostname="localhost") as tls,
        ):
            yield tls


def _one_line(name: str, value: object) -> str:
    """Hold an answer to what the protocol carries. Raises NotYet."""
    found, rule = f"{name} returned {shown(value)}", "an answer is one line of text, a str"
    if not isinstance(value, str) or "\n" in value:
        raise NotYet(found, rule)
    try:
        list(LineBuffer().feed(f"{value}\n".encode()))
    except (ProtocolError, UnicodeEncodeError) as error:
        raise NotYet(found, f"{rule} ({error})") from None
    return value


def _line(tls: ssl.SSLSocket) -> str:
    lines = LineBuffer()
    while data := tls.recv(4096):
        if found := list(lines.feed(data)):
            return found[0]
    return ""


def can_be_elsewhere() -> bool:
    """Whether this system lets a caller have a second address."""
    try:
        with socket.socket() as probe:
            probe.bind((ELSEWHERE, 0))
    except OSError:  # macOS gives loopback one address, unless told otherwise
        return False
    return True

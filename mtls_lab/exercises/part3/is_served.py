"""Exercise of Part 3: tell whether the backend really serves a device.

Here: the check, and backends without an answer. Not here: what all checks share (the folder above).
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from mtls_lab.common import scratch_folder
from mtls_lab.exercises.calling import call
from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.peers import (
    LIE,
    PAST,
    VERSIONS,
    all_closed,
    guarded,
    listening,
    server_context,
    shown,
    strict_device,
)
from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.exercises.temptations import careless, impostors
from mtls_lab.net import Address, Backend, hang_up, nobody_listens
from mtls_lab.pki import CertificateAuthority, Identity, Purpose, public_ca

__all__ = ["is_served"]

#: Seconds for an answer that comes, less than a call may take; and for one that never does.
PATIENT, IMPATIENT = 3.0, 0.1
_NO_ERROR = "being refused is not an error here: it is the answer"
_OWN = "a socket takes and gives bytes; what raises is in your own lines"
_ANSWER = "a device that is served gets an answer to its command: PONG, and nothing else"
_PIECES = "one `recv` returns what is there so far: a line ends at its line end"
_LAST_WORD = "in TLS 1.3 the backend looks at the certificate after the device's handshake is done"
#: What a backend does that answers PONG without its line end, and what a device makes of it.
_CUT = "a backend whose answer is cut"
_WHOLE = "without its line end, PONG may be the beginning of another answer"
_SILENT = ("a backend that never shakes hands", "a backend that never answers")


@exercise("a function is_served(address, context, timeout)")
def is_served(function: Callable[..., Any]) -> Iterator[str]:
    """Tell whether the backend really serves a device."""
    ca, stranger = (CertificateAuthority.create(name) for name in ("Lab CA", "Another CA"))
    own, valid = ca.issue_server(["localhost", "127.0.0.1"]), ca.issue_client("trusted-client")

    def says(identity: Identity | None, address: Address, timeout: float = PATIENT) -> bool:
        device = strict_device(ca.certificate, identity)
        with all_closed(getattr(function, "__name__", "your function")):
            answer = call(function, address, device, timeout)
        value = answer.returned(_OWN if isinstance(answer.error, TypeError) else _NO_ERROR)
        if not isinstance(value, bool):
            found = f"{answer.name} returned {shown(value)}"
            raise NotYet(found, "it returns True or False")
        return value

    refused = {
        "without a certificate": None,
        "with a certificate from another CA": stranger.issue_client("trusted-client"),
        "with an expired certificate": ca.issue("trusted-client", Purpose.CLIENT, valid_days=PAST),
    }
    for name, version in VERSIONS.items():
        with guarded(ca, own, version) as backend:
            _tell_apart(partial(says, address=backend.address), valid, refused, name)
        yield f"{name}: True for the device that is served, False for three that are refused"

    with guarded(ca, own) as backend:
        if says(ca.issue_client("not-trusted-client"), backend.address):
            raise NotYet("True for a device that the rule refused: it got an ERROR line", _ANSWER)
    yield "False for a device that got an ERROR line"

    context, met = server_context(own), threading.Event()
    for who, wrong in _quiet(context, met).items():
        with wrong as address:
            if _waited(who, met, partial(says, valid, address)):
                raise NotYet(f"True for {who}", _WHOLE if who == _CUT else _ANSWER)
        yield f"False for {who}"

    _in_pieces(partial(says, valid), context)
    yield "True for a backend whose answer arrives in two pieces"

    _be_careless(says, valid, own)
    yield "False for a backend without encryption, or with TLS 1.1"
    _believe(says, valid, stranger.issue_server(["localhost"]), "of another CA")
    _believe(says, valid, ca.issue_server(["mallory.example"]), "for another name")
    _show_everything(says, valid, ca)
    yield "False for Mallory in the backend's place"


def _tell_apart(
    says: Callable[[Identity | None], bool],
    valid: Identity,
    refused: Mapping[str, Identity | None],
    version: str,
) -> None:
    """Let the right device ask, and those that are refused."""
    if not says(valid):
        rule = f"{_ANSWER}; and a command is a line, with its line end"
        raise NotYet(f"{version}: False for a device that the backend serves", rule)
    for who, identity in refused.items():
        if says(identity):
            rule = _LAST_WORD if version == "TLS 1.3" else _ANSWER
            raise NotYet(f"{version}: True for a device {who}", rule)


def _waited(who: str, met: threading.Event, says: Callable[[float], bool]) -> bool:
    """Ask with a time for an answer that comes, or that does not.

    On a busy machine the handshake alone may take longer than the short one, and then nobody has
    waited for the answer.
    """
    said = says(IMPATIENT if who in _SILENT else PATIENT)
    return says(PATIENT) if who == _SILENT[1] and not met.is_set() else said


def _quiet(
    context: ssl.SSLContext, met: threading.Event
) -> dict[str, AbstractContextManager[Address]]:
    """Backends without a reply, each as a context manager of its address.

    The one that never answers notes in `met` that a handshake with it is done.
    """

    def hangs_up(connection: socket.socket) -> None:
        tls = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        tls.do_handshake()
        hang_up(tls)

    def never_answers(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as tls:
            met.set()
            while tls.recv(1024):
                continue

    return {
        "an address where nobody listens": nobody_listens(),
        "a backend that hangs up without an answer": listening(hangs_up),
        _SILENT[0]: _deaf(),
        _SILENT[1]: listening(never_answers),
        "a backend that answers PONGED": listening(partial(_say, context, (b"PONGED\n",))),
        _CUT: listening(partial(_say, context, (b"PONG",))),
        "a backend whose answer is not text": listening(partial(_say, context, (b"PONG\xff\n",))),
    }


def _say(context: ssl.SSLContext, pieces: tuple[bytes, ...], connection: socket.socket) -> None:
    """Answer a command in pieces, each in a record."""
    with context.wrap_socket(connection, server_side=True) as tls:
        tls.recv(1024)
        for piece in pieces:
            tls.sendall(piece)


def _in_pieces(says: Callable[[Address], bool], context: ssl.SSLContext) -> None:
    """Let the answer arrive in two records. Raises NotYet if it is not put together."""
    with listening(partial(_say, context, (b"PO", b"NG\n"))) as address:
        if not says(address):
            raise NotYet("False for a backend whose PONG arrived in two pieces", _PIECES)


@contextmanager
def _deaf() -> Iterator[Address]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()


def _be_careless(says: Callable[..., bool], device: Identity, own: Identity) -> None:
    """Let the backend agree to anything. Raises Unsafe if the device does too."""
    for peer in careless(lambda: server_context(own)):
        with Backend(peer.context) as backend:
            if says(device, backend.address):
                raise Unsafe(f"True for a backend that {peer.how}", peer.rule)


def _show_everything(says: Callable[..., bool], device: Identity, ca: CertificateAuthority) -> None:
    """Let Mallory show all that she has. Raises Unsafe if she is taken for the backend."""
    with scratch_folder() as folder, public_ca(folder) as public:
        for impostor in impostors(ca, public, "localhost"):
            with Backend(impostor.context, name="mallory", secret=LIE) as backend:
                if says(device, backend.address):
                    found = f"True for Mallory, who presented {impostor.shows}"
                    raise Unsafe(f"{found}, and read the command", impostor.rule)


def _believe(says: Callable[..., bool], device: Identity, mallory: Identity, what: str) -> None:
    """Let Mallory answer. Raises Unsafe if she is taken for the backend."""
    with Backend(server_context(mallory), name="mallory", secret=LIE) as backend:
        if says(device, backend.address):
            raise Unsafe(
                f"True for Mallory, with a certificate {what}, who read the command",
                "the context that you get is finished, and checks who answers",
            )

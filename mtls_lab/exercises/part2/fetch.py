"""The exercise of Part 2 in which the device's whole program is written, over TLS.

Here: one check, and the backends that it meets. Not here: what all checks share (judging.py,
peers.py), and the certificates that Mallory shows (temptations.py).
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mtls_lab.common import scratch_folder
from mtls_lab.exercises.calling import Called, call
from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.peers import (
    ENDS,
    LIE,
    NO_TEXT,
    SECRET,
    SPOILED,
    STAYS,
    all_closed,
    expect_line,
    listening,
    server_context,
    settle,
    shown,
)
from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.exercises.temptations import Impostor, careless, impostors
from mtls_lab.net import Address, Backend
from mtls_lab.pki import CertificateAuthority, public_ca, write_certificate
from mtls_lab.wire import MAX_LINE

__all__ = ["fetch"]

HOST = "backend.example"
#: A backend that was not called before, so that nobody has kept a certificate of it.
NEW = "new.example"
FIRST = "whoever believes the first certificate believes Mallory, if she is the first to answer"
#: What a peer that answers needs at most, and how long a learner's function is to wait for one
#: that does not.
PATIENCE, SHORT = 5.0, 0.3
#: The first byte of a TLS record that holds a handshake message (RFC 8446, section 5.1).
HANDSHAKE = b"\x16"
#: What OpenSSL says of a record that is none.
NO_TLS = "WRONG_VERSION_NUMBER"
REFUSE = "a backend that does not prove who it is gets no command, and an error is raised"
WHOLE = "what has no line end is not a line yet, however it ends"
CUT = "an end without a line end may be Mallory's cut: it is an error"


@dataclass(frozen=True)
class _Device:
    """The learner's function, with what it knows of the backend."""

    function: Callable[..., Any]
    cafile: str

    @property
    def name(self) -> str:
        return str(getattr(self.function, "__name__", "your function"))

    def calls(self, address: Address, timeout: float = PATIENCE, host: str = HOST) -> Called:
        return call(self.function, address, self.cafile, host, timeout)

    def fails(self, called: Called, when: str, rule: str) -> None:
        """Hold a call to having raised; what was taken for a secret is told."""
        if isinstance(called.error, Exception):
            return
        told = f"{self.name} returned {shown(called.value)}"
        if called.value and isinstance(called.value, str | bytes):
            raise Unsafe(f"{when}, and {told} as the secret", rule)
        raise NotYet(called.told if called.error else f"{when}, and {told}", rule)


@exercise("a function fetch(address, cafile, server_hostname, timeout)")
def fetch(function: Callable[..., Any]) -> Iterator[str]:
    """Ask for the secret over TLS, by hand."""
    ca = CertificateAuthority.create("Lab CA")
    context = server_context(ca.issue_server([HOST]))
    with scratch_folder() as folder:
        cafile = Path(folder, "server_ca.pem")
        write_certificate(cafile, ca.certificate)
        device = _Device(function, str(cafile))
        _is_served(device, context)
        yield f"the device receives the secret from {HOST}"
        _collects(device, context)
        yield "a reply that arrives in three records is put together"
        with all_closed(device.name):
            _stays_with_tls(device)
        yield "Mallory, who hangs up on TLS, is not asked again without it"
        with all_closed(device.name):
            called = _answered(device, context, SPOILED)[0]
        device.fails(called, "the backend sent a byte that is not text", NO_TEXT)
        yield "a reply that is not text is an error"
        with public_ca(folder) as public:
            for impostor in impostors(ca, public, HOST):
                with all_closed(device.name):
                    _refuses(device, impostor)
                yield f"Mallory, who presents {impostor.shows}, learns nothing"
            with all_closed(device.name):
                _refuses_at_first(device, next(impostors(ca, public, NEW)))
            yield "a backend that was never called before has to prove itself too"
        _is_careful(device, ca)
        yield "a backend without encryption, or with TLS 1.1, is refused"
        with all_closed(device.name):
            _sees_a_cut(device, context)
        yield "Mallory cuts the reply in the middle, and that is an error"
        with all_closed(device.name):
            _sees_an_end(device, context)
        yield "a backend that ends before its line is whole is an error as well"
        with all_closed(device.name):
            _gives_up(device)
        yield "a backend that accepts and then says nothing is given up after the time-out"


def _is_served(device: _Device, context: ssl.SSLContext) -> None:
    heard: list[str] = []
    with all_closed(device.name):
        with Backend(
            context, secret=SECRET, observe=lambda what, *_: heard.append(what)
        ) as backend:
            try:
                called = device.calls(backend.address)
            except NotYet as no:
                raise _why_waiting(heard, no) from None
        failed = called.error
        if any(side.failure and side.failure.reason == NO_TLS for side in backend.connections):
            rule = "TLS begins with a handshake, and nothing is said before it"
            raise NotYet(f"{device.name} spoke plain TCP to a backend that speaks TLS", rule)
        if isinstance(failed, ssl.SSLCertVerificationError):
            found = f"{device.name} refuses the backend (verify code {failed.verify_code})"
            raise NotYet(found, f"the backend is {HOST}, with a certificate of the CA in cafile")
        if isinstance(failed, TimeoutError):
            raise _why_waiting(heard, NotYet(called.told, REFUSE))
        expect_line(called, SECRET)


def _why_waiting(heard: list[str], else_: NotYet) -> NotYet:
    """What a function waits for that has not returned, or has given up, by what the backend saw."""
    if "command" in heard:
        return NotYet("the whole reply has arrived, but your function waits for more", STAYS)
    if "open" in heard:
        return NotYet("the backend received no complete line, and your function waits", ENDS)
    return else_


def _collects(device: _Device, context: ssl.SSLContext) -> None:
    pieces = (f" {SECRET[:6]}", f"{SECRET[6:]} ", "\n")
    called, heard = _answered(device, context, *map(str.encode, pieces))
    expect_line(called, f" {SECRET} ")
    returned = SECRET.replace(" is", "\ris")
    expect_line(_answered(device, context, f"{returned}\n".encode())[0], returned)
    if more := b"".join(each.partition(b"\n")[2] for each in heard):
        found = f"after its command, {device.name} sent {shown(more)} as well"
        raise NotYet(found, "what follows a newline begins the next command")


def _answered(
    device: _Device, context: ssl.SSLContext, *pieces: bytes
) -> tuple[Called, list[bytes]]:
    """Answer in records, and return how the call ended and what each connection brought."""
    heard: list[bytes] = []

    def handle(raw: socket.socket) -> None:
        with _greeted(raw, context) as tls:
            heard.append(tls.recv(MAX_LINE))
            for piece in pieces:
                tls.sendall(piece)
            tls.recv(1)

    with listening(handle) as address:
        called = device.calls(address)
    return called, heard


def _greeted(raw: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
    """Shake hands as the backend."""
    raw.settimeout(PATIENCE)
    return context.wrap_socket(raw, server_side=True)


def _refuses(device: _Device, impostor: Impostor, host: str = HOST) -> None:
    with Backend(impostor.context, secret=LIE) as mallory:
        called = device.calls(mallory.address, host=host)
    commands = [line for side in mallory.connections for line in side.received]
    if commands and called.error is not None:
        found = f"Mallory presented {impostor.shows}, and has read {shown(commands[0])}"
        raise Unsafe(found, REFUSE)
    device.fails(called, f"Mallory presented {impostor.shows}", impostor.rule)


def _refuses_at_first(device: _Device, impostor: Impostor) -> None:
    shows = f"{impostor.shows} for a backend that was never called before"
    _refuses(device, replace(impostor, shows=shows, rule=FIRST), NEW)


def _is_careful(device: _Device, ca: CertificateAuthority) -> None:
    identity = ca.issue_server([HOST])
    for peer in careless(lambda: server_context(identity)):
        with Backend(peer.context, secret=SECRET) as backend:
            called = device.calls(backend.address)
        device.fails(called, f"the backend {peer.how}", peer.rule)


def _stays_with_tls(device: _Device) -> None:
    heard: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        data = connection.recv(MAX_LINE)
        if data and data[:1] != HANDSHAKE:
            heard.append(data)
            connection.sendall(LIE.encode() + b"\n")

    with listening(handle) as address:
        called = device.calls(address)
        settle(address)
    if heard:
        found = f"Mallory hung up on TLS, was asked again without it, and read {shown(heard[0])}"
        raise Unsafe(found, "what TLS refuses must never be sent without it")
    device.fails(called, "Mallory hung up on TLS", REFUSE)


def _sees_a_cut(device: _Device, context: ssl.SSLContext) -> None:
    def handle(raw: socket.socket) -> None:
        with _greeted(raw, context) as tls:
            tls.recv(MAX_LINE)
            tls.sendall(SECRET[:6].encode())
            socket.socket.shutdown(tls, socket.SHUT_WR)  # below TLS: no close_notify
            with suppress(OSError):
                tls.recv(1)

    with listening(handle) as address:
        called = device.calls(address)
    device.fails(called, "Mallory cut the reply in the middle", CUT)


def _sees_an_end(device: _Device, context: ssl.SSLContext) -> None:
    """End honestly, with close_notify, in the middle of the line."""

    def handle(raw: socket.socket) -> None:
        with _greeted(raw, context) as tls, suppress(OSError):
            tls.recv(MAX_LINE)
            tls.sendall(SECRET[:6].encode())
            tls.unwrap()  # it waits for the other side's, which need not come

    with listening(handle) as address:
        called = device.calls(address)
    device.fails(called, "the backend ended before its line was whole", WHOLE)


def _gives_up(device: _Device) -> None:
    def handle(connection: socket.socket) -> None:
        while connection.recv(MAX_LINE):
            pass

    with listening(handle) as address:
        try:
            called = device.calls(address, SHORT)
        except NotYet:
            found = f"the backend said nothing, and with a time-out of {SHORT} s {device.name}"
            rule = "a time-out applies from the first step on, in the handshake too"
            raise NotYet(f"{found} waited on, until it was stopped", rule) from None
    device.fails(called, "the backend said nothing", REFUSE)

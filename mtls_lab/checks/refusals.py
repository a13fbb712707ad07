"""Checks of Part 3 about refusals: who is refused, and where and why that shows.

Here: is_served, diagnose, and the backends and devices that they meet. Not here: who should be
refused (mutual.py, names.py).
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

from mtls_lab.checks.base import exercise
from mtls_lab.checks.calling import call
from mtls_lab.checks.peers import LIE, SECRET, listening, server_context, shown, strict_device
from mtls_lab.checks.verdict import NotYet, Unsafe
from mtls_lab.client import ask
from mtls_lab.contexts import only_trusted_client
from mtls_lab.outcome import Exchange, Failure
from mtls_lab.pem import Identity
from mtls_lab.pki import CertificateAuthority, Profile, self_signed
from mtls_lab.server import Backend
from mtls_lab.sockets import Address, hang_up

__all__ = ["diagnose", "is_served"]

#: TLS 1.2 first: there a refusal comes where one expects it.
_VERSIONS = {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}
#: Seconds for an answer that comes, less than a call may take; and for one that never does.
PATIENT, IMPATIENT = 3.0, 0.1


@contextmanager
def _backend(
    ca: CertificateAuthority, identity: Identity, version: ssl.TLSVersion | None = None
) -> Iterator[Backend]:
    context = server_context(identity, client_ca=ca.certificate)
    if version:
        context.minimum_version = context.maximum_version = version
    with Backend(context, authorize=only_trusted_client, secret=SECRET) as backend:
        yield backend


# --- Served or not ---------------------------------------------------------------------------


@exercise(part=3, wanted="a function is_served(address, context, timeout)", kind=callable)
def is_served(function: Callable[..., Any]) -> Iterator[str]:
    """Tell whether the backend really serves a device."""
    ca, stranger = (CertificateAuthority.create(name) for name in ("Lab CA", "Another CA"))
    own, valid = ca.issue_server(["localhost", "127.0.0.1"]), ca.issue_client("trusted-client")

    def says(identity: Identity | None, address: Address, timeout: float = PATIENT) -> bool:
        device = strict_device(ca.certificate, identity)
        answer = call(function, address, device, timeout)
        value = answer.returned("being refused is not an error here: it is the answer")
        if not isinstance(value, bool):
            found = f"{answer.name} returned {shown(value)}"
            raise NotYet(found, "it returns True or False")
        return value

    refused = {
        "without a certificate": None,
        "with a certificate from another CA": stranger.issue_client("trusted-client"),
        "with an expired certificate": ca.issue("trusted-client", Profile.CLIENT, valid_days=_PAST),
    }
    for name, version in _VERSIONS.items():
        with _backend(ca, own, version) as backend:
            if not says(valid, backend.address):
                rule = f"{_ANSWER}; and a command is a line, with its line end"
                raise NotYet(f"{name}: False for a device that the backend serves", rule)
            for who, identity in refused.items():
                if says(identity, backend.address):
                    rule = _LAST_WORD if version is ssl.TLSVersion.TLSv1_3 else _ANSWER
                    raise NotYet(f"{name}: True for a device {who}", rule)
        yield f"{name}: True for the device that is served, False for three that are refused"

    with _backend(ca, own) as backend:
        if says(ca.issue_client("not-trusted-client"), backend.address):
            raise NotYet("True for a device that the rule refused: it got an ERROR line", _ANSWER)
    yield "False for a device that got an ERROR line"

    context = server_context(own)
    for who, wrong in _quiet(context).items():
        with wrong as address:
            if says(valid, address, IMPATIENT if who in _SILENT else PATIENT):
                raise NotYet(f"True for {who}", _ANSWER)
        yield f"False for {who}"

    _believe(says, valid, stranger.issue_server(["localhost"]), "of another CA")
    _believe(says, valid, ca.issue_server(["mallory.example"]), "for another name")
    yield "False for Mallory in the backend's place"


_PAST = (-30, -1)
_ANSWER = "a device that is served gets an answer to its command: PONG, and nothing else"
_LAST_WORD = "in TLS 1.3 the backend looks at the certificate after the device's handshake is done"
_SILENT = ("a backend that never shakes hands", "a backend that never answers")


def _quiet(context: ssl.SSLContext) -> dict[str, AbstractContextManager[Address]]:
    """Backends without a reply, each as a context manager of its address."""

    def hangs_up(connection: socket.socket) -> None:
        tls = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        tls.do_handshake()
        hang_up(tls)

    def never_answers(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as tls:
            while tls.recv(1024):
                continue

    return {
        "an address where nobody listens": _nobody(),
        "a backend that hangs up without an answer": listening(hangs_up),
        _SILENT[0]: _deaf(),
        _SILENT[1]: listening(never_answers),
    }


@contextmanager
def _nobody() -> Iterator[Address]:
    with socket.socket() as bound:  # the port is taken, so that nobody else listens there
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()


@contextmanager
def _deaf() -> Iterator[Address]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()


def _believe(says: Callable[..., bool], device: Identity, mallory: Identity, what: str) -> None:
    """Let Mallory answer. Raises Unsafe if she is taken for the backend."""
    with Backend(server_context(mallory), name="mallory", secret=LIE) as backend:
        if says(device, backend.address):
            raise Unsafe(
                f"True for Mallory, with a certificate {what}, who read the command",
                "the context that you get is finished, and checks who answers",
            )


# --- Who refused, and why --------------------------------------------------------------------


@exercise(part=3, wanted="a function diagnose(exchange)", kind=callable)
def diagnose(function: Callable[..., Any]) -> Iterator[str]:
    """Say who refused, and why."""
    for name, version in _VERSIONS.items():
        exchanges = list(_exchanges(version))
        for wanted, what, exchange in exchanges:
            _tell(function, exchange, wanted, f"{name}, {what}")
        yield f"{name}: right for {len(exchanges)} exchanges"
        for wanted, what, exchange in exchanges:
            _tell(function, _reworded(exchange), wanted, f"{name}, {what}, in other words")
        yield f"{name}: right for the same, from an OpenSSL with other words"


def _exchanges(version: ssl.TLSVersion) -> Iterator[tuple[str, str, Exchange]]:
    """What the answer should be, what was tried, and how that really ended."""
    ca, other = (CertificateAuthority.create(name) for name in ("Lab CA", "Another CA"))
    own, untrusted = ca.issue_server(["localhost"]), other.issue_client("trusted-client")
    old = ca.issue("trusted-client", Profile.CLIENT, valid_days=_PAST)
    valid = ca.issue_client("trusted-client")
    for wanted, what, device, backend in (
        ("served", "the right device", valid, own),
        ("backend: no certificate", "a device without a certificate", None, own),
        ("backend: expired", "an expired device", old, own),
        ("backend: unknown CA", "a device of another CA", untrusted, own),
        (
            "backend: unknown CA",
            "a device of another CA that sends this CA along",
            replace(untrusted, chain=(other.certificate,)),
            own,
        ),
        (
            "backend: unknown CA",
            "a self-signed device",
            self_signed("trusted-client", Profile.CLIENT),
            own,
        ),
        ("backend: wrong purpose", "a server as a device", own, own),
        (
            "backend: not authorized",
            "the device CN=not-trusted-client",
            ca.issue_client("not-trusted-client"),
            own,
        ),
        (
            "device: expired",
            "an expired backend",
            valid,
            ca.issue("localhost", Profile.SERVER, names=["localhost"], valid_days=_PAST),
        ),
        ("device: unknown CA", "a backend of another CA", valid, other.issue_server(["localhost"])),
    ):
        with _backend(ca, backend, version) as running:
            context = strict_device(ca.certificate, device)
            yield wanted, what, ask("GET_SECRET", running, context=context)


def _tell(function: Callable[..., Any], exchange: Exchange, wanted: str, what: str) -> None:
    called = call(function, exchange)
    if called.error is not None:
        raise NotYet(f"{what}: {called.told}", "each way to end has an answer")
    if not isinstance(called.value, str):
        found = f"{what}: {called.name} returned {shown(called.value)}"
        raise NotYet(found, "it returns one of the words of the exercise, a str")
    if called.value != wanted:
        raise NotYet(
            f"{what}: {called.name} returned {shown(called.value)}",
            "the side that refuses has the verify code or the reason, the other side an alert;"
            " texts change from one OpenSSL to the next",
        )


def _reworded(exchange: Exchange) -> Exchange:
    """The same exchange as another OpenSSL tells it: reasons and codes stay, texts do not."""

    def other(failure: Failure | None) -> Failure | None:
        return failure and replace(failure, verify_message="in other words", text="in other words")

    device = replace(exchange.device, failure=other(exchange.device.failure))
    backend = exchange.backend
    return replace(
        exchange,
        device=device,
        backend=backend and replace(backend, failure=other(backend.failure)),
    )

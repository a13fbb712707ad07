"""Exercise of Part 3: say who refused, and why.

Here: the check, and every way in which an exchange ends. Not here: the explanations of the
lessons (explaining/).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from mtls_lab.exercises.calling import call
from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.peers import PAST, VERSIONS, guarded, shown, strict_device
from mtls_lab.exercises.result import NotYet
from mtls_lab.net import ask
from mtls_lab.pki import CertificateAuthority, Purpose, self_signed
from mtls_lab.wire import Exchange, Failure

__all__ = ["diagnose"]
_WHY = ("no certificate", "unknown CA", "expired", "wrong purpose", "not authorized")
#: Every string that could be meant; what is none of them is spelled in another way.
WORDS = ("served", *(f"{who}: {why}" for who in ("backend", "device") for why in _WHY))


@exercise("a function diagnose(exchange)")
def diagnose(function: Callable[..., Any]) -> Iterator[str]:
    """Say who refused, and why."""
    for name, version in VERSIONS.items():
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
    # Whoever searches what both sides say finds a reason in a name, which the device's side shows.
    named = ca.issue("NOT_AUTHORIZED", Purpose.SERVER, names=["localhost"])
    old = ca.issue("trusted-client", Purpose.CLIENT, valid_days=PAST)
    valid = ca.issue_client("trusted-client")
    for wanted, what, device, backend in (
        ("served", "the right device", valid, own),
        ("backend: no certificate", "a device without a certificate", None, own),
        (
            "backend: no certificate",
            "a device without a certificate, at a backend with CN=NOT_AUTHORIZED",
            None,
            named,
        ),
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
            self_signed("trusted-client", Purpose.CLIENT),
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
            ca.issue("localhost", Purpose.SERVER, names=["localhost"], valid_days=PAST),
        ),
        ("device: unknown CA", "a backend of another CA", valid, other.issue_server(["localhost"])),
    ):
        with guarded(ca, backend, version) as running:
            context = strict_device(ca.certificate, device)
            yield wanted, what, ask("GET_SECRET", running, context=context)


def _tell(function: Callable[..., Any], exchange: Exchange, wanted: str, what: str) -> None:
    called = call(function, exchange)
    if called.error is not None:
        raise NotYet(f"{what}: {called.told}", "each way to end has an answer")
    if called.value not in WORDS:
        found = f"{what}: {called.name} returned {shown(called.value)}"
        raise NotYet(found, "it returns one of the strings of the exercise, letter by letter")
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

"""Exercise of Part 3: serve one device, and not the one that was lost.

Here: the check, and the devices that call. Not here: what all checks share (the folder above).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from mtls_lab.exercises.calling import LIMIT, Rule, call
from mtls_lab.exercises.careless import careless_devices, no_other_ca
from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.peers import SECRET, learners_ca, strict_device
from mtls_lab.exercises.refusals import ASKING, refused_in_the_handshake, served
from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.exercises.thief import revoked_returns
from mtls_lab.files import write_file
from mtls_lab.net import Backend, PeerCertificate, ask
from mtls_lab.pki import CertificateAuthority, Identity, is_current, pem
from mtls_lab.wire import Exchange

__all__ = ["trusted_backend"]

_LIST = Path("backend/client_ca.crl")


def _own(name: str, ca: CertificateAuthority) -> Identity:
    """Load an identity that the first cell of the notebook has seen to."""
    identity = pem.read_identity(f"{name}.crt", f"{name}.key")
    if not is_current(identity.certificate, ca.certificate):
        raise NotYet(f"{name}.crt is out of date", "run the first code cell again")
    return identity


class _Serve:
    """`serve` as the check hands it out: what a learner starts, the check can stop."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.started: Backend | None = None
        self.context: ssl.SSLContext | None = None
        self.rule: Rule | None = None

    def __call__(
        self,
        context: ssl.SSLContext | None = None,
        *,
        authorize: Callable[[PeerCertificate], object] | None = None,
        **options: Any,
    ) -> Backend:
        self.context, self.rule = context, Rule(authorize) if authorize else None
        self.started = self._stack.enter_context(
            Backend(context, authorize=self.rule, **{"secret": SECRET, **options})
        )
        return self.started


class _Running:
    """What the learner's function has started, and the devices that call it."""

    def __init__(self, serve: _Serve, backend: Backend, ca: CertificateAuthority) -> None:
        self.backend, self.context, self._rule, self._ca = backend, serve.context, serve.rule, ca

    def visit(self, identity: Identity | None, who: str) -> Exchange:
        device = strict_device(self._ca.certificate, identity)
        exchange = ask("GET_SECRET", self.backend, context=device, timeout=2 * LIMIT)
        if self._rule:
            self._rule.returned(who, "a rule has an answer for everybody")
        return exchange

    def refuses(self, identity: Identity | None, who: str, rule: str) -> str:
        """Return that somebody is refused. Raises Unsafe."""
        exchange = self.visit(identity, who)
        if exchange.ok:
            raise Unsafe(f"{who} got {exchange.reply!r}", rule)
        if identity is None:
            refused_in_the_handshake(exchange, who)
        return f"{who} is refused"


@contextmanager
def _started(function: Callable[..., Any], ca: CertificateAuthority) -> Iterator[_Running]:
    with ExitStack() as stack:
        serve = _Serve(stack)
        call(function, serve).returned("the files are those of Part 3, and one list more")
        if serve.started is None:
            raise NotYet("no backend was started", "a backend runs when serve was called")
        yield _Running(serve, serve.started, ca)


@exercise(wanted="a function trusted_backend(serve)", kind=callable)
def trusted_backend(function: Callable[..., Any]) -> Iterator[str]:
    """Serve one device, and not the one that was lost."""
    ca = learners_ca()
    own, lost = (_own(name, ca) for name in ("device/client", "device/lost"))
    with _started(function, ca) as running:
        if served(running.visit(own, "the device")).peer is None:
            raise NotYet("the device is served, and nobody asked for its certificate", ASKING)
        yield "the device is served, and the backend knows its name"
        for who, identity, rule in _callers(ca, lost):
            yield running.refuses(identity, who, rule)
        yield careless_devices(running.backend, lambda: strict_device(ca.certificate, own))
        if running.context is not None:
            no_other_ca(running.context, ca.certificate)
            revoked_returns(
                running.backend,
                running.context,
                lambda: strict_device(ca.certificate, lost),
                "the lost device, with a session from before it was revoked",
            )
            yield "the lost device, with a session from before it was revoked, is refused"
    another = ca.issue_client("trusted-client")
    with _longer_list(ca, lost, another), _started(function, ca) as running:
        served(running.visit(own, "the device"))
        yield running.refuses(
            another,
            "a second lost device, revoked before the backend started again,",
            "the list grows: a serial number in the program stops one device only",
        )


@contextmanager
def _longer_list(ca: CertificateAuthority, *lost: Identity) -> Iterator[None]:
    """Write all of these into the learner's list, and put it back as it was."""
    for identity in lost:
        ca.revoke(identity.certificate)
    before = _LIST.read_bytes() if _LIST.is_file() else None
    pem.write_crl(_LIST, ca.crl())
    try:
        yield
    finally:
        if before is None:
            _LIST.unlink()
        else:
            write_file(_LIST, before)


def _callers(
    ca: CertificateAuthority, lost: Identity
) -> Iterator[tuple[str, Identity | None, str]]:
    """Whom the backend should refuse: how they are called, what they have, and why."""
    stranger = CertificateAuthority.create("Mallory CA")
    yield "a device without a certificate", None, "without a certificate, nothing has been proved"
    yield (
        "Mallory, with CN=trusted-client from a CA of her own,",
        stranger.issue_client("trusted-client"),
        "anybody can make a CA: the backend decides which one it trusts",
    )
    yield (
        "another device of your CA, CN=not-trusted-client,",
        ca.issue_client("not-trusted-client"),
        "knowing who it is is one thing, whether it may speak is another",
    )
    yield (
        "the lost device, with its certificate for CN=trusted-client,",
        lost,
        "a list of revoked certificates stops nobody unless it is checked",
    )

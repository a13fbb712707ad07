"""Exercise of Part 3: serve one device, and not the one that was lost.

Here: the check, and the devices that call. Not here: what all checks share (the folder above).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from mtls_lab.common import write_file
from mtls_lab.exercises.calling import LIMIT, Rule, call
from mtls_lab.exercises.judging import exercise, is_open
from mtls_lab.exercises.peers import PAST, SECRET, learners_ca, shown, strict_device
from mtls_lab.exercises.refusals import ASKING, EXPIRED, VALIDITY, refused_in_the_handshake, served
from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.exercises.temptations import agrees_to_nothing_else, careless_devices
from mtls_lab.exercises.thief import RULE, revoked_returns, steal
from mtls_lab.net import Backend, PeerCertificate, ask
from mtls_lab.pki import CertificateAuthority, Identity, Purpose, is_current, pem
from mtls_lab.pki.authority import CLOCK_SKEW
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

    def __init__(self, stack: ExitStack, ca: CertificateAuthority) -> None:
        self._stack, self._ca = stack, ca
        self.started: list[_Running] = []
        self.wrong: list[object] = []
        self.open = self.by_place = False

    def __call__(
        self,
        context: object = None,
        *more: object,
        authorize: Callable[[PeerCertificate], object] | None = None,
        **options: Any,
    ) -> Backend:
        if more:
            self.by_place = True
            raise TypeError
        if not isinstance(context, ssl.SSLContext | None):
            self.wrong.append(context)
            raise TypeError
        self.open = self.open or is_open(authorize)
        rule = Rule(authorize) if authorize else None
        backend = self._stack.enter_context(
            Backend(context, authorize=rule, **{"secret": SECRET, **options})
        )
        self.started.append(_Running(backend, context, rule, self._ca))
        return backend


@dataclass(frozen=True)
class _Running:
    """A backend that the learner's function has started, and the devices that call it."""

    backend: Backend
    context: ssl.SSLContext | None
    rule: Rule | None
    ca: CertificateAuthority

    def device(self, identity: Identity | None) -> ssl.SSLContext:
        return strict_device(self.ca.certificate, identity)

    def visit(self, identity: Identity | None, who: str) -> Exchange:
        exchange = ask("GET_SECRET", self.backend, context=self.device(identity), timeout=2 * LIMIT)
        if self.rule:
            self.rule.returned(who, "a rule has an answer for everybody")
        return exchange

    def refuses(self, identity: Identity | None, who: str, rule: str) -> str:
        """Return that somebody is refused. Raises Unsafe."""
        exchange = self.visit(identity, who)
        if exchange.ok:
            raise Unsafe(f"{who} got {exchange.reply!r}", rule)
        if identity is None:
            refused_in_the_handshake(exchange, who)
        return f"{who} is refused"

    def is_attacked(self, own: Identity, lost: Identity) -> Iterator[str]:
        """Let everybody call who is not the device, and yield what held. Raises Unsafe."""
        for who, identity, rule in _callers(self.ca, lost):
            yield self.refuses(identity, who, rule)
        yield careless_devices(self.backend, lambda: self.device(own))
        if self.context is None:
            if ask("GET_SECRET", self.backend).ok:
                raise Unsafe(
                    "whoever calls without TLS is served",
                    "a backend without a context speaks plain TCP",
                )
            return
        agrees_to_nothing_else(self.context, self.ca.certificate)
        who = "the lost device, with a session from before it was revoked"
        revoked_returns(self.backend, self.context, lambda: self.device(lost), who)
        yield f"{who}, is refused"
        yield self._meets_a_new_list(self.context, lost)

    def _meets_a_new_list(self, context: ssl.SSLContext, lost: Identity) -> str:
        """Revoke a device that is served while the backend runs. Raises Unsafe if it still is."""
        who = "a device that was revoked while your backend ran"
        device = self.ca.issue_client("trusted-client")
        thefts = list(steal(self.backend, lambda: self.device(device)))
        with _longer_list(self.ca, lost, device):
            context.load_verify_locations(cafile=_LIST)
            self.refuses(
                device,
                f"{who}, with the new list in the file and in your context,",
                "a list that is read only once goes out of date",
            )
            for theft in thefts:
                if theft.own.session is not None and theft.again(self.backend).ok:
                    raise Unsafe(f"{theft.version}: {who}, with its session, was served", RULE)
        return f"{who} is refused, with its certificate and with its session"


@contextmanager
def _started(function: Callable[..., Any], ca: CertificateAuthority) -> Iterator[list[_Running]]:
    """Let the learner start backends; the last one is the one that is meant to serve."""
    with ExitStack() as stack:
        serve = _Serve(stack, ca)
        called = call(function, serve)
        if serve.by_place:
            raise NotYet(
                "serve got more than the context without a name",
                "serve takes the rule as a keyword argument: serve(context, authorize=...)",
            )
        for each in serve.wrong:
            rule = "here it takes one ssl.SSLContext, into which the check can load a new list"
            raise NotYet(f"serve got {shown(each)}", rule)
        called.returned("the files are those of Part 3, and one list more")
        if not serve.started:
            raise NotYet("no backend was started", "call the serve that the function is given")
        if serve.open:
            raise NotYet(
                "your rule still has its `...`", "write it first: it is the authorize of exercise 4"
            )
        yield serve.started


@exercise("a function trusted_backend(serve)")
def trusted_backend(function: Callable[..., Any]) -> Iterator[str]:
    """Serve one device, and not the one that was lost."""
    ca = learners_ca()
    own, lost = (_own(name, ca) for name in ("device/client", "device/lost"))
    with _started(function, ca) as (*others, running):
        if served(running.visit(own, "the device"), running.context).peer is None:
            raise NotYet("the device is served, and nobody asked for its certificate", ASKING)
        yield "the device is served, and the backend knows its name"
        yield from running.is_attacked(own, lost)
        for other in others:
            try:
                list(other.is_attacked(own, lost))
            except Unsafe as problem:
                found = f"you started another backend beside it, and there {problem.found}"
                raise Unsafe(found, problem.rule) from None
    another = ca.issue_client("trusted-client")
    with _longer_list(ca, lost, another), _started(function, ca) as (*_, running):
        served(running.visit(own, "the device"))
        yield running.refuses(
            another,
            "a second lost device, revoked before the backend started again,",
            "the list grows: a serial number in the program stops one device only",
        )


@contextmanager
def _longer_list(ca: CertificateAuthority, *lost: Identity) -> Iterator[None]:
    """Write all of these into the learner's list, and put it back as it was.

    Each list is dated after all that were shorter, even if they were made in the same second.
    """
    for identity in lost:
        ca.revoke(identity.certificate)
    before = _LIST.read_bytes() if _LIST.is_file() else None
    pem.write_crl(_LIST, ca.crl(skew=CLOCK_SKEW - timedelta(seconds=len(ca.revoked))))
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
    yield EXPIRED, ca.issue("trusted-client", Purpose.CLIENT, valid_days=PAST), VALIDITY
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

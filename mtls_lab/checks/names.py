"""Checks of Part 3 about identity: who may speak, and the whole backend that sees to it.

Here: authorize, trusted_backend, and the devices that they meet. Not here: contexts (mutual.py),
what the CA signs (mutual_ca.py), and how a refusal is read (refusals.py).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from cryptography.x509.oid import NameOID

from mtls_lab import pem
from mtls_lab.checks.base import exercise
from mtls_lab.checks.calling import LIMIT, Called, call
from mtls_lab.checks.mutual import ASKING, served
from mtls_lab.checks.mutual_ca import Names, request
from mtls_lab.checks.peers import SECRET, learners_ca, server_context, strict_device
from mtls_lab.checks.verdict import NotYet, Unsafe
from mtls_lab.client import ask
from mtls_lab.describe import is_current
from mtls_lab.outcome import Exchange
from mtls_lab.pem import Identity
from mtls_lab.pki import CertificateAuthority, Profile, create_key
from mtls_lab.server import Backend, PeerCertificate

__all__ = ["authorize", "trusted_backend"]

# --- Who may speak ---------------------------------------------------------------------------

_CN, _O = NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME
_PART = "part of a name, or a name that looks like it, is a different name"
_ONLY_CN = "the organization says where a device belongs, the common name which one it is"
_ONE = "a certificate with two names is not the device with one name"
#: Devices of the same CA: what stands in the subject, and why that one may not speak.
_OTHERS: tuple[tuple[Names, str], ...] = (
    (((_CN, "not-trusted-client"),), _PART),
    (((_CN, "trusted-client-2"),), _PART),
    (((_CN, "Trusted-Client"),), _PART),
    (((_O, "trusted-client"), (_CN, "mallory")), _ONLY_CN),
    (((_CN, "mallory"), (_CN, "trusted-client")), _ONE),
    (((_CN, "trusted-client"), (_CN, "mallory")), _ONE),
    (((_O, "trusted-client"),), _ONLY_CN),
)


class _Rule:
    """The learner's rule as a backend takes it, and how its latest call ended."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.ended: Called | NotYet | None = None

    def __call__(self, certificate: PeerCertificate) -> object:
        self.ended = None
        try:
            self.ended = call(self._function, certificate)
        except NotYet as no:
            self.ended = no
            return False
        return self.ended.value  # None after an error: the backend says no, as to every error

    def returned(self, who: str, rule: str) -> None:
        """Raise NotYet if the latest call did not end with a value."""
        if isinstance(self.ended, NotYet):
            raise self.ended
        if self.ended is not None and self.ended.error is not None:
            raise NotYet(f"for {who}, {self.ended.told}", rule)


@exercise(part=3, wanted="a function authorize(certificate)", kind=callable)
def authorize(function: Callable[..., Any]) -> Iterator[str]:
    """Let one device speak, by its name."""
    ca, rule = CertificateAuthority.create("Lab CA"), _Rule(function)
    own = server_context(ca.issue_server(["localhost"]), client_ca=ca.certificate)
    own.verify_mode = ssl.CERT_OPTIONAL
    with Backend(own, authorize=rule, secret=SECRET) as backend:

        def visit(names: Names) -> Exchange:
            key = create_key()
            signed = ca.sign(request(key, names), Profile.CLIENT) if names else None
            device = strict_device(ca.certificate, Identity(key, signed) if signed else None)
            # Longer than a call of the rule may take.
            return ask("GET_SECRET", backend, context=device, timeout=2 * LIMIT)

        exchange, who = visit(((_CN, "trusted-client"),)), "the device with CN=trusted-client"
        rule.returned(who, "the subject is a tuple of tuples of pairs; print one, and look")
        served(exchange)
        yield f"{who} is served"
        nobody: tuple[Names, str] = (), "without a certificate, nothing has been proved"
        for names, why in (*_OTHERS, nobody):
            exchange, who = visit(names), _called(names)
            if exchange.ok:
                raise Unsafe(f"{who} got {SECRET!r}", why)
            rule.returned(who, "whether an exception means no is the server's choice: say False")
            yield f"{who} is refused"


def _called(names: Names) -> str:
    if not names:
        return "a device without a certificate (None)"
    kinds = {_CN: "CN", _O: "O"}
    return "a device with " + " and ".join(f"{kinds[kind]}={value}" for kind, value in names)


# --- The whole backend -----------------------------------------------------------------------


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
        self.rule: _Rule | None = None

    def __call__(
        self,
        context: ssl.SSLContext | None = None,
        *,
        authorize: Callable[[PeerCertificate], object] | None = None,
        **options: Any,
    ) -> Backend:
        self.rule = _Rule(authorize) if authorize else None
        self.started = self._stack.enter_context(
            Backend(context, authorize=self.rule, **{"secret": SECRET, **options})
        )
        return self.started


@exercise(part=3, wanted="a function start(serve)", kind=callable)
def trusted_backend(function: Callable[..., Any]) -> Iterator[str]:
    """Serve one device, and not the one that was lost."""
    ca = learners_ca()
    own, lost = (_own(name, ca) for name in ("device/client", "device/lost"))
    with ExitStack() as stack:
        serve = _Serve(stack)
        call(function, serve).returned("the files are those of Part 3, and one list more")
        backend = serve.started
        if backend is None:
            raise NotYet("no backend was started", "a backend runs when serve was called")

        def visit(identity: Identity | None, who: str) -> Exchange:
            device = strict_device(ca.certificate, identity)
            exchange = ask("GET_SECRET", backend, context=device, timeout=2 * LIMIT)
            if serve.rule:
                serve.rule.returned(who, "a rule has an answer for everybody")
            return exchange

        if served(visit(own, "the device")).peer is None:
            raise NotYet("the device is served, and nobody asked for its certificate", ASKING)
        yield "the device is served, and the backend knows its name"
        for who, identity, rule in _callers(ca, lost):
            exchange = visit(identity, who)
            if exchange.ok:
                raise Unsafe(f"{who} got {exchange.reply!r}", rule)
            yield f"{who} is refused"


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

"""Which connections are made to a server, and what was seen on them.

Here: one attempt after the other, none that is not needed, nothing sent that is not asked for. Not
here: one attempt (calling.py), and what they prove together (judging.py).
"""

from __future__ import annotations

import re
import ssl
from contextlib import suppress
from dataclasses import dataclass, field, replace

from mtls_lab.diagnosing.attempts import Attempt, Requested, Served
from mtls_lab.diagnosing.calling import Call, attempt
from mtls_lab.diagnosing.own import Own
from mtls_lab.diagnosing.starttls import named, spoken
from mtls_lab.net.clock import Clock, addresses
from mtls_lab.net.sockets import Address
from mtls_lab.pki.key_kinds import key_kind
from mtls_lab.pki.names import is_address
from mtls_lab.wire import Direction, Failure, Stage

__all__ = ["VERSIONS", "Seen", "probe"]

TLS13, TLS12 = ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2
#: In this order. The first is what clients of today begin with.
VERSIONS = {"TLS 1.3": TLS13, "TLS 1.2": TLS12}
#: Of a host with many addresses, so many are tried; and so many other names in its certificate.
ADDRESSES, NAMED = 4, 3
#: X509_V_ERR_…: a host, and an address, that is not in the certificate.
NAMES = {62, 64}
#: By the kind of a server's certificate, the suites of TLS 1.2 for which it needs one of the other.
OTHER_KIND = {"RSA": "aECDSA", "ECDSA": "aRSA"}


@dataclass(slots=True)
class Seen:
    """What was seen, attempt by attempt; None for an attempt that was not made.

    Attributes:
        host, port, name: whom we called, and by which name its certificate is checked.
        own: the caller's files.
        addresses: what the host resolves to.
        missed: those that did not accept before one did, and why.
        unreached: why TCP failed.
        full: for each version, the attempt with all that the caller has.
        unchecked: where the server's certificate does not verify: the same without that check.
        bare: without a certificate of ours, where one was asked for.
        older: with versions and cipher suites that are switched off today.
        named: where it does not verify for another reason: trusting it, to verify its name.
        nameless: without SNI.
        elsewhere: where no certificate is asked for: by other names in the server's certificate.
        otherwise: where no name was answered, by the name of the host, or without SNI.
        again: with the session of an earlier attempt, and without our certificate.
        second: taking a certificate of the other kind alone, RSA or ECDSA: some servers have both.
        asked, asked_bare: with a request, with our certificate and without.
        protocol, greeting: what a server speaks that speaks no TLS, and its first bytes.
        starttls: the protocol in which TLS began.
        user: who logs in after that, if a URL says so.
        unsent: whether a request was not sent: the server has not proved its name, or it speaks
            HTTP/2 alone.
        timed_out: whether the deadline passed before everything was tried.
    """

    host: str
    port: int
    name: str
    own: Own
    addresses: tuple[Address, ...] = ()
    missed: dict[Address, Failure] = field(default_factory=dict)
    unreached: Failure | None = None
    full: dict[str, Attempt] = field(default_factory=dict)
    unchecked: dict[str, Attempt] = field(default_factory=dict)
    bare: Attempt | None = None
    older: Attempt | None = None
    nameless: Attempt | None = None
    elsewhere: dict[str, Attempt] = field(default_factory=dict)
    named: Attempt | None = None
    otherwise: Attempt | None = None
    again: Attempt | None = None
    second: Attempt | None = None
    asked: Attempt | None = None
    asked_bare: Attempt | None = None
    protocol: str = ""
    greeting: bytes = b""
    starttls: str = ""
    user: str = ""
    unsent: bool = False
    timed_out: bool = False

    def best(self, version: str) -> Attempt:
        """The attempt of a version that got further."""
        return self.unchecked.get(version, self.full[version])

    @property
    def other_name(self) -> str:
        """The host, if it has a name of its own beside the one that is called."""
        return "" if is_address(self.host) or self.host == self.name else self.host

    @property
    def attempts(self) -> list[Attempt]:
        """Of each version the one that got further."""
        return [self.best(version) for version in self.full]

    @property
    def speaks_tls(self) -> bool:
        """Whether anything of TLS came back."""
        return any(each.answered for each in (*self.attempts, self.older) if each)

    @property
    def requested(self) -> Requested | None:
        """What the first CertificateRequest asks for; None if there was none."""
        found = (each.first("CertificateRequest") for each in (*self.attempts, self.asked) if each)
        message = next((each for each in found if each), None)
        return Requested.of(message) if message else None

    @property
    def asks_late(self) -> bool:
        """Whether it asks for a certificate once it has a request, and not before."""
        early = any(each.first("CertificateRequest") for each in self.attempts)
        return self.requested is not None and not early

    @property
    def served(self) -> Served:
        """The chain that the server sent."""
        found = (each.first("Certificate") for each in self.attempts)
        return Served.of(next((message for message in found if message), None))

    @property
    def distrusted(self) -> Failure | None:
        """Why the server's certificate does not verify, or None if it does."""
        for each in self.full.values():
            if each.failure and each.failure.error == "SSLCertVerificationError":
                return each.failure
        return None

    @property
    def misnamed(self) -> Failure | None:
        """Why the name in the server's certificate is not the one that was called, or None."""
        tried = self.named.failure if self.named else None
        found = (each for each in (self.distrusted, tried) if each)
        return next((each for each in found if each.verify_code in NAMES), None)

    @property
    def presented(self) -> bool:
        """Whether we sent a certificate."""
        tried = (each for each in (*self.attempts, self.asked) if each)
        sent = (each.first("Certificate", Direction.TO_BACKEND) for each in tried)
        return any(message and not message.empty for message in sent)


def probe(
    host: str,
    port: int,
    own: Own,
    *,
    name: str,
    starttls: str = "",
    request: bytes = b"",
    timeout: float,
) -> Seen:
    """Call a server as often as needed, and return what was seen. Nothing is raised."""
    clock = Clock(timeout)
    seen = Seen(host, port, name, own, starttls=starttls)
    call = _reach(seen, clock, own.context(TLS13))
    if call is None:
        return seen
    for version, number in VERSIONS.items():
        if version not in seen.full:
            seen.full[version] = attempt(call, own.context(number), name)
        if seen.distrusted and not clock.over:
            seen.unchecked[version] = attempt(call, own.context(number, check=False), name)
        if _in_the_clear(seen.full[version]):
            break
    if not seen.speaks_tls:
        _without_tls(seen, call)
    elif not clock.over:
        _with_alpn(seen, call)
        _with_tls(seen, call, request)
    seen.timed_out = clock.over
    return seen


def _reach(seen: Seen, clock: Clock, context: ssl.SSLContext) -> Call | None:
    """Make the first attempt, with the first address that accepts it."""
    try:
        found = addresses(seen.host, seen.port, clock)
    except OSError as error:
        seen.unreached = Failure.of(error, Stage.SETUP)
        return None
    seen.addresses = tuple(address for _, address in found)
    for address in seen.addresses[:ADDRESSES]:
        call = Call(address, clock, seen.starttls)
        tried = attempt(call, context, seen.name)
        if tried.stage is not Stage.CONNECT or not tried.failure:
            seen.full[next(iter(VERSIONS))] = tried
            return call
        seen.missed[address] = tried.failure
    seen.unreached = next(iter(seen.missed.values()), None)
    return None


def _in_the_clear(tried: Attempt) -> bool:
    """Whether the server has said something that is not TLS."""
    return bool(tried.heard) and not tried.answered


def _without_tls(seen: Seen, call: Call) -> None:
    heard = next((each.heard for each in seen.full.values() if each.heard), b"")
    if seen.starttls or heard:
        seen.protocol, seen.greeting = named(heard), heard
    else:
        seen.protocol, seen.greeting = spoken(call.address, call.clock)


def _with_alpn(seen: Seen, call: Call) -> None:
    """Offer HTTP/2 to a server that hangs up on us, or asks for ALPN: gRPC wants it there."""
    own = replace(seen.own, alpn=("h2",))
    for version in seen.full:
        before = seen.best(version)
        if before.end not in {"closed", "reset"} and b"ALPN" not in before.heard:
            continue
        context = own.context(VERSIONS[version], check=not seen.distrusted)
        tried = attempt(call, context, seen.name)
        if tried.end not in {"said", "quiet"}:
            return
        seen.own = own
        (seen.unchecked if version in seen.unchecked else seen.full)[version] = tried


def _by_other_names(seen: Seen, call: Call) -> None:
    """Call a server that asks for no certificate by the other names in its own."""
    if seen.requested or not (seen.own.presents and seen.own.certfile):
        return
    names = (each.removeprefix("DNS:") for each in seen.served.names)
    others = [each for each in names if re.fullmatch(r"[\w.-]+", each) and each != seen.name]
    for other in [each for each in others if not is_address(each)][:NAMED]:
        context = seen.own.context(present=False, check=False)
        with suppress(ValueError):  # a name that ssl does not send
            seen.elsewhere[other] = attempt(call, context, other, wait=False)


def _with_tls(seen: Seen, call: Call, request: bytes) -> None:
    """What else has to be known of a server that speaks TLS."""
    own, name = seen.own, seen.name
    working = [version for version in seen.full if seen.best(version).version]
    if not any(each.reached for each in seen.attempts):
        seen.older = attempt(
            call,
            own.context(ssl.TLSVersion.TLSv1, TLS12, check=False, present=False),
            name,
            wait=False,
        )
        if not is_address(name):
            context = own.context(TLS12, TLS13, present=False, check=False)
            seen.otherwise = attempt(call, context, seen.other_name or None, wait=False)
        return
    # TLS 1.2 says in the handshake what TLS 1.3 says at the first read.
    last = [version for version in seen.full if seen.best(version).first("ServerHello")][-1]
    number = VERSIONS[last]
    if seen.requested and own.presents:
        context = own.context(number, present=False, check=False)
        seen.bare = attempt(call, context, name)
    if seen.distrusted and not seen.misnamed and seen.served.chain:
        with suppress(ssl.SSLError):  # what OpenSSL does not take as a certificate
            context = own.context(number, present=False, anchor=seen.served.chain[0])
            seen.named = attempt(call, context, name, wait=False)
    if not is_address(name):
        context = own.context(present=False, check=False)
        seen.nameless = attempt(call, context, None, wait=False)
    _by_other_names(seen, call)
    leaf = next(iter(seen.served.chain), None)
    if leaf and own.trusts and not seen.distrusted and "TLS 1.2" in working:
        context = own.context(TLS12, present=False)
        with suppress(ssl.SSLError):  # an OpenSSL that was built without the other kind
            context.set_ciphers(OTHER_KIND["RSA" if key_kind(leaf).startswith("RSA") else "ECDSA"])
            seen.second = attempt(call, context, name, wait=False)
    accepted = [v for v in working if not seen.best(v).refused and seen.best(v).session]
    if seen.requested and own.presents and accepted:
        version = accepted[0]
        context = own.context(VERSIONS[version], present=False, check=False)
        with suppress(ValueError):  # a session that Python does not take
            seen.again = attempt(
                call, context, name, session=seen.best(version).session, wait=False
            )
    seen.unsent = bool(request) and bool(seen.distrusted or not own.trusts or own.alpn)
    if request and working and not seen.unsent:
        number = VERSIONS[working[0]]
        seen.asked = attempt(call, own.context(number), name, request=request)
        if seen.requested and own.presents:
            context = own.context(number, present=False)
            seen.asked_bare = attempt(call, context, name, request=request)

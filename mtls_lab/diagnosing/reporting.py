"""What was seen, line by line, as a person reads it.

Here: one line for each thing that was looked at. Not here: the causes (judging.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cryptography import x509

from mtls_lab.common import printable
from mtls_lab.diagnosing.asking import NOT_DONE, answer_of, status_of
from mtls_lab.diagnosing.attempts import Attempt, Served
from mtls_lab.diagnosing.causes import (
    another_user,
    how_it_ended,
    in_words,
    listed,
    login,
    quoted,
)
from mtls_lab.diagnosing.judging import strictly
from mtls_lab.diagnosing.probing import Seen
from mtls_lab.diagnosing.value import BARE, LOGIN, NO, NOTE, OPEN, YES, Line
from mtls_lab.explaining.wording import shown
from mtls_lab.pki.key_kinds import key_kind
from mtls_lab.pki.rules import is_ca, span, told

__all__ = ["report"]

#: Of the answers to a request, those that may be about who asks, or about which host is asked.
REFUSED = {"400", "401", "403", "421", "495", "496"}
#: Of a new connection with an old session, without our certificate. That it is resumed is how TLS
#: works, whatever the server demands, so it is no warning.
RESUMED = (
    "a new connection is resumed without a certificate, as TLS allows: the dates and the "
    "revocation of ours are not looked at again (RFC 8446, section 4.6.1)"
)
FULL = "a session is not resumed: each connection is checked"


def report(seen: Seen) -> tuple[Line, ...]:
    """Return the lines, in the order in which things were looked at."""
    return tuple(
        line
        for part in (_files, _reach, _handshakes, _server, _request, _others)
        for line in part(seen)
    )


def _files(seen: Seen) -> Iterator[Line]:
    own = seen.own
    for problem in own.problems:
        yield Line("files", NO, problem.what)
    if own.cafile and own.trusts:
        names = sorted({told(each.subject) for each in own.cas})
        text = f"{shown(own.cafile)[0]}: {listed(names)}"
        if own.cas and not any(map(_may_be_trusted, own.cas)):
            yield Line("CA file", NO, f"{text}; there is no CA's certificate in it")
        else:
            yield Line("CA file", YES, text)
    if own.certfile and own.presents and own.chain:
        leaf = own.chain[0]
        days = (leaf.not_valid_after_utc - datetime.now(UTC)).days
        until = f"{days} days left" if days >= 0 else "expired"
        text = f"{shown(own.certfile)[0]}: {told(leaf.subject)}, issued by {told(leaf.issuer)}"
        text += f", {key_kind(leaf)}, {until}"
        if len(own.chain) > 1:
            text += f", with {len(own.chain) - 1} more"
        over = {"expired", "renewed behind"}  # which is told already
        text += "".join(f"; {name}" for name in own.unfit if name not in over)
        yield Line("certificate", NO if own.unfit else YES, text)


def _may_be_trusted(certificate: x509.Certificate) -> bool:
    """Whether it is a CA's, or signed with its own key, which may be trusted by itself."""
    return is_ca(certificate) or certificate.issuer == certificate.subject


def _reach(seen: Seen) -> Iterator[Line]:
    if seen.unreached:
        where = listed(dict.fromkeys(address[0] for address in seen.addresses))
        yield Line("TCP", NO, f"{in_words(seen.unreached)}{f' ({where})' if where else ''}")
        return
    reached = next(each for each in seen.addresses if each not in seen.missed)
    missed = [f"{in_words(why)} ({address[0]})" for address, why in seen.missed.items()]
    yield Line("TCP", YES, "; ".join([f"connected ({reached[0]})", *missed]))
    if not seen.speaks_tls:
        name = f"{seen.protocol}, " if seen.protocol else ""
        heard = quoted(seen.greeting) if seen.greeting else "no answer to a ClientHello"
        yield Line("TLS", NO, f"{name}{heard}")
    elif seen.starttls:
        yield Line("STARTTLS", YES, seen.starttls)


def _handshakes(seen: Seen) -> Iterator[Line]:
    if not seen.speaks_tls:
        return
    for version in seen.full:
        tried = seen.best(version)
        fine = bool(tried.version) and not tried.refused
        text = how_it_ended(tried)
        if tried.cipher:
            text += f" ({tried.cipher})"
        off = not tried.first("ServerHello") and any(each.version for each in seen.attempts)
        yield Line(version, YES if fine else OPEN if off else NO, text)
    if seen.older and seen.older.first("ServerHello"):
        yield Line("older", NOTE, ", ".join(seen.older.agreed))
    if seen.own.alpn:
        yield Line("ALPN", NOTE, "it hangs up unless h2 is offered (HTTP/2, gRPC), as it was here")


def _server(seen: Seen) -> Iterator[Line]:
    served, failure = seen.served, seen.distrusted
    if not served.chain:
        return
    names = f"valid for {listed(served.names)}" if served.names else "without a name"
    if failure:
        yield Line("server", NO, f"{served.path}, {names}: {in_words(failure)}")
    elif not seen.own.trusts:
        yield Line("server", NOTE, f"{served.path}, {names}; not verified")
    else:
        yield Line("server", YES, f"{served.path}, {names}")
    other = Served.of(seen.second.first("Certificate")) if seen.second else Served()
    if seen.second and other.chain and other.chain[0] != served.chain[0]:
        why = seen.second.failure
        bad = why is not None and why.verify_code is not None
        text = f": {in_words(why)}" if why and bad else ""
        yield Line("second", NO if bad else YES, f"{other.path}, {key_kind(other.chain[0])}{text}")
    if served.nameless:
        text = "no subjectAltName: Go and browsers refuse it, whatever its common name"
        fix = f"Have it issued again with {printable(seen.name)} in subjectAltName."
        yield Line("names", NOTE, f"{text} (RFC 9525, section 6.3). {fix}")
    if strict := strictly(seen):
        finding = strict.says.split(", which strict verifiers")[0]
        text = f"refused by strict verifiers, such as Python 3.13: {finding}"
        yield Line("strict", NOTE, f"{text}. {strict.fix}" if strict.fix else text)
    if served.out_of_order:
        yield Line("order", NOTE, "the chain is not in the order that some clients need")
    if any(each.issuer == each.subject for each in served.chain[1:]):
        yield Line("root", OPEN, "the server sends its root too, which proves nothing")


def _request(seen: Seen) -> Iterator[Line]:
    requested, own = seen.requested, seen.own
    if requested is None:
        if any(each.version for each in seen.attempts):
            yield Line("asks", NO if own.certfile else OPEN, "for no client certificate")
        return
    named = listed(requested.names) if requested.names else "any CA"
    late = ", not before there is a request: Go, Java and browsers cannot answer that in TLS 1.3"
    yield Line("asks", YES, f"for a certificate of {named}{late * seen.asks_late}")
    yield Line("signatures", OPEN, listed(requested.schemes) or "of any kind")
    if own.presents and own.chain:
        issuer = requested.names_issuer_of(own.chain)
        key = requested.takes_key_of(own.chain[0])
        if issuer and key and own.namesake:
            text = (
                f"issuer and key, but the CA of this name in {shown(own.cafile or '')[0]} has not "
                "signed it: a server that trusts only that one refuses it"
            )
            yield Line("fits", NOTE, text)
        elif issuer and key:
            kind = key_kind(own.chain[0])
            also = "programs that know ML-DSA" if "ML-DSA" in kind else "Java, Go and browsers"
            yield Line("fits", YES, f"issuer and key: {also} would send it too")
        elif key:
            text = (
                f"not the issuer, {told(own.chain[0].issuer)}: Java, Go and browsers send nothing"
            )
            yield Line("fits", NO, text)
        else:
            yield Line("fits", NO, f"not the key, {key_kind(own.chain[0])}: no client can send it")
    sees = "no certificate"
    if seen.presented:
        sees = f"{told(own.chain[0].subject)}, issued by {told(own.chain[0].issuer)}"
        sees += f", and {len(own.chain) - 1} more" * (len(own.chain) > 1)
    yield Line("it sees", OPEN, sees)


def _for_how_long(seen: Seen) -> str:
    """How long a session ticket of the server is good, beside our certificate; `""` if unknown."""
    kept = next((each.session for each in seen.attempts if each.session), None)
    if not (kept and kept.session.ticket_lifetime_hint and seen.own.chain):
        return ""
    good = timedelta(seconds=kept.session.ticket_lifetime_hint)
    ends = seen.own.chain[0].not_valid_after_utc
    longer = ", longer than our certificate is" if datetime.now(UTC) + good > ends else ""
    return f"; a ticket of this server is good for {span(good)}{longer}"


def _others(seen: Seen) -> Iterator[Line]:
    bare = seen.bare
    if bare is None and seen.requested and not seen.own.presents:
        bare = next((each for each in seen.attempts if each.version and not each.refused), None)
    if bare:
        asking = (each for each in seen.attempts if each.first("CertificateRequest"))
        told_ = seen.asked or not bare.version or any(each.refused for each in asking)
        undecided = seen.presented and not told_ and not bare.refused
        yield Line(BARE, NOTE if undecided else OPEN, f"a certificate: {_demands(bare)}")
    if seen.nameless:
        yield Line("without SNI", OPEN, _nameless(seen, seen.nameless))
    if seen.again and seen.again.version:
        yield Line(
            "sessions", OPEN, f"{RESUMED}{_for_how_long(seen)}" if seen.again.resumed else FULL
        )
    yield from _logins(seen)
    for label, tried in (("request", seen.asked), ("without it", seen.asked_bare)):
        if tried:
            status = status_of(tried)
            code = "".join(status.split(" ")[1:2])
            fails = tried.refused or code in REFUSED or code >= "500" or NOT_DONE.match(tried.heard)
            sign = NO if fails else OPEN if code >= "400" else YES
            if tried is seen.asked_bare:  # to be served without a certificate is the fault
                same = bool(status) and status == status_of(seen.asked)
                sign = NO if same and sign == YES else OPEN
            yield Line(label, sign, answer_of(tried) or how_it_ended(tried))
    if seen.unsent:
        why = "it speaks HTTP/2 alone" if seen.own.alpn else "the server has not proved its name"
        yield Line("request", OPEN, f"not sent: {why}")
    if seen.timed_out:
        yield Line("time", NOTE, "it was over before everything was tried")


def _logins(seen: Seen) -> Iterator[Line]:
    for text in login(seen):
        yield Line(LOGIN, OPEN, text)
    if text := another_user(seen):
        yield Line("user", NOTE, text)


def _demands(bare: Attempt) -> str:
    if bare.alert:
        return f"alert {bare.alert}: it demands one"
    if bare.refused:
        return f"{how_it_ended(bare)}: it demands one"
    if not bare.version:
        return how_it_ended(bare)
    text = "TLS goes on, so only the answer to a request can show whether it needs one"
    return f"{how_it_ended(bare)}: {text}"


def _nameless(seen: Seen, tried: Attempt) -> str:
    if not tried.first("ServerHello"):
        return f"refused: {how_it_ended(tried)}" if tried.refused else how_it_ended(tried)
    other = Served.of(tried.first("Certificate"))
    same = seen.served.chain[:1] == other.chain[:1]
    asks = tried.first("CertificateRequest") is not None
    text = "the same certificate" if same else f"another certificate: {other.path}"
    if asks != any(each.first("CertificateRequest") for each in seen.attempts):
        text += ", and it asks for a client certificate" if asks else ", and it does not ask"
    return text

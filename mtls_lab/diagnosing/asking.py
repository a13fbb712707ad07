"""What a server does with certificates: it does not ask, demands one, accepts ours, needs none.

Here: also what the answer to a request says. Not here: why ours is refused (refusal.py).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from mtls_lab.common import host_and_port
from mtls_lab.diagnosing.attempts import Attempt, Requested
from mtls_lab.diagnosing.causes import cause, how_it_ended, listed, quoted
from mtls_lab.diagnosing.probing import Seen
from mtls_lab.diagnosing.refusal import (
    between_us,
    lacks_intermediate,
    of_chain,
    of_file,
    refused_ours,
    symptoms_of,
)
from mtls_lab.diagnosing.value import Cause
from mtls_lab.explaining.lines import heard
from mtls_lab.explaining.symptoms import Symptoms
from mtls_lab.pki.key_kinds import key_kind
from mtls_lab.wire import Direction, Failure

__all__ = ["NOT_DONE", "answer_of", "judge_client", "status_of"]

#: Answers, beside those to a good request, of who has looked for the page, and not at the caller.
FOUND = {"200", "204", "301", "302", "303", "304", "307", "308", "404", "405"}
#: A refusal of Redis, NATS and POP3; of SMTP and FTP; of IMAP.
NOT_DONE = re.compile(rb"-[A-Z]{2,20}[ \r\n]|[45]\d\d[ -][^\r\n]|[\w*+]{1,20} (?:NO|BAD) ")
#: The title of a page, without the number that is in the status line too.
TITLE = re.compile(rb"<title>\s?(?:\d{3} )?([^<]{1,200})</title>", re.IGNORECASE)
#: Evidence that there is no evidence.
NOT_SHOWN = "so the handshake does not show whether the server accepts it; --http does"


def judge_client(seen: Seen) -> Iterator[Cause]:
    """Give the causes that lie in our certificate, or in what the server does with it."""
    requested = seen.requested
    evidence = [
        f"{version}: {how_it_ended(seen.best(version))}"
        for version in seen.full
        if seen.best(version).first("CertificateRequest")
    ]
    tried = list(seen.attempts)
    if seen.asks_late and seen.asked:
        tried.append(seen.asked)
        evidence.append(f"to a request: {how_it_ended(seen.asked)}")
    refused = [each for each in tried if _refused(each)]
    if requested is None:
        yield from _not_asked(seen)
        yield from _pages(seen, None)
    elif refused and not _sent(refused[0]):
        yield from _nothing_sent(seen, requested, refused[0], evidence)
    elif refused:
        yield from refused_ours(seen, requested, refused[0], evidence)
    elif pages := list(_pages(seen, requested)):
        yield from pages
    else:
        yield from _accepted(seen, requested)


def _sent(tried: Attempt) -> bool:
    """Whether there was a certificate in our Certificate message."""
    message = tried.first("Certificate", Direction.TO_BACKEND)
    return message is not None and not message.empty


def _refused(tried: Attempt) -> bool:
    """Whether the server ended it after it had asked for a certificate."""
    return tried.refused and tried.first("CertificateRequest") is not None


# --- Nobody asked, or nothing was sent


def _not_asked(seen: Seen) -> Iterator[Cause]:
    done = [each for each in seen.attempts if each.version]
    called = {"without SNI": seen.nameless} | {f"called {n}": a for n, a in seen.elsewhere.items()}
    asking = (how for how, each in called.items() if each and each.first("CertificateRequest"))
    if done and (how := next(asking, "")):
        sni = "-noservername" if how == "without SNI" else f"-servername {how.split()[1]}"
        target = shlex.quote(host_and_port(seen.host, seen.port))
        check = (
            f"openssl s_client -connect {target} {sni} </dev/null | grep -i 'client certificate'"
        )
        words = {"called": how, "check": check}
        yield cause("not_asked_by_this_name", seen, [f"{how}, it asks"], certain=True, **words)
    elif done and all(each.end in {"closed", "reset"} for each in done):
        evidence = [f"{version}: {how_it_ended(seen.best(version))}" for version in seen.full]
        yield cause("hung_up_unasked", seen, evidence, certain=True)
    elif seen.own.certfile and done:
        evidence = [f"the messages of {' and '.join(each.version for each in done)}"]
        yield cause("not_asked", seen, evidence, certain=True)


def _nothing_sent(
    seen: Seen, requested: Requested, tried: Attempt, evidence: list[str]
) -> Iterator[Cause]:
    if seen.own.presents:
        yield _no_common_scheme(seen, requested, evidence)
    elif seen.own.certfile:
        return  # it does not load, which is told
    elif tried.alert:
        yield cause("demanded", seen, evidence, certain=True)
    else:
        yield cause("bare_garbled" if tried.end == "garbled" else "hung_up_bare", seen, evidence)


def _no_common_scheme(seen: Seen, requested: Requested, evidence: list[str]) -> Cause:
    return cause(
        "no_common_scheme",
        seen,
        [*evidence, "our Certificate message was empty"],
        certain=not requested.takes_key_of(seen.own.chain[0]),
        key_kind=key_kind(seen.own.chain[0]),
        schemes=listed(requested.schemes or requested.types),
    )


# --- Accepted


def _accepted(seen: Seen, requested: Requested) -> Iterator[Cause]:
    if not seen.own.presents:
        return
    named = requested.names_issuer_of(seen.own.chain)
    if not seen.presented:
        # A handshake that was not finished in time has not come as far as a certificate.
        if any(each.version and each.first("CertificateRequest") for each in seen.attempts):
            yield _no_common_scheme(seen, requested, [])
    elif _tells_us_apart(seen):
        if not named:
            yield cause("not_sent_elsewhere", seen)
    else:
        evidence = [f"without a certificate: {how_it_ended(seen.bare)}"] if seen.bare else []
        if status := status_of(seen.asked):
            evidence.append(f"to a request, with it and without, it answers {status!r}")
        doubts = list(_doubts(seen, requested, [*evidence, NOT_SHOWN]))
        yield from doubts
        if not (seen.own.unfit or named):
            sure = seen.bare is not None and bool(seen.bare.version) and not doubts
            yield cause("not_shown", seen, evidence, certain=sure)


def _doubts(seen: Seen, requested: Requested, evidence: list[str]) -> Iterator[Cause]:
    """Give what is wrong with our certificate by itself, or with its chain for these CAs."""
    if seen.own.unfit:
        symptoms = Symptoms("device", failure=Failure(""), state="http: bad certificate")
        yield from of_file(seen, symptoms, evidence, certain=False)
    elif not requested.names_issuer_of(seen.own.chain) and (between := between_us(seen, requested)):
        yield lacks_intermediate(seen, between, evidence)


def _tells_us_apart(seen: Seen) -> bool:
    """Whether the server refuses us without the certificate: then it has accepted the certificate.

    nginx finishes the handshake whatever it gets, and refuses in its answer to a request.
    """
    if seen.bare is not None and seen.bare.refused:
        return True
    status = status_of(seen.asked)
    return bool(status) and status != status_of(seen.asked_bare)


def status_of(tried: Attempt | None) -> str:
    """Return the status line of an HTTP answer, or `""`.

    Example:
        >>> from mtls_lab.wire import Stage
        >>> status_of(Attempt(Stage.FIRST_READ, heard=b"HTTP/1.1 403 Forbidden\\r\\n"))
        'HTTP/1.1 403 Forbidden'
    """
    line = tried.heard.split(b"\r\n")[0] if tried else b""
    return quoted(line)[1:-1] if line.startswith(b"HTTP/") else ""


def answer_of(tried: Attempt | None) -> str:
    """Return the status line, with the title of a page that refuses if it says more.

    Example:
        >>> from mtls_lab.wire import Stage
        >>> page = b"HTTP/1.1 400 Bad Request\\r\\n\\r\\n<title>400 No certificate</title>"
        >>> answer_of(Attempt(Stage.FIRST_READ, heard=page))
        'HTTP/1.1 400 Bad Request (No certificate)'
    """
    status = status_of(tried)
    title = TITLE.search(tried.heard) if tried and re.match(r"\S+ [45]", status) else None
    words = quoted(title[1].strip())[1:-1] if title else ""
    return status if words.lower() in status.lower() else f"{status} ({words})"


def _pages(seen: Seen, requested: Requested | None) -> Iterator[Cause]:
    """What a request brought: a page that refuses, or an answer to anybody."""
    tried = seen.asked
    status = answer_of(tried)
    if tried and NOT_DONE.match(tried.heard):
        yield cause("refused_inside", seen, certain=True, answer=quoted(tried.heard))
    if tried is None or not status:
        return
    state = heard(tried.heard.decode("utf-8", "replace")).state
    evidence = [f"to a request it answers {status!r}"]
    if state == "http: bad certificate" and requested and seen.own.chain:
        yield from _bad_certificate(seen, requested, tried, evidence)
    elif state == "http: no certificate" and seen.presented:
        yield cause("not_seen", seen, evidence, certain=True, status=status)
    elif state == "http: no certificate" and seen.own.presents and not requested:
        yield cause("wanted_behind", seen, evidence, status=status)
    elif state == "http: no certificate":
        yield cause("demanded_http", seen, evidence, certain=True, status=status)
    else:
        yield from _by_status(seen, requested, status, evidence)


def _by_status(
    seen: Seen, requested: Requested | None, status: str, evidence: list[str]
) -> Iterator[Cause]:
    """What the number of an answer says, where its page says nothing of certificates."""
    code = "".join(status.split(" ")[1:2])
    if code in {"401", "403"}:
        if requested and not seen.own.presents:
            yield cause("demanded_http", seen, evidence, status=status)
        unproved = list(_unproved(seen, requested, status, evidence)) if requested else []
        yield from unproved
        certain = seen.presented and not unproved
        yield cause("forbidden", seen, evidence, certain=certain, status=status)
    elif code == "421":
        yield cause("wrong_host", seen, evidence, certain=True, status=status)
    elif code >= "500":
        yield cause("fails_behind", seen, evidence, status=status)
    elif code != "400" and status_of(seen.asked_bare) == status_of(seen.asked):
        if requested and code not in FOUND:
            yield from _unproved(seen, requested, status, evidence)
        if requested and not requested.names_issuer_of(seen.own.chain):
            evidence.append("it does not name the issuer of the certificate, and takes it")
        # What is not found has been looked for, if perhaps where no certificate is needed.
        yield cause("not_demanded", seen, evidence, certain=code < "400", status=status)


def _unproved(
    seen: Seen, requested: Requested, status: str, evidence: list[str]
) -> Iterator[Cause]:
    """Give why a program may refuse a certificate that the handshake let pass, as it does any."""
    if not seen.presented or seen.bare is None or seen.bare.refused or not seen.bare.version:
        return
    evidence = [*evidence, f"without a certificate: {how_it_ended(seen.bare)}"]
    doubts = list(_doubts(seen, requested, evidence))
    yield from doubts
    if not (doubts or seen.own.unfit or requested.names_issuer_of(seen.own.chain)):
        yield cause("untrusted_behind", seen, evidence, status=status)


def _bad_certificate(
    seen: Seen, requested: Requested, tried: Attempt, evidence: list[str]
) -> Iterator[Cause]:
    symptoms = symptoms_of(tried, "http: bad certificate")
    looked = list(of_file(seen, symptoms, evidence, certain=False))
    yield from looked or of_chain(seen, requested, tried, evidence)

"""What a server makes of our certificate: not asked for, not sent, refused, accepted, not needed.

Here: the causes that are about the client's certificate, and about the answer to a request. Not
here: the server's own certificate, and the way to it (judging.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from mtls_lab.bench.attempts import Attempt
from mtls_lab.bench.causes import cause, explained, how_it_ended, listed, quoted
from mtls_lab.bench.probing import Seen
from mtls_lab.bench.requested import Requested, key_kind
from mtls_lab.bench.value import Cause
from mtls_lab.diagnosis import explain
from mtls_lab.diagnosis.lines import heard
from mtls_lab.diagnosis.look import VAGUE, Finding, findings
from mtls_lab.diagnosis.symptoms import Symptoms
from mtls_lab.pki.rules import told
from mtls_lab.wire import Failure
from mtls_lab.wire.reasons import reason_of_alert

__all__ = ["judge_client", "signed_in_between", "status_of"]

#: A CA that is called like this is most likely below another one.
BETWEEN = re.compile(
    r"\b(intermediate|issuing|sub(ordinate)?[ -]?ca|ica|signing|level ?[12])\b", re.IGNORECASE
)
#: Alerts for a chain that does not lead to a CA that is trusted.
NO_CHAIN = {"unknown_ca", "decrypt_error"}


def judge_client(seen: Seen) -> Iterator[Cause]:
    """Give the causes that lie in our certificate, or in what the server does with it."""
    requested = seen.requested
    if requested is None:
        yield from _not_asked(seen)
        return
    refused = [each for each in seen.attempts if _refused(each)]
    evidence = [
        f"{version}: {how_it_ended(seen.best(version))}"
        for version in seen.full
        if seen.best(version).first("CertificateRequest")
    ]
    if refused and not seen.presented:
        yield from _nothing_sent(seen, requested, refused[0], evidence)
    elif refused:
        yield from _refused_ours(seen, requested, refused[0], evidence)
    elif pages := list(_http(seen, requested)):
        yield from pages
    else:
        yield from _accepted(seen, requested)


def signed_in_between(issuer: x509.Name, known: Iterable[x509.Certificate]) -> str:
    """Whether a CA is an intermediate: "known" if its certificate is, "named" by its name, or "".

    Example:
        >>> from cryptography.x509 import Name
        >>> signed_in_between(Name.from_rfc4514_string("CN=Example Issuing CA"), ())
        'named'
    """
    if any(each.subject == issuer != each.issuer for each in known):
        return "known"
    return "named" if BETWEEN.search(told(issuer)) else ""


def _refused(tried: Attempt) -> bool:
    """Whether the server ended it after it had asked for a certificate."""
    return tried.refused and tried.first("CertificateRequest") is not None


# --- Nobody asked, or nothing was sent


def _not_asked(seen: Seen) -> Iterator[Cause]:
    done = [each for each in seen.attempts if each.version]
    nameless = seen.nameless
    if nameless and nameless.first("CertificateRequest") and done:
        yield cause("not_asked_by_this_name", seen, ["only without SNI it asks"], certain=True)
    elif seen.own.certfile and done and not (seen.asked and seen.asked.first("CertificateRequest")):
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
        yield cause("hung_up_bare", seen, evidence)


def _no_common_scheme(seen: Seen, requested: Requested, evidence: list[str]) -> Cause:
    return cause(
        "no_common_scheme",
        seen,
        [*evidence, "our Certificate message was empty"],
        certain=not requested.takes_key_of(seen.own.chain[0]),
        key_kind=key_kind(seen.own.chain[0]),
        schemes=listed(requested.schemes or requested.types),
    )


# --- Refused


def _refused_ours(
    seen: Seen, requested: Requested, tried: Attempt, evidence: list[str]
) -> Iterator[Cause]:
    alert = tried.alert
    if alert == "certificate_revoked":
        yield cause("revoked", seen, evidence, certain=True)
        return
    exact = bool(alert) and alert not in VAGUE["alert"]
    looked = [each for each in _findings(seen, _symptoms(tried)) if each.explains]
    yield from (_told(seen, each, evidence, certain=exact) for each in looked)
    if looked:
        return
    if alert == "certificate_expired":
        yield cause("other_clock", seen, evidence)
    elif exact and alert not in NO_CHAIN:
        yield explained("failed", seen, explain(_symptoms(tried).failure), evidence)
    else:
        yield from _chain(seen, requested, tried, evidence)


def _chain(
    seen: Seen, requested: Requested, tried: Attempt, evidence: list[str]
) -> Iterator[Cause]:
    """Our chain does not lead to a CA of the server's, or nothing tells what is wrong."""
    alert, chain = tried.alert, seen.own.chain
    issuer, sure = chain[0].issuer, alert == "unknown_ca"
    words = f" of {listed(requested.names)}" if requested.names else ""
    seen_here = [*evidence, f"it asks for a certificate{words or ' of any CA'}"]
    named = requested.names_issuer_of(chain)
    between = _between(seen, requested)
    if chain[0].subject == issuer and not (requested.authorities and named):
        yield cause("self_signed", seen, seen_here, certain=sure, names=words)
    elif between:
        how = "an intermediate CA" if between == "known" else "by its name an intermediate CA"
        certain = sure and between == "known"
        yield cause("intermediate", seen, seen_here, certain=certain, how=how)
    elif requested.authorities and not named:
        yield cause("not_named", seen, seen_here, certain=sure)
    elif _same_name(seen) or (requested.authorities and alert in NO_CHAIN):
        yield cause("same_name", seen, seen_here)
    elif alert in NO_CHAIN:
        yield cause("untrusted", seen, seen_here, certain=sure)
    elif not alert:
        yield cause("hung_up", seen, seen_here)
    else:
        told_ = explain(_symptoms(tried).failure)
        yield cause("refused_vaguely", seen, seen_here, alert=alert, why=told_.why, fix=told_.fix)


def _between(seen: Seen, requested: Requested) -> str:
    """Whether our issuer is an intermediate that is not sent; as signed_in_between says it."""
    issuer = seen.own.chain[0].issuer
    if any(each.subject == issuer for each in seen.own.chain):
        return ""
    if issuer.public_bytes() in requested.authorities:
        return ""
    return signed_in_between(issuer, (*seen.own.cas, *seen.served.chain))


def _same_name(seen: Seen) -> bool:
    """Whether we know a CA of our issuer's name, and it has not signed our certificate."""
    leaf = seen.own.chain[0]
    known = [
        each
        for each in (*seen.own.cas, *seen.served.chain)
        if each.subject == leaf.issuer != leaf.subject
    ]
    return bool(known) and not any(_signed(leaf, each) for each in known)


def _signed(leaf: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _symptoms(tried: Attempt, state: str = "") -> Symptoms:
    failure = Failure("SSLError", reason_of_alert(tried.alert)) if tried.alert else None
    return Symptoms(
        side="device",
        stage=tried.stage.value,
        failure=failure or Failure("" if state else "SSLEOFError"),
        version=tried.version,
        state=state,
    )


def _findings(seen: Seen, symptoms: Symptoms) -> list[Finding]:
    own = seen.own
    files = {"cert": own.certfile, "key": own.keyfile, "ca": None}
    return findings(symptoms, "device", files, called="the server's CAs")


def _told(seen: Seen, found: Finding, evidence: list[str], *, certain: bool) -> Cause:
    says = found.says[0].upper() + found.says[1:]
    words = {"finding": says, "fix": found.fix, "check": found.command}
    return cause("finding", seen, evidence, certain=certain, **words)


# --- Accepted


def _accepted(seen: Seen, requested: Requested) -> Iterator[Cause]:
    if not seen.own.presents:
        return
    if not seen.presented:
        yield _no_common_scheme(seen, requested, [])
    elif not requested.names_issuer_of(seen.own.chain):
        yield cause("not_sent_elsewhere", seen)


def status_of(tried: Attempt | None) -> str:
    """Return the status line of an HTTP answer, or `""`.

    Example:
        >>> from mtls_lab.wire import Stage
        >>> status_of(Attempt(Stage.FIRST_READ, heard=b"HTTP/1.1 403 Forbidden\\r\\n"))
        'HTTP/1.1 403 Forbidden'
    """
    line = tried.heard.split(b"\r\n")[0] if tried else b""
    return quoted(line)[1:-1] if line.startswith(b"HTTP/") else ""


def _http(seen: Seen, requested: Requested) -> Iterator[Cause]:
    """What a request brought: a page that refuses, or an answer to anybody."""
    tried = seen.asked
    status = status_of(tried)
    if tried is None or not status:
        return
    state = heard(tried.heard.decode("utf-8", "replace")).state
    code = status.split(" ")[1:2]
    evidence = [f"to a request it answers {status!r}"]
    if state == "http: no certificate" and not seen.presented:
        yield cause("demanded_http", seen, evidence, certain=True, status=status)
    elif state == "http: no certificate":
        yield cause("not_seen", seen, evidence, certain=True, status=status)
    elif state == "http: bad certificate":
        looked = _findings(seen, _symptoms(tried, state))
        yield from (_told(seen, each, evidence, certain=False) for each in looked if each.explains)
        if not any(each.explains for each in looked):
            yield from _chain(seen, requested, tried, evidence)
    elif code in (["401"], ["403"]):
        yield cause("forbidden", seen, evidence, certain=True, status=status)
    elif code == ["421"]:
        yield cause("wrong_host", seen, evidence, certain=True, status=status)
    elif seen.asked_bare and status_of(seen.asked_bare) == status and code and code[0] < "400":
        yield cause("not_demanded", seen, evidence, certain=True, status=status)

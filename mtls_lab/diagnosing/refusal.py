"""Why a server refuses the certificate that we sent.

Here: the alert, the file, and the CAs that the server names, put together. Not here: a certificate
that was not asked for, not sent, or accepted (asking.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cryptography import x509

from mtls_lab.diagnosing.attempts import Attempt, Requested
from mtls_lab.diagnosing.causes import cause, explained, listed, sentence
from mtls_lab.diagnosing.faults import SHOWN
from mtls_lab.diagnosing.probing import Seen
from mtls_lab.diagnosing.value import Cause
from mtls_lab.explaining import Explanation, explain
from mtls_lab.explaining.fitting import VAGUE
from mtls_lab.explaining.look import Finding, look_at
from mtls_lab.explaining.symptoms import Symptoms
from mtls_lab.explaining.wording import outsiders
from mtls_lab.pki.comparison import path_of
from mtls_lab.pki.key_kinds import key_kind
from mtls_lab.pki.rules import told
from mtls_lab.pki.signed import is_checkable, is_signed_by
from mtls_lab.wire import Failure, Side
from mtls_lab.wire.names import reason_of_alert

__all__ = [
    "between_us",
    "lacks_intermediate",
    "of_chain",
    "of_file",
    "refused_ours",
    "signed_in_between",
    "symptoms_of",
]

#: A CA that is called like this is most likely below another one.
BETWEEN = re.compile(
    r"\b(intermediate|issuing|sub(ordinate)?[ -]?ca|ica|signing|level ?[12])\b", re.IGNORECASE
)
#: Alerts for a chain that does not lead to a CA that is trusted.
NO_CHAIN = {"unknown_ca", "decrypt_error"}


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


def refused_ours(
    seen: Seen, requested: Requested, tried: Attempt, evidence: list[str]
) -> Iterator[Cause]:
    """Give the causes for which the server may have refused what we sent in this attempt."""
    told_ = list(_refused(seen, requested, tried, evidence))
    yield from told_
    yield from _besides(seen, {each.says for each in told_})
    # Who names no reason may have had this one too; the others had found a chain.
    vague = not tried.alert or tried.alert in VAGUE["alert"]
    found = all(each.name == "finding" for each in told_)
    if vague and found and seen.own.unfit and not requested.names_issuer_of(seen.own.chain):
        yield from of_chain(seen, requested, tried, evidence)


def _besides(seen: Seen, told_: set[str]) -> Iterator[Cause]:
    """Give what else nobody accepts in our certificate: a server names one fault at a time."""
    if not seen.own.unfit:
        return
    evidence = ["the file itself: a server names one fault at a time"]
    for code in dict.fromkeys(SHOWN.values()):
        failure = Failure("SSLCertVerificationError", verify_code=code)
        for each in of_file(seen, Symptoms("device", failure=failure), evidence, certain=True):
            if each.says not in told_:
                yield each


def _refused(
    seen: Seen, requested: Requested, tried: Attempt, evidence: list[str]
) -> Iterator[Cause]:
    """Give what the refusal itself, the file, and the CAs that the server names tell together."""
    alert = tried.alert
    exact = bool(alert) and alert not in VAGUE["alert"]
    if alert == "certificate_revoked":
        yield cause("revoked", seen, evidence, certain=True)
    elif looked := list(of_file(seen, symptoms_of(tried), evidence, certain=exact)):
        yield from looked
    elif alert == "internal_error":
        yield cause("check_failed", seen, evidence)
    elif alert == "certificate_expired":
        yield cause("other_clock", seen, evidence)
    elif alert == "illegal_parameter" and tried is seen.full.get("TLS 1.2") and _curve(seen):
        yield cause("client_curve", seen, evidence, curve=_curve(seen))
    elif exact and alert not in NO_CHAIN:
        yield explained("failed", seen, explain(symptoms_of(tried).failure, course=False), evidence)
    else:
        yield from of_chain(seen, requested, tried, evidence)


def _curve(seen: Seen) -> str:
    """The curve of the key in our certificate, if it has one to choose."""
    kind = key_kind(seen.own.chain[0])
    return kind.removeprefix("EC ") if kind.startswith("EC ") else ""


def of_file(
    seen: Seen, symptoms: Symptoms, evidence: list[str], *, certain: bool
) -> Iterator[Cause]:
    """Give what is wrong in the certificate file, if it explains the refusal."""
    for found in _found(seen, symptoms):
        if found.explains:
            words = {"finding": sentence(found.says), "fix": found.fix, "check": found.command}
            yield cause("finding", seen, evidence, certain=certain, **words)


def of_chain(
    seen: Seen, requested: Requested, tried: Attempt, evidence: list[str]
) -> Iterator[Cause]:
    """Our chain does not lead to a CA of the server's, or nothing tells what is wrong."""
    alert, chain, page = tried.alert, seen.own.chain, _page_of(tried)
    issuer, sure = chain[0].issuer, alert == "unknown_ca"
    words = f" of {listed(requested.names)}" if requested.names else ""
    seen_here = [*evidence, f"it asks for a certificate{words or ' of any CA'}"]
    named = requested.names_issuer_of(chain)
    between = between_us(seen, requested)
    if chain[0].subject == issuer and not is_signed_by(chain[0], chain[0]):
        yield cause("named_like_its_ca", seen, seen_here)
    elif chain[0].subject == issuer and not (requested.authorities and named):
        wanted = listed(requested.names) or "a CA that it trusts"
        yield cause("self_signed", seen, seen_here, certain=sure, names=wanted)
    elif between:
        yield lacks_intermediate(seen, between, seen_here, certain=sure and between == "sure")
    elif requested.authorities and not named:
        yield cause("not_named", seen, seen_here, certain=sure)
    elif _same_name(seen) or (requested.authorities and alert in NO_CHAIN):
        known = next((each for each in chain if requested.names_issuer_of([each])), chain[0])
        yield cause("same_name", seen, seen_here, known=told(known.issuer))
    elif alert in NO_CHAIN:
        yield cause("untrusted", seen, seen_here)
    elif not alert and not page:
        # In TLS 1.2, a server has verified before the handshake is done; 1.3 does not show that.
        cut = any(each.cut and each.first("CertificateRequest") for each in seen.attempts)
        done = any(each.version == "TLSv1.2" for each in seen.attempts)
        name = "cut_off" if cut else "hung_up" if done else "hung_up_or_cut_off"
        if tried.end == "garbled":
            name = "refused_garbled"
        yield cause(name, seen, seen_here)
    else:
        told_ = _left_open(seen, page or Side("device", tried.stage, symptoms_of(tried).failure))
        name = "refused_on_a_page" if page else "refused_vaguely"
        yield cause(name, seen, seen_here, alert=alert, why=told_.why, fix=told_.fix)


def _page_of(tried: Attempt) -> str:
    """The page on which the server refused, in HTTP and not by an alert; or `""`."""
    return tried.heard.decode("utf-8", "replace") if tried.heard.startswith(b"HTTP/") else ""


def _left_open(seen: Seen, what: str | Side) -> Explanation:
    """Return what a vague refusal may mean, without what our file, and having sent it, rule out."""
    own = seen.own
    return explain(
        what,
        certfile=own.certfile,
        keyfile=own.keyfile,
        password=own.password or None,
        course=False,
        excluded=["none"] if seen.presented else [],
    )


def lacks_intermediate(
    seen: Seen, between: str, evidence: list[str], *, certain: bool = False
) -> Cause:
    """Give the cause that our file lacks an intermediate; `between` is what `between_us` says."""
    how = "an intermediate CA" if between != "named" else "by its name an intermediate CA"
    return cause("intermediate", seen, evidence, certain=certain, how=how)


def between_us(seen: Seen, requested: Requested) -> str:
    """Whether our issuer is an intermediate that is not sent.

    "sure" if we know its certificate and the server names the CA above it; or as
    signed_in_between says.
    """
    issuer = seen.own.chain[0].issuer
    if any(each.subject == issuer for each in seen.own.chain):
        return ""
    if issuer.public_bytes() in requested.authorities:
        return ""
    known = (*seen.own.cas, *seen.served.chain)
    above = {each.issuer.public_bytes() for each in known if each.subject == issuer}
    if above & set(requested.authorities):
        return "sure"
    return signed_in_between(issuer, known)


def _same_name(seen: Seen) -> bool:
    """Whether we know a CA of our issuer's name, and it has not signed our certificate."""
    leaf = seen.own.chain[0]
    known = [
        each
        for each in (*seen.own.cas, *seen.served.chain)
        if each.subject == leaf.issuer != leaf.subject
    ]
    return bool(known) and not any(
        is_signed_by(leaf, each) or not is_checkable(leaf, each) for each in known
    )


def symptoms_of(tried: Attempt, state: str = "") -> Symptoms:
    """Return what a refusal of ours looks like to `explain` and to the look into files."""
    failure = Failure("SSLError", reason_of_alert(tried.alert)) if tried.alert else None
    return Symptoms(
        side="device",
        stage=tried.stage.value,
        failure=failure or Failure("" if state else "SSLEOFError"),
        version=tried.version,
        state=state,
    )


def _found(seen: Seen, symptoms: Symptoms) -> list[Finding]:
    own = seen.own
    # The server's CAs are not at hand. If the chain leads to one of ours, it is most likely theirs.
    leads = False
    if own.chain and own.cas:
        _, broken = path_of(own.chain, own.cas)
        leads = broken is None or broken.name == "altered"
    files = {"cert": own.certfile, "key": own.keyfile, "ca": own.cafile if leads else None}
    word = own.password if own.bundle else own.password or None
    looked = look_at(files, called="the server's CAs", password=word)
    return looked.findings(symptoms, "device", outsiders)

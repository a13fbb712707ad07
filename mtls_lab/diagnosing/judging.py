"""From what was seen to the causes, the likeliest first.

Here: the way to the server, its certificate, versions, and HTTP. Not here: our own certificate
(refusal.py), what is wrong with the chain in itself (faults.py), the sentences
(data/diagnoses.toml), and what was seen, line by line (reporting.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cryptography import x509

from mtls_lab.diagnosing.asking import judge_client
from mtls_lab.diagnosing.causes import (
    advice,
    cause,
    explained,
    how_it_ended,
    in_words,
    listed,
    quoted,
    sentence,
)
from mtls_lab.diagnosing.faults import Sent
from mtls_lab.diagnosing.probing import Seen
from mtls_lab.diagnosing.refusal import signed_in_between
from mtls_lab.diagnosing.value import Cause
from mtls_lab.explaining import explain
from mtls_lab.explaining.look import Finding
from mtls_lab.pki.key_kinds import key_kind
from mtls_lab.pki.names import is_address
from mtls_lab.pki.rules import told
from mtls_lab.wire import Failure, Stage

__all__ = ["judge", "strictly"]

#: X509_V_ERR_…: no issuer.
NO_ISSUER = {2, 20, 21}
#: A chain that is signed by its own root: alone, or at its end.
SELF_SIGNED = {18, 19}
#: As OpenSSL and as IANA write them.
OLD = {"TLSv1": "TLS 1.0", "TLSv1.1": "TLS 1.1", "TLS 1.0": "TLS 1.0", "TLS 1.1": "TLS 1.1"}


def judge(seen: Seen) -> tuple[Cause, ...]:
    """Return the causes: those that are certain first, then the likely ones."""
    found = list(_files(seen))
    if seen.unreached:
        found += _unreached(seen, seen.unreached)
    elif not seen.speaks_tls:
        found += _not_tls(seen)
    else:
        found += _server(seen)
        found += _no_hello(seen)
        found += judge_client(seen)
        if not found:
            found += _unexplained(seen)
    unique: dict[tuple[str, str], Cause] = {}
    for each in found:
        unique.setdefault((each.name, each.says), each)
    return tuple(sorted(unique.values(), key=lambda each: not each.certain))


def _files(seen: Seen) -> Iterator[Cause]:
    for problem in seen.own.problems:
        yield explained("file", seen, problem)


def _unreached(seen: Seen, failure: Failure) -> Iterator[Cause]:
    evidence = [in_words(failure)]
    if failure.error == "gaierror" or not seen.addresses:
        yield cause("unresolved", seen, evidence, certain=failure.reason != "TIMED_OUT")
    elif failure.reason == "ECONNREFUSED":
        yield cause("refused", seen, evidence, certain=True)
    elif failure.reason == "TIMED_OUT":
        yield cause("unanswered", seen, evidence)
    else:
        yield cause("unreachable", seen, evidence, certain=True, failure=in_words(failure))


def _not_tls(seen: Seen) -> Iterator[Cause]:
    tried = next(iter(seen.full.values()))
    evidence = [f"it answers {quoted(seen.greeting)}"] if seen.greeting else []
    if tried.failure and tried.failure.error in {"NoStartTls", "TlsIsOff"}:
        whose = "itself" if _speaks_it(seen) else seen.protocol
        off = tried.failure.error == "TlsIsOff"
        yield cause(
            "no_starttls",
            seen,
            evidence,
            certain=True,
            failure=in_words(tried.failure),
            advice=advice(f"{seen.starttls} off" if off else whose),
        )
    elif seen.protocol:
        protocol = seen.protocol
        yield cause(
            "plain", seen, evidence, certain=True, protocol=protocol, advice=advice(protocol)
        )
    elif seen.greeting:
        yield cause("unknown_protocol", seen, certain=True, greeting=quoted(seen.greeting))
    elif tried.failure and tried.failure.reason == "TIMED_OUT":
        silent = bool(seen.starttls) and tried.stage is Stage.SETUP
        yield cause("no_greeting" if silent else "slow", seen, [in_words(tried.failure)])
    else:
        yield cause("mute", seen, [how_it_ended(tried)])


def _speaks_it(seen: Seen) -> bool:
    """Whether a server speaks the protocol in which TLS was to begin."""
    return seen.protocol.lower().startswith(seen.starttls)


# --- The server's certificate


def _server(seen: Seen) -> Iterator[Cause]:
    if failure := seen.distrusted:
        if failure is not seen.misnamed:
            yield from _unverified(seen, failure)
        if seen.misnamed:
            names = listed(seen.served.names) or "no name"
            evidence = _evidence(seen, seen.misnamed)
            yield cause("server_name", seen, evidence, certain=True, names=names)
        yield from _besides(seen, failure)
    if seen.second:
        other = replace(seen, full={"TLS 1.2": seen.second}, unchecked={}, named=None, second=None)
        for each in _server(other):
            kind = key_kind(other.served.chain[0])
            first = f"The server has a second certificate ({kind}), for clients that take no other."
            yield replace(each, says=f"{first} {each.says}")


def _besides(seen: Seen, failure: Failure) -> Iterator[Cause]:
    evidence = ["the certificates that it sends; OpenSSL names one fault at a time"]
    for found in _sent(seen).besides(failure.verify_code):
        yield _finding(seen, found, evidence)


def _finding(seen: Seen, found: Finding, evidence: list[str]) -> Cause:
    words = {"finding": sentence(found.says), "fix": found.fix}
    return cause("server_finding", seen, evidence, certain=True, **words)


def _evidence(seen: Seen, failure: Failure) -> list[str]:
    return [in_words(failure), f"it sends {seen.served.path}"]


def _unverified(seen: Seen, failure: Failure) -> Iterator[Cause]:
    evidence = _evidence(seen, failure)
    if failure.verify_code in NO_ISSUER and (last := _last_issuer(seen)):
        between = signed_in_between(last, (*seen.own.cas, *seen.own.chain))
        words = {"issuer": told(last), "trusted": listed(_trusted(seen)) or "its CAs"}
        name = "server_intermediate" if between and not _has(seen, last) else "server_chain"
        if not _has(seen, last):
            certain = name == "server_chain" or between == "known"
            if seen.own.cafile or name == "server_intermediate":
                yield cause(name, seen, evidence, certain=certain, **words)
                return
    if not seen.own.cafile and (issuer := _root(seen, failure)):
        words = {"issuer": told(issuer), "intermediate": ""}
        if failure.verify_code in NO_ISSUER:
            words["intermediate"] = (
                " If it is an intermediate below a CA that this system has, the server has to send"
                " it (nginx: ssl_certificate with the full chain)."
            )
        yield cause("server_private_ca", seen, evidence, certain=True, **words)
        return
    if found := _sent(seen).explains(failure.verify_code):
        yield _finding(seen, found, evidence)
        return
    told_ = explain(failure, cafile=seen.own.cafile, chain=seen.served.chain, course=False)
    yield explained("failed", seen, told_, evidence)


def _sent(seen: Seen) -> Sent:
    return Sent(seen.served, "server", seen.own.cafile, seen.own.password)


def _last_issuer(seen: Seen) -> x509.Name | None:
    """The issuer at which the chain of the server ends, as far as it is in order."""
    chain = list(seen.served.chain)
    if not chain:
        return None
    last = chain[0]
    while last.issuer != last.subject:
        above = next((each for each in chain if each.subject == last.issuer), None)
        if above is None:
            return last.issuer
        last = above
        chain.remove(above)
    return None


def _root(seen: Seen, failure: Failure) -> x509.Name | None:
    """The CA that is lacking where a chain leads to none that is trusted."""
    if failure.verify_code in NO_ISSUER:
        return _last_issuer(seen)
    own = (each.subject for each in seen.served.chain if each.subject == each.issuer)
    return next(own, None) if failure.verify_code in SELF_SIGNED else None


def _trusted(seen: Seen) -> list[str]:
    return sorted({told(each.subject) for each in seen.own.cas})


def _has(seen: Seen, name: x509.Name) -> bool:
    return any(each.subject == name for each in seen.own.cas)


def strictly(seen: Seen) -> Finding | None:
    """Return what Python 3.13 refuses in a server's chain that is fine otherwise."""
    if not seen.own.cas or seen.distrusted:
        return None
    return _sent(seen).strictly()


# --- Versions, suites, names


def _no_hello(seen: Seen) -> Iterator[Cause]:
    """The server refuses already our ClientHello."""
    if any(each.reached for each in seen.attempts):
        return
    evidence = [f"{version}: {how_it_ended(seen.best(version))}" for version in seen.full]
    alerts = {each.alert for each in seen.attempts}
    refused = any(each.refused for each in seen.attempts)
    if refused and is_address(seen.name) and not (seen.older and seen.older.first("ServerHello")):
        yield cause("no_name", seen, evidence)
    elif "unrecognized_name" in alerts:
        yield cause("unknown_name", seen, evidence, certain=True)
    elif seen.otherwise and seen.otherwise.first("ServerHello"):
        called = f"when it is called {seen.other_name}" if seen.other_name else "without SNI"
        evidence.append(f"{called.removeprefix('when it is ')}: {', '.join(seen.otherwise.agreed)}")
        yield cause("name_not_served", seen, evidence, certain=True, called=called)
    elif seen.older and seen.older.first("ServerHello"):
        version, cipher = seen.older.agreed
        evidence.append(f"with everything switched on: {version}, {cipher}")
        if version in OLD:
            yield cause("old_version", seen, evidence, certain=True, version=OLD[version])
        else:
            yield cause("weak_suites", seen, evidence, certain=True, cipher=cipher)


def _unexplained(seen: Seen) -> Iterator[Cause]:
    """An attempt failed, and nothing above says why."""
    working = [each for each in seen.attempts if each.version and not each.refused]
    if working:
        return  # one version is switched off, the other is fine
    evidence = [f"{version}: {how_it_ended(seen.best(version))}" for version in seen.full]
    failed = [each for each in seen.attempts if each.refused or each.failure]
    if not failed:
        return
    # Of a version that is switched off, a server says just that: the other one tells more.
    tried = next((each for each in failed if each.alert != "protocol_version"), failed[0])
    failure = tried.failure or Failure("EOFError")
    if failure.reason == "TIMED_OUT":
        yield cause("slow_handshake" if tried.answered else "slow", seen, evidence)
    elif tried.alert == "handshake_failure" and not tried.first("ServerHello"):
        yield cause("no_suite", seen, evidence)
    elif tried.alert == "internal_error" and not seen.requested:
        yield cause("fails_itself", seen, evidence)
    else:
        yield explained("failed", seen, explain(failure, course=False), evidence)

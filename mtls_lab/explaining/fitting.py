"""Which finding in somebody's files explains a failure.

Here: data/findings.toml against what is known of a failure. Not here: the findings themselves
(look.py, held.py, pki/comparison.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from mtls_lab.common import read_facts
from mtls_lab.explaining.symptoms import Symptoms
from mtls_lab.wire import Stage

__all__ = [
    "PURPOSE",
    "VAGUE",
    "WHOSE",
    "condition",
    "entries_for",
    "explains",
    "is_of_a_purpose",
    "is_of_the_chain",
    "is_past_the_chain",
    "is_vaguely_of_a_purpose",
    "says_nothing_of_a_certificate",
]

#: X509_V_ERR_…: no chain to a CA that is trusted was found.
NO_CHAIN = {2, 7, 18, 19, 20, 21, 27}
#: What the operating system says of a connection that the other side has ended.
CUT = {"ECONNRESET", "EPIPE", "ECONNABORTED", "ENOTCONN"}
#: The refusals of a certificate that do not say why.
VAGUE = {
    "alert": {"bad_certificate", "certificate_unknown", "access_denied", "handshake_failure"},
    "error": {"EOFError", "SSLEOFError", "SSLZeroReturnError"},
    "reason": CUT | {"CERTIFICATE_VERIFY_FAILED"},
    "state": {
        *("http: bad certificate", "writing", "client certificate refused", "not verified"),
        *("not verified or missing", "not verified or not tls", "alert without a name"),
        *("hung up in handshake", "hung up without a word", "cut or refused", "cut while writing"),
        *("said of device", "said of backend", "not connected"),
    },
}

#: States in which somebody hung up, or nobody was reached, and nothing tells whether it was over a
#: certificate.
HUNG_UP = {
    *("writing", "hung up in handshake", "hung up without a word", "cut or refused"),
    *("ldap: no contact", "not connected"),
}
#: X509_V_ERR_INVALID_PURPOSE: of this one, the other side's certificate may well be the cause.
PURPOSE = 26
#: Of a failure that leaves open whose certificate was refused.
WHOSE = "if this certificate is the {}'s"
#: Of an alert that may be about the ClientHello.
FAR = "if the handshake came as far as this certificate"


def entries_for(
    looks: Sequence[tuple[str, dict[str, str]]],
) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """Give the entries of data/findings.toml for each look, in the order of that file."""
    for entry in _findings():
        for name, words in looks:
            if entry["look"] == name:
                yield entry, words


@cache
def _findings() -> tuple[dict[str, Any], ...]:
    return tuple(read_facts("findings").values())


def explains(entry: dict[str, Any], seen: Symptoms, owner: str) -> bool:
    """Whether what an entry says is a cause of the failure.

    Args:
        entry: of data/findings.toml.
        seen: the failure.
        owner: whose certificate was refused; `""` if that is not known.
    """
    if entry.get("owner", owner or "device") != (owner or "device"):
        return False  # of a certificate whose owner is not known, a client's is asked about
    certain = bool(owner) or "owner" not in entry
    certain &= "of_the_ca" not in entry or not _client_hung_up(seen, owner)
    return _is_of(seen, entry["explains"], vaguely=certain)


def condition(entry: dict[str, Any], seen: Symptoms, owner: str) -> str:
    """Return under which condition it would be a cause of the failure; `""` if under none."""
    whose = entry.get("owner", "")
    # Of what does not say why, a client's is asked about.
    asked = whose == "device" or seen.failure.verify_code == PURPOSE
    if not owner and whose and asked and explains(entry, seen, whose):
        return WHOSE.format(whose)
    if whose not in {"", owner}:
        return ""
    if owner and _is_of_the_hello(seen) and entry["explains"].get("vague"):
        return FAR
    further = entry.get("perhaps", {})
    fits = _is_of(seen, further) and not _client_hung_up(seen, owner)
    return str(further["if"]) if fits else ""


def _is_of(seen: Symptoms, wanted: dict[str, Any], *, vaguely: bool = True) -> bool:
    """Whether the failure is one of those wanted; `vaguely`, one that does not say why may be."""
    failure, reason = seen.failure, seen.reason
    if reason == "CERTIFICATE_VERIFY_FAILED" and failure.verify_code is not None:
        reason = ""  # the code says why
    facts = {
        "verify_code": failure.verify_code,
        "alert": seen.alert,
        "reason": reason,
        "state": seen.state,
        "text": failure.text,
        "error": failure.error,
    }
    if any(fact in wanted.get(key, ()) for key, fact in facts.items()):
        return True
    return bool(
        vaguely
        and wanted.get("vague")
        and failure.verify_code is None  # it says why
        and not _is_of_the_hello(seen)
        and any(facts[key] in unclear for key, unclear in VAGUE.items())
    )


def _client_hung_up(seen: Symptoms, owner: str) -> bool:
    """Whether a client hung up on a server, whose CA file is the one for clients: no word of it."""
    return owner == seen.side == "backend" and not seen.alert


def _is_of_the_hello(seen: Symptoms) -> bool:
    """Whether no certificate of a client may have been seen yet, or in TLS 1.2 none was sent."""
    return seen.alert == "handshake_failure" and seen.stage == Stage.HANDSHAKE.value


def is_past_the_chain(seen: Symptoms) -> bool:
    """Whether the verifier had found a chain to a CA that it trusts, and objects to what is in it.

    OpenSSL looks for the chain first (`verify_chain` in crypto/x509/x509_vfy.c).
    """
    return seen.failure.verify_code not in {None, *NO_CHAIN}


def is_of_the_chain(seen: Symptoms) -> bool:
    """Whether a verifier found no chain, or does not say what is wrong with the certificate."""
    code = seen.failure.verify_code
    unknown = code is None and seen.reason == "CERTIFICATE_VERIFY_FAILED"
    return code in NO_CHAIN or unknown


def is_of_a_purpose(seen: Symptoms) -> bool:
    """Whether a certificate was refused for its purpose."""
    return seen.failure.verify_code == PURPOSE or seen.alert == "unsupported_certificate"


def is_vaguely_of_a_purpose(entry: dict[str, Any], seen: Symptoms, owner: str) -> bool:
    """Whether a client's was refused without a reason, and an entry is of a wrong purpose."""
    vague = seen.failure.verify_code is None and not says_nothing_of_a_certificate(seen)
    purpose = PURPOSE in entry["explains"].get("verify_code", ()) and entry.get("owner") == "device"
    return owner == "device" and vague and purpose and explains(entry, seen, owner)


def says_nothing_of_a_certificate(seen: Symptoms) -> bool:
    """Whether no certificate may have been seen yet, or somebody hung up without a word of one."""
    cut = seen.state in HUNG_UP or seen.reason in CUT
    return cut or _is_of_the_hello(seen)

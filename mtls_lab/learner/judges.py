"""What happened in a run, as the key of an answer: one small function for each prediction.

Here: from the evidence of a run (an exchange, what a relay heard, a verdict) to the answer that
it gives, in the order of data/predictions.toml. Not here: the questions, and what is said of an
answer (predictions.py), the judges of Part 4 (judges_of_part_4.py). No function knows what the
lesson's own run gives.
"""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from mtls_lab.common import LabError, UnknownName
from mtls_lab.learner.judges_of_part_4 import PART_4, served
from mtls_lab.wire import SECRET, Direction, Exchange, server_name

if TYPE_CHECKING:
    from mtls_lab.attacks import AttackResult

__all__ = ["JUDGES", "judge"]

#: OpenSSL's verify code for a CA that is known, and a signature that is not its own.
CERT_SIGNATURE_FAILURE = 7


class Listener(Protocol):
    """A relay, as far as a judge asks it."""

    def heard(self, what: str | bytes) -> bool:
        """Whether these bytes passed by in clear."""

    def stream(self, direction: Direction) -> bytes:
        """All that passed by in one direction."""


# --- Part 1 ----------------------------------------------------------------------------------


def silent_client(reply: bytes | OSError) -> str:
    """Judge what the second device received, or the error of its `recv`."""
    if isinstance(reply, TimeoutError):
        return "waits"
    served = isinstance(reply, bytes) and reply and not reply.startswith(b"ERROR")
    return "secret" if served else "refused"


def eve_listens(direct: Exchange, relayed: Exchange) -> str:
    """Judge which side saw anything else than without a relay."""
    if relayed == direct:
        return "nobody"
    return "backend" if relayed.device == direct.device else "device"


def changed_reply(exchange: Exchange) -> str:
    """Judge which side reports a failure."""
    if not exchange.device.ok:
        return "device"
    return "nobody" if exchange.backend and exchange.backend.ok else "backend"


def checksum(sent: str, received: str | None) -> str:
    """Judge whether a line other than the one that was sent carries the checksum that it needs."""
    text, _, code = (received or "").rpartition(" ")
    fits = code == f"{zlib.crc32(text.encode()):08x}"
    return "fooled" if fits and received != sent else "stopped"


# --- Part 2 ----------------------------------------------------------------------------------


def eve_reads_tls(eve: Listener) -> str:
    """Judge what passed Eve in clear: the secret, the server's name, or neither."""
    if eve.heard(SECRET):
        return "all"
    return "name" if server_name(eve.stream(Direction.TO_BACKEND)) else "nothing"


def flipped_bit(exchange: Exchange) -> str:
    """Judge what the device's program received."""
    if not exchange.device.ok:
        return "error"
    return "right_text" if exchange.reply == SECRET else "wrong_text"


def same_named_ca(exchange: Exchange) -> str:
    """Judge whether the device believed the one that answered, and if not, why."""
    if exchange.device.failure is None:
        return "believed"
    bad_signature = exchange.device.failure.verify_code == CERT_SIGNATURE_FAILURE
    return "signature" if bad_signature else "refused"


def other_host(exchange: Exchange) -> str:
    """Judge whether the device believed the one that answered."""
    return "believed" if exchange.device.ok else "refused"


def cert_none(unchecked: Listener, checked: Listener) -> str:
    """Judge what Mallory read where nothing was checked, and where it was."""
    if not unchecked.heard(SECRET):
        return "hidden"
    return "both" if checked.heard(SECRET) else "read"


def clone_over_tls(verdict: AttackResult) -> str:
    """Judge the attack."""
    return "served" if verdict.succeeded else "refused"


# --- Part 3 ----------------------------------------------------------------------------------


def no_certificate(done: Sequence[str]) -> str:
    """Judge by the calls that returned, "wrap_socket" and "recv"."""
    if "recv" in done:
        return "never"
    return "first_read" if "wrap_socket" in done else "handshake"


def leaf_only(with_ca: Exchange, without_ca: Exchange) -> str:
    """Judge whether the backend saw the same twice."""
    return "same" if with_ca.backend == without_ca.backend else "other"


def substring(loose: Exchange, _strict: Exchange) -> str:
    """Judge the exchange under the rule that looks for a piece of text."""
    return served(loose)


def cert_optional(without_rule: Exchange, with_rule: Exchange) -> str:
    """Judge the exchanges with the backend that has no rule, and with the one that has."""
    return "both" if with_rule.ok else served(without_rule)


def no_usage(unlimited: Exchange, _for_servers: Exchange) -> str:
    """Judge the exchange with the certificate that has no extended key usage."""
    return served(unlimited)


def eve_follows(tls_1_2: Listener, tls_1_3: Listener) -> str:
    """Judge in which version the device's name passed Eve in clear."""
    if tls_1_3.heard("trusted-client"):
        return "both"
    return "only_1_2" if tls_1_2.heard("trusted-client") else "neither"


def stolen_key(verdict: AttackResult) -> str:
    """Judge the attack."""
    return "served" if verdict.succeeded else "refused"


# --- What a session is worth -----------------------------------------------------------------


def stolen_session(thief: Exchange) -> str:
    """Judge the exchange of the thief: how far it came, and as whom."""
    if thief.ok:
        return "served"
    return "nobody" if thief.backend and thief.backend.version else "refused"


def revoked_session(thief: Exchange) -> str:
    """Judge the exchange of the thief."""
    return served(thief)


def no_sessions(device: Exchange, thief: Exchange) -> str:
    """Judge the exchanges of both."""
    if thief.ok:
        return "served"
    return "full" if device.ok else "refused"


# --- In your own stack -----------------------------------------------------------------------


def next_door(resumed: Exchange) -> str:
    """Judge the exchange at the second host: who broke off, if anybody did."""
    if resumed.ok:
        return "served"
    failure = resumed.backend.failure if resumed.backend else None
    return "full" if failure and failure.verify_code else "name"


#: By the name of the question, in the order of data/predictions.toml.
JUDGES: dict[str, Callable[..., str]] = {
    each.__name__: each
    for each in (
        *(silent_client, eve_listens, changed_reply, checksum),
        *(eve_reads_tls, flipped_bit, same_named_ca, other_host, cert_none, clone_over_tls),
        *(no_certificate, leaf_only, substring, cert_optional, no_usage, eve_follows, stolen_key),
        *(stolen_session, revoked_session, no_sessions),
        *PART_4,
        next_door,
    )
}


def judge(name: str, *evidence: object) -> str:
    """Return the key of the answer that a run gives.

    Args:
        name: the question.
        evidence: what its function takes; more, which a run may show as well, is passed over.

    Raises:
        UnknownName: there is no such question.
        LabError: the evidence is not what this question is judged by.

    Example:
        >>> judge("no_certificate", ["wrap_socket"])
        'first_read'
    """
    if name not in JUDGES:
        raise UnknownName("prediction", name, JUDGES)
    parameters = inspect.signature(JUDGES[name]).parameters
    try:
        return JUDGES[name](*evidence[: len(parameters)])
    except (TypeError, AttributeError):
        wanted = ", ".join(each.strip("_") for each in parameters)
        kinds = ", ".join(type(each).__name__ for each in evidence) or "nothing"
        raise LabError(
            f"a run for {name!r} that gives {kinds}",
            f"{wanted}, each as the lesson's own run gives it",
            "end the function with `return …`, and run its cell again",
        ) from None

"""Why an honest device was not served, in words that are the same with every OpenSSL.

Here: from an exchange to a NotYet, for Part 2, where only the backend proves itself, and for
Part 3, where both do. Not here: the explanations of the lessons (explaining/), which say more.
"""

from __future__ import annotations

import ssl

from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.wire import Exchange, Failure, Side, Stage

__all__ = [
    "ASKING",
    "EXPIRED",
    "VALIDITY",
    "refusal",
    "refused_in_the_handshake",
    "served",
    "why_not_served",
]

_UNKNOWN_CA = (
    "it comes from a CA that is not trusted there",
    "a certificate is verified with the certificate of the CA that signed it",
)
#: Whoever found an old key, as a sentence names it, and what is broken by whoever takes it.
EXPIRED = "a device whose certificate has expired"
VALIDITY = "a certificate is valid from its first day to its last"
#: What OpenSSL's verify codes (X509_V_ERR_…) mean, and the rule behind each.
VERIFY_CODES = {
    2: (
        "its path ends at a CA that is not a root",
        "a CA below a root is enough to trust only where the context is told so",
    ),
    3: (
        "there is no list of revoked certificates to check it against",
        "checking revocation takes the CA's list, and VERIFY_CRL_CHECK_CHAIN that of each CA above",
    ),
    7: _UNKNOWN_CA,
    9: ("it is not valid yet", VALIDITY),
    10: ("it has expired", VALIDITY),
    18: _UNKNOWN_CA,
    19: _UNKNOWN_CA,
    20: _UNKNOWN_CA,
    23: ("it is revoked", "only a certificate on the CA's list is revoked"),
    26: (
        "it is for a different purpose",
        "keyUsage and extendedKeyUsage say what a certificate may be used for",
    ),
    62: ("it is for another name", "a device calls its backend by the name in the certificate"),
    82: (
        "its key usage says keyCertSign, which is for a CA",
        "only a CA's key signs certificates (RFC 5280, section 4.2.1.3)",
    ),
    85: (
        "it has no authority key identifier, which a strict device wants",
        "authorityKeyIdentifier says which key of the CA has signed (RFC 5280, section 4.2.1.1)",
    ),
    92: (
        "it says CA:TRUE, and has no key usage",
        "only the CA's own certificate says CA:TRUE (RFC 5280, section 4.2.1.9)",
    ),
}
#: What OpenSSL calls it when a backend has no certificate to show.
NO_CERTIFICATE = ("NO_SHARED_CIPHER", "NO_SUITABLE_SIGNATURE_ALGORITHM")
ASKING = "a server has to ask; what a context does by itself is in its verify_mode"
HOST_NAME = "check_hostname is for the side that calls; a backend's rule says whom it serves"
_REASONS = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": (
        "the backend asks for a certificate, and the device has none",
        "a device proves in the handshake that it holds the key of a certificate",
    ),
    **dict.fromkeys(
        NO_CERTIFICATE,
        (
            "the backend has no certificate to present",
            "the backend proves itself too: that stays as it was in Part 2",
        ),
    ),
    "ProtocolError": (
        "the backend does not understand the device: it does not speak TLS",
        "a backend without a context speaks plain TCP",
    ),
    "NOT_AUTHORIZED": (
        "the backend knows the device, but its rule refuses it",
        "this device may speak",
    ),
}


def refusal(exchange: Exchange) -> NotYet:
    """Why a device without a certificate did not reach its backend."""
    failure = exchange.device.failure
    code = failure.verify_code if failure else None
    if code is None:
        why = failure.reason or failure.error if failure else "ERROR"
        return NotYet(f"the connection fails: {why}", "an honest device and backend can connect")
    found, rule = VERIFY_CODES.get(code, ("", "every field follows RFC 5280, section 4.2"))
    about = f": {found}" if found else f" (verify code {code})"
    return NotYet(f"the device refuses the certificate{about}", rule)


def why_not_served(exchange: Exchange, context: ssl.SSLContext) -> NotYet:
    """Why a backend that has no certificate to show, or asks for one, serves nobody in Part 2."""
    reason = _reason(exchange.backend.failure if exchange.backend else None, context)
    if reason in NO_CERTIFICATE:
        found = "the handshake fails: the backend has no certificate to present"
        return NotYet(
            found, "a backend presents a certificate, and proves with its key that it is its own"
        )
    if reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
        found = "the backend refuses a device without a certificate"
        return NotYet(found, "in Part 2, devices have none: the backend presents one")
    return refusal(exchange)


def _reason(failure: Failure | None, context: ssl.SSLContext | None) -> str:
    """OpenSSL's reason for a failure of the backend with this context, or what is behind it.

    Without a certificate OpenSSL does not speak TLS 1.3. With a context for nothing older, it says
    that it shares no version with the device.
    """
    reason = failure.reason or failure.error if failure else ""
    newest = context is not None and context.minimum_version is ssl.TLSVersion.TLSv1_3
    return NO_CERTIFICATE[0] if newest and reason == "UNSUPPORTED_PROTOCOL" else reason


def served(exchange: Exchange, context: ssl.SSLContext | None = None) -> Side:
    """Return the backend's side of an exchange in which the device got its answer.

    Args:
        exchange: how it went.
        context: the backend's, if the learner has made it.

    Raises:
        NotYet: it did not; with who refused whom, in words that are the same everywhere.
    """
    if exchange.ok and exchange.backend is not None:
        return exchange.backend
    device = exchange.device.failure
    backend = exchange.backend.failure if exchange.backend else None
    if exchange.device.stage is Stage.CONNECT:
        raise NotYet("nobody listens where the backend should be", "a backend runs until it stops")
    if device is not None and device.verify_code is not None:
        raise _refused("the device refuses the backend's certificate", device)
    if backend is not None and backend.verify_code is not None:
        raise _refused("the backend refuses the device's certificate", backend)
    if exchange.backend and exchange.backend.version and exchange.backend.peer is None:
        raise NotYet("the backend did not ask for a certificate, and knows nobody", ASKING)
    if backend is not None and backend.error == "ValueError":
        raise NotYet("the backend's context wants a host name of whoever calls", HOST_NAME)
    reason = _reason(backend or device, context) or "no reason is known"
    found, rule = _REASONS.get(
        reason, (f"the device is not served: {reason}", "a device of yours gets its answer")
    )
    raise NotYet(found, rule)


def refused_in_the_handshake(exchange: Exchange, who: str) -> None:
    """Hold a backend to refusing whoever has no certificate before the rule is asked.

    One judgement for exercises and kata: CERT_OPTIONAL with a right rule is unsafe. Whoever
    finishes the handshake may talk to the program, and one mistake there is enough.

    Raises:
        Unsafe: the backend finished the handshake.
    """
    if exchange.backend and exchange.backend.version:
        raise Unsafe(
            f"{who} finished the handshake: only your rule can still stop it",
            "a backend that requires a certificate refuses whoever has none before the first byte",
        )


def _refused(who: str, failure: Failure) -> NotYet:
    words, rule = VERIFY_CODES.get(
        failure.verify_code or 0, (f"verify code {failure.verify_code}", "both sides verify")
    )
    return NotYet(f"{who}: {words}", rule)

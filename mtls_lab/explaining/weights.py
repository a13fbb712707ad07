"""How much a meaning says about the cause: the decisive line of a log is the one that says most.

Here: the weights. Not here: the meanings (lines.py).
"""

from __future__ import annotations

__all__ = [
    "BROKEN_OFF",
    "SENT",
    "SHAPED",
    "TELLING",
    "UNEXPLAINED",
    "WARNED",
    "WARNING",
    "gone_on",
    "weight_of",
]

#: How much a meaning says about the cause. A certificate that was judged says more than an alert,
#: an alert more than a connection that broke off.
WEIGHT = {"verify": 6, "state": 6, "reason": 5, "text": 4, "alert": 4, "error": 1}
VAGUE = {
    # A key was read, so that what else is said of its file came from a second attempt at it.
    "KEY_VALUES_MISMATCH": 6.5,
    "client sent none": 2.9,
    "postfix: untrusted server": 1.9,
    "postfix: untrusted client": 1.9,  # of every certificate that did not verify
    "windows: no account": 1.9,  # of each certificate without one, also of those that are taken
    "default certificate": 6.2,  # what does not verify is this one
    "kube unauthorized": 5.5,  # the API server's own log says why
    "ca file not usable": 7,  # then no issuer is known
    "ca file left out": 7,
    "ca file holds none": 7,
    "own file left out": 7,
    "answer not http": 5.5,  # its first bytes, elsewhere in the text, say more
    "extra ca not read": 7,
    "CERTIFICATE_VERIFY_FAILED": 3,
    "not verified": 3,
    "3": 5.9,  # OpenSSL goes on, and says what else is wrong with the certificate
    "unexpected_message": 3.9,  # after an alert with a reason
    "28": 2.95,  # whoever says "certificate rejected" seldom means this code
    "not verified or missing": 3,
    "http: forbidden": 3,
    "http: credentials": 3.05,  # a header of the same answer
    "client certificate refused": 3,
    "http: bad request": 2,
    "http: bad gateway": 2,
    "http: server error": 1.9,
    "http: unavailable": 1.9,
    "http: gateway timeout": 1.9,
    "jdbc: no link": 0.9,
    "not verified or not tls": 0.9,
    "alert without a name": 2,
    "INTERNAL_ERROR": 2,  # what failed before it says more
    "pair not taken": 2.1,
    "own files or handshake": 2,
    "grpc credentials": 2.1,
    "kafka: no broker": 0.9,
    "ldap: no contact": 0.9,
    "envoy: no connection": 0.9,
    "no connection": 0.9,
    "handshake without a reason": 0.9,
    "keystore not loaded": 1.5,
    "proxy refused": 3,
    "pkcs8 pem wanted": 1.5,
    "key not decodable": 4.8,  # whoever knows more of the key has read it
    "file damaged": 4.85,
    # What the other side says of it knows more.
    "RECORD_LAYER_FAILURE": 2.4,
    "record not decrypted": 2.5,
    "mbedtls: record not decrypted": 2.5,
    "mysql user": 3,
    "file not read": 2.2,
    "passphrase asked": 0.8,
    "ENOENT": 2.2,
    "EACCES": 2.2,
    "EISDIR": 2.2,
    "EMFILE": 2.2,
    "would block": 0.9,
    "cut or refused": 1,
    "connection ended": 1,
    "answer cut": 1,
    "login refused": 0.8,  # in every log, by anybody
    "mail refused": 0.8,
    "client left": 1,  # as a health check does
    "client gone": 1,
    "upstream closed": 2,
    "upstream refused": 2.55,  # what the client got for it says less
    "silent network": 1,
    "connection shared": 4,
    "SHUTDOWN_WHILE_IN_INIT": 0.96,  # after a failure, which says more
    "cut while writing": 1,
    "hung up without a word": 2.5,
    "rules broken": 2.9,
    "option unknown": 2.1,
    "option value": 2.1,
    "address invalid": 2.1,
    "python: deprecated": 0.2,
    "hung up in handshake": 1,
    "handshake timed out": 1,
    "handshake died": 0.5,
    "not connected": 0.5,
    "no answer in time": 0.9,
    "no connection in it": 0.3,
    "transcript without an error": 0.1,
}
#: A reason of OpenSSL without an explanation, beside words that have one.
UNEXPLAINED = 0.95
#: What is said of a certificate by a program that goes on all the same: nghttp, and Wget with
#: --no-check-certificate, which writes ERROR without it. Every other failure counts more then.
WARNED, WARNING = (
    ("[warning] certificate verification failed: ", "warning: the certificate of '"),
    1.9,
)
#: An alert that its writer sent, as what it has found: the words for that tell more.
SENT = 5.8
#: What a line says in the words of no program that is known: more than that something failed.
SHAPED = 3.1
#: openssl s_client goes on after a certificate that does not verify: an alert counts more then.
CONNECTED, GOES_ON = "connected(0", 3.5
VERIFIED, WENT_ON = "verify error:num=", "verify return:1"
#: From this weight on, a line says of itself that something was refused or did not load.
TELLING = 2.9
BROKEN_OFF = {
    *("ECONNRESET", "EPIPE", "ECONNREFUSED", "EADDRINUSE", "TIMED_OUT", "ENOTCONN"),
    *("EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL", "EBADF", "ENOTSOCK"),
}


def weight_of(kind: str, value: str, *, goes_on: bool) -> float:
    """Return the weight of a meaning; `goes_on` if its program goes on after a bad certificate."""
    if value in BROKEN_OFF:
        return 1
    if kind == "verify" and goes_on:
        return GOES_ON
    return VAGUE.get(value, WEIGHT[kind])


def gone_on(lines: list[str]) -> set[int]:
    """Return the lines, in small letters, after which their program went on: all of s_client's.

    Example:
        >>> gone_on(["verify error:num=20:no issuer", "verify return:1", "alert unknown ca"])
        {0}
    """
    begins = next((number for number, line in enumerate(lines) if CONNECTED in line), len(lines))
    told = {
        at
        for number, line in enumerate(lines)
        if WENT_ON in line
        for at in range(max(number - 2, 0), number + 1)
        if VERIFIED in lines[at]
    }
    return told | set(range(begins, len(lines)))

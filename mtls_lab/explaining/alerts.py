"""The alerts that a line names, in words or by number, and whether its writer sent them.

Here: how programs write an alert, QUIC's among them, where it is an error of the connection: 0x0100
and its number (RFC 9001, section 4.8). Not here: what it means (lines.py, data/explanations.toml).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from mtls_lab.wire.names import CLOSURE_ALERTS, registry

__all__ = ["alerts_in", "came_for_a_hello", "was_relayed", "was_sent"]

ALERT_NUMBER = re.compile(
    r"alert(?: number| code| description| was received| message \(msg)?(?: is)?"
    r"[ :=(\[]{1,3}(\d{1,3})\b"
    r"|\[2:(\d{1,3})\]|fatal error code is (\d{1,3})\b|\breason\(1(\d{3})\)"
)
#: An alert in QUIC: the error of a connection, in hexadecimal or not, or what a program made of it.
QUIC = re.compile(
    r"(?:\bcrypto_error|\bconnection close (?:sent|received) \(code"
    r"|\bquic[\w ]{0,20} error(?: code)?|\btransport error(?: code)?)"
    r"[ :=(]{1,3}(0x1[0-9a-f]{2}|2(?:5[6-9]|[6-9]\d)|[34]\d\d|50\d|51[01])\b"
    r"|\bcryptographic handshake failed: error (\d{1,3})\b"
    r"|\btls handshake failure \(encryption_\w+\) (\d{1,3}):"
)
#: How Erlang wrote an alert before OTP 21, with the file that made it or took it from the peer.
ERLANG = re.compile(r"\b(\w+\.erl):\d+(?::\d+)?:fatal error: ([a-z ]{4,40})")
#: An alert with one of these words was sent by who wrote the line.
SENT = re.compile(
    r"\(out\)|alert:? write|\bwrite alert|generated (?:server|client) alert"
    r"|crypto_error 0x1\w\w \(local\)|\bconnection close sent \(code|\bfrm tx\b"
    r"|tls handshake failure \(encryption_"
    r"|\b(?!ssl_alert)\w+\.erl:\d+(?::\d+)?:fatal error:"
    r"|(?<!party )\bsen[dt](?:ing)? .{0,20}alert|generated and sent"
    r"|\btls(?:fatal|local)alert: |-->ssl\S* alert:"
)
#: What a line says that was written while the first message of the server was awaited: OpenSSL
#: before 1.1, Ruby, and Erlang.
FOR_A_HELLO = (
    *("23_get_server_hello", "read server hello", "state=sslv3/tls write client hello"),
    *("in state hello received", "in state :hello received"),
    *("in state wait_sh received", "in state :wait_sh received"),
)
#: How a line goes on that has begun with a real one.
SAID_OF_IT = "received|sent|(?:from|by) (?:the )?(?:server|client|peer|remote|other)"
#: GnuTLS' names of alerts (lib/alert.c), in letters, which some programs print alone on a line.
OF_GNUTLS = {
    "caisunknown": "unknown_ca",
    "certificateisbad": "bad_certificate",
    "certificateisexpired": "certificate_expired",
    "certificateisnotsupported": "unsupported_certificate",
    "certificatewasrevoked": "certificate_revoked",
}


def came_for_a_hello(small: str, text: str) -> bool:
    """Return whether the alert in a line in small letters came in the place of a ServerHello.

    Args:
        small: the line.
        text: the transcript of curl or s_client that it is in, or the line.

    Example:
        >>> came_for_a_hello("ssl23_get_server_hello:sslv3 alert handshake failure", "")
        True
    """
    if any(sign in small for sign in FOR_A_HELLO) or "no peer certificate available" in text:
        return True
    answered = "Server hello (2)" in text or "Certificate (11)" in text
    return "Client hello (1)" in text and not answered


def was_sent(small: str) -> bool:
    """Return whether the alerts in a line in small letters were sent by who wrote it.

    Example:
        >>> was_sent("tlsv1.3 (out), tls alert, unknown ca (560):")
        True
    """
    return bool(SENT.search(small))


def was_relayed(small: str) -> bool:
    """Return whether a line in small letters repeats what the other side has found.

    QUIC closes with an error and a reason in words (RFC 9000, section 19.19).

    Example:
        >>> was_relayed("connection close received (code 0x12a, reason self-signed certificate)")
        True
    """
    if "crypto_error 0x1" in small and "(remote)" in small:
        return True
    closed = "connection_close" in small and "frm rx" in small  # ngtcp2
    return closed or "connection close received (code" in small


def alerts_in(small: str) -> Iterator[str]:
    """Give each alert that a line in small letters names, by its name in RFC 8446, section 6.

    Example:
        >>> list(alerts_in("sslv3 alert bad certificate: ssl alert number 42"))
        ['bad_certificate', 'bad_certificate']
        >>> list(alerts_in("crypto_error 0x12a (remote)")), list(alerts_in("quic error: 298"))
        (['bad_certificate'], ['bad_certificate'])
    """
    for match in QUIC.finditer(small):
        code, *numbers = match.groups()
        number = int(code, 0) - 0x100 if code else int(next(filter(None, numbers)))
        yield from _named(number)
    if of_erlang := ERLANG.search(small):
        if alert := _by_letters().get(re.sub("[^a-z]", "", of_erlang[2])):
            yield alert
        return
    if "alert" not in small and "reason(1" not in small:
        # The words of an alert alone on a line, as somebody copies them who leaves out the rest.
        letters = re.sub(r"[\x00-\x60{-\x7f]", "", small)
        bare = _by_letters().get(letters) or OF_GNUTLS.get(letters, "")
        if "certificate" in bare or bare in {"unknown_ca", "handshake_failure"}:
            yield bare
        return
    named = _names().search(re.sub("[^a-z]", "", small))
    if named and not _is_a_label(small, _by_letters()[named[1]]):
        yield _by_letters()[named[1]]
    for match in ALERT_NUMBER.finditer(small):
        yield from _named(int(next(filter(None, match.groups()))))


def _is_a_label(small: str, alert: str) -> bool:
    """Whether a line begins with the word alert as a monitor does, and its words go on.

    Example:
        >>> list(alerts_in("alert: internal error in job 7"))
        []
        >>> list(alerts_in("alert: internal error from the server"))
        ['internal_error']
    """
    words = alert.replace("_", "[ _]")
    label = re.match(rf"\W*alert\W+{words} (?!{SAID_OF_IT})[a-z]", small)
    return label is not None and not re.search("tls|ssl", small)


def _named(number: int) -> Iterator[str]:
    alert = registry("alerts").get(number)
    if alert and alert not in CLOSURE_ALERTS:
        yield alert


@cache
def _by_letters() -> dict[str, str]:
    return {a.replace("_", ""): a for a in registry("alerts").values() if a not in CLOSURE_ALERTS}


@cache
def _names() -> re.Pattern[str]:
    between = "received|read|write|level|fatal|warning|description|message|type|ssl|tls"
    # wpa_supplicant says in brackets who it was.
    between += "|remoteendreportedanerror|localssldetectedanerror"
    names = "|".join(sorted(_by_letters(), key=len, reverse=True))
    return re.compile(f"alert(?:{between})*({names})")

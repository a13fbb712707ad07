"""The names of numbers in TLS, as IANA has them, and of reasons, one for every release of OpenSSL.

Here: data/tls.toml and data/reasons.toml. Not here: which numbers a message holds (reading/), and
what a reason means (data/explanations.toml).
"""

from __future__ import annotations

import re
import ssl
from functools import cache
from typing import Any

from mtls_lab.common import read_facts

__all__ = [
    "CLOSURE_ALERTS",
    "NO_CHAIN",
    "after_handshake",
    "alert_name",
    "alert_of",
    "handshake_name",
    "name_of",
    "normal",
    "reason_of",
    "reason_of_alert",
    "registry",
    "rfc_of",
    "spelled",
    "verify_message_of",
]


# --- Numbers, by IANA

#: The alerts that are no error (RFC 8446, section 6.1).
CLOSURE_ALERTS = frozenset({"close_notify", "user_canceled"})


@cache
def _iana() -> tuple[dict[str, dict[int, str]], dict[str, dict[str, str | list[str]]]]:
    facts = read_facts("tls")
    rfc = facts.pop("rfc")
    named = {
        name: {int(number, 0): text for number, text in entries.items()}
        for name, entries in facts.items()
    }
    return named, rfc


def registry(name: str) -> dict[int, str]:
    """Return one table of data/tls.toml: names by their numbers.

    Example:
        >>> registry("psk_modes")
        {0: 'psk_ke', 1: 'psk_dhe_ke'}
    """
    return _iana()[0][name]


def name_of(name: str, number: int) -> str | None:
    """Return what the registry `name` calls this number, or None if it is not in there.

    Example:
        >>> name_of("alerts", 48), name_of("alerts", 200)
        ('unknown_ca', None)
    """
    return registry(name).get(number)


def handshake_name(message: bytes) -> str:
    """Name a handshake message by its first byte.

    Example:
        >>> handshake_name(bytes([1])), handshake_name(bytes([99]))
        ('ClientHello', 'type 99')
    """
    return name_of("handshake_types", message[0]) or f"type {message[0]}"


def alert_name(alert: bytes) -> str:
    """Name an alert by its second byte.

    Example:
        >>> alert_name(bytes([2, 48])), alert_name(bytes([2, 255]))
        ('Alert unknown_ca', 'Alert 255')
    """
    return f"Alert {name_of('alerts', alert[1]) or alert[1]}"


def spelled(name: str, number: int, size: int) -> str:
    """Return a number of `size` bytes for a reader, with its name if it has one.

    Numbers that a client adds only to keep servers used to unknown ones are called GREASE
    (RFC 8701).

    Example:
        >>> spelled("groups", 29, 2), spelled("groups", 0x1A1A, 2), spelled("groups", 7, 2)
        ('x25519 (0x001d)', 'GREASE (0x1a1a)', '0x0007')
    """
    number_text = f"0x{number:0{2 * size}x}"
    known = name_of(name, number)
    if known is None and size == 2 and number & 0x0F0F == 0x0A0A and number >> 8 == number & 0xFF:
        known = "GREASE"
    return f"{known} ({number_text})" if known else number_text


def rfc_of(kind: str, name: str, *, tls13: bool = True) -> str:
    """Return where a message or an extension is defined, or "" where that is not known.

    Example:
        >>> rfc_of("extensions", "key_share"), rfc_of("handshake_types", "Finished", tls13=False)
        ('RFC 8446, 4.2.8', 'RFC 5246, 7.4.9')
    """
    where = _iana()[1][kind].get(name, "")
    if isinstance(where, str):
        return where
    new, old = where
    return (new if tls13 else old) or new or old


# --- Reasons, by OpenSSL

#: The X509_V_ERR_… numbers by which OpenSSL says: no chain leads from here to a trusted CA.
NO_CHAIN = frozenset({2, 18, 19, 20, 21})


def reason_of(error: ssl.SSLError) -> str:
    """Return the reason of an error under the one name that every release shares, or `""`.

    Python looks the name up in a table that was compiled into it. A reason that is younger than
    the table has no name, only OpenSSL's words, from which the name is made here.

    Example:
        >>> reason_of(ssl.SSLError(1, "[SSL] record layer failure (_ssl.c:2580)"))
        'RECORD_LAYER_FAILURE'
    """
    made = _from_words(str(error.args[-1] if error.args else ""))
    return normal(getattr(error, "reason", None) or made)


def normal(reason: str) -> str:
    """Return the name that every release shares for what this one calls `reason`.

    Example:
        >>> normal("DECRYPTION_FAILED_OR_BAD_RECORD_MAC"), normal("TLS_ALERT_UNKNOWN_CA")
        ('RECORD_LAYER_FAILURE', 'TLSV1_ALERT_UNKNOWN_CA')
    """
    names = _reasons()
    if reason in names["records"]["reasons"]:
        return str(names["records"]["name"])
    if alert := re.fullmatch(r"\w+_ALERT_(\w+)", reason):
        return str(names["alerts"].get(alert[1].lower(), reason))
    return reason


def alert_of(reason: str) -> str:
    """Return the alert that arrived, by its name in RFC 8446, section 6, or `""` if none did.

    Example:
        >>> alert_of("TLSV1_ALERT_UNKNOWN_CA"), alert_of("TLSV1_UNRECOGNIZED_NAME")
        ('unknown_ca', 'unrecognized_name')
    """
    known = {name: alert for alert, name in _reasons()["alerts"].items()}
    other = re.fullmatch(r"\w+?_ALERT_(\w+)", reason)
    return str(known.get(reason) or (other[1].lower() if other else ""))


def reason_of_alert(alert: str) -> str:
    """Return the reason under which the arrival of an alert is reported.

    Example:
        >>> reason_of_alert("unknown_ca")
        'TLSV1_ALERT_UNKNOWN_CA'
    """
    return str(_reasons()["alerts"].get(alert, f"TLSV1_ALERT_{alert.upper()}"))


def after_handshake(reason: str) -> str:
    """Return the normal form of a reason that came up once the handshake was over.

    Example:
        >>> after_handshake("WRONG_VERSION_NUMBER")
        'RECORD_LAYER_FAILURE'
    """
    records = _reasons()["records"]
    return str(records["name"]) if reason in records["after_handshake"] else reason


def verify_message_of(code: int, words: str) -> str:
    """Return OpenSSL's words for a verify code, where releases differ the ones of OpenSSL 3.0.

    Example:
        >>> verify_message_of(9, "certificate is not yet valid or the system clock is incorrect")
        'certificate is not yet valid'
    """
    return str(_reasons()["verify"].get(str(code), words))


def _from_words(text: str) -> str:
    """Make a reason of OpenSSL's words: `[SSL] record layer failure (_ssl.c:2580)`.

    "lib" at the end, as in `[SSL] PEM lib`, names a part of OpenSSL and not a reason.
    """
    words = re.fullmatch(r"\[SSL\] ([a-z][a-z0-9/ ]+?)(?: \(_ssl\.c:\d+\))?", text)
    if not words or words[1].endswith(" lib"):
        return ""
    return words[1].removeprefix("ssl/").replace(" ", "_").upper()


@cache
def _reasons() -> dict[str, Any]:
    return read_facts("reasons")

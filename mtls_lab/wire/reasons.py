"""One name for what releases of OpenSSL and Python call differently.

Here: data/reasons.toml, and an exception's reason and words in their normal form. Not here: what
a reason means (data/explanations.toml).
"""

from __future__ import annotations

import re
import ssl
from functools import cache
from typing import Any

from mtls_lab.facts import read_facts

__all__ = [
    "NO_CHAIN",
    "after_handshake",
    "alert_of",
    "normal",
    "reason_of",
    "reason_of_alert",
    "verify_message_of",
]

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
    spelled = _spelled(str(error.args[-1] if error.args else ""))
    return normal(getattr(error, "reason", None) or spelled)


def normal(reason: str) -> str:
    """Return the name that every release shares for what this one calls `reason`.

    Example:
        >>> normal("DECRYPTION_FAILED_OR_BAD_RECORD_MAC"), normal("TLS_ALERT_UNKNOWN_CA")
        ('RECORD_LAYER_FAILURE', 'TLSV1_ALERT_UNKNOWN_CA')
    """
    names = _names()
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
    known = {name: alert for alert, name in _names()["alerts"].items()}
    other = re.fullmatch(r"\w+?_ALERT_(\w+)", reason)
    return str(known.get(reason) or (other[1].lower() if other else ""))


def reason_of_alert(alert: str) -> str:
    """Return the reason under which the arrival of an alert is reported.

    Example:
        >>> reason_of_alert("unknown_ca")
        'TLSV1_ALERT_UNKNOWN_CA'
    """
    return str(_names()["alerts"].get(alert, f"TLSV1_ALERT_{alert.upper()}"))


def after_handshake(reason: str) -> str:
    """Return the normal form of a reason that came up once the handshake was over.

    Example:
        >>> after_handshake("WRONG_VERSION_NUMBER")
        'RECORD_LAYER_FAILURE'
    """
    records = _names()["records"]
    return str(records["name"]) if reason in records["after_handshake"] else reason


def verify_message_of(code: int, words: str) -> str:
    """Return OpenSSL's words for a verify code, where releases differ the ones of OpenSSL 3.0.

    Example:
        >>> verify_message_of(9, "certificate is not yet valid or the system clock is incorrect")
        'certificate is not yet valid'
    """
    return str(_names()["verify"].get(str(code), words))


def _spelled(text: str) -> str:
    """Make a reason of OpenSSL's words: `[SSL] record layer failure (_ssl.c:2580)`.

    "lib" at the end, as in `[SSL] PEM lib`, names a part of OpenSSL and not a reason.
    """
    words = re.fullmatch(r"\[SSL\] ([a-z][a-z0-9/ ]+?)(?: \(_ssl\.c:\d+\))?", text)
    if not words or words[1].endswith(" lib"):
        return ""
    return words[1].removeprefix("ssl/").replace(" ", "_").upper()


@cache
def _names() -> dict[str, Any]:
    return read_facts("reasons")

"""What OpenSSL and its relatives name as the reason, however a program passes it on.

Here: the forms of a reason in a line. Not here: what a reason means (data/explanations.toml), and
the words of programs that have none (phrases.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from mtls_lab.explaining.phrases import Phrase
from mtls_lab.explaining.symptoms import known_reasons
from mtls_lab.wire.names import alert_of, normal, registry

__all__ = ["reasons_in"]

#: How OpenSSL's reason is written: by Python, in OpenSSL's own queue, by BoringSSL, by Node.js,
#: by pyOpenSSL, or bare, of three words or more; Perl says after it where it was. Ruby, Lua and
#: Tcl have its words alone. PROTOCOL_ERROR is Chrome's own.
REASONS = re.compile(
    r"\[(?:SSL|X509|PEM|ASN1)[\w ]*: ([A-Z0-9_]{3,60})\]"
    r"|error:[0-9A-Fa-f]{6,10}:[^:\n]{0,60}:[^:\n]{0,60}:"
    r"([a-z][a-z0-9/ ]{2,60}?)(?= at | error:[0-9A-Fa-f]{6}|[^a-z0-9/ ]|$)"
    r"|OPENSSL_internal:([A-Z0-9_]{3,60})"
    r"|\bERR_(?:SSL|OSSL)_(?!PROTOCOL_ERROR\b)([A-Z0-9_]{3,60})"
    r"|\('(?:SSL|PEM|X509|x509)[^']{0,40}', '[^']{0,60}', '([a-z][a-z0-9/ ]{2,60})'\)"
    r"|\b((?:[A-Z0-9]{1,20}_){2,8}[A-Z0-9]{1,20})\b"
    r"|(?:\bstate=[\w ]{1,40}|\bhandshake failed): ([a-z][a-z0-9/ ]{2,60}?)(?=[^a-z0-9/ ]|$)"
)
#: OpenSSL 3's code of an error in libssl, which Squid and haproxy print without its words, and
#: others in decimal.
CODE = re.compile(r"(?:TLS_LIB_ERR=0?|/0{9})A([0-9A-F]{6})\b|\b(1677[67]\d{4})\b")
LIBSSL = 20 << 23
#: Its last digits (include/openssl/sslerr.h); from 1000 on, 1000 and the number of an alert.
CODES = {
    0x76: "NO_SUITABLE_SIGNATURE_ALGORITHM",
    0x86: "CERTIFICATE_VERIFY_FAILED",
    0x9C: "HTTP_REQUEST",
    0xB1: "NO_CERTIFICATE_ASSIGNED",
    0xC1: "NO_SHARED_CIPHER",
    0xC7: "PEER_DID_NOT_RETURN_A_CERTIFICATE",
    0x102: "UNSUPPORTED_PROTOCOL",
    0x10B: "WRONG_VERSION_NUMBER",
}
#: Reasons that mean what another one does; the second is OpenSSL 1.0's.
OTHER_NAMES = {
    "NO_SUCH_FILE": "ENOENT",
    "NO_CERTIFICATE_RETURNED": "PEER_DID_NOT_RETURN_A_CERTIFICATE",
}


def reasons_in(line: str, *, browser: bool) -> Iterator[tuple[int, Phrase]]:
    """Give each of OpenSSL's reasons in a line."""
    for match in REASONS.finditer(line):
        if (match[4] and browser) or (match[6] and match[6] not in known_reasons()):
            continue
        said = match[1] or match[3] or match[4] or match[6]
        said = said or _reason_in(match[2] or match[5] or match[7])
        if match[7] and not _is_known(normal(said)):
            continue
        reason = normal(said.removeprefix("SSL/"))
        reason = OTHER_NAMES.get(reason, reason)
        if alert := alert_of(reason):
            yield len(match[0]), Phrase("", "alert", alert, "", "")
        elif not reason.endswith("_LIB") and "EOF" not in reason and reason != "REASON":
            yield len(match[0]), Phrase("", "reason", reason, "", "")

    for match in CODE.finditer(line):
        code = int(match[1], 16) if match[1] else int(match[2]) - LIBSSL
        if code - 1000 in registry("alerts"):
            yield len(match[0]), Phrase("", "alert", registry("alerts")[code - 1000], "", "")
        elif code in CODES:
            yield len(match[0]), Phrase("", "reason", CODES[code], "", "")


@lru_cache(maxsize=256)
def _reason_in(words: str) -> str:
    """The reason that words begin with: a program may go on after it, as PHP does with its line."""
    parts = words.upper().split()
    for end in range(len(parts), 1, -1):
        reason = normal("_".join(parts[:end]))
        if _is_known(reason):
            return reason
    return "_".join(parts)


def _is_known(reason: str) -> bool:
    return reason in known_reasons() or alert_of(reason) in registry("alerts").values()

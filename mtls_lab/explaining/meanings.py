"""What a line means, in every way in which it can be read: phrases, reasons, codes and alerts.

Here: each meaning in one line. Not here: which of a text's meanings decides (lines.py), and how the
phrases are read (phrases.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mtls_lab.explaining.alerts import alerts_in, was_sent
from mtls_lab.explaining.openssl_said import reasons_in
from mtls_lab.explaining.phrases import Phrase, read_sent
from mtls_lab.explaining.signs import LINE

__all__ = ["found", "meanings"]

VERIFY = re.compile(
    r"\((\d{1,3}):[a-z]|verify (?:error:num|return code|code|error)[=: ]{0,3}(\d{1,3})"
    r"|verify_code[=: ]{1,2}(\d{1,3})|certificate verification: error \((\d{1,3})\)"
    r"|error (\d{1,3}) at \d{1,2} depth"
    r"|certificate verify failed,? (?:\w{1,20}=)?(\d{1,3})(?=$| \w{1,20}=)"  # haproxy, if told to
)
#: haproxy's codes of a handshake: its own, OpenSSL's, and what was wrong with the client's
#: certificate (ssl_c_err) or above it (ssl_c_ca_err), as httpslog and error-log-format have them.
HAPROXY = re.compile(r"\b\d{1,3}/[0-9a-f]{16}/(?:0/)?(\d{1,3})/")
#: The status of a request that was served all the same (crt-ignore-err), in httpslog.
SERVED = re.compile(r" [23]\d\d \d+ - - ")


def meanings(line: str, phrases: list[Phrase]) -> Iterator[tuple[int, Phrase]]:
    """Give each meaning in a line, with how much of the line it covers."""
    small = line.lower()
    heard = found(phrases, small)
    alerts = list(_alerts(small))
    arrived = [alert.value.replace("_", "") for _, alert in alerts if alert.kind == "alert"]
    for covered, phrase in heard:
        # An alert that arrived has the words in its name by which its sender found a fault.
        words = phrase.words.replace(" ", "") if phrase.kind == "verify" else ""
        if words and any(words in alert for alert in arrived):
            continue
        # A stack's own words may have OpenSSL's in them, and mean more or less than these.
        if not any(phrase.bare in each.bare != phrase.bare for _, each in heard):
            yield covered, phrase
    # A browser's names look like those that Node.js makes of OpenSSL's reasons.
    browser = any(phrase.stack == "chrome" and phrase.found(small) for phrase in phrases)
    yield from reasons_in(line, browser=browser)
    for match in VERIFY.finditer(small):
        if code := int(next(filter(None, match.groups()))):
            yield len(match[0]) + LINE, Phrase("", "verify", str(code), "", "")
    for match in HAPROXY.finditer(small):
        if (code := int(match[1])) and not SERVED.search(small):
            yield len(match[0]) + LINE, Phrase("", "verify", str(code), "backend", "haproxy")
    yield from alerts


def found(phrases: list[Phrase], small: str) -> list[tuple[int, Phrase]]:
    """The phrases that are in a line in small letters, with how much of it each covers."""
    return [(covered, each) for each in phrases if (covered := each.found(small))]


def _alerts(small: str) -> Iterator[tuple[int, Phrase]]:
    """Give each alert in a line: as one that arrived, or as what its sender has found."""
    sent = read_sent() if was_sent(small) else None
    for alert in alerts_in(small):
        if sent is None:
            yield len(alert), Phrase("", "alert", alert, "", "")
        elif alert in sent:
            kind, value = sent[alert].split(" ", 1)
            yield 0, Phrase("", kind, value, "", "")

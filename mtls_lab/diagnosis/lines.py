"""What a line means that some program has written: which stack speaks, and what it means by it.

Here: the phrases of data/lines.toml against a text of any size and origin. Not here: how they are
read (phrases.py), what the failure behind a line means (explanation.py), the alerts in it
(alerts.py), and exceptions (caught.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from mtls_lab.diagnosis.alerts import alerts_in, was_sent
from mtls_lab.diagnosis.choosing import known_reasons
from mtls_lab.diagnosis.named import file_named, system_reason
from mtls_lab.diagnosis.phrases import (
    Phrase,
    phrases_in,
    read_healthy,
    read_lines,
    read_sent,
    read_stacks,
    verify_words,
)
from mtls_lab.diagnosis.symptoms import Symptoms
from mtls_lab.diagnosis.weights import BROKEN_OFF, S_CLIENT, UNEXPLAINED, weight_of
from mtls_lab.text import printable
from mtls_lab.wire import Failure
from mtls_lab.wire.reasons import alert_of, normal, reason_of_alert

__all__ = ["SHOWN", "heard"]

#: Of a longer text, the beginning and the end are read: where a program starts, and what came last.
READ = 256 * 1024
#: Of a longer line, this much is read from its beginning: a page without a line end, say.
LINE = 8 * 1024
#: How much of the decisive line is shown.
SHOWN = 300
#: States of a file that does not load.
FILES = {"no start line", "other pem", "run together", "bad password", "key not usable"}

#: Meanings of a file that the line may name.
ABOUT_FILES = {
    *("ENOENT", "EACCES", "NO_CERTIFICATE_OR_CRL_FOUND", "[SSL] PEM lib"),
    *("ca file not usable", "no start line", "pair not taken"),
}
#: Those that leave out why, if the operating system does not tell.
LOADED = {"NO_CERTIFICATE_OR_CRL_FOUND", "[SSL] PEM lib", "ca file not usable", "pair not taken"}

#: How OpenSSL's reason is written: by Python, in OpenSSL's own queue, by BoringSSL, by Node.js,
#: by pyOpenSSL, or bare, of three words or more; Perl says after it where it was. PROTOCOL_ERROR is
#: Chrome's own.
REASONS = re.compile(
    r"\[(?:SSL|X509|PEM|ASN1)[\w ]*: ([A-Z0-9_]{3,60})\]"
    r"|error:[0-9A-Fa-f]{6,10}:[^:\n]{0,60}:[^:\n]{0,60}:"
    r"([a-z][a-z0-9/ ]{2,60}?)(?= at | error:|[^a-z0-9/ ]|$)"
    r"|OPENSSL_internal:([A-Z0-9_]{3,60})"
    r"|\bERR_(?:SSL|OSSL)_(?!PROTOCOL_ERROR\b)([A-Z0-9_]{3,60})"
    r"|\('(?:SSL|PEM|X509|x509)[^']{0,40}', '[^']{0,60}', '([a-z][a-z0-9/ ]{2,60})'\)"
    r"|\b((?:[A-Z0-9]{1,20}_){2,8}[A-Z0-9]{1,20})\b"
)
#: Of a page; <unknown>, <inline> and <<21,3>> are a program's own.
TAGS = re.compile(
    r"<!doctype[^<>]{0,60}>"
    r"|</?(?:html|head|title|meta|body|center|h[1-6r]|p|br|b|i|a|div|span|pre|address)\b[^<>]{0,60}>",
    re.IGNORECASE,
)
#: Reasons that mean what another one does; the second is OpenSSL 1.0's.
OTHER_NAMES = {
    "NO_SUCH_FILE": "ENOENT",
    "NO_CERTIFICATE_RETURNED": "PEER_DID_NOT_RETURN_A_CERTIFICATE",
}
VERIFY = re.compile(
    r"\((\d{1,3}):[a-z]|verify (?:error:num|return code|code|error)[=: ]{0,3}(\d{1,3})"
    r"|verify_code[=: ]{1,2}(\d{1,3})|certificate verification: error \((\d{1,3})\)"
    r"|error (\d{1,3}) at \d{1,2} depth"
)


def heard(text: str) -> Symptoms:
    """Return what the decisive line of a text says; without one, only the text's first line.

    Example:
        >>> seen = heard("remote error: tls: certificate required")
        >>> seen.failure.reason, seen.stack
        ('TLSV13_ALERT_CERTIFICATE_REQUIRED', 'Go (crypto/tls)')
    """
    if len(text) > READ:
        text = f"{text[: READ // 2]}\n{text[-READ // 2 :]}"
    small = text.lower()
    signs = {name for name in read_stacks() if _sign(name, text, small)}
    phrases = [
        phrase
        for phrase in phrases_in(small)
        if not phrase.stack or phrase.stack in signs or phrase.is_telling
    ]
    best: tuple[float, int, int, Phrase] | None = None
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if not line or any(part.found(line[:LINE].lower()) for part in read_healthy()):
            continue
        for covered, phrase in _meanings(line[:LINE], phrases):
            weight = weight_of(phrase.kind, phrase.value, goes_on=S_CLIENT in small)
            if phrase.kind == "reason" and phrase.value not in known_reasons():
                weight = min(weight, UNEXPLAINED)
            if best is None or (weight, covered) >= best[:2]:
                best = weight, covered, number, phrase
    if best is None:
        first = next((line for line in lines if line.strip()), "")
        return Symptoms(state="unread", says=_quoted(first))
    *_, number, phrase = best
    line = lines[number][:LINE]
    # A log says on the line before or after who speaks, and curl which file it means.
    around = "\n".join(each[:LINE] for each in lines[max(number - 1, 0) : number + 2])
    # Only a server sends certificate_required (RFC 8446, section 6.2).
    told_to_client = phrase.value.startswith("http:") or phrase.value == "certificate_required"
    side = "device" if told_to_client else phrase.side
    side = side or _longest_part("sides", line.lower()) or _longest_part("sides", around.lower())
    side = side or _only_side(small)
    stack, by, note = _speaker(line, phrase.stack, signs, text, side)
    named, file = file_named(line, around) if phrase.value in ABOUT_FILES else ("", "")
    if not named and phrase.value in LOADED and (reason := system_reason(line)):
        phrase = replace(phrase, kind="reason", value=reason)
    return Symptoms(
        words=(("file", file),) if named else (),
        side=side,
        stage=_longest_part("stages", line.lower()),
        failure=_failure(phrase, line),
        state=named or (phrase.value if phrase.kind == "state" else ""),
        says=_quoted(line),
        stack=stack,
        by=by,
        note=note,
        weight=best[0],
    )


def _meanings(line: str, phrases: list[Phrase]) -> Iterator[tuple[int, Phrase]]:
    """Give each meaning in a line, with how much of the line it covers."""
    small = line.lower()
    found = [(covered, each) for each in phrases if (covered := each.found(small))]
    for covered, phrase in found:
        # A stack's own words may have OpenSSL's in them, and mean more or less than these.
        if not any(phrase.words in each.words != phrase.words for _, each in found):
            yield covered, phrase
    # A browser's names look like those that Node.js makes of OpenSSL's reasons.
    browser = any(phrase.stack == "chrome" and phrase.found(small) for phrase in phrases)
    for match in REASONS.finditer(line):
        if (match[4] and browser) or (match[6] and match[6] not in known_reasons()):
            continue
        spelled = (match[2] or match[5] or "").strip().replace(" ", "_").upper()
        said = match[1] or match[3] or match[4] or match[6] or spelled
        reason = normal(said.removeprefix("SSL/"))
        reason = OTHER_NAMES.get(reason, reason)
        if alert := alert_of(reason):
            yield len(match[0]), Phrase("", "alert", alert, "", "")
        elif not reason.endswith("_LIB") and "EOF" not in reason and reason != "REASON":
            yield len(match[0]), Phrase("", "reason", reason, "", "")
    for match in VERIFY.finditer(small):
        if code := int(next(filter(None, match.groups()))):
            yield len(match[0]) + LINE, Phrase("", "verify", str(code), "", "")
    yield from _alerts(small)


def _alerts(small: str) -> Iterator[tuple[int, Phrase]]:
    """Give each alert in a line: as one that arrived, or as what its sender has found."""
    sent = read_sent() if was_sent(small) else None
    for alert in alerts_in(small):
        if sent is None:
            yield len(alert), Phrase("", "alert", alert, "", "")
        elif alert in sent:
            kind, value = sent[alert].split(" ", 1)
            yield 0, Phrase("", kind, value, "", "")


def _failure(phrase: Phrase, line: str) -> Failure:
    """The failure as Python would have raised it."""
    words, value = printable(line.strip())[:SHOWN], phrase.value
    error, reason, code, message = "", "", None, ""
    match phrase.kind:
        case "verify":
            error, reason = "SSLCertVerificationError", "CERTIFICATE_VERIFY_FAILED"
            code = int(value)
            # A host that Python names is told; of other lines, OpenSSL's own words for the code.
            message = words if code in {62, 64} else verify_words().get(code, words)
        case "alert":
            error, reason = "SSLError", reason_of_alert(value)
        case "reason":
            system = value in BROKEN_OFF or re.fullmatch(r"E[A-Z]+", value)
            error, reason = "OSError" if system else "SSLError", value
        case "error":
            error = value
        case "text":
            error, words = "SSLError" if value.startswith("[") else "ValueError", value
        case "state" if value in FILES:
            # What is wrong with a file shows as this in Python, and a look into it tells more.
            error, words = "SSLError", "[SSL] PEM lib"
    return Failure(error, reason, code, message, words)


def _speaker(line: str, stack: str, signs: set[str], text: str, side: str) -> tuple[str, str, str]:
    """Return who wrote a line and, where one shows, through which library; both names; the note."""
    stacks, small, all_small = read_stacks(), line.lower(), text.lower()
    found = {name: _sign(name, line, small) for name in stacks if name in signs}
    # Go's tls: is no sign of Go in FreeRADIUS' tls: (tls).
    parts = {a for a in found.values() if any(a in b != a for b in found.values())}
    doubtful = {name for name in found if found[name] in parts & set(stacks[name].get("cased", ()))}
    here = {name: len(sign) if name not in doubtful else 0 for name, sign in found.items()}
    # The data file has a release of a library before the library.
    libraries = [name for name in here if here[name] and stacks[name].get("library")]
    around = {name: here[name] or len(_sign(name, text, all_small)) - LINE for name in here}
    writers = sorted((n for n in here if not stacks[n].get("library")), key=lambda n: -around[n])
    if stack and stack != "http":  # an address in the line is no sign of an HTTP server
        writers = [name for name in writers if name != "http"]
    if stack and (stack != "http" or not any(here[name] for name in writers)):
        (libraries if stacks[stack].get("library") else writers).insert(0, stack)
    names = [*writers[:1], *libraries[:1]]
    notes = (stacks[name] for name in names if "note" in stacks[name])
    notes = (n for n in notes if any(part in small for part in n.get("note_near", [""])))
    note = next((n["note"] for n in notes if side in ("", n.get("note_of", side))), "")
    return " with ".join(stacks[name]["name"] for name in names), " ".join(names), note


def _sign(name: str, text: str, small: str) -> str:
    """The longest sign of a stack in a text, which is given in small letters too."""
    stack = read_stacks()[name]
    found = [sign for sign in stack["signs"] if sign in small and _begins(sign, small)]
    found += [sign for sign in stack.get("cased", ()) if sign in text and _begins(sign, text)]
    return max(found, key=len, default="")


def _begins(sign: str, text: str) -> bool:
    """Whether a sign is in a text as a word, and not as the end of one: eap_tls is not Go's tls."""
    at = text.find(sign)
    while at > 0 and sign[0].isalnum() and (text[at - 1].isalnum() or text[at - 1] in "_-+"):
        at = text.find(sign, at + 1)
    return at >= 0


def _longest_part(table: str, line: str) -> str:
    """What the longest part of a table says that is in a line."""
    found = [(len(part), told) for part, told in read_lines()[table].items() if part in line]
    return max(found)[1] if found else ""


def _only_side(small: str) -> str:
    """The side that a text is of, if no line of it is of the other one."""
    parts = {part: told for part, told in read_lines()["sides"].items() if part in small}
    sides = {t for part, t in parts.items() if not any(part in p != part for p in parts)}
    return sides.pop() if len(sides) == 1 else ""


def _quoted(line: str) -> str:
    line = TAGS.sub("", line[:LINE])
    line = printable(line.strip()[: SHOWN + 1])
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}…"

"""What a line means that some program has written: which stack speaks, and what it means by it.

Here: which line of a text of any size and origin decides. Not here: every meaning of one line
(meanings.py), what is told of a line that has none (shapes.py), and what the failure behind a line
means (explanation.py).
"""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

from mtls_lab.common import printable
from mtls_lab.explaining.alerts import came_for_a_hello, was_relayed
from mtls_lab.explaining.meanings import found, meanings
from mtls_lab.explaining.named import file_named, system_reason, unopened
from mtls_lab.explaining.pasted import (
    cleaned,
    discreet,
    one_line,
    reflowed,
    rejoined,
    spaced,
    unwrapped,
)
from mtls_lab.explaining.phrases import Phrase, is_healthy, phrases_in
from mtls_lab.explaining.raised import SHOWN, as_raised
from mtls_lab.explaining.reported import is_of_others, is_reported
from mtls_lab.explaining.restored import completed, in_english
from mtls_lab.explaining.shapes import SHAPE, shapes_in
from mtls_lab.explaining.sides import (
    INNERMOST,
    between,
    calls_before,
    longest_part,
    only_side,
    other_end,
    side_of,
    together,
)
from mtls_lab.explaining.signs import LINE, note_of, only_of, speaker_of, stacks_in, unlike_go
from mtls_lab.explaining.symptoms import Symptoms, known_reasons
from mtls_lab.explaining.weights import (
    SENT,
    SHAPED,
    UNEXPLAINED,
    WARNED,
    WARNING,
    gone_on,
    weight_of,
)
from mtls_lab.explaining.wording import OTHER

__all__ = ["heard"]

#: Meanings of "certificate rejected", after which anybody may say why.
REJECTED = {"not verified", "28", "CERTIFICATE_VERIFY_FAILED", "not verified or not tls"}
#: Of a file that is not there or closed, which some lines do not name.
NOT_OPENED = "named file not opened"
#: Of a certificate in a report or of a signature, where no connection failed.
REPORTED = "no connection in it"
#: Meanings of a file that the line may name.
ABOUT_FILES = {
    *("ENOENT", "EACCES", "EISDIR", "NO_CERTIFICATE_OR_CRL_FOUND", "[SSL] PEM lib"),
    *("ca file not usable", "no start line", "pair not taken", NOT_OPENED),
    *("ca file left out", "ca file holds none", "own file left out"),
}
#: Those of a program that went on without the file: that says more than why it was not there.
GOES_ON = {"ca file left out", "ca file holds none", "own file left out"}
#: A program that makes such a certificate has not met one.
MADE = (
    r"(?i)\b(?:(?:generat|creat|mak|issu)(?:e[ds]?|ing|ion of)|(?<!is )using) "
    r"(?:(?:an?|the|new|own|its|temporary|default) ){0,3}self[ -]signed"
)
GUESSED = r"(?i)(?<=\w)[,;]? (?:possibly|perhaps|maybe|probably) (?:because|due to)\b.*"
#: Those that leave out why, if the operating system does not tell.
LOADED = {"NO_CERTIFICATE_OR_CRL_FOUND", "[SSL] PEM lib", "ca file not usable", "pair not taken"}

#: Of a page; <unknown>, <inline> and <<21,3>> are a program's own.
TAGS = re.compile(
    r"<!doctype[^<>]{0,60}>"
    r"|</?(?:html|head|title|meta|body|center|h[1-6r]|p|br|b|i|a|div|span|pre|address)\b[^<>]{0,60}>",
    re.IGNORECASE,
)
#: A call, as Node.js, Java and .NET print it below an exception.
CALL = re.compile(r"\s*at [^\s(]+.{0,200}[)\d]\W*$")
#: The name of an error in a list: options that an object has been printed with, as got does.
IN_A_LIST = re.compile(r" *'E[A-Z_]{2,30}',? *")


def heard(text: str) -> Symptoms:
    """Return what the decisive line of a text says; without one, only the text's first line.

    Example:
        >>> seen = heard("remote error: tls: certificate required")
        >>> seen.failure.reason, seen.stack
        ('TLSV13_ALERT_CERTIFICATE_REQUIRED', 'Go (crypto/tls)')
    """
    text = cleaned(text)
    seen = _heard(text)
    if whole := one_line(text) or rejoined(text):
        again = _heard(whole)
        # Else two lines are no worse quoted as two.
        other = _meaning(again) != _meaning(seen) or len(again.by) > len(seen.by)
        seen = again if other and again.weight >= seen.weight else seen
    if flowed := reflowed(text):
        seen = _fuller(seen, _heard(flowed))
    for attempt in (unwrapped, spaced):
        if seen.weight <= UNEXPLAINED and (text_of := attempt(text)):
            seen = max(seen, _heard(text_of), key=lambda each: each.weight)
    if seen.weight <= UNEXPLAINED and (text_of := in_english(text)):
        seen = max(seen, _as_written(_heard(text_of), text_of, text), key=lambda each: each.weight)
    if seen.weight <= UNEXPLAINED and (text_of := completed(text)):
        seen = max(seen, _as_written(_heard(text_of), text_of, text), key=lambda each: each.weight)
    return seen


def _as_written(seen: Symptoms, read: str, text: str) -> Symptoms:
    """The same, with the line as the text has it, of which another was read."""
    pairs = zip(read.split("\n"), text.split("\n"), strict=False)
    says = next((_quoted(line) for other, line in pairs if _quoted(other) == seen.says), "")
    return replace(seen, says=says or seen.says)


def _fuller(seen: Symptoms, again: Symptoms) -> Symptoms:
    """What a text says of which lines were joined, if it says more; else what it said before."""
    grown = len(again.says) > len(seen.says) and again.says.startswith(seen.says.rstrip("\u2026"))
    same = _meaning(again) == _meaning(seen)
    more = again.weight > seen.weight or (grown and not same and again.weight == seen.weight)
    return again if more or (same and again.side and not seen.side) else seen


def _meaning(seen: Symptoms) -> tuple[object, ...]:
    return seen.state, seen.failure.error, seen.failure.reason, seen.failure.verify_code


def _heard(text: str) -> Symptoms:
    others = unlike_go(text)
    small = others.lower()
    signs = stacks_in(others, small)
    phrases = [
        phrase
        for phrase in phrases_in(small)
        if not phrase.stack or phrase.stack in signs or phrase.is_telling
    ]
    written = text.splitlines()
    lines = ["" if is_healthy(line[:LINE].lower()) else line for line in written]
    best = _decisive(lines, phrases, gone_on([line[:LINE].lower() for line in written]))
    if best is None:
        first = next((line for line in written if line.strip()), "")
        return Symptoms(state="unread", says=_quoted(first))
    *_, number, phrase = best
    line = discreet(lines[number][:LINE])
    # A log says on the line before or after who speaks, and curl which file it means.
    around = "\n".join(each[:LINE] for each in lines[max(number - 1, 0) : number + 2])
    near = together(written, number)
    block = "\n".join(lines[near])
    # Who is on the other side alone, and shows in the rest alone, has not written this.
    elsewhere = {name for name in signs - stacks_in(block, block.lower()) if only_of(name)}
    stack, by = speaker_of(line, phrase.stack, signs - elsewhere, text)
    end = other_end(lines, number, phrase, phrases)
    side = between(lines, (number, phrase), end) if end else None
    if side is None:
        side = side_of(phrase, lines, number, around, phrase.stack)
        side = side or only_side(block) or only_of(by)
    if not (side or elsewhere or end):
        rest = lines[: near.start] + lines[near.stop :]
        if not any(_has_meaning(each[:LINE], phrases) for each in rest):  # it is one log
            side = only_side("\n".join(lines))
    note = note_of(by, line, side)
    relayed = phrase.kind != "alert" and was_relayed(line.lower())
    if relayed and not phrase.side:
        side = OTHER[side]
    named, file = file_named(line, around) if phrase.value in ABOUT_FILES else ("", "")
    if phrase.words == SHAPE and named == "named file not usable":
        named = ""  # which is told of CAs
    if phrase.value == NOT_OPENED and not named:
        named, file = NOT_OPENED, unopened(line)
    if not named and phrase.value in LOADED and (reason := system_reason(line)):
        phrase = replace(phrase, kind="reason", value=reason)
    told = phrase.value if phrase.kind == "state" else ""
    if phrase.value == "handshake_failure" and came_for_a_hello(line.lower(), block):
        told = "refused at hello"
    return Symptoms(
        words=(("file", file),) if named else (),
        side=side,
        stage=longest_part("stages", line.lower()),
        failure=as_raised(phrase, line),
        state=told if told in GOES_ON else named or told,
        says=_quoted(discreet(_raised(lines, number)[:LINE])),
        stack=stack,
        by=by,
        note=note,
        weight=best[0],
        relayed=relayed,
    )


def _decisive(
    lines: list[str], phrases: list[Phrase], gone_on: set[int]
) -> tuple[float, int, int, Phrase] | None:
    """Weight, cover, line and phrase of what says most, and last of what says as much.

    After a bad certificate in the lines `gone_on`, the program went on.
    """
    best = None
    raising = [each for each in phrases if each.stack == "python" and "…" in each.words]
    for number, whole in enumerate(lines):
        guessed = " because" in whole or " due to" in whole
        line = re.sub(GUESSED, "", whole) if guessed else whole
        line = re.sub(MADE, "", line) if "self" in line else line
        if not line or (len(lines) > 1 and "'E" in line and IN_A_LIST.fullmatch(line)):
            continue
        told = meanings(line[:LINE], phrases)
        warned = any(each in line.lower() for each in WARNED)
        if raising and (calls := calls_before(lines, number)[-INNERMOST:]):
            told = itertools.chain(told, found(raising, " ".join([*calls, line])[-LINE:].lower()))
        every = list(told)
        if all(each.value in REJECTED and not each.stack for _, each in every):
            every += [(0, phrase) for phrase in shapes_in(line[:LINE])]
        every = _of_a_connection(line[:LINE].lower(), every)
        for covered, phrase in every:
            weight = weight_of(phrase.kind, phrase.value, goes_on=number in gone_on)
            weight = min(weight, WARNING) if warned else weight
            weight = min(weight, SHAPED) if phrase.words == SHAPE else weight
            weight = min(weight, SENT) if not covered and not phrase.words else weight
            if phrase.kind == "reason" and phrase.value not in known_reasons():
                weight = min(weight, UNEXPLAINED)
            if best is None or (weight, covered) >= best[:2]:
                best = weight, covered, number, phrase
    return best


def _of_a_connection(small: str, every: list[tuple[int, Phrase]]) -> list[tuple[int, Phrase]]:
    """What a line means; in one of a report or a signature, that no connection is in it."""
    if not every or is_of_others(small):
        return []
    return [(0, Phrase(SHAPE, "state", REPORTED, "", ""))] if is_reported(small) else every


def _raised(lines: list[str], number: int) -> str:
    """The line of a number; of a call in a stack, the line above it that says what was raised."""
    start = number
    while start and CALL.match(lines[start]):
        start -= 1
    return lines[start] if lines[start].strip() else lines[number]


def _has_meaning(line: str, phrases: list[Phrase]) -> bool:
    return next(meanings(line, phrases), None) is not None


def _quoted(line: str) -> str:
    line = discreet(TAGS.sub("", line[:LINE])).replace("\t", " ")
    line = printable(line.strip()[: SHOWN + 1])
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}…"

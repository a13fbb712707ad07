"""Whose side a line is of: the client's or the server's.

Here: what of a text tells it, the line itself first, then the calls of a trace, headings between
two logs, the program, and the line that the other side has of the same refusal. Not here: which
line decides, and who speaks (lines.py).
"""

from __future__ import annotations

import itertools
import re

from mtls_lab.explaining.meanings import meanings
from mtls_lab.explaining.phrases import Phrase, read_lines, read_stacks
from mtls_lab.explaining.signs import LINE, begins, only_of, stacks_in
from mtls_lab.explaining.weights import gone_on
from mtls_lab.explaining.wording import OTHER

__all__ = [
    "INNERMOST",
    "between",
    "calls_before",
    "longest_part",
    "only_side",
    "other_end",
    "side_of",
    "together",
]

#: Of a Python traceback, so many lines before the exception are its calls.
CALLS = 200
#: Of these, the calls that an exception without telling words is known by.
INNERMOST = 8
#: What OpenSSL says in a server alone (ssl/statem/statem_srvr.c, ssl/record/ssl3_record.c).
SERVERS = {"PEER_DID_NOT_RETURN_A_CERTIFICATE", "NO_SHARED_CIPHER", "HTTP_REQUEST"}
#: Who is meant by a heading, or by the name of a container or a file before a line; and who only
#: if the other side is there as well: a gateway is a client of what is behind it, too.
CLIENTS, MAYBE_CLIENTS = r"client|device|publisher|subscriber|sensor", r"agent|caller|requester"
SERVICES, MAYBE_SERVICES = r"server|broker", r"gateway|backend|listener|ingress"
EITHER = f"{CLIENTS}|{SERVICES}|{MAYBE_CLIENTS}|{MAYBE_SERVICES}"
SIDE = rf"(?<![a-z])(?:({CLIENTS})|({SERVICES})|({MAYBE_CLIENTS})|({MAYBE_SERVICES}))s?(?![a-z])"
#: A heading, or the command that has printed what follows.
HEADING = r"[$#%>] .{1,90}$|.{1,60}:\W{0,4}$|[#=*>-]{1,6} ?\w.{1,60}$"
#: So many lines may be two logs of one line each.
FEW = 3
#: What is said by who has refused a certificate, besides a code.
JUDGED = {"CERTIFICATE_VERIFY_FAILED", "not verified", "out of date"}
#: The alerts by which a certificate is refused (RFC 8446, section 6.2).
OF_CERTIFICATES = {
    *("bad_certificate", "unsupported_certificate", "certificate_revoked", "certificate_expired"),
    *("certificate_unknown", "unknown_ca"),
}
#: Whose certificate a verdict is about, in words: the other side has refused it.
OWNER = re.compile(r"\b(client|server)(?:'s)? cert(?:ificate)?\b")
REFUSED_BY = {"client": "backend", "server": "device"}
#: So many lines may be those of both sides.
BOTH = 200
#: The prompt of a shell and a command, before what it has printed.
COMMAND = r"(?:[\w.@:~/()\[\]-]{1,60} ?)?[$%] (?:\w{1,40}=\S{0,80} ){0,5}[./~]{0,3}[a-z]\S*(?: |$)"
#: A heading without a mark: "Server log", "on the device", "client.log".
BARE = (
    rf"(?:(?:on|from|at|in|and|the|my|of) ){{0,3}}(?:\w{{1,12}}[ -])?(?:{EITHER})"
    r"(?:[ -]?side|'s)?(?: ?\(.{1,30}\))?"
    r"(?:[ .](?:logs?|output|trace|console|terminal|says|txt|err)){0,2}"
)
MARKS = " []()<>#=*_-:"
#: Of a command, what names no side: an option, and the address that is called.
ARGUMENT = r" (?:-\S+|\S*(?:://|:\d)\S*)"
#: The name of a container, or of a side, before a line of its own; the line may be in backquotes.
BEFORE = r"\W{0,2}([\w.-]{2,40}(?: (?:side|logs?|error|output|says))?)(?: +\||\]|>|: | `)"
#: A server of OpenVPN writes whose connection it is about.
OPENVPN = r"\b\d{1,3}(?:\.\d{1,3}){3}:\d{1,5} VERIFY "
#: The name of a logger, after its level: kazoo.client, org.apache.zookeeper.server.
LOGGER = (
    r"\b(?:DEBUG|INFO|WARN(?:ING)?|ERROR|CRITICAL)[\s:\]\[-]{1,3}"
    r"[a-z]\w{0,30}(?:\.\w{1,30}){0,6}?\.(client|server)(?!\w|\.\w+:\d)"
)
#: A heading inside one log, of which side it says nothing.
INSIDE = r"certificate|key|hello|finish|cipher|version|connect|error|address|name|header|failed"


def side_of(phrase: Phrase, lines: list[str], number: int, around: str, writer: str) -> str:
    """Return whose line it is: "device", "backend", or `""` if nothing tells.

    Args:
        phrase: what it means.
        lines: the text.
        number: which line of it.
        around: the line with those before and after it.
        writer: the stack that wrote it, as far as the phrase tells.
    """
    line = lines[number][:LINE]
    calls = calls_before(lines, number), _calls_after(lines, number)
    return (
        _side(phrase, line, around, *calls)
        or read_stacks().get(writer, {}).get("only", "")
        or ("backend" if re.search(OPENVPN, line) else _logger(line))
        or _headed(lines, number)
    )


def other_end(
    lines: list[str], number: int, phrase: Phrase, phrases: list[Phrase]
) -> tuple[int, Phrase] | None:
    """The line that says of the same refusal what the other side saw: the alert, or the reason."""
    if len(lines) > BOTH or _end(phrase) is None:
        return None
    goes_on = gone_on([line[:LINE].lower() for line in lines])
    ends = (
        (at, each)
        for at, line in enumerate(lines)
        if at not in {number, *goes_on}
        for _, each in meanings(line[:LINE], phrases)
        if _end(each) is (not _end(phrase))
    )
    return min(ends, key=lambda end: abs(end[0] - number), default=None)


def _end(phrase: Phrase) -> bool | None:
    """Whether who refused a certificate said this (True), or who was refused heard it (False)."""
    judged = phrase.kind == "verify" or phrase.value in JUDGED
    return True if judged else False if phrase.value in OF_CERTIFICATES else None


def between(lines: list[str], one: tuple[int, Phrase], other: tuple[int, Phrase]) -> str | None:
    """The side of the one of two lines of one refusal, if each has another side; else nothing."""
    for reach in (0, 1):
        told = []
        for (at, phrase), (far, _) in ((one, other), (other, one)):
            # What stands between the two may be of either, if nothing parts them.
            own = slice(max(at - reach, 0), at + 1) if at < far else slice(at, at + 1 + reach)
            near = together(lines, at)
            own = near if reach and not near.start <= far < near.stop else own
            around = "\n".join(line[:LINE] for line in lines[own])
            side = side_of(phrase, lines, at, around, phrase.stack) or only_side(around)
            only = map(only_of, sorted(stacks_in(around, around.lower())))
            told.append(side or next(filter(None, only), ""))
        if any(told):
            return None if told[0] == told[1] else told[0] or OTHER[told[1]]
    return ""


def together(lines: list[str], number: int) -> slice:
    """Return which lines around one a single program has printed, as far as can be seen.

    Two logs are pasted with an empty line between them, or with the command before the second.

    Example:
        >>> together(["certificate expired", "$ curl https://api", "curl: (56) reset"], 0)
        slice(0, 1, None)
    """
    # A page may put an empty line after each.
    doubled = len(lines) > FEW and not any(line.strip() for line in lines[1::2])
    starts = [
        at for at, line in enumerate(lines) if _is_command(line) or not (doubled or line.strip())
    ]
    begin = max((at for at in starts if at <= number), default=0)
    end = min((at for at in starts if at > number), default=len(lines))
    return slice(begin, end)


def _is_command(line: str) -> bool:
    prompt = "$ " in line or "% " in line
    return prompt and re.match(COMMAND, line[:LINE]) is not None


def _side(phrase: Phrase, line: str, around: str, calls: list[str], then: list[str]) -> str:
    """Whose line it is, by what it means, by its words, by those next to it, and by the calls."""
    # Only a server sends certificate_required (RFC 8446, section 6.2).
    if phrase.value.startswith("http:") or phrase.value == "certificate_required":
        return "device"
    if phrase.value in SERVERS:
        return "backend"
    if told := phrase.side or longest_part("sides", line.lower()):
        return told
    owners = set(OWNER.findall(line.lower())) if phrase.kind == "verify" else set()
    if len(owners) == 1:
        return REFUSED_BY[owners.pop()]
    before, sure = _heading(line, own=True)
    if sure:
        return before
    texts = (around, *reversed(calls), *then)  # Python has the innermost call last
    return next(filter(None, (longest_part("sides", text.lower()) for text in texts)), "")


def calls_before(lines: list[str], number: int) -> list[str]:
    """The indented lines before an exception that is not: of its traceback, without the marks."""
    if not lines[number][:1].strip():
        return []
    start = number
    while start > max(number - CALLS, 0) and lines[start - 1][:2] == "  ":
        start -= 1
    return [each.strip()[:LINE] for each in lines[start:number] if each.strip(" ^~")]


def _calls_after(lines: list[str], number: int) -> list[str]:
    """The calls that Java, .NET and JavaScript print after an exception, the innermost first."""
    after = itertools.islice(lines, number + 1, number + CALLS)
    calls = itertools.takewhile(lambda line: line.lstrip()[:3] in {"at ", "..."}, after)
    return [each.strip()[:LINE] for each in calls]


def _logger(line: str) -> str:
    named = re.search(LOGGER, line)
    return {"client": "device", "server": "backend"}[named[1]] if named else ""


def _headed(lines: list[str], number: int) -> str:
    """The side that stands before the line, or that the nearest heading names: "Server log:"."""
    looked = False
    for at in range(number, max(number - CALLS, 0) - 1, -1):
        side, sure = _heading(lines[at], own=at == number)
        if sure:
            return side
        if side and not looked:
            looked = True
            if _has_both_sides(lines):
                return side
    return ""


def _heading(line: str, *, own: bool) -> tuple[str, bool]:
    """The side that a heading, or what stands before a line of its own, names; if it is sure."""
    small = line[:LINE].strip().lower()
    before = re.match(BEFORE, small) if own else None
    marked = len(small) < 100 and re.match(HEADING, small) and not re.search(INSIDE, small)
    if marked and _is_command(small):
        small = re.sub(ARGUMENT, "", small)
    if before:
        small = before[1]
    elif own or not (marked or re.fullmatch(BARE, small.strip(MARKS))):
        return "", False
    named = re.findall(SIDE, small)
    sides = {"device" if client or maybe else "backend" for client, _, maybe, _ in named}
    sure = any(client or server for client, server, *_ in named)
    return (sides.pop(), sure) if len(sides) == 1 else ("", False)


def _has_both_sides(lines: list[str]) -> bool:
    """Whether headings, or what stands before lines, name the one side and the other."""
    heads = (_heading(line, own=own)[0] for line in lines for own in (True, False))
    return len({*heads} - {""}) > 1


def only_side(text: str) -> str:
    """Return the side that a text is of, if no line of it is of the other one."""
    small = text.lower()
    sides = read_lines()["sides"].items()
    parts = {part: told for part, told in sides if part in small and begins(part, small)}
    sides = {t for part, t in parts.items() if not any(part in p != part for p in parts)}
    return sides.pop() if len(sides) == 1 else ""


def longest_part(table: str, line: str) -> str:
    """What the longest part of a table says that is in a line."""
    found = [(len(part), told) for part, told in read_lines()[table].items() if part in line]
    return max(found)[1] if found else ""

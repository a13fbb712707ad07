"""A text as somebody pastes it, made what a program has written, without what is nobody's business.

Here: colours, what a page or a log makes of a line, lines that were broken on the way, and
passwords and tokens in a line, left out: an explanation is pasted into tickets. Not here: how much
of it is read (excerpt.py), and what the lines mean (lines.py).
"""

from __future__ import annotations

import itertools
import re
from functools import cache

from mtls_lab.explaining.excerpt import READ, decoded

__all__ = [
    "cleaned",
    "discreet",
    "one_line",
    "reflowed",
    "rejoined",
    "spaced",
    "unwrapped",
]

#: Lines and characters of one line that was broken into several, at most.
BROKEN, LONGEST = 40, 4096
#: A terminal is wider than this, and mostly of one of these widths; a mail is as wide as that.
NARROW, WIDTHS, MAIL = 20, {80, 100, 120, 132, 160}, (50, 100)
#: Two lines that begin with so many characters alike are two.
NEW = 8
#: How wide a page is, what a frame around it is made of, and what begins a line of its own: a call
#: of a trace, a program's name, a field.
PAGE, BOX = (48, 132), " \t\u2502\u2503|"
BEGINS = r"at |from |in |[\w./-]{1,40}(?:\[\d{1,9}\])?: |[\w-]{1,40} +\| |['\"]?\w{1,40}['\"]?[=:]"
#: What logfmt begins a line with.
FIELD = r"\w{1,20}="
#: What only begins a line of its own, also where small letters or a full line would let it go on.
ITS_OWN = (
    r"(?:\w{1,40}\.){0,8}\w{0,40}(?:Error|Exception)[:(]|curl: \(\d|psql: error: "
    r"|\d{4}-\d\d-\d\d \d\d:|\d{10}: "
)
#: A line that was broken has become so many at most, one not counted.
FEW = 8
#: Erlang and Elixir print a term over many lines, and break it after the name that it begins with.
TERM = re.compile(r"(\{:?[a-z_]{1,40},(?: ?[\"'][^\"'\n]{0,300}[\"'],)?)\n +")
#: What a page, a chat or a word processor makes of blanks and quotation marks, and cannot be seen.
TYPED = {
    **dict.fromkeys(map(ord, "\u00a0\u2002\u2003\u2007\u2009\u202f\u3000"), " "),
    **dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"), ""),
    **dict.fromkeys(map(ord, "\u2018\u2019\u201a"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d\u201e"), '"'),
}
#: The same in the source of a page.
ENTITIES = {
    "&quot;": '"',
    "&#34;": '"',
    "&#39;": "'",
    "&#x27;": "'",
    "&apos;": "'",
    "&nbsp;": " ",
    "&lt;": "<",
    "&gt;": ">",
    "&amp;": "&",  # the last one
}
#: Before each line of a program: docker compose, syslog, a container's log, CI. A text, which `re`
#: compiles when a line is of that kind, and keeps.
BEFORE = (
    r"[\w.-]{1,60} +\| ?|\[pod/[^\]\s]{1,120}\] "
    r"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S{1,60} [^\s\[:]{1,60}(?:\[\d{1,9}\])?: "
    r"|\d{4}-\d\d-\d\dT[\d:.,]{8,20}(?:Z|[+-]\d\d:?\d\d)(?: std(?:out|err) [FP]| \d\d[OE]\+?"
    r"|(?: [^\s\[:]{1,60})? [^\s\[:]{1,60}\[[\w.]{1,20}\]:|\t[\w-]{1,40}\t[A-Z]{4,8}(?=\t))?[ \t]"
    r"|\d\d:\d\d:\d\d(?:[.,]\d{1,6})? |> |- "
    r"|\S{1,80}:\d{1,6}:| {0,6}\d{1,6}[:\t ]"
)
#: What begins another line.
NEXT = f"{BEFORE}|{ITS_OWN}"
#: Docker's own file of a container's log: one object of JSON for each line.
OF_DOCKER = r'^\{"log": ?"(.{0,8192}?)(?:\\n)?", ?"stream": ?"[^\n]{0,120}\}$'
#: What is printed over several lines, each of which says little without the others.
OF_LINES = ("Traceback (most recent", 'File "', "{error,", "{:error,", " at ", "\tat ", "(\n")
#: A line end and the blanks before a call, as JSON and Python's repr write them; in what a program
#: has quoted twice, with more of the same. Not in a Windows path, which has them in its names.
ESCAPED = r"(?:\\{1,4}r)?\\{1,4}n"
#: A line end as others write it: rsyslog, nginx, XML, GitHub's CI, a page.
ENDS = dict.fromkeys(("#012", r"\x0A", r"\x0a", "&#10;", "&#xA;", "%0A"), "\n")
ENDS |= dict.fromkeys(("<br/>\n", "<br>\n", "<br />", "<br/>", "<br>"), "\n")
ENDS |= {"#011": "\t", r"\x22": '"'}
ESCAPED_TAB = r"\\{1,4}t(?=at |\.\.\. |/)"
WINDOWS = r"(?<![A-Za-z])[A-Za-z]:\\"
#: A character that JSON writes by its number, but none that controls a terminal.
NAMED_BY_NUMBER = r"\\{1,4}u(00[2-7a-f][0-9a-f]|20[0-9a-f]{2})"
#: A log of requests has no blanks in a field: Envoy writes "_" for them, in a reason as well.
OF_ENVOY = r"(?<=:)[a-z_]\w{2,300}"
#: Rust's {:#?} prints what is in brackets on lines of its own.
DEBUG = r"(\b[A-Z]\w{1,60}\()\n[ \t]{0,99}([^\s(){}][^\n(){}]{0,200}?),?\n[ \t]{0,99}\)"
#: .NET prints the reason that Windows has given below what it has no word for; before .NET 3,
#: behind it.
INNER = r"(see inner exception\.)\n[ \t]{0,9}(?=---> System\.ComponentModel\.Win32Exception)"
#: The colours of a log (ECMA-48, SGR), as a terminal takes them, as JSON and `cat -v` write them,
#: and as they are copied from a page, without the character that nobody sees.
COLOUR = re.compile(
    r"(?:\x1b|\\u001b|\\x1b|\\033|\^\[|\u241b)\[[0-9;:]{0,16}m|\[[0-9][0-9;:]{0,15}m(?!\])",
    re.IGNORECASE,
)


def cleaned(text: str) -> str:
    """Return what is read of a text, without colours, and each term of Erlang on one line."""
    if len(text) > READ:
        text = decoded(text.encode("utf-8", "replace"))
    text = COLOUR.sub("", text) if "[" in text else text
    text = text.replace("\r\n", "\n")
    if "\\u" in text:
        text = re.sub(NAMED_BY_NUMBER, lambda match: chr(int(match[1], 16)), text)
    text = text if text.isascii() else text.translate(TYPED)
    if "&" in text and ";" in text:
        for entity, character in ENTITIES.items():
            text = text.replace(entity, character)
    return TERM.sub(_joined, _in_lines(text))


def _in_lines(text: str) -> str:
    """Return a text with the line ends that it had, without what stands before each line."""
    for written, meant in ENDS.items():
        text = text.replace(written, meant)
    if '{"log":' in text:
        text = re.sub(OF_DOCKER, r"\1", text, flags=re.MULTILINE)
    if any(each in text for each in OF_LINES):
        text = _without_before(text)
    if "\\n" in text and not re.search(WINDOWS, text):
        text = re.sub(ESCAPED_TAB, "\t", re.sub(ESCAPED, "\n", text))
    if "OPENSSL_internal:" in text:
        text = re.sub(OF_ENVOY, lambda match: match[0].replace("_", " "), text)
    if "(\n" in text:
        text = re.sub(DEBUG, r"\1\2)", text)
    if "---> System" in text:
        text = re.sub(INNER, r"\1 ", text)
    if '\\"' in text or "\\'" in text:  # a line in quotes, as JSON and Python have it
        text = re.sub(r"\\{1,4}([\"'])", r"\1", text)
    return text


def _without_before(text: str) -> str:
    """Take away what stands before each line, if something does before all of them."""
    lines = text.split("\n")
    found = [re.match(BEFORE, line) for line in lines if line.strip()]
    if len(found) < 2 or not all(found):
        return text
    return "\n".join(re.sub(f"^(?:{BEFORE})", "", line, count=1) for line in lines)


def _joined(term: re.Match[str]) -> str:
    """The beginning of a term, to be gone on with; Elixir has a space between the parts."""
    return f"{term[1]} " if term[1][1] == ":" else term[1]


def unwrapped(text: str) -> str:
    """Return as one line what may be one that was broken; an empty text if it is too long for that.

    A terminal breaks at its width, anywhere; a mail at a blank, with marks before each line.

    Example:
        >>> unwrapped("> certificate verify\\n> failed")
        'certificate verify failed'
        >>> unwrapped("SSL: CERTIFICATE_VERIFY_F\\nAILED")
        'SSL: CERTIFICATE_VERIFY_FAILED'
    """
    lines = text.splitlines()
    if not 1 < len(lines) <= BROKEN or len(text) > LONGEST:
        return ""
    widths = {len(line) for line in lines[:-1]}
    (width,) = widths if len(widths) == 1 else (0,)
    if width > NARROW and len(lines[-1]) <= width:
        return "".join(lines)
    return " ".join(line.strip(" >|\t") for line in lines)


def one_line(text: str) -> str:
    """Return as one line what shows by its form that it was; else an empty text.

    A terminal leaves lines of one width, a mail such of nearly one that go on in small letters.

    Example:
        >>> one_line("TLS/SSL error while the client connects: self-signed certificate in\\nchain")
        'TLS/SSL error while the client connects: self-signed certificate in chain'
        >>> one_line("the first\\nthe second")
        ''
    """
    first, *further = lines = text.split("\n")
    if not 1 <= len(further) <= FEW:
        return ""
    if any(re.match(ITS_OWN, line) for line in further):
        return ""
    widths = {len(line) for line in lines[:-1]}
    if len(widths) == 1 and (len(further) > 1 or len(first) in WIDTHS) and len(first) > NARROW:
        return "".join(lines) if len(lines[-1]) <= len(first) else ""
    mail = MAIL[0] <= min(widths) and max(widths) <= MAIL[1]
    goes_on = all(line[:1].islower() and not re.match(FIELD, line) for line in further)
    return " ".join(lines) if mail and goes_on else ""


def rejoined(text: str) -> str:
    """Return a log whose lines a terminal has broken with the lines whole again; else nothing.

    Example:
        >>> rejoined("the first line\\n" + "x" * 79 + "c\\nertificate expired").splitlines()[-1][
        ...     70:
        ... ]
        'xxxxxxxxxcertificate expired'
    """
    lines = text.split("\n")
    widest = max(map(len, lines))
    pairs = [*itertools.pairwise([*lines, ""])]
    broken = [
        len(line) == widest and not (re.match(NEXT, then) or then[:NEW] == line[:NEW])
        for line, then in pairs
    ]
    twice = any(line == then and len(line) == widest for line, then in pairs)
    if widest <= MAIL[0] or twice or (broken.count(True) < 2 and widest not in WIDTHS):
        return ""
    ends = ("" if each else "\n" for each in broken)
    return "".join(line + end for line, end in zip(lines, ends, strict=True))


def reflowed(text: str) -> str:
    """Return a text in which the lines of a wrapped sentence are one again; else nothing.

    Such a line is about as wide as a page, and the next one goes on in small letters or in quotes.

    Example:
        >>> reflowed("  SSLError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate has\\n  expired")
        '  SSLError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate has expired'
    """
    whole: list[str] = []
    width = 0
    lines = _without_before(text).split("\n") if len(text) <= READ // 4 else []
    for line in lines:
        bare = line.strip(BOX)
        goes_on = bare[:1].islower() or bare[:1] in {"'", '"', "("}
        if goes_on and PAGE[0] <= width <= PAGE[1] and not re.match(BEGINS, bare):
            whole[-1] = f"{whole[-1].rstrip(BOX)} {bare}"
        else:
            whole.append(line)
        width = len(line.rstrip(BOX))
    return "\n".join(whole) if len(whole) < len(lines) else ""


def spaced(text: str) -> str:
    """Return as one line, with one blank between its words, what was broken or stretched at blanks.

    Example:
        >>> spaced("tls:  handshake\\nfailure")
        'tls: handshake failure'
    """
    short = text.count("\n") < BROKEN and len(text) <= LONGEST
    return " ".join(word for word in text.split() if word not in {">", "|"}) if short else ""


# --- What is nobody's business

#: A name of a secret, a sign, and the secret: in quotes, or up to a blank or what ends a setting.
NAMED = r"""(\b\w{0,20}(?:password|passwd|passphrase|secret|token|api_?key)\ ?=\ ?
       | ["']\w{0,20}(?:password|passwd|passphrase|secret|token|api_?key)["']\ ?[:=]\ ?
       | \bauthorization["']?:\ ?["']?(?:bearer|basic)\ )
    (?:"[^"]{1,500}"|'[^']{1,500}'|[^\s"'&,;)]{1,500})"""
#: Between a user and a host.
IN_AN_ADDRESS = r"""(\b[a-z][a-z0-9+]{1,20}://[^\s/:@"']{0,60}:)[^\s/@"']{1,200}(?=@)"""
#: One of these is in each line that has a secret; most have none, and no expression is compiled.
HINTS = ("passw", "passphrase", "secret", "token", "key", "authorization", "@")


def discreet(line: str) -> str:
    """Return a line with … for each password and token in it.

    Example:
        >>> discreet("cannot connect: password=hunter2 sslkey=my.key")
        'cannot connect: password=… sslkey=my.key'
        >>> discreet("dial postgres://app:hunter2@db:5432: tls: bad certificate")
        'dial postgres://app:…@db:5432: tls: bad certificate'
        >>> discreet("https://db.example:5432/ refused the password: bad certificate")
        'https://db.example:5432/ refused the password: bad certificate'
    """
    small = line.lower()
    if any(hint in small for hint in HINTS):
        for pattern in _patterns():
            line = pattern.sub(r"\1…", line)
    return line


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(each, re.VERBOSE | re.IGNORECASE) for each in (NAMED, IN_AN_ADDRESS))

"""The command `mtls-lab explain`: where its text comes from, and how the answer is printed.

Here: standard input with its limits, the colours of a terminal, JSON. Not here: what a line means
(diagnosis/), and the arguments (parser.py). It loads neither notebooks nor, without files,
cryptography: an answer takes no longer than it must.
"""

from __future__ import annotations

import argparse
import stat
import sys
from dataclasses import asdict, replace
from pathlib import Path

from mtls_lab.diagnosis import Explanation, explain
from mtls_lab.diagnosis.cards import folded
from mtls_lab.diagnosis.lines import READ
from mtls_lab.diagnosis.wording import typed_here
from mtls_lab.errors import FileProblem, LabError
from mtls_lab.program import coloured
from mtls_lab.text import json_text

__all__ = ["NOT_KNOWN", "run"]

#: The exit code where the lab does not know what a line means; 2 is for wrong arguments.
NOT_KNOWN = 1
#: What is read from standard input before it counts as endless (/dev/zero).
MOST = 256 << 20
BOLD, PLAIN = "\x1b[1m", "\x1b[0m"
#: A terminal that is narrower than this is not one that a person reads.
NARROW = 40


def run(options: argparse.Namespace) -> int:
    """Explain the line or what stands on standard input; return 0, or 1 if it is not known.

    Raises:
        LabError: there is nothing to explain, or a file that is named is not there.
    """
    for path in (options.certfile, options.keyfile, options.cafile, options.crlfile):
        if path is not None:
            _must_be_a_file(path)
    told = explain(
        _text(options.line),
        certfile=options.certfile,
        keyfile=options.keyfile,
        cafile=options.cafile,
        peer=options.peer,
        crlfile=options.crlfile,
        password=_password(options),
    )
    told = replace(told, fix=typed_here(told.fix, "again"))
    if options.json:
        print(json_text(asdict(told), indent=1))
    else:
        text = _folded(told)
        print(_in_colours(text) if coloured() else text)
    return 0 if told.known else NOT_KNOWN


def _password(options: argparse.Namespace) -> str | None:
    """The password of a file: where one is named; else asked for, if a file is PKCS #12."""
    named = [path for path in (options.certfile, options.keyfile, options.cafile) if path]
    if options.password_file is None and not named:
        return None
    from mtls_lab.cli.passwords import password_for  # noqa: PLC0415 - most need none

    return password_for(named, options.password_file)


def _text(words: list[str]) -> str:
    """The arguments as one line, or what arrives on standard input.

    Of a long log, the end counts as much as the beginning, and it is not kept in between.

    Raises:
        LabError: there is neither.
    """
    if words and words != ["-"]:
        return " ".join(words)
    if sys.stdin is None or (sys.stdin.isatty() and not words):
        raise LabError(
            "no line",
            "an error as an argument, or a log on standard input",
            'paste it in quotes: explain "…", or let a program write it: … 2>&1 | mtls-lab explain',
        )
    begin, end, size = b"", b"", 0
    while part := sys.stdin.buffer.read(READ):
        size += len(part)
        if size > MOST:
            raise LabError(
                f"more than {MOST >> 20} MiB on standard input",
                "a log that ends",
                "pass the part around the failure: tail -n 10000 FILE | mtls-lab explain",
            )
        room = READ // 2 - len(begin)
        begin += part[:room]
        end = (end + part[room:] if room > 0 else end + part)[-READ // 2 :]
    text = (begin + end).decode("utf-8", "replace")
    if not text.strip():
        raise LabError(
            "nothing on standard input",
            "the text of an error",
            "programs write errors to standard error: add 2>&1 before the |",
        )
    return text


def _must_be_a_file(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        gone = isinstance(error, FileNotFoundError | NotADirectoryError)
        found = f"{path} is not there" if gone else f"{path} cannot be opened"
        raise FileProblem(found, "a file", "check the name and the folder") from None
    if stat.S_ISREG(mode):
        return
    kind = "folder" if stat.S_ISDIR(mode) else "pipe" if stat.S_ISFIFO(mode) else "device or socket"
    raise FileProblem(f"{path} is a {kind}", "a file", "name a file, or write it to one first")


def _folded(told: Explanation) -> str:
    """On a terminal, lines that fit it; else one line for each label, as grep wants it."""
    if not sys.stdout or not sys.stdout.isatty():
        return str(told)
    import shutil  # noqa: PLC0415 - a pipe needs none

    return folded(told, max(NARROW, min(shutil.get_terminal_size().columns, 100)))


def _in_colours(text: str) -> str:
    lines = []
    for line in text.splitlines():
        label, colon, rest = line.partition(":")
        own = colon and label.isalpha()  # a line that goes on begins with blanks
        lines.append(f"{BOLD}{label}:{PLAIN}{rest}" if own else line)
    return "\n".join(lines)

"""The command `mtls-lab explain`: where its text comes from, and how the answer is printed.

Here: standard input with its limits, the colours of a terminal, JSON. Not here: what a line means
(explaining/), and the arguments (parser.py). It loads neither notebooks nor, without files,
cryptography: an answer takes no longer than it must.
"""

from __future__ import annotations

import argparse
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import BinaryIO

from mtls_lab.common import (
    FileProblem,
    LabError,
    Password,
    coloured,
    columns,
    irregular,
    json_text,
    missing,
    typed,
)
from mtls_lab.explaining import Explanation, explain
from mtls_lab.explaining.cards import folded
from mtls_lab.explaining.excerpt import READ, shortened
from mtls_lab.explaining.records import Other, others_in
from mtls_lab.explaining.wording import typed_here

__all__ = ["run"]

#: The exit code where the lab does not know what a line means; 2 is for wrong arguments.
NOT_KNOWN = 1
#: What is read from standard input before it counts as endless (/dev/zero).
MOST = 256 << 20
#: How the name of a log ends; another argument that is no file is a line.
LOGS = {".log", ".txt", ".out", ".err"}
#: So far, bytes that are no text are looked for.
FIRST = 4096
#: Of what else a log says, so many kinds are shown.
SHOWN = 5
BOLD, PLAIN = "\x1b[1m", "\x1b[0m"


def run(options: argparse.Namespace) -> int:
    """Explain a line, a log or what stands on standard input; return 0, or 1 if it is not known.

    Without any of these, the files that are named are looked into.

    Raises:
        LabError: there is nothing to explain, or a file that is named is not there.
    """
    for path in (options.certfile, options.keyfile, options.cafile, options.crlfile):
        if path is not None:
            _must_be_a_file(path)
    named = (options.certfile, options.keyfile, options.cafile, options.crlfile)
    text = _text(options.line, needed=not any(named))
    if not text and any(named):
        from mtls_lab.cli import looking  # noqa: PLC0415 - it loads cryptography

        return looking.run(options, _password(options))
    told = explain(
        text,
        certfile=options.certfile,
        keyfile=options.keyfile,
        cafile=options.cafile,
        peer=options.peer,
        crlfile=options.crlfile,
        password=_password(options),
    )
    if not told.known and "-----BEGIN " in text:
        raise LabError(
            "a certificate, a key or the like, and no error",
            "the text of an error",
            "name such a file with --certfile, --keyfile or --cafile",
        )
    if not told.known and "\ufffd" in text[:FIRST] and re.search(r"[\0-\x08]", text[:FIRST]):
        raise LabError(
            "binary data: a compressed log, a certificate, a keystore or a packet capture",
            "the text of an error",
            f"unpack a log first: zcat FILE | {typed('explain')}; name a certificate with "
            "--certfile, --keyfile or --cafile; look into a capture with tshark -r FILE -Y "
            "tls.alert_message",
        )
    told = replace(told, fix=typed_here(told.fix, "again"))
    others = others_in(text, told.says)
    if options.json:
        shown = asdict(told) | {"others": [asdict(each) for each in others]}
        print(json_text(shown, indent=1))
    else:
        shown_here = "\n".join([_folded(told), *_beside(others)])
        print(_in_colours(shown_here) if coloured() else shown_here)
    return 0 if told.known else NOT_KNOWN


def _password(options: argparse.Namespace) -> Password | None:
    """The password of a file: where one is named; else asked for, if a file is PKCS #12."""
    named = [path for path in (options.certfile, options.keyfile, options.cafile) if path]
    if not options.password_file and not named:
        return None
    from mtls_lab.cli.passwords import password_for  # noqa: PLC0415 - most need none

    return password_for(named, options.password_file)


def _text(words: list[str], *, needed: bool) -> str:
    """The arguments as one line, what is in the file that they name, or on standard input.

    Args:
        words: the arguments.
        needed: whether there is nothing else to look at; otherwise `""` is an answer.

    Raises:
        LabError: there is no text, or the file that is named is not there.
    """
    if len(words) == 1 and (path := _named(words[0])):
        if irregular(path) != "a named pipe":  # explain <(journalctl …)
            _must_be_a_file(path)
        return _of_log(path)
    if words and words != ["-"]:
        return " ".join(words)
    if sys.stdin is None or (sys.stdin.isatty() and not words):
        if not needed:
            return ""
        raise LabError(
            "no line",
            "an error as an argument, or a log on standard input",
            'paste it in quotes: explain "…", or let a program write it: … 2>&1 | mtls-lab explain',
        )
    text = _read(sys.stdin.buffer)
    if text.strip():
        return text
    nothing = "nothing on standard input"
    todo = "programs write errors to standard error: add 2>&1 before the |"
    if needed:
        raise LabError(nothing, "the text of an error", todo)
    if _piped():
        print(f"There was {nothing}, so only the files are looked into ({todo}).", file=sys.stderr)
    return ""


def _of_log(path: Path) -> str:
    try:
        with path.open("rb") as file:
            text = _read(file)
    except OSError as error:
        found = f"{path} cannot be read ({error.strerror})"
        raise FileProblem(found, "a log", "check its owner and mode") from None
    if not text.strip():
        raise FileProblem(f"{path} is empty", "a log", "name the one that the program writes to")
    return text


def _piped() -> bool:
    with suppress(OSError, ValueError):  # it is no file
        return stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode)
    return False


def _named(word: str) -> Path | None:
    """The file that an argument names: one that is there, or looks like a log that is not."""
    path = Path(word)
    try:
        folder = stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return path if path.suffix in LOGS and not re.search(r"\s", word) else None
    except PermissionError:  # it is in a closed folder
        return path
    except (OSError, ValueError):  # too long for a name: it is a line
        return None
    # A word, such as EOF, or nothing, is no log, and the folder of that name is hardly meant.
    return None if folder and path.name == word else path


def _read(file: BinaryIO) -> str:
    """Read a log, of which the end counts as much as the beginning.

    Raises:
        LabError: it does not end.
    """
    return shortened(_parts(file)).decode("utf-8", "replace")


def _parts(file: BinaryIO) -> Iterator[bytes]:
    size = 0
    while part := file.read(READ):
        size += len(part)
        if size > MOST:
            raise LabError(
                f"more than {MOST >> 20} MiB of text",
                "a log that ends",
                "pass the part around the failure: tail -n 10000 FILE | mtls-lab explain",
            )
        yield part


def _must_be_a_file(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        found = f"{path} {missing(path) or 'cannot be opened'}"
        todo = "check the name and the folder"
        if isinstance(error, PermissionError):
            found = f"{path} is in a folder that is closed to this account"
            todo = "ask under the account that owns the file, such as root with sudo"
        raise FileProblem(found, "a file", todo) from None
    if stat.S_ISREG(mode):
        return
    kind = "folder" if stat.S_ISDIR(mode) else "pipe" if stat.S_ISFIFO(mode) else "device or socket"
    raise FileProblem(f"{path} is a {kind}", "a file", "name a file, or write it to one first")


def _folded(told: Explanation) -> str:
    """On a terminal, lines that fit it; else one line for each label, as grep wants it."""
    width = columns(sys.stdout)
    return folded(told, width) if width else str(told)


def _beside(others: list[Other]) -> Iterator[str]:
    """Say what else is in a log, so that nobody takes the line that is told for all of it."""
    for number, other in enumerate(others[:SHOWN]):
        often = f" ({other.count} times)" if other.count > 1 else ""
        yield f"{'Also:' if not number else '':<6} {other.says}{often}"
    if len(others) > SHOWN:
        yield f"{'':<6} and {len(others) - SHOWN} more"


def _in_colours(text: str) -> str:
    lines = []
    for line in text.splitlines():
        label, colon, rest = line.partition(":")
        own = colon and label.isalpha()  # a line that goes on begins with blanks
        lines.append(f"{BOLD}{label}:{PLAIN}{rest}" if own else line)
    return "\n".join(lines)

"""Passwords of files: from another file or a person, never from the command line.

Here: both sources. Not here: what is opened with them (pki/pem.py, net/contexts.py).
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from mtls_lab.common import FileProblem, LabError, Password
from mtls_lab.pki.kinds import read_bounded

__all__ = ["password", "password_for"]

#: OpenSSL reads no longer one (PEM_BUFSIZE).
LONGEST = 1024


def password(prompt: str, file: Path | None, *, twice: bool = False) -> str:
    """Return the first line of a file, or what a person types unseen.

    Args:
        prompt: what is asked.
        file: where it stands; None asks.
        twice: it is a new one, and a slip of the finger would lock its owner out.

    Raises:
        LabError: there is none, the two differ, or nobody can be asked.
    """
    if file is None:
        return _asked(prompt, twice=twice)
    try:
        data = read_bounded(file, "a password")
    except FileProblem as error:
        expected = "a file with the password in its first line"
        raise FileProblem(error.found, expected, "check the name and the folder") from None
    line = data.split(b"\n", 1)[0].removesuffix(b"\r")
    try:
        found = line.decode("utf-8")
    except UnicodeDecodeError:  # another character in its place would be another password
        raise LabError(
            f"{file} begins with a line that is not UTF-8",
            "a password in UTF-8, as every program takes it",
            "save the file as UTF-8; a password of ASCII characters is the same everywhere",
        ) from None
    if not 0 < len(found.encode()) <= LONGEST:
        raise LabError(
            f"{file} begins with {'a very long' if found else 'an empty'} line",
            f"a password of up to {LONGEST} bytes in its first line",
            "put it there",
        )
    return found


def password_for(paths: Iterable[Path | None], files: Sequence[Path]) -> Password | None:
    """Return the passwords in files, or else that of a .p12 or .jks, which is asked for.

    None where there is no such file, or nobody who could be asked: a program may be waiting.
    """
    from mtls_lab.pki.bundles import holds_a_pair  # noqa: PLC0415 - most need none

    if files:
        return [password("", file) for file in files]
    locked = next((path for path in paths if path and holds_a_pair(path)), None)
    if locked is None or sys.stdin is None or not sys.stdin.isatty():
        return None  # it is said of the file what it is
    return password(f"Password of {locked}", None)


def _asked(prompt: str, *, twice: bool) -> str:
    if sys.stdin is None or not sys.stdin.isatty():
        raise LabError(
            "nobody who could type a password",
            "a terminal, or a file with the password",
            "add --password-file FILE",
        )
    try:
        found = getpass.getpass(f"{prompt}: ")
        same = not twice or getpass.getpass("Once more: ") == found
    except EOFError:
        found, same = "", True
    if not found:
        raise LabError("no password", "a password", "type one, or give --password-file FILE")
    if not same:
        raise LabError("two different passwords", "the same one twice", "type it again")
    return found

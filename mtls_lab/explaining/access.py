"""Who may read a key: too many, or not even this account.

Here: modes and owners, as names and words of data/findings.toml. Not here: what is in the file
(held.py).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from mtls_lab.common import printable

__all__ = ["access_to"]


def access_to(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Give whether a key is open to others than its owner, or closed to this account."""
    if os.name == "nt":  # which has no modes
        return
    user = {"user": _user(os.geteuid())}
    try:
        found = path.stat()
    except PermissionError:
        yield "folder closed", user
        return
    except (OSError, ValueError):  # which mistakes_in tells
        return
    if not stat.S_ISREG(found.st_mode):
        return
    words = {"mode": f"{stat.S_IMODE(found.st_mode):04o}", "owner": _user(found.st_uid)}
    # A group that root has given a key to is meant: ssl-cert on Debian, say; libpq has it so too.
    group = found.st_mode & 0o040 and found.st_uid
    if found.st_mode & 0o004 or group:
        whom = "everybody on this machine" if found.st_mode & 0o004 else "its group"
        yield "key open", words | {"whom": whom}
    try:
        os.close(os.open(path, os.O_RDONLY))
    except PermissionError:
        yield "key not readable", words | user
    except OSError:
        return


def _user(number: int) -> str:
    import pwd  # noqa: PLC0415 - not on Windows

    try:
        return printable(pwd.getpwuid(number).pw_name)
    except KeyError:
        return f"user {number}"

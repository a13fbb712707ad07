"""The folder of a kata: made whole, known again by what was written when it was made.

Here: its files and their digests, and whether its certificates have run out. Not here: what a
learner is shown of it (task.py), and the files of a fault (sabotage.py).
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path, PurePosixPath

from mtls_lab.common import FileProblem, private_folder, read_file, read_json, why_of, write_file
from mtls_lab.kata import faults, sabotage
from mtls_lab.pki import pem

__all__ = [
    "DRAWN",
    "SESSIONS",
    "digests",
    "has_expired",
    "listing",
    "made_of",
    "make",
    "put_aside",
    "put_by",
]

#: What was written when the kata was made: by file, its digest. Whatever differs is the learner's.
_MADE = Path(".kata", "made.json")
#: Since then, a backend with a revocation list gives no tickets, and the check steals sessions.
#: A folder of before has the digests alone, and nobody returns to it with a session. All other
#: attacks are tried: what it came with, once repaired, resists them.
SESSIONS = 2
#: Since then, a seed has the fault that faults.drawn gives; before, perhaps another.
DRAWN = 3


def make(target: Path, drawn: tuple[faults.Fault, ...], *, crl: bool) -> None:
    """Make a kata's folder with these faults, which must not be there yet. Raises FileProblem.

    It is made whole under another name first: nobody ever finds half a kata.
    """
    new = target.with_name(f".{target.name}.new")
    shutil.rmtree(new, ignore_errors=True)  # of a process that was killed
    try:
        private_folder(new)
        sabotage.lay_out(new, crl=crl)
        for fault in drawn:
            fault.break_(new)
        made = {"version": DRAWN, "files": digests(new)}
        private_folder((new / _MADE).parent)
        write_file(new / _MADE, json.dumps(made, indent=1) + "\n")
        new.rename(target)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def made_of(folder: Path) -> tuple[int, dict[str, str]]:
    """Read how a folder was made. Raises OSError, ValueError or TypeError if none of ours did."""
    made = dict(read_json(folder / _MADE))
    version = int(made.pop("version", 1))
    return version, dict(made.pop("files", made))


def has_expired(folder: Path) -> bool:
    """Whether a CA of this kata is out of date: no fault is, but a folder of last year.

    False where that cannot be told: the files are the learner's.
    """
    with suppress(FileProblem):
        found = [
            pem.read_certificate(folder / f"ca/{side}_ca.crt") for side in ("client", "server")
        ]
        return min(each.not_valid_after_utc for each in found) < datetime.now(UTC)
    return False


def put_aside(target: Path) -> None:
    """Keep a folder beside its place, which is free then. Raises OSError."""
    names = (target.with_name(f"{target.name}.old{number or ''}") for number in count())
    target.rename(next(path for path in names if not path.exists()))


def put_by(target: Path) -> Iterator[str]:
    """Name the folders that were put aside, and say why, if they tell."""
    for old in sorted(target.parent.glob(f"{target.name}.old*")):
        why = ", whose certificates have expired" if has_expired(old) else ""
        yield f"{old.name}{why}"


def digests(folder: Path) -> dict[str, str]:
    """The files of a kata, and the digest of each. Raises FileProblem."""
    return {
        path.relative_to(folder).as_posix(): _digest(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {".kata", "__pycache__"} & set(path.relative_to(folder).parts)
    }


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(read_file(path)).hexdigest()
    except (OSError, ValueError) as error:
        raise FileProblem(
            f"{path} cannot be read ({why_of(error)})",
            "a file of the kata",
            "change its permissions, or move it away",
        ) from None


def listing(folder: Path) -> Iterator[str]:
    """The files, a line a machine."""
    files = [PurePosixPath(name) for name in digests(folder)]
    width = max((len(str(file.parent)) for file in files), default=0)
    for machine in dict.fromkeys(["ca", "backend", "device", *(str(f.parent) for f in files)]):
        names = [file.name for file in files if str(file.parent) == machine]
        if names:
            yield f"{'' if machine == '.' else machine:<{width}}  {'  '.join(names)}"

"""Folders for a moment, and what a process that was killed has left behind.

Here: the one place where the package makes a temporary folder, often with private keys in it, and
the broom. Not here: how a file is written (files.py).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from mtls_lab.common.files import PathLike, writing

__all__ = ["scratch_folder", "sweep"]

#: A file that was not finished (files.write_file), and a folder or a file of a moment.
_UNFINISHED = r"\..+\.(\d+)-[0-9a-f]{8}\.new"
_SCRATCH = r"mtls-lab-(\d+)-[0-9a-z_]+"
#: In a place with a longer name, that of a socket might be too long: a kernel's has 50 bytes.
_SHORT = 24


@contextmanager
def scratch_folder(*, for_socket: bool = False) -> Iterator[Path]:
    """Yield a private folder for the moment, gone afterwards: also where keys are for a moment.

    Args:
        for_socket: its name has to be short, for that of a Unix socket in it has 107 bytes at most
            (unix(7)): it is in /tmp where the usual place has a long name.

    What a process that was killed left behind, keys among it, goes when the next one asks for a
    folder, or at the next start of the lab (`sweep`).

    Raises:
        FileProblem: there is no room for it.
    """
    import shutil  # noqa: PLC0415 - slow to load, as is tempfile
    import tempfile  # noqa: PLC0415

    with writing("the folder for temporary files"):
        usual = tempfile.gettempdir()  # it writes into each that it might be
    too_long = for_socket and len(os.fsencode(usual)) > _SHORT
    place = _swept("/tmp" if too_long else usual)  # noqa: S108 - mkdtemp makes one in it  # nosec B108
    with writing(place):
        folder = Path(tempfile.mkdtemp(prefix=f"mtls-lab-{os.getpid()}-", dir=place))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@cache
def _swept(folder: str) -> str:
    sweep(folder)
    return folder


def sweep(folder: PathLike) -> None:
    """Take away what killed processes of the lab left unfinished in a folder.

    Only what this user owns, with the lab's own kind of name, and of a process that has ended.
    """
    import shutil  # noqa: PLC0415 - slow to load

    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = re.fullmatch(_UNFINISHED, entry.name) or re.fullmatch(_SCRATCH, entry.name)
            if found and _is_left(entry, int(found[1])):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    with suppress(OSError):
                        os.unlink(entry.path)  # noqa: PTH108


def _is_left(entry: os.DirEntry[str], process: int) -> bool:
    try:
        if hasattr(os, "getuid") and entry.stat(follow_symlinks=False).st_uid != os.getuid():
            return False
    except OSError:
        return False
    if os.name == "nt" or not 0 < process < 1 << 31:  # there, os.kill would end the process
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False

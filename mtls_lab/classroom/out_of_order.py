"""A cell that raises because the cells above it were not run, or not in their order.

Here: the sentences below such an error, when they are said, and which section makes which file. Not
here: the errors that the lab raises on purpose (common/errors.py), and TLS errors that are a
lesson, which no cell lets out.
"""

from __future__ import annotations

import os
import ssl
import sys
from pathlib import Path
from typing import Any

from mtls_lab.common import FileProblem, LabError, PathLike, folder_gone

__all__ = ["HINT", "MADE_IN", "hint", "missing", "watch_cells"]

#: The section of a lesson that makes each file. A test compares it with the notebooks.
MADE_IN = {
    "ca/ca.crt": "section 1 of Part 2",
    "ca/ca.key": "section 1 of Part 2",
    "backend/server.crt": "section 2 of Part 2",
    "backend/server.key": "section 2 of Part 2",
    "device/server_ca.pem": "section 3 of Part 2",
    "device/client.crt": "section 3 of Part 3",
    "device/client.key": "section 3 of Part 3",
    "backend/client_ca.pem": "section 4 of Part 3",
}

HINT = (
    "You changed nothing here? Then a cell above has not run, has run again without those behind"
    " it, or made a file that is gone.\nChoose Run → Run All Above Selected Cell, and run this one"
    " again."
)
#: What comes of that: no such name, no file yet, a certificate for the key of before, a file of
#: another example.
KINDS = (NameError, FileNotFoundError, FileProblem, LabError)


def watch_cells() -> None:
    """Say it below each such error from now on; without IPython, do nothing."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    if shell and _say not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", _say)


def missing(file: PathLike) -> FileProblem:
    """Return what is said of a file that is not there: which section makes it, if a lesson does.

    If the folder that they are in was deleted, that is said.

    Example:
        >>> print(missing("backend/client_ca.pem"))
        Found:    no file backend/client_ca.pem
        Expected: the file that section 4 of Part 3 makes
        To do:    choose Run → Run All Above Selected Cell, then run this cell again
    """
    if gone := folder_gone():
        return gone
    section = MADE_IN.get(Path(file).as_posix())
    return FileProblem(
        f"no file {os.fspath(file)}",
        f"the file that {section} makes" if section else "a file of that name",
        "choose Run → Run All Above Selected Cell, then run this cell again"
        if section
        else "check the name, then run this cell again",
    )


def hint(error: BaseException | None) -> str:
    """Return what is said below an error of a learner's cell; an empty text below most.

    Example:
        >>> hint(ZeroDivisionError())
        ''
    """
    if type(error) not in KINDS and not isinstance(error, ssl.SSLError):
        return ""
    if gone := folder_gone():  # no cell helps
        return "" if str(error) == str(gone) else str(gone)
    cause = error.__context__ if isinstance(error, FileProblem) else None
    if isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError):
        return ""  # a full disk, say: the message has all
    if isinstance(error, FileNotFoundError):
        from mtls_lab.explaining.calls import unopened  # noqa: PLC0415 - an error is rare

        if file := unopened(error)[1].get("file"):
            return f"{_absent(Path(file))}.\n{HINT}"
    return HINT


def _absent(file: Path) -> str:
    """Name the folder, if it is that which is not there, or else the file; and who makes it."""
    folder = file.parent.as_posix()
    if not file.parent.exists() and any(folder == Path(each).parent.as_posix() for each in MADE_IN):
        return f"No folder {folder}: the first cell of the notebook makes it"
    section = MADE_IN.get(file.as_posix())
    return f"No file {file}: {section} makes it" if section else f"No file {file}"


def _say(result: Any) -> None:
    if said := hint(result.error_in_exec):
        print(said)

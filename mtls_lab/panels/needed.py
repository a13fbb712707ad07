"""The files that panels read, and the section of a lesson that makes each of them.

Here: one check, before a panel reads. Not here: reading (pki/), or showing the error (base.py).
"""

from __future__ import annotations

import os
from pathlib import Path

from mtls_lab.errors import FileProblem
from mtls_lab.files import PathLike

__all__ = ["MADE_IN", "need"]

#: A test compares it with the notebooks.
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


def need(*files: PathLike) -> None:
    """Make sure that each of the files is there.

    Raises:
        FileProblem: the first that is missing, and where it is made.

    Example:
        >>> need("backend/client_ca.pem")
        Traceback (most recent call last):
        mtls_lab.errors.FileProblem: Found:    no file backend/client_ca.pem
        Expected: the file that section 4 of Part 3 makes
        To do:    run the lesson up to there, then use this panel again
    """
    for each in files:
        file = os.fspath(each)
        if not Path(file).exists():
            section = MADE_IN.get(Path(file).as_posix())
            raise FileProblem(
                f"no file {file}",
                f"the file that {section} makes" if section else "a file of that name",
                "run the lesson up to there, then use this panel again"
                if section
                else "check the name, then run this cell again",
            )

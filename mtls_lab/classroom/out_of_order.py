"""A cell that raises because the cells above it were not run, or not in their order.

Here: the sentence below such an error, and when it is said. Not here: the errors that the lab
raises on purpose (errors.py), and TLS errors that are a lesson, which no cell lets out.
"""

from __future__ import annotations

import ssl
import sys
from typing import Any

from mtls_lab.errors import FileProblem, LabError

__all__ = ["HINT", "watch_cells"]

HINT = (
    "You did not write the line that raised this? Then a cell above has not run, or has run again"
    " without those behind it.\nChoose Run → Run All Above Selected Cell, and run this one again."
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


def _say(result: Any) -> None:
    error = result.error_in_exec
    if type(error) in KINDS or isinstance(error, ssl.SSLError):
        print(HINT)

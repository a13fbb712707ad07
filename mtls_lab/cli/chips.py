"""The arguments of `mtls-lab tpm`, and those with which other commands name a TPM.

Here: what may be typed. Not here: what the command does (tpm.py), and which TPM a key is made or
used in (sealed.py).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

__all__ = ["FOLDER", "add_to", "named"]

#: Where a software TPM is, as in notebook 4; in JupyterLab's terminals it is that notebook's.
FOLDER = Path("tpm")
CODES = """\
The TPM runs in the background, for every terminal, until it is stopped. Its folder is all of it:
whoever copies that has the TPM. So it is for practice; a chip cannot be copied.

Where none runs, ask and certs use the TPM of this machine, {device}, if it has one. (That
follows the specification; nobody has tried it on a real TPM yet.)

Exit codes:
  0  done, or there was nothing to do; status: a TPM answers
  1  status: no TPM answers
  2  wrong arguments, no swtpm, or a folder or TPM with which it cannot be done"""


def add_to(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the command to a parser, with `add` of parser.py."""
    command = add(
        "tpm",
        "start, stop or look at the software TPM in which keys can be kept (Linux)",
        *("tpm start", "tpm status --json", "tpm stop", "tpm unlock"),
        notes=CODES.format(device="/dev/tpmrm0"),
    )
    command.add_argument(
        "action",
        choices=("start", "stop", "status", "unlock"),
        help="unlock: make it forget the wrong PINs that have locked it",
    )
    command.add_argument(
        "folder",
        metavar="FOLDER",
        nargs="?",
        type=Path,
        default=FOLDER,
        help=f"where its state is (default: ./{FOLDER})",
    )
    command.add_argument("--json", action="store_true", help="one JSON object, for a program")


def named(parser: argparse.ArgumentParser, told: str) -> None:
    """Add the option that names the folder of a running TPM."""
    parser.add_argument(
        "--tpm-folder",
        metavar="FOLDER",
        type=Path,
        help=f"{told} (default: what TPM2OPENSSL_TCTI names, the one that runs in ./{FOLDER}, or "
        "that of this machine)",
    )

"""The command `mtls-lab`: starts the lab in a learner's folder, and examines a machine.

Here: arguments, messages for a terminal, exit codes. Not here: what the folder holds
(workspace.py).
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from mtls_lab import workspace
from mtls_lab.doctor import Level, examine
from mtls_lab.errors import LabError, ToolMissing

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0, or 2 with one clear message."""
    parser = argparse.ArgumentParser(prog="mtls-lab", description="Learn mutual TLS by doing it.")
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser(
        "start", help="put the notebooks into a folder of your own and open JupyterLab there"
    )
    start.add_argument("folder", nargs="?", default="lab", help="your folder (default: ./lab)")
    start.add_argument("--no-browser", action="store_true", help="print the address, open nothing")
    start.add_argument("--port", type=int, help="the port of JupyterLab (default: a free one)")
    start.add_argument(
        "--prepare", action="store_true", help="only make the folder, do not start JupyterLab"
    )
    doctor = commands.add_parser("doctor", help="check whether this machine is ready for the lab")
    doctor.add_argument("folder", nargs="?", default="lab", help="your folder (default: ./lab)")
    options = parser.parse_args(arguments)
    try:
        return _doctor(options) if options.command == "doctor" else _start(options)
    except LabError as error:
        print(f"mtls-lab: this did not work.\n{error}", file=sys.stderr)
        return 2


def _start(options: argparse.Namespace) -> int:
    folder = Path(options.folder)
    for notebook in workspace.unpack(folder):
        name = notebook.path.name
        if notebook.beside:
            print(f"{name}: yours is kept; the project's newer one is {notebook.beside.name}")
        else:
            print(f"{name}: {'as you left it' if notebook.kept else 'ready'}")
    print(f"Your folder: {folder}", flush=True)
    if options.prepare:
        return 0
    if importlib.util.find_spec("jupyterlab") is None:
        raise ToolMissing(
            "no JupyterLab in this Python",
            "the packages that environment.yml lists",
            "install the project: pip install .",
        )
    command = [
        sys.executable,
        *("-m", "jupyterlab"),
        f"--ServerApp.root_dir={folder.resolve()}",
        f"--LabApp.default_url=/lab/tree/{workspace.notebooks()[0].name}",
        # A class of 30 without internet: nothing is asked of the outside, nothing pops up.
        "--LabApp.extension_manager=readonly",
        "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
        "--LabApp.news_url=",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container, root is who one is
    if options.no_browser:
        command.append("--no-browser")
    if options.port is not None:
        command += [f"--ServerApp.port={options.port}", "--ServerApp.port_retries=0"]
    if os.name == "posix":  # become JupyterLab: whoever ends this process ends that one
        os.execv(sys.executable, command)  # noqa: S606 - without a shell, as meant
    try:
        return subprocess.call(command)
    except KeyboardInterrupt:
        return 0  # Ctrl-C is how one leaves


def _doctor(options: argparse.Namespace) -> int:
    levels = []
    for finding in examine(options.folder):
        print(finding, flush=True)
        levels.append(finding.level)
    return 2 if Level.FAILURE in levels else 0


if __name__ == "__main__":
    raise SystemExit(main())

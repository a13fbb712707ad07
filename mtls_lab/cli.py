"""The command `mtls-lab`: the lab in a learner's folder, and what a teacher needs around it.

Here: arguments, messages for a terminal, exit codes. Not here: what the folder holds
(learner/workspace.py, learner/notebooks.py), what a machine needs (classroom/doctor.py), how far
a learner is (classroom/).
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from mtls_lab import kata
from mtls_lab.classroom import class_report, examine, export, read_export, report
from mtls_lab.classroom.doctor import Level
from mtls_lab.errors import LabError, ToolMissing
from mtls_lab.facts import resource_folder
from mtls_lab.learner import notebooks as unpacking

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0, or 2 with one clear message."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except LabError as error:
        print(f"mtls-lab: this did not work.\n{error}", file=sys.stderr)
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mtls-lab", description="Learn mutual TLS by doing it.")
    commands = parser.add_subparsers(dest="command", required=True)

    start = commands.add_parser(
        "start", help="put the notebooks into a folder of your own and open JupyterLab there"
    )
    start.set_defaults(run=_start)
    _folder(start)
    start.add_argument("--no-browser", action="store_true", help="print the address, open nothing")
    start.add_argument("--port", type=int, help="the port of JupyterLab (default: a free one)")
    start.add_argument(
        "--prepare", action="store_true", help="only make the folder, do not start JupyterLab"
    )

    doctor = commands.add_parser("doctor", help="check whether this machine is ready for the lab")
    doctor.set_defaults(run=_doctor)
    _folder(doctor)

    reset = commands.add_parser(
        "reset", help="put the notebooks of a part back as they were; yours are kept beside them"
    )
    reset.set_defaults(run=_reset)
    reset.add_argument("what", metavar="PART", help="a part, such as 3, or the name of a notebook")
    _folder(reset)

    progress = commands.add_parser("progress", help="say how far you are")
    progress.set_defaults(run=_progress)
    _folder(progress)

    export = commands.add_parser("export", help="write how far you are to a file for your teacher")
    export.set_defaults(run=_export)
    export.add_argument("name", help="how your teacher knows you")
    _folder(export)

    group = commands.add_parser("class", help="for a teacher: how far a class is")
    group.set_defaults(run=_class)
    group.add_argument("files", nargs="+", type=Path, help="the files that the learners exported")

    key = commands.add_parser("key", help="for a teacher: what is broken in a kata, and its repair")
    key.set_defaults(run=_key)
    key.add_argument("seed", help="what the learner gave to Kata.create")
    key.add_argument("--level", type=int, default=1, help="1, 2 or 3 (default: 1)")
    return parser


def _folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", nargs="?", default="lab", type=Path, help="your folder (default: ./lab)"
    )


def _start(options: argparse.Namespace) -> int:
    folder: Path = options.folder
    for notebook in unpacking.unpack(folder):
        name = notebook.path.name
        if notebook.beside:
            print(f"{name}: yours is kept; the project's newer one is {notebook.beside.name}")
        else:
            print(f"{name}: {'as you left it' if notebook.kept else 'ready'}")
    print(report(folder))
    print(f"Your folder: {folder}")
    print(
        "To go on where you stopped: Run → Restart Kernel and Run All Cells, in any notebook. What "
        "you wrote and predicted is kept.",
        flush=True,
    )
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
        f"--LabApp.default_url=/lab/tree/{unpacking.latest(folder).name}",
        # Which notebooks were open is remembered here, and not for every JupyterLab of this person.
        f"--LabApp.workspaces_dir={folder.resolve() / '.jupyter' / 'workspaces'}",
        f"--LabApp.app_settings_dir={resource_folder('data') / 'jupyterlab'}",
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


def _reset(options: argparse.Namespace) -> int:
    for each in unpacking.reset(options.folder, options.what):
        kept = f"; yours is now {each.old.name}" if each.old else ""
        print(f"{each.path.name}: as the project has it{kept}")
    print("A notebook that is open in JupyterLab: close it without saving, and open it again.")
    return 0


def _progress(options: argparse.Namespace) -> int:
    print(report(options.folder))
    return 0


def _export(options: argparse.Namespace) -> int:
    print(f"Hand in this file: {export(options.name, options.folder)}")
    return 0


def _class(options: argparse.Namespace) -> int:
    handed_in, damaged = [], []
    for path in options.files:
        try:
            handed_in.append(read_export(path))
        except LabError as error:  # the others count all the same
            damaged.append(error)
    print(class_report(handed_in))
    for problem in damaged:
        print(f"mtls-lab: this file is left out.\n{problem}", file=sys.stderr)
    return 2 if damaged else 0


def _key(options: argparse.Namespace) -> int:
    print(kata.kata_key(options.seed, options.level))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

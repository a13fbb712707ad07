"""What each command of `mtls-lab` does, and prints.

Here: the words in a terminal. Not here: arguments (parser.py), exit codes and the doctor
(arguments.py), the commands that have a module (ALONE there), JupyterLab (jupyter.py), what the
folder holds (learner/), how far a learner is (classroom/).
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from mtls_lab import kata
from mtls_lab.classroom import class_report, collected, export, once_each, read_export, report
from mtls_lab.cli.home import must_have_room
from mtls_lab.common import LabError, NotInWorkspace, ToolMissing, sweep, typed
from mtls_lab.learner import notebooks as unpacking
from mtls_lab.learner import progress, reviews

__all__ = ["RUN"]

#: Each of them is set in the terminals of a JupyterLab or of a JupyterHub.
INSIDE = ("JUPYTERHUB_SERVICE_PREFIX", "JUPYTER_SERVER_URL")


def _start(options: argparse.Namespace) -> int:
    folder: Path = options.folder
    notebooks = unpacking.unpack(folder)
    sweep(tempfile.gettempdir())
    for notebook in notebooks:
        name = notebook.path.name
        if notebook.damaged:
            print(_damaged(notebook))
        if notebook.beside:
            print(f"{name}: yours is kept; the project's newer one is {notebook.beside.name}")
        elif not notebook.damaged:
            print(f"{name}: {'as you left it' if notebook.kept else 'ready'}")
    print(report(folder))
    if due := reviews.due(progress.read(folder), progress.today()):
        print(f"Predictions due for a review: {len(due)} ({typed('review')})")
    print(f"Your folder: {folder}")
    if any(notebook.kept for notebook in notebooks):
        print(
            "To go on where you stopped: Run → Restart Kernel and Run All Cells, in any notebook. "
            "What you wrote and predicted is kept."
        )
    if options.prepare:
        return 0
    first = unpacking.latest(folder).name
    if options.port is None and any(name in os.environ for name in INSIDE):
        print(_where_it_is(folder, first))
        return 0
    if importlib.util.find_spec("jupyterlab") is None:
        raise ToolMissing(
            "no JupyterLab in this Python",
            "the packages that environment.yml lists",
            f"see what is missing, and how to get it: {typed('doctor')}",
        )
    must_have_room()
    where = "at the address below" if options.no_browser else "in your browser"
    print(f"JupyterLab opens {where}. To stop it: Ctrl-C in this terminal.", flush=True)
    jupyter = importlib.import_module("mtls_lab.cli.jupyter")  # seconds, and for this command only
    jupyter.open_outline(folder)
    chosen = jupyter.options(
        folder, first, browser=not options.no_browser, port=options.port, big=options.big
    )
    jupyter.run(chosen)
    return 0


def _damaged(notebook: unpacking.Unpacked) -> str:
    """Say what can be done about a notebook that was cut off or overwritten."""
    name = notebook.path.name
    text = f"{name}: damaged, not a whole notebook any more; it is left as it is."
    if copy := notebook.checkpoint:
        text += f" JupyterLab kept an earlier copy: {copy.relative_to(notebook.path.parent)}."
    return f"{text} To begin it again: {typed(f'reset {notebook.path.stem}')}"


def _where_it_is(folder: Path, first: str) -> str:
    """Say how a folder is reached in the JupyterLab whose terminal this is."""
    root = os.environ.get("JUPYTER_SERVER_ROOT")
    shown = folder.resolve()
    if root and shown.is_relative_to(Path(root).resolve()):
        shown = shown.relative_to(Path(root).resolve())
        todo = f"open {shown / first} in the file browser on the left"
    else:
        todo = f"open {first} in this folder, in the file browser on the left: {shown}"
        if root:
            todo += f"\nThe file browser shows what is below {root}: choose a folder there."
    return (
        f"You are in a JupyterLab already, so no second one is started: {todo}\n"
        "With --port, one is started all the same; on a hub, you cannot reach it."
    )


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
    try:
        path = export(options.name, options.folder)
    except NotInWorkspace as problem:
        if options.folder.exists():
            raise
        whole = f"{options.name} {options.folder}"
        todo = f'{problem.todo}; a name with a blank wants quotes: {typed("export")} "{whole}"'
        raise NotInWorkspace(problem.found, problem.expected, todo) from None
    print(f"Hand in this file: {path}")
    return 0


#: So many files are named that are no hand-in.
MOST = 9


def _class(options: argparse.Namespace) -> int:
    handed_in, damaged = [], []
    files, others = collected(options.files)
    for path in files:
        try:
            handed_in.append(read_export(path))
        except LabError as error:  # the others count all the same
            damaged.append(error)
    handed_in, again = once_each(handed_in)
    if handed_in:
        print(class_report(handed_in))
    if again:
        print(f"Handed in more than once, the last counts: {', '.join(again)}", file=sys.stderr)
    if handed_in and others:
        more = f" and {len(others) - MOST:,} more" if len(others) > MOST else ""
        print(f"Passed over: {', '.join(others[:MOST])}{more}", file=sys.stderr)
    for problem in damaged:
        print(f"mtls-lab: this file is left out.\n{problem}", file=sys.stderr)
    return 2 if damaged else 0


def _key(options: argparse.Namespace) -> int:
    print(kata.kata_key(options.seed, options.level))
    return 0


#: By the name on the command line.
RUN: dict[str, Callable[[argparse.Namespace], int]] = {
    "start": _start,
    "reset": _reset,
    "progress": _progress,
    "export": _export,
    "class": _class,
    "key": _key,
}

"""The folder in which a program runs: its files, on free ports, and the certificates beside them.

Here: what is copied, changed and built. Not here: running it (running.py), and what its files are
(programs.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from mtls_lab.common import FileProblem, read_file, why_of, write_file
from mtls_lab.stacks.programs import Program, source
from mtls_lab.stacks.running import on_ports, prepare

__all__ = ["copy_file", "lay_out"]

#: What is copied beside a program's own files, and the bytes that one of them may have.
FILES = ("*.crt", "*.key", "*.pem")
LARGEST = 1 << 20


def lay_out(program: Program, folder: Path, ports: Mapping[int, int], leave_out: str = "") -> None:
    """Copy a program's files, and the certificates beside them, and run what it builds with.

    Where that was done before, it writes its files again, and builds what has changed.

    Args:
        program: which.
        folder: where.
        ports: by the port that its files name, the one that it gets.
        leave_out: lines that match this pattern are left out.
    """
    for pattern in FILES:
        for path in Path(program.folder).glob(pattern):
            copy_file(path, folder / path.name)
    changed, built = set(), any((folder / path.name).exists() for path in program.paths)
    for path in program.paths:
        lines = source(path).splitlines()
        kept = [line for line in lines if not (leave_out and re.search(leave_out, line))]
        if not built or kept != lines:
            (folder / path.name).write_text(on_ports("\n".join(kept) + "\n", ports), "utf-8")
            changed.add(path.name)
    for name, text in program.beside.items():
        (folder / name).write_text(text, "utf-8")
    for command in program.build:
        if not built or changed & set(command.split()):
            prepare(command, folder)


def copy_file(path: Path, target: Path) -> None:
    """Copy a certificate or a key, with its mode. Raises FileProblem."""
    try:
        data, mode = read_file(path, most=LARGEST), path.stat().st_mode & 0o777
    except (OSError, ValueError) as error:
        raise FileProblem(
            f"{path} cannot be read ({why_of(error)})",
            "a certificate or a key, as its name says",
            "move it away, or write it again",
        ) from None
    write_file(target, data, mode=mode)

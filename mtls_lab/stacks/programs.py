"""A program as a value: its command, the files that a notebook wrote for it, what it is missing.

Here: what is known before anything runs. Not here: running it (running.py).
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from mtls_lab.common import FileProblem, installing, read_facts, read_file

__all__ = ["ADDED", "Program", "found", "how_to_get", "source"]

#: Where programs are that Debian does not put on everybody's PATH.
PLACES = ("/usr/sbin", "/usr/lib/postgresql/*/bin")
#: Options of a JVM that ends in a second or two: no compiler and no collector that pay off later.
_BRIEF = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
#: What is added to a command; nothing that it prints depends on it.
ADDED = {"java": _BRIEF} | dict.fromkeys(("javac", "keytool"), tuple(f"-J{o}" for o in _BRIEF))


@dataclass(frozen=True)
class Program:
    """A server or a client of some stack.

    Attributes:
        name: what it is called beside its words.
        command: as it is typed in the folder of its files; `python` is this Python.
        files: its configuration or source, such as `backend/app.py`; the first decides the folder.
            All certificates and keys of that folder are beside it when it runs.
        listens: a server's port as its configuration has it, or the name of its socket. It runs
            on another port, which is free.
        before: commands that prepare each run, such as one that converts a key.
        build: commands that prepare all runs, such as a compiler.
        environment: variables that it gets, beside the few that it needs.

    Of `files`, `before` and `build`, a single one may be a text.

    Example:
        >>> curl = Program("curl", "curl --config curlrc", "device/curlrc")
        >>> curl.folder
        'device'
        >>> Program("none", "no-such-program --help").missing()
        ['no-such-program']
    """

    name: str
    command: str
    files: str | tuple[str, ...] = ()
    listens: int | str | None = None
    before: str | tuple[str, ...] = ()
    build: str | tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """A text would be a file or a command for each of its characters."""
        for name in ("files", "before", "build"):
            if isinstance(one := getattr(self, name), str):
                object.__setattr__(self, name, (one,))

    @property
    def paths(self) -> tuple[Path, ...]:
        """Its files."""
        return tuple(map(Path, self.files))

    @property
    def folder(self) -> str:
        """The folder in which it is typed."""
        return str(self.paths[0].parent) if self.paths else os.curdir

    def missing(self) -> list[str]:
        """Return what is not installed: programs, and packages that its Python files import.

        Raises:
            FileProblem: one of its files is not there.
        """
        names = [shlex.split(each)[0] for each in (self.command, *self.before, *self.build)]
        missing = [name for name in dict.fromkeys(names) if not found(name)]
        return missing + [name for name in self._imports() if find_spec(name) is None]

    @property
    def beside(self) -> dict[str, str]:
        """Files of the lab's own that its command names, and what is in them."""
        known = read_facts("stacks")["beside"]
        return {name: text for name, text in known.items() if name in shlex.split(self.command)}

    def words(self, lines: Iterable[str]) -> list[str]:
        """Return what is worth reading of lines that it wrote; data/stacks.toml says what is.

        Example:
            >>> page = ["<head><title>400 No certificate</title></head>", "<hr>", "curl: (22) 400"]
            >>> Program("curl", "curl").words(page)
            ['400 No certificate', 'curl: (22) 400']
        """
        worth = read_facts("stacks")["worth_reading"].get(self.name, r"\S")
        found = (re.search(worth, line) for line in lines)
        return [each[each.lastindex] if each.lastindex else each.string for each in found if each]

    def _imports(self) -> list[str]:
        names = dict.fromkeys(name for path in self.paths for name in imported(path))
        local = {path.stem for path in self.paths}
        return [name for name in names if name not in local]


def imported(path: Path) -> Iterator[str]:
    """Yield the packages that a program's file imports, if it is Python. Raises FileProblem."""
    text = source(path)
    if path.suffix != ".py":
        return
    try:
        parsed = ast.parse(text)
    except (SyntaxError, ValueError):
        return  # the program says it itself, with the line
    for node in ast.walk(parsed):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def source(path: Path) -> str:
    """Return the text of a program's file. Raises FileProblem."""
    try:
        return read_file(path).decode("utf-8")
    except (OSError, ValueError) as error:
        raise FileProblem(
            f"{path} cannot be read",
            "the file that a cell above writes, with %%writefile",
            "run that cell, then this one",
        ) from error


@cache
def _folders() -> str:
    places = [str(each) for place in PLACES for each in Path("/").glob(place.lstrip("/"))]
    return os.pathsep.join([os.environ.get("PATH", os.defpath), *places])


def found(name: str) -> str | None:
    """Return the path of a program, `python` being this one, or None."""
    if name == "python":
        return sys.executable
    if name.startswith("./"):  # which a compiler makes
        return name
    return shutil.which(name, path=_folders())


def how_to_get(names: list[str]) -> str:
    """Return one line: what is missing, and the commands that bring it.

    Example:
        >>> print(how_to_get(["nginx", "openssl"]))
        Skipped: nginx and openssl are missing. To install them: apt install nginx-light openssl
    """
    facts = read_facts("stacks")
    debian = dict.fromkeys(facts["debian"][name] for name in names if name in facts["debian"])
    packages = dict.fromkeys(facts["pip"][name] for name in names if name in facts["pip"])
    commands = [f"apt install {' '.join(debian)}"] if debian else []
    commands += [installing(*packages)] if packages else []
    *first, last = names
    text = f"{', '.join(first)} and {last} are" if first else f"{last} is"
    how = f" To install {'them' if first else 'it'}: {'; '.join(commands)}" if commands else ""
    return f"Skipped: {text} missing.{how}"

"""What the lab needs beside Python: packages that load, a kernel of this Python, openssl.

Here: a `Finding`, and the checks that start another process, for a package is loaded as the
notebooks will load it. Not here: the machine's other checks, and their order (doctor.py).
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import site
import ssl
import subprocess
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from mtls_lab.common import installing, python

__all__ = [
    "ANSWERING",
    "LOADING",
    "OLDEST_OPENSSL",
    "Finding",
    "Level",
    "kernel",
    "openssl_program",
    "package",
    "run",
    "version",
    "versions",
]

#: TLS 1.3 needs 1.1.1; the outcomes in the notebooks were measured with 3.0.
OLDEST_OPENSSL = (3, 0)
#: JupyterLab takes five seconds on a slow and busy laptop.
LOADING = 60
#: `openssl version` takes milliseconds. A program that hangs does not hold up the others.
ANSWERING = 5
#: A program that ends at once, for to take JupyterLab apart again takes a fifth of its time.
LOAD = """
import importlib, importlib.util, os, sys
name, *modules = sys.argv[1:]
spec = importlib.util.find_spec(name)
print(spec.origin if spec else None)
try:
    for module in modules:
        importlib.import_module(module)
finally:
    for module in list(sys.modules.values()):
        print(getattr(module, "__file__", None) or "")
sys.stdout.flush()
os._exit(0)
"""
KERNEL = """
from jupyter_client.kernelspec import get_kernel_spec
spec = get_kernel_spec("python3")
print(spec.argv[0], spec.resource_dir, sep="\\n")
"""


class Level(Enum):
    """How a check ended: fine, fine without it, works with a limit, or the lab does not work."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check.

    Attributes:
        name: what was checked.
        level: how it ended.
        found: what was found.
        cure: what to do about it; empty if nothing needs doing.
    """

    name: str
    level: Level
    found: str
    cure: str = ""

    def __str__(self) -> str:
        signs = {Level.OK: "✓", Level.NOTE: "–", Level.WARNING: "!", Level.FAILURE: "✗"}
        sign = signs[self.level]
        cure = f"\n{'':<24}-> {self.cure}" if self.cure else ""
        return f"{sign} {self.level.value:<8} {self.name:<13} {self.found}{cure}"


def version(name: str) -> str:
    """Return the version of an installed package, or an empty text."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def versions() -> str:
    """Return what `mtls-lab --version` prints."""
    own = version("mtls-lab") or "(not installed)"
    return f"mtls-lab {own}, Python {platform.python_version()}, {ssl.OPENSSL_VERSION}"


def run(
    command: list[str], seconds: float, *, cwd: Path | None = None, check: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, and keep what it says. Raises what `subprocess.run` raises."""
    return subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds,
        check=check,
    )


def package(name: str, *modules: str, folder: Path | None = None) -> Finding:
    """Load modules that need a package, in a process of their own.

    Args:
        name: the package, as it is imported and installed.
        modules: what is loaded.
        folder: where the process runs, as a kernel does: a file in it may hide a package.
    """
    here = folder if folder and folder.is_dir() else None
    command = [sys.executable, *([] if here else ["-P"]), "-c", LOAD, name, *modules]
    loaded = run(command, LOADING, cwd=here)
    if loaded.returncode == 0:
        return Finding(name, Level.OK, version(name) or "loads")
    files, error = loaded.stdout.splitlines(), _said_last(loaded)
    if files[:1] == ["None"]:
        return Finding(name, Level.FAILURE, "not in this Python", _install(name))
    found = f"does not load: {error}"
    if "'mtls_lab" in error:
        cure = f"install the project itself, in its folder: {python()} -m pip install ."
    elif stranger := _stranger(files):
        found += f" ({stranger})"
        cure = "this file hides a package of that name: rename it, or take it off PYTHONPATH"
    else:
        cure = _install(name, again=True)
    return Finding(name, Level.FAILURE, found, cure)


def _stranger(files: list[str]) -> str | None:
    """Return the first file that belongs neither to this Python nor to the lab, or None."""
    lab = Path(__file__).parents[1]
    places = (lab, sys.prefix, sys.base_prefix, site.getusersitepackages())
    ours = [Path(each).resolve() for each in places]
    # Debian's own sitecustomize.py is a link out of its Python, into /etc.
    return next(
        (
            file
            for file in files
            if Path(file).is_absolute()
            and not any(
                path.is_relative_to(each)
                for path in (Path(file), Path(file).resolve())
                for each in ours
            )
        ),
        None,
    )


def _install(name: str, *, again: bool = False) -> str:
    """Return the command that installs a package here, in the versions that the lab allows."""
    try:
        required = importlib.metadata.requires("mtls-lab") or []
    except importlib.metadata.PackageNotFoundError:
        required = []
    wanted = next((each for each in required if re.match(rf"{name}\b", each)), name)
    return installing(wanted, again=again)


def kernel() -> Finding:
    """Find out which Python runs the notebooks: a `python3` of another one hides this one's."""
    asked = run([sys.executable, "-P", "-c", KERNEL], LOADING)
    if asked.returncode:
        cure = _install("jupyterlab", again=True)
        return Finding("kernel", Level.FAILURE, _said_last(asked), cure)
    program, folder = asked.stdout.splitlines()
    # jupyter_client puts the Python that it runs in where a bare name stands.
    if os.sep not in program or _same(program, sys.executable):
        return Finding("kernel", Level.OK, "this Python runs the notebooks")
    found = f"{folder} runs the notebooks with {program}"
    cure = f"let this Python do it: {python()} -m jupyter kernelspec remove -f python3"
    return Finding("kernel", Level.FAILURE, found, cure)


def _said_last(done: subprocess.CompletedProcess[str]) -> str:
    """The last line of what a process wrote about its end: one that was killed wrote none."""
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]


def _same(one: str, other: str) -> bool:
    """Whether two paths lead to a Python with the same packages: a venv's is often a link."""
    return Path(one).parent.resolve() == Path(other).parent.resolve() and Path(one).exists()


def openssl_program() -> Finding:
    """Ask the openssl program for its version. It is optional: no failure."""
    optional = "optional, for a second opinion in Parts 2 and 3"
    program = shutil.which("openssl")
    if program is None:
        cure = f"{optional}; apt or brew or conda install openssl"
        return Finding("openssl", Level.WARNING, "no openssl program", cure)
    try:
        asked = run([program, "version"], ANSWERING, check=True)
    except subprocess.TimeoutExpired:
        why = f"no answer in {ANSWERING} s"
    except (OSError, subprocess.CalledProcessError) as error:
        code = getattr(error, "returncode", None)
        why = str(error) if code is None else f"exit code {code}"
    else:
        answer = asked.stdout.split("(")[0].strip()
        release = re.match(r"OpenSSL (\d+)\.", answer)
        if release and int(release[1]) >= OLDEST_OPENSSL[0]:
            return Finding("openssl", Level.OK, answer)
        cure = f"{optional}; the commands there are for OpenSSL 3.0 or newer"
        return Finding("openssl", Level.WARNING, answer or "an openssl without a version", cure)
    cure = f"{optional}; repair or remove this program"
    return Finding("openssl", Level.WARNING, f"{program} does not work ({why})", cure)

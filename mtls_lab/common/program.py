"""How `mtls-lab` is typed here: what a message recommends works where the message is read.

Here: the one name of the program and of this Python, how a package gets into it, where another
process of it finds this one, and how wide and colourful its output may be. Not here: what the
program does (cli/).
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TextIO

__all__ = ["coloured", "columns", "installing", "package_path", "python", "scripts", "typed"]

NAME = "mtls-lab"


def scripts() -> Path:
    """Return the folder of this Python's programs, such as `.venv/bin`."""
    import sysconfig  # noqa: PLC0415 - slow to load

    return Path(sysconfig.get_path("scripts"))


def typed(arguments: str = "") -> str:
    """Return `mtls-lab ARGUMENTS` as it works in the current folder.

    That is the bare name where the PATH leads to this very program; else the path of the
    program, such as `.venv/bin/mtls-lab`; else, where none is installed, this Python with `-m`.

    Example:
        >>> typed("reset 2").endswith(" reset 2")
        True
    """
    return f"{_program()} {arguments}".rstrip()


def python() -> str:
    """Return this Python as it is typed in the current folder, such as `.venv/bin/python`."""
    return _shown(Path(sys.executable))


def installing(*packages: str, again: bool = False) -> str:
    """Return the command that installs packages into this Python; a venv of uv's has no pip.

    Example:
        >>> installing("uvicorn").endswith(' "uvicorn"')
        True
    """
    from importlib.util import find_spec  # noqa: PLC0415 - slow to load
    from shutil import which  # noqa: PLC0415 - slow to load

    wanted = " ".join(f'"{each}"' for each in packages)
    if find_spec("pip") is not None:
        return f"{python()} -m pip install {'--force-reinstall ' * again}{wanted}"
    if which("uv"):
        return f"uv pip install {'--reinstall ' * again}--python {python()} {wanted}"
    return f"{python()} -m ensurepip, and then {python()} -m pip install {wanted}"


def package_path() -> str:
    """Return PYTHONPATH for a process that shall find this package, installed or not."""
    mine = str(Path(__file__).parents[1])
    return os.pathsep.join(filter(None, [mine, os.environ.get("PYTHONPATH")]))


def _program() -> str:
    file = f"{NAME}.exe" if os.name == "nt" else NAME
    running = Path(sys.argv[0])  # most often this is it, and nothing has to be looked up
    own = running.absolute() if running.name == NAME else scripts() / file
    if not own.is_file():
        return f"{python()} -m mtls_lab"
    # shutil.which would load every decompressor.
    on_path = (Path(folder) / file for folder in os.get_exec_path() if folder)
    first = next((each for each in on_path if os.access(each, os.X_OK)), None)
    return NAME if first and own.samefile(first) else _shown(own)


def _shown(path: Path) -> str:
    """Return a path as short as it can be, quoted for a shell."""
    try:
        short = str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):  # it lies elsewhere, or the current folder was removed
        short = str(path)
    if os.sep not in short:
        short = os.path.join(os.curdir, short)  # noqa: PTH118 - Path would drop the dot again
    if os.name == "nt":
        from subprocess import list2cmdline  # noqa: PLC0415 - slow to load

        return list2cmdline([short])
    return shlex.quote(short)


def coloured() -> bool:
    """Whether what is printed may have colours: in a terminal, unless NO_COLOR says otherwise."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or os.name == "nt"
    return sys.stdout is not None and sys.stdout.isatty() and not plain


def columns(output: TextIO | None) -> int:
    """How long a line may be that a person reads in a terminal; 0 where this output is none."""
    if output is None or not output.isatty():
        return 0
    from shutil import get_terminal_size  # noqa: PLC0415 - slow to load

    return max(40, min(get_terminal_size().columns, 100))

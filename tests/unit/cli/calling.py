"""The command `mtls-lab`: what it does, prints and exits with.

A start costs half a second, and most tests are about the command and not about the process: they
`call` it. Those about the process (its locale, its output, its end) start one: they `run` it.
"""

import io
import os
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess
from unittest import mock

from mtls_lab.cli import commands, main

#: As in a terminal that no JupyterLab has opened.
OUTSIDE = {name: value for name, value in os.environ.items() if name not in commands.INSIDE}
#: What `run` starts, in which each warning is an error.
COMMAND = (sys.executable, "-X", "dev", "-W", "error", "-m", "mtls_lab")
#: What runs a command whose output is closed.
NOWHERE = ("sh", "-c", 'exec "$@" >&-', "sh")


class Broken(io.RawIOBase):
    """An output that takes nothing, such as a full disk or a pipe that nobody reads."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error: OSError | None = error

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        if self.error:
            raise self.error
        return len(memoryview(data))  # type: ignore[arg-type] # what a buffered writer hands on


def run(
    *arguments: str | Path,
    cwd: Path | None = None,
    environment: dict[str, str] | None = None,
    before: tuple[str, ...] = (),
    text: str = "",
) -> CompletedProcess[str]:
    """Run the command in a process; see `call`.

    Args:
        before: what runs it, such as `unshare`.
    """
    return subprocess.run(
        [*before, *COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=OUTSIDE | (environment or {}),
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )


def call(
    *arguments: str | Path,
    cwd: Path | None = None,
    environment: dict[str, str] | None = None,
    text: bytes = b"",
    encoding: str = "utf-8",
    broken: OSError | None = None,
) -> CompletedProcess[str]:
    """Run the command in this process, as `run` does in another one.

    Args:
        cwd: where; here if there is none.
        environment: what is set beside the variables of this process.
        text: what is on standard input.
        encoding: of the output.
        broken: what writing to standard output raises.
    """
    raw = Broken(broken) if broken else io.BytesIO()
    out = io.TextIOWrapper(io.BufferedWriter(raw), encoding=encoding)
    err = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    given = io.TextIOWrapper(io.BytesIO(text), encoding="utf-8")
    with (
        chdir(cwd or Path.cwd()),
        mock.patch.dict(os.environ, OUTSIDE | (environment or {}), clear=True),
        mock.patch("sys.stdin", given),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code: object
        try:
            code = main([str(each) for each in arguments])
        except SystemExit as end:  # of --help, and of wrong arguments
            code = end.code
    assert isinstance(code, int)
    if isinstance(raw, Broken):
        raw.error = None
    return CompletedProcess(list(arguments), code, written(out, encoding), written(err, encoding))


def written(stream: io.TextIOWrapper, encoding: str) -> str:
    stream.flush()
    buffer = stream.buffer
    raw = buffer.raw if isinstance(buffer, io.BufferedWriter) else buffer
    text = raw.getvalue().decode(encoding) if isinstance(raw, io.BytesIO) else ""
    stream.close()
    return text

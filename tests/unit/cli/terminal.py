"""A command in a pseudo-terminal, as a person has it."""

import os
import pty
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Terminal:
    """A process whose input and output are a terminal.

    Attributes:
        written: all that was read from it.
        at: how much of that was asked for by `until`.
    """

    process: subprocess.Popen[bytes]
    end: int
    raw: bytes = b""
    at: int = 0

    @property
    def written(self) -> str:
        return self.raw.decode("utf-8", "replace").replace("\r\n", "\n")

    def _read(self) -> bytes:
        """The next bytes; none when nobody holds the other end any more."""
        some = b""
        with suppress(OSError):  # how Linux says that
            some = os.read(self.end, 4096)
        self.raw += some
        return some

    def until(self, text: str) -> str:
        """What is written up to this text, and was not asked for before."""
        begun = self.at
        while text not in self.written[begun:]:
            assert self._read(), f"{text!r} was not written: {self.written[begun:]!r}"
        self.at = self.written.index(text, begun) + len(text)
        return self.written[begun : self.at]

    def type(self, keys: bytes) -> None:
        os.write(self.end, keys)

    def close(self) -> int:
        """Read to the end; the exit code."""
        while self._read():
            pass
        return self.process.wait(300)


def own_terminal() -> None:
    """Take the standard input as the terminal of this session."""
    os.close(os.open(os.ttyname(0), os.O_RDWR))


@contextmanager
def terminal(*command: str, cwd: Path) -> Iterator[Terminal]:
    """Run a command in a terminal of its own; it is ended at the end."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command,
        cwd=cwd,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=own_terminal,  # noqa: PLW1509 - it takes no lock
        env=os.environ | {"TERM": "dumb"},
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)

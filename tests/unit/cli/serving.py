"""`mtls-lab serve` in a process of its own, for as long as other commands run."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START = """
import sys
from mtls_lab.cli import main
sys.exit(main(sys.argv[1:]))
"""


@dataclass
class Served:
    """A running `mtls-lab serve`, and the lines that were read of its log."""

    process: subprocess.Popen[str]

    def line(self) -> str:
        """The next line of the log, as soon as it is there."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    @property
    def address(self) -> str:
        """Where it listens, from its first line."""
        first = self.line()
        assert first.startswith("Listening on "), first
        return first.split()[2].rstrip(",")

    def end(self, number: signal.Signals) -> tuple[int, str, str]:
        """Send a signal; return exit code, the rest of the log, and what was said of errors."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@contextmanager
def serving(*arguments: str | Path, cwd: Path, before: str = "") -> Iterator[Served]:
    """Run it while the block runs; `before` is what its process does first."""
    start = before + START
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", start, "serve"]
    process = subprocess.Popen(
        [*command, *map(str, arguments)],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Served(process)
        finally:
            process.kill()

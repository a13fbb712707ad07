"""One way to start a program that serves, to read what it says, and to end it."""

import select
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mtls_lab.stacks.states import CONNECTED, LISTENS, states

T = TypeVar("T")


class Hung(AssertionError):
    """A program did not do in time what it does at once."""


#: Seconds for each thing that a program does; no test waits for it unless the machine stands still.
LONG = 60.0
#: What our own programs print after each connection, once all is said about it.
END = "-- end\n"


@dataclass(frozen=True)
class Setup:
    """How a server is configured.

    Attributes:
        folder: where the certificates are, see certificates.py.
        server: the name of its certificate.
        clients: "required", "optional", "none", or of nginx "any": whoever signed it.
        ca: the file of CAs that it trusts for its clients.
        versions: "" for all, or "1.2", "1.3", "1.0" for this one alone.
        allowed: the only name that it serves, where it has a rule for that; "" for all.
        extra: what else the stack is to be told.
    """

    folder: Path
    server: str = "server"
    clients: str = "required"
    ca: str = "ca.pem"
    versions: str = ""
    extra: str = ""
    allowed: str = ""

    @property
    def cert(self) -> Path:
        return self.folder / f"{self.server}.crt"

    @property
    def key(self) -> Path:
        return self.folder / f"{self.server}.key"

    @property
    def both(self) -> Path:
        return self.folder / f"{self.server}.pem"

    @property
    def trusted(self) -> Path:
        return self.folder / self.ca


@dataclass
class Serving:
    """A server that is called at a port of the loopback."""

    port: int


class Running(Serving):
    """A server that is a program, and its logs."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], logs: list[Path]) -> None:
        super().__init__(port)
        self._process = process
        self._logs = logs
        self._told = 0

    def heard(self, connections: int) -> str:
        """Return what one of our own programs says about the next connections, once it is all.

        There may be more: some clients call again by themselves.
        """
        waited(lambda: self._over(connections), "its connections are not over")
        begin, self._told = self._told, len(self._text())
        return self._text()[begin : self._told]

    def last_words(self) -> str:
        """Return all that any program has said, once each connection is over and it has ended."""
        waited(lambda: not connected(self.port), "has not closed its connection")
        self.stop()
        return self._text()

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _over(self, connections: int) -> bool:
        """Whether this many connections have ended, at least, and none is open."""
        told = self._text()[self._told :]
        return told.endswith(END) and told.count(END) >= connections and not connected(self.port)

    def _text(self) -> str:
        return "".join(log.read_text("utf-8", "replace") for log in self._logs if log.exists())


@contextmanager
def program(
    port: int, *command: str | Path, folder: Path, name: str, log: Path | None = None
) -> Iterator[Running]:
    """Run a server until the block ends, and begin it when the kernel has its port listening.

    Most of these programs have no other sign. Nothing connects: a server that serves one client
    after the other would take that for the first. `log` is a file that it writes itself.
    """
    printed = folder / f"{name}-{port}.log"
    with printed.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,  # which stays open: at its end, some programs stop
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
    running = Running(port, process, [printed, *([log] if log else [])])

    def ready() -> bool:
        said = printed.read_text("utf-8", "replace")[-2000:]
        assert process.poll() is None, f"{command[0]} ended: {said}"
        return LISTENS in (states(port) or ())

    try:
        waited(ready, f"{command[0]} does not listen")
        yield running
    finally:
        running.stop()


def waited(there: Callable[[], T], otherwise: str) -> T:
    """Return what is there, once it is; the kernel and other programs tell nobody."""
    deadline = time.monotonic() + LONG
    while not (found := there()):
        if time.monotonic() > deadline:
            raise Hung(otherwise)
        select.select([], [], [], 0.005)
    return found


def connected(port: int) -> bool:
    """Whether its server still has a connection open."""
    return bool(CONNECTED & (states(port) or set()))

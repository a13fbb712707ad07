"""Starting a program in a folder of its own, reading what it writes, ending it in every case.

Here: processes, ports and logs; a time-out on everything. Not here: which program (programs.py),
what is in its folder (laying.py), and what is asked of it (meeting.py).
"""

from __future__ import annotations

import os
import random
import re
import select
import selectors
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mtls_lab.common import LabError, read_facts
from mtls_lab.net.clock import Clock
from mtls_lab.stacks.programs import ADDED, Program, found
from mtls_lab.stacks.states import CONNECTED, LISTENS, states

__all__ = ["NotStarted", "Server", "free_port", "on_ports", "output_of", "prepare", "started"]

#: Bytes that are kept of what a program has written, the latest.
MOST = 1 << 20
#: Seconds until a program listens, or has prepared itself; a JVM and a database are slow.
START = 60.0
#: Seconds that a client has. None of those here tries again.
CLIENT = 30.0
#: Seconds until a server has finished with a client that has ended.
DRAIN = 10.0
#: Seconds in which a server that has finished may still write its line.
GRACE = 0.4
#: Ports below those that Linux (32,768 and up), macOS and Windows (49,152 and up) give away.
OWN_PORTS = range(15_000, 32_000)
#: Seconds to end by itself.
END = 5.0
#: What a program keeps of this process's environment.
KEPT = ("PATH", "HOME", "TMPDIR", "GOCACHE", "GOROOT", "JAVA_HOME", "LD_LIBRARY_PATH")
#: Who does not work as root, and as whom it does.
USERS = {"initdb": "postgres", "mosquitto": "mosquitto", "postgres": "postgres"}


class NotStarted(LabError):
    """A server that has ended, or does not listen.

    Attributes:
        name: of the server.
        words: the last line that it wrote.
    """

    def __init__(self, name: str, said: str) -> None:
        self.name = name
        self.words = ([line for line in said.splitlines() if line.strip()] or [""])[-1]
        super().__init__(
            f"{name} does not start: {self.words or 'it says nothing'}",
            "a server that runs",
            "read what it says; if you changed its configuration, change it back",
        )


def free_port() -> int:
    """Return a port on which nobody listens now.

    It is none of those that a system gives away by itself: a server may take seconds to start, and
    meanwhile nobody is given this one.
    """
    for port in random.SystemRandom().sample(OWN_PORTS, 100):
        with socket.socket() as bound, suppress(OSError):
            bound.bind(("127.0.0.1", port))
            return port
    raise LabError(
        "no free port among 100 that were tried",
        f"one from {OWN_PORTS[0]} to {OWN_PORTS[-1]}",
        "end programs that listen",
    )


def on_ports(text: str, ports: Mapping[int, int]) -> str:
    """Replace the ports of a configuration by those that are free.

    Example:
        >>> on_ports("listen 8443 ssl; # 18443", {8443: 40000})
        'listen 40000 ssl; # 18443'
    """
    return re.sub(r"\b\d{4,5}\b", lambda found: str(ports.get(int(found[0]), found[0])), text)


def prepare(command: str, folder: Path) -> None:
    """Run a command that has to succeed. Raises LabError."""
    code, said = output_of(command, folder, START)
    if code:
        raise LabError(
            f"`{command}` failed: {' '.join(said.split())[-400:]}",
            "a command that succeeds",
            "read what it says; if you changed its file, change it back",
        )


def output_of(
    command: str, folder: Path, timeout: float = CLIENT, more: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run a command to its end in a folder, and return its exit code and what it wrote.

    Of one that writes without end, the last of it is kept.
    """
    process, clock = _spawn(command, folder, subprocess.PIPE, more), Clock(timeout)
    try:
        said = _heard(process, clock)
        process.wait(clock.left)
    except (TimeoutError, subprocess.TimeoutExpired):
        return -1, f"no end after {timeout:.0f} s"
    finally:
        _end(process)
    return process.returncode, said.decode("utf-8", "replace")


def _heard(process: subprocess.Popen[bytes], clock: Clock) -> bytes:
    """Read to the end. Raises TimeoutError."""
    said = bytearray()
    with selectors.DefaultSelector() as selector:
        assert process.stdout is not None  # noqa: S101 - _spawn was told so
        selector.register(process.stdout, selectors.EVENT_READ)
        while not clock.over and selector.select(clock.left):
            part = os.read(process.stdout.fileno(), 1 << 16)
            if not part:
                break
            said += part
            del said[:-MOST]
        else:
            raise TimeoutError
    return bytes(said)


def _spawn(
    command: str, folder: Path, output: int, more: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a command in a process group of its own, which ends with this process.

    Of this process's environment it has only what it needs to run: not a CA file that somebody
    else has chosen, and no proxy.
    """
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment = {**kept, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
    name, *arguments = shlex.split(command)
    # A kernel that is killed cannot end what it started. TERM, so that it ends its own children:
    # nginx's would go on without it.
    tied = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
    if name in USERS and tied and os.geteuid() == 0:
        tied += ["--reuid", USERS[name], "--regid", USERS[name], "--clear-groups"]
        _give(folder, USERS[name])
    return subprocess.Popen(
        [*tied, found(name) or name, *ADDED.get(name, ()), *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env={**environment, **(more or {})},
        start_new_session=True,
    )


def _give(folder: Path, user: str) -> None:
    """Let another user own a folder, its files, and reach it."""
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, user, user)
    folder.parent.chmod(0o711)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started, and has left behind."""
    for which in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, which)
        with suppress(subprocess.TimeoutExpired):
            process.wait(END)
    if process.stdout:
        process.stdout.close()


@dataclass
class Server:
    """A server that runs.

    Attributes:
        program: which.
        port: where, or None.
        log: what it writes.
    """

    program: Program
    port: int | None
    log: Path
    _read: int = 0

    def said(self) -> list[str]:
        """Return the lines written since the last time, once it has finished with its clients."""
        deadline, quiet = time.monotonic() + DRAIN, 0.0
        while True:
            now = time.monotonic()
            connected = self.port and CONNECTED & (states(self.port) or set())
            data = self._bytes()  # after the look at its clients: of those that are gone, it is all
            lines = self.program.words(data.decode("utf-8", "replace").splitlines())
            quiet = 0.0 if connected else quiet or now
            if now > deadline or (quiet and (lines or now > quiet + GRACE)):
                break
            select.select([], [], [], 0.02)
        self._read += len(data)
        return lines

    def _bytes(self) -> bytes:
        with self.log.open("rb") as log:
            log.seek(self._read)
            data = log.read(MOST)
        return data[: data.rfind(b"\n") + 1]


@contextmanager
def started(
    programs: list[Program], folder: Path, ports: Mapping[int, int]
) -> Iterator[list[Server]]:
    """Run servers that are laid out in one folder, each when the one before listens.

    Raises:
        NotStarted: one has ended, or does not listen.
        LabError: a command that prepares one has failed.
    """
    with ExitStack() as stack:
        servers = []
        for program in programs:
            for command in program.before:
                prepare(on_ports(command, ports), folder)
            log = folder / f"{program.name}.log"
            with log.open("ab") as output:
                command = on_ports(program.command, ports)
                process = _spawn(command, folder, output.fileno(), dict(program.environment))
            stack.callback(_end, process)
            _await(program, process, folder, ports, log)
            port = ports[program.listens] if isinstance(program.listens, int) else None
            server = Server(program, port, log)
            server._read = len(server._bytes())  # noqa: SLF001 - its first words are no answer
            servers.append(server)
        yield servers


def _await(
    program: Program,
    process: subprocess.Popen[bytes],
    folder: Path,
    ports: Mapping[int, int],
    log: Path,
) -> None:
    deadline = time.monotonic() + START
    while not (_listens(program.listens, folder, ports) and _is_ready(log)):
        if process.poll() is not None or time.monotonic() > deadline:
            with log.open("rb") as said:
                said.seek(max(said.seek(0, os.SEEK_END) - MOST, 0))
                raise NotStarted(program.name, said.read().decode("utf-8", "replace"))
        select.select([], [], [], 0.02)


def _is_ready(log: Path) -> bool:
    """Whether a server that listens has written its first words; most have none."""
    said = log.read_bytes()
    known = read_facts("stacks")["ready"].items()
    return all(last.encode() in said for first, last in known if first.encode() in said)


def _listens(where: int | str | None, folder: Path, ports: Mapping[int, int]) -> bool:
    if not isinstance(where, int):
        return where is None or (folder / where).is_socket()
    port = ports[where]
    if (now := states(port)) is not None:  # one that serves one after the other counts a visitor
        return LISTENS in now
    with socket.socket() as visitor:
        return visitor.connect_ex(("127.0.0.1", port)) == 0

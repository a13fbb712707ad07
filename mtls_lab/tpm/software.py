"""A TPM 2.0 as a process of one's own, in a folder of one's own: swtpm.

Here: its start and end, what is wrong with its folder, and its state. Not here: who may use it at
a time (broker.py), what OpenSSL needs (provider.py), keys (keys.py).

The TPM talks through a pair of sockets that only this process has the other end of. So it ends
with this process, however that ends, and nobody else can reach it but through the broker.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import Self

from mtls_lab.common import (
    FileProblem,
    LabError,
    PathLike,
    ToolMissing,
    private_folder,
    read_file,
    scratch_folder,
    write_file,
    writing,
)
from mtls_lab.tpm import commands
from mtls_lab.tpm.broker import Broker
from mtls_lab.tpm.caller import TIMEOUT
from mtls_lab.tpm.chip import RUNNING, Chip
from mtls_lab.tpm.manager import Asked
from mtls_lab.tpm.provider import PACKAGES, installing
from mtls_lab.tpm.questions import Questions

__all__ = ["SoftwareTPM", "swtpm"]

#: The state of swtpm, as it names it, and what it writes about itself.
STATE, LOG = "tpm2-00.permall", "swtpm.log"
#: More than its state has.
ROOM = 1 << 16
#: Seconds in which the process has ended once nobody is connected any more.
GRACE = 5.0
#: Seconds for its last command, which it needs no more than milliseconds for.
FAREWELL = 2.0
#: What a new TPM of the lab allows: a lesson, not half an hour of waiting.
TRIES, RECOVERY = 3, 1000

_running: dict[Path, SoftwareTPM] = {}
_places: dict[Path, Path] = {}
_registry = threading.Lock()


class SoftwareTPM(Chip):
    """A TPM 2.0 that runs until `stop`, or as long as this process.

    A cell can be run again: the one that ran in this folder, started by this process, is stopped
    first. What it made stays in the folder, and works again with the next one.

    Args:
        folder: where its state is; made if it is not there. Whoever has it has the TPM.
        timeout: seconds for one command.
        kept: whether this process runs it for others, who may end it with `mtls-lab tpm stop`.

    Attributes:
        folder: its folder.
        tcti: how the TSS reaches it.

    Raises:
        ToolMissing: swtpm is not installed, or this system cannot run it.
        FileProblem: the folder cannot be written, or what is in it is no state of a TPM.
        LabError: another process runs the TPM of this folder.
    """

    def __init__(
        self, folder: PathLike = "tpm", *, timeout: float = TIMEOUT, kept: bool = False
    ) -> None:
        self.folder = Path(folder).absolute()
        with _registry:
            earlier = _running.pop(self.folder, None)
        if earlier is not None:
            earlier.stop()
        program = swtpm()
        private_folder(self.folder)
        self._refuse_a_second()
        with writing(log := self.folder / LOG):
            log.unlink(missing_ok=True)  # it would wait for the reader of a pipe
        place = _place_for(self.folder)
        self._end = ExitStack()
        try:
            self._process, ours = self._begin(program)
            self._end.callback(self._finish, ours)
            for path in ("tpm", "tpm.ctrl"):
                self._end.callback((place / path).unlink, missing_ok=True)
            try:
                self._broker = Broker(place / "tpm", ours, timeout=timeout)
            except OSError:
                raise self._unusable() from None
            self._end.callback(self._broker.close)
            self._end.callback(self._broker.farewell, commands.shutdown(), FAREWELL)
            name = f"of {self.folder.name}"
            super().__init__(f"swtpm:path={place / 'tpm'}", os.getpid(), kept=kept, name=name)
            if self.lock.most != TRIES:
                self.ask(commands.lock_rules(TRIES, RECOVERY))
            self._tell(place)
        except BaseException:
            self._end.close()
            raise
        with _registry:
            _running[self.folder] = self
        atexit.register(self.stop)

    # --- What it is asked

    @property
    def log(self) -> Sequence[Asked]:
        """What it was asked so far, oldest first; the latest 4096."""
        return tuple(self._broker.log)

    @property
    def questions(self) -> Questions:
        """What the latest client asked, in order, without the resource manager's own commands."""
        asked = [each for each in self.log if each.client]
        return Questions(tuple(each for each in asked if each.client == asked[-1].client))

    @property
    def running(self) -> bool:
        """Whether it still answers."""
        return not self._broker.gone and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process of the TPM."""
        return self._process.pid

    def kill(self) -> None:
        """End its process at once, as if somebody pulled the chip out: for the lessons."""
        self._process.kill()
        self._process.wait(GRACE)

    def stop(self) -> None:
        """End it, and leave its state as it is. Twice does no harm."""
        with _registry:
            if _running.get(self.folder) is self:
                del _running[self.folder]
        atexit.unregister(self.stop)
        self._end.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "running" if self.running else "stopped"
        return f"<SoftwareTPM {self.folder.name!r}, {state}>"

    def _send(self, command: bytes) -> bytes:
        return self._broker.ask(command)

    # --- Its start and its end

    def _begin(self, program: str) -> tuple[subprocess.Popen[bytes], socket.socket]:
        ours, theirs = socket.socketpair()
        with theirs:
            # The server is named tcp, and is the pair: swtpm 0.7 takes a descriptor only so.
            line = [
                *(program, "socket", "--tpm2", "--tpmstate", f"dir={self.folder},mode=0600"),
                *("--server", f"type=tcp,fd={theirs.fileno()}"),
                *("--flags", "not-need-init,startup-clear"),
                *("--log", f"file={self.folder / LOG},level=1,truncate"),
            ]
            try:
                process = subprocess.Popen(
                    line,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,  # Ctrl-C is for the notebook, not for the chip
                )
            except OSError as error:
                ours.close()
                raise ToolMissing(
                    f"{program} does not start ({error.strerror or error})",
                    "swtpm, the software TPM",
                    "install it again",
                ) from None
        return process, ours

    def _finish(self, ours: socket.socket) -> None:
        ours.close()
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(GRACE)

    def _tell(self, place: Path) -> None:
        told = {"pid": self.owner, "socket": str(place / "tpm"), "folder": str(self.folder)}
        record = self.folder / RUNNING
        write_file(record, json.dumps(told | {"kept": self.kept}), mode=0o600)
        self._end.callback(record.unlink, missing_ok=True)

    # --- What is wrong with it

    def _refuse_a_second(self) -> None:
        chip = Chip.of(self.folder)
        if chip is not None:
            raise LabError(
                f"the TPM of {self.folder.name} is running already, for process {chip.owner}",
                "a folder whose TPM nobody else runs",
                "end the notebook or program that runs it, or take another folder",
            )

    def _unusable(self) -> LabError:
        with writing(self.folder), TemporaryFile(dir=self.folder) as file:
            file.write(bytes(ROOM))  # on a full disk, an empty file can still be made
        try:
            log = read_file(self.folder / LOG, most=1 << 16).decode(errors="replace")
        except (OSError, ValueError):
            log = ""
        why = " ".join(log.split())[:300] or "it said nothing"
        if "lock" in why.lower():
            return LabError(
                f"the state in {self.folder.name} is in use by another swtpm",
                "a folder whose TPM nobody else runs",
                "end the other one, or take another folder",
            )
        return FileProblem(
            f"no TPM starts from the state in {self.folder.name} ({why})",
            f"an empty folder, or a whole {STATE} of an earlier one",
            f"move {self.folder.name}/{STATE} away: the next start makes a new TPM. What was "
            "wrapped by the old one is lost, as with a chip that broke",
        )


def _place_for(folder: Path) -> Path:
    """Return where the TPM of a folder listens: one place for each TPM that starts in it.

    So a program that was told of an earlier one reaches the one that runs now.
    """
    if folder not in _places:
        end = ExitStack()
        atexit.register(end.close)
        _places[folder] = end.enter_context(scratch_folder(for_socket=True))
    return _places[folder]


def swtpm() -> str:
    """Return the program. Raises ToolMissing: it is not installed, or cannot run here."""
    program = shutil.which("swtpm")
    if program is None or sys.platform != "linux":
        raise ToolMissing(
            "no swtpm on this machine" if program is None else f"the system {sys.platform}",
            "Linux with swtpm, the software TPM",
            installing(PACKAGES),
        )
    return program

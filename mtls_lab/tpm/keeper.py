"""A software TPM for all terminals: a process in the background that runs it until it is stopped.

Here: its start, what it waits for, and its end. Not here: the TPM itself (software.py), and what is
printed (cli/tpm.py).

The process ends when it is told to, when the TPM's process has ended, and when its folder was
removed or belongs to another one. A record that was left behind is never taken for a process:
who is stopped is the very process that listens at the socket in it.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from mtls_lab.common import (
    LabError,
    PathLike,
    errors,
    package_path,
    private_folder,
    read_json,
    writing,
)
from mtls_lab.tpm.chip import RUNNING, Chip
from mtls_lab.tpm.software import SoftwareTPM, swtpm

__all__ = ["recorded", "start", "stop"]

#: Seconds for the process to say that the TPM runs; it takes one on a slow and busy laptop.
BEGIN = 30.0
#: Seconds for it to end, also where the TPM is silent, before it is killed.
GRACE = 20.0
#: Seconds until it notices that its folder is gone.
LOOK = 2.0


def start(folder: PathLike) -> tuple[Chip, bool]:
    """Run the TPM of a folder in the background.

    Returns:
        The TPM, which answers; and whether it was started now, and did not run already.

    Raises:
        ToolMissing: swtpm is not installed, or this system cannot run it.
        FileProblem: the folder cannot be written, or what is in it is no state of a TPM.
        LabError: it did not start in time.
    """
    path = Path(folder).absolute()
    swtpm()
    private_folder(path)
    with _one_at_a_time(path):
        if (chip := Chip.of(path)) is not None:
            return chip, False
        return _started(path), True


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Let whoever starts a TPM in this folder wait for whoever does so already."""
    import fcntl  # noqa: PLC0415 - Windows has none

    with writing(folder):
        descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _started(path: Path) -> Chip:
    with subprocess.Popen(
        [sys.executable, "-P", "-c", "from mtls_lab.tpm import keeper; keeper.main()", str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd="/",
        env={**os.environ, "PYTHONPATH": package_path()},
        start_new_session=True,  # Ctrl-C and the end of this terminal are not for it
    ) as process:
        try:
            said = process.communicate(timeout=BEGIN)[0]
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            said = b""
    _raise(said)
    chip = Chip.of(path)
    if chip is None:
        raise LabError(
            f"no TPM that runs in {path.name} after its start",
            f"one that answers within {BEGIN:.0f} s",
            f"see {path.name}/swtpm.log, and start it again",
        )
    return chip


def _raise(said: bytes) -> None:
    """Raise what the process could not do."""
    if not said:
        return
    try:
        told = json.loads(said)
        kind = {each.__name__: each for each in (errors.FileProblem, errors.ToolMissing)}
        raise kind.get(told["kind"], LabError)(told["found"], told["expected"], told["todo"])
    except (ValueError, KeyError, TypeError):
        last = (said.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1][:400]
        raise LabError(
            f"a process for the TPM that broke off ({last})", "one that runs", "start it again"
        ) from None


def stop(folder: PathLike) -> Chip | None:
    """End the process that keeps the TPM of a folder, and with it the TPM; its state stays.

    Returns:
        The TPM that ran; None if none did.

    Raises:
        LabError: a notebook or program runs it, which has to end it itself.
        FileProblem: the record of one that has ended cannot be removed.
    """
    chip = Chip.of(folder)
    if chip is None:
        _forget(folder)
        return None
    if not chip.kept:
        raise LabError(
            f"the TPM {chip.name} belongs to process {chip.owner}, a notebook or a program",
            "one that was started with tpm start",
            "end that notebook's kernel, or that program: the TPM ends with it",
        )
    with suppress(ProcessLookupError), _handle_of(chip.owner) as handle:
        again = Chip.of(folder)  # the number is not another process's by now
        if again is not None and again.owner == chip.owner:
            signal.pidfd_send_signal(handle, signal.SIGTERM)
            if not _has_ended(handle, GRACE):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                _has_ended(handle, GRACE)
    _forget(folder)
    return chip


def _forget(folder: PathLike) -> None:
    """Remove the record, if there is one. Raises FileProblem."""
    record = Path(folder, RUNNING)
    with writing(record), suppress(NotADirectoryError):
        record.unlink(missing_ok=True)


@contextmanager
def _handle_of(process: int) -> Iterator[int]:
    handle = os.pidfd_open(process)
    try:
        yield handle
    finally:
        os.close(handle)


def _has_ended(handle: int, seconds: float) -> bool:
    waiting = select.poll()
    waiting.register(handle, select.POLLIN)
    return bool(waiting.poll(seconds * 1000))


def recorded(folder: PathLike) -> int:
    """Return the process that the record in a folder names, running or not; 0 for none.

    In a copy of the folder, the record is the other one's.
    """
    with suppress(OSError, ValueError, OverflowError, KeyError, TypeError):  # 1e999 is a number
        told = read_json(Path(folder, RUNNING), most=4096)
        if told["folder"] == str(Path(folder).absolute()):
            return int(told["pid"])
    return 0


# --- The process


def main() -> None:
    """Be that process: run the TPM of the folder in `sys.argv`, and write only what went wrong."""
    if os.fork():  # whoever started it waits for this process, and never for the TPM's
        os._exit(0)
    folder = Path(sys.argv[1])
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        with SoftwareTPM(folder, kept=True) as chip:
            _be_silent()
            _wait(chip)
    except LabError as error:
        told = {"found": error.found, "expected": error.expected, "todo": error.todo}
        sys.stdout.write(json.dumps(told | {"kind": type(error).__name__}))


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it is ending
    raise SystemExit(0)


def _be_silent() -> None:
    """Let go of whoever started it: that it closes its output says that the TPM runs."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)


def _wait(chip: SoftwareTPM) -> None:
    """Return once the TPM's process has ended, or its folder is another's."""
    with suppress(ProcessLookupError), _handle_of(chip.pid) as handle:
        while recorded(chip.folder) == chip.owner and not _has_ended(handle, LOOK):
            pass

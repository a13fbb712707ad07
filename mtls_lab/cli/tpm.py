"""The command `mtls-lab tpm`: the software TPM that keeps keys for every terminal.

Here: what is printed, and the exit codes. Not here: its process (tpm/keeper.py), the arguments
(machines.py), and keys in it (sealed.py).
"""

from __future__ import annotations

import argparse
import os
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path

from mtls_lab.cli.equipment import first_line
from mtls_lab.cli.machines import FOLDER
from mtls_lab.common import LabError, json_text, typed
from mtls_lab.tpm import Chip, Lock, find, keeper
from mtls_lab.tpm.chip import DEVICE
from mtls_lab.tpm.provider import PROVIDER, installing, missing, version_of

__all__ = ["run"]

NONE = 1
OWNED = "A notebook or a program runs it, and it ends with that."


def run(options: argparse.Namespace) -> int:
    """Do it; return 0, or 1 where `status` finds no TPM that answers.

    Raises:
        ToolMissing: swtpm is not installed, or this system cannot run it.
        FileProblem: the folder cannot be written, or what is in it is no state of a TPM.
        LabError: a notebook or program runs the TPM, or it does not answer.
    """
    act = {"start": _start, "stop": _stop, "unlock": _unlock, "status": _status}
    return act[options.action](options.folder, as_json=options.json)


def _start(folder: Path, *, as_json: bool) -> int:
    chip, new = keeper.start(folder)
    was = "runs" if new else "runs already"
    more = f" --tpm-folder {shlex.quote(str(folder))}" * (folder != FOLDER)
    text = f"The software TPM in {folder} {was}, as process {chip.owner}. "
    text += f"To stop it: {typed(_with('tpm stop', folder))}" if chip.kept else OWNED
    text += f"\nTo make a key in it: {typed(f'certs pki --tpm{more}')}"
    if DEVICE.exists():
        text += f"\nThis machine has a TPM, {DEVICE}: while this one runs, it is used instead."
    _print({"running": True, "folder": str(folder), "process": chip.owner}, text, as_json=as_json)
    return 0


def _stop(folder: Path, *, as_json: bool) -> int:
    process = keeper.recorded(folder)
    chip = keeper.stop(folder)
    if chip is not None:
        text = f"The software TPM in {folder} is stopped. Its keys work again after the next start."
    elif process:
        text = f"No TPM runs in {folder}: process {process}, which ran one, has ended."
    else:
        text = f"No TPM runs in {folder}."
    _print({"running": False, "folder": str(folder)}, text, as_json=as_json)
    return 0


def _unlock(folder: Path, *, as_json: bool) -> int:
    chip = Chip.of(folder)
    if chip is None:
        raise LabError(
            f"no TPM that runs in {folder}",
            "a software TPM: a real one is its owner's, who unlocks it with tpm2_dictionarylockout",
            f"start it: {typed(_with('tpm start', folder))}",
        )
    before = chip.lock.wrong
    chip.unlock()
    text = f"The TPM in {folder} has forgotten {before} wrong PIN{'s' * (before != 1)}."
    _print({"folder": str(folder), "forgotten": before}, text, as_json=as_json)
    return 0


def _with(command: str, folder: Path) -> str:
    return command if folder == FOLDER else f"{command} {shlex.quote(str(folder))}"


# --- Status


@dataclass(frozen=True, slots=True)
class _Status:
    """What `status` tells: a TPM as it was found, and what is needed to use it.

    Attributes:
        folder: where a software TPM was looked for.
        tcti: how the TPM that `ask` would take is reached; None if there is none.
        process: what runs it, 0 for a real one.
        answers: whether it does.
        problem: why there is none, or why it does not answer.
        version: as it says itself.
        lock: its count of wrong PINs.
        swtpm, provider: the versions of both programs; None if they are missing.
        device: the TPM of this machine: its path, whether it is there, whether this user may use
            it, and whether it would be taken.
    """

    folder: str
    tcti: str | None
    process: int
    answers: bool
    problem: str
    version: str | None
    lock: Lock | None
    swtpm: str | None
    provider: str | None
    device: dict[str, object]

    @classmethod
    def of(cls, folder: Path) -> _Status:
        """Look."""
        chip, problem, version, lock = None, "", None, None
        try:
            chip = find(folder)
            version, lock = chip.version, chip.lock
        except LabError as error:
            problem = error.found
        there = DEVICE.exists()
        device = {
            "path": str(DEVICE),
            "exists": there,
            "usable": there and os.access(DEVICE, os.R_OK | os.W_OK),
            "used": chip is not None and chip.real,
        }
        return cls(
            folder=str(folder),
            tcti=chip.tcti if chip else None,
            process=chip.owner if chip else 0,
            answers=lock is not None,
            problem=problem,
            version=version,
            lock=lock,
            swtpm=_swtpm(),
            provider=_provider(chip) if chip and lock else None,
            device=device,
        )

    def __str__(self) -> str:
        lines = [("TPM", self._chip())]
        if self.version:
            lines.append(("version", self.version + (f" ({self.swtpm})" * (self.process > 0))))
        if self.lock:
            lines.append(("PINs", self._pins(self.lock)))
        if self.tcti is None and not self.device["exists"]:
            lines.append(("to do", f"start one: {typed(_with('tpm start', Path(self.folder)))}"))
        lacking = missing()
        has = self.provider or "there" if PROVIDER not in lacking else "missing"
        lines.append((PROVIDER, has))
        if lacking:
            lines.append(("to do", installing(lacking)))
        lines.append((str(DEVICE), self._device()))
        return "\n".join(f"{name:<13} {text}" for name, text in lines)

    def _chip(self) -> str:
        if self.tcti is None:
            left = keeper.recorded(self.folder)
            gone = f"; process {left}, which ran one in {self.folder}, has ended" if left else ""
            return f"{self.problem.removeprefix('no TPM: ')}{gone}"
        if self.process:
            where = f"the software TPM in {self.folder}, process {self.process}"
        else:
            where = f"that of {self.tcti}"
        return where if self.answers else f"{where}: {self.problem}"

    def _pins(self, lock: Lock) -> str:
        told = f"{lock.wrong} of {lock.most} wrong ones, and it forgets one in {lock.recovery} s"
        if not lock.closed:
            return told
        cure = f": {typed(_with('tpm unlock', Path(self.folder)))}" if self.process else ""
        return f"LOCKED ({told}): it refuses the right one too{cure}"

    def _device(self) -> str:
        if not self.device["exists"]:
            return "this machine has no TPM that Linux knows"
        if not self.device["usable"]:
            return "there, and this user may not open it: sudo usermod -aG tss $USER"
        if self.device["used"]:
            return "there, and used (the lab has not been tried on a real TPM)"
        return "there, and not used, for another TPM comes before it"


def _status(folder: Path, *, as_json: bool) -> int:
    status = _Status.of(folder)
    locked = status.lock is not None and status.lock.closed
    _print(asdict(status) | {"locked": locked}, str(status), as_json=as_json)
    return 0 if status.answers else NONE


def _swtpm() -> str | None:
    said = first_line("swtpm", "--version")
    return said and said.partition(",")[0].replace("TPM emulator version", "swtpm")


def _provider(chip: Chip) -> str | None:
    try:
        return ".".join(map(str, version_of(chip)))
    except LabError:
        return None


def _print(facts: dict[str, object], text: str, *, as_json: bool) -> None:
    print(json_text(facts, indent=1) if as_json else text)

"""A TPM as a program finds it: a real one, or a software TPM that somebody runs.

Here: how the TSS reaches it, which TPM a command takes, and what it says of itself. Not here:
running one (software.py, keeper.py), what OpenSSL is told of it (provider.py).
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mtls_lab.common import LabError, PathLike, printable, read_json, typed
from mtls_lab.tpm import commands
from mtls_lab.tpm.caller import call, process_of, reaches
from mtls_lab.tpm.codes import decode

__all__ = ["DEVICE", "RUNNING", "VARIABLE", "Chip", "Lock", "find"]

#: Linux's own resource manager for a real TPM; whoever may open it may use it.
DEVICE = Path("/dev/tpmrm0")
#: What the provider reads: how its TSS reaches the TPM.
VARIABLE = "TPM2OPENSSL_TCTI"
#: Where a software TPM that runs says how it is reached.
RUNNING = "running.json"
#: Part 2, 6.13: what a TPM is; wrong PINs so far, how many it takes, seconds until it forgets one.
PROPERTIES, IDENTITY, LOCKOUT_COUNTER = 6, 0x100, 0x20E
MANUFACTURER, FIRMWARE = 0x105, 0x10B
#: Seconds for an answer about itself: what waits longer has somebody else's command before it.
ANSWER = 5.0


@dataclass(frozen=True, slots=True)
class Lock:
    """How a TPM counts wrong PINs (its protection against dictionary attacks).

    Attributes:
        wrong: how many it has counted.
        most: how many it takes.
        recovery: seconds until it forgets one.
    """

    wrong: int
    most: int
    recovery: int

    @property
    def closed(self) -> bool:
        """Whether it refuses the right PIN too."""
        return self.wrong >= self.most


class Chip:
    """A TPM, known by the way in which the TSS reaches it (its TCTI).

    Attributes:
        tcti: such as `device:/dev/tpmrm0`.
        owner: the process that runs it, 0 for a real one.
        kept: whether that process does nothing else, as that of `mtls-lab tpm start`.
        name: what a message calls it.

    Example:
        >>> Chip("device:/dev/tpmrm0").real
        True
    """

    def __init__(self, tcti: str, owner: int = 0, *, kept: bool = False, name: str = "") -> None:
        self.tcti, self.owner, self.kept, self.name = tcti, owner, kept, name or tcti

    @property
    def real(self) -> bool:
        """Whether it is one that the system has, and not a process of the lab."""
        return self.tcti.startswith("device:")

    @property
    def lock(self) -> Lock:
        """How many wrong PINs it has counted, and how many it takes. Raises LabError."""
        values = self._properties(LOCKOUT_COUNTER, 3)
        lock = Lock(*(values[LOCKOUT_COUNTER + n] for n in range(3)))
        if not (lock.most or lock.recovery):  # in failure mode it tells one property, and another's
            raise LabError(
                f"the TPM {self.name}, which does not say how many wrong PINs it takes",
                "one that works: in failure mode, a TPM says little",
                "start it again; on a full disk, a software TPM fails, so make room before that",
            )
        return lock

    @property
    def version(self) -> str:
        """Who made it, and its firmware, as it says itself. Raises LabError."""
        values = self._properties(IDENTITY, FIRMWARE - IDENTITY + 1)
        told = values[MANUFACTURER].to_bytes(4, "big").decode("ascii", "replace").strip("\0 ")
        maker, firmware = printable(told), values[FIRMWARE]
        return f"{maker}, firmware {firmware >> 16:x}.{firmware & 0xFFFF:x}"

    def unlock(self) -> None:
        """Let it forget the wrong PINs, as its owner may (TPM2_DictionaryAttackLockReset).

        Raises:
            LabError: it does not answer, or says no.
        """
        self.ask(commands.lock_reset())

    def ask(self, command: bytes) -> bytes:
        """Ask it something of the lab's own. Raises LabError: it does not answer, or says no."""
        try:
            response = self._send(command)
            code = decode(commands.code_of(response))
        except (OSError, ValueError) as error:
            found = f"the TPM {self.name} does not answer ({error})"
            again = f"start it again: {typed('tpm stop')}, then {typed('tpm start')}"
            todo = again if self.kept else "start it again"
            raise LabError(found, "a TPM that answers", todo) from None
        if not code.ok:
            asked = f'explain "{code.code:#x}"'
            why = f"ask what it means: {typed(asked)}"
            raise LabError(f"the TPM {self.name} says {code}", "a command that it allows", why)
        return response

    def probe(self) -> None:
        """See that it answers, if the lab speaks to it without a TSS. Raises LabError."""
        if reaches(self.tcti):
            self._properties(IDENTITY, 1)

    def _properties(self, first: int, count: int) -> dict[int, int]:
        said = self.ask(commands.get_capability(PROPERTIES, first, count))
        try:
            told = commands.properties_of(said)
        except struct.error:
            told = {}
        if first not in told:
            raise LabError(
                f"the TPM {self.name}, which does not tell its property {first:#x}",
                "one that tells of itself as TPM 2.0 does",
                "use another one",
            )
        return {first + n: told.get(first + n, 0) for n in range(count)}

    def _send(self, command: bytes) -> bytes:
        return call(self.tcti, command, ANSWER)

    def environment(self, folder: PathLike) -> dict[str, str]:
        """Write `openssl.cnf` into a device's folder; return the environment of its programs.

        Raises:
            ToolMissing: the provider is not installed.
            LabError: the TPM does not answer.
        """
        from mtls_lab.tpm.provider import environment  # noqa: PLC0415 - it imports this module

        return environment(self, folder)

    @classmethod
    def of(cls, folder: PathLike) -> Chip | None:
        """Return the software TPM that runs in a folder; None if none does.

        Whoever ran one and was killed leaves its record behind. So it counts only while the very
        process that it names listens: another process may have got its number.
        """
        try:
            told = read_json(Path(folder, RUNNING), most=4096)
            owner, path = int(told["pid"]), str(told["socket"])
            if told["folder"] != str(Path(folder).absolute()):  # a copy of a folder in use
                return None
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(1)
                probe.connect(path)
                if process_of(probe) != owner:
                    return None
        except (OSError, ValueError, OverflowError, KeyError, TypeError, AttributeError):
            return None
        kept, name = told.get("kept") is True, f"of {Path(folder).name}"
        return cls(f"swtpm:path={path}", owner, kept=kept, name=name)


def find(*folders: PathLike, environment: Mapping[str, str] = os.environ) -> Chip:
    """Return the TPM to use: the one that was named, one that runs in a folder, or the real one.

    Args:
        folders: where a software TPM may run.
        environment: where TPM2OPENSSL_TCTI may name one.

    Raises:
        LabError: there is none.
    """
    if tcti := environment.get(VARIABLE):
        return Chip(tcti)
    for folder in folders:
        if (chip := Chip.of(folder)) is not None:
            return chip
    if DEVICE.exists():
        if not os.access(DEVICE, os.R_OK | os.W_OK):
            raise LabError(
                f"{DEVICE}, which this user may not open",
                "a TPM that may be used",
                "become a member of the group tss, and log in again: sudo usermod -aG tss $USER",
            )
        return Chip(f"device:{DEVICE}")
    places = " or ".join(str(Path(each)) for each in folders)
    raise LabError(
        f"no TPM: none runs in {places}, and there is no {DEVICE}" if places else "no TPM",
        "the TPM that keeps the key",
        f"start it: {typed('tpm start')}, or in Python SoftwareTPM(folder), of mtls_lab",
    )

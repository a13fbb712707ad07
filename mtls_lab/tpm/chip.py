"""A TPM as a program finds it: a real one, or a software TPM that somebody runs.

Here: how the TSS reaches it, and which TPM a command takes. Not here: running one (software.py),
what OpenSSL is told of it (provider.py).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path

from mtls_lab.errors import LabError
from mtls_lab.files import PathLike, read_json

__all__ = ["DEVICE", "Chip", "find"]

#: Linux's own resource manager for a real TPM; whoever may open it may use it.
DEVICE = Path("/dev/tpmrm0")
#: What the provider reads: how its TSS reaches the TPM.
VARIABLE = "TPM2OPENSSL_TCTI"


class Chip:
    """A TPM, known by the way in which the TSS reaches it (its TCTI).

    Attributes:
        tcti: such as `device:/dev/tpmrm0`.
        owner: the process that runs it, 0 for a real one.

    Example:
        >>> Chip("device:/dev/tpmrm0").real
        True
    """

    def __init__(self, tcti: str, owner: int = 0) -> None:
        self.tcti, self.owner = tcti, owner

    @property
    def real(self) -> bool:
        """Whether it is one that the system has, and not a process of the lab."""
        return self.tcti.startswith("device:")

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
        """Return the software TPM that runs in a folder; None if none does."""
        try:
            told = read_json(Path(folder, "running.json"), most=4096)
            owner, path = int(told["pid"]), str(told["socket"])
            if told["folder"] != str(Path(folder).absolute()):  # a copy of a folder in use
                return None
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(1)
                probe.connect(path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return cls(f"swtpm:path={path}", owner)


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
    raise LabError(
        f"no TPM: none runs in {' or '.join(str(Path(each)) for each in folders)}, and there is "
        f"no {DEVICE}",
        "the TPM that wrapped the key",
        "start it, in Python: SoftwareTPM(folder), of mtls_lab",
    )

"""What notebooks 4 and 4d need beside Python, and nothing else does: the parts of a software TPM.

Here: the doctor's findings about them, which are notes: the course works without. Not here: which
packages have them (tpm/provider.py), the order of the checks (doctor.py).
"""

from __future__ import annotations

import shutil
import subprocess

from mtls_lab.cli.installed import ANSWERING, Finding, Level, run
from mtls_lab.tpm.provider import PROVIDER, installing, missing

__all__ = ["first_line", "provider", "software_tpm", "tools"]

TOOLS = "tpm2-tools"


def software_tpm() -> Finding:
    """Look for swtpm."""
    found = first_line("swtpm", "--version")
    if found is None:
        return _note("swtpm", "no software TPM", ["swtpm"])
    return Finding("swtpm", Level.OK, found.partition(",")[0].removeprefix("TPM emulator version "))


def provider() -> Finding:
    """Look for OpenSSL's provider for keys in a TPM, and for its way to a software TPM."""
    lacking = [name for name in missing() if name not in {"swtpm", "openssl"}]
    if lacking:
        return _note(PROVIDER, f"no {' and no '.join(lacking)}", lacking)
    return Finding(PROVIDER, Level.OK, "OpenSSL's provider for keys in a TPM")


def tools() -> Finding:
    """Look for the tools of the TSS, with which one looks into a TPM."""
    found = first_line("tpm2_getcap", "--version")
    if found is None:
        return _note(TOOLS, "no tpm2_getcap", [TOOLS])
    return Finding(TOOLS, Level.OK, "tpm2_getcap and its like")


def _note(name: str, found: str, packages: list[str]) -> Finding:
    return Finding(
        name, Level.NOTE, found, f"optional, for notebooks 4 and 4d; {installing(packages)}"
    )


def first_line(*command: str) -> str | None:
    """Return what a program says of itself; None if it is missing or does not work."""
    program = shutil.which(command[0])
    if program is None:
        return None
    try:
        done = run([program, *command[1:]], ANSWERING, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip().partition("\n")[0] or command[0]

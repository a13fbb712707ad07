"""What OpenSSL needs to use a key in a TPM: the provider tpm2, and a configuration that loads it.

Here: which packages are missing, the configuration for this version of the provider, and the
environment of a program that uses it. Not here: the TPM (software.py, chip.py), keys (keys.py).

Python reads the configuration when it first loads ssl. So a kernel that is running cannot use a
key in a TPM any more, and a program that it starts with this environment can.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from mtls_lab.common import LabError, PathLike, ToolMissing, typed, write_file
from mtls_lab.tpm.chip import VARIABLE, Chip
from mtls_lab.tpm.codes import codes_in

__all__ = [
    "PACKAGES",
    "PROVIDER",
    "SIGNS_ALONE",
    "environment",
    "installing",
    "missing",
    "run_openssl",
    "version_of",
]

#: Debian's package of each part, and what the part is.
PACKAGES = {
    "openssl": "the command openssl",
    "swtpm": "the software TPM",
    "tpm2-openssl": "OpenSSL's provider for keys in a TPM",
    "libtss2-tcti-swtpm0": "how that provider reaches a software TPM",
}
PROVIDER, MODULE = "tpm2-openssl", "tpm2.so"
#: What Fedora calls those that it calls otherwise.
FEDORA = {"libtss2-tcti-swtpm0": "tpm2-tss"}
#: Before it, the provider lets OpenSSL's own one have the public half, which then tries to sign.
SIGNS_ALONE = (1, 2)
#: A command that takes longer waits for something that will not come.
TIMEOUT = 40

CONFIGURATION = """\
# Loads the provider for keys in a TPM beside OpenSSL's own: OPENSSL_CONF names this file.
openssl_conf = openssl_init

[openssl_init]
providers = provider_sect
{more}
[provider_sect]
default = default_sect
tpm2 = tpm2_sect

[default_sect]
activate = 1

[tpm2_sect]
activate = 1
"""
#: tpm2-openssl 1.1 signs only where everything that is about a signature is asked of it.
OLD = (
    "alg_section = evp_properties\n",
    "\n[evp_properties]\ndefault_properties = ?tpm2.signature=yes\n",
)


def missing() -> tuple[str, ...]:
    """Return the Debian packages that a software TPM with OpenSSL still needs here."""
    there = {
        "openssl": shutil.which("openssl") is not None,
        "swtpm": shutil.which("swtpm") is not None,
        "tpm2-openssl": (_modules() / MODULE).is_file(),
        "libtss2-tcti-swtpm0": any(_modules().parent.glob("libtss2-tcti-swtpm.so*")),
    }
    return tuple(name for name in PACKAGES if not there[name])


def installing(packages: Iterable[str]) -> str:
    """Return how packages of Debian's names are got on this system.

    Example:
        >>> "tpm2-openssl" in installing(["tpm2-openssl"]) or sys.platform != "linux"
        True
    """
    if sys.platform != "linux":
        return (
            "not available here: the lab's TPM needs Linux, such as in a virtual machine; without "
            "it, notebooks 4 and 4d show recorded outcomes"
        )
    names = list(packages)
    debian = f"on Debian and Ubuntu: sudo apt install {' '.join(names)}"
    fedora = f"on Fedora: sudo dnf install {' '.join(FEDORA.get(name, name) for name in names)}"
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    family = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    if family & {"debian", "ubuntu"}:
        return debian
    return fedora if family & {"fedora", "rhel"} else f"{debian}; {fedora}"


def environment(chip: Chip, folder: PathLike) -> dict[str, str]:
    """Write `openssl.cnf` into a folder, and return the environment of a program that uses it.

    Args:
        chip: the TPM that the program shall reach.
        folder: the device's, where its configuration belongs.

    Raises:
        ToolMissing: the provider is not installed.
        LabError: the TPM does not answer.
    """
    more, end = OLD if version_of(chip) < SIGNS_ALONE else ("", "")
    path = Path(folder).absolute() / "openssl.cnf"
    write_file(path, CONFIGURATION.format(more=more) + end)
    return {"OPENSSL_CONF": str(path), VARIABLE: chip.tcti}


def version_of(chip: Chip) -> tuple[int, ...]:
    """Return the provider's version, such as `(1, 1, 1)`. Raises ToolMissing, LabError."""
    return _version(chip.tcti)


@cache
def _version(tcti: str) -> tuple[int, ...]:
    listed = run_openssl(["list", "-providers", "-provider", "tpm2"], Chip(tcti))
    found = re.search(r"(?s)TPM 2\.0 Provider.*?version: ([\d.]+)", listed)
    return tuple(map(int, found[1].strip(".").split("."))) if found else SIGNS_ALONE


def run_openssl(arguments: list[str], chip: Chip) -> str:
    """Run `openssl` with this TPM and return what it printed.

    Raises:
        ToolMissing: openssl or the provider is not installed.
        LabError: the command failed; `found` has OpenSSL's words and the TPM's code.
    """
    if lacking := [name for name in missing() if not (chip.real and "swtpm" in name)]:
        parts = " and ".join(f"{name} ({PACKAGES[name]})" for name in lacking)
        raise ToolMissing(
            f"a machine without {parts}",
            "OpenSSL with its provider for keys in a TPM",
            installing(lacking),
        )
    settings = {**os.environ, VARIABLE: chip.tcti}
    settings.pop("OPENSSL_CONF", None)
    try:
        done = subprocess.run(
            ["openssl", *arguments],
            env=settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LabError(
            f"no answer in {TIMEOUT} s from openssl {arguments[0]}",
            "a TPM that answers",
            "start the TPM again",
        ) from None
    if done.returncode:
        raise failed(done.stderr, shlex.join(["openssl", *arguments[:1]]))
    return done.stdout


def failed(said: str, what: str) -> LabError:
    """Return the error for what a program wrote that could not use the TPM."""
    codes = codes_in(said)
    if "Failed to connect" in said or any(each.layer != "the TPM" for each in codes):
        return LabError(
            f"{what}, and a TPM that cannot be reached, or was lost meanwhile",
            "a TPM that runs",
            "start the TPM again",
        )
    if codes:
        asked = f'explain "{codes[0].code:#x}"'
        return LabError(
            f"{what} failed: the TPM said {'; '.join(map(str, codes))}",
            "a command that the TPM carries out",
            f"ask what it means: {typed(asked)}",
        )
    lines = [line for line in said.splitlines() if line.strip()] or ["it said nothing"]
    return LabError(f"{what} failed: {lines[0]}", "a command that works", "correct what it names")


@cache
def _modules() -> Path:
    """Return the folder in which OpenSSL looks for providers."""
    try:
        said = subprocess.run(
            ["openssl", "version", "-m"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=10,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        said = ""
    found = re.search(r'MODULESDIR: "(.*)"', said)
    return Path(found[1] if found else "/usr/lib/ossl-modules")

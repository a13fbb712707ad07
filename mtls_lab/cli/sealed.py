"""Keys in a TPM, for `certs` and `ask`: which TPM, its PIN, and a device that uses such a key.

Here: what both commands need beyond their files. Not here: the TPM (tpm/), the process of the
device (net/apart.py), and the arguments (machines.py).
"""

from __future__ import annotations

import argparse
import shlex
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from cryptography import x509

from mtls_lab.cli.machines import FOLDER
from mtls_lab.cli.passwords import password
from mtls_lab.cli.place import Place
from mtls_lab.common import FileProblem, LabError, scratch_folder, typed
from mtls_lab.net import Address, ask_apart
from mtls_lab.pki import CertificateAuthority, Purpose
from mtls_lab.tpm import Chip, create_csr, create_wrapped_key, find, read_wrapped
from mtls_lab.wire import Exchange

__all__ = ["Sealed", "ask_by_tpm", "chip_for", "seal", "told_of", "wants_pin"]


def wants_pin(keyfile: Path) -> bool:
    """Whether the TPM asks for a PIN before it uses the key of this file."""
    try:
        return read_wrapped(keyfile).pin
    except FileProblem:
        return False  # it does not load, and that is what has to be said


def chip_for(folder: Path | None) -> Chip:
    """Return the TPM that was named, or else the one that there is, once it has answered.

    Raises:
        LabError: there is none, or it does not answer.
    """
    if folder is None:
        chip = find(FOLDER)
    elif (running := Chip.of(folder)) is None:
        raise LabError(
            f"no TPM that runs in {folder}",
            "the TPM of the key",
            f"start it: {typed(f'tpm start {shlex.quote(str(folder))}')}",
        )
    else:
        chip = running
    chip.probe()  # OpenSSL would wait much longer for one that is silent
    return chip


@dataclass(frozen=True, slots=True)
class Sealed:
    """A key that a TPM has made, and its certificate.

    Attributes:
        wrapped: what goes into the key file.
        certificate: for that key.
        chain: the CA certificates to send along.
    """

    wrapped: bytes
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]


def seal(
    options: argparse.Namespace, chip: Chip, ca: CertificateAuthority, name: str, uris: list[str]
) -> Sealed:
    """Let a TPM make a device's key, and have it certified; asks for the PIN that it shall have.

    Raises:
        ToolMissing: OpenSSL's provider is not installed.
        LabError: the TPM refused, or is lost; or the PIN cannot be one.
    """
    pin = None
    if options.pin:
        pin = password("PIN for the device's key", options.password_file, twice=True)
    with scratch_folder() as folder:
        key = folder / "client.key"
        create_wrapped_key(chip, key, pin=pin)
        csr = create_csr(chip, key, name, pin=pin)
        certificate = ca.sign(csr, Purpose.CLIENT, days=options.days, names=uris)
        return Sealed(key.read_bytes(), certificate, ca.chain)


def told_of(chip: Chip) -> list[str]:
    """Return what has to be known of a key in this TPM."""
    if chip.real:
        return [
            f"The device is this machine: its key is in the TPM {chip.name}, and cannot leave it.",
            "(Nobody has tried the lab on a real TPM yet.)",
        ]
    return [
        f"The device is this machine: its key is in the software TPM {chip.name}.",
        "Whoever copies the folder of that TPM has the key as well; a chip cannot be copied.",
    ]


def ask_by_tpm(options: argparse.Namespace, place: Place, to: Address) -> Exchange:
    """Be the device whose key is in a TPM: in a process of its own, which loads the provider.

    Raises:
        ToolMissing: OpenSSL's provider is not installed.
        LabError: there is no TPM, it does not answer, or nobody can type its PIN.
    """
    keyfile, cafile = cast("Path", place.keyfile), cast("Path", place.cafile)
    chip = chip_for(options.tpm_folder)
    pin = password(f"PIN of {keyfile}", options.password_file) if wants_pin(keyfile) else None
    with scratch_folder() as folder:
        return ask_apart(
            options.line,
            to,
            certfile=place.certfile,
            keyfile=keyfile,
            server_ca=cafile,
            server_hostname=options.server_name or options.address[0],
            environment=chip.environment(folder),
            password=pin,
            version=ssl.TLSVersion.TLSv1_3 if options.tls13_only else None,
            timeout=options.timeout,
        )

"""Key files, plain and as a TPM wraps them, and a device whose key is in a TPM, as the checks need.

Here: key files of every form, and one that no TPM can unwrap; a device with its TPM where one can
run, and a thief's call. Not here: what a check asks of the learner's work (part4/).
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from mtls_lab.common import LabError, private_folder, write_file
from mtls_lab.exercises.peers import SECRET, server_context, strict_device
from mtls_lab.net import Backend, ask, ask_apart
from mtls_lab.pki import CertificateAuthority, Identity, Key, Purpose, pem
from mtls_lab.tpm import SoftwareTPM, Wrapped, create_csr, create_wrapped_key, missing
from mtls_lab.tpm.conversation import OWNER
from mtls_lab.wire import Exchange

__all__ = [
    "GUESSED",
    "IN_DER",
    "PIN",
    "Company",
    "key_file",
    "lay_out",
    "not_run",
    "wrapped_key",
]

PIN = b"1234"
#: What is broken by whoever takes such a file for safe.
GUESSED = "a PIN on a file is guessed on the thief's machine, at any speed"
IN_DER = "DER is the same key without the lines that can be read"


def not_run(what: str) -> str:
    """Return the line that says what a machine without a software TPM has left out."""
    return f"not run here, because this machine lacks {', '.join(missing())}: {what}"


def wrapped_key() -> bytes:
    """Return a key file in the TSS2 form, with noise where the wrapped key is: for nobody's TPM.

    Example:
        >>> wrapped_key().splitlines()[0]
        b'-----BEGIN TSS2 PRIVATE KEY-----'
    """
    return str(Wrapped(OWNER, os.urandom(86), os.urandom(126))).encode()


def key_file(
    key: Key | rsa.RSAPrivateKey,
    encoding: Encoding = Encoding.PEM,
    form: PrivateFormat = PrivateFormat.PKCS8,
    *,
    pin: bytes = b"",
) -> bytes:
    """Return a key as a file that a thief can copy, encrypted if there is a PIN."""
    protection = BestAvailableEncryption(pin) if pin else NoEncryption()
    return key.private_bytes(encoding, form, protection)


def lay_out(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files by their names, each with the mode of a key."""
    for name, data in files.items():
        private_folder((folder / name).parent)
        write_file(folder / name, data, mode=0o600)


@dataclass(frozen=True)
class Company:
    """A backend, the CA of its devices, and one device.

    Attributes:
        ca: signs devices and backend.
        device: with its key in a file.
    """

    ca: CertificateAuthority
    device: Identity

    @classmethod
    def make(cls) -> Company:
        """Make both."""
        ca = CertificateAuthority.create("Lab CA")
        return cls(ca, ca.issue_client("trusted-client"))

    def backend(self) -> Backend:
        """Return a backend that serves the devices of the CA."""
        own = self.ca.issue_server(["localhost"])
        return Backend(server_context(own, client_ca=self.ca.certificate), secret=SECRET)

    def steals(self, data: bytes, password: bytes | None = None) -> str | None:
        """Let a thief call with a stolen key and the device's certificate; None: not served."""
        key = load_pem_private_key(data, password)
        identity = Identity(key, self.device.certificate)  # type: ignore[arg-type]
        try:
            context = strict_device(self.ca.certificate, identity)
        except (ssl.SSLError, LabError):  # the key of another certificate
            return None
        with self.backend() as backend:
            return ask("GET_SECRET", backend, context=context).reply

    def certify(self, chip: SoftwareTPM, folder: Path, name: str) -> None:
        """Make a folder that of a device: a key in this TPM, a certificate, and the CA's."""
        create_wrapped_key(chip, folder / f"{name}.key")
        csr = create_csr(chip, folder / f"{name}.key", "trusted-client")
        pem.write_certificate(folder / f"{name}.crt", self.ca.sign(csr, Purpose.CLIENT))
        pem.write_certificate(folder / "server_ca.pem", self.ca.certificate)

    def visited(
        self, folder: Path, name: str, environment: Mapping[str, str], version: ssl.TLSVersion
    ) -> Exchange:
        """Let the device of such a folder ask for the secret: a process with this environment."""
        with self.backend() as backend:
            return ask_apart(
                "GET_SECRET",
                backend,
                certfile=folder / f"{name}.crt",
                keyfile=folder / f"{name}.key",
                server_ca=folder / "server_ca.pem",
                environment=environment,
                version=version,
            )

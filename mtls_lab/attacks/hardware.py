"""Mutual TLS whose device has its key in a TPM: the protection of Part 4.

Here: how that device asks, as a process of its own, and what a thief can do with copies of its
files. Not here: the attacks (attacks.py), the TPM (tpm/).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from mtls_lab.attacks.protections import Protection
from mtls_lab.net import Presented, Upstream, ask_apart, ask_each_apart
from mtls_lab.pki import CertificateAuthority, Purpose, pem
from mtls_lab.tpm import SoftwareTPM, create_csr, create_wrapped_key
from mtls_lab.wire import Exchange

__all__ = ["KeyInTPM", "key_in_tpm"]


@dataclass(frozen=True)
class KeyInTPM(Protection):
    """A protection whose `keyfile` is wrapped by a TPM.

    Attributes:
        settings: the environment in which the device's process can use the key.
    """

    settings: dict[str, str] = field(default_factory=dict)

    def ask(self, to: Upstream) -> Exchange:
        """Be the device itself: a process that reaches its TPM."""
        return ask_apart(
            "GET_SECRET",
            to,
            certfile=self.certfile,
            keyfile=self.keyfile,
            server_ca=str(self.server_ca),
            environment=self.settings,
        )

    def ask_with_copies(self, to: Upstream, folder: Path) -> Exchange:
        """Be a thief on another machine: all files, and a TPM that is not the device's."""
        copies = self.copies(folder)
        certfile, keyfile = copies or (None, None)
        with SoftwareTPM(folder / "other tpm") as other:
            return ask_apart(
                "GET_SECRET",
                to,
                certfile=certfile,
                keyfile=keyfile,
                server_ca=shutil.copy(str(self.server_ca), folder),
                environment=other.environment(folder),
                name="thief",
            )

    def ask_with_session(self, to: Upstream) -> tuple[Exchange, Exchange, Exchange | None]:
        """Be a thief of the session: who can read it is in the device's process."""
        device = Presented(str(self.certfile), str(self.keyfile), str(self.server_ca))
        presented = [Presented(name="thief"), device, Presented(name="thief", session_of=1)]
        before, asked, after = ask_each_apart("GET_SECRET", to, presented, self.settings)
        nothing = after.device.failure is not None and after.device.failure.reason == "NO_SESSION"
        return before, asked, None if nothing else after


def key_in_tpm(chip: SoftwareTPM, mutual: Protection, ca: CertificateAuthority) -> KeyInTPM:
    """Make the same protection, with a key that a TPM has made, beside the files of the first.

    Args:
        chip: the device's TPM.
        mutual: mutual TLS with files.
        ca: signs the certificate.

    Raises:
        LabError: the TPM does not do what it is asked.
        ToolMissing: OpenSSL's provider is not installed.
    """
    folder = Path(str(mutual.keyfile)).parent
    keyfile, certfile = folder / "tpm.key", folder / "tpm.crt"
    create_wrapped_key(chip, keyfile)
    csr = create_csr(chip, keyfile, "trusted-client")
    pem.write_certificate(certfile, ca.sign(csr, Purpose.CLIENT))
    return KeyInTPM(
        "Key in a TPM",
        mutual.server_context,
        None,
        mutual.authorize,
        mutual.server_ca,
        certfile,
        keyfile,
        chip.environment(folder),
    )

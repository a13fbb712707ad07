"""A device whose keys are in a TPM: it enrols, renews and works as the others do.

Here: its files, and what it asks, each time as a process of its own. Not here: the TPM (tpm/), and
whether it is one: that takes attestation, and the office believes the request.
"""

from __future__ import annotations

from pathlib import Path

from cryptography import x509

from mtls_lab.common import PathLike
from mtls_lab.enrolment.lines import certificate_from, to_line
from mtls_lab.net import Upstream, ask_apart
from mtls_lab.pki import pem
from mtls_lab.tpm import Chip, create_csr, create_wrapped_key
from mtls_lab.wire import Exchange

__all__ = ["ChipDevice"]


class ChipDevice:
    """A device of a fleet, in a folder, with its keys in a TPM.

    `birth.key` and `device.key` are wrapped: on another machine they are worth nothing. `ask_all`
    takes it in the place of a context.

    Args:
        name: its common name.
        folder: where its files are.
        chip: its TPM.
        server_ca: the CAs that it checks a backend with.
    """

    def __init__(self, name: str, folder: PathLike, chip: Chip, server_ca: PathLike) -> None:
        self.name, self._folder, self._chip = name, Path(folder), chip
        self._server_ca, self._environment = server_ca, chip.environment(self._folder)

    def request(self, kind: str = "birth") -> x509.CertificateSigningRequest:
        """Make a key in the TPM, and a request for it. Raises what `create_wrapped_key` raises."""
        create_wrapped_key(self._chip, self._folder / f"{kind}.key")
        return create_csr(self._chip, self._folder / f"{kind}.key", self.name)

    def keep(self, certificate: x509.Certificate, *chain: x509.Certificate, kind: str) -> None:
        """Write down what was certified for the key of this kind."""
        pem.write_certificate(self._folder / f"{kind}.crt", certificate, *chain)

    def ask(self, command: str, to: Upstream, kind: str = "device") -> Exchange:
        """Ask a backend, and present the certificate of this kind."""
        return ask_apart(
            command,
            to,
            certfile=self._folder / f"{kind}.crt",
            keyfile=self._folder / f"{kind}.key",
            server_ca=self._server_ca,
            environment=self._environment,
        )

    def enrol(self, office: Upstream, present: str = "device") -> Exchange:
        """Ask an office for the next certificate, for a new key; the old pair stays until then."""
        csr = self.request("next")
        exchange = self.ask(f"ENROL {to_line(csr)}", office, present)
        if exchange.ok:
            chain = certificate_from(self.ask("CHAIN", office, present).reply)
            self.keep(certificate_from(exchange.reply), chain, kind="device")
            (self._folder / "next.key").replace(self._folder / "device.key")
        return exchange

"""One software TPM for a module, with a device whose key is in it, and a backend that trusts it."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mtls_lab import Exchange
from mtls_lab.net import Backend, ask_apart, server_context, watch
from mtls_lab.pki import CertificateAuthority, Purpose, write_certificate
from mtls_lab.tpm import SoftwareTPM, create_csr, create_wrapped_key
from tests.unit.lab import LONG, leftovers


@dataclass
class Device:
    """A device's folder, the TPM of its key, and the backend that it calls."""

    folder: Path
    chip: SoftwareTPM
    settings: dict[str, str]
    context: ssl.SSLContext

    def ask(
        self,
        backend: Backend,
        name: str = "tpm",
        *,
        settings: dict[str, str] | None = None,
        password: str | None = None,
        version: ssl.TLSVersion | None = None,
    ) -> Exchange:
        return ask_apart(
            "GET_SECRET",
            backend,
            certfile=self.folder / f"{name}.crt",
            keyfile=self.folder / f"{name}.key",
            server_ca=self.folder / "ca.crt",
            environment=self.settings if settings is None else settings,
            password=password,
            version=version,
            timeout=LONG,  # a busy machine is no failure
        )


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """The TPM of a module has threads of its own; `device` looks at the end."""


def trusting(folder: Path) -> tuple[CertificateAuthority, ssl.SSLContext]:
    """A CA, in `ca.crt` of a folder, and the context of a backend that serves its devices."""
    ca = CertificateAuthority.create("Lab CA")
    write_certificate(folder / "ca.crt", ca.certificate)
    server = ca.issue_server(["localhost"]).save(folder, "server")
    context = server_context(*server, client_ca=folder / "ca.crt")
    watch(context)
    return ca, context


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    before = leftovers()
    folder = tmp_path_factory.mktemp("device")
    ca, context = trusting(folder)
    with SoftwareTPM(folder / "chip") as chip:
        for name, pin in (("tpm", None), ("pin", "1234")):
            create_wrapped_key(chip, folder / f"{name}.key", pin=pin)
            csr = create_csr(chip, folder / f"{name}.key", "trusted-client", pin=pin)
            write_certificate(folder / f"{name}.crt", ca.sign(csr, Purpose.CLIENT))
        yield Device(folder, chip, chip.environment(folder), context)
    assert leftovers() <= before

"""How device and backend are set up, finished: what the attacks run against.

Here: one protection, and those of the course. Not here: the attacks (attacks.py).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mtls_lab.errors import ProtectionBroken
from mtls_lab.files import PathLike, private_folder
from mtls_lab.net import (
    Backend,
    PeerCertificate,
    ask,
    client_context,
    forbid_resumption,
    only_trusted_client,
    server_context,
)
from mtls_lab.pki import CertificateAuthority, pem

__all__ = ["Protection", "lab_protections"]


@dataclass(frozen=True)
class Protection:
    """How device and backend are set up: what the attacks run against.

    Attributes:
        name: the column of the table.
        server_context, client_context: finished contexts; None for plain TCP.
        authorize: the backend's rule, as `serve` takes it.
        server_ca: the file with the CA that the device trusts; public, so a clone has it too.
        certfile, keyfile: what the device presents; None if it presents nothing.
    """

    name: str
    server_context: ssl.SSLContext | None = None
    client_context: ssl.SSLContext | None = None
    authorize: Callable[[PeerCertificate], object] | None = None
    server_ca: str | Path | None = None
    certfile: str | Path | None = None
    keyfile: str | Path | None = None

    def backend(self) -> Backend:
        """Start the backend that is attacked."""
        return Backend(self.server_context, authorize=self.authorize)

    def check(self) -> None:
        """Raise ProtectionBroken if the device itself is not served: nothing would be proved."""
        with self.backend() as backend:
            exchange = ask("GET_SECRET", backend, context=self.client_context)
        if not exchange.ok:
            raise ProtectionBroken(
                f"under {self.name!r} the device itself is not served:\n{exchange}",
                "a device that gets the secret; without it, an attack that fails proves nothing",
                "make this exchange work first, then run the attacks again",
            )


def lab_protections(folder: PathLike) -> list[Protection]:
    """Make the protections of Parts 1, 2 and 3, with a new CA and its files in `folder`.

    The last is that of Part 3 with a backend that lets nobody resume a session, and that a scanner
    has nothing to say against.
    """
    folder = private_folder(folder)
    ca = CertificateAuthority.create("Lab CA")
    ca_file = Path(folder) / "ca.crt"
    pem.write_certificate(ca_file, ca.certificate)
    server = ca.issue_server(["localhost", "127.0.0.1"]).save(folder, "server")
    client = ca.issue_client("trusted-client").save(folder, "client")
    device = client_context(ca_file, *client)
    mutual, hardened = (server_context(*server, client_ca=ca_file) for _ in range(2))
    forbid_resumption(hardened)
    # With TLS 1.3 alone, that makes it Mozilla's "intermediate": of the curves that OpenSSL offers
    # by itself, that profile leaves out two.
    hardened.set_ecdh_curve("X25519")
    return [
        Protection("Plain TCP"),
        Protection("TLS", server_context(*server), client_context(ca_file), server_ca=ca_file),
        Protection("Mutual TLS", mutual, device, only_trusted_client, ca_file, *client),
        Protection(
            "Mutual TLS, no sessions", hardened, device, only_trusted_client, ca_file, *client
        ),
    ]

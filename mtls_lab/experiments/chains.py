"""What a backend sends along: its certificate, the CAs above it, in this order or in another.

Here: data/chain.toml as values, the certificates, and what an order does to a real connection. Not
here: what an error means (explaining/), and how the certificates are put in order
(panels/chain.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mtls_lab.common import read_facts, scratch_folder, write_file
from mtls_lab.experiments.meeting import meet
from mtls_lab.net import client_context, server_context
from mtls_lab.pki import CertificateAuthority, pem
from mtls_lab.wire import Exchange

__all__ = ["Chain", "Chained", "certificates"]

#: The device has the root, so it needs the certificates below it, each after the one it signed.
NEEDED = ("leaf", "issuing")


def certificates() -> dict[str, tuple[str, str]]:
    """Return the certificates to choose from, by name: the file of each, and what it is."""
    return {name: (fact["file"], fact["what"]) for name, fact in read_facts("chain").items()}


@dataclass(frozen=True)
class Chained:
    """A chain that was tried.

    Attributes:
        sent: the names of the certificates in the backend's file, in order.
        exchange: what both sides saw.
        wasted: how many bytes of it the device has no use for.
    """

    sent: tuple[str, ...]
    exchange: Exchange
    wasted: int

    @property
    def needless(self) -> list[str]:
        """The files that the device has no use for."""
        return [certificates()[name][0] for name in self.sent if name not in NEEDED]

    @property
    def is_in_order(self) -> bool:
        """Whether each certificate signed the one before it, as far as they are needed."""
        return self.sent[: len(NEEDED)] == NEEDED

    @property
    def remarks(self) -> list[str]:
        """What there is to say of a chain that was accepted, though it is not the best one."""
        said: list[str] = []
        if not self.exchange.ok:
            return said
        if self.needless:
            many = len(self.needless) > 1
            said.append(
                f"The device has no use for {' and '.join(self.needless)}: "
                f"{'they add' if many else 'it adds'} {self.wasted:,} bytes to each full handshake."
            )
            if "root_ca.pem" in self.needless:
                said.append(
                    "A root that the backend sends proves nothing; the device trusts its own copy."
                )
        if not self.is_in_order:
            said.append(
                "Each certificate should be followed by the one that signed it. This device "
                "sorted them itself (RFC 8446, section 4.4.2, recommends that); TLS 1.2 demands "
                "the order (RFC 5246, section 7.4.2), and not every client is so patient."
            )
        return said

    def __str__(self) -> str:
        return "\n".join([str(self.exchange), *self.remarks])


class Chain:
    """A root, an intermediate below it, a backend's certificate, and a CA that is not involved.

    Example:
        >>> chained = Chain().run(["leaf"])
        >>> chained.exchange.device.failure.verify_message
        'unable to get local issuer certificate'
    """

    def __init__(self) -> None:
        root = CertificateAuthority.create("Root CA", below=1)
        issuing = root.intermediate("Issuing CA")
        self._server = issuing.issue_server(["localhost"])
        self._certificates: dict[str, x509.Certificate] = {
            "root": root.certificate,
            "issuing": issuing.certificate,
            "leaf": self._server.certificate,
            "stranger": CertificateAuthority.create("Device CA").certificate,
        }

    def run(self, sent: Sequence[str]) -> Chained:
        """Write the file, start a backend with it, and let a device call that trusts the root."""
        with scratch_folder() as folder:
            certfile, root = folder / "chain.pem", folder / "root_ca.pem"
            _, keyfile = self._server.save(folder, "server")
            chain = (self._certificates[each].public_bytes(Encoding.PEM) for each in sent)
            write_file(certfile, b"".join(chain))
            pem.write_certificate(root, self._certificates["root"])
            exchange = meet(lambda: client_context(root), lambda: server_context(certfile, keyfile))
        needless = (self._certificates[each] for each in {*sent}.difference(NEEDED))
        wasted = sum(len(each.public_bytes(Encoding.DER)) for each in needless)
        return Chained(tuple(sent), exchange, wasted)

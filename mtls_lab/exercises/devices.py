"""A backend's context that is for devices only, and those who call it.

Here: a context of the learner's, and everybody whom it should serve or refuse. Not here: what it
hands out to be resumed (thief.py).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mtls_lab.exercises.careless import careless_devices, no_key_log, no_other_ca
from mtls_lab.exercises.contexts import context_in_folder
from mtls_lab.exercises.peers import PAST, SECRET, strict_device
from mtls_lab.exercises.refusals import ASKING, EXPIRED, VALIDITY, served
from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.net import Backend, ask
from mtls_lab.pki import CertificateAuthority, Identity, Purpose, pem, public_ca
from mtls_lab.scratch import scratch_folder
from mtls_lab.wire import Exchange

__all__ = ["ForDevices"]


@dataclass(frozen=True)
class ForDevices:
    """A running backend with a learner's context, and the CAs of both sides.

    Attributes:
        servers, devices, public: the CA of backends, that of devices, and one that the operating
            system trusts.
        context: the learner's.
        backend: it runs.
    """

    servers: CertificateAuthority
    devices: CertificateAuthority
    public: CertificateAuthority
    context: ssl.SSLContext
    backend: Backend

    @classmethod
    @contextmanager
    def of(cls, function: Callable[..., Any]) -> Iterator[ForDevices]:
        """Let the learner make the context of the files in a folder, and run a backend with it."""
        servers, devices = (
            CertificateAuthority.create(f"{side} CA") for side in ("Server", "Device")
        )
        with scratch_folder() as folder, public_ca(folder) as public:
            servers.issue_server(["localhost"]).save(folder, "server")
            pem.write_certificate(folder / "server_ca.pem", servers.certificate)
            pem.write_certificate(folder / "client_ca.pem", devices.certificate)
            context = context_in_folder(function, folder, "server")
        with Backend(context, secret=SECRET) as backend:
            yield cls(servers, devices, public, context, backend)

    def device(self, identity: Identity | None) -> ssl.SSLContext:
        """Make the context of a careful device with this identity."""
        return strict_device(self.servers.certificate, identity)

    def visit(self, identity: Identity | None) -> Exchange:
        """Let it ask for the secret."""
        return ask("GET_SECRET", self.backend, context=self.device(identity))

    def examine(self) -> Iterator[str]:
        """Let everybody call, and yield what held.

        Raises:
            NotYet: the device is not served, or not known.
            Unsafe: somebody is served who is no device.
        """
        exchange = self.visit(self.devices.issue_client("trusted-client"))
        refusal = exchange.backend and exchange.backend.failure
        if refusal and refusal.verify_code is not None and not self.context.get_ca_certs():
            raise NotYet(
                "the backend refuses every device: it has no CA to check them with",
                "requiring a certificate is one thing, knowing which ones are good is another",
            )
        if served(exchange, self.context).peer is None:
            raise NotYet("the device is served, and nobody asked for its certificate", ASKING)
        yield "the device is served, and the backend knows its name"
        for who, identity in self._others():
            if self.visit(identity).ok:
                raise Unsafe(
                    f"{who} got {SECRET!r}",
                    "only a device with a certificate from the device CA is served",
                )
            yield f"{who} is refused"
        old = self.devices.issue("trusted-client", Purpose.CLIENT, valid_days=PAST)
        if self.visit(old).ok:
            raise Unsafe(f"{EXPIRED} got {SECRET!r}", VALIDITY)
        yield f"{EXPIRED} is refused"
        device = self.devices.issue_client("trusted-client")
        yield careless_devices(self.backend, lambda: self.device(device))
        no_other_ca(self.context, self.devices.certificate)
        no_key_log(self.context)

    def _others(self) -> Iterator[tuple[str, Identity | None]]:
        mallory = CertificateAuthority.create("Mallory CA")
        yield "a device without a certificate", None
        for who, ca in (
            ("Mallory, with a certificate from a CA of her own,", mallory),
            ("a client that the server CA has signed", self.servers),
            ("a client that a public CA has signed", self.public),
        ):
            yield who, ca.issue_client("trusted-client")

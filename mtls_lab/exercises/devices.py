"""Backends that are for devices only, and everybody who calls them, as Parts 3 and 4 need them.

Here: a context of the learner's, fresh CAs, whom it should serve and whom refuse. Not here: what it
hands out to be resumed (thief.py), and what else a check asks of the learner's work (part4/).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from mtls_lab.common import scratch_folder, write_file
from mtls_lab.exercises.contexts import context_in_folder
from mtls_lab.exercises.peers import PAST, SECRET, strict_device
from mtls_lab.exercises.refusals import ASKING, EXPIRED, VALIDITY, served
from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.exercises.temptations import agrees_to_nothing_else, careless_devices
from mtls_lab.net import Backend, ask
from mtls_lab.pki import CertificateAuthority, Identity, Purpose, pem, public_ca
from mtls_lab.wire import Exchange

__all__ = ["REVOKED", "Factory", "ForDevices"]


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
        agrees_to_nothing_else(self.context, self.devices.certificate)

    def _others(self) -> Iterator[tuple[str, Identity | None]]:
        mallory = CertificateAuthority.create("Mallory CA")
        yield "a device without a certificate", None
        for who, ca in (
            ("Mallory, with a certificate from a CA of her own,", mallory),
            ("a client that the server CA has signed", self.servers),
            ("a client that a public CA has signed", self.public),
        ):
            yield who, ca.issue_client("trusted-client")


# --- A product with several CAs

#: Whoever has been revoked, as a sentence names it.
REVOKED = "a revoked device"


@dataclass(frozen=True)
class Factory:
    """The CAs of a product.

    Attributes:
        servers: signs the backend.
        root: of all devices; below it `births`, which signs in the factory, `cameras`, for another
            product, and `devices`, the one whose devices are served.
        lost: a device that is on the list of `devices`.
    """

    servers: CertificateAuthority
    root: CertificateAuthority
    births: CertificateAuthority
    cameras: CertificateAuthority
    devices: CertificateAuthority
    lost: Identity

    @classmethod
    def make(cls) -> Factory:
        """Make them all."""
        root = CertificateAuthority.create("Device Root", below=1)
        births, cameras = root.intermediate("Birth CA"), root.intermediate("Camera CA")
        devices = root.intermediate("Device CA")
        lost = devices.issue_client("device-13")
        devices.revoke(lost.certificate)
        servers = CertificateAuthority.create("Server CA")
        return cls(servers, root, births, cameras, devices, lost)

    def lay_out(self, folder: Path, devices: CertificateAuthority | None = None) -> None:
        """Write the files of a backend that serves the devices of one CA; default: `devices`."""
        ca = devices or self.devices
        self.servers.issue_server(["localhost"]).save(folder, "server")
        pem.write_certificate(folder / "device_root.pem", self.root.certificate)
        pem.write_certificate(folder / "device_ca.pem", ca.certificate)
        # A list that is missing refuses too: here none is, so that trust alone decides.
        every = [self.devices, self.births, self.cameras, *([devices] if devices else [])]
        lists = (each.crl().public_bytes(Encoding.PEM) for each in every)
        write_file(folder / "device_ca.crl", b"".join(lists), mode=0o644)

    def visit(self, context: ssl.SSLContext, identity: Identity | None) -> Exchange:
        """Let a device ask a backend with this context for the secret."""
        device = strict_device(self.servers.certificate, identity)
        with Backend(context, secret=SECRET) as backend:
            return ask("GET_SECRET", backend, context=device)

    def serves_its_device(self, context: ssl.SSLContext) -> None:
        """Raise NotYet if a good device is not served, or not known."""
        exchange = self.visit(context, self.devices.issue_client("device-01"))
        if served(exchange, context).peer is None:
            raise NotYet("the device is served, and nobody asked for its certificate", ASKING)

    def refuses_others(self, context: ssl.SSLContext) -> Iterator[str]:
        """Let everybody call who is not a device in operation. Raises Unsafe."""
        for who, identity, rule in self._others():
            if self.visit(context, identity).ok:
                raise Unsafe(f"{who} got {SECRET!r}", rule)
            yield f"{who} is refused"

    def refuses_the_careless(self, context: ssl.SSLContext) -> str:
        """Let careless devices call, and look for other CAs. Raises Unsafe or NotYet."""
        identity = self.devices.issue_client("device-01")
        with Backend(context, secret=SECRET) as backend:
            held = careless_devices(
                backend, lambda: strict_device(self.servers.certificate, identity)
            )
        agrees_to_nothing_else(context, self.devices.certificate)
        return held

    def _others(self) -> Iterator[tuple[str, Identity | None, str]]:
        only = "only a device with a certificate of the Device CA is served"
        below = "trust in a root is trust in every CA below it"
        yield "a device without a certificate", None, only
        mallory = CertificateAuthority.create("Mallory CA").issue_client("device-01")
        yield "Mallory, with a certificate of a CA that she made,", mallory, only
        yield "a client that the server CA has signed", self.servers.issue_client("device-01"), only
        yield "a birth certificate", self.births.issue_client("device-01"), below
        camera = self.cameras.issue_client("device-01")
        yield "a device of another product, below the same root,", camera, below
        old = self.devices.issue("device-01", Purpose.CLIENT, valid_days=PAST)
        yield EXPIRED, old, VALIDITY
        yield REVOKED, self.lost, "a list stops nobody unless it is loaded and checked"

"""Exercise of Part 3: serve devices only.

Here: the check, and the devices that call. Not here: what all checks share (the folder above).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mtls_lab.exercises.careless import careless_devices, no_other_ca
from mtls_lab.exercises.contexts import context_in_folder
from mtls_lab.exercises.impostors import public_ca
from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.peers import SECRET, strict_device
from mtls_lab.exercises.refusals import ASKING, served
from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.net import Backend, ask
from mtls_lab.pki import CertificateAuthority, Identity, pem
from mtls_lab.wire import Exchange

__all__ = ["mutual_backend"]


@exercise(wanted="a function mutual_backend(folder)", kind=callable)
def mutual_backend(function: Callable[..., Any]) -> Iterator[str]:
    """Serve devices only."""
    servers, devices = (CertificateAuthority.create(name) for name in ("Server CA", "Device CA"))
    with tempfile.TemporaryDirectory() as name, public_ca(folder := Path(name)) as public:
        servers.issue_server(["localhost"]).save(folder, "server")
        pem.write_certificate(folder / "server_ca.pem", servers.certificate)
        pem.write_certificate(folder / "client_ca.pem", devices.certificate)
        context = context_in_folder(function, folder, "server")
    with Backend(context, secret=SECRET) as backend:

        def visit(identity: Identity | None) -> Exchange:
            device = strict_device(servers.certificate, identity)
            return ask("GET_SECRET", backend, context=device)

        exchange = visit(devices.issue_client("trusted-client"))
        refusal = exchange.backend and exchange.backend.failure
        if refusal and refusal.verify_code is not None and not context.get_ca_certs():
            raise NotYet(
                "the backend refuses every device: it has no CA to check them with",
                "requiring a certificate is one thing, knowing which ones are good is another",
            )
        if served(exchange).peer is None:
            raise NotYet("the device is served, and nobody asked for its certificate", ASKING)
        yield "the device is served, and the backend knows its name"
        mallory = CertificateAuthority.create("Mallory CA").issue_client("trusted-client")
        for who, identity in (
            ("a device without a certificate", None),
            ("Mallory, with a certificate from a CA of her own,", mallory),
            ("a client that the server CA has signed", servers.issue_client("trusted-client")),
            ("a client that a public CA has signed", public.issue_client("trusted-client")),
        ):
            if visit(identity).ok:
                raise Unsafe(
                    f"{who} got {SECRET!r}",
                    "only a device with a certificate from the device CA is served",
                )
            yield f"{who} is refused"
        device = devices.issue_client("trusted-client")
        yield careless_devices(backend, lambda: strict_device(servers.certificate, device))
    no_other_ca(context, devices.certificate)

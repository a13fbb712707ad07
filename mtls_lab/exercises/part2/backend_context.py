"""Exercise of Part 2: write the backend's context, and keep its certificate from Eve.

Here: the check, and what Eve overhears. Not here: what all checks share (the folder above).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from mtls_lab.common import scratch_folder
from mtls_lab.exercises.contexts import World, context_of_files
from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.peers import SECRET, strict_device
from mtls_lab.exercises.refusals import why_not_served
from mtls_lab.exercises.result import Unsafe
from mtls_lab.exercises.temptations import careless_devices, no_key_log
from mtls_lab.net import Backend, Relay, ask
from mtls_lab.wire import Exchange

__all__ = ["backend_context"]

Function = Callable[..., Any]


@exercise("a function backend_context(certfile, keyfile)")
def backend_context(make: Function) -> Iterator[str]:
    """Write the backend's context, and keep its certificate from Eve."""
    with scratch_folder() as folder:
        world = World.in_folder(folder)
        files = world.path("server.crt"), world.path("server.key")
        context = context_of_files(make, *files, side="server")
        yield "it is a context for the backend's side"
        device = strict_device(world.ca.certificate)
        exchange, eve = _overheard(context, device)
        if not exchange.ok:
            raise why_not_served(exchange, context)
        yield "a device that trusts the CA receives the secret"
        certificate = world.backend.certificate.public_bytes(Encoding.DER)
        device.maximum_version = ssl.TLSVersion.TLSv1_2
        exchange, old = _overheard(context, device)
        if exchange.ok and old.heard(certificate):
            found = "a device spoke TLS 1.2 and was served: Eve has read the backend's certificate"
            raise Unsafe(found, "from TLS 1.3 on, the certificate is sent encrypted: RFC 8446")
        with Backend(context, secret=SECRET) as backend:
            careless_devices(backend, lambda: strict_device(world.ca.certificate))
        no_key_log(context)
        yield "a device that speaks nothing newer than TLS 1.2 is refused"
        if not eve.heard(certificate):
            yield "Eve, who has recorded it all, does not find the certificate"


def _overheard(context: ssl.SSLContext, device: ssl.SSLContext) -> tuple[Exchange, Relay]:
    with Backend(context, secret=SECRET) as backend, Relay(backend) as eve:
        return ask("GET_SECRET", eve, context=device), eve

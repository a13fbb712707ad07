"""Exercise of Part 3: let the device prove itself.

Here: the check, and Mallory in the backend's place. Not here: her certificates (temptations.py).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import Any

from mtls_lab.common import scratch_folder
from mtls_lab.exercises.contexts import context_in_folder
from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.peers import LIE, SECRET, server_context
from mtls_lab.exercises.refusals import served
from mtls_lab.exercises.result import Unsafe
from mtls_lab.exercises.temptations import (
    Impostor,
    agrees_to_nothing_else,
    careless_backends,
    impostors,
)
from mtls_lab.net import Backend, ask
from mtls_lab.pki import CertificateAuthority, pem, public_ca

__all__ = ["mutual_device"]


@exercise("a function mutual_device(folder)")
def mutual_device(function: Callable[..., Any]) -> Iterator[str]:
    """Let the device prove itself."""
    servers, devices = (CertificateAuthority.create(name) for name in ("Server CA", "Device CA"))
    with scratch_folder() as folder, public_ca(folder) as public:
        devices.issue_client("trusted-client").save(folder, "client")
        pem.write_certificate(folder / "server_ca.pem", servers.certificate)
        context = context_in_folder(function, folder, "client")
    backend_identity = servers.issue_server(["localhost"])
    own = server_context(backend_identity, client_ca=devices.certificate)
    with Backend(own, secret=SECRET) as backend:
        served(ask("GET_SECRET", backend, context=context))
    yield "the device proves itself with its certificate, and is served"
    for impostor in impostors(servers, public, "localhost"):
        _answer(context, impostor)
        yield f"Mallory, who presents {impostor.shows}, is refused"
    yield careless_backends(
        context, lambda: server_context(backend_identity, client_ca=devices.certificate)
    )
    agrees_to_nothing_else(context, servers.certificate)


def _answer(context: ssl.SSLContext, impostor: Impostor) -> None:
    """Let Mallory answer in the backend's place. Raises Unsafe if she hears the command."""
    with Backend(impostor.context, name="mallory", secret=LIE) as mallory:
        exchange = ask("GET_SECRET", mallory, context=context)
    if exchange.ok or (exchange.backend is not None and exchange.backend.received):
        raise Unsafe(
            f"Mallory presented {impostor.shows}, read the command, and answered {LIE!r}",
            impostor.rule,
        )

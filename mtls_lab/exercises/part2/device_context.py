"""Exercise of Part 2: write the device's context.

Here: the check. Not here: whom the device meets (temptations.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mtls_lab.common import scratch_folder
from mtls_lab.exercises.contexts import World, context_of_files
from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.peers import LIE, SECRET, server_context
from mtls_lab.exercises.refusals import refusal
from mtls_lab.exercises.result import Unsafe
from mtls_lab.exercises.temptations import agrees_to_nothing_else, careless_backends, impostors
from mtls_lab.net import Backend, ask
from mtls_lab.pki import public_ca

__all__ = ["device_context"]

Function = Callable[..., Any]


@exercise("a function device_context(cafile)")
def device_context(make: Function) -> Iterator[str]:
    """Write the device's context."""
    with scratch_folder() as folder:
        world = World.in_folder(folder)
        with public_ca(world.folder) as public:
            context = context_of_files(make, world.path("server_ca.pem"), side="client")
        yield "it is a context for the device's side"
        with Backend(server_context(world.backend), secret=SECRET) as backend:
            exchange = ask("GET_SECRET", backend, context=context)
        if not exchange.ok:
            raise refusal(exchange)
        yield "the device receives the secret from its backend"
        for impostor in impostors(world.ca, public, "localhost"):
            with Backend(impostor.context, secret=LIE) as mallory:
                exchange = ask("GET_SECRET", mallory, context=context)
            if exchange.ok:
                found = f"Mallory presented {impostor.shows}, and the device believed her: {LIE!r}"
                raise Unsafe(found, impostor.rule)
            yield f"Mallory, who presents {impostor.shows}, is refused"
        yield careless_backends(context, lambda: server_context(world.backend))
        agrees_to_nothing_else(context, world.ca.certificate)

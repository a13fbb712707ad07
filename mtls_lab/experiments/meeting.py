"""A device and a backend whose contexts may not come about: both sides are told all the same.

Here: the connection, or what stands in its way. Not here: the contexts (the other experiments).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

from mtls_lab.net import Backend, ask, nobody_listens
from mtls_lab.wire import Exchange, Failure, Side, Stage

__all__ = ["meet"]

Context = Callable[[], ssl.SSLContext]


def meet(device: Context, backend: Context) -> Exchange:
    """Let the device ask for the secret; what making a context raises is what that side saw.

    Without its context, the backend does not start, and the device finds nobody.

    Example:
        >>> print(meet(ssl.create_default_context, lambda: None.verify_mode))
        device   connect ✗ ConnectionRefusedError: ECONNREFUSED
        backend  setup ✗ AttributeError: 'NoneType' object has no attribute 'verify_mode'
    """
    try:
        context = backend()
    except Exception as error:  # noqa: BLE001 - lines that a learner put in order raise anything
        with nobody_listens() as address:
            exchange = ask("GET_SECRET", address, context=device)
        failed = Side("backend", Stage.SETUP, Failure.of(error))
        return Exchange("GET_SECRET", exchange.device, failed)
    with Backend(context) as running:
        return ask("GET_SECRET", running, context=device)

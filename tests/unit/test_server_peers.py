"""Clients that are silent, slow, broken or too many: each harms its own connection only.

Nothing here depends on how long something takes: a client that must not be in the way is held
open while another one is served.
"""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress

import pytest

from mtls_lab import Failure, Side, Stage, ask, serve
from mtls_lab.contexts import only_trusted_client
from mtls_lab.server import Backend
from mtls_lab.sockets import MAX_CONNECTIONS
from tests.unit.lab import (
    LONG,
    SECRET,
    Lab,
    client_hello,
    connect,
    failure,
    name_of,
    read_all,
    spelled,
)

TIMED_OUT = "TIMED_OUT"
WRONG_VERSION = "WRONG_VERSION_NUMBER"
CONTROL = "this is not text: a line may hold no control characters"
KINDS = ("plain", "TLS", "mTLS")


def start(lab: Lab, kind: str, **times: float) -> Backend:
    context = {"plain": None, "TLS": lab.tls(), "mTLS": lab.mtls()}[kind]
    return serve(context, **times)  # type: ignore[arg-type]


def device(lab: Lab, kind: str) -> ssl.SSLContext | None:
    return None if kind == "plain" else lab.device()


def is_served(lab: Lab, kind: str, backend: Backend) -> bool:
    return ask("GET_SECRET", backend, context=device(lab, kind)).reply == SECRET


# --- None delays another


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("opening", [b"", b"G", b"\x16\3\1"], ids=["silent", "slow", "slow TLS"])
def test_twenty_that_wait_delay_nobody(lab: Lab, kind: str, opening: bytes) -> None:
    if (kind, opening[:1]) in {("plain", b"\x16"), ("TLS", b"G"), ("mTLS", b"G")}:
        opening = opening[:1]  # one byte that the other kind would refuse at once is enough
    with start(lab, kind) as backend, ExitStack() as stack:
        waiting = [stack.enter_context(connect(backend.address)) for _ in range(20)]
        for client in waiting:
            client.sendall(opening if kind != "plain" or opening != b"\x16" else b"G")
        assert is_served(lab, kind, backend)
        assert len(backend.connections) == 1  # all the others are still open

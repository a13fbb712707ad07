"""The likely slips at the doors of the network: each is told at once, and nothing is opened."""

import ssl
from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any

import pytest

from mtls_lab.common import LabError
from mtls_lab.net import Backend, Relay, ask, ask_apart, running, serve, watch

#: As from a notebook, where no type is checked.
ASK: Callable[..., Any] = ask
APART: Callable[..., Any] = ask_apart
SERVE: Callable[..., Any] = serve
RELAY: Callable[..., Any] = Relay
WATCH: Callable[..., Any] = watch
ADDRESS = ("127.0.0.1", 9)
CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
WHOM = "what serve or Relay returned, or an address: a pair of host and port"


@pytest.mark.parametrize(
    ("slip", "found", "expected"),
    [
        (
            partial(ASK, "GET_SECRET", ADDRESS, CONTEXT),
            "ask was given 3 arguments without a name: the third is an SSLContext",
            "the command and whom to ask; what follows has its name in front of it",
        ),
        (partial(ASK, "GET_SECRET", "localhost"), "ask was given a str to call", WHOM),
        (partial(ASK, "GET_SECRET", None), "ask was given None to call", WHOM),
        (partial(ASK, "GET_SECRET", ("localhost",)), "ask was given a tuple to call", WHOM),
        (
            partial(ASK, "GET_SECRET", ("localhost", "5000")),
            "ask was given a pair of a str and a str to call",
            WHOM,
        ),
        (
            partial(RELAY, (None, 5000)),
            "Relay was given a pair of None and an int to call",
            WHOM,
        ),
        (
            partial(APART, "PING", ("localhost", "5000"), server_ca="ca.pem"),
            "ask_apart was given a pair of a str and a str to call",
            WHOM,
        ),
        (
            partial(APART, "PING", ADDRESS, server_ca="ca.pem", timeout="5"),
            "timeout is a str",
            "a number from 0 on",
        ),
        (
            partial(RELAY, ADDRESS, server_context="server.crt"),
            "Relay was given a str as its context",
            "a finished ssl.SSLContext",
        ),
        (
            partial(RELAY, ADDRESS, server_context=CONTEXT),
            "Relay was given a context of PROTOCOL_TLS_CLIENT as its server_context",
            "a server's context as server_context, and a client's as upstream_context",
        ),
        # What a socket cannot wait for failed each connection, with an OverflowError.
        (partial(ASK, "PING", ADDRESS, timeout=inf), "timeout is inf", "a number up to 1,000,000"),
        (
            partial(SERVE, idle_timeout=3_000_000),
            "idle_timeout is 3000000",
            "a number up to 1,000,000",
        ),
        (
            partial(SERVE, secret="open\nsesame"),
            "a secret of several lines",
            "one line",
        ),
        (
            partial(ASK, "GET_SECRET", ADDRESS, context="device/client.crt"),
            "ask was given a str as its context",
            "a finished ssl.SSLContext, a function that returns one, or None for plain TCP",
        ),
        (
            partial(SERVE, "x"),
            "serve was given a str as its context",
            "a finished ssl.SSLContext, a function that returns one, or None for plain TCP",
        ),
        (partial(SERVE, authorize=True), "authorize is a bool", "a function, or None"),
        (partial(SERVE, answer="PONG"), "answer is a str", "a function, or None"),
        (partial(RELAY, ADDRESS, tamper="x"), "tamper is a str", "a function, or None"),
        (partial(ASK, 3, ADDRESS), "the command is an int", "a text"),
        (partial(ASK, b"PING", ADDRESS), "the command is a bytes", "a text"),
        (partial(ASK, "PING", ADDRESS, timeout="5"), "timeout is a str", "a number from 0 on"),
        (partial(ASK, "PING", ADDRESS, timeout=-1), "timeout is -1", "a number from 0 on"),
        (partial(SERVE, name=3), "name is an int", "a text"),
        (partial(SERVE, secret=None), "secret is None", "a text"),
        (partial(SERVE, host=3), "host is an int", "a text"),
        (partial(SERVE, max_connections=0), "max_connections is 0", "a number from 1 on"),
        (partial(SERVE, idle_timeout="9"), "idle_timeout is a str", "a number from 0 on"),
        (
            partial(SERVE, port="5000"),
            "the port '5000'",
            "a number from 1 to 65535, or 0 for a free port",
        ),
        (partial(WATCH, None), "watch was given None as its context", "a finished ssl.SSLContext"),
        (partial(RELAY, "localhost"), "Relay was given a str to call", WHOM),
    ],
)
def test_a_slip_is_told(slip: Callable[[], object], found: str, expected: str) -> None:
    before = list(running())
    with pytest.raises(LabError) as caught:
        slip()
    assert (caught.value.found, caught.value.expected) == (found, expected)
    assert caught.value.todo
    assert list(running()) == before


def test_a_context_by_place_is_told_with_its_name() -> None:
    with pytest.raises(LabError, match=r"write ask\(command, backend, context=…\)"):
        ASK("GET_SECRET", ADDRESS, CONTEXT)


def test_whatever_is_right_stays_so() -> None:
    """A backend, a relay and an address; a function that makes a context; no context."""
    with Backend(lambda: None) as backend, Relay(backend, tamper=None) as relay:
        for to in (backend, relay, backend.address):
            assert ask("PING", to, context=lambda: None).reply == "PONG"

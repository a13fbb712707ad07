"""What Linux tells of real sockets, and what becomes of an answer that is none."""

import os
import socket
import struct
import sys

import pytest

from mtls_lab.net import sock_diag

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has sock_diag")

ESTABLISHED, LISTENS = 1, 10
FAMILIES = {"127.0.0.1": socket.AF_INET, "::1": socket.AF_INET6}


@pytest.mark.parametrize("host", FAMILIES)
def test_a_connection_and_its_listener(host: str) -> None:
    family = FAMILIES[host]
    with socket.create_server((host, 0), family=family) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection((host, port)) as client:
            own, other = client.getsockname()[:2], client.getpeername()[:2]
            expected = (ESTABLISHED, own[1], os.geteuid())
            assert sock_diag.between(family, own, other) == expected
            states = frozenset({ESTABLISHED, LISTENS})
            told = {each.state for each in sock_diag.at_port(family, port, states)}
            assert told == {LISTENS, ESTABLISHED}  # the second waits to be accepted
            only = frozenset({LISTENS})
            assert {each.state for each in sock_diag.at_port(family, port, only)} == {LISTENS}


def test_no_such_socket() -> None:
    with pytest.raises(OSError, match="the system has no such socket"):
        sock_diag.between(socket.AF_INET, ("127.0.0.1", 1), ("127.0.0.1", 2))


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (b"", []),
        (bytes(15), []),  # shorter than a header
        (struct.pack("=IHHII", 0, 20, 0, 0, 0), [(20, b"")]),  # a length that would go nowhere
        (struct.pack("=IHHII", 18, 2, 0, 0, 0) + b"ab", [(2, b"ab")]),
    ],
)
def test_an_answer_is_cut_into_messages(answer: bytes, found: list[tuple[int, bytes]]) -> None:
    assert list(sock_diag._messages(answer)) == found

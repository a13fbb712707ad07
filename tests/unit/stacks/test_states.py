"""Who listens on a port and who is connected there, asked in both ways."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from mtls_lab.net import sock_diag
from mtls_lab.stacks import states as module
from mtls_lab.stacks.states import CONNECTED, LISTENS, states

ESTABLISHED, LEFT = 1, 8
HOSTS = {"127.0.0.1": socket.AF_INET, "::1": socket.AF_INET6}


def fails(*_: object) -> None:
    raise OSError("no such question")


@pytest.fixture(params=["sock_diag", "tables"])
def ask(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], set[int] | None]:
    if request.param == "tables":
        monkeypatch.setattr(sock_diag, "at_port", fails)
    else:
        monkeypatch.setattr(module, "_in_tables", fails)
    return states


@pytest.mark.parametrize("host", HOSTS)
def test_a_port_from_its_listener_to_its_last_client(
    ask: Callable[[int], set[int] | None], host: str
) -> None:
    with socket.socket(HOSTS[host]) as listener:
        listener.bind((host, 0))
        port = listener.getsockname()[1]
        assert ask(port) == set()
        listener.listen()
        assert ask(port) == {LISTENS}
        client = socket.create_connection((host, port))
        server, _ = listener.accept()
        assert ask(port) == {LISTENS, ESTABLISHED}
        client.close()
        assert server.recv(1) == b""
        assert ask(port) == {LISTENS, LEFT}
        server.close()
        assert ask(port) == {LISTENS}
    assert ask(port) == set()
    assert {ESTABLISHED, LEFT} < CONNECTED


def test_more_sockets_than_fit_into_one_answer() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=400) as listener:
        address = listener.getsockname()
        clients = [socket.create_connection(address) for _ in range(300)]
        assert states(address[1]) == {LISTENS, ESTABLISHED}
        for client in clients:
            client.close()


def test_where_no_system_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sock_diag, "at_port", fails)
    monkeypatch.setattr(Path, "read_text", fails)
    assert states(8443) is None

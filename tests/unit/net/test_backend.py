"""A backend and well-behaved clients: kinds of socket, lines, authorization, names, ports.

Clients that misbehave are in test_backend_peers.py, the end of a backend in test_backend_end.py.
"""

import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509

from mtls_lab import Exchange, Failure, Side, Stage, ask, serve
from mtls_lab.common import NetworkProblem
from mtls_lab.net import Backend, running, stop_all, subject_of, tls
from mtls_lab.wire import SECRET
from tests.unit.lab import LONG, Lab, connect, name_of, read_all, spelled

Certificate = dict[str, Any] | None
ANOTHER = "another secret"


def lines_from(backend: Backend, *sent: bytes) -> list[str]:
    """Send pieces over one connection, end it, and return the replies."""
    with connect(backend.address) as client:
        for piece in sent:
            client.sendall(piece)
        client.shutdown(socket.SHUT_WR)
        return read_all(client).decode().splitlines()


# --- The three kinds


def test_plain() -> None:
    with serve() as backend:
        assert repr(backend) == "<Backend 'backend', TCP, 0 connections>"
        exchange = ask("GET_SECRET", backend)
        assert list(backend.connections) == [exchange.backend]
    assert exchange == Exchange(
        "GET_SECRET",
        Side("device", Stage.APPLICATION, received=(SECRET,)),
        Side("backend", Stage.APPLICATION, received=("GET_SECRET",)),
    )


def test_tls(lab: Lab, version: ssl.TLSVersion) -> None:
    with serve(lab.tls()) as backend:
        assert repr(backend) == "<Backend 'backend', TLS, 0 connections>"
        exchange = ask("GET_SECRET", backend, context=lab.device("none", version))
    agreed = spelled(version)
    assert exchange == Exchange(
        "GET_SECRET",
        Side("device", Stage.APPLICATION, None, agreed, "CN=localhost", (SECRET,)),
        Side("backend", Stage.APPLICATION, None, agreed, None, ("GET_SECRET",)),
    )


def test_mutual_tls(lab: Lab, version: ssl.TLSVersion) -> None:
    with serve(lab.mtls()) as backend:
        exchange = ask("GET_SECRET", backend, context=lab.device("valid", version))
    agreed = spelled(version)
    assert exchange == Exchange(
        "GET_SECRET",
        Side("device", Stage.APPLICATION, None, agreed, "CN=localhost", (SECRET,)),
        Side("backend", Stage.APPLICATION, None, agreed, "CN=trusted-client", ("GET_SECRET",)),
    )


def test_a_secret_of_its_own() -> None:
    with serve(secret=ANOTHER) as backend:
        assert ask("GET_SECRET", backend).reply == ANOTHER


# --- Lines


def test_several_commands_on_one_connection() -> None:
    with serve() as backend, connect(backend.address) as client, client.makefile("rb") as replies:
        for command, reply in ((b"PING", b"PONG"), (b"GET_SECRET", b"open sesame")) * 2:
            client.sendall(command + b"\n")
            assert replies.readline() == reply + b"\n"
        client.shutdown(socket.SHUT_WR)
        side = backend.wait_for(name_of(client))
    assert side.received == ("PING", "GET_SECRET") * 2
    assert side.ok


@pytest.mark.parametrize(
    "pieces",
    [
        [b"PING\nHELP\nGET_SECRET\n"],
        [bytes([byte]) for byte in b"PING\nHELP\nGET_SECRET\n"],
        [b"PING\r\nHE", b"LP\r", b"\nGET_SECRET\nhalf a line"],
    ],
    ids=["pipelined", "byte by byte", "across lines"],
)
def test_how_the_bytes_are_sent_does_not_matter(pieces: list[bytes]) -> None:
    with serve() as backend:
        assert lines_from(backend, *pieces) == ["PONG", "GET_SECRET, PING, HELP", SECRET]
        assert backend.connections[0].received == ("PING", "HELP", "GET_SECRET")


def test_a_wrong_command_ends_nothing() -> None:
    with serve() as backend:
        assert lines_from(backend, b"DANCE\nPING\n") == ["ERROR unknown command: try HELP", "PONG"]


def test_what_came_before_a_line_that_is_none_is_answered() -> None:
    """In one piece: the replies come in order, and the complaint last."""
    complaint = "ERROR this is not text: a line may hold no control characters"
    with serve() as backend:
        assert lines_from(backend, b"PING\nHELP\n\x07\nPING\n") == [
            "PONG",
            "GET_SECRET, PING, HELP",
            complaint,
        ]


def test_an_answer_does_not_wait_for_the_next_one() -> None:
    """Two commands in one piece: the first reply arrives while the second is being thought of."""
    asked_again = threading.Event()

    def answer(command: str, certificate: bytes | None) -> str:
        assert certificate is None
        assert command == "1" or asked_again.wait(5)
        return command

    with serve(answer=answer) as backend, connect(backend.address) as client:
        client.sendall(b"1\n2\n")
        assert client.recv(64) == b"1\n"
        asked_again.set()
        assert client.recv(64) == b"2\n"


LONGEST = b"x" * 1023


@pytest.mark.parametrize(
    ("data", "reply"),
    [
        (LONGEST + b"x", "the line is longer than 1024 bytes"),
        (b"PING\x07\n", "this is not text: a line may hold no control characters"),
        (b"\x1b[31m", "this is not text: a line may hold no control characters"),
        (b"caf\xe9\n", "this is not text: the line is not UTF-8"),
    ],
    ids=["too long", "bell", "terminal colour", "latin-1"],
)
def test_what_is_no_line_ends_the_connection(data: bytes, reply: str) -> None:
    with serve() as backend:
        assert lines_from(backend, data) == [f"ERROR {reply}"]
        assert backend.connections[0] == Side(
            "backend", Stage.APPLICATION, Failure("ProtocolError", text=reply)
        )
        assert ask("PING", backend).ok


def test_the_longest_line() -> None:
    with serve() as backend:
        assert lines_from(backend, LONGEST + b"\n") == ["ERROR unknown command: try HELP"]


# --- Authorization


def test_authorize_sees_what_getpeercert_gives(lab: Lab, version: ssl.TLSVersion) -> None:
    seen: list[Certificate] = []

    def authorize(certificate: Certificate) -> bool:
        seen.append(certificate)
        return True

    with serve(lab.mtls(), authorize=authorize) as backend:
        assert ask("GET_SECRET", backend, context=lab.device("valid", version)).ok
    (certificate,) = seen
    assert certificate is not None
    assert subject_of(certificate) == "CN=trusted-client"
    assert {"subject", "issuer", "serialNumber", "notBefore", "notAfter"} <= set(certificate)


def test_authorize_is_asked_once_a_connection() -> None:
    seen: list[Certificate] = []

    def authorize(certificate: Certificate) -> str:
        seen.append(certificate)
        return "yes"

    with serve(authorize=authorize) as backend:
        assert lines_from(backend, b"PING\nPING\n") == ["PONG", "PONG"]
        assert lines_from(backend, b"PING\n") == ["PONG"]
    assert seen == [None, None]


def broken_rule(certificate: Certificate) -> bool:
    return bool((certificate or {})["no such field"])


NOT_AUTHORIZED = Failure("PermissionError", "NOT_AUTHORIZED", text="{} may not speak here")


@pytest.mark.parametrize(
    ("authorize", "reason", "text"),
    [
        (lambda _: False, NOT_AUTHORIZED.reason, "CN=trusted-client may not speak here"),
        (lambda _: None, NOT_AUTHORIZED.reason, "CN=trusted-client may not speak here"),
        (broken_rule, "", "'no such field'"),
    ],
    ids=["false", "nothing", "raises"],
)
def test_what_does_not_allow_refuses(
    lab: Lab,
    version: ssl.TLSVersion,
    authorize: Callable[[Certificate], object],
    reason: str,
    text: str,
) -> None:
    with serve(lab.mtls(), authorize=authorize) as backend:
        exchange = ask("GET_SECRET", backend, context=lab.device("valid", version))
    error = "KeyError" if authorize is broken_rule else "PermissionError"
    assert exchange.backend == Side(
        "backend",
        Stage.APPLICATION,
        Failure(error, reason, text=text),
        spelled(version),
        "CN=trusted-client",
    )
    assert exchange.reply == "ERROR not authorized"
    assert exchange.device.ok
    assert not exchange.ok


def test_the_refused_hear_nothing_else() -> None:
    """Commands that were sent before the refusal are not served after it."""
    with serve(authorize=lambda _: False) as backend:
        assert lines_from(backend, b"GET_SECRET\nGET_SECRET\n") == ["ERROR not authorized"]


@pytest.mark.parametrize(
    ("certificate", "subject"),
    [
        (None, None),
        ({}, None),
        ({"subject": ()}, None),
        ({"subject": ((("commonName", "a"),),)}, "CN=a"),
        (
            {"subject": ((("organizationName", "Lab"),), (("commonName", "a"), ("title", "t")))},
            "CN=a+title=t,O=Lab",
        ),
        # RFC 4514, section 2.4: a value cannot pretend to be another attribute.
        (
            {"subject": ((("organizationName", "Lab,CN=a"),),)},
            r"O=Lab\,CN=a",
        ),
        ({"subject": ((("organizationName", 'a+b"c\\;<>'),),)}, r"O=a\+b\"c\\\;\<\>"),
        ({"subject": ((("commonName", "#1 "),), (("commonName", " "),))}, r"CN=\ ,CN=\#1\ "),
        ({"subject": ((("commonName", "a\0b"),),)}, r"CN=a\00b"),
    ],
)
def test_subject_of(certificate: Certificate, subject: str | None) -> None:
    assert subject_of(certificate) == subject


def test_each_peer_has_its_own_name_where_it_was_checked(
    lab: Lab, version: ssl.TLSVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read of a certificate is kept, and is told to nobody who did not check it."""
    monkeypatch.setattr(tls, "_subjects", {})
    monkeypatch.setattr(tls, "MOST_SUBJECTS", 2)
    unchecked = lab.device("valid", version)
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    with serve(lab.mtls()) as backend:
        for name in ("valid", "unauthorized_name", "valid"):
            exchange = ask("PING", backend, context=lab.device(name, version))
            assert exchange.device.peer == "CN=localhost"
        assert ask("PING", backend, context=unchecked).device.peer is None
    trusted, other = "CN=trusted-client", "CN=another-client"
    assert [side.peer for side in backend.connections] == [trusted, other, trusted, trusted]
    assert len(tls._subjects) <= 2


# --- Names and addresses


def test_starting_again_replaces() -> None:
    first = serve(name="again")
    with serve(name="again", secret=ANOTHER) as second:
        assert running() == [second]
        with pytest.raises(ConnectionRefusedError):
            connect(first.address)
        assert ask("GET_SECRET", second).reply == ANOTHER
        first.stop()  # the old one's end is not the new one's
        assert running() == [second]
    assert running() == []


def test_starting_again_on_the_same_port() -> None:
    """A cell with a port in it is run again, with clients still connected."""
    first = serve(name="again")
    with connect(first.address) as client:
        client.sendall(b"PING\n")
        assert client.recv(5) == b"PONG\n"
        port = first.address[1]
        with serve(name="again", port=port) as second:
            assert client.recv(1) == b""
            assert second.address == ("127.0.0.1", port)
            assert ask("PING", second).ok


class Shell:
    """What IPython knows of the request that runs now."""

    def __init__(self) -> None:
        self.runs, self.request = 0, dict[str, dict[str, str]]()

    def get_parent(self) -> dict[str, dict[str, str]]:
        return self.request

    def run(self, code: str, cell: str = "") -> Backend:
        self.runs += 1
        metadata = {"cellId": cell} if cell else {}
        self.request = {
            "header": {"msg_id": str(self.runs)},
            "metadata": metadata,
            "content": {"code": code},
        }
        return serve()


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    shell = Shell()
    module = SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", module)
    yield shell
    stop_all()


def test_a_cell_that_is_run_again_replaces_its_own(shell: Shell) -> None:
    first, other = shell.run("backend = serve()"), shell.run("another = serve()")
    second = shell.run("backend = serve()")
    assert running() == [other, second]
    with pytest.raises(ConnectionRefusedError):
        connect(first.address)


def test_a_cell_that_was_edited_and_is_run_again_replaces_its_own(shell: Shell) -> None:
    shell.run("backend = serve()", "cell 1")
    shell.run("backend = serve()", "cell 2")
    third = shell.run("backend = serve(None)", "cell 1")
    assert len(running()) == 2
    assert running()[-1] is third


def test_several_in_one_cell_stand_side_by_side(shell: Shell) -> None:
    backend = shell.run("backend = serve()")
    shell.run("with serve() as one, serve() as two: ...").stop()
    with serve() as one, serve() as two:
        assert ask("PING", one).ok
        assert ask("PING", two).ok
        assert ask("PING", backend).ok
    assert ask("PING", backend).ok


def test_outside_a_notebook_nothing_unnamed_is_replaced() -> None:
    with serve() as one, serve() as two:
        assert running() == [one, two]
        assert ask("PING", one).ok


def test_the_same_port_without_a_name() -> None:
    """A cell with a port in it was edited, in a program that does not number its cells."""
    first = serve()
    with serve(port=first.address[1]) as second:
        assert running() == [second]
        assert ask("PING", second).ok


def test_names_stand_side_by_side() -> None:
    with serve(name="one") as one, serve(name="two") as two:
        assert running() == [one, two]
        assert ask("PING", one).ok
        assert ask("PING", two).ok
        stop_all()
        assert running() == []


def test_a_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(NetworkProblem) as caught:
            serve(port=port)
    assert str(caught.value) == (
        f"Found:    port {port} on 127.0.0.1 is in use by another program\n"
        "Expected: an address of this machine and a free port\n"
        "To do:    stop that program, or leave the port out: then a free one is chosen"
    )


def test_an_address_of_another_machine() -> None:
    with pytest.raises(NetworkProblem) as caught:
        serve(host="192.0.2.1")
    assert str(caught.value) == (
        "Found:    192.0.2.1:0 cannot be listened on (Cannot assign requested address)\n"
        "Expected: an address of this machine and a free port\n"
        'To do:    use the host "127.0.0.1" and leave the port out'
    )


@pytest.mark.parametrize("port", [-1, 65_536])
def test_what_is_no_port(port: int) -> None:
    with pytest.raises(NetworkProblem) as caught:
        serve(port=port)
    assert str(caught.value) == (
        f"Found:    the port {port}\n"
        "Expected: a number from 1 to 65535, or 0 for a free port\n"
        "To do:    choose another number, or leave the port out"
    )


def test_it_listens_on_the_loopback_only() -> None:
    with serve() as backend:
        assert backend.address[0] == "127.0.0.1"


# --- Outcomes


def test_each_outcome_is_handed_out_once() -> None:
    with serve() as backend:
        with connect(backend.address) as client:
            client.shutdown(socket.SHUT_WR)
            assert backend.wait_for(name_of(client), LONG) == Side("backend", Stage.CONNECT)
            with pytest.raises(TimeoutError, match="nothing arrived for"):
                backend.wait_for(name_of(client), timeout=0)
        assert len(backend.connections) == 1


def test_what_is_remembered_is_bounded() -> None:
    with serve() as backend:
        lines_from(backend, b"PING\n" * 300)
        assert len(backend.connections[0].received) == 256


# --- A context for each connection, and answers of one's own


def test_a_context_may_be_replaced_while_connections_are_open(lab: Lab) -> None:
    """Who is connected goes on with the old one; whoever comes next meets the new one."""
    current = [lab.tls()]
    with serve(lambda: current[0]) as backend:
        assert repr(backend).startswith("<Backend 'backend', TLS")
        device = lab.device("none")
        with (
            socket.create_connection(backend.address) as raw,
            device.wrap_socket(raw, server_hostname="localhost") as tls,
        ):
            current[0] = lab.mtls()
            tls.sendall(b"GET_SECRET\n")
            assert tls.recv(1024) == f"{SECRET}\n".encode()
        refused = ask("GET_SECRET", backend, context=device).backend
    assert refused is not None
    assert refused.failure is not None
    assert refused.failure.reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE"


def test_a_context_that_cannot_be_made_ends_one_connection() -> None:
    made: list[None] = []

    def context() -> None:
        made.append(None)
        if len(made) == 1:
            raise ValueError("half a file")

    with serve(context) as backend:
        exchange = ask("PING", backend)
        assert exchange.backend is not None
        assert str(exchange.backend.failure) == "ValueError: half a file"
        assert ask("PING", backend).reply == "PONG"


def test_an_answer_knows_whose_command_it_is(lab: Lab) -> None:
    def answer(command: str, peer: bytes | None) -> str:
        subject = x509.load_der_x509_certificate(peer or b"").subject
        return f"{command} {subject.rfc4514_string()}"

    with serve(lab.mtls(), answer=answer) as backend:
        exchange = ask("WHO", backend, context=lab.device("valid"))
    assert exchange.reply == "WHO CN=trusted-client"


def test_an_answer_without_a_certificate_gets_none() -> None:
    with serve(answer=lambda command, peer: f"{command} {peer!r}") as backend:
        assert ask("WHO", backend).reply == "WHO None"


@pytest.mark.parametrize(
    ("returned", "what"),
    [(None, "None"), (7, "an int"), (b"PONG", "a bytes"), ("a\nb", "several lines")],
)
def test_an_answer_that_is_no_line_is_told_and_ends_the_connection(
    returned: Any, what: str
) -> None:
    with serve(answer=lambda *_: returned) as backend:
        exchange = ask("WHO", backend)
    assert exchange.reply == "ERROR the backend could not answer"
    assert exchange.backend is not None
    assert (
        str(exchange.backend.failure)
        == f"TypeError: answer returned {what}, and not one line of text"
    )


def test_exit_in_a_rule_ends_the_connection_and_is_seen() -> None:
    """Threads keep a SystemExit to themselves: the device waited until its time was over."""
    with serve(authorize=lambda _: sys.exit("no")) as backend:
        exchange = ask("PING", backend)
    assert exchange.reply == "ERROR not authorized"
    assert exchange.backend is not None
    assert str(exchange.backend.failure) == "SystemExit: no"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_observer_that_fails_lets_the_connection_end_in_order() -> None:
    """The device got a reset in place of the end: what it had sent was not read any more."""

    def observe(what: str, *_: object) -> None:
        if what == "ended":
            raise KeyError(what)

    with serve(observe=observe) as backend, socket.create_connection(backend.address) as device:
        device.sendall(b"x" * 100_000)
        assert device.recv(1024).startswith(b"ERROR the line is longer")
        assert device.recv(1024) == b""


def test_no_time_at_all_is_a_short_time() -> None:
    with serve(idle_timeout=0, handshake_timeout=0) as backend:
        with socket.create_connection(backend.address) as device:
            assert device.recv(1024) == b""
        (side,) = backend.connections
    assert side.failure is not None
    assert side.failure.reason == "TIMED_OUT"


def test_an_answer_that_fails_is_told_and_ends_the_connection() -> None:
    def answer(command: str, certificate: bytes | None) -> str:
        raise KeyError(command, certificate)

    with serve(answer=answer) as backend:
        exchange = ask("WHO", backend)
    assert exchange.reply == "ERROR the backend could not answer"
    assert exchange.backend is not None
    assert exchange.backend.failure is not None
    assert exchange.backend.failure.error == "KeyError"

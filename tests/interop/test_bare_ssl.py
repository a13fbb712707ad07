"""Programs as the tutorial writes them, `socket` and `ssl` alone, with our files and our parts."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mtls_lab import ask, serve
from mtls_lab.learner import enter
from mtls_lab.net import Address, only_trusted_client
from mtls_lab.wire import SECRET
from tests.unit.lab import LONG

KINDS = ("plain", "TLS", "mTLS")


@pytest.fixture(autouse=True)
def folder(folder: Path) -> Path:
    """A learner's folder after all parts: the programs name their files as the tutorial does."""
    enter(4)
    return folder


def server_context(kind: str) -> ssl.SSLContext | None:
    if kind == "plain":
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certfile="backend/server.crt", keyfile="backend/server.key")
    if kind == "mTLS":
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cafile="backend/client_ca.pem")
    return context


def client_context(kind: str) -> ssl.SSLContext | None:
    if kind == "plain":
        return None
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    context.load_verify_locations(cafile="device/server_ca.pem")
    if kind == "mTLS":
        context.load_cert_chain(certfile="device/client.crt", keyfile="device/client.key")
    return context


def handle_client(connection: socket.socket, *, authorized: str | None) -> None:
    with connection:
        if authorized is not None:
            assert isinstance(connection, ssl.SSLSocket)
            certificate = connection.getpeercert()
            assert certificate is not None
            if certificate["subject"] != ((("commonName", authorized),),):
                return
        while data := connection.recv(1024):
            command = data.decode("utf-8").strip()
            reply = SECRET if command == "GET_SECRET" else "ERROR"
            connection.sendall((reply + "\n").encode("utf-8"))


@contextmanager
def server(kind: str, *, authorized: str = "trusted-client") -> Iterator[Address]:
    """One connection, one command after the other, no time-outs: as a tutorial starts."""

    def run() -> None:
        connection, _ = listener.accept()
        context = server_context(kind)
        if context is not None:
            connection = context.wrap_socket(connection, server_side=True)
        handle_client(connection, authorized=authorized if kind == "mTLS" else None)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run)
        thread.start()
        host, port = listener.getsockname()
        yield host, port
        thread.join(LONG)


def client(kind: str, address: Address, command: str) -> str:
    context = client_context(kind)
    with socket.create_connection(address, LONG) as connection:
        if context is not None:
            connection = context.wrap_socket(  # noqa: PLW2901 - as the tutorial writes it
                connection, server_hostname="localhost"
            )
        with connection:
            connection.sendall((command + "\n").encode("utf-8"))
            return connection.recv(1024).decode("utf-8").strip()


@pytest.mark.parametrize("kind", KINDS)
def test_bare_client_and_bare_server(kind: str) -> None:
    with server(kind) as address:
        assert client(kind, address, "GET_SECRET") == SECRET


@pytest.mark.parametrize("kind", KINDS)
def test_bare_client_and_our_backend(kind: str) -> None:
    rule = only_trusted_client if kind == "mTLS" else None
    with serve(server_context(kind), authorize=rule) as backend:
        assert client(kind, backend.address, "GET_SECRET") == SECRET
    peer = "CN=trusted-client" if kind == "mTLS" else None
    assert [(side.peer, side.received) for side in backend.connections] == [(peer, ("GET_SECRET",))]


@pytest.mark.parametrize("kind", KINDS)
def test_our_device_and_bare_server(kind: str) -> None:
    with server(kind) as address:
        exchange = ask("GET_SECRET", address, context=client_context(kind))
    assert exchange.reply == SECRET
    assert exchange.ok


def test_a_bare_server_that_refuses_and_closes_at_once() -> None:
    """`wrap_socket` closes a socket whose handshake failed, and the device may be sending by then.

    Then its `send` fails, and only its `recv` says why (mtls_lab.client looks there): 50 times.
    """

    def run() -> None:
        context = server_context("mTLS")
        assert context is not None
        for _ in range(50):
            connection, _ = listener.accept()
            with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
                context.wrap_socket(connection, server_side=True)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run)
        thread.start()
        context, address = client_context("TLS"), listener.getsockname()
        told = {str(ask("x" * 1000, address, context=context).device) for _ in range(50)}
        thread.join(LONG)
    assert told == {
        "device   connect ✓  handshake ✓ TLSv1.3 with CN=localhost  "
        "first read ✗ SSLError: TLSV13_ALERT_CERTIFICATE_REQUIRED"
    }


def test_a_bare_server_that_does_not_know_our_device() -> None:
    with server("mTLS", authorized="another-client") as address:
        exchange = ask("GET_SECRET", address, context=client_context("mTLS"))
    assert exchange.reply is None
    assert not exchange.ok

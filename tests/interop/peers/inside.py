"""Servers of this process: Python's own ssl, and plain protocols that speak no TLS."""

import asyncio
import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from mtls_lab.exercises.peers import listening
from mtls_lab.net import hang_up
from tests.interop.peers.running import Serving, Setup

#: What plain servers say when somebody connects, and in answer to whatever comes.
GREETINGS = {
    "ssh": (b"SSH-2.0-OpenSSH_9.2p1\r\n", b""),
    "smtp": (b"220 mail.example ESMTP\r\n", b""),
    "imap": (b"* OK IMAP4rev1 ready\r\n", b""),
    "http": (b"", b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
    "mysql": (b"\x4a\x00\x00\x00\x0a8.0.36\x00" + bytes(66), b""),
    "noise": (b"\x00\x1b[31mhello\x07 there\n", b""),
    "mute": (b"", b""),
}


@contextmanager
def plain(setup: Setup) -> Iterator[Serving]:
    """A server that greets, answers once, and hangs up."""
    greeting, answer = GREETINGS[setup.extra]

    def handle(connection: socket.socket) -> None:
        connection.sendall(greeting)
        connection.recv(4096)
        connection.sendall(answer)
        hang_up(connection)

    with listening(handle) as (_, port):
        yield Serving(port)


@contextmanager
def python(setup: Setup) -> Iterator[Serving]:
    """Python's ssl, which waits for a request, and speaks TLS as `setup` says."""
    with answering(context_of(setup), AFTERWARDS.get(setup.extra, drain)) as serving:
        yield serving


@contextmanager
def asynchronous(setup: Setup) -> Iterator[Serving]:
    """A server with asyncio, as uvicorn is one: it hangs up where a certificate does not verify."""
    loop = asyncio.new_event_loop()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while await reader.read(4096):
                pass
            writer.close()

    loop.set_exception_handler(lambda *_: None)  # a refused client is no failure of the test
    server = loop.run_until_complete(
        asyncio.start_server(handle, "127.0.0.1", 0, ssl=context_of(setup))
    )
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield Serving(server.sockets[0].getsockname()[1])
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


#: With which alert a server answers a name, or None.
SNI: dict[str, Callable[[str | None], int | None]] = {
    "needs sni": lambda name: None if name else ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE,
    # As Caddy and other servers in Go, which look one up.
    "its name only": lambda name: (
        None if name in {None, "localhost"} else ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
    ),
    "fails itself": lambda _: ssl.ALERT_DESCRIPTION_INTERNAL_ERROR,
    "strict sni": lambda _: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME,
}


def context_of(setup: Setup) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(setup.cert, setup.key)
    modes = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
    if setup.clients != "none":
        context.load_verify_locations(setup.trusted)
        context.verify_mode = modes[setup.clients]
    if setup.extra == "crl":
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    if setup.extra == "asks late":
        context.post_handshake_auth = True
    if setup.extra == "wants h2":
        context.set_alpn_protocols(["h2"])
    if setup.extra.startswith("second "):
        second = setup.folder / setup.extra.removeprefix("second ")
        context.load_cert_chain(f"{second}.crt", f"{second}.key")
    if alert := SNI.get(setup.extra):
        context.sni_callback = lambda _, name, *__: alert(name)
    if setup.versions:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            version = ssl.TLSVersion[
                "TLSv" + {"1.0": "1"}.get(setup.versions, setup.versions).replace(".", "_")
            ]
            if version < ssl.TLSVersion.TLSv1_2:
                context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
    elif setup.extra.startswith("suites "):
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(setup.extra.removeprefix("suites "))
    return context


def drain(connection: ssl.SSLSocket) -> None:
    while connection.recv(4096):
        pass


def refuse(connection: ssl.SSLSocket) -> None:
    """A program that does not like the name in the certificate."""


def ask_late(connection: ssl.SSLSocket) -> None:
    """A server that asks for a certificate for some paths only (TLS 1.3: after the handshake)."""
    if connection.recv(4096):
        connection.verify_client_post_handshake()
        connection.do_handshake()
        connection.recv(4096)


def want_h2(connection: ssl.SSLSocket) -> None:
    """A server of HTTP/2 alone, as gRPC's: a SETTINGS frame for who has offered it in ALPN."""
    if connection.selected_alpn_protocol():
        connection.sendall(b"\0\0\0\4\0\0\0\0\0")
        drain(connection)


def answer(status: str) -> Callable[[ssl.SSLSocket], None]:
    def say(connection: ssl.SSLSocket) -> None:
        if connection.recv(4096):
            connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())

    return say


AFTERWARDS = {
    "asks late": ask_late,
    "wants h2": want_h2,
    "hangs up": refuse,
    "forbids": answer("403 Forbidden"),
    "serves": answer("200 OK"),
    "not found": answer("404 Not Found"),
    "misdirected": answer("421 Misdirected Request"),
}


@contextmanager
def answering(
    context: ssl.SSLContext, afterwards: Callable[[ssl.SSLSocket], None]
) -> Iterator[Serving]:
    def handle(connection: socket.socket) -> None:
        tls = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with suppress(OSError):
            tls.do_handshake()
            afterwards(tls)
        hang_up(tls)

    with listening(handle) as (_, port):
        yield Serving(port)

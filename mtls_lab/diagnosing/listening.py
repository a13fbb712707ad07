"""The other side: a server that says of each client what it offered and sent.

Here: accepting clients, one thread each, and answering. Not here: what is said of a client
(clients.py), and the ways to misbehave (misbehaving.py).

Python's ssl leaves the decision over a certificate to OpenSSL: one that does not verify ends the
handshake with OpenSSL's alert. What was wrong with it is told all the same.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from mtls_lab.common import LabError, Password, PathLike, host_and_port
from mtls_lab.diagnosing.clients import Client
from mtls_lab.diagnosing.misbehaving import (
    AFTER,
    INSTEAD,
    NAMES,
    context_with,
    fault_named,
    page,
)
from mtls_lab.diagnosing.own import load_pair, trust
from mtls_lab.net.sockets import Acceptor, Address
from mtls_lab.net.tls import hang_up, messages_of, watch, wrap
from mtls_lab.pki import CertificateAuthority, write_certificate
from mtls_lab.wire import Failure, Stage, looks_like_tls

__all__ = ["listen"]

#: Seconds for a handshake, and for the first word after it; bytes of that which are read.
HANDSHAKE, WORD, MOST = 10.0, 2.0, 4096
HELLO = "hello from mtls-lab: your connection is fine\n"


@contextmanager
def listen(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    certfile: PathLike | None = None,
    keyfile: PathLike | None = None,
    password: Password = "",
    client_ca: PathLike | None = None,
    fault: str = "",
    save_ca: PathLike | None = None,
    tell: Callable[[Client], None],
) -> Iterator[Address]:
    """Accept clients while the block runs, and tell of each.

    Args:
        host, port: where to listen; port 0 is a free one.
        certfile, keyfile: what to present, in PEM files or in one PKCS #12 file; by default a
            certificate for localhost, of a CA that is made for the occasion.
        password: the key's or the PKCS #12 file's, if it has one.
        client_ca: the CAs of the clients; without it, none is asked for a certificate.
        fault: how to misbehave, a name of data/misbehaviour.toml.
        save_ca: where to write the certificate of the CA that is made.
        tell: called with each client, in its thread.

    Raises:
        UnknownName: there is no such fault.
        LabError: nobody could trust the certificate that is made, or it cannot be listened there.
        FileProblem: the PKCS #12 file does not open, or has no key.
        OSError: the files do not load.
    """
    certfile = certfile or keyfile  # a file may hold both
    needs = fault_named(fault).get("needs") == "ca"
    if save_ca is None and (needs or certfile is None) and fault not in INSTEAD:
        raise LabError(
            f"the fault {fault}" if needs else "no certificate",
            "a CA that the client under test trusts",
            "say where to write the one that is made: --save-ca ca.pem"
            + ("" if needs else "; or pass --cert and --key"),
        )
    ca = CertificateAuthority.create("mtls-lab test CA")
    if save_ca is not None:
        write_certificate(save_ca, ca.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certfile is None:
        ca.issue_server(NAMES).load_into(context)
    else:
        load_pair(context, certfile, keyfile, password)
    if client_ca is not None and fault != "other-client-ca":
        trust(context, client_ca, password)
        context.verify_mode = ssl.CERT_OPTIONAL
    context.set_alpn_protocols(["http/1.1", "h2"])  # a client of gRPC hangs up without
    context_with(context, fault, ca)
    watch(context)

    def handle(connection: socket.socket, peer: Address) -> None:
        tell(_serve(connection, peer, context, fault, (client_ca, password)))

    acceptor = Acceptor(handle, host, port, "diagnose")
    try:
        yield acceptor.address
    finally:
        acceptor.stop()


def _serve(
    connection: socket.socket,
    peer: Address,
    context: ssl.SSLContext,
    fault: str,
    cas: tuple[PathLike | None, Password],
) -> Client:
    address = host_and_port(*peer)
    connection.settimeout(HANDSHAKE)
    start = b""
    with suppress(OSError):
        start = connection.recv(MOST, socket.MSG_PEEK)
    clear = not looks_like_tls(start)
    if fault in INSTEAD or clear:
        with suppress(OSError):
            if fault in INSTEAD:
                INSTEAD[fault](connection)
            elif start:
                connection.sendall(page("400 Bad Request", "this port speaks TLS\n"))
        hang_up(connection)
        return Client.of(address, (), None, said=start if clear else b"")
    tls = wrap(context, connection, server_side=True)
    failure, version, said, stage = None, "", b"", Stage.HANDSHAKE
    try:
        tls.do_handshake()
        version, stage = tls.version() or "", Stage.FIRST_READ
        if fault in AFTER:
            AFTER[fault](tls)
        else:
            said = _talk(tls)
    except (OSError, ValueError) as error:
        if stage is Stage.HANDSHAKE or isinstance(error, ssl.SSLError):
            failure = Failure.of(error, stage)
    messages = messages_of(tls)
    hang_up(tls)
    return Client.of(
        address,
        messages,
        failure,
        version=version,
        said=said,
        client_ca=cas[0],
        password=cas[1],
        asked=context.verify_mode is not ssl.CERT_NONE,
    )


def _talk(tls: ssl.SSLSocket) -> bytes:
    """Hear the first word, and answer it."""
    tls.settimeout(WORD)
    try:
        said = tls.recv(MOST)
    except TimeoutError:  # it waits for ours
        said = b""
    if said.split(b" ")[0] in {b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH"}:
        tls.sendall(page("200 OK", HELLO))
    else:
        tls.sendall(HELLO.encode())
    return said

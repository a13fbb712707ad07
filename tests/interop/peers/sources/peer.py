"""A server and a client of Python's ssl; nothing of mtls_lab is used.

python peer.py serve PORT CERT KEY CA ASK ALLOWED
python peer.py call  PORT CERT KEY CA VERSION [CERT KEY]

With a second pair, the client comes back with its session and this pair.
"""

import socket
import ssl
import sys
from contextlib import suppress
from typing import Any


def say(error: Exception) -> None:
    """As the last line of a traceback has it."""
    kind = type(error)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    sys.stderr.write(f"{name}: {error}\n")


def serve(port: str, cert: str, key: str, ca: str, ask: str, allowed: str) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ca)
    context.load_cert_chain(cert, key)
    context.verify_mode = ssl.CERT_REQUIRED if ask == "required" else ssl.CERT_NONE
    with socket.create_server(("127.0.0.1", int(port))) as listening:
        while True:
            connection, _ = listening.accept()
            connection.settimeout(20)
            try:
                with context.wrap_socket(connection, server_side=True) as tls:
                    tls.recv(4096)
                    peer: Any = tls.getpeercert() or {"subject": []}
                    names = [value for ((_, value),) in peer["subject"]]
                    status = "200 OK" if allowed == "none" or allowed in names else "403 Forbidden"
                    tls.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
                    with suppress(OSError):  # the client is content with its answer
                        tls.unwrap()
            except (OSError, ValueError) as error:  # a ValueError: gone before the handshake began
                say(error)
            connection.close()
            sys.stderr.write("-- end\n")
            sys.stderr.flush()


def call(port: str, cert: str, key: str, ca: str, version: str, *later: str) -> None:
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = context.maximum_version = ssl.TLSVersion[
        "TLSv" + version.replace(".", "_")
    ]
    if cert != "none":
        context.load_cert_chain(cert, key)
    session = ask(context, port) if later else None
    if later and later[0] != "none":
        context.load_cert_chain(*later)
    ask(context, port, session)


def ask(
    context: ssl.SSLContext, port: str, session: ssl.SSLSession | None = None
) -> ssl.SSLSession | None:
    try:
        with (
            socket.create_connection(("127.0.0.1", int(port)), 20) as connection,
            context.wrap_socket(connection, server_hostname="localhost", session=session) as tls,
        ):
            tls.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = tls.recv(4096).partition(b"\r\n")[0].decode()
            sys.stdout.write(f"{answer}\n")
            if session:
                sys.stdout.write(f"-- resumed {tls.session_reused}\n")
            return tls.session
    except OSError as error:
        say(error)
        return None


if __name__ == "__main__":
    (serve if sys.argv[1] == "serve" else call)(*sys.argv[2:])

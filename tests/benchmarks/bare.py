"""The floor below the exchange: what one writes with `socket`, `ssl` and `threading` and no lab.

Here: a server with a thread for each connection, and one client call. Not here: measuring.
"""

import socket
import ssl
import threading
from typing import Self

REPLY = b"open sesame\n"


class BareServer:
    """Shakes hands and answers in a thread for each connection. It keeps and checks nothing."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.address: tuple[str, int] = self._listener.getsockname()
        self._ended = False
        self._thread = threading.Thread(target=self._accept)

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._ended:
                connection.close()
                return
            threading.Thread(target=self._answer, args=[connection]).start()

    def _answer(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._context.wrap_socket(connection, server_side=True) as tls:
            while tls.recv(4096):
                tls.sendall(REPLY)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        socket.create_connection(self.address).close()  # wakes accept()
        self._thread.join()
        self._listener.close()


def bare_ask(address: tuple[str, int], context: ssl.SSLContext) -> bytes:
    """One command and its reply on a connection of its own."""
    with socket.create_connection(address) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with context.wrap_socket(connection, server_hostname="localhost") as tls:
            tls.sendall(b"GET_SECRET\n")
            return tls.recv(4096)

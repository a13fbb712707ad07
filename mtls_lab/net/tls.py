"""Where TLS begins on a socket, and what counts as its end.

Here: a TLS socket whose handshake is still to do, and reading from it, on every Python. Not here:
hanging up (sockets.py), and how a context is configured (contexts.py).
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import threading
from collections.abc import Iterator

__all__ = ["cuts_count", "receive", "wrap"]

#: Before 3.11.4, Python set this option in every context that it made with OpenSSL 3, and a cut
#: looked like a clean end (cpython gh-95494). 0: nothing has been set.
_CUT_LOOKS_CLEAN = (
    getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0) if sys.version_info < (3, 11, 4) else 0
)
#: Contexts that are without the option for now, and how many threads need them so.
_lent: dict[ssl.SSLContext, int] = {}
_lending = threading.Lock()


@contextlib.contextmanager
def cuts_count(context: ssl.SSLContext | None) -> Iterator[None]:
    """Let a connection that gets its TLS in this block tell a cut from a clean end.

    A clean end has a close_notify (RFC 8446, section 6.1). A connection copies the options of its
    context when it gets its TLS: for a Python that is too old, the block takes an option out of
    the context, and puts it back. Several threads may share a context.
    """
    if context is None:
        yield
        return
    with _lending:
        lent = context in _lent or bool(context.options & _CUT_LOOKS_CLEAN)
        if lent:
            _lent[context] = _lent.get(context, 0) + 1
            context.options &= ~_CUT_LOOKS_CLEAN
    try:
        yield
    finally:
        with _lending:
            if lent and _lent[context] > 1:
                _lent[context] -= 1
            elif lent:
                del _lent[context]
                context.options |= _CUT_LOOKS_CLEAN


def wrap(
    context: ssl.SSLContext,
    connection: socket.socket,
    *,
    server_side: bool = False,
    server_hostname: str | None = None,
    suppress_ragged_eofs: bool = True,
    session: ssl.SSLSession | None = None,
) -> ssl.SSLSocket:
    """Return a TLS socket on this connection; its handshake is still to do.

    The arguments are those of `ssl.SSLContext.wrap_socket`. A socket that is
    not connected yet gets its TLS in `connect`: put both into one block of `cuts_count`.
    """
    with cuts_count(context):
        return context.wrap_socket(
            connection,
            server_side=server_side,
            do_handshake_on_connect=False,
            server_hostname=server_hostname,
            suppress_ragged_eofs=suppress_ragged_eofs,
            session=session,
        )


def receive(connection: socket.socket, size: int = 4096) -> bytes:
    """Return what has arrived, b"" at the end; `suppress_ragged_eofs` decides what is an end.

    Before 3.11.4, Python raises what it was told to suppress (see `cuts_count`).
    """
    try:
        return connection.recv(size)
    except ssl.SSLError as error:
        ragged = getattr(connection, "suppress_ragged_eofs", False)
        if ragged and error.reason == "UNEXPECTED_EOF_WHILE_READING":
            return b""
        raise

"""One end of a TLS connection: where it begins and ends, whom it was shown, what passed.

Here: wrapping a socket, reading from it and hanging up, on every Python; the peer's subject; noting
each TLS message. Not here: how a context is configured (contexts.py), and what the messages mean
(wire/handshake.py).

OpenSSL calls back for every protocol message. Python passes that on through
`SSLContext._msg_callback`, a private name that CPython 3.8 to 3.15 has.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from mtls_lab.common import LabError, kind_of
from mtls_lab.wire import Message
from mtls_lab.wire.handshake import read_notes

__all__ = [
    "LINGER",
    "PeerCertificate",
    "cuts_count",
    "expect_context",
    "expect_sides",
    "hang_up",
    "is_watched",
    "messages_of",
    "peer_of",
    "receive",
    "subject_of",
    "watch",
    "wrap",
]

#: What `authorize` gets: `ssl.SSLSocket.getpeercert()`, so None without a client certificate.
PeerCertificate = dict[str, Any] | None

#: Before 3.11.4, Python set this option in every context that it made with OpenSSL 3, and a cut
#: looked like a clean end (cpython gh-95494). 0: nothing has been set.
_CUT_LOOKS_CLEAN = (
    getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0) if sys.version_info < (3, 11, 4) else 0
)
#: How long a finished connection waits for the other side to close. Long enough for an alert
#: to be read on a busy machine; a peer that stays open longer has had its chance.
LINGER = 2.0
#: How much of what a refused peer still sends is read and thrown away.
LINGER_BYTES = 256 * 1024
#: What one end notes of a connection: a handshake has some dozens, a peer can send more for ever.
MOST, MOST_BYTES = 4096, 1 << 20
#: Contexts that are without the option for now, and how many threads need them so.
_lent: dict[ssl.SSLContext, int] = {}
_lending = threading.Lock()


@contextlib.contextmanager
def cuts_count(context: ssl.SSLContext) -> Iterator[None]:
    """Let a connection that gets its TLS in this block tell a cut from a clean end.

    A clean end has a close_notify (RFC 8446, section 6.1). A connection copies the options of its
    context when it gets its TLS: for a Python that is too old, the block takes an option out of
    the context, and puts it back. Several threads may share a context.
    """
    if not _CUT_LOOKS_CLEAN:
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


def expect_context(context: object, who: str, *, finished: bool = False) -> None:
    """Hold what `who` is given to being a context, a function that makes one, or None.

    With `finished`, to being a context. Raises LabError.
    """
    if isinstance(context, ssl.SSLContext):
        return
    if not finished and (context is None or callable(context)):
        return
    others = "" if finished else ", a function that returns one, or None for plain TCP"
    raise LabError(
        f"{who} was given {kind_of(context)} as its context",
        f"a finished ssl.SSLContext{others}",
        "make the context first, and give that",
    )


def expect_sides(server: object, upstream: object, who: str) -> None:
    """Hold the contexts of one that is a server and a client to being such. Raises LabError."""
    sides = {
        "server_context": (server, ssl.PROTOCOL_TLS_CLIENT),
        "upstream_context": (upstream, ssl.PROTOCOL_TLS_SERVER),
    }
    for name, (context, others) in sides.items():
        if context is None:
            continue
        expect_context(context, who, finished=True)
        if isinstance(context, ssl.SSLContext) and context.protocol is others:
            raise LabError(
                f"{who} was given a context of {others.name} as its {name}",
                "a server's context as server_context, and a client's as upstream_context",
                "exchange them, or make the one that is meant",
            )


def wrap(
    context: ssl.SSLContext,
    connection: socket.socket,
    *,
    server_side: bool = False,
    server_hostname: str | None = None,
) -> ssl.SSLSocket:
    """Return a TLS socket on this connection; its handshake is still to do.

    The arguments are those of `ssl.SSLContext.wrap_socket`. The device's own end is in
    recording.py.
    """
    with cuts_count(context):
        return context.wrap_socket(
            connection,
            server_side=server_side,
            do_handshake_on_connect=False,
            server_hostname=server_hostname,
        )


def receive(connection: socket.socket) -> bytes:
    """Return what has arrived, b"" at the end; `suppress_ragged_eofs` decides what is an end.

    Before 3.11.4, Python raises what it was told to suppress (see `cuts_count`).
    """
    try:
        return connection.recv(4096)
    except ssl.SSLError as error:
        ragged = getattr(connection, "suppress_ragged_eofs", False)
        if ragged and error.reason == "UNEXPECTED_EOF_WHILE_READING":
            return b""
        raise


def hang_up(connection: socket.socket, *, wait: float = LINGER) -> None:
    """Say goodbye, wait until the other side has read it, and close.

    A close with unread bytes makes the kernel reset the connection, and a reset discards what
    the other side has not read yet: an alert, say. So: end our direction first, read until the
    other side ends its own, then close. Over TLS a close_notify goes first (RFC 8446,
    section 6.1).

    Args:
        connection: what is closed.
        wait: seconds for the other side; 0 for a side that has read all it came for.
    """
    plain = socket.socket  # its methods work below TLS, on the same connection
    with connection, contextlib.suppress(OSError):
        if unwrap := getattr(connection, "unwrap", None):
            connection.settimeout(0)  # do not wait for the other side's close_notify
            with contextlib.suppress(OSError, ValueError):
                unwrap()
        plain.shutdown(connection, socket.SHUT_WR)
        deadline, left = time.monotonic() + wait, LINGER_BYTES
        while left > 0 and (rest := deadline - time.monotonic()) > 0:
            connection.settimeout(rest)
            data = plain.recv(connection, 4096)
            if not data:
                break
            left -= len(data)


def subject_of(certificate: PeerCertificate) -> str | None:
    """Return the subject of a `getpeercert()` value as RFC 4514 writes it, or None.

    Example:
        >>> subject_of({"subject": ((("commonName", "trusted-client"),),)})
        'CN=trusted-client'
        >>> print(subject_of({"subject": ((("organizationName", "Lab,CN=trusted-client"),),)}))
        O=Lab\\,CN=trusted-client
    """
    short = {"commonName": "CN", "organizationName": "O", "organizationalUnitName": "OU"}
    parts = [
        "+".join(f"{short.get(key, key)}={_escaped(value)}" for key, value in rdn)
        for rdn in (certificate or {}).get("subject", ())
    ]
    return ",".join(reversed(parts)) or None


def peer_of(tls: ssl.SSLSocket | ssl.SSLObject) -> str | None:
    """Return the subject of the certificate that the peer was asked for and has shown, or None."""
    shown = tls.getpeercert(binary_form=True)
    if shown is None or tls.context.verify_mode is ssl.CERT_NONE:  # not asked for, and not checked
        return None
    if (known := _subjects.get(shown)) is None:
        if len(_subjects) >= MOST_SUBJECTS:
            _subjects.clear()
        known = _subjects[shown] = subject_of(tls.getpeercert())
    return known


#: By certificate, in DER. To decode one is two per cent of an exchange, and most come again.
_subjects: dict[bytes, str | None] = {}
MOST_SUBJECTS = 256

#: Characters that mean something in a subject, and how they are written there.
_ESCAPES = str.maketrans({"\0": "\\00"} | {c: f"\\{c}" for c in '",+;<>\\'})


def _escaped(value: str) -> str:
    """Write a value as RFC 4514, section 2.4, does: nothing in it ends it, or starts another."""
    text = value.translate(_ESCAPES)
    if text.startswith(("#", " ")):
        text = f"\\{text}"
    return f"{text[:-1]}\\ " if value.endswith(" ") and len(value) > 1 else text


def watch(*contexts: ssl.SSLContext) -> None:
    """Let every connection of these contexts note its messages from now on, and `ask` its secrets.

    It costs about a tenth of an exchange, so it is asked for. A message callback that a context
    has already stays, and then nothing is noted.

    Example:
        >>> context = ssl.create_default_context()
        >>> watch(context)
    """
    for context in contexts:
        expect_context(context, "watch", finished=True)
        if context._msg_callback is None:  # type: ignore[attr-defined]  # noqa: SLF001
            # The property of the base class hands the plain numbers on. The one of
            # ssl.SSLContext turns each into an enum first, which takes ten times as long.
            super(ssl.SSLContext, ssl.SSLContext)._msg_callback.__set__(  # type: ignore[misc]
                context, _note
            )


def is_watched(context: ssl.SSLContext) -> bool:
    """Whether `watch` was called for this context."""
    return context._msg_callback is _note  # type: ignore[attr-defined]  # noqa: SLF001


class _Notes(list[tuple[str, int, int, bytes]]):
    """The notes of a connection, and how many bytes there is room for."""

    left = MOST_BYTES


def _note(
    connection: Any, direction: str, version: int, content_type: int, _kind: int, data: bytes
) -> None:
    try:
        log = connection.__dict__["lab_messages"]
    except KeyError:
        log = connection.__dict__["lab_messages"] = _Notes()
    log.left -= len(data)
    if log.left > 0 and len(log) < MOST:
        log.append((direction, version, content_type, data))


# What reading `context._msg_callback` back returns.
_note.user_function = _note  # type: ignore[attr-defined]


def messages_of(connection: Any) -> tuple[Message, ...]:
    """Return what one end noted of its connection, an `ssl.SSLSocket` or `ssl.SSLObject`."""
    log = getattr(connection, "lab_messages", ())
    return read_notes(tuple(log), client=not connection.server_side) if log else ()

"""Noting every TLS message of a connection while OpenSSL works.

Here: asking a context for it, and the notes of one end. Not here: what they mean
(wire/handshake.py).

OpenSSL calls back for every protocol message. Python passes that on through
`SSLContext._msg_callback`, a private name that CPython 3.8 to 3.14 has.
"""

from __future__ import annotations

import ssl
from typing import Any

from mtls_lab.wire import Message
from mtls_lab.wire.handshake import read_notes

__all__ = ["is_watched", "messages_of", "watch"]


def watch(*contexts: ssl.SSLContext) -> None:
    """Let every connection of these contexts note its messages from now on, and `ask` its secrets.

    It costs about a tenth of an exchange, so it is asked for. A message callback that a context
    has already stays, and then nothing is noted.

    Example:
        >>> context = ssl.create_default_context()
        >>> watch(context)
    """
    for context in contexts:
        if context._msg_callback is None:  # type: ignore[attr-defined]  # noqa: SLF001
            # The property of the base class hands the plain numbers on. The one of
            # ssl.SSLContext turns each into an enum first, which takes ten times as long.
            super(ssl.SSLContext, ssl.SSLContext)._msg_callback.__set__(  # type: ignore[misc]
                context, _note
            )


def is_watched(context: ssl.SSLContext) -> bool:
    """Whether `watch` was called for this context."""
    return context._msg_callback is _note  # type: ignore[attr-defined]  # noqa: SLF001


def _note(
    connection: Any, direction: str, version: int, content_type: int, _kind: int, data: bytes
) -> None:
    try:
        log = connection.__dict__["lab_messages"]
    except KeyError:
        log = connection.__dict__["lab_messages"] = []
    log.append((direction, version, content_type, data))


# What reading `context._msg_callback` back returns.
_note.user_function = _note  # type: ignore[attr-defined]


def messages_of(connection: Any) -> tuple[Message, ...]:
    """Return what one end noted of its connection, an `ssl.SSLSocket` or `ssl.SSLObject`."""
    log = getattr(connection, "lab_messages", ())
    return read_notes(tuple(log), client=not connection.server_side) if log else ()

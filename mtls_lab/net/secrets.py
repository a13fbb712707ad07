"""The secrets of a connection, as OpenSSL writes them for whoever may decrypt it.

Here: a key log for as long as a handshake takes. Not here: what is done with it (wire/opening/).
"""

from __future__ import annotations

import os
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

__all__ = ["key_log"]


@dataclass(slots=True)
class _Log:
    """A file that OpenSSL writes to.

    Attributes:
        file: the same file, to read from.
        start: where what we want begins.
        users: how many handshakes wait for its lines.
        name: its name, if it is ours.
    """

    file: BinaryIO
    start: int = 0
    users: int = 1
    name: str = ""

    def read(self) -> bytes:
        with _lock:
            self.file.seek(self.start)
            return self.file.read()

    def forget(self) -> None:
        """Take its name away, so that nobody else can open it."""
        with suppress(OSError):  # Windows does not while it is open
            Path(self.name).unlink(missing_ok=True)


#: The contexts whose secrets are being written, to files of ours.
_logs: dict[ssl.SSLContext, _Log] = {}
_lock = threading.Lock()


@contextmanager
def key_log(context: ssl.SSLContext) -> Iterator[Callable[[], bytes]]:
    """Give a function that returns the key log of this context, while the block runs.

    OpenSSL writes it to a file and to nothing else. Only its owner may open that, and it loses its
    name as soon as OpenSSL has opened it (on Windows, at the end of the block). Afterwards the
    context is as it was; other threads may shake hands with it at the same time. A context that
    writes a key log already goes on doing so, and its file is read. Where no file can be written,
    there are no secrets.

    Example:
        >>> context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        >>> with key_log(context) as lines:
        ...     lines().startswith(b"# TLS secrets log file")
        True
        >>> context.keylog_filename is None
        True
    """
    log = _begin(context)
    try:
        yield log.read if log else bytes
    finally:
        if log:
            _end(context, log)


def _begin(context: ssl.SSLContext) -> _Log | None:
    with _lock, suppress(OSError):
        if log := _logs.get(context):
            log.users += 1
            return log
        if own := context.keylog_filename:  # the learner's
            file = Path(own).open("rb")  # noqa: SIM115 - closed in _end
            return _Log(file, file.seek(0, os.SEEK_END))
        descriptor, name = tempfile.mkstemp(prefix=f"mtls-lab-{os.getpid()}-")
        log = _Log(os.fdopen(descriptor, "rb"), name=name)
        try:
            context.keylog_filename = name
        except OSError:
            log.file.close()
            raise
        finally:
            log.forget()
        _logs[context] = log
        return log
    return None


def _end(context: ssl.SSLContext, log: _Log) -> None:
    with _lock:
        log.users -= 1
        if log.users:
            return
        if log.name:
            del _logs[context]
            context.keylog_filename = None  # type: ignore[assignment] # OpenSSL closes it
        log.file.close()
        if log.name:
            log.forget()

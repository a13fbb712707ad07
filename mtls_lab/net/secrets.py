"""The secrets of a connection, as OpenSSL writes them for whoever may decrypt it.

Here: a key log for as long as a handshake takes. Not here: what is done with it (wire/opening/).
"""

from __future__ import annotations

import shutil
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["key_log"]

#: The contexts whose secrets are being written, and how many handshakes wait for them.
_logs: dict[ssl.SSLContext, tuple[Path, int]] = {}
_lock = threading.Lock()


@contextmanager
def key_log(context: ssl.SSLContext) -> Iterator[Callable[[], bytes]]:
    """Give a function that returns the key log of this context, while the block runs.

    OpenSSL writes it to a file and to nothing else. It lies in a folder that only its owner may
    open, is gone at the end of the block, and the context is as it was; other threads may shake
    hands with it at the same time. A context that writes a key log already goes on doing so, and
    its file is read. Where no file can be written, there are no secrets.

    Example:
        >>> context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        >>> with key_log(context) as lines:
        ...     lines().startswith(b"# TLS secrets log file")
        True
        >>> context.keylog_filename is None
        True
    """
    path, start = _begin(context)

    def lines() -> bytes:
        with suppress(OSError):
            if path is not None:
                with path.open("rb") as file:
                    file.seek(start)
                    return file.read()
        return b""

    try:
        yield lines
    finally:
        _end(context)


def _begin(context: ssl.SSLContext) -> tuple[Path | None, int]:
    with _lock, suppress(OSError):
        if context in _logs:
            path, users = _logs[context]
            _logs[context] = path, users + 1
            return path, 0
        if own := context.keylog_filename:  # the learner's
            return Path(own), Path(own).stat().st_size
        path = Path(tempfile.mkdtemp(prefix="mtls-lab-"), "keys")
        try:
            context.keylog_filename = str(path)
        except OSError:
            shutil.rmtree(path.parent, ignore_errors=True)
            raise
        _logs[context] = path, 1
        return path, 0
    return None, 0


def _end(context: ssl.SSLContext) -> None:
    with _lock:
        if context not in _logs:
            return
        path, users = _logs.pop(context)
        if users > 1:
            _logs[context] = path, users - 1
            return
        context.keylog_filename = None  # type: ignore[assignment] # closes the file
        shutil.rmtree(path.parent, ignore_errors=True)

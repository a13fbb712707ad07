"""What threads leave for one another: how a connection ended, for whoever asks for it later.

Here: the mailbox. Not here: the threads (sockets.py), and what they leave (backend.py, relay.py).
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

__all__ = ["Mailbox"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Mailbox(Generic[K, V]):
    """Values that threads leave for one another under a key; each is handed out once.

    Example:
        >>> box = Mailbox()
        >>> box.put("device", 1)
        >>> box.take("device", timeout=1)
        1
    """

    #: Values that nobody asks for are dropped from this number on, oldest first.
    LIMIT = 256

    def __init__(self) -> None:
        self._values: dict[K, V] = {}
        self._arrived = threading.Condition()

    def put(self, key: K, value: V) -> None:
        """Leave a value."""
        with self._arrived:
            self._values.pop(key, None)
            self._values[key] = value
            if len(self._values) > self.LIMIT:
                del self._values[next(iter(self._values))]
            self._arrived.notify_all()

    def take(self, key: K, timeout: float) -> V:
        """Wait for a value and remove it. Raises TimeoutError after `timeout` seconds."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: key in self._values, timeout):
                raise TimeoutError(f"nothing arrived for {key} in {timeout} s")
            return self._values.pop(key)

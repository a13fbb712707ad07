"""A connection of the backend while it is open: what is known of it so far.

Here: one value, and the side that it becomes. Not here: what happens on it (backend.py).
"""

from __future__ import annotations

import socket
from collections import deque
from dataclasses import dataclass, field

from mtls_lab.net.tls import PeerCertificate, messages_of
from mtls_lab.wire import Failure, Side, Stage

__all__ = ["Conversation"]

#: Commands of one connection that are remembered, the latest.
MOST = 256


@dataclass
class Conversation:
    """What is known so far of a connection that is still open."""

    connection: socket.socket
    who: str
    stage: Stage = Stage.CONNECT
    failure: Failure | None = None
    version: str | None = None
    peer: str | None = None
    #: As `getpeercert` gives it; None over plain TCP, or without one.
    certificate: PeerCertificate = None
    certificate_der: bytes | None = None
    asked: bool = False
    reused: bool = False
    # Bounded: a client may send commands for as long as it likes.
    received: deque[str] = field(default_factory=lambda: deque(maxlen=MOST))

    def send(self, line: str) -> None:
        """Send one line."""
        self.connection.sendall(line.encode("utf-8") + b"\n")

    def side(self) -> Side:
        """Return it as it is now."""
        return Side(
            self.who,
            self.stage,
            self.failure,
            self.version,
            self.peer,
            tuple(self.received),
            messages_of(self.connection),
            asked=self.asked,
            reused=self.reused,
        )

"""What a device can be sent to.

Here: the type that a Backend and a Relay have in common. Not here: these two (backend.py,
relay.py).
"""

from __future__ import annotations

from typing import Protocol

from mtls_lab.net.sockets import Address
from mtls_lab.wire import Side

__all__ = ["Upstream"]


class Upstream(Protocol):
    """What a device can be sent to: a Backend, or a Relay."""

    @property
    def address(self) -> Address:
        """Where it listens."""

    @property
    def elsewhere(self) -> bool:
        """Whether the backend runs in another process, so that its side is not known here."""

    def wait_for(self, peer: Address, timeout: float = ...) -> Side | None:
        """Return how the connection from `peer` ended on the backend's side."""

"""What one end knows of the other: whom it can call, and whose certificate it was shown.

Here: types, and a certificate's subject as text. Not here: connections (device.py, backend.py,
relay.py), and certificates as files (pki/pem.py).
"""

from __future__ import annotations

from typing import Any, Protocol

from mtls_lab.net.sockets import Address
from mtls_lab.wire import Side

__all__ = ["PeerCertificate", "Upstream", "subject_of"]

#: What `authorize` gets: `ssl.SSLSocket.getpeercert()`, so None without a client certificate.
PeerCertificate = dict[str, Any] | None


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


def subject_of(certificate: PeerCertificate) -> str | None:
    """Return the subject of a `getpeercert()` value as RFC 4514 writes it, or None.

    Example:
        >>> subject_of({"subject": ((("commonName", "trusted-client"),),)})
        'CN=trusted-client'
    """
    short = {"commonName": "CN", "organizationName": "O", "organizationalUnitName": "OU"}
    parts = [
        f"{short.get(key, key)}={value}"
        for rdn in (certificate or {}).get("subject", ())
        for key, value in rdn
    ]
    return ",".join(reversed(parts)) or None

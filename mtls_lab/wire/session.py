"""What a device keeps to resume a connection later.

Here: the value. Not here: resuming with it (net/device.py), and stealing it (attacks/).
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any

from mtls_lab.common import Shown

__all__ = ["Session"]


@dataclass(frozen=True, slots=True)
class Session(Shown):
    """What a device keeps to resume a connection later: a secret, like its key.

    Attributes:
        session: as `ssl.SSLSocket.session` gives it after the first read.
        context: the context that it was made in. Python resumes it in no other one, although
            nothing in TLS ties it to a program, a certificate or a machine.
        version: the TLS version in which it can be resumed.
    """

    session: ssl.SSLSession
    context: ssl.SSLContext
    version: str

    @classmethod
    def of(cls, connection: Any) -> Session | None:
        """Take the session of an `ssl.SSLSocket` or `ssl.SSLObject`; None if it has none to resume.

        In TLS 1.3 it arrives in a NewSessionTicket after the handshake (RFC 8446, section 4.6.1),
        so read a reply first. In TLS 1.2 an ID is enough, which the server keeps (RFC 5246).
        """
        session = getattr(connection, "session", None)
        if session is None:
            return None
        version = connection.version()
        resumable = session.has_ticket or (version != "TLSv1.3" and session.id)
        return cls(session, connection.context, version) if resumable else None

    def __str__(self) -> str:
        return f"{self.version} session, to be resumed within {self.session.timeout // 60} minutes"

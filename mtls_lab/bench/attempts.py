"""One connection as it went: how far, what passed, and how it ended.

Here: the value. Not here: making the connection (calling.py), and words for it (causes.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mtls_lab.wire import Direction, Failure, Message, Session, Stage
from mtls_lab.wire.names import alert_of

__all__ = ["Attempt", "first"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One connection.

    Attributes:
        stage: how far it got.
        failure: why it ended there; None if nothing went wrong.
        version: the TLS version that was agreed; `""` where the handshake did not finish.
        cipher: the cipher suite, likewise.
        messages: the messages of TLS, decrypted.
        heard: what the server sent in the clear, or as application data.
        end: after the handshake: "closed" or "reset" at once, "said" if it sent data, "quiet" if
            it waited for us; `""` before.
        resumed: whether a session was resumed.
        session: to resume it.
    """

    stage: Stage
    failure: Failure | None = None
    version: str = ""
    cipher: str = ""
    messages: tuple[Message, ...] = field(default=(), repr=False)
    heard: bytes = field(default=b"", repr=False)
    end: str = ""
    resumed: bool = False
    session: Session | None = field(default=None, repr=False)

    @property
    def alert(self) -> str:
        """The alert with which the server ended it, by its name in RFC 8446; or `""`."""
        for message in reversed(self.messages):
            told = message.alert if message.direction is Direction.TO_DEVICE else None
            if told and told not in {"close_notify", "user_canceled"}:
                return told
        return alert_of(self.failure.reason) if self.failure else ""

    @property
    def agreed(self) -> tuple[str, str]:
        """What the ServerHello chose, also where the handshake then failed: version, suite."""
        hello = self.first("ServerHello")
        fields = hello.fields if hello else None
        if self.version or fields is None:
            return self.version, self.cipher
        found = (fields.find(name) for name in ("legacy_version", "cipher_suite"))
        version, cipher = (each.value.split(" (0x")[0] if each else "" for each in found)
        return version, cipher

    @property
    def refused(self) -> bool:
        """Whether the server ended it: by an alert, or by hanging up."""
        return bool(self.alert) or self.end in {"closed", "reset"} or self.cut

    @property
    def cut(self) -> bool:
        """Whether the connection broke off in the handshake, without an alert."""
        broken = {"UNEXPECTED_EOF_WHILE_READING", "ECONNRESET", "EPIPE", "ECONNABORTED"}
        early = self.stage is Stage.HANDSHAKE and self.failure is not None
        return early and self.failure is not None and self.failure.reason in broken

    @property
    def answered(self) -> bool:
        """Whether anything of TLS came back."""
        return any(message.direction is Direction.TO_DEVICE for message in self.messages)

    def first(self, name: str, direction: Direction = Direction.TO_DEVICE) -> Message | None:
        """Return the first message of this name that went this way."""
        return first(self.messages, name, direction)


def first(messages: Iterable[Message], name: str, direction: Direction) -> Message | None:
    """Return the first of these messages with this name that went this way."""
    found = (m for m in messages if m.name == name and m.direction is direction)
    return next(found, None)

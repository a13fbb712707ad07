"""What one exchange looked like from both ends: frozen values with a plain text.

Here: stages, sides, exchanges, and how an exception becomes a comparable failure.
Not here: sockets (net/backend.py, net/device.py) and explanations.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtls_lab.common import LabError, PathLike, Shown, printable
from mtls_lab.wire.names import after_handshake, reason_of, verify_message_of

if TYPE_CHECKING:  # reading messages is slow to load, and an outcome needs it only where it is read
    from mtls_lab.wire.handshake import Handshake, Message
    from mtls_lab.wire.recording import Recording
    from mtls_lab.wire.session import Session

__all__ = ["Exchange", "Expected", "Failure", "Side", "Stage", "Step"]

#: Requests, certificates, statements in base64, which nobody reads: a side shows an ellipsis.
_WORD = r"(?=\S*\d)(?=\S*[A-Z])[A-Za-z0-9+/]{90,}={0,2}"
#: How a resolver says that a name has no address.
_EAI = {getattr(socket, name): name for name in dir(socket) if name.startswith("EAI_")}
_ENCODED = re.compile(rf"(?<!\S){_WORD}(?: {_WORD})*")


class Stage(Enum):
    """Where a side was when it finished, or when it learned that something is wrong.

    In TLS 1.3 a client finishes its handshake before the server has looked at the client's
    certificate (RFC 8446, section 2), so a refusal reaches it at `FIRST_READ`.
    """

    SETUP = "setup"
    CONNECT = "connect"
    HANDSHAKE = "handshake"
    FIRST_READ = "first read"
    APPLICATION = "application"


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception reduced to what is the same on every run.

    Attributes:
        error: the class name, such as `SSLCertVerificationError`.
        reason: `SSLError.reason` under the name that all releases of OpenSSL share
            (data/reasons.toml), the name of the errno, or `""`. Compare this, never `text`.
        verify_code: OpenSSL's `X509_V_ERR_…` number, for a certificate that did not verify.
        verify_message: OpenSSL's words for that number, the same for all releases.
        text: the whole message as this release gave it, without the source line `(_ssl.c:NNNN)`.
    """

    error: str
    reason: str = ""
    verify_code: int | None = None
    verify_message: str = ""
    text: str = ""

    @classmethod
    def of(cls, error: BaseException, stage: Stage | None = None) -> Failure:
        """Reduce an exception, which came up at `stage` if that is known.

        Example:
            >>> print(Failure.of(ConnectionRefusedError(111, "Connection refused")))
            ConnectionRefusedError: ECONNREFUSED
        """
        reason = ""
        if isinstance(error, ssl.SSLError):
            reason = reason_of(error)
            if stage in {Stage.FIRST_READ, Stage.APPLICATION}:
                reason = after_handshake(reason)
        elif isinstance(error, socket.gaierror):  # its numbers are those of the system
            reason = _EAI.get(error.errno or 0, str(error.errno))
        elif isinstance(error, OSError) and error.errno is not None:
            reason = errno.errorcode.get(error.errno, str(error.errno))
        if isinstance(error, TimeoutError):
            reason = "TIMED_OUT"
        name = type(error).__name__
        if reason == "UNEXPECTED_EOF_WHILE_READING":
            name = ssl.SSLEOFError.__name__  # before Python 3.11.4: SSLError (cpython gh-95494)
        text = str(error.args[-1] if isinstance(error, OSError) and error.args else error)
        code = getattr(error, "verify_code", None)
        words = getattr(error, "verify_message", "")
        return cls(
            error=name,
            reason=reason,
            verify_code=code,
            verify_message=words if code is None else verify_message_of(code, words),
            text=re.sub(r" \(_ssl\.c:\d+\)$", "", text),
        )

    def __str__(self) -> str:
        if self.verify_code is not None:
            return f"{self.error}: {self.verify_message} (verify code {self.verify_code})"
        return printable(f"{self.error}: {self.reason or self.text}")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a side: what it did, whether that went well, and what it saw."""

    name: str
    good: bool
    words: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, [self.name, "✓" if self.good else "✗", self.words]))


@dataclass(frozen=True, slots=True)
class Side(Shown):
    """What the device or the backend saw of one connection.

    Attributes:
        who: `"device"`, or the name that the backend was started under.
        stage: the last stage that this side entered.
        failure: why it ended there, or None when it ended as it should.
        version: the TLS version that was agreed, such as `"TLSv1.3"`; None without TLS.
        peer: the subject of the certificate that the other side proved, such as
            `"CN=localhost"`; None where it showed none.
        received: the lines that arrived, without their line ends.
        messages: the TLS messages that this side sent and received, if it was watched.
        asked: of a backend, whether it asks for a certificate (its context is not CERT_NONE);
            None where that is not known.
        reused: whether the handshake resumed a session (RFC 8446, section 2.2). Then `peer` was
            proved when that session began, and not now.
        name: what the output calls a device that is not "device", such as "thief".
    """

    who: str
    stage: Stage
    failure: Failure | None = None
    version: str | None = None
    peer: str | None = None
    received: tuple[str, ...] = ()
    messages: tuple[Message, ...] = field(default=(), compare=False, repr=False)
    asked: bool | None = field(default=None, compare=False, repr=False)
    reused: bool = False
    name: str = field(default="", compare=False, repr=False)

    @property
    def ok(self) -> bool:
        """Whether this side ended without a failure."""
        return self.failure is None

    @property
    def steps(self) -> tuple[Step, ...]:
        """How far this side came, in order."""
        steps = []
        entered = list(Stage).index(self.stage)
        if entered > 1 or (entered == 1 and self.ok):
            steps.append(Step("connect", good=True))
        if self.version:
            resumed = " resumed" * self.reused
            peer = f" with {self.peer}" if self.peer else ""
            steps.append(Step("handshake", good=True, words=f"{self.version}{resumed}{peer}"))
        if self.failure:
            steps.append(Step(self.stage.value, good=False, words=str(self.failure)))
        elif self.received:
            served = not self.received[-1].startswith("ERROR")
            words = _ENCODED.sub("…", ", ".join(self.received))
            steps.append(Step("received", good=served, words=words))
        return tuple(steps)

    def __str__(self) -> str:
        return printable(f"{self.name or self.who:<8} " + "  ".join(map(str, self.steps)))

    def _repr_html_(self) -> str:
        from mtls_lab.wire.cards import both_sides  # noqa: PLC0415 - a terminal needs none

        return both_sides(self)


@dataclass(frozen=True, slots=True)
class Expected:
    """How a connection should end on one side, as a data file states it."""

    stage: Stage
    reason: str = ""
    verify_code: int | None = None
    reply: str | None = None

    @classmethod
    def read(cls, entry: dict[str, Any]) -> Expected:
        """Take it from a data file, where the stage is a text."""
        return cls(**{**entry, "stage": Stage(entry["stage"])})

    @classmethod
    def seen(cls, side: Side) -> Expected:
        """Reduce what a side saw to what the catalogue states."""
        failure = side.failure
        refusal = (
            side.received[-1] if side.received and side.received[-1].startswith("ERROR") else None
        )
        return cls(
            side.stage,
            failure.reason if failure else "",
            failure.verify_code if failure else None,
            refusal,
        )


@dataclass(frozen=True)
class Exchange(Shown):
    """One command, seen from both ends.

    Attributes:
        command: what the device asked.
        device: the device's side.
        backend: the backend's side; None if the device never reached it, or if it does not
            run in this process.
        unseen: in that case what is said instead, such as "saw no connection".
        tls: the device's TLS after a reply, if there was TLS and a reply.
        recording: every byte that passed at the device, with the secrets if `watch` was called
            for its context; None if it was never connected.
    """

    command: str
    device: Side
    backend: Side | None = None
    unseen: str = "saw no connection"
    tls: ssl.SSLObject | None = field(default=None, compare=False, repr=False)
    recording: Recording | None = field(default=None, compare=False, repr=False)

    @cached_property
    def session(self) -> Session | None:
        """What the device could resume this connection with; None if it has nothing.

        Python copies a session whenever it is asked for, so that is done where somebody wants it.
        """
        from mtls_lab.wire.session import Session  # noqa: PLC0415 - most exchanges are not resumed

        return Session.of(self.tls)

    @cached_property
    def handshake(self) -> Handshake:
        """The messages of this very connection, from both ends."""
        from mtls_lab.wire.handshake import join  # noqa: PLC0415 - see above

        joined = join(self.device.messages, self.backend.messages if self.backend else ())
        return replace(joined, device=self.device.name or "device")

    @property
    def reply(self) -> str | None:
        """The line that the device received, or None."""
        return self.device.received[-1] if self.device.received else None

    @property
    def ok(self) -> bool:
        """Whether the device got an answer, and the backend meant to give it.

        Example:
            >>> side = Side("device", Stage.APPLICATION, received=("ERROR not authorized",))
            >>> Exchange("GET_SECRET", side).ok
            False
        """
        refused = self.reply is None or self.reply.startswith("ERROR")
        return self.device.ok and not refused and (self.backend is None or self.backend.ok)

    def save_pcapng(self, path: PathLike, *, overwrite: bool = False) -> Path:
        """Write this connection as a capture for Wireshark; see `Recording.save_pcapng`.

        Raises:
            FileProblem: there is a file of this name, or it cannot be written.
            LabError: there was no connection.
        """
        if self.recording is None:
            raise LabError(
                "an exchange without a connection",
                "one in which the device reached the backend, or a relay",
                "look at what it says of the device, and ask again",
            )
        return self.recording.save_pcapng(path, overwrite=overwrite)

    def __str__(self) -> str:
        return f"{self.device}\n{self.backend or f'backend  {self.unseen}'}"

    def _repr_html_(self) -> str:
        from mtls_lab.wire.cards import both_sides  # noqa: PLC0415 - a terminal needs none

        return both_sides(self.device, self.backend or self.unseen)

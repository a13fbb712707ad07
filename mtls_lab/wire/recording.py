"""One connection as it was recorded: its bytes both ways, when they passed, and its secrets.

Here: the value, and what can be made of it. Not here: recording (net/recording.py), how records
are opened (opening/) and how the file is laid out (pcapng.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mtls_lab.errors import FileProblem
from mtls_lab.files import PathLike, write_file
from mtls_lab.wire.handshake import Handshake, Message, message_of
from mtls_lab.wire.names import alert_name, handshake_name
from mtls_lab.wire.pcapng import pcapng
from mtls_lab.wire.records import (
    ALERT,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    Direction,
    looks_like_tls,
)

if TYPE_CHECKING:
    from mtls_lab.wire.opening import Opened

__all__ = ["Passed", "Recording"]


class Passed(NamedTuple):
    """Bytes that passed, and when: in seconds since 1970, as `time.time()` counts."""

    time: float
    direction: Direction
    data: bytes


@dataclass(frozen=True, slots=True)
class Recording:
    """What passed on one connection, as the device saw it.

    Attributes:
        device: the address that the device had.
        backend: the address that it spoke to.
        passed: every piece that it sent or received, in order.
        secrets: the lines of a key log for this connection; empty where nobody watched it, and
            then this is what Eve has.
        complete: whether all of it was kept; a very long connection is cut.
    """

    device: tuple[str, int]
    backend: tuple[str, int]
    passed: tuple[Passed, ...] = field(repr=False)
    secrets: bytes = field(default=b"", repr=False)
    complete: bool = True

    @property
    def records(self) -> tuple[Opened, ...]:
        """Every TLS record, opened where the secrets allow it; each prints as a hexdump.

        Without TLS there are none.
        """
        # Decryption needs cryptography; Part 1 does not.
        from mtls_lab.wire.opening import open_records  # noqa: PLC0415

        if self.passed and not looks_like_tls(self.passed[0].data):
            return ()
        return open_records(((each.direction, each.data) for each in self.passed), self.secrets)

    @property
    def handshake(self) -> Handshake:
        """The messages of these records, without those that could not be opened."""
        messages: list[Message] = []
        server_hello = b""
        for record in self.records:
            found: list[tuple[str, bytes]] = []
            if record.type == HANDSHAKE:
                found = [(handshake_name(each), each) for each in record.messages]
            elif record.type == ALERT and len(record.content or b"") == 2:
                found = [(alert_name(record.content or b""), record.content or b"")]
            elif record.type == CHANGE_CIPHER_SPEC and not record.means_nothing:
                found = [("ChangeCipherSpec", record.content or b"")]
            for name, data in found:
                server_hello = data if name == "ServerHello" else server_hello
                messages.append(
                    message_of(
                        name, record.direction, data, server_hello, encrypted=record.encrypted
                    )
                )
        return Handshake(tuple(messages), both_ends=False)

    def save_pcapng(self, path: PathLike, *, overwrite: bool = False) -> Path:
        """Write it as a capture that Wireshark opens, decrypted with the secrets in the file.

        Bytes, addresses and times are those of the connection. The TCP segments around them are
        made for the file: who records in the device does not see any. Keep the file to yourself:
        whoever has it can read the connection.

        Args:
            path: the file; by its name, Wireshark knows it as `.pcapng`.
            overwrite: whether a file of this name may be replaced.

        Raises:
            FileProblem: there is such a file, or it cannot be written.
        """
        if not overwrite and Path(path).exists():
            raise FileProblem(
                f"{Path(path)}, which is there already",
                "the name of a new file",
                "choose another name, or say overwrite=True",
            )
        capture = pcapng(self.device, self.backend, self.passed, self.secrets)
        return write_file(path, capture, mode=0o600)

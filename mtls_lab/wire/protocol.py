"""The one service of the lab: a line protocol in which a device asks for a secret.

Here: lines, limits, commands, replies; bytes and text only. Not here: sockets and time
(net/backend.py, net/device.py).

One command is one UTF-8 line of at most 1,024 bytes (4,096 at an office, which is sent
certificates); one line comes back. A reply that starts
with `ERROR` says that the backend would not do it, and why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["LIE", "MAX_LINE", "SECRET", "LineBuffer", "ProtocolError", "Service"]

#: What the device is after. Short, so that it fits into one line of a hexdump.
SECRET = "open sesame"  # noqa: S105 - this one is for everybody
#: What Mallory would have the device believe.
LIE = "the cave is empty"

#: Bytes in a line with its line end: far more than a command needs, small enough that a
#: peer which never ends its line costs nothing.
MAX_LINE = 1024
#: And in one that may hold a certificate, in base64.
LONG_LINE = 4096
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x0c\x0e-\x1f]")  # all but tab and carriage return


class ProtocolError(Exception):
    """The peer sent something that is no line of text; the message is fit for a reply."""


class LineBuffer:
    """Collect bytes, give out lines.

    Args:
        long: whether a line may hold a certificate, and be longer than `MAX_LINE`.

    Example:
        >>> lines = LineBuffer()
        >>> list(lines.feed(b"PING\\r\\nGET_")), list(lines.feed(b"SECRET\\n"))
        (['PING'], ['GET_SECRET'])
    """

    def __init__(self, *, long: bool = False) -> None:
        self._buffer, self._most = b"", LONG_LINE if long else MAX_LINE

    def feed(self, data: bytes) -> Iterator[str]:
        """Take bytes and yield the lines that they complete, up to the first that is not one.

        Raises:
            ProtocolError: a line that is too long, control characters, or no UTF-8.
                Control characters are refused at once, not at the end of the line: a TLS
                ClientHello may never contain one.
        """
        *complete, self._buffer = (self._buffer + data).split(b"\n")
        for line in complete:
            self._check(line)
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError:
                raise ProtocolError("this is not text: the line is not UTF-8") from None
            yield text.rstrip("\r")
        self._check(self._buffer)

    def _check(self, line: bytes) -> None:
        if len(line) >= self._most:
            raise ProtocolError(f"the line is longer than {self._most} bytes")
        if _CONTROL.search(line):
            raise ProtocolError("this is not text: a line may hold no control characters")


class Service:
    """The commands of the backend.

    Args:
        secret: what `GET_SECRET` answers.

    Example:
        >>> service = Service()
        >>> service.answer("PING"), service.answer("GET_SECRET"), service.answer("DANCE")
        ('PONG', 'open sesame', 'ERROR unknown command: try HELP')
    """

    def __init__(self, secret: str = SECRET) -> None:
        self.secret = secret

    def answer(self, command: str) -> str:
        """Return the one line that answers `command`."""
        match command.strip():
            case "GET_SECRET":
                return self.secret
            case "PING":
                return "PONG"
            case "HELP":
                return "GET_SECRET, PING, HELP"
            case _:
                return "ERROR unknown command: try HELP"

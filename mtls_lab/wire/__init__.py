"""What passes between two ends, as values: lines, records, messages, and how an exchange ended.

Here: pure functions and frozen values, without a socket in sight. Not here: whatever opens a
connection (net/), and certificates (pki/).
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtls_lab.wire.comparing import Compared, compare
    from mtls_lab.wire.handshake import Handshake, Message, from_wire
    from mtls_lab.wire.outcome import Exchange, Expected, Failure, Side, Stage
    from mtls_lab.wire.protocol import LIE, MAX_LINE, SECRET, LineBuffer, ProtocolError, Service
    from mtls_lab.wire.reading import Field, Malformed, read_message
    from mtls_lab.wire.reasons import NO_CHAIN
    from mtls_lab.wire.recording import Passed, Recording
    from mtls_lab.wire.records import (
        HEADER,
        Direction,
        Record,
        Splitter,
        hexdump,
        looks_like_tls,
        parse_records,
        plaintext_messages,
        readable_records,
        server_name,
    )
    from mtls_lab.wire.session import Session

#: Where each name comes from. It is loaded when it is asked for: `mtls-lab explain` reads no
#: message, and what reads them takes as long to load as the rest of the command.
_HOMES = {
    "comparing": ("Compared", "compare"),
    "handshake": ("Handshake", "Message", "from_wire"),
    "outcome": ("Exchange", "Expected", "Failure", "Side", "Stage"),
    "protocol": ("LIE", "MAX_LINE", "SECRET", "LineBuffer", "ProtocolError", "Service"),
    "reading": ("Field", "Malformed", "read_message"),
    "reasons": ("NO_CHAIN",),
    "recording": ("Passed", "Recording"),
    "session": ("Session",),
    "records": (
        *("HEADER", "Direction", "Record", "Splitter", "hexdump", "looks_like_tls"),
        *("parse_records", "plaintext_messages", "readable_records", "server_name"),
    ),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "HEADER",
    "LIE",
    "MAX_LINE",
    "NO_CHAIN",
    "SECRET",
    "Compared",
    "Direction",
    "Exchange",
    "Expected",
    "Failure",
    "Field",
    "Handshake",
    "LineBuffer",
    "Malformed",
    "Message",
    "Passed",
    "ProtocolError",
    "Record",
    "Recording",
    "Service",
    "Session",
    "Side",
    "Splitter",
    "Stage",
    "compare",
    "from_wire",
    "hexdump",
    "looks_like_tls",
    "parse_records",
    "plaintext_messages",
    "read_message",
    "readable_records",
    "server_name",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)

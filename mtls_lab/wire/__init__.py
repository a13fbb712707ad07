"""What passes between two ends, as values: lines, records, messages, and how an exchange ended.

Here: pure functions and frozen values, without a socket in sight. Not here: whatever opens a
connection (net/), and certificates (pki/).
"""

from mtls_lab.wire.comparing import Compared, compare
from mtls_lab.wire.handshake import Handshake, Message, from_wire
from mtls_lab.wire.outcome import Exchange, Expected, Failure, Session, Side, Stage
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
    server_name,
)

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
    "server_name",
]

"""What servers speak before TLS, or instead of it.

Here: the few bytes that each protocol wants before a ClientHello, names for the first bytes of an
answer, and the questions for protocols in which a server waits. Not here: TLS (calling.py).
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from contextlib import suppress

from mtls_lab.net.clock import Clock
from mtls_lab.net.sockets import Address
from mtls_lab.wire import looks_like_tls

__all__ = ["PROTOCOLS", "NoStartTls", "into_tls", "named", "spoken"]

#: Bytes of a line, and lines of an answer, that are read at most.
LINE, LINES = 1024, 100
#: And of the INFO of NATS, which names every server of a cluster.
INFO = 16 * 1024

#: SSLRequest (PostgreSQL, "SSL Session Encryption"), which a server answers with S or N.
SSL_REQUEST = bytes.fromhex("00000008 04d2162f")
#: An ExtendedRequest for StartTLS (RFC 4511, section 4.14).
LDAP_START_TLS = bytes.fromhex("301d 020101 7718 8016") + b"1.3.6.1.4.1.1466.20037"

#: CLIENT_SSL (MySQL, "Capabilities Flags"), and the packet that asks for TLS: number 1, of 32
#: bytes, with CLIENT_PROTOCOL_41, CLIENT_SSL, CLIENT_SECURE_CONNECTION and CLIENT_PLUGIN_AUTH.
MYSQL_SSL = 0x0800
MYSQL_REQUEST = bytes.fromhex("20000001 008a0800 00000001 21") + bytes(23)


class NoStartTls(OSError):
    """A server that does not go on to TLS; `heard` has what it said."""

    def __init__(self, message: str, heard: bytes = b"") -> None:
        super().__init__(message)
        self.heard = heard


class TlsIsOff(NoStartTls):
    """A server of this protocol that does not offer TLS."""


def into_tls(connection: socket.socket, protocol: str, at_most: Callable[[float], float]) -> None:
    """Say what `protocol` wants before TLS; without one, nothing.

    Args:
        connection: a fresh connection.
        protocol: one of `PROTOCOLS`, or `""`.
        at_most: cuts a number of seconds to what is left.

    Raises:
        NoStartTls: the server does not offer TLS, or speaks another protocol.
        OSError: the connection fails.
    """
    if protocol:
        PROTOCOLS[protocol](_Plain(connection, at_most))


class _Plain:
    """Lines and bytes in the clear, past whoever records TLS."""

    def __init__(self, connection: socket.socket, at_most: Callable[[float], float]) -> None:
        self._connection, self._at_most = connection, at_most
        self.heard = b""

    def send(self, data: bytes) -> None:
        socket.socket.sendall(self._connection, data)

    def take(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            self._connection.settimeout(self._at_most(60))
            part = socket.socket.recv(self._connection, size - len(data))
            if not part:
                raise NoStartTls("it hung up before TLS began", self.heard)
            data += part
            self.heard += part
        return data

    def line(self, most: int = LINE) -> str:
        """Read one line. Byte by byte: what follows it may be TLS already."""
        data = b""
        while not data.endswith(b"\n"):
            data += self.take(1)
            if len(data) > most:
                raise NoStartTls(f"a line of more than {most} bytes", self.heard)
        return data.decode("utf-8", "replace").strip()

    def refuse(self, message: str) -> NoStartTls:
        return NoStartTls(message, self.heard)

    def is_off(self, message: str) -> TlsIsOff:
        return TlsIsOff(message, self.heard)


def _postgres(plain: _Plain) -> None:
    plain.send(SSL_REQUEST)
    said = plain.take(1)
    if said == b"N":
        raise plain.is_off("the server answers N: its TLS is off (ssl = off)")
    if said != b"S":
        raise plain.refuse("the answer is neither S nor N, so this is not PostgreSQL")


def _smtp(plain: _Plain) -> None:
    _reply(plain, "220")
    plain.send(b"EHLO localhost\r\n")
    offered = _reply(plain, "250")
    if not any("STARTTLS" in line.upper() for line in offered):
        raise plain.is_off("the answer to EHLO does not offer STARTTLS")
    plain.send(b"STARTTLS\r\n")
    if not (line := plain.line()).startswith("220"):  # 454: its certificate or key does not load
        raise plain.is_off(f"it offers STARTTLS, and refuses it: {line[:LOOKED]}")


def _reply(plain: _Plain, code: str) -> list[str]:
    """Read the lines of a reply (RFC 5321, section 4.2.1)."""
    lines: list[str] = []
    while len(lines) < LINES:
        lines.append(plain.line())
        if not lines[-1].startswith(code):
            raise plain.refuse(f"the answer does not begin with {code}")
        if lines[-1][3:4] != "-":
            return lines
    raise plain.refuse(f"an answer of more than {LINES} lines")


def _imap(plain: _Plain) -> None:
    if not plain.line().startswith("* OK"):
        raise plain.refuse("the greeting does not begin with * OK, so this is not IMAP")
    plain.send(b"a1 STARTTLS\r\n")
    for _ in range(LINES):
        line = plain.line()
        if line.startswith("a1 "):
            if line.startswith("a1 OK"):
                return
            break
    raise plain.is_off("the server does not take STARTTLS")


def _ldap(plain: _Plain) -> None:
    plain.send(LDAP_START_TLS)
    tag, length = plain.take(2)
    if tag != 0x30:
        raise plain.refuse("the answer is not an LDAPMessage")
    if length >= 0x80:
        length = int.from_bytes(plain.take(min(length - 0x80, 2)), "big")
    # The resultCode is an ENUMERATED of one byte: 0 is success (RFC 4511, section 4.1.9).
    if b"\x0a\x01\x00" not in plain.take(min(length, LINE)):
        raise plain.is_off("the server refuses StartTLS")


def _mysql(plain: _Plain) -> None:
    size = int.from_bytes(plain.take(4)[:3], "little")
    greeting = plain.take(min(size, LINE))
    version, end, rest = greeting[1:].partition(b"\0")
    if greeting[:1] == b"\xff":  # an error: its number, and words
        words = greeting[3:].decode("utf-8", "replace")
        raise plain.refuse(f"the server refuses the connection: {words}")
    if not end:
        raise plain.refuse("the greeting is not that of MySQL")
    # The number of the connection (4 bytes), the first part of the challenge (8) and a filler (1).
    if not int.from_bytes(rest[13:15], "little") & MYSQL_SSL:
        name = version[:LOOKED].decode("ascii", "replace")
        raise plain.is_off(f"the greeting of {name} does not offer TLS: it has no certificate")
    plain.send(MYSQL_REQUEST)


def _pop3(plain: _Plain) -> None:
    if not plain.line().startswith("+OK"):
        raise plain.refuse("the greeting does not begin with +OK, so this is not POP3")
    plain.send(b"STLS\r\n")
    if not plain.line().startswith("+OK"):
        raise plain.is_off("the server does not take STLS")


def _ftp(plain: _Plain) -> None:
    _reply(plain, "220")
    plain.send(b"AUTH TLS\r\n")
    if not plain.line().startswith("234"):
        raise plain.is_off("the server does not take AUTH TLS")


def _nats(plain: _Plain) -> None:
    offer = plain.line(INFO)
    if not offer.startswith("INFO "):
        raise plain.refuse("the greeting does not begin with INFO, so this is not NATS")
    if not re.search(r'"tls_(required|available)": ?true', offer):
        raise plain.is_off("its INFO does not offer TLS: its configuration has no tls { … }")


#: By the name that `--starttls` takes.
PROTOCOLS: dict[str, Callable[[_Plain], None]] = {
    "postgres": _postgres,
    "smtp": _smtp,
    "imap": _imap,
    "ldap": _ldap,
    "mysql": _mysql,
    "pop3": _pop3,
    "ftp": _ftp,
    "nats": _nats,
}


# --- What it is, if it is no TLS

#: Bytes of an answer that are looked at, and how long a greeting may take.
LOOKED, GREETING = 512, 0.7

#: A CONNECT of MQTT 3.1.1 with an empty name (section 3.1), and a DISCONNECT.
MQTT_CONNECT = bytes.fromhex("100c 0004 4d515454 04 02 003c 0000")
MQTT_DISCONNECT = bytes.fromhex("e000")
#: What Redis answers at once, and a server of lines with an error.
PING = b"PING\r\n"


def named(data: bytes) -> str:
    """Return the protocol that begins with these bytes, or `""` if they tell nothing.

    Example:
        >>> named(b"HTTP/1.1 400 Bad Request"), named(b"SSH-2.0-OpenSSH_9.2"), named(b"hello")
        ('HTTP', 'SSH', '')
    """
    start = data[:LOOKED]
    small = start.lower()
    if looks_like_tls(start) and len(start) > 1:
        return "TLS"
    for begin, name in (
        (b"http/", "HTTP"),
        (b"<html", "HTTP"),
        (b"<!doctype html", "HTTP"),
        (b"ssh-", "SSH"),
        (b"* ok", "IMAP"),
        (b"+ok", "POP3"),
        (b"-err", "Redis"),
        (b"-noauth", "Redis"),
        (b"-denied", "Redis"),
        (b"+pong", "Redis"),
        (b"rfb ", "VNC"),
        (b"@rsyncd", "rsync"),
        (b"amqp", "AMQP"),
        (b"info {", "NATS"),
    ):
        if small.startswith(begin):
            return name
    if small.startswith((b"220", b"554", b"500", b"421")):
        return "FTP" if b"ftp" in small else "SMTP"
    if start[3:5] in {b"\x00\x0a", b"\x00\xff"} and int.from_bytes(start[:3], "little") < 1024:
        return "MySQL"
    if start[:1] == b"E" and b"FATAL" in start:
        return "PostgreSQL"
    return _binary(start)


def _binary(start: bytes) -> str:
    if start[:2] == b"\x00\x00" and start[3:4] in {b"\x04", b"\x06", b"\x07"} and len(start) >= 9:
        return "HTTP/2"
    if start[:1] == b"\x20" and len(start) == 4:
        return "MQTT"
    if start[:1] == b"\x30" and (b"\x78" in start[:8] or b"1.3.6.1.4.1.1466.20036" in start):
        return "LDAP"
    return ""


def spoken(address: Address, clock: Clock) -> tuple[str, bytes]:
    """Ask a server that hangs up on a ClientHello what it speaks.

    First it may greet; then it is asked for TLS as PostgreSQL and LDAP do, to accept an MQTT client
    without a name, and for Redis' PONG. Nothing else is sent. Returns the name and the bytes, both
    empty if nothing tells.
    """
    for question in (b"", SSL_REQUEST, MQTT_CONNECT, LDAP_START_TLS, PING):
        if clock.over:
            break
        heard = b""
        with (
            suppress(OSError),
            socket.create_connection(address, timeout=clock.at_most(GREETING)) as connection,
        ):
            connection.settimeout(clock.at_most(GREETING))
            connection.sendall(question)
            heard = connection.recv(LOOKED)
            if question == MQTT_CONNECT and heard:
                connection.sendall(MQTT_DISCONNECT)
        if question == SSL_REQUEST and heard in {b"S", b"N"}:
            return "PostgreSQL", heard
        if question == MQTT_CONNECT and named(heard) != "MQTT":
            continue
        if name := named(heard):
            return name, heard
    return "", b""

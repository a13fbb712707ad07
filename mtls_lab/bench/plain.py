"""Which protocol a server speaks that does not speak TLS.

Here: names for the first bytes of an answer, and the few questions for protocols in which a server
waits. Not here: going on to TLS from there (starttls.py).
"""

from __future__ import annotations

import socket
from contextlib import suppress

from mtls_lab.bench.calling import Call
from mtls_lab.bench.starttls import LDAP_START_TLS, SSL_REQUEST
from mtls_lab.wire import looks_like_tls

__all__ = ["named", "spoken"]

#: Bytes of an answer that are looked at, and how long a greeting may take.
LOOKED, GREETING = 512, 0.7

#: A CONNECT of MQTT 3.1.1 with an empty name (section 3.1), and a DISCONNECT.
MQTT_CONNECT = bytes.fromhex("100c 0004 4d515454 04 02 003c 0000")
MQTT_DISCONNECT = bytes.fromhex("e000")


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
        (b"rfb ", "VNC"),
        (b"@rsyncd", "rsync"),
        (b"amqp", "AMQP"),
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


def spoken(call: Call) -> tuple[str, bytes]:
    """Ask a server that hangs up on a ClientHello what it speaks.

    First it may greet; then it is asked for TLS as PostgreSQL and LDAP do, and to accept an MQTT
    client without a name. Nothing else is sent. Returns the name and the bytes, both empty if
    nothing tells.
    """
    for question in (b"", SSL_REQUEST, MQTT_CONNECT, LDAP_START_TLS):
        if call.clock.over:
            break
        heard = b""
        with (
            suppress(OSError),
            socket.create_connection(
                call.address, timeout=call.clock.at_most(GREETING)
            ) as connection,
        ):
            connection.settimeout(call.clock.at_most(GREETING))
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

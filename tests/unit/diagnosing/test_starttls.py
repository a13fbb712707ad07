"""Servers that begin in the clear: the way into TLS, and each way in which it may not lead there.

The conversations are played here, with real TLS after them; PostgreSQL is in tests/interop.
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from mtls_lab.diagnosing import diagnose
from mtls_lab.exercises.peers import listening
from mtls_lab.net import Address, hang_up
from tests.unit.lab import Lab

Said = list[tuple[bytes, bytes]]

#: What a client has to say (its beginning), and what it then hears; the first is the greeting.
SMTP: Said = [
    (b"", b"220-mail.example\r\n220 ready\r\n"),
    (b"EHLO localhost\r\n", b"250-mail.example\r\n250-STARTTLS\r\n250 SIZE 1000\r\n"),
    (b"STARTTLS\r\n", b"220 go ahead\r\n"),
]
IMAP: Said = [
    (b"", b"* OK ready\r\n"),
    (b"a1 STARTTLS\r\n", b"* CAPABILITY IMAP4rev1\r\na1 OK begin\r\n"),
]
LDAP: Said = [
    (
        bytes.fromhex("301d020101771880") + b"\x16" + b"1.3.6.1.4.1.1466.20037",
        bytes.fromhex("300c 02 01 01 78 07 0a 01 00 04 00 04 00"),
    )
]
POSTGRES: Said = [(bytes.fromhex("0000000804d2162f"), b"S")]
RIGHT = {"smtp": SMTP, "imap": IMAP, "ldap": LDAP, "postgres": POSTGRES}


@contextmanager
def server(said: Said, context: ssl.SSLContext | None) -> Iterator[Address]:
    def handle(connection: socket.socket) -> None:
        for expected, answer in said:
            heard = b""
            while len(heard) < len(expected):
                if not (part := connection.recv(len(expected) - len(heard))):
                    return
                heard += part
            assert heard == expected
            connection.sendall(answer)
        if context is None:
            hang_up(connection)
            return
        tls = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with suppress(OSError):
            tls.do_handshake()
            while tls.recv(4096):
                pass
        hang_up(tls)

    with listening(handle) as address:
        yield address


@pytest.mark.parametrize("protocol", RIGHT)
def test_tls_begins_inside(protocol: str, lab: Lab) -> None:
    cert, key = lab.store.files("valid")
    with server(RIGHT[protocol], lab.mtls()) as at:
        told = diagnose(
            at,
            cafile=lab.ca_file,
            certfile=cert,
            keyfile=key,
            server_hostname="localhost",
            starttls=protocol,
        )
    assert told.ok, str(told)
    assert ("STARTTLS", "✓") in [(line.label, line.sign) for line in told.lines]


@pytest.mark.parametrize(
    ("protocol", "said", "why"),
    [
        ("smtp", [(b"", b"220 ready\r\n"), (b"EHLO localhost\r\n", b"250 SIZE 1\r\n")], "STARTTLS"),
        ("smtp", [(b"", b"554 go away\r\n")], "does not begin with 220"),
        ("smtp", [(b"", b"220-" + b"x" * 5000)], "a line of more than 1024 bytes"),
        ("smtp", [(b"", b"220-more\r\n" * 200)], "more than 100 lines"),
        ("imap", [(b"", b"220 mail.example\r\n")], "not IMAP"),
        ("imap", [*IMAP[:1], (IMAP[1][0], b"a1 NO not here\r\n")], "does not take STARTTLS"),
        ("imap", [(b"", b"* OK ready\r\n")], "hung up before TLS"),
        ("ldap", [(LDAP[0][0], LDAP[0][1].replace(b"\x0a\x01\x00", b"\x0a\x01\x02"))], "refuses"),
        ("ldap", [(b"\x30", b"HTTP/1.1 400 Bad Request\r\n\r\n")], "not an LDAPMessage"),
        ("postgres", [(POSTGRES[0][0], b"N")], "ssl = off"),
        ("postgres", [(POSTGRES[0][0], b"?")], "not PostgreSQL"),
    ],
)
def test_tls_does_not_begin(protocol: str, said: Said, why: str) -> None:
    with server(said, None) as at:
        told = diagnose(at, starttls=protocol)
    assert [cause.name for cause in told.causes] == ["no_starttls"], str(told)
    assert why in told.causes[0].says
    assert told.causes[0].certain
    assert told.code == 11


def test_tls_that_begins_at_once_is_recognised(lab: Lab) -> None:
    with server([], lab.tls()) as at:
        told = diagnose(at, starttls="ldap")
    assert told.kind == "not_tls"

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
#: The greeting of MariaDB 10.11, shortened; 0x08 in its capabilities is CLIENT_SSL.
GREETING = b"\x0a" + b"5.5.5-10.11.19-MariaDB\0" + bytes(4) + b"challeng\0" + b"\xfe\xff" + bytes(8)
MYSQL: Said = [
    (b"", len(GREETING).to_bytes(3, "little") + b"\0" + GREETING),
    (bytes.fromhex("20000001008a08000000000121") + bytes(23), b""),
]
POP3: Said = [(b"", b"+OK ready\r\n"), (b"STLS\r\n", b"+OK begin\r\n")]
FTP: Said = [
    (b"", b"220-welcome\r\n220 ready\r\n"),
    (b"AUTH TLS\r\n", b"234 AUTH TLS successful\r\n"),
]
INFO = b'INFO {"server_id":"N1","tls_required":true,"connect_urls":["' + b"a" * 3000 + b'"]}\r\n'
NATS: Said = [(b"", INFO)]
RIGHT = {"smtp": SMTP, "imap": IMAP, "ldap": LDAP, "postgres": POSTGRES}
RIGHT |= {"mysql": MYSQL, "pop3": POP3, "ftp": FTP, "nats": NATS}


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
    (login,) = (line.text for line in told.lines if line.label == "login")
    assert login.startswith("not tried: ")
    assert str(told).endswith("What the server decides after them only a login shows: see above.")


@pytest.mark.parametrize(
    ("user", "noted"),
    [("app", ["app, and the CN of the certificate is trusted-client"]), ("trusted%2Dclient", [])],
)
def test_a_url_says_in_which_protocol_tls_begins_and_who_logs_in(
    lab: Lab, user: str, noted: list[str]
) -> None:
    cert, key = lab.store.files("valid")
    with server(POSTGRES, lab.mtls()) as (host, port):
        told = diagnose(
            f"postgresql://{user}:secret@{host}:{port}/orders",
            cafile=lab.ca_file,
            certfile=cert,
            keyfile=key,
            server_hostname="localhost",
        )
    assert told.ok, str(told)
    assert ("STARTTLS", "✓") in [(line.label, line.sign) for line in told.lines]
    users = [line for line in told.lines if line.label == "user"]
    assert [(line.sign, line.text.partition(":")[0]) for line in users] == [
        ("!", text) for text in noted
    ]
    assert "secret" not in str(told)


@pytest.mark.parametrize(
    ("protocol", "said", "why"),
    [
        ("smtp", [(b"", b"220 ready\r\n"), (b"EHLO localhost\r\n", b"250 SIZE 1\r\n")], "STARTTLS"),
        ("smtp", [(b"", b"554 go away\r\n")], "does not begin with 220"),
        ("smtp", [*SMTP[:2], (SMTP[2][0], b"454 TLS not now\r\n")], "refuses it: 454 TLS not now"),
        ("smtp", [(b"", b"220-" + b"x" * 5000)], "a line of more than 1024 bytes"),
        ("smtp", [(b"", b"220-more\r\n" * 200)], "more than 100 lines"),
        ("imap", [(b"", b"220 mail.example\r\n")], "not IMAP"),
        ("imap", [*IMAP[:1], (IMAP[1][0], b"a1 NO not here\r\n")], "does not take STARTTLS"),
        ("imap", [(b"", b"* OK ready\r\n")], "hung up before TLS"),
        ("ldap", [(LDAP[0][0], LDAP[0][1].replace(b"\x0a\x01\x00", b"\x0a\x01\x02"))], "refuses"),
        ("ldap", [(b"\x30", b"HTTP/1.1 400 Bad Request\r\n\r\n")], "not an LDAPMessage"),
        ("postgres", [(POSTGRES[0][0], b"N")], "ssl = off"),
        ("postgres", [(POSTGRES[0][0], b"?")], "not PostgreSQL"),
        ("mysql", [(b"", MYSQL[0][1].replace(b"\xfe\xff", b"\xfe\xf7"))], "does not offer TLS"),
        ("mysql", [(b"", b"\x0c\0\0\0\xff\x6a\x04Host busy")], "connection: Host busy"),
        ("mysql", [(b"", b"\x03\0\0\0\x0a\x6a\x04")], "not that of MySQL"),
        ("mysql", [(b"", b"220 ready\r\n")], "hung up before TLS"),
        ("pop3", [POP3[0], (b"STLS\r\n", b"-ERR no\r\n")], "does not take STLS"),
        ("pop3", [(b"", b"* OK ready\r\n")], "not POP3"),
        ("ftp", [FTP[0], (b"AUTH TLS\r\n", b"502 no\r\n")], "does not take AUTH TLS"),
        ("nats", [(b"", b'INFO {"tls_required": false}\r\n')], "does not offer TLS"),
        ("nats", [(b"", b"+OK\r\n")], "not NATS"),
    ],
)
def test_tls_does_not_begin(protocol: str, said: Said, why: str) -> None:
    with server(said, None) as at:
        told = diagnose(at, starttls=protocol)
    assert [cause.name for cause in told.causes] == ["no_starttls"], str(told)
    assert why in told.causes[0].says
    assert told.causes[0].certain
    assert told.code == 11


@pytest.mark.parametrize(
    ("protocol", "said", "todo"),
    [
        ("postgres", [(POSTGRES[0][0], b"N")], "Set ssl = on"),
        ("nats", [(b"", b"INFO {}\r\n")], "tls { cert_file"),
        ("imap", [*IMAP[:1], (IMAP[1][0], b"a1 NO not here\r\n")], "switch it on"),
        ("imap", [(b"", b'INFO {"tls_required":true}\r\n')], "--starttls nats"),
        ("mysql", [(b"", b"\x0c\0\0\0\xff\x6a\x04Host busy")], "log"),
    ],
)
def test_where_tls_is_off_nobody_is_told_to_try_the_same_again(
    protocol: str, said: Said, todo: str
) -> None:
    with server(said, None) as at:
        told = diagnose(at, starttls=protocol)
    assert todo in told.causes[0].fix
    assert f"--starttls {protocol}" not in told.causes[0].fix


def test_a_server_that_does_not_greet_may_speak_tls_at_once(lab: Lab) -> None:
    """It waits for a ClientHello, and we wait for its greeting."""
    with server([], lab.tls()) as at:
        told = diagnose(at, starttls="smtp", timeout=1.0)
    assert [cause.name for cause in told.causes] == ["no_greeting"], str(told)
    assert (told.code, told.causes[0].certain) == (11, False)
    assert "without --starttls" in told.causes[0].fix


def test_tls_that_begins_at_once_is_recognised(lab: Lab) -> None:
    with server([], lab.tls()) as at:
        told = diagnose(at, starttls="ldap")
    assert told.kind == "not_tls"

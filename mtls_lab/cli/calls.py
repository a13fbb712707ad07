"""The arguments of `mtls-lab diagnose`.

Here: what the parser needs, for every command loads it. Not here: what the command does
(diagnosing.py).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from mtls_lab.cli.values import count, file, port, seconds

__all__ = ["EXIT_CODES", "STARTTLS", "add_to"]

#: As data/diagnoses.toml has them, which a test compares: reading it would slow every command.
EXIT_CODES = {
    0: "nothing wrong was found; what has a ! did no harm on this connection",
    2: "wrong arguments",
    10: "the server is not reached",
    11: "it does not speak TLS here",
    12: "a file of yours does not load",
    13: "the server's certificate does not verify",
    14: "no TLS version, cipher suite or name in common",
    15: "the server refuses your certificate, wants one, or would not get it",
    16: "the server does not ask for a certificate, or does not need it",
    17: "TLS is fine; the program behind it refuses",
    18: "it fails, and what was seen does not say why",
}
STARTTLS = ("postgres", "smtp", "imap", "ldap", "mysql", "pop3", "ftp", "nats")


def add_to(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the command to a parser, with `add` of parser.py."""
    codes = "\n".join(f"  {code:<4}{text}" for code, text in EXIT_CODES.items())
    command = add(
        "diagnose",
        "call a server in several ways and say why mutual TLS with it fails",
        "diagnose api.example:8443 --ca ca.pem --cert client.crt --key client.key",
        "diagnose api.example:8443 --ca ca.pem --cert client.p12 --password-file word.txt",
        "diagnose 10.0.0.7:8443 --ca ca.pem --server-name api.example --http",
        "diagnose db.example:5432 --starttls postgres --ca ca.pem --json",
        "diagnose --listen 8443 --cert server.crt --key server.key --client-ca client_ca.pem",
        "diagnose --listen 8443 --save-ca test_ca.pem --fault expired",
        notes=(
            "Only handshakes are sent, unless --http or --send ask for more, and then only to a\n"
            f"server whose certificate verifies.\n\nExit codes, by the first cause:\n{codes}"
        ),
    )
    command.add_argument("target", metavar="HOST:PORT", nargs="?", help="the server, or its URL")
    # By the long names too, which `explain` and the ssl module have for them.
    told = "the CAs that the server's certificate must lead to: PEM, or a Secret or truststore"
    file(command, "--ca", f"{told} (default: the system's)", "--cafile")
    told = "the certificate to present, with its chain: PEM, or .p12, .jks or Secret with its key"
    file(command, "--cert", told, "--certfile")
    told = "its private key (default: it is in the file of --cert)"
    file(command, "--key", told, "--keyfile")
    told = "its first line is a password of these files; may be repeated"
    told += " (default: a terminal is asked for that of a .p12 or .jks)"
    file(command, "--password-file", told, action="append", default=[])
    command.add_argument(
        "--server-name",
        metavar="NAME",
        help="the name in the server's certificate, also sent as SNI (default: the host)",
    )
    command.add_argument(
        "--starttls",
        choices=STARTTLS,
        default="",
        help="begin TLS inside this protocol (default: as the scheme of a URL says)",
    )
    sent = command.add_mutually_exclusive_group()
    sent.add_argument("--http", action="store_true", help="also send GET / and read the answer")
    sent.add_argument("--send", metavar="LINE", help="also send this line and read the answer")
    command.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=seconds,
        default=15.0,
        help="for everything together (default: 15)",
    )
    command.add_argument("--json", action="store_true", help="one JSON object, for a program")
    other = command.add_argument_group(
        "the other side", "Be the server, and say of each client what it offers and sends."
    )
    other.add_argument("--listen", metavar="PORT", type=port, help="listen, until Ctrl-C")
    other.add_argument(
        "--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)"
    )
    file(other, "--client-ca", "ask for certificates of these CAs, in a file as of --ca")
    other.add_argument(
        "--fault",
        metavar="NAME",
        default="",
        help="misbehave as a broken server does; --fault list names all",
    )
    told = "where to write the CA that is made for a fault, or where there is no --cert"
    file(other, "--save-ca", told)
    other.add_argument("--count", metavar="N", type=count, help="end after so many clients")

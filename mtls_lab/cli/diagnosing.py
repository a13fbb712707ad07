"""The command `mtls-lab diagnose`: its arguments, and how its answer is printed.

Here: arguments, colours, JSON. Not here: the diagnosis (bench/), which is loaded when it is asked
for.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import queue
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from mtls_lab.errors import LabError

if TYPE_CHECKING:
    from mtls_lab.bench import Client, Diagnosis

__all__ = ["EXIT_CODES", "add_to", "run"]

#: As data/diagnoses.toml has them, which a test compares: reading it would slow every command.
EXIT_CODES = {
    0: "nothing wrong was found",
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
STARTTLS = ("postgres", "smtp", "imap", "ldap")
BOLD, PLAIN = "\x1b[1m", "\x1b[0m"
COLOURS = {"✓": "\x1b[32m", "✗": "\x1b[31m", "!": "\x1b[33m"}


def add_to(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the command to a parser, with `add` of arguments.py."""
    codes = "\n".join(f"  {code:<4}{text}" for code, text in EXIT_CODES.items())
    command = add(
        "diagnose",
        "call a server in several ways and say why mutual TLS with it fails",
        "diagnose api.example:8443 --ca ca.pem --cert client.crt --key client.key",
        "diagnose 10.0.0.7:8443 --ca ca.pem --server-name api.example --http",
        "diagnose db.example:5432 --starttls postgres --ca ca.pem --json",
        "diagnose --listen 8443 --cert server.crt --key server.key --client-ca client_ca.pem",
        "diagnose --listen 8443 --save-ca test_ca.pem --fault expired",
        notes=(
            "Only handshakes are sent, unless --http or --send ask for more, and then only to a\n"
            f"server whose certificate verifies.\n\nExit codes, by the first cause:\n{codes}"
        ),
    )
    command.add_argument("target", metavar="HOST:PORT", nargs="?", help="the server")
    for name, held in (
        ("ca", "the CAs that the server's certificate must lead to (default: the system's)"),
        ("cert", "the certificate to present, with its chain"),
        ("key", "its private key (default: it is in the file of --cert)"),
    ):
        command.add_argument(f"--{name}", metavar="FILE", type=Path, help=held)
    command.add_argument(
        "--server-name",
        metavar="NAME",
        help="the name in the server's certificate, also sent as SNI (default: the host)",
    )
    command.add_argument(
        "--starttls", choices=STARTTLS, default="", help="begin TLS inside this protocol"
    )
    sent = command.add_mutually_exclusive_group()
    sent.add_argument("--http", action="store_true", help="also send GET / and read the answer")
    sent.add_argument("--send", metavar="LINE", help="also send this line and read the answer")
    command.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        default=15.0,
        help="for everything together (default: 15)",
    )
    command.add_argument("--json", action="store_true", help="one JSON object, for a program")
    other = command.add_argument_group(
        "the other side", "Be the server, and say of each client what it offers and sends."
    )
    other.add_argument("--listen", metavar="PORT", type=_port, help="listen, until Ctrl-C")
    other.add_argument(
        "--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)"
    )
    other.add_argument(
        "--client-ca", metavar="FILE", type=Path, help="ask for certificates of these CAs"
    )
    other.add_argument(
        "--fault",
        metavar="NAME",
        default="",
        help="misbehave as a broken server does; --fault list names all",
    )
    other.add_argument(
        "--save-ca",
        metavar="FILE",
        type=Path,
        help="where to write the CA that is made for a fault, or where there is no --cert",
    )
    other.add_argument("--count", metavar="N", type=int, help="end after so many clients")


def _port(text: str) -> int:
    if text.isascii() and text.isdecimal() and int(text) <= 0xFFFF:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port: 1 to 65535, or 0 for any free one")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if 0 < seconds <= 3600:
        return seconds
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 3600")


def run(options: argparse.Namespace) -> int:
    """Diagnose, print the answer, and return the exit code of its class.

    Raises:
        LabError: the arguments do not fit together, or a file does not load.
    """
    if options.fault == "list":
        return _faults(as_json=options.json)
    if options.listen is not None:
        return _listen(options)
    if not options.target:
        raise LabError(
            "no server",
            "HOST:PORT, or --listen PORT to be the server",
            "name the server to diagnose, such as api.example:8443",
        )
    if options.fault:
        raise LabError("--fault without --listen", "a port to misbehave on", "add --listen PORT")
    from mtls_lab.bench import diagnose  # noqa: PLC0415 - it loads cryptography

    told = diagnose(
        options.target,
        cafile=options.ca,
        certfile=options.cert,
        keyfile=options.key,
        server_hostname=options.server_name,
        starttls=options.starttls,
        http=options.http,
        send=options.send,
        timeout=options.timeout,
    )
    if options.json:
        shown = {"class": told.kind, "code": told.code} | asdict(told)
        print(json.dumps(shown, ensure_ascii=False, indent=1))
    else:
        print(_in_colours(told) if _coloured() else told)
    return told.code


def _faults(*, as_json: bool) -> int:
    from mtls_lab.bench import catalogue_of_faults  # noqa: PLC0415 - see run

    if as_json:
        print(json.dumps(catalogue_of_faults(), ensure_ascii=False, indent=1))
    else:
        for name, entry in catalogue_of_faults().items():
            print(f"{name:<22}{entry['does']}\n{'':<22}a careful client: {entry['right']}")
    return 0


def _listen(options: argparse.Namespace) -> int:
    """Tell of each client, until Ctrl-C or until there were enough."""
    from mtls_lab.bench import listen  # noqa: PLC0415 - see run

    if options.target:
        raise LabError(
            f"{options.target} and --listen", "a server to call, or a port", "leave out one of them"
        )
    clients: queue.SimpleQueue[Client] = queue.SimpleQueue()
    try:
        with listen(
            host=options.host,
            port=options.listen,
            certfile=options.cert,
            keyfile=options.key,
            client_ca=options.client_ca,
            fault=options.fault,
            save_ca=options.save_ca,
            tell=clients.put,
        ) as (host, port):
            print(f"Listening on {host}:{port}. Ctrl-C ends it.", file=sys.stderr, flush=True)
            left = options.count or -1
            while left:
                client = _next(clients)
                left -= 1
                if options.json:
                    print(json.dumps(asdict(client), ensure_ascii=False), flush=True)
                else:
                    print(client, flush=True)
    except BrokenPipeError:
        raise  # nobody reads on
    except (OSError, ValueError) as error:
        from mtls_lab.diagnosis import explain  # noqa: PLC0415 - see run

        told = explain(error, certfile=options.cert, keyfile=options.key, cafile=options.client_ca)
        raise LabError(told.what, "files that load", told.fix) from None
    return 0


def _next(clients: queue.SimpleQueue[Client]) -> Client:
    """Wait for a client in steps: on Windows, Ctrl-C does not end a wait."""
    while True:
        with suppress(queue.Empty):
            return clients.get(timeout=1)


def _coloured() -> bool:
    """Whether there may be colours: in a terminal, unless NO_COLOR says otherwise."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or os.name == "nt"
    return sys.stdout.isatty() and not plain


def _in_colours(told: Diagnosis) -> str:
    lines = []
    for line in str(told).splitlines():
        sign = line[2:3] if line.startswith("  ") else ""
        if sign in COLOURS:
            lines.append(f"  {COLOURS[sign]}{sign}{PLAIN}{line[3:]}")
        elif line[:1].isdigit():
            lines.append(f"{BOLD}{line}{PLAIN}")
        else:
            lines.append(line)
    return "\n".join(lines)

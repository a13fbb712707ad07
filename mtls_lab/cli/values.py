"""The kinds of values that commands take: files, ports, addresses, days, seconds.

Here: from a text to a value, or why it is none. Not here: which command takes which (machines.py,
calls.py, parser.py).
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

__all__ = ["PORT", "address", "count", "days", "file", "port", "seconds"]

#: The tutorial's port.
PORT = 5000
#: Ten years: a practice certificate that lives longer is forgotten somewhere.
MOST_DAYS = 3650


def file(parser: Any, name: str, told: str, *also: str, **more: Any) -> None:
    """Add an option that names a file to a parser, or to a group of one; `also` are other names."""
    parser.add_argument(name, *also, metavar="FILE", type=_path, help=told, **more)


def _path(text: str) -> Path:
    """Return the path of a file. Raises ArgumentTypeError: it is a URI, or PEM."""
    if scheme := re.match(r"(pkcs11|file|[a-z][a-z0-9+.-]{1,20}(?=://)):", text):
        raise argparse.ArgumentTypeError(_of_scheme(scheme[1]))
    if "-----BEGIN " in text:
        raise argparse.ArgumentTypeError("this is PEM itself: write it to a file, and name that")
    return Path(text)


def _of_scheme(scheme: str) -> str:
    match scheme:
        case "pkcs11":
            return (
                "a key in a token or HSM (PKCS #11) never leaves it, and the lab does not load the "
                "module that uses it: give the certificate alone, which can be looked into, or "
                "call the server with openssl s_client -provider pkcs11 -provider default -key URI"
            )
        case "file":
            return "this is a URL: give the path behind file://"
        case "http" | "https":
            return "this is a URL: download the file first, curl -fo FILE URL, and name it"
    return f"this is a URI ({scheme}:), and a file is expected: write what it names to one"


def _number(text: str) -> int:
    """Return a number of up to nine digits; -1 for any other text."""
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else -1


def count(text: str) -> int:
    """Return how many; 0 is without end. Raises ArgumentTypeError."""
    if (found := _number(text)) >= 0:
        return found
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of clients")


def port(text: str) -> int:
    """Return a port. Raises ArgumentTypeError."""
    if 0 <= (found := _number(text)) <= 0xFFFF:
        return found
    raise argparse.ArgumentTypeError(f"{text!r} is not a port: 1 to 65535, or 0 for any free one")


def address(text: str) -> tuple[str, int]:
    """Return host and port of `HOST`, `HOST:PORT` or `[IPv6]:PORT`.

    Raises:
        ArgumentTypeError: it is none of these.

    Example:
        >>> address("backend.example"), address("[::1]:443")
        (('backend.example', 5000), ('::1', 443))
    """
    host, colon, number = text.rpartition(":") if text[-1:] != "]" else (text, "", "")
    if not colon:
        host, number = text, str(PORT)
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise argparse.ArgumentTypeError(f"{text!r}: put the IPv6 address in brackets, [::1]:5000")
    if not colon and host.isascii() and host.isdecimal():
        raise argparse.ArgumentTypeError(
            f"{text!r} is a port without a host: join the two by a colon, such as localhost:{text}"
        )
    if not host or not host.isprintable() or " " in host or "/" in host:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, such as localhost:5000")
    found = port(number)
    if not found:
        raise argparse.ArgumentTypeError("nobody listens on port 0: give the port of the backend")
    return host, found


def days(text: str) -> int:
    """Return a number of days. Raises ArgumentTypeError."""
    if 1 <= (found := _number(text)) <= MOST_DAYS:
        return found
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of days, 1 to {MOST_DAYS}")


def seconds(text: str) -> float:
    """Return a number of seconds, more than 0 and up to an hour. Raises ArgumentTypeError."""
    try:
        found = float(text)
    except ValueError:
        found = 0
    if 0 < found <= 3600:
        return found
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, up to 3600")

"""`diagnose`: from a server's address to the causes of its failures.

Here: the function, and reading an address. Not here: the command (cli/diagnosing.py).
"""

from __future__ import annotations

import re
import ssl
import string
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, quote, unquote

from mtls_lab.common import LabError, Password, PathLike, UnknownName, host_and_port, printable
from mtls_lab.diagnosing.judging import judge
from mtls_lab.diagnosing.own import look_into
from mtls_lab.diagnosing.probing import probe
from mtls_lab.diagnosing.reporting import report
from mtls_lab.diagnosing.starttls import PROTOCOLS
from mtls_lab.diagnosing.value import Diagnosis
from mtls_lab.net import Address, Upstream

__all__ = ["diagnose", "read_target"]

#: Seconds for everything. A healthy server on this machine needs one.
TIMEOUT = 15.0
#: Schemes of URLs: the protocol in which TLS begins, if not at once, and the port (IANA's).
SCHEMES = {
    "https": ("", 443),
    "wss": ("", 443),
    "amqps": ("", 5671),
    "mqtts": ("", 8883),
    "rediss": ("", 6379),
    "ldaps": ("", 636),
    "ldap": ("ldap", 389),
    "postgres": ("postgres", 5432),
    "postgresql": ("postgres", 5432),
    "mysql": ("mysql", 3306),
    "mariadb": ("mysql", 3306),
    "nats": ("nats", 4222),
    "smtp": ("smtp", 25),
    "imap": ("imap", 143),
    "pop3": ("pop3", 110),
    "ftp": ("ftp", 21),
}
#: What `http=True` sends. Whoever answers it has seen the certificate by then.
GET = "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: mtls-lab\r\nConnection: close\r\n\r\n"


def diagnose(
    target: str | Address | Upstream,
    *,
    cafile: PathLike | None = None,
    certfile: PathLike | None = None,
    keyfile: PathLike | None = None,
    password: Password = "",
    server_hostname: str | None = None,
    starttls: str = "",
    http: bool = False,
    send: str | None = None,
    timeout: float = TIMEOUT,
) -> Diagnosis:
    """Call a server in several ways, and say why mutual TLS with it fails.

    The files are looked at first. Then the server is called in TLS 1.3 and 1.2, with the
    certificate and without, with SNI and without. Nothing but handshakes is sent, unless `http` or
    `send` ask for it, and then only to a server whose certificate verifies.

    Args:
        target: `"HOST:PORT"`, an address, or a Backend.
        cafile: the CAs that the server's certificate has to lead to; default: the system's.
        certfile, keyfile: what to present; the certificate with its chain, or a PKCS #12 file.
        password: the key's or the PKCS #12 file's, if it has one.
        server_hostname: the name that the server's certificate has to have; default: the host.
        starttls: one of `PROTOCOLS`, such as `"postgres"`, where TLS begins later; default: as the
            scheme of a URL says.
        http: whether to send `GET /`, or GET with the path of a URL.
        send: a line to send instead, for another protocol.
        timeout: seconds for everything.

    Raises:
        LabError: `target` is not an address, or `http` is asked of a server with `starttls`.
        UnknownName: `starttls` is none of these.

    Example:
        >>> from mtls_lab.net import nobody_listens
        >>> with nobody_listens() as address:
        ...     diagnose(address).kind
        'network'
    """
    if starttls and starttls not in PROTOCOLS:
        raise UnknownName("protocol for STARTTLS", starttls, PROTOCOLS)
    host, port = read_target(target)
    starttls = starttls or SCHEMES.get(_scheme_of(target), ("", 0))[0]
    name = (server_hostname or host).removesuffix(".")  # RFC 6066, section 3: it is sent without
    if not _is_name(name):
        raise LabError(
            f"{printable(name)!r} as the name of a server",
            "a host name or an IP address",
            "correct it; a name has labels of 1 to 63 characters, with dots between them",
        )
    if http and starttls:
        raise LabError(
            f"a request of HTTP to a server of {starttls}",
            "one that speaks HTTP",
            "leave out --http; --send LINE sends another line",
        )
    request = b"" if send is None else send.encode() + b"\r\n"
    if http:
        path = quote(_path_of(target), safe=string.punctuation)
        words = {"path": path, "host": f"[{name}]" if ":" in name else name}
        request = GET.format_map(words).encode("ascii", "replace")
    seen = probe(
        host,
        port,
        look_into(cafile, certfile, keyfile, password),
        name=name,
        starttls=starttls,
        request=request,
        timeout=timeout,
    )
    seen.user = _user_of(target)
    return Diagnosis(host_and_port(host, port), name, report(seen), judge(seen))


def _scheme_of(target: object) -> str:
    return target.partition("://")[0].lower() if isinstance(target, str) else ""


def _user_of(target: object) -> str:
    """Who is to log in, as a URL says.

    Example:
        >>> _user_of("postgres://al%20ice:secret@db/app"), _user_of("postgres://db/app?user=bob")
        ('al ice', 'bob')
    """
    if not _scheme_of(target):
        return ""
    place = str(target).partition("://")[2].partition("/")[0]
    user = unquote(place.rpartition("@")[0].partition(":")[0])
    return user or parse_qs(_path_of(target).partition("?")[2]).get("user", [""])[0]


def _path_of(target: object) -> str:
    """The path and the query of a URL; "/" of what is none."""
    rest = target.rpartition("://")[2] if isinstance(target, str) else ""
    return "/" + rest.partition("/")[2].partition("#")[0]


def _is_name(name: str) -> bool:
    """Whether OpenSSL takes it for SNI and for the check of a certificate: version 4 is strict."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=name)
    except (ValueError, TypeError, ssl.SSLError):
        return False
    return True


def read_target(target: Any) -> Address:
    """Return host and port of what `diagnose` takes.

    Raises:
        LabError: it is none.

    Example:
        >>> (
        ...     read_target("api.example:8443"),
        ...     read_target("postgres://db.example/app"),
        ...     read_target("[::1]:5"),
        ... )
        (('api.example', 8443), ('db.example', 5432), ('::1', 5))
    """
    if not isinstance(target, str):
        with suppress(TypeError, ValueError):
            host, port = getattr(target, "address", target)[:2]
            if 0 < int(port) <= 0xFFFF:
                return str(host), int(port)
        target = printable(repr(target))[:80]
    scheme, _, rest = target.rpartition("://")
    rest = rest.split("/")[0].rpartition("@")[2]
    host, _, port = rest.rpartition(":")
    if not host or rest.endswith("]"):
        host, port = rest, str(SCHEMES.get(scheme.lower(), ("", ""))[1])
    host = host.removeprefix("[").removesuffix("]")
    if not host or not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) <= 0xFFFF:
        raise LabError(
            f"{target!r} as the server",
            "HOST:PORT, such as api.example:8443 or [::1]:8443",
            "add the port, a number from 1 to 65535",
        )
    return host, int(port)

"""What the checks of several parts share: whom the learner's work meets, honest or not.

Here: the learner's CA, contexts of identities that leave no file behind, peers of a few lines.
Not here: what a check asks of the learner's work (a folder for each part).

Peers are a `Backend` and a `Relay` of their own, never `serve`: the learner's servers stay.
"""

from __future__ import annotations

import gc
import socket
import ssl
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mtls_lab.common import FileProblem, kind_of
from mtls_lab.exercises.calling import Called
from mtls_lab.exercises.result import NotYet
from mtls_lab.net import Acceptor, Address, Backend, hang_up, only_trusted_client
from mtls_lab.pki import CertificateAuthority, Identity
from mtls_lab.wire import LIE

__all__ = [
    "ENDS",
    "LIE",
    "NO_TEXT",
    "PAST",
    "SECRET",
    "SPOILED",
    "STAYS",
    "STREAM",
    "VERSIONS",
    "all_closed",
    "expect_line",
    "guarded",
    "learners_ca",
    "listening",
    "server_context",
    "set_aside",
    "settle",
    "shown",
    "strict_device",
]

#: What the honest backend of a check hands out. It is not the lessons' secret: a function that
#: returns that one without asking is found out.
SECRET = "the moon is full"  # noqa: S105 - this one is for everybody
#: TLS 1.2 first: there a refusal comes where one expects it.
VERSIONS = {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}
#: The days of a certificate that has expired.
PAST = (-30, -1)
RETURNS = "an honest backend answers here: what raises is in your own lines"
ONE_END = (
    "a newline ends a line, and nothing else: splitlines cuts at other characters too, and"
    " makefile in text mode at a carriage return"
)
STREAM = "a socket carries bytes, and in a stream: encode, collect up to the line end, then decode"
#: What a function forgets that waits for an honest backend.
ENDS = "a command is one line, and a newline ends it"
STAYS = "a reply ends with its line; the connection stays open for the next command"
#: A line with a byte in it that no text in UTF-8 has, and what to do about it.
SPOILED = SECRET.encode().replace(b"m", b"\xff") + b"\n"
NO_TEXT = "a line is text in UTF-8: what is not is an error, and no byte of it is passed over"
#: What of a learner's text fits into a sentence.
LONGEST = 60


def shown(value: object) -> str:
    """Return a value of the learner's as a sentence names it; the same on every run."""
    if value is None or isinstance(value, str | bytes | bool | int):
        text = repr(value)
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    return kind_of(value)


def expect_line(called: Called, line: str) -> None:
    """Hold a function of the learner's to having returned this line of text.

    Raises:
        NotYet: it raised, or returned something else.
    """
    value, told = called.returned(RETURNS), f"{called.name} returned {shown(called.value)}"
    if isinstance(value, bytes) or value == repr(line.encode()):
        raise NotYet(told, "a line is text: decode the bytes")
    if not isinstance(value, str):
        raise NotYet(told, "it returns the line, a str: to print it is not enough")
    if value == line:
        return
    if value.rstrip("\r\n") == line:
        raise NotYet(told, "the newline ends the line, and is not part of it")
    rule = STREAM
    if value.strip() == line.strip():
        rule = "blanks at the ends belong to the line: take the newline away, and nothing else"
    elif value in (line.splitlines()[0], line.replace("\r", "\n")):
        rule = ONE_END
    raise NotYet(f"{told}, and the reply is {shown(line)}", rule)


def learners_ca() -> CertificateAuthority:
    """Load the CA of the current folder, `ca/ca.crt` and `ca/ca.key`.

    Raises:
        NotYet: there is none, or its files do not belong together.
    """
    try:
        return CertificateAuthority.load("ca/ca.crt", "ca/ca.key")
    except FileProblem as problem:
        raise NotYet(problem.found, "run the first code cell again: it makes the files") from None


def server_context(
    identity: Identity, *, client_ca: x509.Certificate | None = None, ciphers: str = ""
) -> ssl.SSLContext:
    """Make a server's context of an identity; with `client_ca` it requires a certificate.

    `ciphers`, in OpenSSL's notation, are those of TLS 1.2, and the security level.

    Raises:
        ssl.SSLError: the key is not the certificate's.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=_pem(client_ca))
    if ciphers:
        context.set_ciphers(ciphers)
    identity.load_into(context)
    return context


def strict_device(trusted: x509.Certificate, identity: Identity | None = None) -> ssl.SSLContext:
    """Make the context of a careful device, equally strict on every Python.

    It trusts this CA alone, looks for the host in the SAN only, and follows RFC 5280 to the
    letter (`VERIFY_X509_STRICT`, the default of `create_default_context` from Python 3.13 on).
    Raises ssl.SSLError: the key is not the certificate's.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=_pem(trusted))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.hostname_checks_common_name = False
    if identity is not None:
        identity.load_into(context)
    return context


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode("ascii")


@contextmanager
def guarded(
    ca: CertificateAuthority, identity: Identity, version: ssl.TLSVersion | None = None
) -> Iterator[Backend]:
    """Run a backend that lets CN=trusted-client of this CA speak, over one TLS version."""
    context = server_context(identity, client_ca=ca.certificate)
    if version:
        context.minimum_version = context.maximum_version = version
    with Backend(context, authorize=only_trusted_client, secret=SECRET) as backend:
        yield backend


@contextmanager
def listening(handle: Callable[[socket.socket], None]) -> Iterator[Address]:
    """Listen, with `handle` for each connection in a thread, and give the address.

    At the end every connection is hung up, so that nobody waits any longer. An OSError in
    `handle` ends its connection only.
    """
    acceptor = Acceptor(lambda connection, _: handle(connection), "127.0.0.1", 0, "check")
    try:
        yield acceptor.address
    finally:
        acceptor.stop()


def settle(address: Address) -> None:
    """Wait until all who called this address before are accepted; then what they sent is read.

    The peer there reads until its client hangs up.
    """
    with suppress(OSError):
        hang_up(socket.create_connection(address))


@cache
def set_aside() -> bool:
    """Whether others had frozen objects before the first check; to count those takes long."""
    return gc.get_freeze_count() > 0


@contextmanager
def all_closed(name: str) -> Iterator[None]:
    """Watch a learner's function while the block runs it: every socket has to be closed.

    Python closes a forgotten socket with the last reference to it, and warns; so the block may
    keep no error of the function, whose traceback is such a reference.

    Raises:
        NotYet: a socket was forgotten.
    """
    others = set_aside()  # what somebody else has frozen stays so
    gc.freeze()  # what others forgot before is not meant, and takes long to search
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ResourceWarning)
            yield
            gc.collect()
    finally:
        if not others:
            gc.unfreeze()
    told = [text for each in caught if "socket" in (text := str(each.message).lower())]
    if any("transport" in text for text in told):  # asyncio's, with the socket in it
        raise NotYet(
            f"{name} ends before asyncio has closed its socket",
            "close only asks for it: wait, with `await writer.wait_closed()`",
        )
    if told:
        raise NotYet(
            f"{name} leaves its socket open",
            "whoever opens a socket closes it, whatever happens: `with` does that, for the "
            "socket and for a file that `makefile` makes of it",
        )

"""What a side should never agree to, and peers that offer it.

Here: genuine peers that are content with no encryption or an old version; a log of keys, and CAs
that nobody asked for; Mallory in the backend's place, with everything that she can show. Not here:
what a side does with them (part2/, part3/), and the public CA that has gone over to her
(pki/public.py).
"""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from mtls_lab.exercises.peers import SECRET, server_context
from mtls_lab.exercises.refusals import VALIDITY
from mtls_lab.exercises.result import Unsafe
from mtls_lab.net import Backend, Relay, ask
from mtls_lab.pki import CertificateAuthority, Identity, Purpose
from mtls_lab.wire import Exchange

__all__ = [
    "Careless",
    "Impostor",
    "agrees_to_nothing_else",
    "anonymous",
    "careless",
    "careless_backends",
    "careless_devices",
    "impostors",
    "no_key_log",
]

Make = Callable[[], ssl.SSLContext]


@dataclass(frozen=True)
class Careless:
    """A peer that is content with too little.

    Attributes:
        context: what it speaks, and nothing better.
        how: what it does, in words.
        rule: what a side breaks that agrees to it.
    """

    context: ssl.SSLContext
    how: str
    rule: str


def careless(make: Make) -> Iterator[Careless]:
    """Yield every way of being careless that this OpenSSL knows; `make` makes a fresh context."""
    plain = make()
    plain.maximum_version = ssl.TLSVersion.TLSv1_2
    with suppress(ssl.SSLError):  # an OpenSSL without these cipher suites is safe from them
        plain.set_ciphers("eNULL:@SECLEVEL=0")
        rule = "a cipher suite with NULL in its name encrypts nothing (RFC 9325, section 4.1)"
        yield Careless(plain, "encrypts nothing", rule)
    old = make()
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    rule = "TLS 1.0 and 1.1 must not be used (RFC 8996)"
    yield Careless(old, "speaks nothing newer than TLS 1.1", rule)


def careless_backends(device: ssl.SSLContext, make: Make, host: str | None = "localhost") -> str:
    """Let a device call careless backends, and return what held.

    Raises:
        Unsafe: it got its answer from one of them.
    """
    for peer in careless(make):
        with Backend(peer.context, secret=SECRET) as backend, Relay(backend) as eve:
            exchange = ask("GET_SECRET", eve, context=device, server_hostname=host)
        if exchange.ok:
            raise Unsafe(f"a backend that {peer.how} was accepted{_read(eve, exchange)}", peer.rule)
    return "a backend without encryption, or with TLS 1.1, is refused"


def careless_devices(backend: Backend, make: Make) -> str:
    """Let careless devices call a running backend, and return what held.

    Raises:
        Unsafe: one of them was served.
    """
    for peer in careless(make):
        with Relay(backend) as eve:
            exchange = ask("GET_SECRET", eve, context=peer.context)
        if exchange.ok:
            raise Unsafe(f"a device that {peer.how} was served{_read(eve, exchange)}", peer.rule)
    return "a device without encryption, or with TLS 1.1, is refused"


def _read(eve: Relay, exchange: Exchange) -> str:
    secret = exchange.reply or ""
    return f", and Eve has read {secret!r}" if eve.heard(secret) else ""


# --- What a side has agreed to


def agrees_to_nothing_else(context: ssl.SSLContext, ca: x509.Certificate) -> None:
    """Hold a context to trusting this CA and no others, and to writing down no keys.

    Raises:
        Unsafe: it trusts more. Their keys are not at hand, so this is read and not tried. Or it
            takes proxy certificates, which the key of any certificate signs; or see `no_key_log`.
    """
    own = ca.public_bytes(Encoding.DER)
    others = [each for each in context.get_ca_certs(binary_form=True) if each != own]
    if others:
        name = x509.load_der_x509_certificate(others[0]).subject.rfc4514_string()
        found = f"the context trusts other CAs as well: {len(others)}, such as {name}"
        raise Unsafe(found, "whoever is trusted as a CA can make a certificate for anybody")
    if context.verify_flags & ssl.VERIFY_ALLOW_PROXY_CERTS:
        found = "the context takes proxy certificates: whoever has a certificate can sign another"
        rule = "VERIFY_ALLOW_PROXY_CERTS makes a CA of each key (RFC 3820): leave it off"
        raise Unsafe(found, rule)
    no_key_log(context)


def no_key_log(context: ssl.SSLContext) -> None:
    """Hold a context to writing down no keys of its connections.

    Raises:
        Unsafe: it writes them into a file. Wireshark reads recordings with one.
    """
    if context.keylog_filename:
        name = Path(context.keylog_filename).name
        context.keylog_filename = None  # type: ignore[assignment] # OpenSSL closes it
        found = f"the context writes the keys of each connection into a file, {name}"
        rule = (
            "whoever has a key log reads every recording: set no keylog_filename, no SSLKEYLOGFILE"
        )
        raise Unsafe(found, rule)


# --- Mallory in the backend's place


@dataclass(frozen=True)
class Impostor:
    """A server of Mallory's.

    Attributes:
        context: what it speaks.
        shows: its certificate, in words.
        rule: what a device breaks that believes it.
    """

    context: ssl.SSLContext
    shows: str
    rule: str


def impostors(
    ca: CertificateAuthority, public: CertificateAuthority, host: str
) -> Iterator[Impostor]:
    """Yield every impostor of `host`, which has a certificate of `ca`; see pki/public.py."""
    mallory_ca = CertificateAuthority.create("Mallory CA")
    yield _impostor(
        mallory_ca.issue_server([host]),
        "a certificate of her own CA",
        "without a check of the certificate, a device talks to anybody",
    )
    yield _impostor(
        public.issue_server([host]),
        "a certificate that a public CA gave her",
        "a device trusts the CA that it was given, not the operating system's as well",
    )
    yield _impostor(
        ca.issue_server(["mallory.example"]),
        "a genuine certificate, for mallory.example",
        "the certificate has to be for the host that the device asked for",
    )
    yield _impostor(
        ca.issue_server(names := [f"{host}.mallory.example", f"not-{host}"]),
        f"a genuine certificate, for {' and '.join(names)}",
        "part of a name is a different name: check_hostname compares whole ones",
    )
    yield _impostor(
        ca.issue(host, Purpose.SERVER, names=["mallory.example"]),
        f"a genuine certificate, for mallory.example, with {host} as common name",
        "a host's names are in the subjectAltName: check_hostname looks there",
    )
    yield _impostor(
        ca.issue(host, Purpose.SERVER, names=[host], valid_days=(-90, -1)),
        "an old certificate of the backend, expired",
        VALIDITY,
    )
    yield anonymous()
    if ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).security_level >= 2:  # as CPython sets it
        short = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is the point  # nosec B505
        yield _impostor(
            ca.issue(host, Purpose.SERVER, names=[host], key=cast(Any, short)),
            "an old certificate of the backend, whose RSA key of 1024 bits is too short",
            "security level 2, the default, refuses keys that may be broken: do not lower it",
        )


def anonymous() -> Impostor:
    """Mallory without any certificate: some cipher suites of TLS 1.2 do without."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with suppress(ssl.SSLError):  # an OpenSSL without these cipher suites is safe from them
        context.set_ciphers("aNULL:@SECLEVEL=0")
    rule = "an anonymous cipher suite proves nobody's identity: do not switch it on"
    return Impostor(context, "no certificate at all", rule)


def _impostor(identity: Identity, shows: str, rule: str) -> Impostor:
    context = server_context(identity, ciphers="ALL:@SECLEVEL=0")  # she minds no weak key
    return Impostor(context, shows, rule)

"""The exercises of Part 2 that prepare a side: the backend's certificate, and both contexts.

Here: three checks. Not here: what all checks share (base.py, peers.py), and the device's whole
program (tls_fetch.py).
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mtls_lab.checks.base import exercise
from mtls_lab.checks.calling import call
from mtls_lab.checks.impostors import impostors, public_ca
from mtls_lab.checks.peers import LIE, SECRET, learners_ca, server_context, shown, strict_device
from mtls_lab.checks.verdict import NotYet, Unsafe
from mtls_lab.client import ask
from mtls_lab.outcome import Exchange
from mtls_lab.pem import Identity, read_identity, write_certificate
from mtls_lab.pki import CertificateAuthority
from mtls_lab.relay import Relay
from mtls_lab.server import Backend

__all__ = ["backend_certificate", "backend_context", "device_context"]

Function = Callable[..., Any]

TRUST = "a device trusts the CA that it was given, and no other"
#: What a device says of a certificate that it refuses, by OpenSSL's verify code.
REFUSED = {
    9: ("it is not valid yet", "a certificate is valid from its first day to its last"),
    10: ("it has expired", "a certificate is valid from its first day to its last"),
    26: ("it is not for a server", "extendedKeyUsage says what a certificate may be used for"),
    **dict.fromkeys([7, 18, 19, 20], ("it does not know the CA that signed it", TRUST)),
}


def _refusal(exchange: Exchange) -> NotYet:
    """Why an honest exchange failed, in words that are the same with every OpenSSL."""
    failure = exchange.device.failure
    code = failure.verify_code if failure else None
    if code is None:
        why = failure.reason or failure.error if failure else "ERROR"
        return NotYet(f"the connection fails: {why}", "an honest device and backend can connect")
    found, rule = REFUSED.get(code, ("", "every field follows RFC 5280, section 4.2"))
    about = f": {found}" if found else f" (verify code {code})"
    return NotYet(f"the device refuses the certificate{about}", rule)


# --- The backend's certificate ---------------------------------------------------------------

NAMES = ("backend.example", "localhost", "127.0.0.1")
BANK = "bank.example"


def _is_identity(thing: object) -> bool:
    if isinstance(thing, tuple | list):
        return len(thing) == 2 and all(isinstance(each, str | os.PathLike) for each in thing)
    return isinstance(thing, Identity)


@exercise(2, "an Identity, or two file names (certfile, keyfile)", _is_identity)
def backend_certificate(thing: Identity | tuple[str, str]) -> Iterator[str]:
    """Issue a certificate for a backend with three names."""
    ca = learners_ca()
    identity = thing if isinstance(thing, Identity) else read_identity(*thing)
    try:
        context = server_context(identity)
    except ssl.SSLError:
        rule = "a certificate speaks for one key, and the backend proves that it has it"
        raise NotYet("the key is not the one in the certificate", rule) from None
    with Backend(context, secret=SECRET) as backend:
        for name in NAMES:
            exchange = ask(
                "GET_SECRET",
                backend,
                context=strict_device(ca.certificate),
                server_hostname=name,
            )
            _is_reached(exchange, name, identity.certificate)
            yield f"a strict device reaches the backend as {name}"
    _signs_nothing(ca, identity)
    yield "whoever takes its key cannot sign with it"
    _is_no_device(ca, identity)
    yield "whoever takes its key cannot pass for a device"
    _has_no_other_name(ca, identity, context)
    yield "it has no name that is not the backend's"


def _is_reached(exchange: Exchange, name: str, certificate: x509.Certificate) -> None:
    if exchange.ok:
        return
    failure = exchange.device.failure
    code = failure.verify_code if failure else None
    if code == 64 and name in _san(certificate, x509.DNSName):
        found = f"the device asks for the address {name}, and the certificate has it as a DNS name"
        raise NotYet(found, "in subjectAltName, an IP address has its own type")
    if code in (62, 64):
        found = f"the device asks for {name}, and the certificate does not name it"
        raise NotYet(found, "a device looks in subjectAltName for the name that it asked for")
    raise _refusal(exchange)


def _san(certificate: x509.Certificate, kind: type[x509.GeneralName] | None = None) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in names if kind is None or isinstance(name, kind)]


def _signs_nothing(ca: CertificateAuthority, identity: Identity) -> None:
    try:
        basic = identity.certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        return  # then it is no CA (RFC 5280, section 4.2.1.9)
    if not basic.value.ca:
        return
    rule = "the backend's certificate is a leaf: CA:FALSE"
    forged = CertificateAuthority(identity.key, identity.certificate).issue_server([BANK])
    forged = replace(forged, chain=(identity.certificate,))
    with Backend(server_context(forged), secret=LIE) as mallory:
        device = strict_device(ca.certificate)
        if ask("GET_SECRET", mallory, context=device, server_hostname=BANK).ok:
            found = f"with the backend's key Mallory signed a certificate for {BANK}, and was"
            raise Unsafe(f"{found} believed: {shown(LIE)}", rule)
    found = "the certificate says CA:TRUE; what it signs is refused, but for other reasons"
    raise NotYet(found, rule)


def _is_no_device(ca: CertificateAuthority, identity: Identity) -> None:
    context = server_context(ca.issue_server(["localhost"]), client_ca=ca.certificate)
    with Backend(context, secret=SECRET) as backend:
        exchange = ask("GET_SECRET", backend, context=strict_device(ca.certificate, identity))
    if exchange.ok:
        found = (
            "a backend that asks for a device's certificate takes this one: with the key, Mallory"
        )
        rule = "one certificate, one purpose: extendedKeyUsage names serverAuth and nothing else"
        raise Unsafe(f"{found} read {shown(exchange.reply)}", rule)


def _has_no_other_name(
    ca: CertificateAuthority, identity: Identity, context: ssl.SSLContext
) -> None:
    rule = "a certificate holds the names that its owner is reached by, and no others"
    for extra in [name for name in _san(identity.certificate) if name not in NAMES]:
        host = extra.replace("*", "mallory")
        with Backend(context, secret=LIE) as mallory:
            device = strict_device(ca.certificate)
            exchange = ask("GET_SECRET", mallory, context=device, server_hostname=host)
        if exchange.ok:
            found = f"a device that asked for {host} accepted this certificate and believed {LIE!r}"
            raise Unsafe(found, rule)
        raise NotYet(f"the certificate names {shown(extra)} as well", rule)


# --- The two contexts ------------------------------------------------------------------------


@dataclass(frozen=True)
class _World:
    """A CA of the check's own, a backend's identity, and their files."""

    ca: CertificateAuthority
    backend: Identity
    folder: Path

    @classmethod
    def in_folder(cls, name: str) -> _World:
        ca, folder = CertificateAuthority.create("Lab CA"), Path(name)
        write_certificate(folder / "server_ca.pem", ca.certificate)
        world = cls(ca, ca.issue_server(["localhost", "127.0.0.1"]), folder)
        world.backend.save(folder, "server")
        return world

    def path(self, name: str) -> str:
        return str(self.folder / name)


def _context(make: Function, *files: str, wrong: int, whose: str) -> ssl.SSLContext:
    """Call a learner's function, and hold it to a context for the right side."""
    called = call(make, *files)
    context = called.returned(
        "each file has its own place: what a side trusts, what it presents, and the key to that"
    )
    if not isinstance(context, ssl.SSLContext):
        rule = "it returns an ssl.SSLContext"
        raise NotYet(f"{called.name} returned {shown(context)}", rule)
    if context.protocol == wrong:
        rule = "a context is made for one side of the connection"
        raise NotYet(f"{called.name} returned a context for the {whose} side", rule)
    return context


@exercise(2, "a function device_context(cafile)", callable)
def device_context(make: Function) -> Iterator[str]:
    """Write the device's context."""
    with tempfile.TemporaryDirectory() as name:
        world = _World.in_folder(name)
        with public_ca(world.folder) as public:
            context = _context(
                make,
                world.path("server_ca.pem"),
                wrong=ssl.PROTOCOL_TLS_SERVER,
                whose="backend's",
            )
        yield "it is a context for the device's side"
        with Backend(server_context(world.backend), secret=SECRET) as backend:
            exchange = ask("GET_SECRET", backend, context=context)
        if not exchange.ok:
            raise _refusal(exchange)
        yield "the device receives the secret from its backend"
        for impostor in impostors(world.ca, public, "localhost"):
            with Backend(impostor.context, secret=LIE) as mallory:
                exchange = ask("GET_SECRET", mallory, context=context)
            if exchange.ok:
                found = f"Mallory presented {impostor.shows}, and the device believed her: {LIE!r}"
                raise Unsafe(found, impostor.rule)
            yield f"Mallory, who presents {impostor.shows}, is refused"


NO_CERTIFICATE = ("NO_SHARED_CIPHER", "NO_SUITABLE_SIGNATURE_ALGORITHM")


@exercise(2, "a function backend_context(certfile, keyfile)", callable)
def backend_context(make: Function) -> Iterator[str]:
    """Write the backend's context, and keep its certificate from Eve."""
    with tempfile.TemporaryDirectory() as name:
        world = _World.in_folder(name)
        context = _context(
            make,
            world.path("server.crt"),
            world.path("server.key"),
            wrong=ssl.PROTOCOL_TLS_CLIENT,
            whose="device's",
        )
        yield "it is a context for the backend's side"
        device = strict_device(world.ca.certificate)
        exchange, eve = _overheard(context, device)
        if not exchange.ok:
            raise _why_not_served(exchange)
        yield "a device that trusts the CA receives the secret"
        certificate = world.backend.certificate.public_bytes(Encoding.DER)
        device.maximum_version = ssl.TLSVersion.TLSv1_2
        exchange, old = _overheard(context, device)
        if exchange.ok and old.heard(certificate):
            found = "a device spoke TLS 1.2 and was served: Eve has read the backend's certificate"
            raise Unsafe(found, "from TLS 1.3 on, the certificate is sent encrypted: RFC 8446")
        yield "a device that speaks nothing newer than TLS 1.2 is refused"
        if not eve.heard(certificate):
            yield "Eve, who has recorded it all, does not find the certificate"


def _overheard(context: ssl.SSLContext, device: ssl.SSLContext) -> tuple[Exchange, Relay]:
    with Backend(context, secret=SECRET) as backend, Relay(backend) as eve:
        return ask("GET_SECRET", eve, context=device), eve


def _why_not_served(exchange: Exchange) -> NotYet:
    failure = exchange.backend.failure if exchange.backend else None
    reason = failure.reason if failure else ""
    if reason in NO_CERTIFICATE:
        found = "the handshake fails: the backend has no certificate to present"
        return NotYet(
            found, "a backend presents a certificate, and proves with its key that it is its own"
        )
    if reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
        found = "the backend refuses a device without a certificate"
        return NotYet(found, "in Part 2, devices have none: the backend presents one")
    return _refusal(exchange)

"""Exercise of Part 2: issue a certificate for a backend with three names.

Here: the check, and what somebody could do with the backend's key. Not here: what all checks
share (the folder above).
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from dataclasses import replace

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed448, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID

from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.peers import LIE, SECRET, learners_ca, server_context, shown, strict_device
from mtls_lab.exercises.purposes import no_other_purpose, signs_handshakes, which_ca
from mtls_lab.exercises.refusals import refusal
from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.net import Backend, ask
from mtls_lab.pki import CertificateAuthority, Identity, read_identity
from mtls_lab.wire import Exchange

__all__ = ["backend_certificate"]

NAMES = ("backend.example", "localhost", "127.0.0.1")
BANK = "bank.example"


def _is_identity(thing: object) -> bool:
    if isinstance(thing, tuple | list):
        return len(thing) == 2 and all(isinstance(each, str | os.PathLike) for each in thing)
    return isinstance(thing, Identity)


@exercise("an Identity, or two file names (certfile, keyfile)", _is_identity)
def backend_certificate(thing: Identity | tuple[str, str]) -> Iterator[str]:
    """Issue a certificate for a backend with three names."""
    ca = learners_ca()
    identity = thing if isinstance(thing, Identity) else read_identity(*thing, any_kind=True)
    try:
        context = server_context(identity)
    except ssl.SSLError as error:
        raise _not_loaded(error) from None
    with Backend(context, secret=SECRET) as backend:
        for name in NAMES:
            exchange = ask(
                "GET_SECRET",
                backend,
                context=strict_device(ca.certificate),
                server_hostname=name,
            )
            _is_reached(exchange, name, identity.certificate, ca.certificate)
            yield f"a strict device reaches the backend as {name}"
    _signs_nothing(ca, identity)
    yield "whoever takes its key cannot sign with it"
    _is_no_device(ca, identity)
    no_other_purpose(identity.certificate, ExtendedKeyUsageOID.SERVER_AUTH, "a device")
    signs_handshakes(identity.certificate)
    yield "whoever takes its key cannot pass for a device"
    _has_no_other_name(ca, identity, context)
    yield "it has no name that is not the backend's"


def _not_loaded(error: ssl.SSLError) -> NotYet:
    if "MISMATCH" in (error.reason or ""):
        rule = "a certificate speaks for one key, and the backend proves that it has it"
        return NotYet("the key is not the one in the certificate", rule)
    found = f"OpenSSL does not load this certificate with its key: {error.reason}"
    return NotYet(found, "a backend's key is on P-256, RSA of 2,048 bits or more, or Ed25519")


def _is_reached(
    exchange: Exchange, name: str, certificate: x509.Certificate, ca: x509.Certificate
) -> None:
    if exchange.ok:
        return
    failure = exchange.device.failure
    code = failure.verify_code if failure else None
    if code == 64 and name in _san(certificate, x509.DNSName):
        found = f"the device asks for the address {name}, and the certificate has it as a DNS name"
        raise NotYet(found, "in subjectAltName, an IP address has its own type")
    if code in (62, 64):
        names = ", ".join(map(shown, _san(certificate))) or "no subjectAltName"
        found = f"the device asks for {name}, and the certificate has {names}"
        raise NotYet(found, "a device looks in subjectAltName for the name that it asked for")
    which_ca(certificate, ca)
    raise refusal(exchange)


def _san(certificate: x509.Certificate, kind: type[x509.GeneralName] | None = None) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in names if kind is None or isinstance(name, kind)]


def _signs_nothing(ca: CertificateAuthority, identity: Identity) -> None:
    if identity.certificate.public_key() == ca.certificate.public_key():
        # Only the learner has the CA's key, and has put it on the backend's machine.
        _is_believed(
            ca,
            CertificateAuthority(identity.key, ca.certificate).issue_server([BANK]),
            "each has its own key: that of a CA never leaves the CA",
        )
    try:
        basic = identity.certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        return  # then it is no CA (RFC 5280, section 4.2.1.9)
    if not basic.value.ca:
        return
    rule = "the backend's certificate is a leaf: CA:FALSE"
    public = identity.certificate.public_key()
    if isinstance(public, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        raise NotYet("the certificate says CA:TRUE", rule)  # the lab's CA signs with no such key
    forged = CertificateAuthority(identity.key, identity.certificate).issue_server([BANK])
    _is_believed(ca, replace(forged, chain=(identity.certificate,)), rule)
    found = "the certificate says CA:TRUE; what it signs is refused, but for other reasons"
    raise NotYet(found, rule)


def _is_believed(ca: CertificateAuthority, forged: Identity, rule: str) -> None:
    """Show a device what Mallory has signed with the backend's key. Raises Unsafe if it is good."""
    with Backend(server_context(forged), secret=LIE) as mallory:
        device = strict_device(ca.certificate)
        if ask("GET_SECRET", mallory, context=device, server_hostname=BANK).ok:
            found = f"with the backend's key Mallory signed a certificate for {BANK}, and was"
            raise Unsafe(f"{found} believed: {shown(LIE)}", rule)


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
    # Host names have no case (RFC 4343).
    for extra in [name for name in _san(identity.certificate) if name.lower() not in NAMES]:
        host = extra.replace("*", "mallory")
        with Backend(context, secret=LIE) as mallory:
            device = strict_device(ca.certificate)
            exchange = ask("GET_SECRET", mallory, context=device, server_hostname=host)
        if exchange.ok:
            found = f"a device that asked for {host} accepted this certificate and believed {LIE!r}"
            raise Unsafe(found, rule)
        if "*" in extra:
            found = f"the certificate names {shown(extra)} as well, and not every device refuses"
            raise Unsafe(f"{found} so wide a wildcard, as OpenSSL does", rule)
        raise NotYet(f"the certificate names {shown(extra)} as well", rule)

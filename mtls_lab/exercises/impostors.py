"""Mallory in the backend's place, with everything that she can show to a device.

Here: one list of impostors. Not here: what a device does with them (part2/), certificates of
devices (part3/), and the public CA that has gone over to her (pki/public.py).
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric import rsa

from mtls_lab.exercises.peers import server_context
from mtls_lab.exercises.refusals import VALIDITY
from mtls_lab.pki import CertificateAuthority, Identity, Purpose

__all__ = ["Impostor", "anonymous", "impostors"]


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

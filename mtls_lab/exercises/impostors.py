"""Mallory in the backend's place, with everything that she can show to a device.

Here: one list of impostors, and a public CA that has gone over to her. Not here: what a device
does with them (part2/), and certificates of devices (part3/).
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mtls_lab.exercises.peers import server_context
from mtls_lab.pki import CertificateAuthority, Identity, Purpose, write_certificate

__all__ = ["Impostor", "impostors", "public_ca"]

#: Where OpenSSL looks for the operating system's CAs, if it is set.
VARIABLE = ssl.get_default_verify_paths().openssl_cafile_env


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
    """Yield every impostor of `host`, which has a certificate of `ca`; see `public_ca`."""
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
        ca.issue(host, Purpose.SERVER, names=[host], valid_days=(-90, -1)),
        "an old certificate of the backend, expired",
        "a certificate is valid from its first day to its last",
    )


def _impostor(identity: Identity, shows: str, rule: str) -> Impostor:
    return Impostor(server_context(identity), shows, rule)


@contextmanager
def public_ca(folder: Path) -> Iterator[CertificateAuthority]:
    """Make a public CA: while the block runs, it is the one that the operating system trusts.

    So a function that loads the operating system's CAs is seen to do so on every machine,
    whichever those are there.
    """
    ca, path, before = CertificateAuthority.create("Public CA"), folder / "public.pem", None
    write_certificate(path, ca.certificate)
    before, os.environ[VARIABLE] = os.environ.get(VARIABLE), str(path)
    try:
        yield ca
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before

"""Somebody's own certificates and keys, looked into as a verifier would.

Here: the files reduced to certificates, a key and what is wrong with them. Not here: the look
itself (explaining/look.py, pki/), and how it is shown (panels/certificate.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509

from mtls_lab.common import FileProblem, PathLike, UnknownName
from mtls_lab.explaining.look import look_at
from mtls_lab.explaining.symptoms import Symptoms
from mtls_lab.explaining.wording import outsiders
from mtls_lab.pki import pem
from mtls_lab.pki.bundles import read_bundle

__all__ = ["ROLES", "Own", "look_into", "read_chain"]

#: What a certificate may be meant for, and whose that is in the course.
ROLES = {"": "", "client": "device", "server": "backend"}

Source = x509.Certificate | PathLike


@dataclass(frozen=True, slots=True)
class Own:
    """What is in somebody's files.

    Attributes:
        certificates: the leaf first, then what is sent along.
        cas: what a verifier is to trust.
        key: the private key, of any kind; None if there is none at hand.
        findings: what a verifier objects to, and what to do about it, a pair for each.
        unread: why a file could not be read, a sentence for each.
    """

    certificates: tuple[x509.Certificate, ...]
    cas: tuple[x509.Certificate, ...] = ()
    key: Any = None
    findings: tuple[tuple[str, str], ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def findings_told(self) -> tuple[str, ...]:
        """What is wrong, a sentence for each."""
        return (*self.unread, *(says for says, _ in self.findings))


def look_into(
    source: Source,
    *,
    keyfile: PathLike | None = None,
    cafile: PathLike | None = None,
    crlfile: PathLike | None = None,
    password: str | None = None,
    role: str = "",
) -> Own:
    """Read somebody's files, and hold them against each other and against the clock.

    Args:
        source: a certificate, or a file with one or a chain: PEM, PKCS #12 or PKCS #7.
        keyfile: its private key, of any kind, if it is in another file.
        cafile: the CAs that a verifier trusts; without it, no chain is looked for.
        crlfile: the verifier's revocation lists.
        password: of the PKCS #12 file or of the key.
        role: "client" or "server", if its purpose is to be looked at too.

    Raises:
        FileProblem: there is no certificate in `source`.
        UnknownName: there is no such role.

    Example:
        >>> from mtls_lab.pki import CertificateAuthority
        >>> ca = CertificateAuthority.create("Lab CA")
        >>> server = ca.issue_server(["localhost"]).certificate
        >>> says, fix = look_into(server, role="client").findings[0]
        >>> print(says.partition(" (")[0])
        extendedKeyUsage of this certificate has no clientAuth
    """
    if role not in ROLES:
        raise UnknownName("role", role, [each for each in ROLES if each])
    files = {"cert": None, "key": keyfile, "ca": cafile, "crl": crlfile}
    chain: tuple[x509.Certificate, ...] = ()
    if isinstance(source, x509.Certificate):
        chain = (source,)
    else:
        read_chain(source, password)
        files["cert"] = source
    looked = look_at(files, chain, called="this certificate", password=password)
    own_view = Symptoms(side=ROLES[role])  # nobody was refused: whoever asks has these files
    found = looked.findings(own_view, ROLES[role], outsiders)
    # Of a bundle that was opened it is no fault that it is not PEM.
    own = looked.names["cert"]
    unread = [each for each in looked.held.unread if not each.startswith(own)]
    if keyfile is not None and looked.held.key is None:
        unread.append(_why(keyfile, password))
    said = set(looked.held.unread)
    return Own(
        looked.certificates,
        tuple(looked.held.cas),
        looked.held.key,
        tuple((each.says, each.fix) for each in found if each.says not in said),
        tuple(unread),
    )


def read_chain(path: PathLike, password: str | None = None) -> Sequence[x509.Certificate]:
    """Return the certificates of a file in any form.

    Raises:
        FileProblem: there are none in it, or it has another password.
    """
    try:
        return pem.read_certificates(path)
    except FileProblem as problem:
        first = problem
    try:
        _, certificates = read_bundle(path, password)
    except FileProblem as problem:
        bundle = first.kind.removeprefix("base64 of ") in {"pkcs12", "pkcs7"}
        raise (problem if bundle else first) from None
    if not certificates:
        raise first
    return certificates


def _why(keyfile: PathLike, password: str | None) -> str:
    """Why a key could not be read."""
    try:
        pem.read_any_key(keyfile, password)
    except FileProblem as problem:
        locked = "with a password" in problem.found
        hint = ": this one does not open it" if password else ", which was not given"
        return problem.found + hint * locked
    return f"{keyfile} holds another key than was expected"

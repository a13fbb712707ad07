"""Revocation lists held against the certificates of a path, and against the clock.

Here: what does not fit, as names and words that data/findings.toml has sentences for, and what a
CA has revoked so far. Not here: the path and everything else about it (comparison.py), and signing
a list (authority.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from mtls_lab.common import PathLike
from mtls_lab.pki.comparison import path_of
from mtls_lab.pki.key_kinds import public_key
from mtls_lab.pki.pem import read_crls
from mtls_lab.pki.rules import Look, span, told
from mtls_lab.pki.signed import UNVERIFIED

__all__ = ["revocations", "revoked_by"]


def revoked_by(ca: x509.Certificate, crlfile: PathLike) -> dict[int, datetime]:
    """Return the serial numbers on a CA's list, and since when: none if there is no list yet.

    A list that this CA has not signed holds nothing of it. Raises FileProblem.
    """
    crls = read_crls(crlfile) if Path(crlfile).exists() else []
    return {
        each.serial_number: each.revocation_date_utc
        for crl in crls
        if _signed(crl, ca)
        for each in crl
    }


def revocations(
    certificates: Sequence[x509.Certificate],
    cas: Sequence[x509.Certificate],
    crls: Sequence[x509.CertificateRevocationList],
    now: datetime | None = None,
) -> Iterator[Look]:
    """Give what a verifier that checks a path against these lists objects to.

    Args:
        certificates: a leaf and what is sent along.
        cas: what the verifier trusts; empty if it is not known.
        crls: its lists; empty if none are known, and then nothing is given.
        now: the time to verify at; default: this machine's clock.

    Example:
        >>> from mtls_lab.pki import CertificateAuthority
        >>> ca = CertificateAuthority.create("Lab CA")
        >>> device = ca.issue_client("lost").certificate
        >>> ca.revoke(device)
        >>> [look.name for look in revocations([device], [ca.certificate], [ca.crl()])]
        ['revoked']
    """
    now = now or datetime.now(UTC)
    for crl in crls:
        words = {"issuer": told(crl.issuer)}
        if crl.last_update_utc > now:
            yield Look("crl not yet valid", words | {"apart": span(crl.last_update_utc - now)})
        elif crl.next_update_utc is not None and crl.next_update_utc < now:
            yield Look("crl expired", words | {"apart": span(now - crl.next_update_utc)})
        issuers = [each for each in (*cas, *certificates) if each.subject == crl.issuer]
        if issuers and not any(_signed(crl, each) for each in issuers):
            yield Look("crl of another key", words)
    if not certificates or not crls:
        return
    path, _ = path_of(certificates, cas, now)
    for each in path:
        if each.issuer == each.subject and each != path[0]:
            continue  # a root is trusted, whatever a list says
        words = {"subject": told(each.subject), "issuer": told(each.issuer)}
        own = [crl for crl in crls if crl.issuer == each.issuer]
        if any(crl.get_revoked_certificate_by_serial_number(each.serial_number) for crl in own):
            yield Look("revoked", words)
        if not own:
            yield Look("no crl of the issuer" if each == path[0] else "no crl above", words)


def _signed(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        return crl.is_signature_valid(public_key(issuer))  # type: ignore[arg-type] # TypeError
    except UNVERIFIED:
        return False

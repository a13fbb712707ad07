"""The rules of an enrolment office: each says why a request is refused, or nothing.

Here: the rules that the lesson writes one by one, for panels and checks. Not here: who is asked
when (office.py), and what TLS refuses before any rule is asked.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509

from mtls_lab.enrolment.lines import names_in
from mtls_lab.enrolment.office import Asked

__all__ = ["GRACE", "current_only", "late_by_days", "not_too_late", "own_name"]

#: Days after its last in which a certificate is still good for one thing: to be renewed.
GRACE = 30


def own_name(asked: Asked) -> str | None:
    """Let a device ask for its own name, and for nothing else.

    Example:
        >>> from mtls_lab.enrolment.lines import request
        >>> from mtls_lab.pki import CertificateAuthority, create_key
        >>> own = CertificateAuthority.create("Device CA").issue_client("pump-1").certificate
        >>> own_name(Asked(request(create_key(), "pump-2"), own, own))
        'the request is for another name'
    """
    same = names_in(asked.csr) == names_in(asked.certificate)
    return None if same else "the request is for another name"


def current_only(asked: Asked) -> str | None:
    """Let nobody ask with a certificate that has been replaced, or that is retired."""
    if asked.registered is None:
        return "this device is retired"
    current = asked.certificate == asked.registered
    return None if current else "this certificate is not the current one"


def not_too_late(asked: Asked) -> str | None:
    """Let a device that was off ask up to `GRACE` days after its certificate has expired."""
    in_time = late_by_days(asked.certificate) <= GRACE
    return None if in_time else f"this certificate expired more than {GRACE} days ago"


def late_by_days(certificate: x509.Certificate) -> float:
    """Return how many days ago a certificate expired; negative before that.

    Example:
        >>> from mtls_lab.pki import CertificateAuthority, Purpose
        >>> ca = CertificateAuthority.create("Device CA")
        >>> late_by_days(ca.issue("old", Purpose.CLIENT, valid_days=(-90, -9)).certificate) > 8
        True
    """
    return (datetime.now(UTC) - certificate.not_valid_after_utc) / timedelta(days=1)

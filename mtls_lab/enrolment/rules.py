"""The rules of an enrolment office: each says why a request is refused, or nothing.

Here: the rules that the lesson writes one by one, for panels and checks. Not here: who is asked
when (office.py), and what TLS refuses before any rule is asked.
"""

from __future__ import annotations

import ssl
import time
from typing import Any

from cryptography import x509

from mtls_lab.enrolment.lines import names_in

__all__ = ["GRACE", "current_only", "late_by_days", "not_too_late", "own_name"]

#: Days after its last in which a certificate is still good for one thing: to be renewed.
GRACE = 30


def own_name(
    csr: x509.CertificateSigningRequest, certificate: dict[str, Any], _registered: int | None
) -> str | None:
    """Let a device ask for its own name, and for nothing else.

    Example:
        >>> from mtls_lab.pki import create_key
        >>> from mtls_lab.enrolment.lines import request
        >>> asks = {"subject": ((("commonName", "pump-1"),),)}
        >>> own_name(request(create_key(), "pump-2"), asks, 1)
        'the request is for another name'
    """
    return None if names_in(csr) == names_in(certificate) else "the request is for another name"


def current_only(
    _csr: x509.CertificateSigningRequest, certificate: dict[str, Any], registered: int | None
) -> str | None:
    """Let nobody ask with a certificate that has been replaced, or that is retired.

    Example:
        >>> current_only(None, {"serialNumber": "0A"}, 10), current_only(None, {}, None)
        (None, 'this certificate is not the current one')
    """
    serial = int(certificate.get("serialNumber", "0"), 16)
    return None if serial == registered else "this certificate is not the current one"


def not_too_late(
    _csr: x509.CertificateSigningRequest, certificate: dict[str, Any], _registered: int | None
) -> str | None:
    """Let a device that was off ask up to `GRACE` days after its certificate has expired."""
    late = late_by_days(certificate)
    return None if late <= GRACE else f"this certificate expired more than {GRACE} days ago"


def late_by_days(certificate: dict[str, Any]) -> float:
    """Return how many days ago a certificate expired; negative before that.

    Example:
        >>> late_by_days({"notAfter": "Jan  1 00:00:00 2020 GMT"}) > 2000
        True
    """
    return (time.time() - ssl.cert_time_to_seconds(certificate["notAfter"])) / 86400

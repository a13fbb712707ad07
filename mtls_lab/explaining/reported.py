"""What is said of a certificate where no connection failed: a report, a monitor, a signature.

Here: whether a line is of that kind, or of certificates that are none of X.509. Not here: what a
line of a connection means (meanings.py, shapes.py).
"""

import re

__all__ = ["is_of_others", "is_reported"]

#: Certificates that are none of X.509, and what is counted of them or made from.
OTHERS = re.compile(
    r"\b(?:gift|coupon|birth|death|marriage|medical|training|course|insurance|tax|stock|license"
    r"|first[- ]aid|iso \d{4,5}|covid|vaccination|health|safety|school|degree|fitness) "
    r"(?:client )?certif"
    r"|\bcert(?:ificate)?s? (?:counts?|metrics?|templates?|coupons?|numbers?)\b"
    r"|\bcertificates? of (?!the )(?:[a-z]+ )?(?:origin|employment|incorporation|insurance|conduct"
    r"|birth|conformity|completion|deposit|analysis)\b"
)
#: Who checks a signature on a document, a mail, code or a token.
SIGNATURE = re.compile(
    r"\bsigner's (?:certif|identity)|\bthis jar\b|\bjar ?signer|\bsign ?tool\b|\bgpgsm\b"
    r"|\bcode[- ]?sign(?!\w*[-.])|\bs/?mime\b|\bsignature's\b|\bapk ?signer\b|\bcosign\b"
    r"|\b(?:digital|response|package|document|code) signature\b|\bpublisher's certif"
    r"|\bsigning certificate (?:has |is |was )?(?:been )?(?:expired|revoked)"
    r"|\bcertificate used (?:to|for) sign|\b(?:provisioning|distribution) profile\b|\bsaml signing"
    r"|\b(?:token|document|package|driver|idp)[- ]signing cert"
)
#: Who lists, counts or watches certificates, and what they have of them; `alert: certificate
#: expired` may be TLS's own.
WATCHED = re.compile(
    r"\A\W*(?:alert\b(?!\W+certificate[ _](?:expired|revoked)(?! [a-z])|[-.]| *\|)|problem:"
    r"|(?:firing|resolved|reminder|notification)\b(?![-.]| *\|)|subject: (?:re: )?(?:\[|[a-z]+ ))"
    r"|\b(?:in|from) the (?:[a-z]+ )?(?:report|inventory|audit)\b"
    r"|\b\d+ (?:hosts?|sites?|expired cert)"
)
CONDITION = re.compile(
    r"cert.*(?:expired|revoked)\b|(?:expired|revoked|self-signed) cert"
    r"|\bno (?:client )?certificates? (?:\w+ )?found\b"
)
#: What is said of a connection.
CONNECTION = re.compile(
    r"\b(?:m?tls|ssl)(?! cert)|handshak|connect|\bpeer\b|(?:client|server) auth|refus|reject|denied"
    r"|\bx509: |https?:|verify fail|verify error"
)


def is_of_others(small: str) -> bool:
    """Return whether a line in small letters is about certificates that are none of X.509."""
    return OTHERS.search(small) is not None


def is_reported(small: str) -> bool:
    """Return whether a line in small letters tells of a certificate, and of no connection.

    Example:
        >>> is_reported("problem: certificate expired on host web-1")
        True
        >>> is_reported("certificate expired")
        False
    """
    if CONNECTION.search(small):
        return False
    watched = CONDITION.search(small) and WATCHED.search(small)
    return bool(watched or SIGNATURE.search(small))

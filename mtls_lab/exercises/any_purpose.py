"""A certificate that is good for any purpose, to those who read it so.

Here: what the extended key usage says. Not here: trying it with OpenSSL, which does not (part2/,
part3/).
"""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from mtls_lab.exercises.result import Unsafe

__all__ = ["not_any_purpose"]


def not_any_purpose(certificate: x509.Certificate, other: str) -> None:
    """Hold a certificate to naming its purpose; what other stacks do is read and not tried.

    Args:
        certificate: the learner's.
        other: what those take it for who go by anyExtendedKeyUsage, such as "a device".

    Raises:
        Unsafe: its extended key usage has anyExtendedKeyUsage.
    """
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    if ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usage:
        raise Unsafe(
            f"the certificate names anyExtendedKeyUsage: OpenSSL ignores that, but Go and"
            f" GnuTLS take it for {other}",
            "anyExtendedKeyUsage stands for every purpose (RFC 5280, section 4.2.1.12):"
            " name the one that is meant",
        )

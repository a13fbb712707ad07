"""What a certificate says that it is for, where that is more or less than it should be.

Here: what the key usage and the extended key usage name, and which key has signed. Not here:
trying it with OpenSSL, which does not go by all of it (part2/, part3/).
"""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID

from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.pki import oid_name

__all__ = ["no_other_purpose", "signs_handshakes", "which_ca"]


def which_ca(certificate: x509.Certificate, ca: x509.Certificate) -> None:
    """Hold a certificate that this CA's key has signed to saying so, if it says whose key has.

    Raises:
        NotYet: it names another key. OpenSSL then looks for another CA of this name.
    """
    try:
        certificate.verify_directly_issued_by(ca)
        named = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        own = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except (InvalidSignature, ValueError, x509.ExtensionNotFound):
        return
    if named.key_identifier not in (None, own.digest):
        raise NotYet(
            "the authorityKeyIdentifier is not that of the CA's key",
            "it says which key has signed: the CA's, and not the one in the certificate",
        )


def signs_handshakes(certificate: x509.Certificate) -> None:
    """Hold a leaf's key usage, if there is one, to what other stacks and strict verifiers want.

    Raises:
        NotYet: it lacks digitalSignature, or has keyCertSign.
    """
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return
    if usage.key_cert_sign:
        raise NotYet(
            "the key usage says keyCertSign, which a strict verifier refuses",
            "only a CA's key signs certificates (RFC 5280, section 4.2.1.3)",
        )
    if not usage.digital_signature:
        # gRPC 1.85.3, asked with such a certificate on either side: KEY_USAGE_BIT_INCORRECT.
        raise NotYet(
            "the key usage lacks digitalSignature: OpenSSL overlooks that, gRPC does not",
            "in TLS 1.3 a certificate's key signs the handshake (RFC 8446, section 4.4.2.2)",
        )


def no_other_purpose(certificate: x509.Certificate, own: x509.ObjectIdentifier, other: str) -> None:
    """Hold a certificate to naming its purpose alone; what other stacks do is read and not tried.

    Args:
        certificate: the learner's.
        own: what it is for.
        other: what those take it for who go by anyExtendedKeyUsage, such as "a device".

    Raises:
        Unsafe: its extended key usage has anyExtendedKeyUsage.
        NotYet: it names a purpose that nobody has asked for.
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
    for purpose in usage:
        if purpose != own:
            raise NotYet(
                f"the certificate is for {oid_name(purpose)} as well",
                f"one certificate, one purpose: extendedKeyUsage names {oid_name(own)} and"
                " nothing else",
            )

"""Certificate signing requests, which the lessons build by hand."""

from collections.abc import Iterable

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from mtls_lab.pki import Key
from mtls_lab.pki.leaf import general_names, name_of


def create_csr(
    key: Key, common_name: str, names: Iterable[str] = ()
) -> x509.CertificateSigningRequest:
    """Ask a CA for a certificate (RFC 2986): a name, a public key, a proof of the private one."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(name_of(common_name))
    if names := list(names):
        builder = builder.add_extension(
            x509.SubjectAlternativeName(general_names(names)), critical=False
        )
    return builder.sign(key, hashes.SHA256())

"""Keys and certificates: made, read, written, described.

Here: both as values and as files, and what holds them. Not here: TLS contexts (net/), and which
certificates a lesson needs (learner/workspace.py, experiments/).
"""

from mtls_lab.pki.authority import CA_DAYS, LEAF_DAYS, CertificateAuthority, create_key, self_signed
from mtls_lab.pki.description import Field, common_name, describe, in_words, oid_name, read_fields
from mtls_lab.pki.leaf import Purpose
from mtls_lab.pki.pem import (
    Identity,
    Key,
    read_certificate,
    read_identity,
    write_certificate,
    write_crl,
    write_csr,
    write_key,
)
from mtls_lab.pki.public import public_ca
from mtls_lab.pki.signed import is_current

Profile = Purpose  # what notebooks of version 0.1 call it

__all__ = [
    "CA_DAYS",
    "LEAF_DAYS",
    "CertificateAuthority",
    "Field",
    "Identity",
    "Key",
    "Purpose",
    "common_name",
    "create_key",
    "describe",
    "in_words",
    "is_current",
    "oid_name",
    "public_ca",
    "read_certificate",
    "read_fields",
    "read_identity",
    "self_signed",
    "write_certificate",
    "write_crl",
    "write_csr",
    "write_key",
]

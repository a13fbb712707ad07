"""A public CA, one that the operating system trusts, for as long as a block of code runs.

Here: the one place that changes where OpenSSL looks for the operating system's CAs. Not here: CAs
of the lab itself (authority.py), and what is done with this one.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mtls_lab.pki.authority import CertificateAuthority
from mtls_lab.pki.pem import write_certificate

__all__ = ["public_ca"]

#: Where OpenSSL looks for the operating system's CAs, if it is set.
VARIABLE = ssl.get_default_verify_paths().openssl_cafile_env


@contextmanager
def public_ca(folder: Path) -> Iterator[CertificateAuthority]:
    """Make a public CA: while the block runs, it is the one that the operating system trusts.

    So a function that loads the operating system's CAs is seen to do so on every machine,
    whichever those are there.
    """
    ca, path = CertificateAuthority.create("Public CA"), folder / "public.pem"
    write_certificate(path, ca.certificate)
    before, os.environ[VARIABLE] = os.environ.get(VARIABLE), str(path)
    try:
        yield ca
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before

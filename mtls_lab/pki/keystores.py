"""Java's own keystores, JKS and JCEKS: their certificates, which nothing encrypts.

Here: the chain of a key, and what is trusted. Not here: the keys, which have a password, and
PKCS #12 (bundles.py).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from cryptography import x509

from mtls_lab.errors import FileProblem
from mtls_lab.files import PathLike
from mtls_lab.pki.kinds import read_bounded
from mtls_lab.pki.signed import UNREADABLE

__all__ = ["is_keystore", "read_keystore"]

#: The first bytes of JKS and of JCEKS.
MAGIC = {b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"}
#: Kinds of entries; of a secret key, which JCEKS has too, nobody knows where it ends.
PRIVATE_KEY, TRUSTED = 1, 2


class _Reader:
    """Java's DataInput: numbers with the highest byte first, and texts with their length."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, size: int) -> bytes:
        found = self._data[self._at : self._at + size]
        if len(found) < size:
            raise ValueError("it ends in the middle")
        self._at += size
        return found

    def number(self) -> int:
        (found,) = struct.unpack(">I", self.take(4))
        return int(found)

    def text(self) -> bytes:
        (size,) = struct.unpack(">H", self.take(2))
        return self.take(size)

    def certificate(self, version: int) -> x509.Certificate:
        if version == 2:  # since which the kind stands before it
            self.text()
        return x509.load_der_x509_certificate(self.take(self.number()))


def is_keystore(path: PathLike) -> bool:
    """Return whether a file is a whole keystore of Java, which Java loads and OpenSSL does not."""
    try:
        return bool(read_keystore(path, trusted=False))
    except FileProblem:
        return False


def read_keystore(path: PathLike, *, trusted: bool) -> Sequence[x509.Certificate]:
    """Return the chain of the first key in a keystore, or what a verifier takes from it.

    A truststore's entries are what is trusted; of a key beside them, its own certificate is too
    (`TrustStoreUtil` of the JDK). Without a key, the first certificates are as good as a chain.

    Raises:
        FileProblem: it is none, or is damaged.
    """
    data = read_bounded(path, "a keystore")
    chains: list[list[x509.Certificate]] = []
    cas: list[x509.Certificate] = []
    try:
        if data[:4] not in MAGIC:
            raise ValueError("it does not begin as one")
        reader = _Reader(data[4:])
        version, count = reader.number(), reader.number()
        for _ in range(count):
            kind = reader.number()
            reader.text()
            reader.take(8)  # the date
            if kind == TRUSTED:
                cas.append(reader.certificate(version))
            elif kind == PRIVATE_KEY:
                reader.take(reader.number())
                chains.append([reader.certificate(version) for _ in range(reader.number())])
            else:
                break
    except UNREADABLE as error:
        raise FileProblem(
            f"{path} is not a whole keystore of Java ({error})", "JKS or JCEKS", "make it again"
        ) from None
    if trusted:
        return [*cas, *(chain[0] for chain in chains if chain)]
    return next(iter(chains), cas)

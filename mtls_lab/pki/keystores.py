"""Java's own keystores, JKS and JCEKS: keys, and certificates, which nothing encrypts.

Here: the chain of a key, what is trusted, and the key of a JKS file, which has a password. Not
here: the keys in a JCEKS file, and PKCS #12 (bundles.py).
"""

from __future__ import annotations

import hashlib
import shlex
import struct
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_private_key

from mtls_lab.common import FileProblem, PathLike
from mtls_lab.pki.forms import JKS
from mtls_lab.pki.kinds import read_bounded
from mtls_lab.pki.passwords import not_opened
from mtls_lab.pki.signed import UNREADABLE

__all__ = ["count_keys", "holds_keystore", "is_keystore", "locked_key", "read_keystore"]

#: The first bytes of JKS and of JCEKS.
MAGIC = {b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"}
#: Kinds of entries; of a secret key, which JCEKS has too, nobody knows where it ends.
PRIVATE_KEY, TRUSTED = 1, 2
#: DER of the algorithm of a JKS file's keys (1.3.6.1.4.1.42.2.17.1.1), which none else uses.
_OF_JKS = bytes.fromhex("300e060a2b060104012a021101010500")
_DIGEST = 20


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


def holds_keystore(path: PathLike) -> bool:
    """Return whether a file begins as a keystore of Java, whole or not."""
    try:
        return read_bounded(path, "a keystore")[:4] in MAGIC
    except FileProblem:
        return False


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
    cas, chains = _entries(path)
    if trusted:
        return [*cas, *(chain[0] for _, chain in chains if chain)]
    return chains[0][1] if chains else cas


def count_keys(path: PathLike) -> int:
    """Return how many private keys a keystore holds. Raises FileProblem."""
    _, chains = _entries(path)
    return len(chains)


def locked_key(path: PathLike, words: Sequence[bytes]) -> PrivateKeyTypes | None:
    """Return the first key of a keystore, of which one of these is the password.

    Raises:
        FileProblem: it is no keystore, has no key, or none of these opens it.
    """
    _, chains = _entries(path)
    if not chains:
        return None
    locked = chains[0][0]
    if _OF_JKS not in locked[:32]:
        raise FileProblem(
            f"{path} is a Java keystore, whose key is encrypted as in JCEKS",
            "a key in JKS or PKCS #12",
            JKS.todo.replace("{path}", shlex.quote(str(path))),
        )
    for word in words:
        if plain := _unlocked(locked, word):
            try:
                return load_der_private_key(plain, None)
            except UNREADABLE:
                break
    raise not_opened(
        f"{path} is a Java keystore, whose key has a password",
        words,
        "the password of the key, which is mostly that of the keystore",
        "give that of the key, which need not be that of the keystore",
    )


def _unlocked(locked: bytes, password: bytes) -> bytes:
    """Return a key of a JKS file in PKCS #8, or nothing (`KeyProtector` of the JDK).

    What is locked is a salt, the key, and a digest; the key is added, bit by bit, to digests of
    which each is made of the password and the one before it.
    """
    _, _, content = locked.partition(_OF_JKS)
    content = content[2 + (content[1] & 0x7F if content[1:2] > b"\x80" else 0) :]
    word = password.decode("utf-8", "replace").encode("utf-16-be")
    last, inner, check = content[:_DIGEST], content[_DIGEST:-_DIGEST], content[-_DIGEST:]
    stream = b""
    while len(stream) < len(inner):
        last = hashlib.sha1(word + last, usedforsecurity=False).digest()
        stream += last
    plain = bytes(each ^ other for each, other in zip(inner, stream, strict=False))
    right = hashlib.sha1(word + plain, usedforsecurity=False).digest() == check
    return plain if right else b""


def _entries(
    path: PathLike,
) -> tuple[list[x509.Certificate], list[tuple[bytes, list[x509.Certificate]]]]:
    """Return what is trusted, and each key, locked, with its chain. Raises FileProblem."""
    data = read_bounded(path, "a keystore")
    chains: list[tuple[bytes, list[x509.Certificate]]] = []
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
                key = reader.take(reader.number())
                chain = [reader.certificate(version) for _ in range(reader.number())]
                chains.append((key, chain))
            else:
                break
    except UNREADABLE as error:
        raise FileProblem(
            f"{path} is not a whole keystore of Java ({error})", "JKS or JCEKS", "make it again"
        ) from None
    return cas, chains

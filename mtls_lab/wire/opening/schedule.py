"""From the secrets of a connection to the keys of its records (RFC 8446, 7; RFC 5246, 6.3).

Here: a key log's lines, the derivations, and one direction's protection. Not here: which record is
protected by what (records.py).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

__all__ = ["Protection", "Protection13", "Secrets", "key_block", "suite_of"]

#: Bytes of a nonce, of the part of it that TLS 1.2 sends along, and of an authentication tag.
NONCE, EXPLICIT, TAG = 12, 8, 16


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of one connection, by their labels in a key log."""

    by_label: dict[str, bytes] = field(repr=False)

    @classmethod
    def read(cls, log: bytes, client_random: bytes) -> Secrets:
        """Take from a key log the lines of the connection whose ClientHello had this random.

        Example:
            >>> log = b"# a comment\\nCLIENT_RANDOM 0a0b ffee\\nCLIENT_RANDOM 0c0d 1122\\n"
            >>> Secrets.read(log, bytes.fromhex("0c0d")).by_label["CLIENT_RANDOM"].hex()
            '1122'
        """
        found = {}
        for line in log.splitlines():
            words = line.split()
            if len(words) == 3 and words[1].lower() == client_random.hex().encode():
                try:
                    found[words[0].decode("ascii")] = bytes.fromhex(words[2].decode("ascii"))
                except ValueError:
                    continue  # a line that was cut, or is somebody else's
        return cls(found)


class Aead(Protocol):
    """What the classes of cryptography have in common."""

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Return the plaintext. Raises InvalidTag."""


@dataclass(frozen=True, slots=True)
class Suite:
    """How a cipher suite protects records.

    Attributes:
        algorithm: the hash of its key derivation.
        key_size: in bytes.
        aead: makes the cipher of a key.
        tag_size: in bytes.
        explicit: how many bytes of the nonce TLS 1.2 sends along in each record.
    """

    algorithm: hashes.HashAlgorithm
    key_size: int
    aead: Callable[[bytes], Aead]
    tag_size: int = TAG
    explicit: int = EXPLICIT


def suite_of(name: str) -> Suite | None:
    """Return how the suite with this name protects records; None if it is not an AEAD suite.

    The name says it all: AES-GCM (RFC 5288), AES-CCM (RFC 6655) and ChaCha20 (RFC 7905).

    Example:
        >>> suite_of("TLS_AES_256_GCM_SHA384").key_size
        32
        >>> suite_of("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256") is None
        True
    """
    algorithm = hashes.SHA384() if name.endswith("SHA384") else hashes.SHA256()
    key_size = 16 if "AES_128" in name else 32
    if "_CHACHA20_POLY1305" in name:
        return Suite(algorithm, 32, ChaCha20Poly1305, explicit=0)
    if "_AES_" not in name:
        return None
    if "_GCM" in name:
        return Suite(algorithm, key_size, AESGCM)
    if "_CCM" in name:
        tag = 8 if "_CCM_8" in name else TAG
        return Suite(algorithm, key_size, lambda key: AESCCM(key, tag), tag)
    return None


class Protection(Protocol):
    """What protects the records of one direction."""

    def open(self, header: bytes, payload: bytes) -> tuple[int, bytes] | None:
        """Return content type and content of the next record; None if the key does not fit."""

    def updated(self) -> Protection:
        """Return the protection after a KeyUpdate."""


class Protection13:
    """TLS 1.3: keys from a traffic secret (RFC 8446, sections 5.2, 5.3 and 7.3)."""

    def __init__(self, suite: Suite, secret: bytes) -> None:
        self._suite, self._secret, self._number = suite, secret, 0
        self._aead = suite.aead(self._expand("key", suite.key_size))
        self._iv = self._expand("iv", NONCE)

    def open(self, header: bytes, payload: bytes) -> tuple[int, bytes] | None:
        """Return content type and content of the next record; None if the key does not fit."""
        nonce = _xor(self._iv, self._number)
        try:
            inner = self._aead.decrypt(nonce, payload, header)
        except (InvalidTag, ValueError):
            return None
        self._number += 1
        content = inner.rstrip(b"\0")  # padding (section 5.4)
        return (content[-1], content[:-1]) if content else None

    def updated(self) -> Protection:
        """Return the protection after a KeyUpdate (section 7.2)."""
        size = self._suite.algorithm.digest_size
        return Protection13(self._suite, self._expand("traffic upd", size))

    def _expand(self, label: str, size: int) -> bytes:
        """HKDF-Expand-Label with an empty context (section 7.1)."""
        name = b"tls13 " + label.encode()
        info = size.to_bytes(2, "big") + bytes([len(name)]) + name + b"\0"
        return HKDFExpand(self._suite.algorithm, size, info).derive(self._secret)


class Protection12:
    """TLS 1.2: keys of one direction (RFC 5246, section 6.2.3.3)."""

    def __init__(self, suite: Suite, key: bytes, iv: bytes) -> None:
        self._suite, self._aead, self._iv, self._number = suite, suite.aead(key), iv, 0

    def open(self, header: bytes, payload: bytes) -> tuple[int, bytes] | None:
        """Return content type and content of the next record; None if the key does not fit."""
        explicit, sealed = payload[: self._suite.explicit], payload[self._suite.explicit :]
        size = len(sealed) - self._suite.tag_size
        if size < 0:
            return None
        # Either the record carries the rest of its nonce, or its number is mixed in.
        nonce = self._iv + explicit if self._suite.explicit else _xor(self._iv, self._number)
        extra = self._number.to_bytes(8, "big") + header[:3] + size.to_bytes(2, "big")
        try:
            content = self._aead.decrypt(nonce, sealed, extra)
        except (InvalidTag, ValueError):
            return None
        self._number += 1
        return header[0], content

    def updated(self) -> Protection:
        """Return itself: TLS 1.2 has no KeyUpdate."""
        return self


def key_block(
    suite: Suite, master: bytes, client_random: bytes, server_random: bytes
) -> tuple[Protection12, Protection12]:
    """Return the protection of a client's and of a server's records (RFC 5246, section 6.3)."""
    fixed = NONCE - suite.explicit
    block = _prf(
        suite.algorithm.name,
        master,
        b"key expansion" + server_random + client_random,
        2 * (suite.key_size + fixed),
    )
    keys, ivs = block[: 2 * suite.key_size], block[2 * suite.key_size :]
    return (
        Protection12(suite, keys[: suite.key_size], ivs[:fixed]),
        Protection12(suite, keys[suite.key_size :], ivs[fixed:]),
    )


def _prf(algorithm: str, secret: bytes, seed: bytes, size: int) -> bytes:
    """P_hash (RFC 5246, section 5)."""
    made, chained = b"", seed
    while len(made) < size:
        chained = hmac.digest(secret, chained, algorithm)
        made += hmac.digest(secret, chained + seed, algorithm)
    return made[:size]


def _xor(iv: bytes, number: int) -> bytes:
    return (int.from_bytes(iv, "big") ^ number).to_bytes(len(iv), "big")

"""Structures of TPM 2.0 that somebody else sent: a public area, a statement, a signature.

Here: bytes in, values out, within limits (TPM 2.0 Library specification, Part 2: sections 8.3,
10.12, 11.3 and 12.2). Not here: commands (commands.py), whether a statement is believed
(enrolment/evidence.py).
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from enum import IntFlag

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

__all__ = [
    "AES",
    "CERTIFIED",
    "CFB",
    "ECC",
    "ECDSA",
    "GENERATED",
    "INSIDE",
    "NULL",
    "RSA",
    "SHA256",
    "Attribute",
    "Public",
    "Reader",
    "Signature",
    "Statement",
    "sized",
]

#: No structure of the lab's is longer; a TPM takes 4096 bytes at most.
MOST = 1024
#: Part 2, 6.2 and 6.9: what a TPM begins each of its own statements with; this one is of Certify.
GENERATED, CERTIFIED = 0xFF544347, 0x8017
#: Part 2, 6.3 and 6.4: the algorithms of the lab's keys.
ECC, SHA256, AES, NULL, ECDSA, CFB, P256 = 0x23, 0x0B, 0x06, 0x10, 0x18, 0x43, 0x03
#: And that of an endorsement key, which most makers certify.
RSA = 0x01
#: A name: the algorithm of a hash, and the hash.
NAME = 34


class Attribute(IntFlag):
    """What a TPM lets be done with a key (TPMA_OBJECT, Part 2, 8.3).

    Example:
        >>> Attribute.SIGN in Attribute(0x60072), Attribute.RESTRICTED in Attribute(0x60072)
        (True, False)
    """

    FIXED_TPM = 1 << 1
    FIXED_PARENT = 1 << 4
    SENSITIVE_DATA_ORIGIN = 1 << 5
    USER_WITH_AUTH = 1 << 6
    ADMIN_WITH_POLICY = 1 << 7
    NO_DA = 1 << 10
    RESTRICTED = 1 << 16
    DECRYPT = 1 << 17
    SIGN = 1 << 18

    @property
    def words(self) -> str:
        """The names of those that are set."""
        return " ".join(each.name.lower() for each in Attribute if each in self and each.name)


#: What a key is that its TPM has made, and that cannot leave it.
INSIDE = Attribute.FIXED_TPM | Attribute.FIXED_PARENT | Attribute.SENSITIVE_DATA_ORIGIN


class Reader:
    """Reads a structure from its beginning to its end. Every method raises ValueError.

    Args:
        data: the bytes, as they came.

    Example:
        >>> reader = Reader(b"\\0\\x02ab")
        >>> reader.sized(), reader.end()
        (b'ab', None)
    """

    def __init__(self, data: bytes) -> None:
        if len(data) > MOST:
            raise ValueError(f"a structure of {len(data)} bytes, which is over {MOST}")
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        if count > len(self._data) - self._at:
            raise ValueError(f"a structure that ends after {len(self._data)} bytes")
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, size: int) -> int:
        """Return the next number, of this many bytes."""
        return int.from_bytes(self.take(size), "big")

    def sized(self, most: int = MOST) -> bytes:
        """Return the next bytes, before which their count stands (a TPM2B, Part 2, 10.4)."""
        count = self.number(2)
        if count > most:
            raise ValueError(f"{count} bytes where {most} fit")
        return self.take(count)

    def one_of(self, what: str, *known: int, size: int = 2) -> int:
        """Return the next number, which has to be a known one."""
        found = self.number(size)
        if found not in known:
            raise ValueError(f"{what} {found:#x}")
        return found

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(len(self._data) - self._at)

    def end(self) -> None:
        """Make sure that nothing follows."""
        if rest := len(self._data) - self._at:
            raise ValueError(f"{rest} bytes after the end of a structure")


def sized(data: bytes) -> bytes:
    """Return bytes with their count before them (a TPM2B, Part 2, 10.4)."""
    return struct.pack(">H", len(data)) + data


@dataclass(frozen=True, slots=True)
class Public:
    """The public area of a P-256 key (TPMT_PUBLIC, Part 2, 12.2.4).

    Attributes:
        attributes: what may be done with it.
        policy: the digest of the policy that allows its use; empty for none.
        x, y: the point; empty in a template.
        storage: whether it wraps other keys, with AES-128 in CFB.
        signs: whether it is for ECDSA with SHA-256 alone, as a restricted key has to be.

    Example:
        >>> template = Public(Attribute.SIGN | Attribute.DECRYPT)
        >>> Public.read(template.encoded()) == template
        True
    """

    attributes: Attribute
    policy: bytes = b""
    x: bytes = b""
    y: bytes = b""
    storage: bool = False
    signs: bool = False

    @classmethod
    def read(cls, data: bytes) -> Public:
        """Read the bytes of a public area. Raises ValueError: they are none of a P-256 key."""
        reader = Reader(data)
        reader.one_of("a key of type", ECC)
        reader.one_of("a name with the hash", SHA256)
        attributes, policy = Attribute(reader.number(4)), reader.sized(32)
        storage = reader.one_of("a cipher", NULL, AES) == AES
        if storage:
            reader.one_of("a key size", 128)
            reader.one_of("a mode", CFB)
        signs = reader.one_of("a scheme", NULL, ECDSA) == ECDSA
        if signs:
            reader.one_of("a hash", SHA256)
        reader.one_of("a curve", P256)
        reader.one_of("a key derivation", NULL)
        x, y = reader.sized(32), reader.sized(32)
        reader.end()
        return cls(attributes, policy, x, y, storage, signs)

    def encoded(self) -> bytes:
        """Return its bytes."""
        parts = [struct.pack(">HHI", ECC, SHA256, self.attributes), sized(self.policy)]
        parts.append(
            struct.pack(">HHH", AES, 128, CFB) if self.storage else struct.pack(">H", NULL)
        )
        parts.append(struct.pack(">HH", ECDSA, SHA256) if self.signs else struct.pack(">H", NULL))
        parts += [struct.pack(">HH", P256, NULL), sized(self.x), sized(self.y)]
        return b"".join(parts)

    @property
    def name(self) -> bytes:
        """What a TPM calls the key: a hash of all of this (Part 1, 16)."""
        return struct.pack(">H", SHA256) + hashlib.sha256(self.encoded()).digest()

    def qualified(self, hierarchy: int) -> bytes:
        """Return its name together with that of what it was derived from (Part 1, 16)."""
        digest = hashlib.sha256(struct.pack(">I", hierarchy) + self.name).digest()
        return struct.pack(">H", SHA256) + digest

    @property
    def key(self) -> ec.EllipticCurvePublicKey:
        """The key, for `cryptography`. Raises ValueError: the point is not on the curve."""
        x, y = (int.from_bytes(each, "big") for each in (self.x, self.y))
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()

    def __str__(self) -> str:
        return self.attributes.words


@dataclass(frozen=True, slots=True)
class Statement:
    """What a TPM says of a key that it has loaded (TPMS_ATTEST of TPM2_Certify, Part 2, 10.12.12).

    Attributes:
        magic: GENERATED; a restricted key signs nothing that begins so, but what its TPM made.
        kind: CERTIFIED.
        signer: the qualified name of the key that signs it.
        nonce: what the TPM was given to put in.
        about: the name of the key.
    """

    magic: int
    kind: int
    signer: bytes
    nonce: bytes
    about: bytes

    @classmethod
    def read(cls, data: bytes) -> Statement:
        """Read the bytes. Raises ValueError: they are no statement about a key.

        Example:
            >>> Statement.read(b"\\xffTCG\\x80\\x17")
            Traceback (most recent call last):
            ValueError: a structure that ends after 6 bytes
        """
        reader = Reader(data)
        magic, kind = reader.number(4), reader.number(2)
        signer, nonce = reader.sized(NAME), reader.sized(64)
        reader.take(17 + 8)  # the TPM's clock, and the version of its firmware
        about, _ = reader.sized(NAME), reader.sized(NAME)
        reader.end()
        return cls(magic, kind, signer, nonce, about)

    def encoded(self) -> bytes:
        """Return bytes that say this, with a clock that stands at 0."""
        parts = [struct.pack(">IH", self.magic, self.kind), sized(self.signer), sized(self.nonce)]
        return b"".join([*parts, bytes(17 + 8), sized(self.about), sized(self.about)])


@dataclass(frozen=True, slots=True)
class Signature:
    """An ECDSA signature with SHA-256 (TPMT_SIGNATURE, Part 2, 11.3.4)."""

    r: int
    s: int

    @classmethod
    def read(cls, data: bytes) -> Signature:
        """Read the bytes. Raises ValueError: they are none of ECDSA with SHA-256."""
        reader = Reader(data)
        reader.one_of("a signature by", ECDSA)
        reader.one_of("a hash", SHA256)
        r, s = (int.from_bytes(reader.sized(32), "big") for _ in range(2))
        reader.end()
        return cls(r, s)

    @property
    def der(self) -> bytes:
        """As `cryptography` verifies it (RFC 3279, section 2.2.3)."""
        return encode_dss_signature(self.r, self.s)

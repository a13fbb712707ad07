"""What a TPM's maker gave it: an endorsement key, derived when it is asked for, and certificates.

Here: the templates of the two usual endorsement keys, an RSA key's public area, and the memory in
which the certificates lie (TCG EK Credential Profile, 2.2.1.4, B.3.3 and B.3.4). Not here: what the
key proves (attesting.py), and who checks a certificate (enrolment/endorsement.py).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from mtls_lab.common import LabError
from mtls_lab.tpm.chip import Chip
from mtls_lab.tpm.conversation import ENDORSEMENT, Conversation, Refusal
from mtls_lab.tpm.structures import (
    AES,
    CFB,
    INSIDE,
    NULL,
    RSA,
    SHA256,
    Attribute,
    Public,
    Reader,
    sized,
)

__all__ = [
    "RSA_ENDORSEMENT_KEY",
    "RSAPublic",
    "endorsement_certificates",
    "endorsement_key",
    "opener_of",
]

#: The one size that the templates have for it, in bits; 0 stands for the exponent 65537.
BITS, EXPONENT = 2048, 65537
#: What an endorsement key is for, and the policy that allows its use: PolicySecret of the
#: endorsement hierarchy.
USE = INSIDE | Attribute.ADMIN_WITH_POLICY | Attribute.RESTRICTED | Attribute.DECRYPT
POLICY = bytes.fromhex("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa")
#: Where a maker puts the certificate of the RSA key, and of that on P-256.
PLACES = (0x01C00002, 0x01C0000A)
#: A certificate is longer than what some TPMs give at a time.
PIECE, MOST = 512, 4096


@dataclass(frozen=True, slots=True)
class RSAPublic:
    """The public area of an RSA storage key of 2048 bits (TPMT_PUBLIC, Part 2, 12.2.4).

    Attributes:
        attributes: what may be done with it.
        policy: the digest of the policy that allows its use.
        modulus: 256 bytes; zeros in a template.

    Example:
        >>> RSAPublic.read(RSA_ENDORSEMENT_KEY.encoded()) == RSA_ENDORSEMENT_KEY
        True
    """

    attributes: Attribute
    policy: bytes
    modulus: bytes

    @classmethod
    def read(cls, data: bytes) -> RSAPublic:
        """Read the bytes of a public area. Raises ValueError: they are none of such a key."""
        reader = Reader(data)
        reader.one_of("a key of type", RSA)
        reader.one_of("a name with the hash", SHA256)
        attributes, policy = Attribute(reader.number(4)), reader.sized(32)
        reader.one_of("a cipher", AES)
        reader.one_of("a key size", 128)
        reader.one_of("a mode", CFB)
        reader.one_of("a scheme", NULL)
        reader.one_of("a key size", BITS)
        reader.one_of("an exponent", 0, EXPONENT, size=4)
        modulus = reader.sized(BITS // 8)
        reader.end()
        return cls(attributes, policy, modulus)

    def encoded(self) -> bytes:
        """Return its bytes."""
        head = struct.pack(">HHI", RSA, SHA256, self.attributes) + sized(self.policy)
        return head + struct.pack(">HHHHHI", AES, 128, CFB, NULL, BITS, 0) + sized(self.modulus)

    @property
    def key(self) -> rsa.RSAPublicKey:
        """The key, for `cryptography`. Raises ValueError: the number is no modulus."""
        return rsa.RSAPublicNumbers(EXPONENT, int.from_bytes(self.modulus, "big")).public_key()

    def __str__(self) -> str:
        return self.attributes.words


#: On P-256 (template L-2), as the lab's own TPMs use it.
ENDORSEMENT_KEY = Public(USE, POLICY, bytes(32), bytes(32), storage=True)
#: RSA (template L-1), as most chips have a certificate for it.
RSA_ENDORSEMENT_KEY = RSAPublic(USE, POLICY, bytes(BITS // 8))


def endorsement_key(chip: Chip) -> Public:
    """Return the TPM's endorsement key: derived from its seed, the same one for all its life.

    Raises:
        LabError: the TPM cannot be reached, or refuses.
    """
    with Conversation(chip) as tpm:
        return tpm.create_primary(ENDORSEMENT, ENDORSEMENT_KEY)[1]


def opener_of(credential: bytes) -> Public | RSAPublic:
    """Return the template of the endorsement key that a credential is encrypted to.

    RSA encrypts to as many bytes as the key has; on a curve it takes a point.
    """
    reader = Reader(credential)
    try:
        reader.sized()
        hidden = reader.sized()
    except ValueError:
        return ENDORSEMENT_KEY  # the TPM will say what it thinks of it
    return RSA_ENDORSEMENT_KEY if len(hidden) == BITS // 8 else ENDORSEMENT_KEY


def endorsement_certificates(chip: Chip) -> list[x509.Certificate]:
    """Return the certificates that the TPM's maker has put into its memory; often that of RSA.

    A new software TPM has none; `swtpm_setup --create-ek-cert` plays the maker.

    Raises:
        LabError: the TPM cannot be reached, refuses, or has something else there.
    """
    with Conversation(chip) as tpm:
        return [_certificate(data) for place in PLACES if (data := _memory(tpm, place))]


def _memory(tpm: Conversation, place: int) -> bytes:
    try:
        size = min(tpm.memory_size(place), MOST)
    except Refusal as refusal:
        if refusal.code.name == "HANDLE":  # nothing was put there
            return b""
        raise
    starts = range(0, size, PIECE)
    return b"".join(tpm.read_memory(place, min(PIECE, size - start), start) for start in starts)


def _certificate(data: bytes) -> x509.Certificate:
    """Some makers fill the rest of the place with 0xFF, or with zeros."""
    size = 4 + int.from_bytes(data[2:4], "big") if data.startswith(b"\x30\x82") else len(data)
    try:
        return x509.load_der_x509_certificate(data[:size])
    except ValueError:
        raise LabError(
            "no certificate where a TPM has that of its endorsement key",
            "an X.509 certificate in DER",
            "ask the TPM's maker for the certificate",
        ) from None

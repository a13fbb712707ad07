"""A secret that one TPM alone can open, and only if it has a certain key: MakeCredential.

Here: the encryption, which needs no TPM (TPM 2.0 Library specification, Part 1, 24, B.10.4 and
C.6.4). Not here: who opens it (attesting.py), and who sends it (enrolment/attested.py).
"""

from __future__ import annotations

import hmac
import secrets
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode

from mtls_lab.tpm.structures import sized

try:  # CFB has moved in cryptography 49
    from cryptography.hazmat.decrepit.ciphers.modes import CFB
except ImportError:
    from cryptography.hazmat.primitives.ciphers.modes import CFB

__all__ = ["make_credential"]

#: What the seed is for (Part 1, 24.4), with the zero at its end.
LABEL = b"IDENTITY\0"


def make_credential(
    endorsement: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, name: bytes, secret: bytes
) -> bytes:
    """Encrypt a secret to a TPM, on the condition that it has loaded the key of this name.

    The TPM's key opens the outer layer; the name goes into the checksum, so that the TPM refuses
    for any other key.

    Args:
        endorsement: the TPM's endorsement key, as its certificate has it: P-256, or RSA.
        name: that of the other key, as a TPM computes it.
        secret: 1 to 32 bytes.

    Returns:
        A TPM2B_ID_OBJECT and a TPM2B_ENCRYPTED_SECRET, one after the other.

    Example:
        >>> key = ec.generate_private_key(ec.SECP256R1()).public_key()
        >>> len(make_credential(key, b"name", bytes(16)))
        124
    """
    if isinstance(endorsement, rsa.RSAPublicKey):
        seed, wrapped = _seed_by_rsa(endorsement)
    else:
        seed, wrapped = _seed_by_point(endorsement)
    cipher = Cipher(AES128(_derived(seed, b"STORAGE", name, 16)), CFB(bytes(16))).encryptor()
    hidden = cipher.update(sized(secret)) + cipher.finalize()
    checksum = hmac.digest(_derived(seed, b"INTEGRITY", b"", 32), hidden + name, "sha256")
    return sized(sized(checksum) + hidden) + sized(wrapped)


def _seed_by_point(endorsement: ec.EllipticCurvePublicKey) -> tuple[bytes, bytes]:
    """A seed that two keys on the curve have in common, and the point of the one made for it."""
    once = ec.generate_private_key(ec.SECP256R1())
    ours, theirs = once.public_key().public_numbers(), endorsement.public_numbers()
    x, y, x_of_theirs = (each.to_bytes(32, "big") for each in (ours.x, ours.y, theirs.x))
    shared = once.exchange(ec.ECDH(), endorsement)
    seed = ConcatKDFHash(hashes.SHA256(), 32, LABEL + x + x_of_theirs).derive(shared)
    return seed, sized(x) + sized(y)


def _seed_by_rsa(endorsement: rsa.RSAPublicKey) -> tuple[bytes, bytes]:
    """A random seed, and what RSA-OAEP makes of it."""
    seed, sha256 = secrets.token_bytes(32), hashes.SHA256()
    return seed, endorsement.encrypt(seed, padding.OAEP(padding.MGF1(sha256), sha256, LABEL))


def _derived(seed: bytes, label: bytes, context: bytes, size: int) -> bytes:
    """KDFa (Part 1, 11.4.10.2): SP 800-108 in counter mode, the size at the end."""
    fixed = label + b"\0" + context + struct.pack(">I", size * 8)
    place = CounterLocation.BeforeFixed
    kdf = KBKDFHMAC(
        hashes.SHA256(), Mode.CounterMode, size, 4, None, place, None, None, fixed
    )  # fmt: skip
    return kdf.derive(seed)

"""A secret that one TPM alone can open, and only if it has a certain key: MakeCredential.

Here: the encryption, which needs no TPM (TPM 2.0 Library specification, Part 1, 24 and C.6). Not
here: who opens it (attesting.py), and who sends it (enrolment/attested.py).
"""

from __future__ import annotations

import hmac
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
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


def make_credential(endorsement: ec.EllipticCurvePublicKey, name: bytes, secret: bytes) -> bytes:
    """Encrypt a secret to a TPM, on the condition that it has loaded the key of this name.

    The TPM's key opens the outer layer; the name goes into the checksum, so that the TPM refuses
    for any other key.

    Args:
        endorsement: the TPM's endorsement key, as its certificate has it: P-256.
        name: that of the other key, as a TPM computes it.
        secret: 1 to 32 bytes.

    Returns:
        A TPM2B_ID_OBJECT and a TPM2B_ENCRYPTED_SECRET, one after the other.

    Example:
        >>> key = ec.generate_private_key(ec.SECP256R1()).public_key()
        >>> len(make_credential(key, b"name", bytes(16)))
        124
    """
    once = ec.generate_private_key(ec.SECP256R1())
    ours, theirs = once.public_key().public_numbers(), endorsement.public_numbers()
    x, y, x_of_theirs = (each.to_bytes(32, "big") for each in (ours.x, ours.y, theirs.x))
    shared = once.exchange(ec.ECDH(), endorsement)
    seed = ConcatKDFHash(hashes.SHA256(), 32, b"IDENTITY\0" + x + x_of_theirs).derive(shared)
    cipher = Cipher(AES128(_derived(seed, b"STORAGE", name, 16)), CFB(bytes(16))).encryptor()
    hidden = cipher.update(sized(secret)) + cipher.finalize()
    checksum = hmac.digest(_derived(seed, b"INTEGRITY", b"", 32), hidden + name, "sha256")
    return sized(sized(checksum) + hidden) + sized(sized(x) + sized(y))


def _derived(seed: bytes, label: bytes, context: bytes, size: int) -> bytes:
    """KDFa (Part 1, 11.4.10.2): SP 800-108 in counter mode, the size at the end."""
    fixed = label + b"\0" + context + struct.pack(">I", size * 8)
    place = CounterLocation.BeforeFixed
    kdf = KBKDFHMAC(
        hashes.SHA256(), Mode.CounterMode, size, 4, None, place, None, None, fixed
    )  # fmt: skip
    return kdf.derive(seed)

"""Attestation: what a TPM states of its keys, and the secret that it alone can open.

Here: the device's side, one call to a TPM each, and the other side's MakeCredential, which needs
none (TPM 2.0 Library specification, Part 1, 24, B.10.4 and C.6.4). Not here: the endorsement key
(endorsed.py), who sends what (enrolment/), and how a TPM is asked (conversation.py).
"""

from __future__ import annotations

import hmac
import secrets
import struct
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode

from mtls_lab.common import PathLike
from mtls_lab.tpm.chip import Chip
from mtls_lab.tpm.conversation import ENDORSEMENT, Conversation
from mtls_lab.tpm.endorsed import opener_of
from mtls_lab.tpm.keys import read_wrapped
from mtls_lab.tpm.structures import INSIDE, Attribute, Public, sized

try:  # CFB has moved in cryptography 49
    from cryptography.hazmat.decrepit.ciphers.modes import CFB
except ImportError:
    from cryptography.hazmat.primitives.ciphers.modes import CFB

__all__ = [
    "ATTESTATION_KEY",
    "Evidence",
    "attestation_key",
    "certify_key",
    "make_credential",
    "open_credential",
]

#: Restricted: it signs what its TPM states, and nothing from outside that looks like that.
ATTESTATION_KEY = Public(
    INSIDE | Attribute.USER_WITH_AUTH | Attribute.RESTRICTED | Attribute.SIGN, signs=True
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a device sends about a key.

    Attributes:
        public: the key's public area, as its TPM has it.
        statement: what the TPM states about it.
        signature: that of the attestation key under the statement.
    """

    public: bytes
    statement: bytes
    signature: bytes


def attestation_key(chip: Chip, template: Public = ATTESTATION_KEY) -> Public:
    """Return the key with which the TPM signs statements, derived from the same seed.

    Raises:
        LabError: the TPM cannot be reached, or refuses.
    """
    with Conversation(chip) as tpm:
        return tpm.create_primary(ENDORSEMENT, template)[1]


def open_credential(chip: Chip, credential: bytes, template: Public = ATTESTATION_KEY) -> bytes:
    """Let the TPM open a credential: it does if it is the TPM, and has the key, that it is for.

    Which endorsement key opens it, RSA or that on P-256, shows in the credential.

    Raises:
        LabError: the TPM cannot be reached.
        Refusal: it is for another TPM, or for another key.
    """
    with Conversation(chip) as tpm:
        endorsement, _ = tpm.create_primary(ENDORSEMENT, opener_of(credential))
        key, _ = tpm.create_primary(ENDORSEMENT, template)
        return tpm.activate(key, endorsement, credential)


def certify_key(chip: Chip, keyfile: PathLike, nonce: bytes) -> Evidence:
    """Let the TPM state what a wrapped key is, and put a nonce into the statement.

    Args:
        chip: the TPM.
        keyfile: the wrapped key, of this TPM.
        nonce: up to 32 bytes, from whoever wants to know.

    Raises:
        FileProblem: the file holds no wrapped key.
        LabError: the TPM cannot be reached.
        Refusal: it is the key of another TPM, or the nonce is too long.
    """
    wrapped = read_wrapped(keyfile)
    with Conversation(chip) as tpm:
        key = tpm.load(tpm.parent(wrapped.parent), wrapped.public, wrapped.private)
        signer, _ = tpm.create_primary(ENDORSEMENT, ATTESTATION_KEY)
        return Evidence(wrapped.public, *tpm.certify(key, signer, nonce))


# --- The other side

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

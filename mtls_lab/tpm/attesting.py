"""A TPM proves what it is, and what a key of its is: attestation, activation, certification.

Here: the device's side, one call to a TPM each. Not here: the endorsement key (endorsed.py), the
other side (credential.py, enrolment/), and how a TPM is asked (conversation.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from mtls_lab.files import PathLike
from mtls_lab.tpm.chip import Chip
from mtls_lab.tpm.conversation import ENDORSEMENT, Conversation
from mtls_lab.tpm.endorsed import opener_of
from mtls_lab.tpm.keys import read_wrapped
from mtls_lab.tpm.structures import INSIDE, Attribute, Public

__all__ = [
    "ATTESTATION_KEY",
    "Evidence",
    "attestation_key",
    "certify_key",
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

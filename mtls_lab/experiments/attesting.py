"""A thief with an honest TPM and a key in a file: statements that are worth less than they seem.

Here: a key that is handed to the TPM, and a statement that a TPM's key signs but no TPM has made.
Not here: who sees through it (enrolment/evidence.py), and honest statements (tpm/attesting.py).
"""

from __future__ import annotations

import hashlib

from mtls_lab.pki import Key
from mtls_lab.tpm import Attribute, Chip, Conversation, Evidence, Public, Statement
from mtls_lab.tpm.attesting import ATTESTATION_KEY
from mtls_lab.tpm.conversation import ENDORSEMENT
from mtls_lab.tpm.structures import CERTIFIED, GENERATED, INSIDE

__all__ = ["FREE_KEY", "certify_loaded", "forge_statement", "public_of"]

#: An ordinary signing key in the place of an attestation key: it signs whatever it is given.
FREE_KEY = Public(INSIDE | Attribute.USER_WITH_AUTH | Attribute.SIGN)
#: What a TPM lets a key be that was made elsewhere.
LOADED = Attribute.USER_WITH_AUTH | Attribute.SIGN
#: What the thief would like it to be.
CLAIMED = INSIDE | LOADED


def public_of(key: Key, attributes: Attribute) -> Public:
    """Return a public area that says of a key whatever is wished."""
    point = key.public_key().public_numbers()
    x, y = (each.to_bytes(32, "big") for each in (point.x, point.y))
    return Public(attributes, x=x, y=y)


def certify_loaded(chip: Chip, key: Key, nonce: bytes, attributes: Attribute = LOADED) -> Evidence:
    """Hand a key to the TPM, and let it state what it is: the statement is true.

    Raises:
        LabError: the TPM cannot be reached.
        Refusal: it loads no key that says so of itself.
    """
    public = public_of(key, attributes)
    with Conversation(chip) as tpm:
        loaded = tpm.load_external(key, public)
        signer, _ = tpm.create_primary(ENDORSEMENT, ATTESTATION_KEY)
        return Evidence(public.encoded(), *tpm.certify(loaded, signer, nonce))


def forge_statement(
    chip: Chip, key: Key, nonce: bytes, signer: Public = ATTESTATION_KEY
) -> Evidence:
    """Write a statement that praises a key, and let a key of the TPM sign it.

    Args:
        chip: the thief's TPM, an honest one.
        key: the one in a file.
        nonce: the office's.
        signer: the template of the key that signs.

    Raises:
        LabError: the TPM cannot be reached.
        Refusal: the key signs nothing from outside, as a restricted one.
    """
    public = public_of(key, CLAIMED)
    with Conversation(chip) as tpm:
        handle, area = tpm.create_primary(ENDORSEMENT, signer)
        lie = Statement(GENERATED, CERTIFIED, area.qualified(ENDORSEMENT), nonce, public.name)
        signature = tpm.sign(handle, hashlib.sha256(lie.encoded()).digest())
    return Evidence(public.encoded(), lie.encoded(), signature)

"""Is a key in a TPM? The rules by which an office believes a statement, each with its one reason.

Here: functions from what was sent to a reason to refuse, or None. Not here: reading the bytes
(tpm/structures.py), and what was sent when (attested.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from mtls_lab.enrolment.lines import names_in
from mtls_lab.tpm import Attribute, Evidence, Public, Signature, Statement
from mtls_lab.tpm.conversation import ENDORSEMENT
from mtls_lab.tpm.structures import CERTIFIED, GENERATED, INSIDE

__all__ = [
    "RULES",
    "Claim",
    "EvidenceRule",
    "by_the_attestation_key",
    "does_not_leave",
    "made_by_a_tpm",
    "of_this_key",
    "of_this_request",
    "only_attests",
    "unchanged",
    "under_policy",
]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a device claims: that the key of this request is in its TPM.

    Attributes:
        csr: the request.
        name: whom the register has for this TPM.
        attestation: the public area of the attestation key that the office has challenged.
        key: the public area of the key, as the device has sent it.
        statement: what the TPM states.
        signed, signature: its bytes, and the signature under them.
    """

    csr: x509.CertificateSigningRequest
    name: str
    attestation: Public
    key: Public
    statement: Statement
    signed: bytes
    signature: Signature

    @classmethod
    def of(
        cls,
        csr: x509.CertificateSigningRequest,
        name: str,
        attestation: Public,
        evidence: Evidence,
    ) -> Claim:
        """Read what was sent. Raises ValueError: it cannot be read."""
        return cls(
            csr,
            name,
            attestation,
            Public.read(evidence.public),
            Statement.read(evidence.statement),
            evidence.statement,
            Signature.read(evidence.signature),
        )


#: Returns a reason to refuse, or None.
EvidenceRule = Callable[[Claim], str | None]


def made_by_a_tpm(claim: Claim) -> str | None:
    """Let only statements count that a TPM makes about a key."""
    good = claim.statement.magic == GENERATED and claim.statement.kind == CERTIFIED
    return None if good else "this is not what a TPM states about a key"


def by_the_attestation_key(claim: Claim) -> str | None:
    """Let nobody sign but the attestation key that was challenged."""
    good = claim.statement.signer == claim.attestation.qualified(ENDORSEMENT)
    return None if good else "the statement is by another attestation key"


def unchanged(claim: Claim) -> str | None:
    """Verify the signature under the statement."""
    try:
        claim.attestation.key.verify(claim.signature.der, claim.signed, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return "the signature does not fit the statement"
    return None


def only_attests(claim: Claim) -> str | None:
    """Let no attestation key count that signs what its owner makes up, or that may be copied."""
    wanted = INSIDE | Attribute.RESTRICTED | Attribute.SIGN
    good = claim.attestation.attributes & (wanted | Attribute.DECRYPT) == wanted
    return None if good else "the attestation key is not restricted to what its TPM states"


def of_this_key(claim: Claim) -> str | None:
    """Compare the key's name in the statement with the public area that was sent."""
    good = claim.statement.about == claim.key.name
    return None if good else "the statement is about another key"


def does_not_leave(claim: Claim) -> str | None:
    """Let only keys count that the TPM has made and never hands out."""
    for wanted, spelled in _KEEPS_IT_INSIDE.items():
        if wanted not in claim.key.attributes:
            return f"this key may exist outside of the TPM: {spelled} is not set"
    return None


def of_this_request(claim: Claim) -> str | None:
    """Let the request be for the key that was certified, and for the name on the register."""
    if claim.csr.public_key() != claim.key.key:
        return "the request is for another key than the statement"
    if names_in(claim.csr) != [claim.name]:
        return "the request is for another name"
    return None


def under_policy(policy: bytes) -> EvidenceRule:
    """Return a rule: the key works in one measured state only, that of this policy."""

    def bound(claim: Claim) -> str | None:
        with_password = Attribute.USER_WITH_AUTH in claim.key.attributes
        good = claim.key.policy == policy and not with_password
        return None if good else "the key is not sealed to the firmware that is approved"

    return bound


#: What a key has that never leaves its TPM, as the specification spells it (TPMA_OBJECT).
_KEEPS_IT_INSIDE = {
    Attribute.FIXED_TPM: "fixedTPM",
    Attribute.FIXED_PARENT: "fixedParent",
    Attribute.SENSITIVE_DATA_ORIGIN: "sensitiveDataOrigin",
}

#: In this order; the first reason refuses.
RULES: tuple[EvidenceRule, ...] = (
    only_attests,
    made_by_a_tpm,
    by_the_attestation_key,
    unchanged,
    of_this_key,
    does_not_leave,
    of_this_request,
)

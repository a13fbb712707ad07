"""Each rule about a statement by itself, with a key of the test as the attestation key.

No TPM makes most of these statements: so a key in memory signs them.
"""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509 import CertificateSigningRequestBuilder

from mtls_lab.enrolment import RULES, Claim, request, under_policy
from mtls_lab.enrolment.evidence import unchanged
from mtls_lab.experiments.attesting import public_of
from mtls_lab.pki import create_key
from mtls_lab.pki.leaf import name_of
from mtls_lab.tpm import Attribute, Signature, Statement
from mtls_lab.tpm.conversation import ENDORSEMENT
from mtls_lab.tpm.structures import CERTIFIED, GENERATED, INSIDE

SIGNER, KEY = create_key(), create_key()
ATTESTATION = public_of(SIGNER, INSIDE | Attribute.RESTRICTED | Attribute.SIGN)
QUOTE = 0x8018


def claim(
    attributes: Attribute = INSIDE | Attribute.SIGN,
    magic: int = GENERATED,
    kind: int = CERTIFIED,
    policy: bytes = b"",
) -> Claim:
    """What a TPM would state of a key with these attributes, well signed."""
    area = replace(public_of(KEY, attributes), policy=policy)
    signer = ATTESTATION.qualified(ENDORSEMENT)
    statement = Statement(magic, kind, signer, b"nonce", area.name)
    signed = statement.encoded()
    r, s = decode_dss_signature(SIGNER.sign(signed, ec.ECDSA(hashes.SHA256())))
    csr = request(KEY, "device-21")
    return Claim(csr, "device-21", ATTESTATION, area, statement, signed, Signature(r, s))


def reason(claimed: Claim) -> str | None:
    return next((found for rule in RULES if (found := rule(claimed))), None)


def test_a_good_statement() -> None:
    assert reason(claim()) is None


@pytest.mark.parametrize(
    ("missing", "spelled"),
    [
        (Attribute.FIXED_TPM, "fixedTPM"),
        (Attribute.FIXED_PARENT, "fixedParent"),
        (Attribute.SENSITIVE_DATA_ORIGIN, "sensitiveDataOrigin"),
    ],
)
def test_a_key_that_may_exist_elsewhere(missing: Attribute, spelled: str) -> None:
    told = f"this key may exist outside of the TPM: {spelled} is not set"
    assert reason(claim(INSIDE & ~missing | Attribute.SIGN)) == told


@pytest.mark.parametrize("changes", [{"magic": 0x12345678}, {"kind": QUOTE}, {"magic": 0}])
def test_a_statement_of_another_kind(changes: dict[str, int]) -> None:
    assert reason(claim(**changes)) == "this is not what a TPM states about a key"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "attributes",
    [
        INSIDE | Attribute.SIGN,
        INSIDE | Attribute.RESTRICTED | Attribute.SIGN | Attribute.DECRYPT,
        INSIDE | Attribute.RESTRICTED,
        Attribute.RESTRICTED | Attribute.SIGN,
        Attribute(0),
    ],
)
def test_an_attestation_key_that_is_none(attributes: Attribute) -> None:
    other = replace(claim(), attestation=replace(ATTESTATION, attributes=attributes))
    assert reason(other) == "the attestation key is not restricted to what its TPM states"


def test_a_signature_that_does_not_fit() -> None:
    told = "the signature does not fit the statement"
    assert reason(replace(claim(), signature=Signature(1, 1))) == told
    assert reason(replace(claim(), signature=Signature(0, 0))) == told
    off = replace(ATTESTATION, y=ATTESTATION.x)
    assert unchanged(replace(claim(), attestation=off)) == told  # no point of the curve


def test_a_request_with_a_key_of_another_kind() -> None:
    key = rsa.generate_private_key(65537, 2048)
    csr = CertificateSigningRequestBuilder().subject_name(name_of("device-21"))
    other = replace(claim(), csr=csr.sign(key, hashes.SHA256()))
    assert reason(other) == "the request is for another key than the statement"


def test_a_policy_counts_only_where_there_is_no_other_way() -> None:
    rule, policy = under_policy(b"p" * 32), b"p" * 32
    told = "the key is not sealed to the firmware that is approved"
    assert rule(claim(policy=policy)) is None
    assert rule(claim(policy=b"q" * 32)) == told
    assert rule(claim()) == told
    with_password = claim(INSIDE | Attribute.SIGN | Attribute.USER_WITH_AUTH, policy=policy)
    assert rule(with_password) == told

"""An office that asks for proof: who is certified, and every refusal with its one reason."""

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography import x509

from mtls_lab.common import LabError
from mtls_lab.enrolment import (
    RULES,
    AttestingOffice,
    attest_line,
    certificate_from,
    credential_from,
    endorse,
    enrol_line,
    only_attests,
    request,
    under_policy,
)
from mtls_lab.enrolment.attested import MOST_OPEN
from mtls_lab.enrolment.office import MOST_REFUSALS
from mtls_lab.experiments import FREE_KEY, certify_loaded, forge_statement
from mtls_lab.experiments.attesting import CLAIMED, LOADED
from mtls_lab.explaining import explain
from mtls_lab.pki import CertificateAuthority, create_key
from mtls_lab.tpm import (
    Attribute,
    Evidence,
    Public,
    Refusal,
    SoftwareTPM,
    attestation_key,
    certify_key,
    create_csr,
    create_sealed_key,
    create_wrapped_key,
    endorsement_key,
    measure,
    open_credential,
    policy_for,
)

pytestmark = pytest.mark.once

NOT_FRESH = "the statement answers no open challenge: it is not fresh"
FIRMWARE = b"firmware 1"


@dataclass
class World:
    """A manufacturer, a device with its TPM and two keys in it, and somebody else's TPM."""

    maker: CertificateAuthority
    ca: CertificateAuthority
    folder: Path
    chip: SoftwareTPM
    other: SoftwareTPM
    endorsement: x509.Certificate
    attestation: Public
    csr: x509.CertificateSigningRequest

    def office(self, *rules: object, patience: float = 60.0) -> AttestingOffice:
        wanted = rules or RULES
        office = AttestingOffice(self.ca, [self.maker.certificate], wanted, patience=patience)  # type: ignore[arg-type]
        office.announce(self.endorsement, "device-21")
        return office

    def nonce(self, office: AttestingOffice) -> bytes:
        said = office.answer(attest_line(self.endorsement, self.attestation), None)
        return open_credential(self.chip, credential_from(said))

    def evidence(self, office: AttestingOffice, name: str = "tpm") -> Evidence:
        return certify_key(self.chip, self.folder / f"{name}.key", self.nonce(office))


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """The TPMs of the module have threads."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("attested")
    maker, ca = CertificateAuthority.create("TPM Maker"), CertificateAuthority.create("Device CA")
    with SoftwareTPM(folder / "chip") as chip, SoftwareTPM(folder / "other") as other:
        measure(chip, FIRMWARE)
        create_wrapped_key(chip, folder / "tpm.key")
        create_sealed_key(chip, folder / "sealed.key", policy_for(FIRMWARE))
        create_wrapped_key(other, folder / "others.key")
        csr = create_csr(chip, folder / "tpm.key", "device-21")
        certificate = endorse(maker, endorsement_key(chip), "TPM of the test")
        yield World(maker, ca, folder, chip, other, certificate, attestation_key(chip), csr)


def refused(office: AttestingOffice, line: str) -> str:
    """The reason, which the office has written down as well."""
    said = office.answer(line, None)
    assert said.startswith("ERROR "), said
    reason = said.removeprefix("ERROR ")
    assert office.refusals[-1] == reason
    return reason


def test_a_key_in_the_tpm_is_certified_in_four_lines_of_the_protocol(world: World) -> None:
    office = world.office()
    asked = len(world.chip.log)
    line = enrol_line(world.csr, world.evidence(office))
    commands = [each.name for each in world.chip.log[asked:] if each.client]
    certificate = certificate_from(office.answer(line, None))
    assert certificate.public_key() == world.csr.public_key()
    assert certificate.subject.rfc4514_string() == "CN=device-21"
    certificate.verify_directly_issued_by(world.ca.certificate)
    assert len(attest_line(world.endorsement, world.attestation)) < 1024
    assert len(line) < 1024
    assert commands == [
        *("CreatePrimary", "CreatePrimary", "StartAuthSession", "PolicySecret"),
        *("ActivateCredential", "CreatePrimary", "Load", "CreatePrimary", "Certify"),
    ]
    assert not office.refusals


def test_a_key_in_a_file(world: World) -> None:
    office, key = world.office(), create_key()
    csr = request(key, "device-21")
    assert refused(office, enrol_line(csr)) == "no TPM states that this key is its own"
    line = enrol_line(csr, world.evidence(office))
    assert refused(office, line) == "the request is for another key than the statement"
    line = enrol_line(csr, certify_loaded(world.chip, key, world.nonce(office)))
    reason = "this key may exist outside of the TPM: fixedTPM is not set"
    assert refused(office, line) == reason


def test_no_tpm_says_of_a_loaded_key_that_it_is_its_own(world: World) -> None:
    office, key = world.office(), create_key()
    for attributes in (CLAIMED, LOADED | Attribute.FIXED_PARENT):
        with pytest.raises(Refusal) as caught:
            certify_loaded(world.chip, key, world.nonce(office), attributes)
        assert caught.value.code.name == "ATTRIBUTES"


def test_a_replay(world: World) -> None:
    office = world.office()
    line = enrol_line(world.csr, world.evidence(office))
    assert not office.answer(line, None).startswith("ERROR")
    assert refused(office, line) == NOT_FRESH
    assert refused(world.office(), line) == NOT_FRESH  # an office that never asked
    evidence = certify_key(world.chip, world.folder / "tpm.key", b"made up")
    assert refused(office, enrol_line(world.csr, evidence)) == NOT_FRESH


def test_an_answer_that_comes_late(world: World) -> None:
    office = world.office(patience=0)
    line = enrol_line(world.csr, world.evidence(office))
    assert refused(office, line) == NOT_FRESH


def test_a_challenge_is_spent_by_the_first_answer(world: World) -> None:
    """Also by a bad one: whoever guesses, guesses once."""
    office = world.office()
    evidence = world.evidence(office)
    spoiled = replace(evidence, signature=evidence.signature[:-1] + b"\0")
    line = enrol_line(world.csr, spoiled)
    assert refused(office, line) == "the signature does not fit the statement"
    assert refused(office, enrol_line(world.csr, evidence)) == NOT_FRESH


def test_challenges_that_nobody_answers_are_forgotten(world: World) -> None:
    office = world.office()
    first = world.evidence(office)
    for _ in range(64):
        office.answer(attest_line(world.endorsement, world.attestation), None)
    assert refused(office, enrol_line(world.csr, first)) == NOT_FRESH


def test_every_changed_bit_of_a_statement_is_refused(world: World) -> None:
    """One bit in every byte, each with an answer to a fresh challenge of its own."""
    office = world.office()
    reasons = set()
    whole = world.evidence(office).statement
    for place in range(len(whole)):
        evidence = world.evidence(office)
        statement = bytearray(evidence.statement)
        statement[place] ^= 1
        line = enrol_line(world.csr, replace(evidence, statement=bytes(statement)))
        reasons.add(refused(office, line))
    assert {
        "this is not what a TPM states about a key",
        "the statement is by another attestation key",
        "the signature does not fit the statement",
        NOT_FRESH,
    } <= reasons


def test_a_changed_public_area(world: World) -> None:
    office = world.office()
    evidence = world.evidence(office)
    area = Public.read(evidence.public)
    praised = replace(area, attributes=area.attributes | Attribute.RESTRICTED)
    line = enrol_line(world.csr, replace(evidence, public=praised.encoded()))
    assert refused(office, line) == "the statement is about another key"


def test_a_statement_by_the_key_of_another_tpm(world: World) -> None:
    """The device hands the nonce on, and another TPM, an honest one, signs."""
    office = world.office()
    evidence = certify_key(world.other, world.folder / "others.key", world.nonce(office))
    csr = create_csr(world.other, world.folder / "others.key", "device-21")
    line = enrol_line(csr, evidence)
    assert refused(office, line) == "the statement is by another attestation key"


def test_a_tpm_of_an_unknown_manufacturer(world: World) -> None:
    office = world.office()
    namesake = CertificateAuthority.create("TPM Maker")
    theirs = endorse(namesake, endorsement_key(world.other), "TPM of the test")
    line = attest_line(theirs, attestation_key(world.other))
    assert refused(office, line) == (
        "no manufacturer that this office trusts has signed the certificate of this TPM"
    )


def test_a_tpm_that_nobody_has_announced(world: World) -> None:
    office = world.office()
    theirs = endorse(world.maker, endorsement_key(world.other), "TPM of the test")
    line = attest_line(theirs, attestation_key(world.other))
    assert refused(office, line) == "nobody has announced this TPM"


def test_a_certificate_for_something_else(world: World) -> None:
    office = world.office()
    leaf = world.maker.issue_client("TPM of the test").certificate
    line = attest_line(leaf, world.attestation)
    assert refused(office, line) == "this certificate is not that of an endorsement key"
    expired = world.maker.issue("TPM", None, valid_days=(-20, -10)).certificate
    line = attest_line(expired, world.attestation)
    assert refused(office, line) == "the certificate of this TPM is not valid today"


def test_the_credential_opens_in_one_tpm_and_with_one_key_only(world: World) -> None:
    office = world.office()
    theirs = attestation_key(world.other)
    for shown, opener in ((world.attestation, world.other), (theirs, world.other)):
        credential = credential_from(office.answer(attest_line(world.endorsement, shown), None))
        with pytest.raises(Refusal) as caught:
            open_credential(opener, credential)
        assert str(caught.value.code) == (
            "0x1df TPM_RC_INTEGRITY: integrity check failed (parameter 1)"
        )
        told = explain(caught.value)  # there is no key file in this story
        assert told.entry == "tpm_credential"
        assert "key file" not in f"{told.why} {told.where} {told.fix}"
    credential = credential_from(office.answer(attest_line(world.endorsement, theirs), None))
    with pytest.raises(Refusal, match="ActivateCredential: 0x1df"):
        open_credential(world.chip, credential)


def test_a_key_that_signs_anything_is_no_attestation_key(world: World) -> None:
    key = create_key()
    csr = request(key, "device-21")
    shown = attest_line(world.endorsement, attestation_key(world.chip, FREE_KEY))

    def forged(office: AttestingOffice) -> str:
        credential = credential_from(office.answer(shown, None))
        nonce = open_credential(world.chip, credential, FREE_KEY)
        return enrol_line(csr, forge_statement(world.chip, key, nonce, FREE_KEY))

    careless = world.office(*(rule for rule in RULES if rule is not only_attests))
    assert (
        certificate_from(careless.answer(forged(careless), None)).public_key() == csr.public_key()
    )
    office = world.office()
    reason = "the attestation key is not restricted to what its TPM states"
    assert refused(office, forged(office)) == reason
    with pytest.raises(Refusal) as caught:  # and the true one signs nothing from outside
        forge_statement(world.chip, key, world.nonce(office))
    assert caught.value.code.name == "TICKET"


def test_a_request_for_another_name(world: World) -> None:
    office = world.office()
    csr = create_csr(world.chip, world.folder / "tpm.key", "device-22")
    line = enrol_line(csr, world.evidence(office))
    assert refused(office, line) == "the request is for another name"


def test_a_request_that_is_not_signed_with_its_key(world: World) -> None:
    office = world.office()
    der = bytearray(base64.b64decode(enrol_line(world.csr).split()[1]))
    der[-1] ^= 1
    line = f"ENROL {base64.b64encode(der).decode()}"
    assert refused(office, line) == "the request is not signed with the key that it names"


def test_only_the_approved_firmware(world: World) -> None:
    bound = world.office(*RULES, under_policy(policy_for(FIRMWARE)))
    sealed = create_csr(world.chip, world.folder / "sealed.key", "device-21")
    line = enrol_line(sealed, world.evidence(bound, "sealed"))
    assert not bound.answer(line, None).startswith("ERROR")
    reason = "the key is not sealed to the firmware that is approved"
    assert refused(bound, enrol_line(world.csr, world.evidence(bound))) == reason
    newer = world.office(*RULES, under_policy(policy_for(b"firmware 2")))
    line = enrol_line(sealed, world.evidence(newer, "sealed"))
    assert refused(newer, line) == reason


@pytest.mark.parametrize(
    "line",
    [
        "GET_SECRET",
        "",
        "ATTEST",
        "ATTEST a",
        "ATTEST a b c",
        "ENROL",
        "ENROL a b",
        "ENROL a b c d e",
        "CHAIN",
    ],
)
def test_other_lines(world: World, line: str) -> None:
    assert world.office().answer(line, None) == "ERROR this office knows ATTEST and ENROL"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("ATTEST ? ?", "what should be the certificate of a TPM cannot be read"),
        ("ATTEST AAEA AAEA", "what should be the certificate of a TPM cannot be read"),
        ("ENROL ?", "a line that is not a signing request"),
    ],
)
def test_lines_that_are_not_what_they_should_be(world: World, line: str, reason: str) -> None:
    assert refused(world.office(), line) == reason


def test_words_that_cannot_be_read(world: World) -> None:
    office = world.office()
    csr, *_ = enrol_line(world.csr).split()[1:]
    assert refused(office, f"ENROL {csr} ? ? ?") == "a word that is not base64"
    assert refused(office, f"ENROL {csr} AA== AA== AA==") == "a structure that ends after 1 bytes"
    endorsement = attest_line(world.endorsement, world.attestation).split()[1]
    assert refused(office, f"ATTEST {endorsement} AAEA") == "a key of type 0x1"


def test_a_refusal_is_not_a_credential() -> None:
    with pytest.raises(LabError, match="ERROR nobody has announced this TPM"):
        credential_from("ERROR nobody has announced this TPM")
    with pytest.raises(LabError, match="no reply"):
        credential_from(None)


# --- What anybody can make an office keep


def test_of_one_device_the_latest_challenges_are_open(world: World) -> None:
    """Whoever knows the certificate of a TPM can ask on its behalf, and hinders no other."""
    office = world.office()
    other = endorse(world.maker, endorsement_key(world.other), "TPM of another device")
    office.announce(other, "device-22")
    theirs = attestation_key(world.other)
    said = office.answer(attest_line(other, theirs), None)
    others = open_credential(world.other, credential_from(said))
    first, second = (world.evidence(office) for _ in range(2))
    for _ in range(MOST_OPEN - 1):
        office.answer(attest_line(world.endorsement, world.attestation), None)
    assert refused(office, enrol_line(world.csr, first)) == (
        "the statement answers no open challenge: it is not fresh"
    )
    issued = certificate_from(office.answer(enrol_line(world.csr, second), None))
    assert issued.subject.rfc4514_string() == "CN=device-21"
    csr = create_csr(world.other, world.folder / "others.key", "device-22")
    evidence = certify_key(world.other, world.folder / "others.key", others)
    issued = certificate_from(office.answer(enrol_line(csr, evidence), None))
    assert issued.subject.rfc4514_string() == "CN=device-22"


def test_an_answer_counts_once_also_at_the_same_time(world: World) -> None:
    office = world.office()
    line = enrol_line(world.csr, world.evidence(office))
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: office.answer(line, None), range(8)))
    assert sorted(each.startswith("ERROR") for each in said) == [False] + [True] * 7
    assert set(office.refusals) == {"the statement answers no open challenge: it is not fresh"}


def test_the_latest_refusals_are_remembered(world: World) -> None:
    office = world.office()
    for _ in range(MOST_REFUSALS + 5):
        office.answer("ENROL nothing", None)
    assert len(office.refusals) == MOST_REFUSALS

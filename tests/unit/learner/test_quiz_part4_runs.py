"""The run decides what is right in data/quiz.toml: a test for each question about Part 4.

Each plays the situation with software TPMs and real sockets and names the answer that this run
gives. Where there are wrong answers that would look alike in that run, they are ruled out as well.
"""

import ssl
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mtls_lab.attacks import key_in_tpm, lab_protections
from mtls_lab.common import LabError
from mtls_lab.enrolment import (
    Office,
    certificate_from,
    current_only,
    endorse,
    own_name,
    request,
    to_line,
)
from mtls_lab.experiments import search_memory, waiting_device
from mtls_lab.net import Backend, ask, ask_apart, server_context
from mtls_lab.pki import CertificateAuthority, Identity, Purpose, create_key, pem
from mtls_lab.tpm import (
    Attribute,
    Refusal,
    SoftwareTPM,
    attestation_key,
    create_csr,
    create_sealed_key,
    create_wrapped_key,
    endorsement_key,
    make_credential,
    measure,
    open_credential,
    policy_for,
)
from mtls_lab.wire import SECRET, Exchange, Stage
from tests.unit.lab import Lab, failed
from tests.unit.learner.quiz_runs import decides, without_a_run

pytestmark = pytest.mark.once


def ends(exchange: Exchange) -> tuple[Stage, str]:
    """Where the device's side failed, and in which words."""
    return exchange.device.stage, failed(exchange.device).text


def asks(lab: Lab, backend: Backend, folder: Path, chip: SoftwareTPM) -> Exchange:
    """Be the device of a folder, which has `own.crt` and `own.key`, at this TPM."""
    return ask_apart(
        "GET_SECRET",
        backend,
        certfile=folder / "own.crt",
        keyfile=folder / "own.key",
        server_ca=lab.ca_file,
        environment=chip.environment(folder),
        timeout=20,
    )


def certified(lab: Lab, folder: Path, chip: SoftwareTPM) -> None:
    csr = create_csr(chip, folder / "own.key", "trusted-client")
    pem.write_certificate(folder / "own.crt", lab.ca.sign(csr, Purpose.CLIENT))


def test_every_question_has_a_run() -> None:
    assert without_a_run("part4", sys.modules[__name__]) == set()


def test_new_board(lab: Lab, tmp_path: Path) -> None:
    with SoftwareTPM(tmp_path / "board") as chip, Backend(lab.mtls()) as backend:
        create_wrapped_key(chip, tmp_path / "own.key")
        certified(lab, tmp_path, chip)
        assert asks(lab, backend, tmp_path, chip).reply == SECRET
        with SoftwareTPM(tmp_path / "new") as other:
            moved = asks(lab, backend, tmp_path, other)
    assert ends(moved) == (Stage.SETUP, "[SSL] PEM lib (0x1df)")
    assert moved.backend is None
    decides("part4", "new_board", "unwrap")


def test_the_morning_after(tmp_path: Path) -> None:
    _, _, mutual, _ = lab_protections(tmp_path)
    ca = CertificateAuthority.load(tmp_path / "ca.crt", tmp_path / "ca.key")
    with SoftwareTPM(tmp_path / "tpm") as chip:
        device = key_in_tpm(chip, mutual, ca)
        assert device.certfile is not None
        assert device.keyfile is not None
        assert device.server_ca is not None
        files = (device.certfile, device.keyfile, device.server_ca)
        with waiting_device(*files, device.settings) as process:
            assert not search_memory(process, device.certfile).found
        with device.backend() as backend:
            (tmp_path / "thief").mkdir()
            copied = device.ask_with_copies(backend, tmp_path / "thief")
            before, served, resumed = device.ask_with_session(backend)
    assert ends(copied) == (Stage.SETUP, "[SSL] PEM lib (0x1df)")
    assert (before.reply, served.reply) == (None, SECRET)
    assert resumed is not None
    assert resumed.reply == SECRET
    assert {each.name for each in resumed.handshake.messages}.isdisjoint(
        {"Certificate", "CertificateVerify"}
    )
    decides("part4", "the_morning_after", "session")


def test_four_digits(tmp_path: Path) -> None:
    key = tmp_path / "pin.key"
    with SoftwareTPM(tmp_path / "tpm") as chip:
        create_wrapped_key(chip, key, pin="1234")
        assert create_csr(chip, key, "pump-7", pin="1234").is_signature_valid
        for guess in range(chip.lock.most):
            with pytest.raises(LabError, match="0x98e TPM_RC_AUTH_FAIL"):
                create_csr(chip, key, "pump-7", pin=f"{guess:04}")
        assert chip.lock.closed
        assert chip.lock.most < 10
        with pytest.raises(LabError, match="0x921 TPM_RC_LOCKOUT"):
            create_csr(chip, key, "pump-7", pin="1234")
    with (
        SoftwareTPM(tmp_path / "faster") as other,
        pytest.raises(LabError, match="0x1df TPM_RC_INTEGRITY"),
    ):
        create_csr(other, key, "pump-7", pin="1234")
    decides("part4", "four_digits", "locked")


def test_signed_request(tmp_path: Path) -> None:
    with SoftwareTPM(tmp_path / "tpm") as chip:
        create_wrapped_key(chip, tmp_path / "tpm.key")
        in_tpm = create_csr(chip, tmp_path / "tpm.key", "pump-7")
    in_file = request(create_key(), "pump-7")
    for csr in (in_tpm, in_file):
        assert csr.is_signature_valid
        assert len(csr.extensions) == 0
    assert in_tpm.subject == in_file.subject
    assert in_tpm.signature_algorithm_oid == in_file.signature_algorithm_oid
    apart_from_the_key = {
        csr.tbs_certrequest_bytes.replace(
            csr.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), b"KEY"
        )
        for csr in (in_tpm, in_file)
    }
    assert len(apart_from_the_key) == 1
    decides("part4", "signed_request", "somewhere")


def test_which_tpm(tmp_path: Path) -> None:
    maker = CertificateAuthority.create("TPM Maker")
    with SoftwareTPM(tmp_path / "tpm") as chip, SoftwareTPM(tmp_path / "other") as other:
        ek, ak = endorsement_key(chip), attestation_key(chip)
        endorse(maker, ek, "TPM of the test").verify_directly_issued_by(maker.certificate)
        assert Attribute.DECRYPT in ek.attributes
        assert Attribute.SIGN not in ek.attributes
        credential = make_credential(ek.key, ak.name, b"a secret")
        assert b"a secret" not in credential
        assert open_credential(chip, credential) == b"a secret"
        with pytest.raises(Refusal):
            open_credential(other, credential)
    decides("part4", "which_tpm", "decrypts")


class Fleet:
    """A CA for devices below a root, and what a backend trusts: CAs, each by itself."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab, self.folder = lab, folder
        self.root = CertificateAuthority.create("Device Root", below=1)
        self.old, self.new = (self.root.intermediate(f"Device CA {n}") for n in "12")

    def trusting(self, *cas: CertificateAuthority) -> ssl.SSLContext:
        pem.write_certificate(self.folder / "trusted.pem", *(ca.certificate for ca in cas))
        context = server_context(*self.lab.server_files, client_ca=self.folder / "trusted.pem")
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
        return context

    def listing(self, *, days: int) -> ssl.SSLContext:
        context = self.trusting(self.old)
        pem.write_crl(self.folder / "list.crl", self.old.crl(days=days))
        context.load_verify_locations(cafile=self.folder / "list.crl")
        context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
        return context

    def ask(self, backend: Backend, device: Identity, command: str = "GET_SECRET") -> Exchange:
        context = ssl.create_default_context(cafile=self.lab.ca_file)
        device.load_into(context)
        return ask(command, backend, context=context)


@pytest.fixture
def fleet(lab: Lab, tmp_path: Path) -> Fleet:
    return Fleet(lab, tmp_path)


def test_one_list(fleet: Fleet) -> None:
    office = Office(fleet.old, [own_name, current_only])
    stolen, good = (fleet.old.issue_client(f"device-{n}") for n in "12")
    office.announce(stolen.certificate)
    fleet.old.revoke(stolen.certificate)
    key = create_key()
    line = f"ENROL {to_line(request(key, 'device-1'))}"
    with Backend(fleet.trusting(fleet.root), answer=office.answer, name="office") as desk:
        issued = certificate_from(fleet.ask(desk, stolen, line).reply)
    renewed = replace(stolen, key=key, certificate=issued)
    codes = []
    for days in (7, 0):  # a list of today, and one that has expired
        with Backend(fleet.listing(days=days)) as backend:
            for device in (stolen, renewed, good):
                seen = fleet.ask(backend, device).backend
                assert seen is not None
                codes.append(seen.failure and seen.failure.verify_code)
    revoked, expired = 23, 12
    assert codes == [revoked, None, None, *[expired] * 3]
    decides("part4", "one_list", "renew")


ORDERS = {
    "trust_first": ("trust both", "issue", "two months", "trust the new"),
    "issue_first": ("issue", "trust both", "two months", "trust the new"),
    "same_root": ("trust both", "issue", "trust the new"),
    "swapped": ("trust the new", "issue"),
}


def refused(fleet: Fleet, steps: tuple[str, ...]) -> int:
    """Take the steps; after each, all call. Once the new CA issues, one device has renewed."""
    devices = [fleet.old.issue_client(f"device-{n}") for n in "123"]
    context, failed = fleet.trusting(fleet.old), 0
    for step in steps:
        match step:
            case "trust both":
                context = fleet.trusting(fleet.old, fleet.new)
            case "trust the new":
                context = fleet.trusting(fleet.new)
            case "issue":
                devices[0] = fleet.new.issue_client("device-1")
            case "two months":
                devices = [fleet.new.issue_client(f"device-{n}") for n in "123"]
        with Backend(context) as backend:
            failed += sum(not fleet.ask(backend, each).ok for each in devices)
    return failed


def test_new_ca(fleet: Fleet) -> None:
    counted = {name: refused(fleet, steps) for name, steps in ORDERS.items()}
    assert counted == {"trust_first": 0, "issue_first": 1, "same_root": 2, "swapped": 5}
    decides("part4", "new_ca", "trust_first")


def test_test_version(lab: Lab, tmp_path: Path) -> None:
    firmware, trial = b"firmware 1.0", b"a test version"
    with Backend(lab.mtls()) as backend:
        with SoftwareTPM(tmp_path / "chip") as chip:
            measure(chip, firmware)
            create_sealed_key(chip, tmp_path / "own.key", policy_for(firmware))
            certified(lab, tmp_path, chip)
            assert asks(lab, backend, tmp_path, chip).reply == SECRET
            for measured in (trial, firmware):
                measure(chip, measured)
                ended = ends(asks(lab, backend, tmp_path, chip))
                assert ended == (Stage.HANDSHAKE, "[SSL] EVP lib (0x99d)")
        with SoftwareTPM(tmp_path / "chip") as chip:
            measure(chip, firmware)
            assert asks(lab, backend, tmp_path, chip).reply == SECRET
    decides("part4", "test_version", "restart")

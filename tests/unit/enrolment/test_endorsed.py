"""A TPM as it leaves a factory: its maker's certificate is in it, for an RSA key, by a CA between.

`swtpm_setup` is the factory. Our own maker, and keys on P-256, are in test_attested.py.
"""

import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from mtls_lab import explain
from mtls_lab.common import LabError
from mtls_lab.enrolment import (
    AttestingOffice,
    attest_line,
    certificate_from,
    credential_from,
    enrol_line,
    not_endorsed,
)
from mtls_lab.enrolment.endorsement import ENDORSEMENT as FOR_ENDORSEMENT
from mtls_lab.enrolment.endorsement import MOST_BETWEEN
from mtls_lab.net import Backend, ask
from mtls_lab.pki import CertificateAuthority, Key, create_key
from mtls_lab.pki.leaf import name_of
from mtls_lab.tpm import (
    Conversation,
    Refusal,
    RSAPublic,
    SoftwareTPM,
    attestation_key,
    certify_key,
    create_csr,
    create_wrapped_key,
    endorsed,
    endorsement_certificates,
    make_credential,
    open_credential,
)
from mtls_lab.tpm.conversation import ENDORSEMENT
from mtls_lab.tpm.endorsed import RSA_ENDORSEMENT_KEY
from mtls_lab.wire.protocol import LONG_LINE, MAX_LINE
from tests.unit.failures import certify, usage, weak_rsa
from tests.unit.lab import needs

UNKNOWN = "no manufacturer that this office trusts has signed the certificate of this TPM"


@dataclass
class Factory:
    """A TPM with its certificate, the CAs behind it, and another TPM, without one."""

    folder: Path
    chip: SoftwareTPM
    other: SoftwareTPM
    certificate: x509.Certificate
    root: x509.Certificate
    between: x509.Certificate


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """The TPMs of the module have threads."""


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    needs("swtpm_setup", "swtpm-tools")
    folder = tmp_path_factory.mktemp("factory")
    for name in ("maker", "chip"):
        (folder / name).mkdir(mode=0o700)
    files = {"signingkey": "key.pem", "issuercert": "between.pem", "certserial": "serial"}
    ca = {"statedir": folder / "maker"} | {k: folder / "maker" / v for k, v in files.items()}
    tool = {
        "create_certs_tool": "/usr/bin/swtpm_localca",
        "create_certs_tool_config": folder / "ca.conf",
        "create_certs_tool_options": folder / "options",
    }
    (folder / "options").write_text("--platform-manufacturer Lab\n--platform-version 1\n")
    for path, told in (("ca.conf", ca), ("setup.conf", tool)):
        (folder / path).write_text("".join(f"{key} = {value}\n" for key, value in told.items()))
    line = ["swtpm_setup", "--tpm2", "--create-ek-cert", "--config", str(folder / "setup.conf")]
    subprocess.run(
        [*line, "--tpmstate", f"dir://{folder / 'chip'}"], check=True, capture_output=True
    )
    with SoftwareTPM(folder / "chip") as chip, SoftwareTPM(folder / "other") as other:
        (certificate,) = endorsement_certificates(chip)
        root = read(folder / "maker" / "swtpm-localca-rootca-cert.pem")
        yield Factory(folder, chip, other, certificate, root, read(folder / "maker/between.pem"))


@pytest.mark.once
def test_the_certificate_is_that_of_the_key_which_the_tpm_derives(factory: Factory) -> None:
    with Conversation(factory.chip) as tpm:
        _, area = tpm.create_primary(ENDORSEMENT, RSA_ENDORSEMENT_KEY)
    assert area.key == factory.certificate.public_key()
    assert str(area) == str(RSA_ENDORSEMENT_KEY)
    assert RSAPublic.read(area.encoded()) == area
    assert endorsement_certificates(factory.other) == []


@pytest.mark.once
def test_it_enrols_over_tls(factory: Factory) -> None:
    """The whole way of a chip as it is sold: its line is longer than any other of the protocol."""
    server, devices = CertificateAuthority.create("Server CA"), CertificateAuthority.create("CA")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.issue_server(["localhost"]).load_into(context)
    client = ssl.create_default_context(cadata=server.certificate.public_bytes(Encoding.DER))
    office = AttestingOffice(devices, [factory.root], between=[factory.between])
    office.announce(factory.certificate, "device-21")
    create_wrapped_key(factory.chip, factory.folder / "tpm.key")
    csr = create_csr(factory.chip, factory.folder / "tpm.key", "device-21")
    line = attest_line(factory.certificate, attestation_key(factory.chip))
    assert MAX_LINE < len(line) < LONG_LINE
    with Backend(context, answer=office.answer, name="office") as counter:
        asked = ask(line, counter, context=client)
        nonce = open_credential(factory.chip, credential_from(asked.reply))
        evidence = certify_key(factory.chip, factory.folder / "tpm.key", nonce)
        enrolled = ask(enrol_line(csr, evidence), counter, context=client)
    certificate = certificate_from(enrolled.reply)
    assert certificate.public_key() == csr.public_key()
    assert not office.refusals


@pytest.mark.once
def test_no_other_tpm_opens_what_is_for_this_one(factory: Factory) -> None:
    key = factory.certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    mine, theirs = (attestation_key(chip).name for chip in (factory.chip, factory.other))
    assert open_credential(factory.chip, make_credential(key, mine, b"a secret")) == b"a secret"
    not_its_key = {"tpm_failure", "tpm_value"}  # swtpm 0.7, and 0.10
    for chip, name, entries in (
        (factory.other, theirs, not_its_key),
        (factory.other, mine, not_its_key),
        (factory.chip, theirs, {"tpm_credential"}),
    ):
        with pytest.raises(Refusal, match="ActivateCredential: ") as caught:
            open_credential(chip, make_credential(key, name, b"a secret"))
        assert explain(caught.value).entry in entries
    assert attestation_key(factory.other).name == theirs  # it has not failed as a whole


@pytest.mark.once
def test_what_is_no_credential_is_refused_by_the_tpm(factory: Factory) -> None:
    for damaged in (b"", b"\0\1", bytes(300)):
        with pytest.raises(Refusal, match="ActivateCredential: "):
            open_credential(factory.chip, damaged)


@pytest.mark.once
def test_each_ca_of_the_chain_is_needed(factory: Factory) -> None:
    assert not_endorsed(factory.certificate, [factory.root], [factory.between]) is None
    assert not_endorsed(factory.certificate, [factory.between]) is None  # its word is taken
    assert not_endorsed(factory.certificate, [factory.root]) == UNKNOWN
    assert not_endorsed(factory.certificate, [], [factory.between, factory.root]) == UNKNOWN
    maker = factory.folder / "maker"
    (factory.folder / "ek.pem").write_bytes(factory.certificate.public_bytes(Encoding.PEM))
    files = {
        "-CAfile": maker / "swtpm-localca-rootca-cert.pem",
        "-untrusted": maker / "between.pem",
        "-ignore_critical": factory.folder / "ek.pem",  # it has a name of the TCG's own kind
    }
    words = [str(word) for pair in files.items() for word in pair]
    said = subprocess.run(["openssl", "verify", *words], capture_output=True, text=True, check=True)
    assert said.stdout.endswith("ek.pem: OK\n")


# --- Chains that are not what they should be

DAY = timedelta(days=1)


def signed(
    name: str,
    key: Key,
    by: tuple[x509.Name, Key] | None = None,
    *,
    ca: bool = True,
    length: int | None = None,
    signs: bool = True,
    days: int = 1,
) -> x509.Certificate:
    """A certificate, as somebody might make one."""
    issuer, signer = by or (name_of(name), key)
    extensions = [
        (x509.BasicConstraints(ca=ca, path_length=length), True),
        usage(digital_signature=not signs, key_cert_sign=signs),
        (x509.ExtendedKeyUsage([FOR_ENDORSEMENT]), False),
    ]
    if ca or signs:
        del extensions[-1]
    return certify(name, key, issuer, signer, *extensions, days=(-10, days))


ROOT, MIDDLE, LOWER, CHIP = (create_key() for _ in range(4))
TOP = signed("Root", ROOT)
EK = signed("TPM", CHIP, (name_of("Middle"), MIDDLE), ca=False, signs=False)


def middle(**changes: bool | int) -> x509.Certificate:
    return signed("Middle", MIDDLE, (name_of("Root"), ROOT), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"length": 0}, None),
        ({"ca": False}, UNKNOWN),
        ({"signs": False}, UNKNOWN),
        ({"days": -1}, UNKNOWN),
    ],
)
def test_a_ca_between(changes: dict[str, bool | int], reason: str | None) -> None:
    assert not_endorsed(EK, [TOP], [middle(**changes)]) == reason


def test_a_ca_below_one_that_allows_none() -> None:
    lower = signed("Lower", LOWER, (name_of("Middle"), MIDDLE))
    deep = signed("TPM", CHIP, (name_of("Lower"), LOWER), ca=False, signs=False)
    assert not_endorsed(deep, [TOP], [lower, middle(length=1)]) is None
    assert not_endorsed(deep, [TOP], [lower, middle(length=0)]) == UNKNOWN
    assert not_endorsed(deep, [signed("Root", ROOT, length=0)], [lower, middle()]) == UNKNOWN


def test_cas_that_sign_each_other_end() -> None:
    circle = [
        signed("Middle", MIDDLE, (name_of("Lower"), LOWER)),
        signed("Lower", LOWER, (name_of("Middle"), MIDDLE)),
    ]
    assert not_endorsed(EK, [TOP], circle) == UNKNOWN
    assert not_endorsed(EK, [TOP], [*circle, middle()]) is None


def test_a_chain_has_an_end() -> None:
    keys = [ROOT, *(create_key() for _ in range(MOST_BETWEEN + 1))]
    cas = [
        signed(f"CA {depth}", key, (name_of(f"CA {depth - 1}"), above))
        for depth, (above, key) in enumerate(pairwise(keys), start=1)
    ]
    top = signed("CA 0", ROOT)
    for depth, reason in ((MOST_BETWEEN, None), (MOST_BETWEEN + 1, UNKNOWN)):
        by = (name_of(f"CA {depth}"), keys[depth])
        assert not_endorsed(signed("TPM", CHIP, by, ca=False, signs=False), [top], cas) == reason


def test_other_keys_are_told() -> None:
    told = "the endorsement key is neither on the curve P-256 nor RSA of 2048 bits"
    for key in (ec.generate_private_key(ec.SECP384R1()), weak_rsa()):
        shown = signed("TPM", key, (name_of("Root"), ROOT), ca=False, signs=False)  # type: ignore[arg-type]
        assert not_endorsed(shown, [TOP]) == told


# --- The memory of a TPM


def test_a_place_may_be_longer_than_its_certificate() -> None:
    der = EK.public_bytes(Encoding.DER)
    for rest in (b"", b"\xff" * 300, bytes(300)):
        assert endorsed._certificate(der + rest) == EK
    for wrong in (b"\xff" * 300, b"\x30\x82", der[:-1]):
        with pytest.raises(LabError, match="no certificate where a TPM has that"):
            endorsed._certificate(wrong)

"""Causes that files rule out: each is told as ruled out, and none that a file shows."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from mtls_lab.common import read_facts
from mtls_lab.explaining import Explanation, explain
from mtls_lab.explaining.excerpt import READ
from mtls_lab.pki import CertificateAuthority, Identity, Purpose, pem

pytestmark = pytest.mark.once  # texts and files, read by our own code

UNKNOWN_CA = "remote error: tls: unknown certificate authority"
BAD = "remote error: tls: bad certificate"


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority.create("Example CA")


@pytest.fixture(scope="module")
def device(ca: CertificateAuthority) -> Identity:
    return ca.issue_client("app")


def asked(
    line: str, folder: Path, identity: Identity, ca: CertificateAuthority | None
) -> Explanation:
    certfile, keyfile = identity.save(folder, "app")
    cafile = folder / "ca.pem" if ca else None
    if ca and cafile:
        pem.write_certificate(cafile, ca.certificate)
    return explain(line, certfile=certfile, keyfile=keyfile, cafile=cafile)


def causes_of(entry: dict[str, Any]) -> Iterator[dict[str, str]]:
    for part in (entry, entry.get("device", {}), entry.get("backend", {})):
        why = part.get("why", ())
        yield from (cause for cause in why if isinstance(cause, dict))


def test_every_fault_is_known_and_every_look_is_one() -> None:
    """A cause with a fault can be ruled out, and whatever is found in a file is of a fault."""
    faults = read_facts("faults")
    for entry in read_facts("explanations").values():
        for cause in causes_of(entry):
            fault = cause.get("fault", cause.get("measured", "none"))
            assert fault in faults or fault == "none"
    looks = {look for fault in faults.values() for look in fault["looks"]}
    assert {finding["look"] for finding in read_facts("findings").values()} <= looks


def test_good_files_leave_that_others_are_in_use(
    tmp_path: Path, ca: CertificateAuthority, device: Identity
) -> None:
    told = asked(UNKNOWN_CA, tmp_path, device, ca)
    assert "something else than these files" in told.causes[0]
    assert told.ruled_out.startswith("ruled out by …/")
    for cause in ("signed by another CA", "self-signed", "an intermediate CA is missing"):
        assert cause in told.ruled_out
    assert not [each for each in told.causes if re.search("another CA signed|self-signed", each)]


def test_what_a_file_shows_is_not_ruled_out(tmp_path: Path, device: Identity) -> None:
    other = CertificateAuthority.create("Other CA")
    told = asked(UNKNOWN_CA, tmp_path, device, other)
    assert told.why.startswith("In these files, the issuer of CN=app is CN=Example CA")
    assert told.ruled_out == ""


def test_a_certificate_alone_rules_out_what_it_can(tmp_path: Path, device: Identity) -> None:
    told = asked(BAD, tmp_path, device, None)
    assert told.ruled_out.endswith("app.crt: expired, self-signed, not valid yet")
    assert not [each for each in told.causes if "expired" in each]
    assert [each for each in told.causes if "does not trust the CA" in each]


def test_a_bare_alert_and_a_certificate_for_servers(
    tmp_path: Path, ca: CertificateAuthority
) -> None:
    """Whose certificate it is, nobody has said."""
    told = asked(BAD, tmp_path, ca.issue("app", Purpose.SERVER), ca)
    assert told.causes[0].startswith("if this certificate is the client's: extendedKeyUsage")
    assert "has no clientAuth" in told.causes[0]
    assert sum("extendedKeyUsage" in each for each in told.causes) == 1


def test_files_that_load_leave_that_others_are_loaded(tmp_path: Path, device: Identity) -> None:
    told = asked("ssl.SSLError: [SSL] PEM lib (_ssl.c:3900)", tmp_path, device, None)
    assert told.why == "What is left: the program loads other files than these, which can be read."
    assert "names exchanged" in told.ruled_out


def test_a_locked_key_with_its_password_may_lack_it_in_the_program(
    tmp_path: Path, device: Identity
) -> None:
    certfile, keyfile = device.save(tmp_path, "app")
    locked = device.key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"hush")
    )
    keyfile.write_bytes(locked)
    told = explain("[SSL] PEM lib", certfile=certfile, keyfile=keyfile, password="hush")
    assert "the key has a password, and none or a wrong one was given" in told.why
    assert "another form than PEM" in told.ruled_out


def test_the_chain_in_a_bundle_is_looked_into(
    tmp_path: Path, ca: CertificateAuthority, device: Identity
) -> None:
    pem.write_pkcs12(tmp_path / "app.p12", device, b"hush")
    other = CertificateAuthority.create("Other CA")
    pem.write_certificate(tmp_path / "ca.pem", other.certificate)
    ask = partial(explain, UNKNOWN_CA, certfile=tmp_path / "app.p12", cafile=tmp_path / "ca.pem")
    told = ask(password="hush")
    assert told.why.startswith("In these files, the issuer of CN=app is CN=Example CA")
    pem.write_certificate(tmp_path / "ca.pem", ca.certificate)
    assert "signed by another CA" in ask(password="hush").ruled_out


REJECTED = "2026.11.26 07:58:37 LOG4[0]: Rejected by CERT at depth=0: CN=app"


def test_files_rule_out_what_runs_have_told(
    tmp_path: Path, device: Identity, ca: CertificateAuthority
) -> None:
    told = asked(REJECTED, tmp_path, device, ca)
    assert told.entry == "said_of_the_device"
    assert told.ruled_out.endswith(
        "signed by another CA, not for this purpose, expired, self-signed, not valid yet"
    )
    first, second = told.causes
    assert first.startswith("what the two sides really use is something else than these files")
    assert second.startswith("the certificate is right, and the server's rule does not allow")


def test_a_file_shows_what_runs_have_told(tmp_path: Path, ca: CertificateAuthority) -> None:
    other = CertificateAuthority.create("Other CA").issue_client("app")
    told = asked(REJECTED, tmp_path, other, ca)
    assert told.entry == "said_of_the_device"
    assert told.why.startswith("In these files, ")
    assert told.causes == ()


def test_the_causes_that_runs_have_told_are_ruled_out(
    tmp_path: Path, device: Identity, ca: CertificateAuthority
) -> None:
    told = asked("curl: (60) SSL certificate verification failed", tmp_path, device, ca)
    assert told.entry == "said_of_the_device"
    assert told.ruled_out.endswith("app.crt: expired, not valid yet")
    assert told.why.startswith("What is left: what the two sides really use")


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_bytes_are_told_by_runs_and_by_their_end(kind: type[bytes | bytearray]) -> None:
    log = "all is well\n" * (READ // 8) + REJECTED
    assert explain(kind(log.encode())) == explain(log)
    assert explain(log).entry == "said_of_the_device"


def test_the_ruled_out_are_on_the_card(
    tmp_path: Path, ca: CertificateAuthority, device: Identity
) -> None:
    told = asked(UNKNOWN_CA, tmp_path, device, ca)
    assert "ruled out by" in told._repr_html_()
    assert "\nNot:   ruled out by" in str(told)
    assert "Not:" not in str(replace(told, ruled_out=""))


def test_what_only_other_libraries_say_is_no_cause() -> None:
    """Unless it is not known which of them has verified."""
    java = explain("PKIX path building failed: unable to find valid certification path").why
    rustls = explain("invalid peer certificate: UnknownIssuer").why
    openssl = explain("unable to get local issuer certificate").why
    assert ("(Chrome, Go" in java, "(rustls," in java) == (True, False)
    assert ("(Chrome, Go" in rustls, "(rustls," in rustls) == (False, True)
    assert ("(Chrome, Go" in openssl, "(rustls," in openssl) == (False, False)
    unknown = explain("pumpd: unknown certificate authority").why
    assert ("(Chrome, Go" in unknown, "(rustls," in unknown) == (True, True)

"""Every credential of data/credentials.toml against a real backend, and how they are made."""

import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from mtls_lab import CertificateAuthority, Exchange, Stage, ask, serve
from mtls_lab.common import UnknownName
from mtls_lab.experiments import CredentialStore, catalogue
from mtls_lab.net import Backend, only_trusted_client
from mtls_lab.pki import pem
from mtls_lab.wire import SECRET, Expected
from tests.unit.lab import VERSIONS, Lab, spelled

NAMES = list(catalogue())


@pytest.fixture
def backend(lab: Lab) -> Iterator[Backend]:
    with serve(lab.mtls(), authorize=only_trusted_client) as backend:
        yield backend


def present(lab: Lab, backend: Backend, name: str, version: ssl.TLSVersion) -> Exchange:
    return ask("GET_SECRET", backend, context=lambda: lab.device(name, version))


def seen(exchange: Exchange) -> tuple[Expected, Expected | None]:
    backend = Expected.seen(exchange.backend) if exchange.backend else None
    return Expected.seen(exchange.device), backend


@pytest.mark.parametrize("name", NAMES)
def test_outcome(lab: Lab, backend: Backend, name: str, version: ssl.TLSVersion) -> None:
    entry = catalogue()[name]
    exchange = present(lab, backend, name, version)
    assert seen(exchange) == (entry.device[spelled(version)], entry.backend)
    assert exchange.ok is (name == "valid")
    assert (exchange.reply == SECRET) is (name == "valid")


@pytest.fixture
def busy() -> Iterator[None]:
    """Load both cores for the length of a test."""
    with ExitStack() as stack:
        for _ in range(2):
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", "print(flush=True)\nwhile True: pass"],
                    stdout=subprocess.PIPE,
                )
            )
            stack.callback(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline()  # it runs
        yield


@pytest.mark.once
@pytest.mark.usefixtures("busy")
def test_soak(lab: Lab, backend: Backend) -> None:
    """The same outcome every time, also on a busy machine; tests/benchmarks has the long one."""
    expected = {
        (name, version): (entry.device[spelled(version)], entry.backend)
        for name, entry in catalogue().items()
        for version in VERSIONS
    }
    for _ in range(3):
        assert {key: seen(present(lab, backend, *key)) for key in expected} == expected


def test_the_catalogue_is_complete() -> None:
    entries = catalogue()
    assert NAMES[0] == "valid"
    assert len({entry.title for entry in entries.values()}) == len(entries)
    for name, entry in entries.items():
        assert entry.title
        assert set(entry.device) == {spelled(version) for version in VERSIONS}
        if name == "valid":
            assert entry.wrong == ""
            assert entry.backend == Expected(Stage.APPLICATION)
        else:
            assert entry.wrong.endswith(".")
        if entry.backend is None:  # then it never gets there
            assert {expected.stage for expected in entry.device.values()} == {Stage.SETUP}
        else:
            assert (entry.backend.reason == "") is (name == "valid")


@pytest.mark.parametrize("name", NAMES)
def test_in_tls_1_2_only_the_stage_differs(name: str) -> None:
    new, old = (catalogue()[name].device[spelled(version)] for version in VERSIONS)
    if new.stage is not Stage.FIRST_READ:
        assert new == old
        return
    assert old.stage is Stage.HANDSHAKE
    if name != "none":  # that alert is new in 1.3: RFC 8446, section 4.4.2.4
        assert new.reason == old.reason


# --- The store


def test_an_unknown_name_lists_the_known_ones(lab: Lab) -> None:
    with pytest.raises(UnknownName) as caught:
        lab.store.files("stolen")
    assert caught.value.found == "no credential 'stolen'"
    assert caught.value.expected == f"one of {', '.join(NAMES)}"


def test_an_unknown_signer(lab: Lab) -> None:
    entry = replace(catalogue()["valid"], signed_by="a-friend")
    with pytest.raises(UnknownName, match="no signer 'a-friend'\nExpected: one of device-ca, an"):
        lab.store._issue(entry)


def test_files(lab: Lab, tmp_path: Path) -> None:
    store = CredentialStore(lab.ca, tmp_path / "store")
    made = {name: store.files(name) for name in NAMES}
    assert made.pop("none") == ()
    assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o700
    for name, files in made.items():
        assert [file.name for file in files] == [f"{name}.crt", f"{name}.key"]
        assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o644, 0o600]
    assert len(list((tmp_path / "store").iterdir())) == 2 * len(made)


def test_a_credential_is_made_once_and_when_it_is_asked_for(lab: Lab, tmp_path: Path) -> None:
    store = CredentialStore(lab.ca, tmp_path)
    assert list(tmp_path.iterdir()) == []
    files = store.files("expired")
    assert files is not None
    before = files[0].read_bytes()
    assert store.files("expired") == files
    assert files[0].read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["expired.crt", "expired.key"]


def test_the_list_holds_what_is_revoked_and_nothing_else(tmp_path: Path) -> None:
    store = CredentialStore(CertificateAuthority.create("Lab CA"), tmp_path)
    crl = x509.load_pem_x509_crl(store.crl().read_bytes())
    files = store.files("revoked")
    assert files is not None
    revoked = pem.read_certificate(files[0])
    assert [entry.serial_number for entry in crl] == [revoked.serial_number]


def test_what_is_sent_along(lab: Lab) -> None:
    for name in NAMES:
        if files := lab.store.files(name):
            certificates = x509.load_pem_x509_certificates(files[0].read_bytes())
            assert len(certificates) == (2 if catalogue()[name].send_ca else 1)


def test_the_same_named_ca_has_the_name_only(lab: Lab) -> None:
    files = lab.store.files("same_named_ca")
    assert files is not None
    certificate = pem.read_certificate(files[0])
    assert certificate.issuer == lab.ca.certificate.subject
    authority = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    own = lab.ca.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert authority.key_identifier != own.digest

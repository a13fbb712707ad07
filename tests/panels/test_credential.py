"""The credential panel tells the truth whatever else has used its folder, and in any order."""

from html import unescape

import pytest

from mtls_lab import CertificateAuthority, CredentialStore, Purpose, enter, pem
from mtls_lab.experiments import catalogue
from mtls_lab.panels import CredentialPanel

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def panel() -> CredentialPanel:
    enter(4)
    return CredentialPanel()


def revoked_is_refused(panel: CredentialPanel) -> bool:
    """Whether the backend says "certificate revoked", verify code 23."""
    backend = panel.select("revoked").backend
    return bool(backend and backend.failure and backend.failure.verify_code == 23)


def test_another_store_of_the_same_folder(panel: CredentialPanel) -> None:
    """A cell that makes a store and its list, before or after the panel was used."""
    assert revoked_is_refused(panel)
    store = CredentialStore(CertificateAuthority.load("ca/ca.crt", "ca/ca.key"), panel_folder())
    store.crl()
    assert revoked_is_refused(panel)
    # And the other way round: the panel has written the files, and the store writes its own.
    certfile, _ = store.files("revoked")
    assert (
        store.device_ca.crl().get_revoked_certificate_by_serial_number(
            pem.read_certificate(certfile).serial_number
        )
        is not None
    )


def test_two_panels(panel: CredentialPanel) -> None:
    """A cell that was run twice, the first output still on another page."""
    again = CredentialPanel()
    for each in (panel, again, panel, again):
        assert revoked_is_refused(each)


def test_every_credential_after_another_store_made_all(panel: CredentialPanel) -> None:
    store = CredentialStore(CertificateAuthority.load("ca/ca.crt", "ca/ca.key"), panel_folder())
    for name in catalogue():
        store.files(name)
        assert panel.select(name).ok is (name == "valid"), name


def test_a_new_ca_after_the_panel(panel: CredentialPanel) -> None:
    """Part 2 is run again beside an open panel: its CA and its backend's certificate are new."""
    ca = CertificateAuthority.create("Lab CA")
    pem.write_key("ca/ca.key", ca.key)
    for file in ("ca/ca.crt", "device/server_ca.pem", "backend/client_ca.pem"):
        pem.write_certificate(file, ca.certificate)
    ca.issue("localhost", Purpose.SERVER, names=["localhost"]).save("backend", "server")
    assert panel.select("valid").ok
    assert revoked_is_refused(panel)


def panel_folder() -> str:
    return "device/credentials"


def test_what_is_wrong_with_a_name_depends_on_the_rule(panel: CredentialPanel) -> None:
    said = catalogue()["unauthorized_name"]
    assert said.without_rule
    for by_name, told, other in (
        (True, said.wrong, said.without_rule),
        (False, said.without_rule, said.wrong),
    ):
        assert panel.select("unauthorized_name", by_name=by_name).ok is not by_name
        page = unescape(panel._result.value)
        assert told in page
        assert other not in page

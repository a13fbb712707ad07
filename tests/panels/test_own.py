"""Somebody's own files in every form: what is in them, and what is wrong with them."""

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
    pkcs12,
)

from mtls_lab.common import FileProblem, LabError, UnknownName
from mtls_lab.experiments import Workbench
from mtls_lab.experiments.own import look_into
from mtls_lab.panels import CertificatePanel, WorkbenchPanel
from mtls_lab.pki import CertificateAuthority, Purpose, pem

PASSWORD = "hush"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An engineer's folder: an RSA key, a leaf with three kinds of names, an intermediate CA."""
    folder = tmp_path_factory.mktemp("own")
    root = CertificateAuthority.create("Own Root", below=1)
    issuing = root.intermediate("Own Issuing CA")
    key = rsa.generate_private_key(65537, 2048)
    model = issuing.issue("web", Purpose.SERVER, names=["web.example", "10.0.0.1"]).certificate
    names = model.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    more = [*names, x509.UniformResourceIdentifier("https://web.example/<b>")]
    builder = x509.CertificateBuilder(
        model.issuer, model.subject, key.public_key(), x509.random_serial_number()
    ).not_valid_before(model.not_valid_before_utc)
    builder = builder.not_valid_after(model.not_valid_after_utc)
    for extension in model.extensions:
        value = extension.value
        if isinstance(value, x509.SubjectAlternativeName):
            value = x509.SubjectAlternativeName(more)
        if not isinstance(value, x509.SubjectKeyIdentifier):
            builder = builder.add_extension(value, extension.critical)
    leaf = builder.sign(issuing.key, hashes.SHA256())
    chain = [leaf, issuing.certificate]
    pem.write_certificate(folder / "web.crt", *chain)
    pem.write_certificate(folder / "alone.crt", leaf)
    pem.write_certificate(folder / "root.pem", root.certificate)
    issuing.revoke(leaf)
    pem.write_crl(folder / "web.crl", issuing.crl())
    form = PrivateFormat.PKCS8
    lock = BestAvailableEncryption(PASSWORD.encode())
    (folder / "web.key").write_bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))
    (folder / "locked.key").write_bytes(key.private_bytes(Encoding.PEM, form, lock))
    bundle = pkcs12.serialize_key_and_certificates(b"web", key, leaf, chain[1:], lock)
    (folder / "web.p12").write_bytes(bundle)
    (folder / "web.p7b").write_bytes(pkcs7.serialize_certificates(chain[::-1], Encoding.DER))
    for path in folder.glob("*.key"):
        path.chmod(0o600)
    root.issue_client("other").save(folder, "other")
    return folder


@pytest.fixture
def here(files: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(files)
    return files


FORMS = {
    "web.crt": {"keyfile": "web.key"},
    "web.p12": {"password": PASSWORD},
    "web.p7b": {},
}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("name", FORMS)
def test_a_whole_chain_in_any_form(name: str) -> None:
    own = look_into(name, cafile="root.pem", role="server", **FORMS[name])
    assert [each.subject.rfc4514_string() for each in own.certificates] == [
        "CN=web",
        "CN=Own Issuing CA",
    ]
    assert own.findings_told == ()
    assert (own.key is None) == (name == "web.p7b")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("name", "with_", "told"),
    [
        ("alone.crt", {"cafile": "root.pem"}, "neither in alone.crt nor in root.pem"),
        ("web.crt", {"keyfile": "other.key"}, "other.key is not the key of a certificate"),
        ("web.crt", {"role": "client"}, "extendedKeyUsage of web.crt has no clientAuth"),
        ("web.crt", {"keyfile": "locked.key"}, "with a password, which was not given"),
        ("web.crt", {"keyfile": "locked.key", "password": "no"}, "this one does not open it"),
        ("web.crt", {"keyfile": "root.pem"}, "root.pem holds a certificate"),
        ("web.crt", {"cafile": "web.key"}, "web.key holds a private key"),
    ],
)
def test_what_is_wrong_is_a_sentence(name: str, with_: dict[str, str], told: str) -> None:
    assert [each for each in look_into(name, **with_).findings_told if told in each]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("name", "password", "found"),
    [
        ("nope.crt", None, "cannot be read"),
        (".", None, "cannot be read"),
        ("web.key", None, "holds a private key"),
        ("web.p12", None, "with a password, and none was given"),
        ("web.p12", "no", "does not open it"),
    ],
)
def test_no_certificate_in_it(name: str, password: str | None, found: str) -> None:
    with pytest.raises(FileProblem, match=found):
        look_into(name, password=password)
    panel = CertificatePanel(name, password=password)
    assert isinstance(panel.value, FileProblem)
    assert panel._card.value == ""


def test_a_role_that_does_not_exist(here: Path) -> None:
    with pytest.raises(UnknownName, match="no role 'judge'"):
        look_into(here / "web.crt", role="judge")
    with pytest.raises(UnknownName, match="no role 'judge'"):
        CertificatePanel("web.crt", role="judge")


# --- In the panels


@pytest.mark.usefixtures("here")
def test_the_panel_has_each_certificate_and_what_is_wrong() -> None:
    panel = CertificatePanel(
        "web.crt", keyfile="other.key", cafile="root.pem", crlfile="web.crl", role="client"
    )
    assert "other.key is not the key" in panel._result.value
    assert "the certificate of CN=web is on the revocation list" in str(panel)
    assert "has no clientAuth" in str(panel)
    assert "https://web.example/&lt;b&gt;" in panel._card.value
    assert panel.select("web.crt, number 2").subject.rfc4514_string() == "CN=Own Issuing CA"
    assert "Finding" in panel._repr_mimebundle_()["text/html"]
    good = CertificatePanel("web.p12", password=PASSWORD, cafile="root.pem", role="server")
    assert "No fault found" in good._result.value
    assert PASSWORD not in str(good._repr_mimebundle_()) + good._result.value


@pytest.mark.usefixtures("here")
def test_a_file_that_goes_with_it_is_missing() -> None:
    panel = CertificatePanel("web.crt", keyfile="nope.key")
    assert isinstance(panel.value, FileProblem)
    assert "no file nope.key" in str(panel)


@pytest.mark.usefixtures("here")
def test_own_certificate_on_the_workbench() -> None:
    panel = WorkbenchPanel("web.p12", cafile="root.pem", password=PASSWORD)
    accepted = {(each.role, each.strict): each.failure is None for each in panel.value.trials}
    assert accepted == {
        ("as a server", False): True,
        ("as a server", True): True,
        ("as a client", False): False,
        ("as a client", True): False,
    }
    assert "extendedKeyUsage" in panel._below.value
    assert all(switch.disabled for switch in panel._switches.values())
    assert "web.p12" in panel._repr_mimebundle_()["text/html"]
    made = panel.select()
    assert made.recipe is not None
    assert not any(switch.disabled for switch in panel._switches.values())
    assert panel.select_own().title == "web.p12"


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("with_", "found"),
    [
        ({"keyfile": "web.key"}, "no CA's certificate"),
        ({"cafile": "root.pem"}, "no private key"),
        ({"cafile": "root.pem", "keyfile": "other.key"}, "is not the key of a certificate"),
        ({"cafile": "root.pem", "keyfile": "locked.key"}, "with a password"),
    ],
)
def test_what_a_handshake_needs(with_: dict[str, str], found: str) -> None:
    panel = WorkbenchPanel("web.crt", **with_)
    assert isinstance(panel.value, LabError)
    assert found in str(panel)
    with pytest.raises(LabError, match=found):
        Workbench().judge_own(look_into("web.crt", **with_))


def test_nothing_of_ones_own_to_try() -> None:
    with pytest.raises(LabError, match="no certificate of your own"):
        WorkbenchPanel().select_own()

"""The certificate panel and the workbench, without a page: what they show, and that it is true."""

import re
import ssl
import sys
import tomllib
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.x509.oid import ExtensionOID, NameOID

from mtls_lab import CertificateAuthority, ask
from mtls_lab.common import FileProblem, LabError, UnknownName, resource_folder
from mtls_lab.experiments import Recipe, Workbench
from mtls_lab.experiments import trying as trial
from mtls_lab.experiments.trying import STRICT
from mtls_lab.experiments.workbench import CHOICES, Trial, Trials
from mtls_lab.explaining import explain
from mtls_lab.net import Backend
from mtls_lab.panels import CertificatePanel, WorkbenchPanel
from mtls_lab.panels.certificate import card
from mtls_lab.panels.verdicts import FOLDED
from mtls_lab.pki import Key, Purpose, create_key, oid_name, read_fields, write_certificate
from mtls_lab.pki.description import MISSING
from tests.unit.failures import certify
from tests.unit.lab import failed

HOSTILE = "<img src=x onerror=alert(1)>"
OLD, NEW = "Python ≤ 3.12", "Python 3.13, strict"


def facts(name: str) -> dict[str, Any]:
    return tomllib.loads((resource_folder("data") / f"{name}.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority.create("Lab CA")


def self_signed(
    key: Key | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey,
    *extensions: tuple[x509.ExtensionType, bool],
    subject: str = "odd",
) -> x509.Certificate:
    """A certificate with extensions that the lab's CA does not write."""
    return certify(subject, key, subject, key, *extensions)


# --- The facts


def test_the_facts_cover_every_extension_of_rfc_5280() -> None:
    sections = {fact["rfc"] for fact in facts("fields").values() if "oid" in fact}
    standard = {f"RFC 5280, 4.2.1.{number}" for number in range(1, 16)}
    standard |= {"RFC 5280, 4.2.2.1", "RFC 5280, 4.2.2.2"}
    rare = {"RFC 5280, 4.2.1.8"}  # subject directory attributes: nobody uses them
    assert standard - rare <= sections


@pytest.mark.parametrize("name", [name for name, fact in facts("fields").items() if "oid" in fact])
def test_the_name_of_an_extension_belongs_to_its_oid(name: str) -> None:
    known = oid_name(x509.ObjectIdentifier(facts("fields")[name]["oid"]))
    assert known.lower() in {
        name.lower(),
        f"{name}s".lower(),
        name.lower().replace("info", "information"),
    }


def test_every_note_of_the_workbench_is_about_a_choice() -> None:
    for part, notes in facts("workbench")["notice"].items():
        assert notes.keys() <= {str(choice).lower() for choice in CHOICES[part]} | set(
            CHOICES[part]
        )


# --- The card


def test_a_card_has_every_field_with_its_purpose_and_its_source(ca: CertificateAuthority) -> None:
    certificate = ca.issue_server(["localhost", "127.0.0.1"]).certificate
    shown = card(certificate).replace(" UTC</span>", " UTC").replace("<span>20", "20")
    fields = read_fields(certificate)
    assert [field.name for field in fields] == [
        *("subject", "issuer", "validity", "basicConstraints", "keyUsage", "extendedKeyUsage"),
        *("subjectAltName", "subjectPublicKeyInfo", "subjectKeyIdentifier"),
        *("authorityKeyIdentifier", "serialNumber", "signatureAlgorithm", "version"),
    ]
    for field in fields:
        assert field.value in shown.replace(":<wbr>", ":")
        assert (field.value in shown) is not field.name.endswith("KeyIdentifier")  # two long ones
        assert field.rfc in shown
        assert f'#section-{field.rfc.rpartition(" ")[2]}"' in shown
    assert [field.name for field in fields if field.critical] == ["basicConstraints", "keyUsage"]
    assert shown.count(">critical<") == 2


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ((0, 90), "✓ in date, 89 more days"),
        ((-9, -1), "✗ expired"),
        ((1, 9), "✗ not valid yet"),
    ],
)
def test_a_card_says_whether_its_dates_are_good(
    ca: CertificateAuthority, days: tuple[int, int], said: str
) -> None:
    assert said in card(ca.issue("device", Purpose.CLIENT, valid_days=days).certificate)


def test_what_holds_a_certificate_is_told_from_one(ca: CertificateAuthority) -> None:
    """It said: expected str, bytes or os.PathLike object, not Identity."""
    given: Any = ca.issue_client("device-7")
    with pytest.raises(LabError) as caught:
        CertificatePanel(given)
    assert caught.value.found == "CertificatePanel was given an Identity"
    assert caught.value.todo == "give what is in it: CertificatePanel(….certificate)"


def test_what_a_certificate_says_is_never_html() -> None:
    names = x509.SubjectAlternativeName(
        [
            x509.DNSName(HOSTILE),
            x509.UniformResourceIdentifier(f"http://{HOSTILE}"),
            x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOSTILE)])),
        ]
    )
    certificate = self_signed(create_key(), (names, False), subject=HOSTILE)
    panel = CertificatePanel(certificate)
    page = panel._result.value + panel._card.value + panel._repr_mimebundle_()["text/html"]
    assert page.count("&lt;img src=x onerror") >= 5
    assert "<img" not in page
    assert panel.select(HOSTILE) is certificate


def test_what_cannot_be_seen_is_written_out() -> None:
    certificate = self_signed(create_key(), subject="safe\u202etxt.exe\nsecond line")
    panel = CertificatePanel(certificate)
    assert r"safe\u202etxt.exe\u000asecond line" in panel._card.value
    assert "\u202e" not in panel._card.value + str(panel)


def test_extensions_that_the_lab_does_not_know() -> None:
    oid = x509.ObjectIdentifier("1.3.6.1.4.1.55555.1")
    unknown = x509.UnrecognizedExtension(oid, b"\x04\x02hi")
    where = x509.CRLDistributionPoints(
        [
            x509.DistributionPoint(
                [x509.UniformResourceIdentifier("http://ca/crl")], None, None, None
            )
        ]
    )
    fields = read_fields(self_signed(create_key(), (unknown, True), (where, False)))
    by_title = {field.title: field for field in fields}
    assert by_title[oid.dotted_string].value == "04:02:68:69"
    assert by_title[oid.dotted_string].critical
    assert by_title["CRL distribution points"].value == "http://ca/crl"


def test_a_damaged_extension_does_not_hide_the_rest() -> None:
    twice = x509.UnrecognizedExtension(ExtensionOID.BASIC_CONSTRAINTS, b"not DER")
    fields = {
        field.title: field.value for field in read_fields(self_signed(create_key(), (twice, False)))
    }
    assert fields["Extensions"].startswith("not readable")
    assert fields["Subject"] == "CN=odd"


def test_other_keys_than_ours() -> None:
    def key_of(certificate: x509.Certificate) -> str:
        return next(f.value for f in read_fields(certificate) if f.name == "subjectPublicKeyInfo")

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert key_of(self_signed(key)) == "RSA, 2048 bits"
    assert key_of(self_signed(ed25519.Ed25519PrivateKey.generate())) == "ed25519"
    theirs = trustme.CA().issue_cert("localhost").cert_chain_pems[0].bytes()
    assert card(x509.load_pem_x509_certificate(theirs))


def test_a_very_long_value_is_cut() -> None:
    many = x509.SubjectAlternativeName([x509.DNSName(f"host-{n}.example") for n in range(200)])
    (field,) = [
        f
        for f in read_fields(self_signed(create_key(), (many, False)))
        if f.name == "subjectAltName"
    ]
    assert field.value.endswith("characters)")
    assert len(field.value) < 500


# --- The certificate panel


def test_one_of_several_files_is_chosen(ca: CertificateAuthority, tmp_path: Path) -> None:
    server, root = tmp_path / "server.crt", tmp_path / "ca.crt"
    write_certificate(server, ca.issue_server(["localhost"]).certificate)
    write_certificate(root, ca.certificate)
    panel = CertificatePanel(server, root)
    assert panel.value.subject.rfc4514_string() == "CN=localhost"
    assert panel.select(str(root)) == ca.certificate
    assert f"Shown: <b>{root}</b>" in panel._result.value
    assert panel.sequence == 2
    with pytest.raises(UnknownName, match=r"one of .*server\.crt"):
        panel.select("client.crt")
    assert panel.value == ca.certificate


def test_certificates_of_the_same_name_stay_apart(ca: CertificateAuthority) -> None:
    first, second = (ca.issue_client("device").certificate for _ in range(2))
    panel = CertificatePanel(first, second)
    assert panel.value == first
    assert panel.select("device (2)") == second


def test_nothing_to_show() -> None:
    with pytest.raises(LabError, match="no certificate"):
        CertificatePanel()


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the lessons with the section that makes it, in the panel and not as a traceback."""
    monkeypatch.chdir(tmp_path)
    for name, told in [
        ("backend/server.crt", "the file that section 2 of Part 2 makes"),
        ("mine.crt", "a file of that name"),
    ]:
        panel = CertificatePanel(name)
        assert isinstance(panel.value, FileProblem)
        assert (panel.value.found, panel.value.expected) == (f"no file {name}", told)
        assert told in panel._result.value
        assert panel._card.value == ""


def test_the_text_is_the_same_on_every_run() -> None:
    texts = set()
    for _ in range(2):
        ca = CertificateAuthority.create("Lab CA")
        bundle = CertificatePanel(ca.issue_server(["localhost"]).certificate)._repr_mimebundle_()
        texts.add((bundle["text/plain"], bundle["text/html"]))
    assert len(texts) == 1
    assert "extendedKeyUsage      serverAuth" in texts.pop()[0]


# --- The workbench: what is accepted


@pytest.fixture(scope="module")
def workbench() -> Workbench:
    return Workbench()


def codes(verdict: Trials) -> dict[tuple[str, bool], int | None]:
    """The verify code of every trial; None where it was accepted."""
    return {
        (t.role.removeprefix("as a "), t.strict): t.failure.verify_code if t.failure else None
        for t in verdict.trials
    }


#: A recipe, and the verify codes: as a server by the older rules, by the strict; as a client.
MEASURED = [
    (Recipe("both"), (None, None, None, None)),
    (Recipe("server"), (None, None, 26, 26)),
    (Recipe("client"), (26, 26, None, None)),
    (Recipe("none"), (None, None, None, None)),
    (Recipe("both", "keyEncipherment"), (None, None, 26, 26)),
    (Recipe("both", "digitalSignature, keyCertSign"), (None, 82, None, 82)),
    (Recipe("both", "none"), (None, None, None, None)),
    (Recipe("both", "none", is_ca=True), (None, 92, None, 92)),
    (Recipe("both", names="another host"), (62, 62, None, None)),
    (Recipe("both", names="none"), (None, None, None, None)),
    (Recipe("both", dates="expired"), (10, 10, 10, 10)),
    (Recipe("both", dates="not yet valid"), (9, 9, 9, 9)),
    (Recipe("both", is_ca=True), (None, None, None, None)),
    (Recipe("both", authority_id=False), (None, 85, None, 85)),
]


@pytest.mark.parametrize(("recipe", "expected"), MEASURED, ids=str)
def test_verdict(
    workbench: Workbench,
    recipe: Recipe,
    expected: tuple[int | None, int | None, int | None, int | None],
) -> None:
    verdict = workbench.judge(recipe)
    found = codes(verdict)
    roles = [("server", False), ("server", True), ("client", False), ("client", True)]
    assert tuple(found[role] for role in roles) == expected
    for each in verdict.trials:
        assert each.exchange.ok == (each.failure is None)
        if each.failure:
            assert explain(each.exchange).known


@pytest.mark.parametrize(
    ("usage", "code"), [("digitalSignature", 79), ("digitalSignature, keyCertSign", 25)]
)
def test_what_a_false_ca_signs_is_refused(workbench: Workbench, usage: str, code: int) -> None:
    found = codes(workbench.judge(Recipe("both", usage, is_ca=True)))
    assert found["CA", False] == found["CA", True] == code


def test_the_workbench_keeps_the_secrets_of_part_3() -> None:
    """What a device believes in TLS 1.3, and what no extended key usage means, is asked there."""
    panel = WorkbenchPanel()
    for purpose in ("server", "none"):
        panel.select(purpose=purpose)
        page = f"{panel._result.value}{panel._below.value}"
        assert "believed that it was connected" not in page
        assert "not limited" not in page
        assert "every purpose" not in page
        folded = panel._result.value.partition(f"<details><summary>{FOLDED}</summary>")
        assert "as a client" not in folded[0]
        assert "as a client" in folded[2]
        assert "<details open><summary>Refused as a client" not in panel._below.value


def test_the_card_opens_with_six_fields() -> None:
    """A backend's certificate of Part 2 has more, and those are folded."""
    certificate = Workbench().make(Recipe()).certificate
    shown, _, folded = card(certificate).partition("<details>")
    assert shown.count("<dt>") == 6
    assert folded.count("<dt>") == len(read_fields(certificate)) - 6 > 0
    assert "1970" in shown


def test_only_the_fields_that_a_switch_changed_are_marked() -> None:
    """Serial number, dates and signature are others each time, and that says nothing."""
    panel = WorkbenchPanel()
    assert marked(panel) == {}
    panel.select(is_ca=True)
    assert marked(panel) == {"basicConstraints": "CA:TRUE"}
    panel.select(is_ca=True)
    assert marked(panel) == {}
    panel.select(authority_id=False, purpose="client")
    assert marked(panel) == {
        "basicConstraints": "CA:FALSE",
        "extendedKeyUsage": "clientAuth",
        "authorityKeyIdentifier": MISSING,
    }


def marked(panel: WorkbenchPanel) -> dict[str, str]:
    """The marked fields of the panel's card."""
    found = r"<code>(\w+)</code></dt><dd[^>]*><mark>([^<]*)</mark>"
    return dict(re.findall(found, panel._below.value))


def test_the_two_sets_of_rules_are_those_of_python() -> None:
    flags = ssl.create_default_context().verify_flags & STRICT
    assert flags == (STRICT if sys.version_info >= (3, 13) else 0)
    assert not ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).verify_flags & STRICT


def test_what_is_said_about_a_server_with_key_encipherment(workbench: Workbench) -> None:
    """The note tells how TLS 1.2 differs, which the workbench does not try."""
    context = trial._presenting(
        ssl.PROTOCOL_TLS_SERVER, workbench.make(Recipe(key_usage="keyEncipherment"))
    )
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    root = workbench._ca.certificate
    device = trial._trusting(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), [root], strict=False)
    with Backend(context) as backend:
        exchange = ask("PING", backend, context=device)
    assert failed(exchange.backend).reason == "NO_SHARED_CIPHER"


@pytest.mark.parametrize("part", CHOICES)
def test_a_recipe_with_a_choice_that_does_not_exist(part: str) -> None:
    with pytest.raises(UnknownName, match=f"no {part} 'banana'"):
        Recipe(**{part: "banana"})  # type: ignore[arg-type]


# --- The workbench: the panel


@pytest.fixture(scope="module")
def panel() -> WorkbenchPanel:
    return WorkbenchPanel()


def test_a_switch_changes_the_verdict_at_once(panel: WorkbenchPanel) -> None:
    panel.select()
    before = panel.sequence
    panel._switches["authority_id"].value = False
    assert panel.sequence == before + 1
    assert panel.value.recipe == Recipe(authority_id=False)
    assert f"✓ {OLD}: accepted" in panel._result.value
    assert f"✗ {NEW}: refused" in panel._result.value
    assert "Missing Authority Key Identifier" in panel._result.value
    assert facts("workbench")["notice"]["authority_id"]["false"][:20] in panel._below.value


def test_select_moves_every_switch_and_runs_once(panel: WorkbenchPanel) -> None:
    before = panel.sequence
    chosen = {"purpose": "both", "dates": "expired", "is_ca": True}
    verdict = panel.select(**chosen)  # type: ignore[arg-type]
    assert panel.sequence == before + 1
    assert verdict is panel.value
    assert {part: switch.value for part, switch in panel._switches.items()} == asdict(
        verdict.recipe
    )
    assert 'data-outcome="refused"' in panel._result.value
    panel.select(purpose="both")
    assert 'data-outcome="accepted"' in panel._result.value


def test_the_same_error_is_explained_once(panel: WorkbenchPanel) -> None:
    panel.select(purpose="both", dates="expired")
    assert panel._below.value.count("<summary>Refused") == 1
    assert "Refused as a server and as a client: certificate has expired" in panel._below.value
    exact = "SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"
    assert exact in panel._below.value.replace("<wbr>", "")


def test_a_wrong_choice_changes_nothing(panel: WorkbenchPanel) -> None:
    panel.select(purpose="client")
    shown = panel._result.value
    with pytest.raises(UnknownName, match="no purpose 'banana'"):
        panel.select(purpose="banana")
    assert panel._result.value == shown


def test_an_error_is_shown_in_the_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = WorkbenchPanel()

    def fail(_: Recipe) -> Trials:
        raise OSError("no space left on <device>")

    monkeypatch.setattr(panel._workbench, "judge", fail)
    panel._switches["is_ca"].value = True
    assert "no space left on &lt;device&gt;" in panel._result.value
    assert 'data-outcome="error"' in panel._result.value


def test_its_text_is_the_same_on_every_run() -> None:
    texts = set()
    for _ in range(2):
        panel = WorkbenchPanel()
        panel.select(dates="expired")
        bundle = panel._repr_mimebundle_()
        texts.add((bundle["text/plain"], bundle["text/html"]))
        assert "PRIVATE KEY" not in panel._below.value
    assert len(texts) == 1
    assert str(datetime.now(UTC).year) not in texts.pop()[0]


def test_a_trial_tells_the_error_of_who_verified(workbench: Workbench) -> None:
    verdict = workbench.judge(Recipe("none", names="another host"))
    (failed, *_) = [t for t in verdict.trials if t.failure]
    assert isinstance(failed, Trial)
    assert failed.role == "as a server"
    assert failed.failure == failed.exchange.device.failure

"""What GitHub and a converted page show of a panel: what it has, and no control."""

import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtls_lab.attacks import Protection
from mtls_lab.drawing import ACTORS, VARYING
from mtls_lab.learner import enter
from mtls_lab.panels import (
    AttackPanel,
    CertificatePanel,
    ChainPanel,
    CredentialPanel,
    FleetPanel,
    LifePanel,
    ParsonsPanel,
    PlacementPanel,
    TpmPanel,
    WirePanel,
    WorkbenchPanel,
)
from mtls_lab.panels.base import LIVE, Panel

VARIES = re.compile(".*?".join(VARYING))


def tls() -> WirePanel:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain("backend/server.crt", "backend/server.key")
    return WirePanel(server, ssl.create_default_context(cafile="device/server_ca.pem"))


PANELS: dict[str, tuple[Callable[[], Panel], list[str]]] = {
    "attack": (AttackPanel, ["6 attacks ran: 6 succeeded", "Steal the session"]),
    "certificate": (lambda: CertificatePanel("backend/server.crt"), ["CN=localhost", "issuer"]),
    "credential": (CredentialPanel, ["Valid, TLS 1.3", "None, TLS 1.3", "Untrusted, TLS 1.3"]),
    "fleet": (FleetPanel, ["12 of 12 devices get the secret", "✓ 12"]),
    "life": (LifePanel, ["8 of 8 devices get the secret", "✓ served"]),
    "placement": (PlacementPanel, ["cafile", "client_ca.pem", "Not run yet"]),
    "chain": (ChainPanel, ["issuing_ca.crt", "Root CA, signed by itself", "Not run yet"]),
    "parsons": (ParsonsPanel, ["ssl.CERT_OPTIONAL", "Your function", "Not run yet"]),
    "tpm": (TpmPanel, ["not served", "Sign this hash", "TPM_RC_INTEGRITY", "TPM_RC_LOCKOUT"]),
    "wire": (WirePanel, ["Eve", "open sesame"]),
    "wire over TLS": (tls, ["Eve", "ClientHello", "Eve cannot read it"]),
    "workbench": (WorkbenchPanel, ["✓ accepted", "✗ unsuitable certificate purpose"]),
}


@pytest.fixture(autouse=True)
def folder(folder: Path) -> Path:
    """A learner's folder as the first cell of 3b finds it."""
    enter(4)
    return folder


def still(panel: Panel) -> str:
    page: Any = panel._repr_mimebundle_()["text/html"]
    return VARIES.sub("", page)


def words_of(markup: str) -> str:
    return re.sub("<[^>]*>", "", markup.replace("<wbr>", ""))


@pytest.mark.parametrize("name", PANELS)
def test_it_shows_what_the_panel_has(name: str) -> None:
    make, words = PANELS[name]
    page = still(make())
    assert [each for each in words if each not in words_of(page)] == []
    assert page.endswith(LIVE)
    assert not re.search("<(style|script|link|img)", page)
    assert not re.search(rf"{re.escape(str(Path.cwd()))}|127\.0\.0\.1:\d", page)


@pytest.mark.parametrize("name", PANELS)
def test_it_is_the_same_on_every_run(name: str) -> None:
    make, _ = PANELS[name]
    assert still(make()) == still(make())


def test_three_credentials_have_both_cards_and_the_handshake() -> None:
    panel = CredentialPanel()
    page = still(panel)
    for tag in ("◆ device", "■ backend"):
        assert page.count(f"{tag}</b>") == 3 * 2  # over a card, and over a ladder
    assert page.count("✓ open sesame") == 1
    for reason in ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "TLSV1_ALERT_UNKNOWN_CA"):
        assert reason in words_of(page)
    assert words_of(page).count("{CertificateRequest}") == 3
    assert panel.sequence == 1  # the panel itself has not moved


def test_what_was_run_is_shown() -> None:
    panel = PlacementPanel()
    panel.select(device_cafile="client_ca.pem")
    page = words_of(still(panel))
    assert "The device does not get the secret" in page
    assert "What the error means" in page
    assert "Not run yet" not in page


def test_an_error_is_shown_as_it_is() -> None:
    panel = FleetPanel()
    panel.guard(lambda: 1 / 0)
    assert "ZeroDivisionError" in still(panel)


def test_a_hostile_name_is_text() -> None:
    panel = AttackPanel([Protection("<img src=x onerror=alert(1)>")])
    page = still(panel)
    assert "<img" not in page
    assert ACTORS["eve"].sign in page

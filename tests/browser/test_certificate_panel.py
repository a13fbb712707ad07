"""The certificate panel in a real page: every certificate, hostile names, looks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.lab import JupyterLab, LabPage
from tests.browser.panel import ShownPanel, shown

CELLS = (
    "from cryptography import x509\n"
    "from cryptography.hazmat.primitives import hashes\n"
    "from mtls_lab import CertificateAuthority, CertificatePanel, Purpose, create_key, enter\n"
    "_ = enter(4)\n"
    "hostile = '<img src=x onerror=labHacked=1>'\n"
    "ca = CertificateAuthority.create(hostile)\n"
    "asked = x509.CertificateSigningRequestBuilder().subject_name(ca.certificate.subject)\n"
    "names = x509.SubjectAlternativeName([x509.DNSName(hostile)])\n"
    "asked = asked.add_extension(names, critical=False).sign(create_key(), hashes.SHA256())\n"
    "evil = ca.sign(asked, Purpose.SERVER)",
    "CertificatePanel('backend/server.crt', 'ca/ca.crt', evil, cafile='ca/ca.crt')",
)


@pytest.fixture(scope="module")
def certificate(page: LabPage, lab: JupyterLab) -> Iterator[ShownPanel]:
    """A panel with three certificates and a CA; no test changes more than which is shown."""
    with shown(page, lab.folder, "certificate", *CELLS) as panel:
        panel.anew()
        yield panel


def test_a_card_for_each_certificate(certificate: ShownPanel, pictures: Path) -> None:
    card = certificate.box.locator(".lab-card")
    expect(card).to_contain_text("DNS:localhost, IP:127.0.0.1")
    expect(card.get_by_role("link", name="RFC 5280, 4.2.1.12")).to_be_visible()
    certificate.check_everywhere(pictures, "certificate")
    after = certificate.sequence + 1
    certificate.box.get_by_label("Certificate").select_option("ca/ca.crt")
    assert certificate.wait_for(after) == "shown"
    expect(certificate.result).to_contain_text("Shown: ca/ca.crt")
    expect(card).to_contain_text("CA:TRUE, pathlen:0")


def test_a_hostile_name_is_only_text(certificate: ShownPanel) -> None:
    after = certificate.sequence + 1
    hostile = "<img src=x onerror=labHacked=1>"
    certificate.box.get_by_label("Certificate").select_option(hostile)
    certificate.wait_for(after)
    expect(certificate.box.locator(".lab-head b")).to_have_text(hostile)
    expect(certificate.box.locator(".lab-card")).to_contain_text(f"DNS:{hostile}")
    expect(certificate.result.locator("li")).to_contain_text("none of that name in ca/ca.crt")
    assert certificate.box.locator("img").count() == 0
    assert certificate.lab.page.evaluate("() => 'labHacked' in window") is False
    assert violations(certificate.lab.page) == []

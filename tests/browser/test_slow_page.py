"""A page that is too busy to load a widget in two seconds: what the kernel says arrives anyway.

anywidget gives a widget that long, and then leaves every message from its kernel unread. Here the
time is over at once.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from mtls_lab.experiments.placement import starts
from tests.browser.lab import JupyterLab, LabPage
from tests.browser.panel import ShownPanel, shown
from tests.browser.together.panels import BEGIN

LATE = """() => {
    const timeout = AbortSignal.timeout;
    window.labInTime = () => { AbortSignal.timeout = timeout; };
    AbortSignal.timeout = (time) => {
        if (time !== 2000) return timeout.call(AbortSignal, time);
        const late = new AbortController();
        queueMicrotask(() => late.abort());
        return late.signal;
    };
}"""
RUNG = 'details[data-key="backend-CertificateRequest-1"]'


@pytest.fixture(scope="module")
def late(page: LabPage, lab: JupyterLab) -> Iterator[LabPage]:
    """Two panels, each widget of which has missed its time."""
    with shown(page, lab.folder, "credential", BEGIN, "CredentialPanel()", "PlacementPanel()"):
        ShownPanel(page, "credential").anew()  # these are in time, and are there before the others
        page.page.evaluate(LATE)
        ShownPanel(page, "credential").anew()
        assert page.late
        yield page
        page.page.evaluate("labInTime()")


def test_a_rung_that_is_opened_is_filled(late: LabPage) -> None:
    panel = ShownPanel(late, "credential")
    rung = panel.box.locator(RUNG)
    rung.locator("summary").first.click()
    expect(rung.locator(".lab-bytes")).to_be_visible()


def test_what_the_kernel_lays_and_marks_is_seen(late: LabPage) -> None:
    panel = ShownPanel(late, "placement", 1)
    slot = panel.box.get_by_label("backend cafile")
    panel.box.get_by_label("Begin with").select_option(starts()["right"])
    expect(slot).to_have_value("client_ca.pem")
    slot.select_option("server_ca.pem")
    panel.settle()
    panel.button("Run").click()
    expect(panel.box.get_by_text("✗ to blame")).to_have_count(1)
    expect(slot).to_have_value("server_ca.pem")  # a hand's last word
    panel.box.get_by_label("Begin with").select_option(starts()["right"])
    expect(slot).to_have_value("client_ca.pem")
    expect(panel.box.get_by_text("✗ to blame")).to_have_count(0)


def test_a_panel_that_was_not_found_is_drawn_again(late: LabPage) -> None:
    """As where the kernel is connected before the notebook was read: the text stays, else."""
    panels = late.page.locator(".lab-panel")
    expect(panels).to_have_count(2)
    output = panels.first.locator("xpath=ancestor::*[contains(@class, 'jp-OutputArea-output')]")
    lost = """node => {
        node.textContent = 'Error displaying widget: model not found';
        node.classList.add('jupyter-widgets');
    }"""
    output.evaluate(lost)
    expect(late.page.get_by_text("model not found")).to_have_count(0)
    expect(panels).to_have_count(2)

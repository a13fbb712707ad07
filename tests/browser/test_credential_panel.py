"""The credential panel in a real page: every control, every outcome, by mouse and by keyboard."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from mtls_lab.experiments import catalogue
from tests.browser.lab import JupyterLab, LabPage
from tests.browser.panel import ShownPanel, shown

MAIN = ("valid", "none", "untrusted")
CELLS = (
    """
from mtls_lab.panels import CredentialPanel
from mtls_lab import enter
_ = enter(4)
""",
    "panel = CredentialPanel()\npanel",
)


@pytest.fixture(scope="module")
def opened(page: LabPage, lab: JupyterLab) -> Iterator[ShownPanel]:
    """One kernel for all tests of this file."""
    with shown(page, lab.folder, "credential", *CELLS) as panel:
        yield panel


@pytest.fixture
def panel(opened: ShownPanel) -> ShownPanel:
    """A new panel for each test."""
    opened.anew()
    return opened


def choose(panel: ShownPanel, name: str) -> str:
    """Choose a credential as a hand would; return the outcome."""
    after = panel.sequence + 1
    title = catalogue()[name].title
    if name in MAIN:
        panel.button(title).click()
    else:
        panel.box.get_by_label("Others").select_option(title)
    return panel.wait_for(after)


@pytest.mark.parametrize("version", ["TLS 1.3", "TLS 1.2"])
def test_every_credential_has_its_outcome(panel: ShownPanel, version: str) -> None:
    if version == "TLS 1.2":
        panel.button(version).click()
        panel.wait_for(2)
    # The valid one is chosen already: it comes last.
    for name in [*list(catalogue())[1:], "valid"]:
        credential = catalogue()[name]
        outcome = choose(panel, name)
        text = panel.result.inner_text()
        assert f"{credential.title}, {version}" in text
        assert outcome == ("served" if name == "valid" else "refused"), name
        if name != "valid":
            device = credential.device[version.replace("TLS ", "TLSv")]
            assert (device.reply or f"{device.stage.value}\n✗") in text, name
            assert "Why" in text
        if credential.backend and credential.backend.reason:
            assert "✗" in text.split("■ backend")[1]


def test_the_rule_by_name_can_be_switched_off(panel: ShownPanel) -> None:
    assert choose(panel, "unauthorized_name") == "refused"
    panel.box.get_by_role("checkbox").uncheck()
    assert panel.wait_for(3) == "served"
    assert "any name may speak" in panel.result.inner_text()
    panel.box.get_by_role("checkbox").check()
    assert panel.wait_for(4) == "refused"


def test_the_ladder_goes_step_by_step(panel: ShownPanel) -> None:
    choose(panel, "none")
    step = panel.box.get_by_test_id("credential-step")
    back, forward, every = (panel.button(name) for name in ("◀", "▶", "all"))
    expect(step).to_contain_text("10 messages.")
    names = []
    for number in range(1, 11):
        forward.click()
        expect(step).to_contain_text(f"{number} of 10:")
        names.append(step.inner_text().split(": ")[1].split(",")[0])
    assert names[0] == "ClientHello"
    assert names[-1] == "Alert certificate_required"
    back.click()
    expect(step).to_contain_text("9 of 10: Finished")
    expect(step).to_contain_text("The other side never read it")
    every.click()
    expect(step).to_contain_text("10 messages.")


def test_it_can_be_used_without_a_mouse(panel: ShownPanel) -> None:
    keyboard = panel.lab.page.keyboard
    panel.button("Valid").focus()
    keyboard.press("Tab")  # None
    keyboard.press("Enter")
    assert panel.wait_for(2) == "refused"
    keyboard.press("Tab")  # Untrusted
    keyboard.press("Space")
    assert panel.wait_for(3) == "refused"
    keyboard.press("Tab")  # the others
    panel.choose_next()
    assert panel.wait_for(4) == "refused"
    keyboard.press("Tab")  # TLS 1.3
    keyboard.press("Tab")
    keyboard.press("Enter")
    panel.wait_for(5)
    assert "TLS 1.2" in panel.result.inner_text()
    keyboard.press("Tab")  # by name
    keyboard.press("Space")
    panel.wait_for(6)
    assert "any name may speak" in panel.result.inner_text()
    keyboard.press("Tab")  # ◀
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(panel.box.get_by_test_id("credential-step")).to_contain_text("1 of ")


def test_fast_clicks_never_mix_two_results(panel: ShownPanel) -> None:
    panel.watch()
    panel.box.evaluate(
        """(box) => {
            const buttons = [...box.querySelectorAll("button")];
            const all = ["None", "Valid", "TLS 1.2", "TLS 1.3", "Untrusted"].map(
                (name) => buttons.find((button) => button.textContent === name));
            for (let round = 0; round < 8; round += 1) all.forEach((button) => button.click());
        }"""
    )
    expect(panel.result).to_contain_text("Untrusted, TLS 1.3")
    panel.settle()
    results = panel.watched()
    numbers = [number for number, _, _ in results]
    assert numbers == sorted(set(numbers))
    for _, outcome, verdict in results:
        assert (outcome == "served") == ("Valid" in verdict), verdict
    assert results[-1][1:] == ("refused", "✗ Untrusted, TLS 1.3: The backend refused the device.")
    assert "unknown_ca" in (panel.box.locator("svg").text_content() or "")


@pytest.mark.parametrize("name", ["valid", "untrusted"])
def test_it_reads_well_everywhere(panel: ShownPanel, pictures: Path, name: str) -> None:
    if name != "valid":
        choose(panel, name)
    panel.button("▶").click()
    panel.check_everywhere(pictures, f"credential-{name}")

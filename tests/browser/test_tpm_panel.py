"""The TPM panel in a real page: a theft by mouse, a locked TPM by keyboard, pictures of both.

Not here: what each choice shows (tests/panels/test_tpm.py), fast clicks (test_every_panel.py).
"""

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.panel import ShownPanel

#: Go through all choices of a list as fast as a page can, and press a button.
RUSH = """(box) => {
    const select = box.querySelector("select");
    for (let choice = 0; choice < select.options.length; choice += 1) {
        select.selectedIndex = choice;
        select.dispatchEvent(new Event("change", { bubbles: true }));
    }
    [...box.querySelectorAll("button")].find((each) => each.textContent === "Run").click();
}"""

NAME = "tpm"
CELLS = ("from mtls_lab import TpmPanel", "TpmPanel()")


def test_the_key_is_stolen_twice(panel: ShownPanel) -> None:
    asked = panel.box.get_by_test_id("tpm-asked")
    expect(asked.locator(":scope > li").first).to_contain_text("GetCapability")
    panel.box.get_by_label("Who calls").select_option("a thief with all its files")
    panel.button("Run").click()
    assert panel.wait_for(2) == "refused"
    expect(asked).to_contain_text("0x1df TPM_RC_INTEGRITY")
    expect(panel.result).to_contain_text("The thief's TPM has another seed.")
    panel.button("in a file").click()
    panel.button("Run").click()
    assert panel.wait_for(3) == "thief served"
    expect(panel.box).to_contain_text("No TPM was asked")


def test_a_lock_without_a_mouse(panel: ShownPanel) -> None:
    keyboard = panel.lab.page.keyboard
    panel.button("TLS 1.2").focus()
    keyboard.press("Space")
    keyboard.press("Tab")
    for _ in range(5):  # to the last of six
        panel.choose_next()
    keyboard.press("Tab")
    keyboard.press("Enter")
    assert panel.wait_for(2) == "refused"
    expect(panel.box.get_by_test_id("tpm-asked")).to_contain_text("0x921 TPM_RC_LOCKOUT")
    expect(panel.result).to_contain_text("TLS 1.2, the right PIN, after three wrong ones")


def test_what_runs_is_what_the_page_shows(panel: ShownPanel) -> None:
    """While one choice is on its way, ipywidgets holds back the next, but no click."""
    expect(panel.button("TLS 1.2")).to_have_attribute("aria-pressed", "false")  # it is tended
    panel.box.evaluate(RUSH)
    panel.wait_for(2)
    expect(panel.result).to_contain_text("the right PIN, after three wrong ones")


def test_what_is_folded_opens(panel: ShownPanel) -> None:
    """Only tpm2-openssl before 1.2 has the TPM check the backend's signatures as well."""
    asked = panel.box.get_by_test_id("tpm-asked")
    folded = asked.locator("summary")
    checks = "VerifySignature" in asked.inner_html()
    expect(folded).to_have_count(int(checks))
    for summary in folded.all():
        summary.click()
        expect(asked.get_by_text("VerifySignature").first).to_be_visible()


def test_it_reads_well_everywhere(panel: ShownPanel, pictures: Path) -> None:
    panel.check_everywhere(pictures, "tpm-served")
    panel.box.get_by_label("Who calls").select_option("the right PIN, after three wrong ones")
    panel.button("Run").click()
    panel.wait_for(2)
    panel.check_everywhere(pictures, "tpm-locked")

"""The credential panel in a real page: every control, every outcome, by mouse and by keyboard."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from mtls_lab.experiments import catalogue
from tests.browser.panel import ShownPanel

MAIN = ("valid", "none", "untrusted")
NAME = "credential"
CELLS = (
    """
from mtls_lab.panels import CredentialPanel
from mtls_lab import enter
_ = enter(4)
""",
    "panel = CredentialPanel()\npanel",
)


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
            assert "What the error means" in text
        if credential.backend and credential.backend.reason:
            assert "✗" in text.split("■ backend")[1]


def test_the_rule_by_name_can_be_switched_off(panel: ShownPanel) -> None:
    assert choose(panel, "unauthorized_name") == "refused"
    panel.box.get_by_role("checkbox").uncheck()
    assert panel.wait_for(3) == "served"
    assert "any name may speak" in panel.result.inner_text()
    panel.box.get_by_role("checkbox").check()
    assert panel.wait_for(4) == "refused"


def rung(panel: ShownPanel, key: str) -> Locator:
    """A message of the ladder."""
    return panel.box.locator(f'details[data-key="{key}"]')


def test_every_message_can_be_opened(panel: ShownPanel) -> None:
    choose(panel, "none")
    rungs = panel.box.locator(".lab-ladder details[data-key]")
    expect(rungs).to_have_count(10)
    for number in range(10):
        rungs.nth(number).locator("summary").first.click()
        expect(rungs.nth(number).locator(".lab-bytes")).to_be_visible()
    said = rung(panel, "device-Finished-1")
    expect(said).to_contain_text("The other side never read it")
    expect(said).to_contain_text("so here it is decrypted")
    expect(said).to_contain_text("RFC 8446, 4.4.4")
    expect(rung(panel, "backend-Alert-1")).to_contain_text("the device presented none")
    flags = panel.box.locator(".lab-flag")
    expect(flags).to_have_text(["⚑ device: connected, it believes"])


def test_what_is_open_stays_open(panel: ShownPanel) -> None:
    """It is filled from the start with what the next handshake says."""
    rung(panel, "device-Certificate-1").locator("summary").first.click()
    said = rung(panel, "device-Certificate-1").locator(".lab-said")
    expect(said).to_contain_text("CN=trusted-client")
    for name, words in (("none", "This one is empty"), ("wrong_purpose", "serverAuth")):
        choose(panel, name)
        expect(rung(panel, "device-Certificate-1")).to_have_attribute("open", "")
        expect(said).to_contain_text(words)
        expect(said).not_to_have_attribute("data-waits", "")
    expect(rung(panel, "device-Finished-1")).not_to_have_attribute("open", "")
    rung(panel, "device-Certificate-1").locator("summary").first.click()
    choose(panel, "valid")
    expect(rung(panel, "device-Certificate-1")).not_to_have_attribute("open", "")


def test_a_field_and_its_bytes_mark_each_other(panel: ShownPanel) -> None:
    hello = rung(panel, "device-ClientHello-1")
    hello.locator("summary").first.click()
    field = hello.locator("label", has_text="cipher_suites")
    number = (field.get_attribute("class") or "").removeprefix("f")
    (suite, *_) = hello.get_by_title("cipher_suite: TLS_AES_256_GCM_SHA384 (0x1302)").all()
    other = hello.get_by_title("random: 32 bytes")
    assert suite.inner_text() == "13 02"
    plain = background(other)
    for hovered in (field, suite):
        hovered.hover()
        assert background(suite) == background(field) != plain
        assert background(other) == plain
    panel.lab.page.mouse.move(0, 0)
    assert background(suite) == plain
    # Chosen by click or arrow key, it stays marked: a telephone has no pointer that hovers.
    field.click()
    panel.lab.page.mouse.move(0, 0)
    assert background(suite) != plain
    panel.lab.page.keyboard.press("ArrowDown")
    assert background(suite) == plain
    expect(hello.locator(f"label.f{int(number) + 1} input")).to_be_checked()


def background(part: Locator) -> str:
    return str(part.evaluate("part => getComputedStyle(part).backgroundColor"))


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
    keyboard.press("Tab")  # what the error means
    keyboard.press("Tab")  # ClientHello
    keyboard.press("Enter")
    hello = rung(panel, "device-ClientHello-1")
    expect(hello.locator(".lab-bytes")).to_be_visible()
    keyboard.press("Tab")  # its section in the RFC
    keyboard.press("Tab")  # its fields: one stop
    expect(hello.locator("input").first).to_be_focused()
    keyboard.press("ArrowDown")
    expect(hello.locator("input").nth(1)).to_be_checked()
    keyboard.press("Shift+Tab")
    keyboard.press("Shift+Tab")
    keyboard.press("Space")
    expect(hello).not_to_have_attribute("open", "")


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
    assert "unknown_ca" in (panel.box.locator(".lab-ladder").text_content() or "")


@pytest.mark.parametrize("name", ["valid", "untrusted"])
def test_it_reads_well_everywhere(panel: ShownPanel, pictures: Path, name: str) -> None:
    if name != "valid":
        choose(panel, name)
    for key in ("device-ClientHello-1", "backend-Certificate-1", "backend-Alert-1"):
        if rung(panel, key).count():
            rung(panel, key).locator("summary").first.click()
            expect(rung(panel, key).locator(".lab-bytes")).to_be_visible()
    panel.check_everywhere(pictures, f"credential-{name}")

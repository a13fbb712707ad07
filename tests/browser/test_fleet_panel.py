"""One certificate or many, in a real page: every control, by mouse and by keyboard."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from mtls_lab.experiments.fleet import SHARING
from mtls_lab.panels.fleet import STEPS
from tests.browser.panel import ShownPanel

NAME = "fleet"
CELLS = ("from mtls_lab import FleetPanel", "FleetPanel()")
#: How many of 12 devices share the key of the fifth.
SHARED = {"shared": 12, "batch": 4, "variant": 8, "device": 1}


def test_every_identity_in_every_state(panel: ShownPanel) -> None:
    tiles = panel.box.get_by_test_id("fleet-grid").locator("ul > li")
    sequence = 1
    for sharing, words in SHARING.items():
        if sharing != "shared":
            panel.box.get_by_label("Identity").select_option(words)
            sequence += 1
        for state, title in STEPS.items():
            if (sharing, state) != ("shared", "well"):
                panel.button(title).click()
                sequence += state != "well" or sharing != "shared"
            outcome = panel.wait_for(sequence)
            assert outcome == ("thief served" if state == "stolen" else state), (sharing, state)
            refused = SHARED[sharing] if state == "revoked" else 0
            expect(tiles).to_have_count(12 + (state != "well"))
            lost = tiles.filter(has_text="✗ refused").filter(has_not_text="thief")
            expect(lost).to_have_count(refused)
            expect(panel.result).to_contain_text(words)
    expect(panel.box.locator(".lab-tried")).not_to_contain_text("not tried yet")


def test_another_device_and_another_size(panel: ShownPanel) -> None:
    panel.box.get_by_label("Devices").select_option("24")
    panel.wait_for(2)
    panel.box.get_by_label("The thief copies").select_option("24")
    panel.wait_for(3)
    panel.box.get_by_label("Identity").select_option(SHARING["device"])
    panel.wait_for(4)
    panel.button(STEPS["revoked"]).click()
    panel.wait_for(5)
    expect(panel.result).to_contain_text("23 of 24 devices get the secret. The thief is refused.")
    panel.box.get_by_label("Devices").select_option("4")
    panel.wait_for(6)
    expect(panel.box.get_by_label("The thief copies")).to_have_value("04")
    expect(panel.result).to_contain_text("3 of 4 devices get the secret.")


def test_it_can_be_used_without_a_mouse(panel: ShownPanel) -> None:
    keyboard = panel.lab.page.keyboard
    panel.box.get_by_label("Devices").focus()
    keyboard.press("Tab")  # identity
    panel.choose_next()
    panel.wait_for(2)
    expect(panel.result).to_contain_text(SHARING["batch"])
    keyboard.press("Tab")  # whose key
    keyboard.press("Tab")  # all is well
    keyboard.press("Tab")  # a key is copied
    keyboard.press("Enter")
    assert panel.wait_for(3) == "thief served"
    keyboard.press("Tab")
    keyboard.press("Space")
    assert panel.wait_for(4) == "revoked"


def test_fast_clicks_never_mix_two_results(panel: ShownPanel) -> None:
    panel.watch()
    panel.box.evaluate(
        """(box, titles) => {
            const buttons = [...box.querySelectorAll("button")];
            const all = titles.map((title) => buttons.find((b) => b.textContent === title));
            for (let round = 0; round < 6; round += 1) all.forEach((button) => button.click());
        }""",
        list(STEPS.values()),
    )
    panel.settle()
    expect(panel.result).to_have_attribute("data-outcome", "replaced")
    results = panel.watched()
    numbers = [number for number, _, _ in results]
    assert numbers == sorted(set(numbers))
    for _, outcome, verdict in results:
        assert ("so does the thief" in verdict) == (outcome == "thief served")
        assert ("The thief is refused" in verdict) == (outcome in {"revoked", "replaced"})


@pytest.mark.parametrize("state", ["stolen", "revoked"])
def test_it_reads_well_everywhere(panel: ShownPanel, pictures: Path, state: str) -> None:
    panel.box.get_by_label("Identity").select_option(SHARING["batch"])
    panel.wait_for(2)
    panel.button(STEPS[state]).click()
    panel.wait_for(3)
    panel.check_everywhere(pictures, f"fleet-{state}")

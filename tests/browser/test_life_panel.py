"""A fleet's life in a real page: the whole roll-over by mouse, a theft by keyboard.

Not here: what each step does (tests/panels/test_life.py), fast clicks (test_every_panel.py).
"""

from pathlib import Path

from playwright.sync_api import expect

from mtls_lab.panels.life import STEPS
from tests.browser.panel import ShownPanel

NAME = "life"
CELLS = ("from mtls_lab import LifePanel", "LifePanel()")
WORDS = {step: words for step, (words, _) in STEPS.items()}


def test_the_fleet_moves_to_the_other_ca(panel: ShownPanel) -> None:
    trusts, signs = (
        panel.box.locator(".widget-toggle-buttons", has_text=words)
        for words in ("The backend trusts:", "The office signs with:")
    )
    steps = [
        trusts.get_by_role("button", name="both"),
        signs.get_by_role("button", name="CA 2"),
        panel.button(WORDS["renew_all"]),
        trusts.get_by_role("button", name="CA 2"),
    ]
    for number, step in enumerate(steps, 2):
        step.click()
        assert panel.wait_for(number) == "served"
    tiles = panel.box.get_by_test_id("life-grid").locator("li")
    expect(tiles.filter(has_text="CA 2")).to_have_count(8)
    trusts.get_by_role("button", name="CA 1").click()
    assert panel.wait_for(6) == "refused"
    expect(tiles.filter(has_text="✗ refused")).to_have_count(8)


def test_a_theft_without_a_mouse(panel: ShownPanel) -> None:
    keyboard = panel.lab.page.keyboard
    panel.box.get_by_label("Device").focus()
    panel.choose_next()  # a choice is not a step
    keyboard.press("Tab")
    keyboard.press("Enter")  # steal
    assert panel.wait_for(2) == "thief served"
    expect(panel.result).to_contain_text("so does the thief, as 02")
    keyboard.press("Tab")  # it renews
    keyboard.press("Tab")  # revoke it
    keyboard.press("Space")
    assert panel.wait_for(3) == "refused"
    expect(panel.result).to_contain_text("The thief is refused.")


def test_it_reads_well_everywhere(panel: ShownPanel, pictures: Path) -> None:
    panel.button(WORDS["steal"]).click()
    panel.wait_for(2)
    panel.button(WORDS["revoke"]).click()
    panel.wait_for(3)
    panel.check_everywhere(pictures, "life-revoked")

"""One certificate or many, in a real page: every control, by mouse and by keyboard.

Not here: what each choice shows (tests/panels/test_fleet.py), fast clicks (test_every_panel.py).
"""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from mtls_lab.experiments.fleet import SHARING
from mtls_lab.panels.fleet import STEPS
from tests.browser.panel import ShownPanel

NAME = "fleet"
CELLS = ("from mtls_lab import FleetPanel", "FleetPanel()")


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


@pytest.mark.parametrize("state", ["stolen", "revoked"])
def test_it_reads_well_everywhere(panel: ShownPanel, pictures: Path, state: str) -> None:
    panel.box.get_by_label("Identity").select_option(SHARING["batch"])
    panel.wait_for(2)
    panel.button(STEPS[state]).click()
    panel.wait_for(3)
    panel.check_everywhere(pictures, f"fleet-{state}")

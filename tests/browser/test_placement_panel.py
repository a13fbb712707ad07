"""Which CA goes where, in a real page: every slot, by mouse and by keyboard."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from mtls_lab.experiments.placement import slots, starts
from tests.browser.lab import NARROW, WIDE
from tests.browser.panel import ShownPanel

NAME = "placement"
CELLS = ("from mtls_lab import PlacementPanel", "PlacementPanel('empty')")


def slot(panel: ShownPanel, name: str) -> Locator:
    return panel.box.get_by_label(name.replace("_", " "))


def run(panel: ShownPanel) -> str:
    after = panel.sequence + 1
    panel.button("Run").click()
    return panel.wait_for(after)


def test_it_is_solved_slot_by_slot(panel: ShownPanel) -> None:
    assert run(panel) == "refused"
    for name, each in slots().items():
        after = panel.sequence + 1
        slot(panel, name).select_option(each.right)
        assert panel.wait_for(after) == "open"
        expect(panel.result).to_contain_text("Not run yet")
        last = name == "backend_cafile"
        assert run(panel) == ("served" if last else "refused")
        marks = panel.box.get_by_text("✗ to blame")
        expect(marks if last else marks.first).to_have_count(0 if last else 1)
    expect(panel.result).to_contain_text("✓ The device gets the secret.")


def test_another_start(panel: ShownPanel) -> None:
    panel.box.get_by_label("Begin with").select_option(starts()["strangers"])
    panel.wait_for(2)
    assert run(panel) == "refused"
    expect(panel.result).to_contain_text("✗ 2 secrets lie on the wrong machine: client.key on the")
    expect(panel.result).to_contain_text("To blame")
    panel.box.get_by_text("What the error means").click()
    expect(panel.box.get_by_text("What to do")).to_be_visible()


def test_a_placement_of_ones_own_has_no_name(panel: ShownPanel) -> None:
    begin = panel.box.get_by_label("Begin with")
    expect(begin.locator(":checked")).to_have_text(starts()["empty"])
    slot(panel, "backend_cafile").select_option("server_ca.pem")
    panel.wait_for(2)
    expect(begin.locator(":checked")).to_have_text("(your own)")
    begin.select_option(starts()["right"])
    panel.wait_for(3)
    expect(begin.locator(":checked")).to_have_text(starts()["right"])
    assert run(panel) == "served"


def test_it_can_be_used_without_a_mouse(panel: ShownPanel) -> None:
    keyboard = panel.lab.page.keyboard
    panel.box.get_by_label("Begin with").focus()
    for _ in range(8):  # the files, six slots, then Run
        keyboard.press("Tab")
    keyboard.press("Enter")
    assert panel.wait_for(2) == "refused"
    slot(panel, "device_cafile").focus()
    panel.choose_next()
    panel.wait_for(3)
    expect(slot(panel, "device_cafile")).to_have_value("server_ca.pem")


def test_every_press_is_answered(panel: ShownPanel) -> None:
    """Also those that come before the answer to the one before."""
    before = panel.sequence
    for _ in range(20):
        panel.button("Run").click()
    assert panel.wait_for(before + 20) == "refused"
    panel.settle()
    assert panel.sequence == before + 20


@pytest.mark.parametrize("start", ["strangers", "right"])
def test_it_reads_well_everywhere(panel: ShownPanel, pictures: Path, start: str) -> None:
    panel.box.get_by_label("Begin with").select_option(starts()[start])
    panel.wait_for(2)
    run(panel)
    if start != "right":
        panel.box.get_by_text("What the error means").click()
    panel.check_everywhere(pictures, f"placement-{start}")
    panel.lab.set_width(NARROW)
    cut = "(labels) => labels.filter((label) => label.scrollWidth > label.clientWidth).length"
    assert panel.box.locator(".widget-label").evaluate_all(cut) == 0
    panel.lab.set_width(WIDE)

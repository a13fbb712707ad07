"""The workbench in a real page: its lists and boxes, by mouse and by keyboard.

Not here: what each choice shows (tests/panels/test_certificate.py).
"""

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.panel import ShownPanel

NAME = "workbench"
CELLS = ("from mtls_lab import WorkbenchPanel", "WorkbenchPanel()")


def accepted(panel: ShownPanel) -> list[str]:
    """The verdicts in their order, the client's too, which are folded."""
    return panel.result.locator(".lab-verdict").all_text_contents()


def test_the_boxes_without_a_mouse(panel: ShownPanel) -> None:
    keyboard = panel.lab.page.keyboard
    panel.box.get_by_label("Dates").focus()
    keyboard.press("Tab")  # CA:TRUE
    keyboard.press("Space")
    panel.wait_for(2)
    assert len(accepted(panel)) == 6  # as a CA, too
    keyboard.press("Tab")  # authority key identifier
    keyboard.press("Space")
    assert panel.wait_for(3) == "refused"
    expect(panel.result).to_contain_text("Missing Authority Key Identifier")
    keyboard.press("Tab")  # the client's verdicts, which are folded
    keyboard.press("Tab")  # the first explanation, which is open
    keyboard.press("Enter")
    refused = panel.box.locator("details", has_text="Refused as a server").first
    expect(refused).not_to_have_attribute("open", "")


def test_the_explanation_and_the_card_can_be_opened(panel: ShownPanel) -> None:
    box = panel.box
    error = box.get_by_text("The exact error")
    expect(error).to_be_hidden()  # the client's: Part 3 asks for it first
    box.locator("summary", has_text="Refused").click()
    expect(error).to_be_visible()
    card = box.locator(".lab-card")
    expect(card).to_be_hidden()
    box.get_by_text("This certificate, field by field").click()
    expect(card).to_be_visible()


def test_the_field_that_changed_is_marked(panel: ShownPanel) -> None:
    box = panel.box
    box.get_by_text("This certificate, field by field").click()
    marks = box.locator(".lab-card mark")
    expect(marks).to_have_count(0)
    for sequence, (control, choice, says) in enumerate(
        [
            ("Key usage:", "keyEncipherment", "keyEncipherment"),
            ("SAN:", "none", "(not in this certificate)"),
            ("SAN:", "another host", "DNS:other.example"),
        ],
        start=2,
    ):
        box.get_by_label(control, exact=True).select_option(choice)
        panel.wait_for(sequence)
        expect(marks).to_have_text([says])
        expect(marks).to_be_visible()


def test_the_workbench_reads_well_everywhere(panel: ShownPanel, pictures: Path) -> None:
    panel.check_everywhere(pictures, "workbench")
    panel.box.get_by_role("checkbox", name="CA:TRUE").check()
    panel.wait_for(2)
    panel.box.get_by_label("Key usage:", exact=True).select_option("none")
    panel.wait_for(3)
    panel.box.get_by_text("This certificate, field by field").click()
    panel.check_everywhere(pictures, "workbench-odd")

"""The attack panel in a real page: the table, the evidence in its cells, by mouse and keyboard."""

from pathlib import Path

from playwright.sync_api import expect

from mtls_lab.attacks.table import heading
from tests.browser.panel import ShownPanel

ATTACKS = (
    "Eavesdrop",
    "Tamper",
    "Impersonate the backend",
    "Clone the device",
    "Steal the key file",
    "Steal the session",
)
#: How many protections stop each attack, of the four.
STOPPED = dict(zip(ATTACKS, (3, 3, 3, 2, 0, 1), strict=True))
NAME = "attack"
CELLS = (
    """
from mtls_lab.panels import AttackPanel
from mtls_lab.attacks import lab_protections
from mtls_lab import enter
_ = enter(4)
""",
    'panel = AttackPanel(lab_protections("attacker/table"))\npanel',
)


def test_the_table_is_there_without_a_click(panel: ShownPanel) -> None:
    assert panel.result.get_attribute("data-outcome") == "succeeds"
    expect(panel.result).to_contain_text("24 attacks ran: 12 succeeded, 12 were stopped.")
    for attack, stopped in STOPPED.items():
        row = panel.box.get_by_role("row", name=attack)
        expect(row.get_by_text("✓ stopped")).to_have_count(stopped)
        expect(row.get_by_text("✗ succeeds")).to_have_count(4 - stopped)


def test_every_cell_opens_its_evidence(panel: ShownPanel) -> None:
    cells = panel.box.locator("details")
    expect(cells).to_have_count(24)
    for cell in cells.all():
        evidence = cell.locator("p").first
        expect(evidence).to_be_hidden()
        cell.locator("summary").click()
        expect(evidence).to_be_visible()
    expect(panel.box).to_contain_text("The device hung up on Mallory: SSLCertVerificationError")


def test_a_screen_reader_hears_what_a_cell_is(panel: ShownPanel) -> None:
    expect(panel.box.get_by_role("columnheader")).to_have_text(
        ["Plain TCP", "TLS", "Mutual TLS", "Mutual TLS, no sessions"]
    )
    expect(panel.box.get_by_role("rowheader")).to_have_text([*map(heading, ATTACKS)])
    names = [name.strip() for name in panel.box.locator("summary").all_text_contents()]
    assert "Clone the device against TLS: ✗ succeeds" in names
    assert "Clone the device against Mutual TLS: ✓ stopped" in names


def test_it_can_be_used_without_a_mouse(panel: ShownPanel) -> None:
    keyboard = panel.lab.page.keyboard
    panel.button("Run all attacks").focus()
    keyboard.press("Enter")
    panel.wait_for(2)
    keyboard.press("Tab")
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(panel.box.locator("details").nth(1)).to_have_attribute("open", "")
    expect(panel.box.locator("details[open] p").first).to_contain_text("did not find")


def test_it_reads_well_everywhere(panel: ShownPanel, pictures: Path) -> None:
    panel.box.locator("summary", has_text="Clone the device against Mutual TLS:").click()
    panel.box.locator("summary", has_text="Tamper against TLS:").click()
    panel.check_everywhere(pictures, "attack")

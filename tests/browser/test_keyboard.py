"""A way through a lesson without a mouse: a prediction, a panel, an exercise.

Every key goes to whatever has the focus, and nothing else is done to the page. Not here: the keys
of each control (test_still.py, and the file of each panel).
"""

import pytest
from playwright.sync_api import Locator, expect

from mtls_lab.learner import predictions, progress
from tests.browser.lab import JupyterLab, LabPage
from tests.browser.panel import DRAWN, ShownPanel, shown
from tests.browser.test_predict_panel import ASKS, BEGINS

CELLS = (
    f"{BEGINS}\nimport ssl\nfrom mtls_lab import FleetPanel, checks",
    ASKS,
    "FleetPanel()",
    "def mutual_backend(folder):\n    return ...\n\nchecks.mutual_backend(mutual_backend)",
)
#: As it is typed: JupyterLab itself indents each line like the one above.
SOLUTION = (
    "def mutual_backend(folder):",
    "context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)",
    'context.load_cert_chain(folder / "server.crt", folder / "server.key")',
    "context.verify_mode = ssl.CERT_REQUIRED",
    'context.load_verify_locations(cafile=folder / "client_ca.pem")',
    "return context",
)
#: More stops of the Tab key than there are from a cell to anything in its output.
STOPS = 12
HAS_FOCUS = "(part) => part === document.activeElement"


def go_to(page: LabPage, target: Locator) -> None:
    """Press Tab until it has the focus."""
    for _ in range(STOPS):
        page.page.keyboard.press("Tab")
        if target.evaluate(HAS_FOCUS):
            return
    focused = page.page.evaluate("() => document.activeElement.outerHTML.slice(0, 300)")
    pytest.fail(f"not reached with {STOPS} times Tab; the focus is at {focused}")


def test_a_prediction_a_panel_and_an_exercise(page: LabPage, lab: JupyterLab) -> None:
    asked = predictions.question("silent_client")
    keyboard = page.page.keyboard
    (lab.folder / progress.FILE).unlink(missing_ok=True)
    with shown(page, lab.folder, "predict", *CELLS) as prediction:
        keyboard.press("Shift+Enter")
        keyboard.press("Shift+Enter")
        prediction.wait_for(1)
        page.page.wait_for_function(DRAWN)
        keyboard.press("ArrowUp")
        go_to(page, prediction.box.get_by_role("radio").first)
        keyboard.press("Space")
        keyboard.press("ArrowDown")
        expect(prediction.result).to_have_attribute("data-outcome", list(asked.answers)[1])
        go_to(page, prediction.button("Run it"))
        keyboard.press("Enter")
        expect(prediction.result).to_have_attribute("data-outcome", "right")
        expect(prediction.box).to_contain_text("As you predicted.")

        keyboard.press("Escape")
        keyboard.press("ArrowDown")
        keyboard.press("Shift+Enter")
        fleet = ShownPanel(page, "fleet", 1)
        fleet.wait_for(1)
        page.page.wait_for_function(DRAWN)
        keyboard.press("ArrowUp")
        go_to(page, fleet.button("A key is copied"))
        keyboard.press("Enter")
        assert fleet.wait_for(2) == "thief served"
        expect(fleet.button("A key is copied")).to_be_focused()

        keyboard.press("Escape")
        keyboard.press("ArrowDown")
        keyboard.press("Enter")
        keyboard.press("Control+a")
        for line in SOLUTION:
            keyboard.type(line)
            keyboard.press("Enter")
        keyboard.press("Shift+Tab")
        keyboard.type("checks.mutual_backend(mutual_backend)")
        keyboard.press("Control+Enter")
        verdict = page.page.get_by_test_id("check-mutual_backend")
        expect(verdict).to_have_attribute("data-outcome", "right")
        expect(verdict).to_be_visible()
        assert progress.read(lab.folder).exercises
    (lab.folder / progress.FILE).unlink()

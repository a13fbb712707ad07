"""What holds for every panel: it stands fast clicks, and it says so when its kernel is gone.

Not here: what a panel shows (a file for each).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

import mtls_lab.panels
from mtls_lab.learner import progress
from tests.browser.axe import violations
from tests.browser.lab import NARROW, WIDE, JupyterLab, LabPage
from tests.browser.panel import ShownPanel, shown

PANELS = {
    "predict": "def stolen_key(): return AttackResult('it', 'this', True, ())\npredict(stolen_key)",
    "review": "review(2)",
    "credential": "CredentialPanel()",
    "wire": "WirePanel()",
    "attack": "AttackPanel([Protection('Plain TCP')])",
    "certificate": "CertificatePanel('backend/server.crt')",
    "workbench": "WorkbenchPanel()",
    "placement": "PlacementPanel()",
    "chain": "ChainPanel()",
    "parsons": "ParsonsPanel()",
    "fleet": "FleetPanel()",
    "life": "LifePanel()",
    "tpm": "TpmPanel()",
    "quiz": "QuizPanel('before')",
}
STYLES = Path(mtls_lab.panels.__file__).with_name("style")
LOOKS = ["frame", *sorted({path.stem for path in STYLES.glob("*.css")} - {"frame"})]
BEGIN = """
import threading
from mtls_lab import Protection, enter
from mtls_lab.attacks import AttackResult
from mtls_lab.panels import *
enter(4)
"""

#: Every button, box and choice of a panel, three times and as fast as a page can; the numbers of
#: the results are noted as they show.
PLAY = """(box) => {
    const numbers = box.labNumbers = [];
    const look = () => {
        const result = box.querySelector("[data-seq]");
        if (result && numbers.at(-1) !== Number(result.dataset.seq)) {
            numbers.push(Number(result.dataset.seq));
        }
    };
    look();
    new MutationObserver(look).observe(box, { attributes: true, childList: true, subtree: true });
    for (let round = 0; round < 3; round += 1) {
        box.querySelectorAll("button, input[type=checkbox], input[type=radio]")
            .forEach((control) => control.disabled || control.click());
        box.querySelectorAll("select").forEach((select) => {
            for (let choice = 0; choice < select.options.length; choice += 1) {
                select.selectedIndex = choice;
                select.dispatchEvent(new Event("change", { bubbles: true }));
            }
        });
    }
}"""

#: Texts that are wider than the panel; their boxes may well not be.
CUT_TEXTS = """(panel) => {
    const { right } = panel.getBoundingClientRect();
    const range = document.createRange();
    const texts = document.createTreeWalker(panel, NodeFilter.SHOW_TEXT);
    const found = [];
    while (texts.nextNode()) {
        range.selectNodeContents(texts.currentNode);
        if (range.getBoundingClientRect().right > right) found.push(texts.currentNode.data);
    }
    return found;
}"""


@pytest.fixture(scope="module")
def opened(page: LabPage, lab: JupyterLab) -> Iterator[ShownPanel]:
    """All panels, one below the other, in one kernel."""
    with shown(page, lab.folder, "predict", BEGIN, *PANELS.values()) as panel:
        panel.anew()
        yield panel


@pytest.fixture(params=PANELS)
def panel(opened: ShownPanel, request: pytest.FixtureRequest) -> ShownPanel:
    """Each panel in turn."""
    return ShownPanel(opened.lab, request.param, list(PANELS).index(request.param))


def test_it_stands_fast_clicks(panel: ShownPanel) -> None:
    panel.box.evaluate(PLAY)
    panel.settle()
    expect(panel.result).not_to_have_attribute("data-outcome", "error")
    numbers = panel.box.evaluate("(box) => box.labNumbers")
    assert numbers == sorted(set(numbers))
    assert len(numbers) > 1 or panel.name == "certificate"  # which has nothing to click


def test_all_say_so_when_the_kernel_was_restarted(opened: ShownPanel) -> None:
    stale = opened.lab.page.locator(".lab-stale")
    expect(stale).to_have_count(len(PANELS))
    for number in range(len(PANELS)):
        expect(stale.nth(number)).to_be_hidden()
    opened.restart_kernel()
    for number in range(len(PANELS)):
        expect(stale.nth(number)).to_be_visible()
    assert violations(opened.lab.page) == []
    opened.anew()
    for number in range(len(PANELS)):
        expect(stale.nth(number)).to_be_hidden()


def test_no_line_of_code_is_cut_off_on_a_phone(opened: ShownPanel, lab: JupyterLab) -> None:
    panel = ShownPanel(opened.lab, "parsons", list(PANELS).index("parsons"))
    (lab.folder / progress.FILE).unlink(missing_ok=True)  # where the order is kept
    opened.anew()
    opened.lab.set_width(NARROW)
    panel.box.locator('[data-thing="trust"]').click()
    assert panel.box.evaluate(CUT_TEXTS) == []  # what is said of it has no space to break at
    panel.box.locator(".lab-order .lab-gap").click()
    panel.button("Run").click()
    panel.settle()
    expect(panel.result).to_contain_text("At this line")
    assert panel.box.evaluate(CUT_TEXTS) == []
    opened.lab.set_width(WIDE)

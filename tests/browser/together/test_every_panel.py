"""What holds for every panel: it stands fast clicks, and it says so when its kernel is gone.

Not here: what a panel shows (a file for each).
"""

import pytest
from playwright.sync_api import expect

from mtls_lab.learner import progress
from tests.browser.axe import violations
from tests.browser.lab import NARROW, WIDE, JupyterLab
from tests.browser.panel import ShownPanel
from tests.browser.together.panels import CELLS, PANELS, place

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
    // A control that takes the focus has the page laid out: this panel, and not all of them.
    const others = [...document.querySelectorAll(".jp-Notebook .jp-Cell")]
        .filter((cell) => !cell.contains(box));
    others.forEach((cell) => { cell.style.display = "none"; });
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
    others.forEach((cell) => { cell.style.display = ""; });
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


@pytest.fixture(params=PANELS)
def panel(opened: ShownPanel, request: pytest.FixtureRequest) -> ShownPanel:
    """Each panel in turn."""
    return ShownPanel(opened.lab, request.param, place(request.param))


def test_it_stands_fast_clicks(panel: ShownPanel) -> None:
    panel.box.evaluate(PLAY)
    panel.settle()
    expect(panel.result).not_to_have_attribute("data-outcome", "error")
    numbers = panel.box.evaluate("(box) => box.labNumbers")
    assert numbers == sorted(set(numbers))
    assert len(numbers) > 1 or panel.name == "certificate"  # which has nothing to click


def test_all_say_so_when_the_kernel_was_restarted(opened: ShownPanel) -> None:
    stale = opened.lab.page.locator(".lab-stale")
    expect(stale).to_have_count(len(CELLS))
    for number in range(len(CELLS)):
        expect(stale.nth(number)).to_be_hidden()
    opened.restart_kernel()
    for number in range(len(CELLS)):
        expect(stale.nth(number)).to_be_visible()
    assert violations(opened.lab.page) == []
    opened.anew()
    for number in range(len(CELLS)):
        expect(stale.nth(number)).to_be_hidden()


def test_no_line_of_code_is_cut_off_on_a_phone(opened: ShownPanel, lab: JupyterLab) -> None:
    panel = ShownPanel(opened.lab, "parsons", place("parsons"))
    (lab.folder / progress.FILE).unlink(missing_ok=True)  # where the order is kept
    panel.again(place("parsons") + 1)
    opened.lab.set_width(NARROW)
    panel.box.locator('[data-thing="trust"]').click()
    assert panel.box.evaluate(CUT_TEXTS) == []  # what is said of it has no space to break at
    panel.box.locator(".lab-order .lab-gap").click()
    panel.button("Run").click()
    panel.settle()
    expect(panel.result).to_contain_text("At this line")
    assert panel.box.evaluate(CUT_TEXTS) == []
    opened.lab.set_width(WIDE)

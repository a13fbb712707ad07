"""A prediction in a real page: asked, answered, explained, asked again; by mouse and by keyboard.

All of it is readable on a telephone, and is there again after a restart of the kernel.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from mtls_lab.learner import predictions, progress
from tests.browser.lab import NARROW, WIDE, JupyterLab, LabPage
from tests.browser.panel import ShownPanel, shown

QUESTION = predictions.question("silent_client")
CELLS = (
    "from mtls_lab import enter, predict, reveal, review\nenter(2)",
    "predict('silent_client')",
    "reveal('silent_client', TimeoutError())",
    "review(2)",
)

#: The choices that lie below each other, from top to bottom: where each begins and ends.
LINES = """(box) => [...box.querySelectorAll("input[type=radio]:not(.lab-line *)")].map((input) => {
    const range = document.createRange();
    range.selectNodeContents(input.closest("label"));
    const { top, bottom } = range.getBoundingClientRect();
    return [top, bottom];
})"""


@pytest.fixture(scope="module")
def opened(page: LabPage, lab: JupyterLab) -> Iterator[ShownPanel]:
    """One kernel for all tests of this file, in a folder in which nothing was predicted."""
    file = lab.folder / progress.FILE
    file.unlink(missing_ok=True)
    with shown(page, lab.folder, "predict", *CELLS) as panel:
        yield panel
    file.unlink(missing_ok=True)


@pytest.fixture
def panel(opened: ShownPanel) -> ShownPanel:
    """New panels for each test."""
    opened.anew()
    return opened


@pytest.fixture
def revealed(panel: ShownPanel) -> ShownPanel:
    return ShownPanel(panel.lab, "reveal", 1)


@pytest.fixture
def again(panel: ShownPanel) -> ShownPanel:
    return ShownPanel(panel.lab, "review", 2)


def run_cell(panel: ShownPanel, number: int) -> None:
    """Run one cell, as Shift+Enter does in it."""
    panel.lab.page.evaluate(
        """(number) => {
            window.jupyterapp.shell.currentWidget.content.activeCellIndex = number;
            return window.jupyterapp.commands.execute("notebook:run-cell");
        }""",
        number,
    )


def focused(panel: ShownPanel) -> Locator:
    return panel.lab.page.locator("*:focus")


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_no_choice_lies_over_another(panel: ShownPanel, width: int) -> None:
    panel.lab.set_width(width)
    places = [panel.number(place).box.evaluate(LINES) for place in range(3)]
    panel.lab.set_width(WIDE)
    assert [len(each) for each in places] == [3, 2, 9]
    for lines in places:
        for (_, bottom), (top, _) in pairwise(lines):
            assert bottom <= top


def test_a_prediction_from_the_question_to_the_reason_by_keyboard_alone(
    panel: ShownPanel, revealed: ShownPanel, lab: JupyterLab
) -> None:
    first, second, _ = QUESTION.answers
    keyboard = panel.lab.page.keyboard
    panel.box.get_by_label(QUESTION.answers[first]).focus()
    keyboard.press("Space")
    expect(panel.result).to_have_attribute("data-outcome", first)
    keyboard.press("Tab")
    keyboard.press("Space")
    expect(panel.result).to_have_attribute("data-outcome", second)
    expect(panel.result).to_contain_text(f"You expect: {QUESTION.answers[second]}")
    for _ in range(3):  # past the third answer and the first step, to the second
        keyboard.press("Tab")
    keyboard.press("Space")
    panel.settle()
    assert progress.read(lab.folder).sure == {"silent_client": True}

    run_cell(panel, 2)
    reasons = revealed.box.get_by_role("radio")
    expect(revealed.box).to_contain_text(f"✓ You predicted: {QUESTION.answers[second]}")
    expect(revealed.box).not_to_contain_text(QUESTION.why["right"].reply)
    reasons.first.focus()
    keyboard.press("Space")
    expect(revealed.result).to_have_attribute("data-outcome", "right")
    expect(revealed.box).to_contain_text(QUESTION.why["right"].reply)
    keyboard.press("Tab")
    keyboard.press("Space")
    expect(revealed.result).to_have_attribute("data-outcome", "wrong")
    expect(revealed.box).to_contain_text(QUESTION.why["wrong"].reply)


def test_all_of_it_is_there_after_a_restart(panel: ShownPanel, revealed: ShownPanel) -> None:
    panel.box.get_by_label(QUESTION.answers["secret"]).check()
    panel.box.get_by_label("Sure", exact=True).check()
    panel.settle()
    run_cell(panel, 2)
    revealed.box.get_by_label(QUESTION.why["wrong"].text).check()
    expect(revealed.result).to_have_attribute("data-outcome", "wrong")
    panel.restart_kernel()
    panel.anew()
    expect(panel.box.get_by_label(QUESTION.answers["secret"])).to_be_checked()
    expect(panel.box.get_by_label("Sure", exact=True)).to_be_checked()
    expect(revealed.box).to_contain_text(QUESTION.wrong["secret"])
    expect(revealed.box.get_by_label(QUESTION.why["wrong"].text)).to_be_checked()
    expect(revealed.box).to_contain_text(QUESTION.why["wrong"].reply)


def test_a_question_comes_back_by_keyboard_alone(again: ShownPanel, lab: JupyterLab) -> None:
    keyboard = again.lab.page.keyboard
    again.box.get_by_role("radio").nth(1).focus()  # the second answer of the first question
    keyboard.press("Space")
    keyboard.press("Tab")
    keyboard.press("Tab")
    expect(focused(again)).to_have_text("Check")
    keyboard.press("Enter")
    expect(again.result).to_have_attribute("data-outcome", "1 of 3")
    expect(again.box).to_contain_text(f"✓ You said: {QUESTION.answers['waits']}")
    expect(again.box).to_contain_text(QUESTION.after.replace("`", ""))
    (review,) = progress.read(lab.folder).reviews["silent_client"]
    assert (review.choice, review.truth) == ("waits", "waits")


def test_it_reads_well_everywhere(
    panel: ShownPanel, revealed: ShownPanel, again: ShownPanel, pictures: Path
) -> None:
    panel.box.get_by_label(QUESTION.answers["secret"]).check()
    run_cell(panel, 2)
    revealed.box.get_by_label(QUESTION.why["right"].text).check()
    expect(revealed.result).to_have_attribute("data-outcome", "right")
    again.box.get_by_role("radio").first.check()
    again.button("Check").first.click()
    expect(again.result).to_have_attribute("data-outcome", "1 of 3")
    panel.check_everywhere(pictures, "predict")

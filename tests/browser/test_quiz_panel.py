"""The test before and after the course, in a real page: by keyboard alone, kept over a restart."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from mtls_lab.learner import progress, quiz
from mtls_lab.learner.folder import MARKER
from mtls_lab.learner.progress import Taken
from tests.browser.lab import JupyterLab, LabPage
from tests.browser.panel import DRAWN, RUN_CELL, ShownPanel, shown

ITEMS = list(quiz.items("before").values())


@pytest.fixture(scope="module")
def folder(lab: JupyterLab) -> Path:
    """A learner's folder of its own for each test of the two: what is handed in stays handed in."""
    for name in ("before", "after"):
        (lab.folder / "quiz" / name).mkdir(parents=True)
        (lab.folder / "quiz" / name / MARKER).write_text("{}")
    return lab.folder / "quiz"


@pytest.fixture(scope="module")
def opened(page: LabPage, lab: JupyterLab, folder: Path) -> Iterator[ShownPanel]:
    """One kernel for all tests of this file; a cell with the imports, and one for each test."""
    cells = (
        "import os\nfrom mtls_lab import QuizPanel",
        f"os.chdir({str(folder / 'before')!r})\nQuizPanel('before')",
        f"os.chdir({str(folder / 'after')!r})\npanel = QuizPanel('after')\n"
        "panel.select('clock', 'device')\npanel.hand_in()\npanel",
    )
    with shown(page, lab.folder, "quiz", *cells) as panel:
        yield panel


@pytest.fixture
def panel(opened: ShownPanel) -> ShownPanel:
    """The test before the course, as one left it."""
    show(opened)
    return opened


def show(panel: ShownPanel) -> None:
    for cell in (0, 1):
        panel.lab.page.evaluate(RUN_CELL, cell)
    panel.lab.page.wait_for_function(DRAWN)
    panel.wait_for(1)


def press(panel: ShownPanel, *keys: str) -> None:
    for key in keys:
        panel.lab.page.keyboard.press(key)
        panel.settle()


def focused(panel: ShownPanel) -> str:
    text: str = panel.lab.page.evaluate("() => document.activeElement.textContent")
    return text.strip()


def test_it_reads_well_everywhere(panel: ShownPanel, pictures: Path) -> None:
    panel.check_everywhere(pictures, "quiz")


def test_by_keyboard_alone_and_kept_over_a_restart(panel: ShownPanel, folder: Path) -> None:
    expect(panel.box).to_contain_text(ITEMS[0].situation)
    panel.box.get_by_role("radio").first.focus()
    press(panel, "ArrowDown")  # all answers are one stop, and the arrows choose
    answers = {ITEMS[0].name: list(ITEMS[0].answers)[1]}
    expect(panel.result).to_contain_text("1 of 12 questions answered, and kept")
    while focused(panel) != "Next ▶":
        press(panel, "Tab")
    press(panel, "Enter")
    expect(panel.box).to_contain_text(ITEMS[1].situation)
    expect(panel.box.locator("input:checked")).to_have_count(0)
    while panel.lab.page.evaluate("() => document.activeElement.type") != "radio":
        press(panel, "Shift+Tab")
    press(panel, "Space")
    answers[ITEMS[1].name] = list(ITEMS[1].answers)[-1]
    expect(panel.result).to_contain_text("2 of 12 questions answered, and kept")
    assert progress.read(folder / "before").quiz["before"] == Taken(answers)

    panel.restart_kernel()
    show(panel)
    expect(panel.box).to_contain_text(ITEMS[2].situation)
    panel.button("◀ Back").focus()
    press(panel, "Enter", "Enter")
    expect(panel.box.get_by_label(ITEMS[0].answers[answers[ITEMS[0].name]])).to_be_checked()
    expect(panel.button("Next ▶")).to_be_focused()  # nothing is before the first question
    while focused(panel) != "Hand in":
        press(panel, "Tab")
    press(panel, "Enter")
    expect(panel.result).to_contain_text("Handed in: 2 of 12 questions answered.")
    expect(panel.result).to_be_focused()  # the buttons are gone
    expect(panel.box.get_by_role("radio")).to_have_count(0)
    assert progress.read(folder / "before").quiz["before"] == Taken(answers, handed_in=True)


def test_its_result_reads_well_everywhere(opened: ShownPanel, pictures: Path) -> None:
    opened.lab.page.evaluate(RUN_CELL, 0)
    opened.lab.page.evaluate(RUN_CELL, 2)
    panel = ShownPanel(opened.lab, "quiz", opened.lab.page.locator(".lab-panel").count() - 1)
    expect(panel.result).to_contain_text("1 of 12 right")
    panel.box.get_by_text("✗ A proxy and its header").click()
    expect(panel.box).to_contain_text(quiz.items("before")["header"].replies["anybody"])
    panel.check_everywhere(pictures, "quiz-result")

"""The test before and after the course, in a real page: by keyboard alone, kept over a restart."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from mtls_lab.facts import MARKER
from mtls_lab.learner import progress, quiz
from mtls_lab.learner.progress import Taken
from tests.browser.lab import JupyterLab, LabPage
from tests.browser.panel import ShownPanel, shown

ITEMS = list(quiz.items("before").values())


@pytest.fixture
def folder(lab: JupyterLab, request: pytest.FixtureRequest) -> Path:
    """A learner's folder for each test: what is handed in stays handed in."""
    folder: Path = lab.folder / request.node.name
    folder.mkdir()
    (folder / MARKER).write_text("{}")
    return folder


@pytest.fixture
def panel(page: LabPage, lab: JupyterLab, folder: Path) -> Iterator[ShownPanel]:
    cells = (f"import os\nfrom mtls_lab import QuizPanel\nos.chdir({str(folder)!r})",)
    with shown(page, lab.folder, "quiz", *cells, "QuizPanel('before')") as panel:
        panel.anew()
        yield panel


def press(panel: ShownPanel, *keys: str) -> None:
    for key in keys:
        panel.lab.page.keyboard.press(key)
        panel.settle()


def focused(panel: ShownPanel) -> str:
    text: str = panel.lab.page.evaluate("() => document.activeElement.textContent")
    return text.strip()


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
    assert progress.read(folder).quiz["before"] == Taken(answers)

    panel.restart_kernel()
    panel.anew()
    expect(panel.box).to_contain_text(ITEMS[2].situation)
    panel.button("◀ Back").focus()
    press(panel, "Enter", "Enter")
    expect(panel.box.get_by_label(ITEMS[0].answers[answers[ITEMS[0].name]])).to_be_checked()
    while focused(panel) != "Hand in":
        press(panel, "Tab")
    press(panel, "Enter")
    expect(panel.result).to_contain_text("Handed in: 2 of 12 questions answered.")
    expect(panel.box.get_by_role("radio")).to_have_count(0)
    assert progress.read(folder).quiz["before"] == Taken(answers, handed_in=True)


def test_it_reads_well_everywhere(panel: ShownPanel, pictures: Path) -> None:
    panel.check_everywhere(pictures, "quiz")


def test_its_result_reads_well_everywhere(
    page: LabPage, lab: JupyterLab, folder: Path, pictures: Path
) -> None:
    setup = f"import os\nfrom mtls_lab import QuizPanel\nos.chdir({str(folder)!r})"
    fill = "panel = QuizPanel('after')\npanel.select('clock', 'device')\npanel.hand_in()\npanel"
    with shown(page, lab.folder, "quiz", setup, fill) as panel:
        panel.lab.run_all()
        expect(panel.result).to_contain_text("1 of 12 right")
        panel.box.get_by_text("✗ A proxy and its header").click()
        expect(panel.box).to_contain_text(quiz.items("before")["header"].replies["anybody"])
        panel.check_everywhere(pictures, "quiz-result")

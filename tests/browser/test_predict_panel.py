"""A prediction in a real page: chosen by mouse and by keyboard, and readable on a telephone."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import expect

from mtls_lab.learner import predictions
from tests.browser.lab import NARROW, WIDE, JupyterLab, LabPage
from tests.browser.panel import ShownPanel, shown

QUESTION = predictions.question("silent_client")
CELLS = ("from mtls_lab import predict", "predict('silent_client')")

#: The lines of the answers from top to bottom: where each begins and ends.
ANSWERS = """(box) => [...box.querySelectorAll("input[type=radio]")].map((input) => {
    const range = document.createRange();
    range.selectNodeContents(input.closest("label"));
    const { top, bottom } = range.getBoundingClientRect();
    return [top, bottom];
})"""


@pytest.fixture(scope="module")
def opened(page: LabPage, lab: JupyterLab) -> Iterator[ShownPanel]:
    """One kernel for all tests of this file."""
    with shown(page, lab.folder, "predict", *CELLS) as panel:
        yield panel


@pytest.fixture
def panel(opened: ShownPanel) -> ShownPanel:
    """A new panel for each test."""
    opened.anew()
    return opened


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_no_answer_lies_over_another(panel: ShownPanel, width: int) -> None:
    panel.lab.set_width(width)
    places = panel.box.evaluate(ANSWERS)
    panel.lab.set_width(WIDE)
    assert len(places) == len(QUESTION.answers)
    for (_, bottom), (top, _) in pairwise(places):
        assert bottom <= top


def test_an_answer_is_chosen_by_mouse_and_by_keyboard(panel: ShownPanel) -> None:
    first, second, _ = QUESTION.answers
    panel.box.get_by_label(QUESTION.answers[first]).check()
    expect(panel.result).to_have_attribute("data-outcome", first)
    panel.lab.page.keyboard.press("Tab")
    panel.lab.page.keyboard.press("Space")
    expect(panel.result).to_have_attribute("data-outcome", second)
    expect(panel.result).to_contain_text(f"You expect: {QUESTION.answers[second]}")


def test_it_reads_well_everywhere(panel: ShownPanel, pictures: Path) -> None:
    panel.check_everywhere(pictures, "predict")

"""The panel of the tests: answering, leafing, handing in, and what it says when."""

import html
from pathlib import Path

import pytest

from mtls_lab.common import UnknownName
from mtls_lab.learner import progress, quiz
from mtls_lab.learner.progress import Taken
from mtls_lab.panels import QuizPanel

ITEMS = list(quiz.items("before").values())
CLOCK = quiz.items("before")["clock"]


pytestmark = pytest.mark.usefixtures("folder")


def shown(panel: QuizPanel) -> str:
    return html.unescape(panel._situation.value + panel._result.value)


def test_an_answer_is_kept_at_once_and_the_panel_goes_on_where_one_stopped() -> None:
    panel = QuizPanel("before")
    assert (panel._answers.value, panel._back.disabled, panel._next.disabled) == (None, True, False)
    panel._answers.value = list(ITEMS[0].answers)[1]
    assert "1 of 12 questions answered, and kept" in shown(panel)
    assert progress.read().quiz["before"].answers == {ITEMS[0].name: panel._answers.value}
    panel._next.click()
    assert ITEMS[1].situation in shown(panel)
    assert (panel._answers.value, panel._back.disabled) == (None, False)
    again = QuizPanel("before")
    assert ITEMS[1].situation in shown(again)
    again._back.click()
    assert again._answers.value == list(ITEMS[0].answers)[1]


def test_an_answer_is_taken_back() -> None:
    panel = QuizPanel("before")
    panel._answers.value = ITEMS[0].right
    panel._clear.click()
    assert panel._answers.value is None
    assert progress.read().quiz["before"].answers == {}


def test_the_last_question() -> None:
    panel = QuizPanel("before")
    for _ in range(20):
        panel._next.click()
    assert ITEMS[-1].situation in shown(panel)
    assert panel._next.disabled
    for item in ITEMS:
        panel.select(item.name, item.right)
    assert ITEMS[-1].situation in shown(QuizPanel("before"))  # to look at, or to hand in


def test_the_first_test_tells_nothing_of_what_is_right() -> None:
    panel = QuizPanel("before")
    before = str(panel)
    panel.select("clock", "device")
    right = shown(panel)
    panel.select("clock", "both")
    assert shown(panel).replace('data-seq="3"', 'data-seq="2"') == right
    panel._hand_in.click()
    assert "Handed in: 1 of 12 questions answered. You will see after Part 3" in shown(panel)
    assert panel._answers.layout.display == panel._hand_in.layout.display == "none"
    panel.select("clock", "device")
    assert progress.read().quiz["before"] == Taken({"clock": "both"}, handed_in=True)
    assert str(panel) == str(QuizPanel("before")) == before  # what nbval compares


def test_the_second_test_tells_everything() -> None:
    first = QuizPanel("before")
    first.hand_in()
    panel = QuizPanel("after")
    panel.select("clock", "both")
    panel.select("header", "anybody")
    assert ITEMS[0].replies[ITEMS[0].right] not in shown(panel)
    panel.hand_in()
    text = shown(panel)
    assert "Tests: 0 of 12 right before, 1 after; normalised gain 0.08" in text
    assert "<summary>✗ Dates and clocks</summary>" in text
    assert "<summary>✓ A proxy and its header</summary>" in text
    assert f"You said: {CLOCK.answers['both']}" in text
    assert "Tests: 0 of 12 right before" in shown(QuizPanel("before"))


def test_the_first_test_after_the_second() -> None:
    QuizPanel("after").hand_in()
    assert "takes no more answers" in shown(QuizPanel("before"))


def test_the_test_of_part_4_tells_when_it_is_handed_in() -> None:
    panel = QuizPanel("part4")
    assert str(panel).startswith("Test after Part 4\nQuestion 1 of 8: ")
    panel.select("new_board", "served")
    panel.select("one_list", "renew")
    text = shown(panel)
    assert "Question 6. 2 of 8 questions answered, and kept." in text
    panel.hand_in()
    text = shown(panel)
    assert "Test after Part 4: 1 of 8 right" in text
    assert "<summary>✗ The key on another board</summary>" in text
    assert "<summary>✓ Revoked in one place</summary>" in text
    assert "<p>Shown in 4b_device_life, section 7.</p>" in text
    assert ITEMS[0].situation in shown(QuizPanel("before"))
    assert ITEMS[0].situation in shown(QuizPanel("after"))


def test_a_folder_that_cannot_be_written_says_so(folder: Path) -> None:
    panel = QuizPanel("before")
    (folder / progress.FILE).mkdir()
    panel._answers.value = ITEMS[0].right
    assert 'data-outcome="error"' in panel._result.value
    assert "cannot be written" in panel._result.value


def test_unknown_names() -> None:
    with pytest.raises(UnknownName, match="no test 'during'"):
        QuizPanel("during")
    with pytest.raises(UnknownName, match="no answer to 'clock' 'nobody'"):
        QuizPanel("before").select("clock", "nobody")

"""Predictions that come back in a notebook: what is asked, and what is said of an answer."""

from datetime import date, timedelta
from pathlib import Path

import ipywidgets
import pytest

from mtls_lab.common import UnknownName
from mtls_lab.learner import predictions, progress
from mtls_lab.learner.progress import Reviewed
from mtls_lab.panels import ReviewPanel, review

MONDAY = date(2026, 11, 23)
QUESTION = predictions.question("checksum")


@pytest.fixture
def folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A learner's folder, on a Monday."""
    on(MONDAY, monkeypatch)
    return folder


def on(day: date, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "today", lambda: day)


def predicted(choice: str, truth: str) -> None:
    day = MONDAY.isoformat()
    progress.note(prediction="checksum", choice=choice, truth=truth, sure=True, day=day)


def parts(panel: ReviewPanel, kind: type[ipywidgets.Widget]) -> list[ipywidgets.Widget]:
    rows = (row.children for row in panel.box.children if isinstance(row, ipywidgets.HBox))
    return [each for row in rows for each in row if isinstance(each, kind)]


def press(panel: ReviewPanel, number: int) -> str:
    """Press Check below a question, as a click does; what is then said."""
    parts(panel, ipywidgets.Button)[number].click()
    return str(parts(panel, ipywidgets.HTML)[2 * number + 1].value)


def test_without_progress_the_text_is_always_the_same(folder: Path) -> None:
    panel = review(2)
    names = ("silent_client", "eve_listens", "changed_reply")
    listed = [
        line
        for question in map(predictions.question, names)
        for line in (question.question, *(f"  ( ) {text}" for text in question.answers.values()))
    ]
    assert str(panel).splitlines() == ["Once more", *listed]
    assert panel.value == {}
    panel.select("eve_listens", "device")
    assert str(panel).splitlines() == ["Once more", *listed]
    assert progress.read(folder).reviews["eve_listens"] == [Reviewed("device", "nobody", MONDAY)]


def test_an_answer_is_checked_and_kept(folder: Path) -> None:
    predicted("stopped", "fooled")
    panel = review("2")
    assert press(panel, 0) == '<p role="status">Choose an answer first.</p>'
    parts(panel, ipywidgets.RadioButtons)[0].value = "stopped"
    said = press(panel, 0)
    assert f"✗ You said: {QUESTION.answers['stopped']}" in said
    assert f"<b>What happened:</b> {QUESTION.answers['fooled']}" in said
    assert QUESTION.wrong["stopped"] in said
    assert panel.value == {"checksum": "stopped"}
    parts(panel, ipywidgets.RadioButtons)[0].value = "fooled"
    assert "✓ You said: " in press(panel, 0)
    assert panel.value == {"checksum": "stopped"}  # what counts is the first answer
    assert progress.read(folder).reviews["checksum"][0] == Reviewed("stopped", "fooled", MONDAY)


@pytest.mark.usefixtures("folder")
def test_what_is_due_today(monkeypatch: pytest.MonkeyPatch) -> None:
    assert str(review()) == "Once more\nNothing is due today."
    predicted("stopped", "fooled")
    assert str(review()) == "Once more\nNothing is due before Tuesday, 24 November 2026."
    on(MONDAY + timedelta(days=1), monkeypatch)
    panel = review()
    assert str(panel).splitlines()[1] == QUESTION.question
    panel.select("checksum", "fooled")
    assert str(review()) == "Once more\nNothing is due before Tuesday, 01 December 2026."


@pytest.mark.parametrize("lesson", [1, "3b", 6])
def test_a_lesson_without_one_before_it(lesson: int | str) -> None:
    with pytest.raises(UnknownName, match="no lesson with others before it"):
        review(lesson)


@pytest.mark.usefixtures("folder")
def test_a_question_that_is_not_asked() -> None:
    with pytest.raises(UnknownName, match="no question 'nobody'"):
        review(2).select("nobody", "device")

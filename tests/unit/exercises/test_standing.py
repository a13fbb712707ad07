"""How far a learner is, dot by dot: read from what the course itself writes down."""

from pathlib import Path

import pytest

from mtls_lab.drawing import dots, dots_in_words
from mtls_lab.exercises import EXERCISES, Outcome, Result, standing
from mtls_lab.learner import predictions, progress
from mtls_lab.learner.folder import MARKER
from mtls_lab.learner.progress import Progress

PREDICTIONS = [name for name, each in predictions.questions().items() if each.lesson == "3"]
TASKS = [each.name for each in EXERCISES if each.part == 3]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / MARKER).write_text("{}", "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def states(number: int) -> list[str]:
    """Of the group with this number in Part 3."""
    return [dot.state for dot in standing.of_part(3)[number].dots]


@pytest.mark.parametrize(
    ("part", "titles"),
    [
        (1, ["Predictions", "Exercises"]),
        (2, ["Predictions", "Exercises"]),
        (3, ["Predictions", "Exercises", "Kata", "Stolen session"]),
    ],
)
def test_a_part_has_everything_that_there_is_to_do(part: int, titles: list[str]) -> None:
    groups = standing.of_part(part)
    assert [group.title for group in groups] == titles
    assert {dot.state for group in groups for dot in group.dots} == {"open"}
    titles_of_tasks = [each.title for each in EXERCISES if each.part == part]
    assert [dot.title for dot in groups[1].dots] == titles_of_tasks


def test_every_prediction_has_a_dot() -> None:
    asked = [
        dot.title for part in (1, 2, 3, 4, 5) for g in standing.of_part(part) for dot in g.dots
    ]
    assert {each.question for each in predictions.questions().values()} <= set(asked)


def test_predictions_as_they_are_made() -> None:
    right, wrong, chosen, seen, *_ = PREDICTIONS
    progress.note(prediction=right, choice="a", truth="a", day="2026-11-26")
    progress.note(prediction=wrong, choice="a", truth="b", day="2026-11-26")
    progress.note(prediction=chosen, choice="a")
    progress.note(prediction=seen, choice=None, truth="b", day="2026-11-26")
    assert states(0) == ["right", "wrong", "begun", "seen"] + ["open"] * (len(PREDICTIONS) - 4)
    (group,) = standing.of_question(right)
    assert group.count == f"3 of {len(PREDICTIONS)}"


def test_exercises_as_they_are_checked() -> None:
    for name, outcome in zip(TASKS, ("right", "works but unsafe", "not yet"), strict=False):
        progress.note(exercise=name, outcome=outcome)
    assert states(1) == ["right", "unsafe", "begun"] + ["open"] * (len(TASKS) - 3)
    (group,) = standing.of_result(TASKS[1])
    assert dots_in_words([group]).startswith("Exercises ✓ ⚠ … ○")
    assert group.count == f"1 of {len(TASKS)}"


def test_katas_as_they_are_tried() -> None:
    assert states(2) == ["open"]
    progress.note(exercise="kata 1/anna", outcome="not yet")
    progress.note(exercise="kata 2/anna", outcome="right")
    assert states(2) == ["begun", "right"]
    (group,) = standing.of_result("kata 2/anna")
    assert [dot.title for dot in group.dots] == ["1/anna", "2/anna"]


def test_what_is_neither_exercise_nor_kata_has_no_dots() -> None:
    assert standing.of_result("stop_the_clone") == []
    assert standing.of_result("kata 1/example") == []


@pytest.mark.parametrize("outcome", Outcome)
def test_a_verdict_ends_with_the_dots_of_its_part(outcome: Outcome) -> None:
    if outcome is not Outcome.NOT_ATTEMPTED:
        progress.note(exercise=TASKS[0], outcome=outcome.value)
    page = Result(TASKS[0], outcome)._repr_html_()
    line = dots([standing.exercises(3, progress.read())])
    assert page.endswith(line) is (outcome is not Outcome.NOT_ATTEMPTED)
    assert "Exercises" not in str(Result(TASKS[0], outcome))


def test_without_a_folder_everything_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert standing.of_part(1) == standing.of_part(1, Progress())

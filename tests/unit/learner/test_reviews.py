"""Which predictions come back, in which order and when; the clock is given."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from mtls_lab.common import UnknownName
from mtls_lab.learner import predictions, reviews
from mtls_lab.learner.folder import MARKER
from mtls_lab.learner.progress import FILE, Predicted, Progress, Reviewed, Told, read
from mtls_lab.learner.reviews import AT_MOST, OPENING, coming, due, opening

QUESTIONS = predictions.questions()
MONDAY = date(2026, 11, 23)


def after(days: int) -> date:
    return MONDAY + timedelta(days)


def wrong(name: str) -> str:
    question = QUESTIONS[name]
    return next(key for key in question.answers if key != question.outcome)


def predicted(
    *names: str, right: bool = False, sure: bool | None = None, day: date | None = MONDAY
) -> Progress:
    """What is known of somebody who predicted these, and nothing else."""
    truths = {name: QUESTIONS[name].outcome for name in names}
    choices = {name: truths[name] if right else wrong(name) for name in names}
    return Progress(
        predictions={name: Predicted(choices[name], truths[name]) for name in names},
        told={name: Told(sure, day) for name in names},
    )


def together(*parts: Progress) -> Progress:
    whole = Progress()
    for part in parts:
        whole.predictions.update(part.predictions)
        whole.told.update(part.told)
        whole.reviews.update(part.reviews)
    return whole


def review(done: Progress, name: str, day: date, *, right: bool) -> None:
    truth = QUESTIONS[name].outcome
    choice = truth if right else wrong(name)
    done.reviews.setdefault(name, []).append(Reviewed(choice, truth, day))


def names(asked: list[predictions.Question]) -> list[str]:
    return [each.name for each in asked]


# --- When ------------------------------------------------------------------------------------


def test_after_a_day_and_after_a_week() -> None:
    done = predicted("checksum")
    assert (due(done, MONDAY), coming(done, MONDAY)) == ([], after(1))
    assert names(due(done, after(1))) == names(due(done, after(30))) == ["checksum"]
    review(done, "checksum", after(1), right=True)
    assert (due(done, after(7)), coming(done, after(1))) == ([], after(8))
    assert names(due(done, after(8))) == ["checksum"]
    review(done, "checksum", after(8), right=True)
    assert (due(done, after(365)), coming(done, after(8))) == ([], None)


def test_a_wrong_answer_brings_it_back_the_next_day() -> None:
    done = predicted("checksum")
    review(done, "checksum", after(1), right=True)
    review(done, "checksum", after(8), right=False)
    assert (due(done, after(8)), coming(done, after(8))) == ([], after(9))
    review(done, "checksum", after(9), right=True)
    assert coming(done, after(9)) == after(16)


def test_a_week_begins_with_the_review_and_not_with_the_day_it_was_due() -> None:
    done = predicted("checksum")
    review(done, "checksum", after(20), right=True)
    assert (due(done, after(20)), coming(done, after(20))) == ([], after(27))


def test_a_day_counts_once_and_that_of_the_run_not_at_all() -> None:
    done = predicted("checksum")
    review(done, "checksum", MONDAY, right=True)
    assert coming(done, MONDAY) == after(1)
    for right in (False, True, True):
        review(done, "checksum", after(1), right=right)
    assert coming(done, after(1)) == after(2)


@pytest.mark.parametrize("day", [None, after(40), date.max])
def test_without_a_day_that_can_be_it_is_due_at_once(day: date | None) -> None:
    assert names(due(predicted("checksum", day=day), MONDAY)) == ["checksum"]


def test_at_the_beginning_of_time() -> None:
    assert names(due(predicted("checksum", day=date.min), MONDAY)) == ["checksum"]


def test_what_was_not_predicted_is_not_due() -> None:
    done = Progress()
    review(done, "checksum", MONDAY, right=False)
    assert (due(done, after(9)), coming(done, after(9))) == ([], None)


# --- Which -----------------------------------------------------------------------------------


def test_sure_and_wrong_comes_first_and_then_wrong() -> None:
    done = together(
        predicted("silent_client", right=True, sure=True),
        predicted("eve_listens", sure=False),
        predicted("changed_reply", sure=None),
        predicted("checksum", sure=True),
    )
    order = ["checksum", "eve_listens", "changed_reply", "silent_client"]
    assert names(due(done, after(1))) == order
    assert names(opening("2", done, MONDAY)) == order[:OPENING]


def test_a_review_takes_five_minutes() -> None:
    done = predicted(*QUESTIONS)
    assert len(due(done, after(1))) == AT_MOST < len(QUESTIONS)
    assert names(due(done, after(1))) == list(QUESTIONS)[:AT_MOST]


def test_what_another_version_asked_is_left_out() -> None:
    done = Progress(predictions={"gone": Predicted("yes", "no")}, told={"gone": Told()})
    assert (due(done, MONDAY), coming(done, MONDAY)) == ([], None)


@pytest.mark.parametrize(
    ("lesson", "asked"),
    [
        ("2", ["silent_client", "eve_listens", "changed_reply"]),
        ("3", ["eve_reads_tls", "flipped_bit", "same_named_ca"]),
        ("3d", ["no_certificate", "leaf_only", "substring"]),
        ("4b", ["stolen_session", "revoked_session", "no_sessions"]),
        ("5", ["stolen_session", "revoked_session", "no_sessions"]),
    ],
)
def test_without_progress_a_lesson_begins_with_the_last_that_it_needs(
    lesson: str, asked: list[str]
) -> None:
    assert names(opening(lesson, Progress(), MONDAY)) == asked


def test_a_lesson_asks_nothing_of_its_own_and_nothing_of_a_later_one() -> None:
    done = predicted(*QUESTIONS, sure=True)
    for lesson in ("2", "3", "3d", "4", "4b", "4d", "5"):
        asked = opening(lesson, done, MONDAY)
        assert len(asked) == OPENING
        own = list(QUESTIONS).index(next(n for n, q in QUESTIONS.items() if q.lesson == lesson))
        assert set(names(asked)) <= set(list(QUESTIONS)[:own])


def test_what_was_predicted_in_a_lesson_that_is_not_needed_comes_back() -> None:
    assert names(opening("5", predicted("loaded_key", sure=None), MONDAY))[0] == "loaded_key"


def test_an_error_of_the_first_part_comes_back_before_a_skipped_one_of_the_second() -> None:
    assert names(opening("3", predicted("checksum", sure=True), MONDAY))[0] == "checksum"


def test_a_lesson_asks_the_same_all_day_and_others_the_next() -> None:
    done = predicted("silent_client", "eve_listens", "changed_reply", "checksum", sure=True)
    asked = names(opening("2", done, after(1)))
    for name in asked:
        review(done, name, after(1), right=True)
        assert sorted(names(opening("2", done, after(1)))) == sorted(asked)
    assert names(opening("2", done, after(2)))[0] == "checksum"


@pytest.mark.parametrize("lesson", ["1", "6", "", "3b"])
def test_a_lesson_that_is_none(lesson: str) -> None:
    with pytest.raises(UnknownName, match="one of 2, 3, 3d, 4, 4b, 4d, 5"):
        opening(lesson, Progress(), MONDAY)


# --- The answer ------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A learner's folder, in which this process is not."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / MARKER).write_text("{}")
    yield tmp_path / "lab"
    assert not (tmp_path / FILE).exists()


def test_the_answer_is_that_of_the_learners_own_run(folder: Path) -> None:
    event = {"prediction": "no_certificate", "choice": "never", "truth": "handshake"}
    (folder / FILE).write_text(json.dumps(event) + "\n")
    asked = QUESTIONS["no_certificate"]
    revealed = reviews.answer(asked, "handshake", MONDAY, folder)
    assert (revealed.truth, revealed.right) == ("handshake", True)
    assert read(folder).reviews == {"no_certificate": [Reviewed("handshake", "handshake", MONDAY)]}


@pytest.mark.parametrize("truth", [None, "an answer that is gone"])
def test_otherwise_it_is_that_of_the_lessons_run(folder: Path, truth: str | None) -> None:
    if truth:
        event = {"prediction": "no_certificate", "choice": "never", "truth": truth}
        (folder / FILE).write_text(json.dumps(event) + "\n")
    revealed = reviews.answer(QUESTIONS["no_certificate"], "handshake", MONDAY, folder)
    assert (revealed.truth, revealed.right) == ("first_read", False)


def test_an_answer_that_is_none(folder: Path) -> None:
    with pytest.raises(UnknownName, match="no answer to 'checksum' 'perhaps'"):
        reviews.answer(QUESTIONS["checksum"], "perhaps", MONDAY, folder)
    assert not (folder / FILE).exists()

"""When a prediction comes back: at the beginning of a later lesson, after a day, after a week.

Here: which questions, in which order and when, from what progress.py remembers. Not here: asking
them (panels/reviewing.py in a notebook, cli/review.py in a terminal).

An error that somebody was sure of is the one that is worth the most: sure and wrong comes first,
then wrong, then the others. A question is due a day after its run, and a week after the first
review that was right; a wrong answer makes it due the next day again, and two right ones in a row
are enough. What was asked again on one day counts once, and not at all on the day of the run.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import takewhile
from pathlib import Path

from mtls_lab.common import UnknownName
from mtls_lab.learner import predictions, progress
from mtls_lab.learner.predictions import Question, Revealed
from mtls_lab.learner.progress import Progress, Told

__all__ = ["AT_MOST", "OPENING", "answer", "coming", "due", "opening"]

#: Between the run and the first review, and between that and the second.
WAITS = (timedelta(days=1), timedelta(weeks=1))
#: Questions of one review: half a minute each, so five minutes at most.
AT_MOST = 8
#: Questions at the beginning of a lesson.
OPENING = 3
#: The last lesson that one needs, where that is not the one before it.
NEEDED = {"4b": "3d", "5": "3d"}


def due(done: Progress, today: date) -> list[Question]:
    """Return what is due on a day, the most important first: AT_MOST questions.

    Example:
        >>> due(Progress(), date(2026, 11, 26))
        []
    """
    asked = [each for each in _predicted(done) if (day := _day(each, done, today)) and day <= today]
    return sorted(asked, key=lambda each: _kind(each, done))[:AT_MOST]


def coming(done: Progress, today: date) -> date | None:
    """Return the next day after this one on which something is due, or None."""
    days = (_day(each, done, today) for each in _predicted(done))
    return min((day for day in days if day and day > today), default=None)


def opening(lesson: str, done: Progress, today: date) -> list[Question]:
    """Return what a lesson begins with: questions of the lessons before, OPENING at most.

    The same all day: what was answered today stays, and only reviews of earlier days move a
    question back. Where nothing tells two apart, the later lesson comes first; of what was not
    predicted, a lesson that this one does not need comes last.

    Args:
        lesson: the name of one in predictions.toml, such as "3d", but the first.
        done: what the learner has done; empty for somebody who skipped the predictions.
        today: the day.

    Raises:
        UnknownName: there is no such lesson, or none before it.
    """
    known = list(predictions.questions().values())
    lessons = list(dict.fromkeys(each.lesson for each in known))
    if lesson not in lessons[1:]:
        raise UnknownName("lesson with others before it,", lesson, lessons[1:])
    before = list(takewhile(lambda each: each.lesson != lesson, known))

    needed = lessons.index(NEEDED.get(lesson, lesson))

    def place(each: Question) -> tuple[int, int, bool, int]:
        days = {review.day: review for review in reversed(done.reviews.get(each.name, []))}
        past = sum(day < today and days[day].choice == days[day].truth for day in days)
        kind, taught = _kind(each, done), lessons.index(each.lesson)
        return past, kind, kind == 3 and taught > needed, -taught

    return sorted(before, key=place)[:OPENING]


def answer(asked: Question, choice: str, today: date, folder: Path | None = None) -> Revealed:
    """Note an answer in a review, and say what happened: in the learner's own run if there was one.

    Args:
        asked: the question.
        choice: the key of the answer.
        today: the day.
        folder: the learner's folder; default: the one that this process is in.

    Raises:
        UnknownName: the question has no such answer.
    """
    if choice not in asked.answers:
        raise UnknownName(f"answer to {asked.name!r}", choice, asked.answers)
    own = progress.read(folder).predictions.get(asked.name)
    truth = own.truth if own and own.truth in asked.answers else asked.outcome
    day = today.isoformat()
    progress.note(folder, review=asked.name, choice=choice, truth=truth, day=day)
    return Revealed(asked, truth, choice)


def _predicted(done: Progress) -> list[Question]:
    return [each for name, each in predictions.questions().items() if name in done.predictions]


def _kind(asked: Question, done: Progress) -> int:
    """0 for sure and wrong, 1 for wrong, 2 for right, 3 for not predicted."""
    made = done.predictions.get(asked.name)
    if made is None:
        return 3
    if made.choice == made.truth:
        return 2
    return 0 if done.told.get(asked.name, Told()).sure else 1


def _day(asked: Question, done: Progress, today: date) -> date | None:
    """Return when it is due; None if it has come back often enough.

    A prediction of an older version has no day, and one from the future is a clock's mistake:
    both are due at once.
    """
    begun = done.told.get(asked.name, Told()).day
    if begun is None or begun > today:
        begun = today - WAITS[0]
    last, in_a_row, seen = begun, 0, {begun}
    for review in done.reviews.get(asked.name, []):
        if review.day in seen or not begun < review.day <= today:
            continue
        seen.add(review.day)
        last, in_a_row = review.day, in_a_row + 1 if review.choice == review.truth else 0
    return last + WAITS[in_a_row] if in_a_row < len(WAITS) else None

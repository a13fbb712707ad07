"""How far a learner is in a part of the course, as groups of dots.

Here: what there is to do, and how each of it stands in the learner's progress. Not here: how dots
look (drawing/dotted.py), counting (classroom/).
"""

from __future__ import annotations

from collections.abc import Iterator

from mtls_lab.drawing import Dot, Group
from mtls_lab.exercises.manifest import EXERCISES
from mtls_lab.learner import predictions, progress
from mtls_lab.learner.progress import Progress

__all__ = ["BESIDE", "KATA", "exercises", "katas", "of_part", "of_question", "of_result"]

#: What `progress.jsonl` calls a kata; kata/task.py writes it.
KATA = "kata "
#: The lessons beside a part, and what their predictions are called.
BESIDE = {"3d": "Stolen session", "4b": "A device's life", "4d": "Attestation"}

_STATES = {"right": "right", "works but unsafe": "unsafe", "not yet": "begun"}
_PREDICTED = {True: ("right", "predicted"), False: ("wrong", "predicted otherwise")}


def of_part(part: int, done: Progress | None = None) -> list[Group]:
    """Return everything of one part, in order; without a progress, that of this folder.

    Example:
        >>> [group.title for group in of_part(3, Progress())]
        ['Predictions', 'Exercises', 'Kata', 'Stolen session']
    """
    done = progress.read() if done is None else done
    groups = [_predictions(str(part), done), exercises(part, done)]
    groups += [katas(done)] * (part == 3)
    groups += [_predictions(beside, done) for beside in BESIDE if int(beside[0]) == part]
    return [group for group in groups if group.dots]


def of_result(name: str) -> list[Group]:
    """Return the dots among which an exercise's or a kata's is; none for what is neither."""
    done = progress.read()
    if name.startswith(KATA):
        return [katas(done)] if name in done.exercises else []
    return [exercises(each.part, done) for each in EXERCISES if each.name == name]


def of_question(name: str) -> list[Group]:
    """Return the dots among which a prediction's is. Raises UnknownName."""
    return [_predictions(predictions.question(name).lesson, progress.read())]


def exercises(part: int, done: Progress) -> Group:
    """Return the exercises of a part."""
    tasks = [each for each in EXERCISES if each.part == part]
    return Group("Exercises", tuple(_tried(each.title, each.name, done) for each in tasks))


def katas(done: Progress) -> Group:
    """Return the katas that were tried; without any, the one to begin with."""
    tried = [name for name in done.exercises if name.startswith(KATA)]
    dots = tuple(_tried(name.removeprefix(KATA), name, done) for name in tried)
    return Group("Kata", dots or (Dot("One of your own", "open", "not tried"),))


def _tried(title: str, name: str, done: Progress) -> Dot:
    if name not in done.exercises:
        return Dot(title, "open", "not tried")
    outcome = done.exercises[name].outcome
    return Dot(title, _STATES[outcome], outcome)


def _predictions(lesson: str, done: Progress) -> Group:
    return Group(BESIDE.get(lesson, "Predictions"), tuple(_predicted(lesson, done)))


def _predicted(lesson: str, done: Progress) -> Iterator[Dot]:
    for name, asked in predictions.questions().items():
        if asked.lesson != lesson:
            continue
        if name in done.predictions:
            made = done.predictions[name]
            yield Dot(asked.question, *_PREDICTED[made.choice == made.truth])
        elif name in done.revealed:
            yield Dot(asked.question, "seen", "looked at, and not predicted")
        elif done.chosen.get(name):
            yield Dot(asked.question, "begun", "chosen, not run yet")
        else:
            yield Dot(asked.question, "open", "not predicted")

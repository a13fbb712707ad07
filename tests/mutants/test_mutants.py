"""A sample of `make mutants`: one change of each exercise's solution, and its check notices.

Here: that the figure can be trusted. Not here: the figure itself (__main__.py).
"""

import multiprocessing
from functools import cache
from pathlib import Path

import pytest

from mtls_lab.exercises import EXERCISES
from tests.mutants.asking import Question, answers, equivalent, parts, questions
from tests.mutants.mutations import mutants


@cache
def every() -> list[Question]:
    """All mutants, made by whichever process runs these tests, and not while it collects."""
    return [each for part in parts() for each in questions(part)]


#: Exercises whose check takes a second or two, which the sample leaves to `make mutants`.
SLOW = {"fetch", "is_served", "serve_many", "trusted_backend"}


def sample() -> list[Question]:
    """For each exercise the mutant in the middle of those that are not equivalent."""
    known = equivalent()
    chosen = []
    for exercise in EXERCISES:
        own = [each for each in every() if each.exercise == exercise.name]
        wrong = [each for each in own if (each.exercise, each.mutant.diff) not in known]
        if exercise.name not in SLOW:
            chosen.append(wrong[len(wrong) // 2])
    return chosen


def test_each_exercise_has_mutants() -> None:
    counted = {each.name: sum(q.exercise == each.name for q in every()) for each in EXERCISES}
    assert min(counted.values()) >= 10, counted
    assert len({(each.exercise, each.mutant.source) for each in every()}) == len(every())


def test_the_same_mutants_in_the_same_order() -> None:
    assert [each for part in parts() for each in questions(part)] == every()


def test_each_reason_belongs_to_a_mutant() -> None:
    made = {(each.exercise, each.mutant.diff) for each in every()}
    assert set(equivalent()) - made == set()


def test_the_checks_notice_a_sample(tmp_path: Path) -> None:
    found = list(answers(sample(), tmp_path))
    assert [each.question for each in found] == sample()
    assert [each for each in found if each.outcome not in {"not yet", "works but unsafe"}] == []
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("solution", "diff"),
    [
        ("def f(a):\n    return a == 1", "- return a == 1\n+ return a in 1"),
        ("def f(a):\n    g(a)\n    return a", "- g(a)"),
        ("def f(a):\n    return g(a, b=1)", "- return g(a, b=1)\n+ return g(a)"),
        ("def f(a, b):\n    return g(a, b)", "- return g(a, b)\n+ return g(b, a)"),
        (
            "def f(c):\n    c.verify_mode = ssl.CERT_REQUIRED",
            "- c.verify_mode = ssl.CERT_REQUIRED\n+ c.verify_mode = ssl.CERT_OPTIONAL",
        ),
        (
            "def f(a):\n    with open(a) as b:\n        return b",
            "- with open(a) as b:\n+ b = open(a)\n- return b\n+ return b",
        ),
        (
            "def f(a):\n    return a.hexdigest()",
            "- return a.hexdigest()\n+ return a.hexdigest()[:4]",
        ),
    ],
)
def test_what_is_changed(solution: str, diff: str) -> None:
    assert diff in [each.diff for each in mutants(solution)]


def test_the_words_of_an_error_stay() -> None:
    solution = 'def f(a):\n    raise ValueError("no")'
    assert [each.diff for each in mutants(solution)] == ["- raise ValueError('no')\n+ pass"]

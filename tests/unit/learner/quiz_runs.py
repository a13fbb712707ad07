"""How a run decides a question of data/quiz.toml. Not here: the runs (test_quiz_runs.py, and
test_quiz_part4_runs.py for the questions about Part 4)."""

import inspect
from types import ModuleType

from mtls_lab.learner import quiz


def decides(when: str, name: str, answer: str) -> None:
    """The run gave this answer, and it is the one that the file marks as right."""
    item = quiz.items(when)[name]
    assert answer in item.answers
    assert item.right == answer


def without_a_run(when: str, module: ModuleType) -> set[str]:
    """The questions of a test for which a module has no test of the same name."""
    here = {name.removeprefix("test_") for name, _ in inspect.getmembers(module)}
    return set(quiz.items(when)) - here

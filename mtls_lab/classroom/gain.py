"""What a class gained: the tests before and after the course and after Part 4, and what most miss.

Here: lines of the class report. Not here: the tests (learner/quiz.py), and the rest of the report
(whole_class.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from mtls_lab.learner import quiz
from mtls_lab.learner.progress import Progress

__all__ = ["commonest", "gained", "one_score"]


def one_score(done: Progress) -> str:
    """Return the scores of one learner for a line of the report; empty without a finished test.

    Example:
        >>> one_score(Progress())
        ''
    """
    names = {"before": "before", "after": "after", "part4": "in Part 4"}
    scores = [
        f"{quiz.score(done, when)} {name}"
        for when, name in names.items()
        if done.quiz[when].handed_in
    ]
    return f"; test: {', '.join(scores)}" if scores else ""


def gained(class_: Sequence[Progress]) -> Iterator[str]:
    """Say how the tests went: the means, the gain, and what is missed, the most missed first.

    Mean and gain of the course are of those who have handed in both tests. Of a test that nobody
    has handed in, nothing is said.
    """
    handed_in = {
        when: [each for each in class_ if each.quiz[when].handed_in] for when in quiz.TESTS
    }
    if handed_in["before"] or handed_in["after"]:
        yield from _course(handed_in["before"], handed_in["after"])
    if alone := handed_in["part4"]:
        mean = _mean(alone, "part4")
        number = len(quiz.items("part4"))
        yield ""
        yield f"Test of Part 4, {number} questions: handed in by {len(alone)}, mean {mean:.1f}"
        yield from _missed(alone, "part4", "in Part 4")


def _course(before: Sequence[Progress], after: Sequence[Progress]) -> Iterator[str]:
    both = [each for each in before if each.quiz["after"].handed_in]
    counts = f"{len(before)} before, {len(after)} after, {len(both)} both"
    yield ""
    yield f"Tests of {len(quiz.items('after'))} questions: handed in by {counts}"
    if both:
        first, second = _mean(both, "before"), _mean(both, "after")
        share = quiz.gain(first, second)
        told = "nothing was missing before" if share is None else f"normalised gain {share:.2f}"
        yield f"  mean before {first:.1f}, mean after {second:.1f}; {told}"
    if after:
        yield from _missed(after, "after", "after the course")
    else:
        yield from _missed(before, "before", "before the course")


def _mean(class_: Sequence[Progress], when: str) -> float:
    # Not statistics.mean: with this module, each first cell of a notebook would load it.
    return sum(quiz.score(each, when) for each in class_) / len(class_)


def _missed(class_: Sequence[Progress], when: str, told: str) -> Iterator[str]:
    yield ""
    yield f"Missed {told}, the most missed first, and the commonest wrong answer"
    rows = []
    for name, item in quiz.items(when).items():
        given = [each.quiz[when].answers.get(name) for each in class_]
        rows.append((item, Counter(key for key in given if key != item.right)))
    for item, wrong in sorted(rows, key=lambda row: -row[1].total()):
        line = f"  {item.name:<21} {wrong.total():>3} of {len(class_):>3}"
        said = Counter({key: n for key, n in wrong.items() if key is not None})
        yield line + commonest(said, item.answers)


def commonest(wrong: Counter[str], answers: Mapping[str, str]) -> str:
    """Say which wrong answer was given most often; nothing if none was."""
    if not wrong:
        return ""
    key, times = wrong.most_common(1)[0]
    return f"  {times} said: {answers.get(key, 'an answer of another version')}"

"""What a class gained: the tests before and after the course, and what most still miss.

Here: lines of the class report. Not here: the tests (learner/quiz.py), and the rest of the report
(whole_class.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import fmean

from mtls_lab.learner import quiz
from mtls_lab.learner.progress import Progress

__all__ = ["gained", "one_score"]


def one_score(done: Progress) -> str:
    """Return the scores of one learner for a line of the report; empty without a finished test.

    Example:
        >>> one_score(Progress())
        ''
    """
    scores = [f"{quiz.score(taken)} {when}" for when, taken in done.quiz.items() if taken.handed_in]
    return f"; test: {', '.join(scores)}" if scores else ""


def gained(class_: Sequence[Progress]) -> Iterator[str]:
    """Say how the tests went: the means, the gain, and what is missed, the most missed first.

    Means and gain are of those who have handed in both tests. Where nobody has handed in any,
    nothing is said.
    """
    handed_in = {
        when: [each for each in class_ if each.quiz[when].handed_in] for when in quiz.TITLES
    }
    if not any(handed_in.values()):
        return
    both = [each for each in handed_in["before"] if each.quiz["after"].handed_in]
    number = len(quiz.items())
    counts = ", ".join(f"{len(done)} {when}" for when, done in handed_in.items())
    yield ""
    yield f"Tests of {number} questions: handed in by {counts}, {len(both)} both"
    if both:
        before, after = (
            fmean(quiz.score(each.quiz[when]) for each in both) for when in quiz.TITLES
        )
        share = quiz.gain(before, after)
        told = "nothing was missing before" if share is None else f"normalised gain {share:.2f}"
        yield f"  mean before {before:.1f}, mean after {after:.1f}; {told}"
    when = "after" if handed_in["after"] else "before"
    if handed_in[when]:
        yield ""
        yield f"Missed {when} the course, the most missed first, and the commonest wrong answer"
        yield from _missed(handed_in[when], when)


def _missed(class_: Sequence[Progress], when: str) -> Iterator[str]:
    rows = []
    for name, item in quiz.items().items():
        given = [each.quiz[when].answers.get(name) for each in class_]
        rows.append((item, Counter(key for key in given if key != item.right)))
    for item, wrong in sorted(rows, key=lambda row: -row[1].total()):
        line = f"  {item.name:<21} {wrong.total():>3} of {len(class_):>3}"
        said = Counter({key: n for key, n in wrong.items() if key is not None})
        if said:
            key, times = said.most_common(1)[0]
            line += f"  {times} said: {item.answers.get(key, 'an answer of another version')}"
        yield line

"""Where a whole class stands, learner by learner, and what it got wrong and gained.

Here: the table of a class. Not here: how far one learner is (one_learner.py), what was handed in
(handing_in.py), and the tests (learner/quiz.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from mtls_lab.classroom.handing_in import HandedIn
from mtls_lab.classroom.one_learner import parts, solved_katas
from mtls_lab.exercises import EXERCISES
from mtls_lab.learner import predictions, quiz
from mtls_lab.learner.progress import Progress

__all__ = ["class_report"]


def class_report(handed_in: Sequence[HandedIn]) -> str:
    """Say how far each learner is, and then, for each question and exercise, where the class is.

    A teacher reads the second half first: what most got wrong is what to talk about. What nobody
    has begun is named in one line.
    """
    number = len(handed_in)
    lines = [
        f"{number} learner{'s' * (number != 1)}",
        *_learners(handed_in),
        "",
        "Predictions: wrong of made, the most missed first, and the commonest wrong answer",
        *_questions(handed_in),
        "",
        "Exercises: right / works but unsafe / not yet / not attempted",
        *_tasks(handed_in),
        *_gained([each.done for each in handed_in]),
    ]
    return "\n".join(lines)


def _learners(handed_in: Sequence[HandedIn]) -> Iterator[str]:
    width = max((len(each.name) for each in handed_in), default=0)
    begun = {part.number for each in handed_in for part in parts(each.done) if part.begun}
    for each in sorted(handed_in, key=lambda each: each.name.casefold()):
        counts = [
            f"part {part.number}: predicted {part.predicted} of {part.questions}, "
            f"{part.foreseen} right, solved {part.solved} of {part.exercises}"
            if part.begun
            else f"part {part.number}: not begun"
            for part in parts(each.done)
            if part.number in begun
        ]
        counts += [f"kata: {solved_katas(each.done)}{_one_score(each.done)}"]
        yield f"  {each.name:<{width}}  {'; '.join(counts)}"


def _questions(handed_in: Sequence[HandedIn]) -> Iterator[str]:
    rows, unmade = [], []
    for name, question in predictions.questions().items():
        predicted = [
            each.done.predictions[name] for each in handed_in if name in each.done.predictions
        ]
        if not predicted:
            unmade.append(name)
            continue
        wrong = Counter(each.choice for each in predicted if each.choice != each.truth)
        line = f"  part {question.part}  {name:<16} {wrong.total():>3} of {len(predicted):>3}"
        rows.append((wrong.total(), line + _commonest(wrong, question.answers)))
    yield from (line for _, line in sorted(rows, key=lambda row: -row[0]))
    if unmade:
        yield f"  made by nobody: {', '.join(unmade)}"


def _tasks(handed_in: Iterable[HandedIn]) -> Iterator[str]:
    done = [each.done.exercises for each in handed_in]
    untried = [task.name for task in EXERCISES if not any(task.name in each for each in done)]
    for task in (each for each in EXERCISES if each.name not in untried):
        name = task.name
        outcomes = Counter(each[name].outcome if name in each else "" for each in done)
        counts = [outcomes[kind] for kind in ("right", "works but unsafe", "not yet", "")]
        yield f"  part {task.part}  {name:<22} {' / '.join(f'{count:>3}' for count in counts)}"
    if untried:
        yield f"  tried by nobody: {', '.join(untried)}"


# --- The tests


def _one_score(done: Progress) -> str:
    """Return the scores of one learner for a line of the report; empty without a finished test.

    Example:
        >>> _one_score(Progress())
        ''
    """
    names = {"before": "before", "after": "after", "part4": "in Part 4"}
    scores = [
        f"{quiz.score(done, when)} {name}"
        for when, name in names.items()
        if done.quiz[when].handed_in
    ]
    return f"; test: {', '.join(scores)}" if scores else ""


def _gained(class_: Sequence[Progress]) -> Iterator[str]:
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
        yield line + _commonest(said, item.answers)


def _commonest(wrong: Counter[str], answers: Mapping[str, str]) -> str:
    """Say which wrong answer was given most often; nothing if none was."""
    if not wrong:
        return ""
    key, times = wrong.most_common(1)[0]
    return f"  {times} said: {answers.get(key, 'an answer of another version')}"

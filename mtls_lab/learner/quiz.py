"""The test before Part 1 and after Part 3: the same twelve situations, and what was learned.

Here: the questions of data/quiz.toml, a test that is being taken, and its result. Not here: the
widget (panels/quiz.py), the terminal (cli/quiz.py), and a whole class (classroom/gain.py).

The first test must not teach, or the second would measure the first. So it says how many answers
were given, and neither which of them are right nor how many: a number that changes with one
answer gives that answer away. All of it is told when the second test is handed in. From then on
neither test takes an answer.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mtls_lab.errors import UnknownName
from mtls_lab.facts import read_facts
from mtls_lab.learner import progress
from mtls_lab.learner.progress import HANDED_IN, Progress, Taken

__all__ = ["TITLES", "Item", "Sitting", "gain", "items", "result", "score", "told"]

#: When a test is taken, as learner/progress.py and `mtls-lab quiz` call it.
TITLES = {"before": "Test before Part 1", "after": "Test after Part 3"}
#: Mixes the answers. With this number, the right ones are spread evenly over the places.
SHUFFLE = 59


@dataclass(frozen=True, slots=True)
class Item:
    """One question; data/quiz.toml says what each field means.

    Attributes:
        answers: by their keys, in the order in which they are shown.
        right: the key of the right one.
    """

    name: str
    topic: str
    situation: str
    question: str
    answers: dict[str, str]
    replies: dict[str, str]
    right: str


@cache
def items() -> dict[str, Item]:
    """Return every question by its name, in the order of the test.

    Example:
        >>> len(items())
        12
    """
    found = {}
    for name, entry in read_facts("quiz").items():
        answers: dict[str, str] = entry.pop("answers")
        mixed = sorted(answers, key=lambda key: _digest(f"{SHUFFLE} {name} {key}"))
        shown, right = {key: answers[key] for key in mixed}, next(iter(answers))
        found[name] = Item(name=name, answers=shown, right=right, **entry)
    return found


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Sitting:
    """One of the two tests, as it is being taken; each answer is kept at once.

    Outside of a learner's folder it lasts as long as this object.

    Args:
        when: "before" or "after".
        folder: the learner's folder; default: the one that this process is in, if any.

    Attributes:
        answers: the key of each answer that was given.

    Raises:
        UnknownName: there is no such test.
    """

    def __init__(self, when: str, folder: Path | None = None) -> None:
        if when not in TITLES:
            raise UnknownName("test", when, TITLES)
        self.when, self._folder = when, folder
        done = progress.read(folder)
        self.answers = {
            name: key
            for name, key in done.quiz[when].answers.items()
            if name in items() and key in items()[name].answers
        }
        self.handed_in = done.quiz[when].handed_in
        self.too_late = when == "before" and not self.handed_in and done.quiz["after"].handed_in

    @property
    def open(self) -> list[Item]:
        """The questions without an answer."""
        return [item for name, item in items().items() if name not in self.answers]

    @property
    def closed(self) -> bool:
        """Whether it takes no answer: it is handed in, or the second one is."""
        return self.handed_in or self.too_late

    def answer(self, name: str, key: str | None) -> None:
        """Keep an answer; None takes it back. A closed test keeps what it has.

        Raises:
            UnknownName: there is no such question, or no such answer to it.
            FileProblem: the answer cannot be kept.
        """
        if name not in items():
            raise UnknownName("question", name, items())
        if key is not None and key not in items()[name].answers:
            raise UnknownName(f"answer to {name!r}", key, items()[name].answers)
        if self.closed or self.answers.get(name) == key:
            return
        progress.note(self._folder, quiz=self.when, question=name, answer=key)
        self.answers.pop(name, None)
        if key is not None:
            self.answers[name] = key

    def hand_in(self) -> None:
        """Finish the test; what has no answer is not right. Raises FileProblem."""
        if not self.closed:
            progress.note(self._folder, quiz=self.when, state=HANDED_IN)
            self.handed_in = True

    @property
    def done(self) -> Progress:
        """What the learner's folder knows, with this test as it is now."""
        done = progress.read(self._folder)
        done.quiz[self.when] = Taken(dict(self.answers), self.handed_in)
        return done

    @property
    def count(self) -> str:
        """How many questions have an answer, as a sentence without a full stop."""
        return f"{len(self.answers)} of {len(items())} questions answered"


def score(taken: Taken) -> int:
    """Count the right answers.

    Example:
        >>> score(Taken({"clock": "device", "header": "nobody", "of another version": "x"}))
        1
    """
    return sum(taken.answers.get(name) == item.right for name, item in items().items())


def gain(before: float, after: float) -> float | None:
    """Return the normalised gain: which share of what was missing before is there after.

    Args:
        before, after: right answers of one learner, or the means of a class.

    Returns:
        1 for everything, 0 for nothing, less where something was lost; None if nothing was
        missing. (R. Hake, American Journal of Physics 66, 1998, page 64.)

    Example:
        >>> gain(4, 10), gain(12, 12)
        (0.75, None)
    """
    missing = len(items()) - before
    return (after - before) / missing if missing else None


def result(done: Progress) -> str:
    """Say in one line how the tests went; empty if none was begun."""
    before, after = done.quiz["before"], done.quiz["after"]
    number = len(items())
    if not after.handed_in:
        begun = [(when, done.quiz[when]) for when in TITLES if done.quiz[when].answers]
        return "; ".join(
            f"{TITLES[when]}: {len(taken.answers)} of {number} answered"
            + (", handed in" if taken.handed_in else "")
            for when, taken in begun
        )
    if not before.handed_in:
        return f"{TITLES['after']}: {score(after)} of {number} right (none was taken before)"
    share = gain(score(before), score(after))
    gained = "" if share is None else f"; normalised gain {share:.2f}"
    return f"Tests: {score(before)} of {number} right before, {score(after)} after{gained}"


def told(done: Progress) -> list[tuple[Item, bool, str]]:
    """Return what is said of each question when the second test is handed in; before, nothing.

    Returns:
        The question, whether the answer was right, and what is said. An answer that was wrong
        gets its own reply, and in a second line the right answer with its reply.
    """
    if not done.quiz["after"].handed_in:
        return []
    given = done.quiz["after"].answers
    return [
        (item, given.get(name) == item.right, _reply(item, given.get(name)))
        for name, item in items().items()
    ]


def _reply(item: Item, key: str | None) -> str:
    right = f"{item.answers[item.right]} {item.replies[item.right]}"
    if key == item.right:
        return right
    if key not in item.answers:
        return f"You gave no answer.\nRight is: {right}"
    return f"You said: {item.answers[key]} {item.replies[key]}\nRight is: {right}"

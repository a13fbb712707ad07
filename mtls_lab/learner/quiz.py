"""The tests: twelve situations before Part 1 and after Part 3, and eight others after Part 4.

Here: the questions of data/quiz.toml, a test that is being taken, and its result. Not here: the
widget (panels/quiz.py), the terminal (cli/quiz.py), and a whole class (classroom/whole_class.py).

Where two tests ask the same questions, the first must not teach, or the second would measure the
first. So it says how many answers were given, and neither which of them are right nor how many: a
number that changes with one answer gives that answer away. All of it is told when the last test
of these questions is handed in. From then on none of them takes an answer.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mtls_lab.common import UnknownName, read_facts
from mtls_lab.learner import progress
from mtls_lab.learner.progress import HANDED_IN, Progress, Taken

__all__ = [
    "LAST",
    "TESTS",
    "Item",
    "Quiz",
    "Sitting",
    "gain",
    "items",
    "last",
    "result",
    "score",
    "told",
]

#: Mixes the answers to each set of questions, so that the right ones are spread evenly.
SHUFFLES = {"course": 59, "part4": 24}


@dataclass(frozen=True, slots=True)
class Quiz:
    """One test of the course.

    Attributes:
        moment: when it is taken.
        asks: its set of questions, a table of data/quiz.toml.
    """

    moment: str
    asks: str

    @property
    def title(self) -> str:
        """Its name, as a learner reads it."""
        return f"Test {self.moment}"


#: Every test in order, by the name that progress.jsonl and `mtls-lab quiz` have for it.
TESTS = {
    "before": Quiz("before Part 1", "course"),
    "after": Quiz("after Part 3", "course"),
    "part4": Quiz("after Part 4", "part4"),
}
_LAST_OF = {test.asks: when for when, test in TESTS.items()}
#: The tests that tell what is right: of each set of questions, the last one that asks them.
LAST = tuple(_LAST_OF.values())


@dataclass(frozen=True, slots=True)
class Item:
    """One question; data/quiz.toml says what each field means.

    Attributes:
        answers: by their keys, in the order in which they are shown.
        right: the key of the right one.
        shown: the notebook and the section that run it; empty if no one section does.
    """

    name: str
    topic: str
    situation: str
    question: str
    answers: dict[str, str]
    replies: dict[str, str]
    right: str
    shown: str = ""


def items(when: str) -> dict[str, Item]:
    """Return the questions of a test by their names, in its order.

    Example:
        >>> len(items("after")), len(items("part4"))
        (12, 8)
    """
    return _set(TESTS[when].asks)


@cache
def _set(asked: str) -> dict[str, Item]:
    found = {}
    for name, entry in read_facts("quiz")[asked].items():
        answers: dict[str, str] = entry.pop("answers")
        mixed = sorted(answers, key=lambda key: _digest(f"{SHUFFLES[asked]} {name} {key}"))
        shown, right = {key: answers[key] for key in mixed}, next(iter(answers))
        found[name] = Item(name=name, answers=shown, right=right, **entry)
    return found


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def last(when: str) -> str:
    """Name the test that tells what is right in this one: the last with the same questions.

    Example:
        >>> last("before"), last("part4")
        ('after', 'part4')
    """
    return _LAST_OF[TESTS[when].asks]


class Sitting:
    """One of the tests, as it is being taken; each answer is kept at once.

    Outside of a learner's folder it lasts as long as this object.

    Args:
        when: "before", "after" or "part4".
        folder: the learner's folder; default: the one that this process is in, if any.

    Attributes:
        items: its questions, by their names.
        answers: the key of each answer that was given.

    Raises:
        UnknownName: there is no such test.
    """

    def __init__(self, when: str, folder: Path | None = None) -> None:
        if when not in TESTS:
            raise UnknownName("test", when, TESTS)
        self.when, self._folder = when, folder
        self.items = items(when)
        done = progress.read(folder)
        self.answers = {
            name: key
            for name, key in done.quiz[when].answers.items()
            if name in self.items and key in self.items[name].answers
        }
        self.handed_in = done.quiz[when].handed_in
        self.too_late = not self.handed_in and done.quiz[last(when)].handed_in

    @property
    def open(self) -> list[Item]:
        """The questions without an answer."""
        return [item for name, item in self.items.items() if name not in self.answers]

    @property
    def closed(self) -> bool:
        """Whether it takes no answer: it is handed in, or the one that tells is."""
        return self.handed_in or self.too_late

    def answer(self, name: str, key: str | None) -> None:
        """Keep an answer; None takes it back. A closed test keeps what it has.

        Raises:
            UnknownName: there is no such question, or no such answer to it.
            FileProblem: the answer cannot be kept.
        """
        if name not in self.items:
            raise UnknownName("question", name, self.items)
        if key is not None and key not in self.items[name].answers:
            raise UnknownName(f"answer to {name!r}", key, self.items[name].answers)
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
        return f"{len(self.answers)} of {len(self.items)} questions answered"


def score(done: Progress, when: str) -> int:
    """Count the right answers in a test.

    Example:
        >>> given = {"clock": "device", "header": "nobody", "of another version": "x"}
        >>> score(Progress(quiz={"after": Taken(given)}), "after")
        1
    """
    given = done.quiz[when].answers
    return sum(given.get(name) == item.right for name, item in items(when).items())


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
    missing = len(items("before")) - before
    return (after - before) / missing if missing else None


def result(done: Progress, when: str) -> str:
    """Say in one line how a test went, and those before it that ask the same; empty if none did.

    Args:
        done: what the learner has done.
        when: one of `LAST`.
    """
    earlier = [each for each in TESTS if last(each) == when != each]
    if not done.quiz[when].handed_in:
        return "; ".join(_begun(done, each) for each in (*earlier, when) if done.quiz[each].answers)
    number, right = len(items(when)), score(done, when)
    if not any(done.quiz[each].handed_in for each in earlier):
        alone = " (none was taken before)" if earlier else ""
        return f"{TESTS[when].title}: {right} of {number} right{alone}"
    before = score(done, earlier[0])
    share = gain(before, right)
    gained = "" if share is None else f"; normalised gain {share:.2f}"
    return f"Tests: {before} of {number} right before, {right} after{gained}"


def _begun(done: Progress, when: str) -> str:
    taken = done.quiz[when]
    handed_in = ", handed in" if taken.handed_in else ""
    count = f"{len(taken.answers)} of {len(items(when))} answered"
    return f"{TESTS[when].title}: {count}{handed_in}"


def told(done: Progress, when: str) -> list[tuple[Item, bool, str]]:
    """Return what is said of each question of a test that tells; before it is handed in, nothing.

    Returns:
        The question, whether the answer was right, and what is said. An answer that was wrong
        gets its own reply, and in a second line the right answer with its reply. The last line
        says where the course shows it, if one section does.
    """
    taken = done.quiz[when]
    if when not in LAST or not taken.handed_in:
        return []
    return [
        (item, taken.answers.get(name) == item.right, _reply(item, taken.answers.get(name)))
        for name, item in items(when).items()
    ]


def _reply(item: Item, key: str | None) -> str:
    right = f"{item.answers[item.right]} {item.replies[item.right]}"
    shown = f"\nShown in {item.shown}." if item.shown else ""
    if key == item.right:
        return right + shown
    if key not in item.answers:
        return f"You gave no answer.\nRight is: {right}{shown}"
    return f"You said: {item.answers[key]} {item.replies[key]}\nRight is: {right}{shown}"

"""What a learner expects before a cell runs, and what then really happened.

Here: the questions of data/predictions.toml, the choices, and the answer. Not here: the widget
(panels/prediction.py), and how a choice outlives the kernel (progress.py). No right answer is
written down anywhere: the run decides.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from functools import cache

from mtls_lab.errors import UnknownName
from mtls_lab.facts import read_facts
from mtls_lab.learner import progress
from mtls_lab.text import coloured_box

__all__ = ["Question", "Revealed", "choose", "chosen", "question", "questions", "reveal"]

#: What was chosen in this kernel; None if it was taken back.
_chosen: dict[str, str | None] = {}


@dataclass(frozen=True, slots=True)
class Question:
    """One prediction; data/predictions.toml says what each field means."""

    name: str
    part: int
    question: str
    answers: dict[str, str]
    wrong: dict[str, str]


@dataclass(frozen=True, slots=True, repr=False)
class Revealed:
    """A prediction, answered by what happened.

    Attributes:
        question: what was asked.
        truth: the key of the answer that the run gave.
        choice: the key that the learner chose, or None.
    """

    question: Question
    truth: str
    choice: str | None = None

    @property
    def right(self) -> bool | None:
        """Whether the learner was right; None without a prediction."""
        return None if self.choice is None else self.choice == self.truth

    def __str__(self) -> str:
        told = f"What happened: {self.question.answers[self.truth]}"
        if self.choice is None:
            return told
        if self.right:
            return f"✓ You predicted it. {told}"
        chose = self.question.answers[self.choice]
        return f"✗ You predicted: {chose}\n{told}\n{self.question.wrong[self.choice]}"

    def _repr_html_(self) -> str:
        colour = {True: "success", False: "error", None: "border"}[self.right]
        lines = map(html.escape, str(self).splitlines())
        return coloured_box(lines, colour, testid=f"reveal-{self.question.name}")

    __repr__ = __str__  # Jupyter shows the last value of a cell by its repr


@cache
def questions() -> dict[str, Question]:
    """Return every question by its name.

    Example:
        >>> questions()["no_certificate"].part
        3
    """
    entries = read_facts("predictions")
    return {name: Question(name=name, **entry) for name, entry in entries.items()}


def question(name: str) -> Question:
    """Return one question. Raises UnknownName."""
    try:
        return questions()[name]
    except KeyError:
        raise UnknownName("prediction", name, questions()) from None


def choose(name: str, answer: str | None) -> None:
    """Note what the learner expects; None takes it back. Raises UnknownName."""
    answers = question(name).answers
    if answer is not None and answer not in answers:
        raise UnknownName(f"answer to {name!r}", answer, answers)
    if answer != chosen(name):
        progress.note(prediction=name, choice=answer)
    _chosen[name] = answer


def chosen(name: str) -> str | None:
    """Return what was chosen, in this kernel or an earlier one, or None."""
    if name in _chosen:
        return _chosen[name]
    earlier = progress.read().chosen.get(name)
    return earlier if earlier in question(name).answers else None


def reveal(name: str, truth: str) -> Revealed:
    """Answer a prediction with what really happened.

    Args:
        name: the question.
        truth: the key of the answer, computed from the run.

    Raises:
        UnknownName: there is no such question, or no such answer to it.

    Example:
        >>> choose("no_certificate", "handshake")
        >>> print(reveal("no_certificate", "first_read"))
        ✗ You predicted: In wrap_socket: the handshake fails.
        What happened: Later, when it first reads: the handshake succeeds.
        What you predicted is what TLS 1.2 does. In TLS 1.3 the client is done before...
        >>> choose("no_certificate", None)
    """
    if truth not in question(name).answers:
        raise UnknownName(f"answer to {name!r}", truth, question(name).answers)
    choice = chosen(name)
    if choice is not None and name not in progress.read().predictions:
        progress.note(prediction=name, choice=choice, truth=truth)
    return Revealed(question(name), truth, choice)

"""What a learner expects before a cell runs, and what then really happened.

Here: the questions of data/predictions.toml, the choices, and the answer. Not here: what a run
gives (judges.py), the widgets (panels/prediction.py), how a choice outlives the kernel
(progress.py), and when a question comes back (reviews.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from mtls_lab.common import LabError, UnknownName, read_facts
from mtls_lab.learner import progress
from mtls_lab.learner.judges import judge

__all__ = [
    "Question",
    "Reason",
    "Revealed",
    "be_sure",
    "choose",
    "chosen",
    "explain_with",
    "is_revealed",
    "judged",
    "question",
    "questions",
    "reason",
    "reveal",
    "sure",
]

#: What was chosen in this kernel; None if it was taken back.
_chosen: dict[str, str | None] = {}
#: How sure the learner said to be, in this kernel.
_sure: dict[str, bool | None] = {}
#: The reasons that were chosen in this kernel.
_reasons: dict[str, str] = {}
#: The predictions whose outcome was shown in this kernel.
_revealed: set[str] = set()


@dataclass(frozen=True, slots=True)
class Reason:
    """One of the two reasons to choose from, and what is said to whoever chose it."""

    text: str
    reply: str


@dataclass(frozen=True, slots=True)
class Question:
    """One prediction; data/predictions.toml says what each field means."""

    name: str
    part: int
    question: str
    answers: dict[str, str]
    wrong: dict[str, str]
    outcome: str
    after: str
    why: dict[str, Reason]
    lesson: str
    covers: tuple[int, ...] = ()

    @classmethod
    def read(cls, name: str, entry: dict[str, Any]) -> Question:
        """Take it from the data file."""
        why = {key: Reason(*pair) for key, pair in entry["why"].items()}
        covers = tuple(entry.get("covers", ()))
        given = {"lesson": str(entry["part"]), **entry, "name": name, "why": why, "covers": covers}
        return cls(**given)


@dataclass(frozen=True, slots=True)
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

    @property
    def outcome(self) -> str:
        """What happened, in the words of the answer."""
        return self.question.answers[self.truth]

    @property
    def why(self) -> dict[str, Reason]:
        """The reasons to choose from; empty if the run gave another outcome than they explain."""
        return self.question.why if self.truth == self.question.outcome else {}

    @property
    def said(self) -> list[str]:
        """What is said of the outcome: to whoever was wrong, and then to everybody."""
        wrong = None if self.right else self.question.wrong.get(self.choice or "")
        after = self.question.after if self.truth == self.question.outcome else None
        return [text for text in (wrong, after) if text]


@cache
def questions() -> dict[str, Question]:
    """Return every question by its name.

    Example:
        >>> questions()["no_certificate"].part
        3
    """
    entries = read_facts("predictions")
    return {name: Question.read(name, entry) for name, entry in entries.items()}


def question(name: str) -> Question:
    """Return one question. Raises UnknownName."""
    try:
        return questions()[name]
    except KeyError:
        raise UnknownName("prediction", name, questions()) from None


def choose(name: str, answer: str | None) -> None:
    """Note what the learner expects; None takes it back.

    Raises:
        UnknownName: there is no such question, or it has no such answer.
        LabError: the outcome was shown, so it is no prediction any more.
    """
    answers = question(name).answers
    if answer is not None and answer not in answers:
        raise UnknownName(f"answer to {name!r}", answer, answers)
    if answer != chosen(name):
        _still_open(name)
        _chosen[name] = answer  # first: it counts in this kernel also where it cannot be noted
        progress.note(prediction=name, choice=answer, **_and_sure(sure(name)))


def chosen(name: str) -> str | None:
    """Return what was chosen before the run, in this kernel or an earlier one, or None."""
    if name in _chosen:
        return _chosen[name]
    done = progress.read()
    made = done.predictions.get(name)
    earlier = (made.choice if made else None) if name in done.revealed else done.chosen.get(name)
    return earlier if earlier in question(name).answers else None


def be_sure(name: str, value: bool | None) -> None:  # noqa: FBT001 - an answer, not an option
    """Note whether the learner is sure; None takes it back. Raises as `choose` does."""
    if value != sure(name):
        _still_open(name)
        _sure[name] = value
        progress.note(prediction=name, choice=chosen(name), **_and_sure(value))


def sure(name: str) -> bool | None:
    """Return whether the learner is sure, or None if that was not said. Raises UnknownName."""
    question(name)
    if name in _sure:
        return _sure[name]
    done = progress.read()
    return done.told[name].sure if name in done.told else done.sure.get(name)


def _and_sure(value: bool | None) -> dict[str, bool]:  # noqa: FBT001 - an answer, not an option
    return {} if value is None else {"sure": value}


def _still_open(name: str) -> None:
    if is_revealed(name):
        raise LabError(
            f"another answer to {name!r}, after its outcome",
            "the answer from before the run",
            "go on: what counts is what you expected",
        )


def judged(name: str, *evidence: object) -> Revealed:
    """Say what a run gives, and note nothing: the learner has not seen it yet.

    Args:
        name: the question.
        evidence: what the run gave, as the question's function in judges.py takes it; or the key
            of the answer alone, as notebooks of version 0.1 have it.

    Raises:
        UnknownName: there is no such question.
        LabError: the evidence is not what this question is judged by.

    Example:
        >>> judged("no_certificate", ["wrap_socket"]).outcome
        'Later, when it first reads: the handshake succeeds.'
    """
    asked = question(name)
    match evidence:
        case (str(key),) if key in asked.answers:
            truth = key
        case _:
            truth = judge(name, *evidence)
    return Revealed(asked, truth, chosen(name))


def reveal(name: str, *evidence: object) -> Revealed:
    """Answer a prediction with what really happened, and note that the learner knows it now.

    What was chosen counts as it was the first time. Takes and raises what `judged` does.
    """
    revealed = judged(name, *evidence)
    if not is_revealed(name):
        day = progress.today().isoformat()
        certain = _and_sure(sure(name))
        choice, truth = revealed.choice, revealed.truth
        _revealed.add(name)
        progress.note(prediction=name, choice=choice, truth=truth, day=day, **certain)
    return revealed


def is_revealed(name: str) -> bool:
    """Return whether the outcome was shown, in this kernel or an earlier one."""
    return name in _revealed or name in progress.read().revealed


def explain_with(name: str, key: str) -> Reason:
    """Note the reason that the learner chose, and return it. Raises UnknownName."""
    reasons = question(name).why
    if key not in reasons:
        raise UnknownName(f"reason for {name!r}", key, reasons)
    if key != reason(name):
        _reasons[name] = key
        progress.note(of=name, reason=key)
    return reasons[key]


def reason(name: str) -> str | None:
    """Return the key of the reason that was chosen, in this kernel or an earlier one, or None."""
    earlier = _reasons.get(name) or progress.read().reasons.get(name)
    return earlier if earlier in question(name).why else None

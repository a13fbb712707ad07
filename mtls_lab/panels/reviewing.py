"""Predictions that come back: up to three at the beginning of a lesson, or whatever is due today.

Here: the widget. Not here: which questions and when (learner/reviews.py), and the same in a
terminal (cli/review.py).
"""

from __future__ import annotations

import ipywidgets

from mtls_lab.common import UnknownName
from mtls_lab.drawing import escape
from mtls_lab.learner import progress, reviews
from mtls_lab.learner.predictions import Question, Revealed
from mtls_lab.panels.base import Panel, mark
from mtls_lab.panels.telling import choices, said, told

__all__ = ["ReviewPanel", "review"]


class ReviewPanel(Panel):
    """Ask predictions again; `value` is the answers so far, by the names of the questions.

    Args:
        lesson: the lesson that is about to begin, such as 2 or "3d"; None for what is due today.

    Raises:
        UnknownName: there is no such lesson, or none before it.
    """

    name = "review"
    looks = ("prediction",)

    def __init__(self, lesson: int | str | None = None) -> None:
        self._today = progress.today()
        done = progress.read()
        if lesson is None:
            self._questions = reviews.due(done, self._today)
            hint = "Predictions that are due again. Skip what you like."
        else:
            self._questions = reviews.opening(str(lesson), done, self._today)
            hint = "From the lessons before, and from memory. Skip what you like."
        super().__init__("Once more", hint)
        self._answered: dict[str, Revealed] = {}
        for number, asked in enumerate(self._questions, start=1):
            self._ask(number, asked)
        self._say()

    def select(self, name: str, answer: str) -> Revealed:
        """Answer a question by its name, with the key of an answer. Raises UnknownName."""
        asked = {each.name: each for each in self._questions}
        if name not in asked:
            raise UnknownName("question", name, asked)
        with self.turn:
            revealed = reviews.answer(asked[name], answer, self._today)
            self._answered.setdefault(name, revealed)
            self._say()
        return revealed

    def _ask(self, number: int, asked: Question) -> None:
        heading = f"<h5 class='lab-part'>{number}. Part {asked.part}: {told(asked.question)}</h5>"
        answers = choices("Your answer:", asked.answers)
        button = ipywidgets.Button(description="Check", tooltip=f"Check answer {number}")
        told_so = ipywidgets.HTML()

        def check() -> None:
            if answers.value is None:
                told_so.value = '<p role="status">Choose an answer first.</p>'
                return
            revealed = self.select(asked.name, answers.value)
            told_so.value = f'<div role="status">{_answered(revealed)}</div>'

        self.on_click(button, check)
        asking = ipywidgets.HTML(heading)
        asking.add_class("lab-whole")
        for row in (asking, answers, button, told_so):
            self.add(row)

    def _say(self) -> None:
        right = sum(bool(each.right) for each in self._answered.values())
        said = f"{right} of {len(self._answered)} right" if self._answered else ""
        if not self._questions:
            said = "Nothing is due today."
            if day := reviews.coming(progress.read(), self._today):
                said = f"Nothing is due before {day:%A, %d %B %Y}."
        listed = [
            line
            for each in self._questions
            for line in (each.question, *(f"  ( ) {text}" for text in each.answers.values()))
        ]
        self.show(
            {name: each.choice for name, each in self._answered.items()},
            "\n".join(listed) or said,
            f"<p>{escape(said)}</p>",
            outcome=f"{len(self._answered)} of {len(self._questions)}",
        )


def _answered(revealed: Revealed) -> str:
    """Whether the answer was right, what happened, and what is said of it."""
    chose = revealed.question.answers[revealed.choice or revealed.truth]
    happened = f"<p><b>What happened:</b> {told(revealed.outcome)}</p>"
    return mark(revealed.right, f"You said: {chose}") + happened + said(revealed)


def review(lesson: int | str | None = None) -> ReviewPanel:
    """Return the panel that asks predictions of earlier lessons again.

    Args:
        lesson: the lesson that is about to begin, such as 2 or "3d"; None for what is due today.

    Raises:
        UnknownName: there is no such lesson, or none before it.

    Example:
        >>> review(2).value
        {}
    """
    return ReviewPanel(lesson)

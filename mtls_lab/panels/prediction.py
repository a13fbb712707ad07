"""The question before a decisive cell: what do you expect?

Here: the widget. Not here: the questions and what really happened (learner/predictions.py).
"""

from __future__ import annotations

import ipywidgets

from mtls_lab.learner import predictions
from mtls_lab.panels.base import Panel, escape

__all__ = ["PredictPanel", "predict"]


class PredictPanel(Panel):
    """Ask for a prediction; `value` is the key of the chosen answer, or None.

    Args:
        name: a question of data/predictions.toml.

    Raises:
        UnknownName: there is no such question.
    """

    name = "predict"

    def __init__(self, name: str) -> None:
        question = predictions.question(name)
        super().__init__("Predict", question.question)
        self._question = question
        self._answers = ipywidgets.RadioButtons(
            options=[(text, key) for key, text in question.answers.items()],
            value=predictions.chosen(name),
            description="Your prediction:",
            style={"description_width": "initial"},
            layout={"width": "auto"},
        )
        self.on_change(self._answers, self._choose)
        self.add(self._answers)
        self._choose()

    def select(self, answer: str) -> None:
        """Choose an answer by its key. Raises UnknownName."""
        predictions.choose(self._question.name, answer)
        self._answers.value = answer

    def _choose(self) -> None:
        answer = self._answers.value
        predictions.choose(self._question.name, answer)
        text = "Choose one, then run the next cell. It also runs without."
        if answer is not None:
            text = f"You expect: {self._question.answers[answer]} Now run the next cell."
        listed = "\n".join(f"  ( ) {each}" for each in self._question.answers.values())
        self.show(
            answer,
            f"{self._question.question}\n{listed}",
            f"<p>{escape(text)}</p>",
            outcome=answer or "open",
        )


def predict(name: str) -> PredictPanel:
    """Return the panel that asks this question."""
    return PredictPanel(name)

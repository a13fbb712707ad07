"""A prediction before and after a decisive cell: what do you expect, how sure, and then why.

Here: the two widgets, before and after the run. Not here: the questions and what really happened
(learner/predictions.py, learner/judges.py), and questions that come back (reviewing.py).
"""

from __future__ import annotations

import re
from typing import Any

import ipywidgets

from mtls_lab.learner import predictions
from mtls_lab.learner.predictions import Revealed
from mtls_lab.panels.base import Panel, escape, mark

__all__ = ["PredictPanel", "RevealPanel", "about", "choices", "predict", "reveal", "told"]

#: The two steps of certainty, as the learner reads them.
SURE = {"Guessing": False, "Sure": True}


class PredictPanel(Panel):
    """Ask for a prediction; `value` is the key of the chosen answer, or None.

    Args:
        name: a question of data/predictions.toml.

    Raises:
        UnknownName: there is no such question.
    """

    name = "predict"
    looks = ("prediction",)

    def __init__(self, name: str) -> None:
        question = predictions.question(name)
        super().__init__("Predict", question.question)
        self._question = question
        self._answers = choices(
            "Your prediction:", question.answers, value=predictions.chosen(name)
        )
        self._sure = ipywidgets.RadioButtons(
            options=list(SURE.items()),
            value=predictions.sure(name),
            description="How sure are you?",
            style={"description_width": "initial"},
            layout={"width": "auto"},
        )
        self._sure.add_class("lab-line")
        self.on_change(self._answers, self._choose)
        self.on_change(self._sure, self._choose)
        self.add(self._answers)
        self.add(self._sure)
        self._choose()

    def select(self, answer: str, *, sure: bool | None = None) -> None:
        """Choose an answer by its key, and say how sure you are. Raises UnknownName."""
        predictions.choose(self._question.name, answer)
        with self.quietly():
            self._answers.value, self._sure.value = answer, sure
        self._choose()

    def _choose(self) -> None:
        answer = self._answers.value
        predictions.choose(self._question.name, answer)
        predictions.be_sure(self._question.name, self._sure.value)
        text = "Choose one, then run the next cell. It also runs without."
        if answer is not None:
            text = f"You expect: {self._question.answers[answer]} Now run the next cell."
        self.show(
            answer,
            f"{self._question.question}\n{_listed(self._question.answers)}",
            f"<p>{escape(text)}</p>",
            outcome=answer or "open",
        )


class RevealPanel(Panel):
    """Say what happened, and ask why; `value` is the key of the chosen reason, or None.

    Args:
        revealed: a prediction, answered by a run.
    """

    name = "reveal"
    looks = ("prediction",)

    def __init__(self, revealed: Revealed) -> None:
        super().__init__(f"What happened: {revealed.outcome}", "")
        self._revealed = revealed
        self._reply = ipywidgets.HTML()
        if revealed.why:
            texts = {key: each.text for key, each in revealed.why.items()}
            value = predictions.reason(revealed.question.name)
            self._reasons = choices("Why? Choose the reason:", texts, value=value)
            self.on_change(self._reasons, self._give_reason)
            self.add_below(self._reasons, self._reply)
            self._give_reason()
        else:
            self._show(None)

    @property
    def revealed(self) -> Revealed:
        """What happened, and what was predicted."""
        return self._revealed

    def select(self, reason: str) -> None:
        """Choose a reason by its key, "right" or "wrong". Raises UnknownName."""
        predictions.explain_with(self._revealed.question.name, reason)
        self._reasons.value = reason

    def _give_reason(self) -> None:
        key = self._reasons.value
        if key is not None:
            given = predictions.explain_with(self._revealed.question.name, key)
            sign = {"right": "✓", "wrong": "✗"}[key]
            self._reply.value = f'<p role="status">{sign} {told(given.reply)}</p>'
        self._show(key)

    def _show(self, key: str | None) -> None:
        reasons = _listed({key: each.text for key, each in self._revealed.why.items()})
        text = str(self._revealed) + (f"\nWhy? Choose the reason:\n{reasons}" if reasons else "")
        page = about(self._revealed, folded=bool(reasons) and key is None)
        self.show(key, text, page, outcome=key or "open")

    def __str__(self) -> str:
        return self._text

    def _repr_mimebundle_(self, **options: object) -> dict[str, Any]:
        """Without a kernel there is nothing to choose: what happened, and no box to press."""
        bundle = super()._repr_mimebundle_(**options)
        why = "".join(f"<li>{told(each.text)}</li>" for each in self._revealed.why.values())
        asked = f"<p>Why? Choose the reason:</p><ul>{why}</ul>" if why else ""
        bundle["text/html"] = about(self._revealed, again=True) + asked
        return bundle


def predict(name: str) -> PredictPanel:
    """Return the panel that asks this question."""
    return PredictPanel(name)


def reveal(name: str, *evidence: object) -> RevealPanel:
    """Return the panel that answers a prediction with what really happened.

    Args:
        name: the question.
        evidence: what the run gave, as learner/judges.py takes it.

    Raises:
        UnknownName: there is no such question.
        LabError: the evidence is not what this question is judged by.

    Example:
        >>> print(reveal("no_certificate", ["wrap_socket"]))
        What happened: Later, when it first reads: the handshake succeeds.
        A TLS 1.3 client is done once it has verified the server and sent its own messages...
        Why? Choose the reason:
          ( ) The backend waits until the device asks for the secret.
          ( ) The client is done before the server has looked at its certificate.
    """
    return RevealPanel(predictions.reveal(name, *evidence))


def about(
    revealed: Revealed, *, said: str = "You predicted", again: bool = False, folded: bool = False
) -> str:
    """Return whether the choice was right, and what is said of the outcome, as HTML.

    Args:
        revealed: a prediction, answered by a run.
        said: what introduces the choice.
        again: say what happened as well, where no heading says so.
        folded: leave what is said of the outcome to be opened: a reason is still to be chosen.
    """
    lines = [f"<p>{told(each)}</p>" for each in revealed.said]
    if folded and lines:
        lines = ["<details><summary>The explanation</summary>", *lines, "</details>"]
    if again:
        lines.insert(0, f"<p><b>What happened:</b> {told(revealed.outcome)}</p>")
    if revealed.choice is not None:
        chose = revealed.question.answers[revealed.choice]
        lines.insert(0, mark(revealed.right, f"{said}: {chose}"))
    return f'<div data-testid="reveal-{revealed.question.name}">{"".join(lines)}</div>'


def choices(
    label: str, texts: dict[str, str], *, value: str | None = None
) -> ipywidgets.RadioButtons:
    """Return radio buttons by the keys of the texts."""
    return ipywidgets.RadioButtons(
        options=[(text, key) for key, text in texts.items()],
        value=value,
        description=label,
        style={"description_width": "initial"},
        layout={"width": "auto"},
    )


def told(text: str) -> str:
    """Return a sentence of the data as HTML: escaped, with its `code` and its *stress*."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", text)


def _listed(texts: dict[str, str]) -> str:
    return "\n".join(f"  ( ) {each}" for each in texts.values())

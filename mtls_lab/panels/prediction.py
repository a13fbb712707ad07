"""A prediction in one panel: the question, how sure, the decisive run, what happened, and why.

Here: the widget. Not here: the questions and what really happened (learner/predictions.py,
learner/judges.py), running the learner's function (learner/runs.py), what is said (telling.py),
and questions that come back (reviewing.py).

The cell that makes the panel makes the run as well, so that later cells can go on with its result.
In the panel, the outcome stays out of sight until *Run it* makes the run once more; the text of
the panel, for a page without a kernel, has all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from mtls_lab.classroom.out_of_order import hint
from mtls_lab.common import FileProblem, LabError, kind_of
from mtls_lab.drawing import code, dots, escape
from mtls_lab.exercises import standing
from mtls_lab.learner import predictions, runs
from mtls_lab.learner.predictions import Revealed
from mtls_lab.panels import telling
from mtls_lab.panels.base import Panel, details

__all__ = ["PredictPanel", "predict", "reveal"]

#: The two steps of certainty, as the learner reads them.
SURE = {False: "Guessing", True: "Sure"}


class PredictPanel(Panel):
    """Ask for a prediction, run, and say what happened; `value` is what the function returned.

    Args:
        name: a question of data/predictions.toml.
        function: makes the decisive run and returns its evidence, as runs.Run takes it apart; None
            in a notebook of an older version, where the next cell makes the run.

    Raises:
        UnknownName: there is no such question.
        LabError: the evidence is not what this question is judged by.
        Exception: whatever the function raises, as in any cell.
    """

    name = "predict"
    looks = ("prediction",)

    def __init__(self, name: str, function: Callable[[], object] | None = None) -> None:
        __tracebackhide__ = True  # of an error in the function, Jupyter shows the learner's lines
        asked = self._asked = predictions.question(name)
        super().__init__(asked.question, "")
        self.box.add_class("lab-predict")
        self._function = function
        self._run = runs.Run(None)
        self._outcome = self._judge(runs.make(function)) if function else None
        self._in_sight = False
        self._answers = telling.choices(
            "Your prediction:", asked.answers, value=predictions.chosen(name)
        )
        self._sure = telling.choices("How sure are you?", SURE, value=predictions.sure(name))
        self._sure.add_class("lab-line")
        self._asking = ipywidgets.VBox([self._answers, self._sure])
        self._button = ipywidgets.Button(description="Run it", button_style="primary")
        self._note = ipywidgets.HTML()
        reasons = {key: each.text for key, each in asked.why.items()}
        self._reasons = telling.choices(telling.WHY, reasons)
        self._reply, self._after = ipywidgets.HTML(), ipywidgets.VBox()
        self.on_change(self._answers, self._choose)
        self.on_change(self._sure, self._choose)
        self.on_change(self._reasons, lambda: self.explain(self._reasons.value))
        self.on_click(self._button, self._press)
        self.add(self._asking)
        self.add(*[self._button] * bool(function), self._note)
        self.add_below(self._after)
        if self._outcome and predictions.is_revealed(name):
            self._tell(self._outcome)
        else:
            self._ask()

    @property
    def revealed(self) -> Revealed | None:
        """What happened and what was predicted; None as long as it is out of sight."""
        return self._outcome if self._in_sight else None

    def select(self, answer: str, *, sure: bool | None = None) -> None:
        """Choose an answer by its key, and say how sure you are.

        Raises:
            UnknownName: the question has no such answer.
            LabError: the outcome was shown, so it is no prediction any more.
        """
        predictions.choose(self._asked.name, answer)
        with self.quietly():
            self._answers.value, self._sure.value = answer, sure
        self._choose()

    def run(self) -> None:
        """Make the run, and show what happened: what the button does."""
        self.guard(self._press)

    def answer(self, run: runs.Run) -> None:
        """Show what happened in a run that was made, and note that the learner knows it now.

        Raises:
            LabError: its evidence is not what this question is judged by.
        """
        self._outcome, lost = self._judge(run), ""
        if self._function or self._outcome.choice:  # Run All of an older notebook is not a look
            try:
                predictions.reveal(self._asked.name, *run.evidence)
            except FileProblem as problem:  # on a full disk, say, the lesson goes on
                lost = f"<p class='lab-hint'>Not remembered: {escape(problem.found)}</p>"
        self._tell(self._outcome)
        self._note.value = lost

    def explain(self, reason: str) -> None:
        """Choose a reason for the outcome by its key, "right" or "wrong". Raises UnknownName."""
        predictions.explain_with(self._asked.name, reason)
        if self.revealed:
            self._explain(self.revealed)

    def _choose(self) -> None:
        if self._in_sight:
            return  # a click that was on its way when the run ended
        predictions.choose(self._asked.name, self._answers.value)
        predictions.be_sure(self._asked.name, self._sure.value)
        self._ask()

    def _ask(self) -> None:
        """Show the question; of the outcome, nothing."""
        if self._function:
            self._cover(self.box.add_class)
        note = "Choose first, or just run it." if self._answers.value is None else ""
        self._note.value = f"<p class='lab-hint'>{note if self._function else NEXT}</p>"
        self._show("", self._answers.value or "open")

    def _cover(self, change: Callable[[str], object]) -> None:
        """Change the classes by which the style sheet hides what gives the answer away."""
        for offset in self._asked.covers:
            change(f"lab-{'above' if offset < 0 else 'below'}-{abs(offset)}")

    def _press(self) -> None:
        function = self._function or (lambda: None)
        try:
            self.answer(runs.make(function))
        except Exception as error:  # noqa: BLE001 - the learner may have changed what it calls
            text = f"{runs.in_short(error, function)}\n{hint(error)}".strip()
            self.show(self._run.value, text, code(text), outcome="error")

    def _judge(self, run: runs.Run) -> Revealed:
        __tracebackhide__ = True
        outcome = predictions.judged(self._asked.name, *run.evidence)
        self._run = run
        return outcome

    def _tell(self, revealed: Revealed) -> None:
        """Show what happened, and what was predicted: that is no choice any more."""
        self._in_sight = True
        self._cover(self.box.remove_class)
        sure = predictions.sure(self._asked.name)
        self._asking.children = (ipywidgets.HTML(telling.marked(revealed, sure=sure)),)
        self._button.description, self._button.button_style = "Run it again", ""
        self._note.value = ""
        page = telling.verdict(revealed) + telling.seen(self._run)
        self._show(page, {True: "right", False: "wrong", None: "seen"}[revealed.right])
        self._explain(revealed)

    def _explain(self, revealed: Revealed) -> None:
        """Ask for the reason, if the run gave what the reasons are for; then explain."""
        why = revealed.why
        key = predictions.reason(self._asked.name) if why else None
        page = telling.said(revealed)
        if key:
            sign = {"right": "✓", "wrong": "✗"}[key]
            page = f"<p role='status'>{sign} {telling.told(why[key].reply)}</p>{page}"
        elif why:
            page = details("The explanation", page)
        self._reply.value = page + dots(standing.of_question(self._asked.name))
        with self.quietly():
            self._reasons.value = key
        self._after.children = (*[self._reasons] * bool(why), self._reply)

    def _show(self, page: str, outcome: str) -> None:
        text = telling.as_text(self._asked, self._run, self._outcome)
        page = page and f'<div data-testid="reveal-{self._asked.name}">{page}</div>'
        self.show(self._run.value, text, page, outcome=outcome)

    def _repr_mimebundle_(self, **options: object) -> dict[str, Any]:
        bundle = super()._repr_mimebundle_(**options)
        bundle["text/html"] = telling.on_paper(self._asked, self._run, self._outcome)
        return bundle


#: What an older notebook's panel says: there, the cell that asks does not run.
NEXT = "Choose one, then run the next cell."


def predict(run: Callable[[], object] | str) -> PredictPanel:
    """Return the panel that asks what a run will give, makes it, and says what happened.

    Args:
        run: a function without arguments, named like the question; it makes the decisive run and
            returns the evidence. (Or the name alone, in a notebook of an older version.)

    Raises:
        UnknownName: there is no such question.
        LabError: it is not a function, or the evidence is not what this question is judged by.

    Example:
        >>> def no_certificate():
        ...     return ["wrap_socket"]
        >>> print(predict(no_certificate))
        The backend requires a client certificate, the device has none, over TLS 1.3...
          ( ) In wrap_socket: the handshake fails.
          ( ) Later, when it first reads: the handshake succeeds.
          ( ) Never: it is served all the same.
        What happened: Later, when it first reads: the handshake succeeds.
        A TLS 1.3 client is done once it has verified the server and sent its own messages...
        Why? Choose the reason:
          ( ) The backend waits until the device asks for the secret.
          ( ) The client is done before the server has looked at its certificate.
    """
    __tracebackhide__ = True
    if isinstance(run, str):
        return PredictPanel(run)
    given: object = run
    name = getattr(given, "__name__", None)
    if name is None or not callable(given):
        raise LabError(
            f"predict was given {kind_of(run)}, and not a function with a name",
            "the function itself, which is not called yet: predict makes the run",
            "leave out the brackets behind its name: predict(name)",
        )
    return PredictPanel(name, run)


def reveal(name: str, *evidence: object) -> PredictPanel:
    """Return the panel of a prediction whose run is over: for notebooks of older versions.

    Raises:
        UnknownName: there is no such question.
        LabError: the evidence is not what this question is judged by.
    """
    panel = PredictPanel(name)
    panel.answer(runs.Run(evidence))
    return panel

"""A test of the course, one question at a time.

Here: the widgets. Not here: the questions, what is kept and the result (learner/quiz.py), and the
test in a terminal (cli/quiz.py).
"""

from __future__ import annotations

import ipywidgets

from mtls_lab.drawing import escape
from mtls_lab.learner import quiz
from mtls_lab.panels.base import Panel, details, mark
from mtls_lab.panels.telling import choices

__all__ = ["QuizPanel"]

HINT = (
    "Nothing depends on it, and it can be left out. It measures what you know: leave a question "
    "open rather than guess."
)


class QuizPanel(Panel):
    """Take one of the tests; `value` is the `Sitting`.

    Args:
        when: "before" Part 1, "after" Part 3, or "part4" for the one after Part 4.

    Raises:
        UnknownName: there is no such test.
    """

    name = "quiz"

    def __init__(self, when: str) -> None:
        self._sitting = quiz.Sitting(when)
        super().__init__(quiz.TESTS[when].title, HINT)
        self._items = list(self._sitting.items.values())
        self._at = next(
            (number for number, item in enumerate(self._items) if item in self._sitting.open),
            len(self._items) - 1,
        )
        self._situation = ipywidgets.HTML()
        self._answers = choices("Your answer:", {})
        self._back = ipywidgets.Button(description="◀ Back", tooltip="The question before")
        self._next = ipywidgets.Button(description="Next ▶", tooltip="The next question")
        self._clear = ipywidgets.Button(description="Clear", tooltip="Take this answer back")
        self._hand_in = ipywidgets.Button(
            description="Hand in", tooltip="Finish the test: no answer can be changed after that"
        )
        self.on_change(self._answers, self._answer)
        self.on_click(self._back, lambda: self._go(-1))
        self.on_click(self._next, lambda: self._go(+1))
        self.on_click(self._clear, lambda: self.select(self._item.name, None))
        self.on_click(self._hand_in, self.hand_in)
        self.add(self._situation)
        self.add(self._answers)
        self.add(self._back, self._next, self._clear, self._hand_in)
        self._turn_to(self._at)

    @property
    def _item(self) -> quiz.Item:
        return self._items[self._at]

    def select(self, name: str, answer: str | None) -> None:
        """Answer a question by its name and the answer's key. Raises UnknownName."""
        with self.turn:
            self._sitting.answer(name, answer)
            self._turn_to(next(n for n, item in enumerate(self._items) if item.name == name))

    def hand_in(self) -> None:
        """Finish the test. Raises FileProblem."""
        with self.turn:
            self._sitting.hand_in()
            self._turn_to(self._at)

    def _answer(self) -> None:
        self._sitting.answer(self._item.name, self._answers.value)
        self._tell()

    def _go(self, step: int) -> None:
        self._turn_to(self._at + step)

    def _turn_to(self, at: int) -> None:
        """Show a question, or what there is to say once the test takes no answers."""
        self._at = min(max(at, 0), len(self._items) - 1)
        item, closed = self._item, self._sitting.closed
        head = f"Question {self._at + 1} of {len(self._items)}"
        self._situation.value = (
            ""
            if closed
            else (
                f"<h5>{head}</h5><p>{escape(item.situation)}</p><p><b>{escape(item.question)}</b></p>"
            )
        )
        with self.quietly():
            self._answers.options = [(text, key) for key, text in item.answers.items()]
            self._answers.value = self._sitting.answers.get(item.name)
        for widget in (self._answers, self._back, self._next, self._clear, self._hand_in):
            widget.layout.display = "none" if closed else None
        self._back.disabled = self._at == 0
        self._next.disabled = self._at == len(self._items) - 1
        self._tell()

    def _tell(self) -> None:
        sitting = self._sitting
        if not sitting.closed:
            text = f"Question {self._at + 1}. {sitting.count}, and kept."
            body, outcome = f"<p>{escape(text)}</p>", "open"
        elif sitting.too_late:
            moment = quiz.TESTS[quiz.last(sitting.when)].moment
            text = f"The test {moment} is handed in: this one takes no more answers."
            body, outcome = f"<p>{escape(text)}</p>", "closed"
        else:
            body, outcome = self._outcome(), "closed"
        self.show(sitting, self._plain(), body, outcome=outcome)

    def _outcome(self) -> str:
        sitting, done = self._sitting, self._sitting.done
        last = quiz.last(sitting.when)
        if not done.quiz[last].handed_in:
            moment = quiz.TESTS[last].moment
            text = f"Handed in: {sitting.count}. You will see {moment} which are right."
            return f"<p>{escape(text)}</p>"
        body = mark(None, quiz.result(done, last))
        for item, right, reply in quiz.told(done, sitting.when):
            summary = f"{'✓' if right else '✗'} {item.topic}"
            lines = [f"{item.situation} {item.question}", *reply.splitlines()]
            body += details(summary, "".join(f"<p>{escape(line)}</p>" for line in lines))
        return body

    def _plain(self) -> str:
        """The first question: what nbval compares does not depend on what was answered."""
        first = self._items[0]
        listed = "\n".join(f"  ( ) {each}" for each in first.answers.values())
        head = f"Question 1 of {len(self._items)}"
        return f"{head}: {first.situation}\n{first.question}\n{listed}"

"""The judgement of an exercise: four outcomes, and what the learner reads.

Here: Result, and the two exceptions by which a check says no. Not here: how a check is made and
run (judging.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from mtls_lab.drawing import BAD, EDGE, GOOD, WARN, box, dots, line_of
from mtls_lab.exercises import standing

__all__ = ["NotYet", "Outcome", "Result", "Unsafe"]


class Outcome(Enum):
    """How an attempt at an exercise is judged; the value is what the learner reads."""

    NOT_ATTEMPTED = "not attempted"
    NOT_YET = "not yet"
    UNSAFE = "works but unsafe"
    RIGHT = "right"


_SIGNS = {
    Outcome.NOT_ATTEMPTED: ("○", EDGE),
    Outcome.NOT_YET: ("✗", BAD),
    Outcome.UNSAFE: ("⚠", WARN),
    Outcome.RIGHT: ("✓", GOOD),
}


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """What a check found; shown by Jupyter as the value of a cell.

    Attributes:
        exercise: the name of the check.
        outcome: the judgement.
        seen: what was tried and held, in order.
        found: what did not hold; empty if nothing.
        rule: what should have been; empty if nothing is wrong.
        remark: what else the learner has to know.
    """

    exercise: str
    outcome: Outcome
    seen: tuple[str, ...] = ()
    found: str = ""
    rule: str = ""
    remark: str = ""

    @property
    def right(self) -> bool:
        """Whether the exercise is solved."""
        return self.outcome is Outcome.RIGHT

    def _lines(self) -> list[str]:
        lines = [f"{_SIGNS[self.outcome][0]} {self.outcome.value}"]
        if self.outcome is Outcome.NOT_ATTEMPTED:
            lines[0] += ": replace the ... above, and run the cell again"
        lines += [f"  ✓ {each}" for each in self.seen]
        if self.found:
            lines += [f"  ✗ {self.found}", f"  Rule: {self.rule}"]
        return lines + [f"  {self.remark}"] * bool(self.remark)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    __repr__ = __str__  # Jupyter shows the last value of a cell by its repr

    def _repr_html_(self) -> str:
        head, *rest = map(line_of, str(self).splitlines())
        shown = box(
            [f"<strong>{head}</strong>", *rest],
            _SIGNS[self.outcome][1],
            testid=f"check-{self.exercise}",
            outcome=self.outcome.value,
        )
        if self.outcome is Outcome.NOT_ATTEMPTED:
            return shown
        return shown + "".join(dots([each]) for each in standing.of_result(self.exercise))


class NotYet(Exception):
    """An exercise is not solved.

    Args:
        found: what the check saw, as a sentence without a full stop.
        rule: the rule that this breaks, and never the answer.
    """

    outcome = Outcome.NOT_YET

    def __init__(self, found: str, rule: str) -> None:
        super().__init__(found, rule)
        self.found, self.rule = found, rule


class Unsafe(NotYet):
    """An exercise works, and an attacker gets through."""

    outcome = Outcome.UNSAFE

"""`mtls-lab quiz`: the tests of the course, in a terminal.

Here: asking, and what counts as an answer. Not here: the questions, what is kept and the result
(learner/quiz.py), the terminal (dialogue.py), and the test in a notebook (panels/quiz.py).
"""

from __future__ import annotations

import argparse
import sys

from mtls_lab.cli.dialogue import read_line, say
from mtls_lab.common import LabError, typed
from mtls_lab.learner import quiz
from mtls_lab.learner.folder import own_folder

__all__ = ["run"]

HOW = (
    "Type the number of your answer. Enter leaves a question out, b goes back to the one before, "
    "and Ctrl-C stops: what you answered is kept."
)


def run(options: argparse.Namespace) -> int:
    """Ask every question that has no answer yet, then hand the test in and say how it went.

    Which test is one of `quiz.TESTS`. Returns 0.

    Raises:
        NotInWorkspace: there is no learner's folder.
        LabError: there is nothing to read answers from.
        KeyboardInterrupt: stopped by Ctrl-C; every answer is kept.
    """
    when: str = options.when
    sitting = quiz.Sitting(when, own_folder(options.folder))
    if not sitting.closed:
        say(f"{quiz.TESTS[when].title}: {len(sitting.open)} questions, half a minute each.")
        say(HOW)
        try:
            _ask(sitting)
        except (EOFError, KeyboardInterrupt) as stop:
            say("", f"Stopped. Kept: {sitting.count}. To go on, type {_typed(when)} once more.")
            if isinstance(stop, KeyboardInterrupt):
                raise
            return 0
        sitting.hand_in()
    _tell(sitting)
    return 0


def _ask(sitting: quiz.Sitting) -> None:
    """Ask until the last question has passed. Raises EOFError at the end of the input."""
    asked, at = sitting.open, 0
    while at < len(asked):
        item = asked[at]
        say("", f"{at + 1} of {len(asked)}. {item.situation}", "", item.question)
        for number, answer in enumerate(item.answers.values(), 1):
            say(f"{number}  {answer}", indent="   ")
        typed_in = _read(len(item.answers), first=not (at or sitting.answers))
        if typed_in == "b":
            at = max(at - 1, 0)
            continue
        key = list(item.answers)[int(typed_in) - 1] if typed_in else None
        sitting.answer(item.name, key)
        at += 1


def _read(most: int, *, first: bool) -> str:
    """Return a number from 1 to `most`, "b", or nothing."""
    valid = ["", "b", *map(str, range(1, most + 1))]
    while True:
        try:
            answer = read_line("> ")
        except EOFError:
            if first and not (sys.stdin and sys.stdin.isatty()):
                raise LabError(
                    "nothing to read an answer from",
                    "a terminal, or an input with one number in each line",
                    "type the command in a terminal, or take the test in the notebook",
                ) from None
            raise
        if answer in valid:
            return answer
        say(f"A number from 1 to {most}, b, or Enter.")


def _typed(when: str) -> str:
    """What to type for a test; the first one needs no option."""
    return typed("quiz" if when == next(iter(quiz.TESTS)) else f"quiz --{when}")


def _tell(sitting: quiz.Sitting) -> None:
    done, last = sitting.done, quiz.last(sitting.when)
    moment = quiz.TESTS[last].moment
    say("")
    for item, right, reply in quiz.told(done, sitting.when):
        say(*f"{'✓' if right else '✗'} {item.topic}. {reply}".splitlines(), "")
    if sitting.too_late:
        say(f"The test {moment} is handed in: this one takes no more answers.")
    elif done.quiz[last].handed_in:
        say(quiz.result(done, last))
    else:
        later = f"You will see {moment} which of them are right: {_typed(last)}"
        say(f"Handed in: {sitting.count}. {later}")

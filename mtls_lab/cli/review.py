"""`mtls-lab review`: the predictions that are due today, asked once more in a terminal.

Here: asking and telling. Not here: which questions and when (learner/reviews.py), the same in a
notebook (panels/reviewing.py), and the terminal (dialogue.py).
"""

from __future__ import annotations

import argparse
import string
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from mtls_lab.cli.dialogue import read_line, say, somebody_is_there
from mtls_lab.common import typed
from mtls_lab.learner import progress, reviews
from mtls_lab.learner.folder import own_folder
from mtls_lab.learner.predictions import Question

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Ask what is due in a learner's folder, and return the exit code.

    Enter skips a question, and Ctrl-D or Ctrl-C ends the review; what was answered is kept.
    Where nobody can answer, the questions are only printed.

    Raises:
        NotInWorkspace: there is no learner's folder.
        FileProblem: the answers cannot be kept.
        KeyboardInterrupt: Ctrl-C, once everything is said.
    """
    folder, today = own_folder(options.folder), progress.today()
    asked = reviews.due(progress.read(folder), today)
    if not asked:
        print(_nothing(folder, today))
        return 0
    if not somebody_is_there():
        _show(asked)
        print(f"\nTo answer, run this in a terminal: {typed('review')}")
        return 0
    minutes = "1 minute" if len(asked) < 3 else f"{(len(asked) + 1) // 2} minutes"
    print(f"Predictions that come back: {len(asked)}, about {minutes}. Ctrl-C ends the review.")
    answered: list[bool] = []
    try:
        for number, each in enumerate(asked, start=1):
            print()
            say(f"{number} of {len(asked)}, Part {each.part}: {each.question}")
            if choice := _ask(each):
                revealed = reviews.answer(each, choice, today, folder)
                answered.append(bool(revealed.right))
                say(f"{'✓' if revealed.right else '✗'} What happened: {revealed.outcome}")
                for text in revealed.said:
                    say(text.replace("`", ""))
    except EOFError:
        print()
    except KeyboardInterrupt:
        print()
        raise
    finally:
        score = f"{sum(answered)} of {len(answered)} right." if answered else "Nothing answered."
        print(f"\n{score} {_next(folder, today)}")
    return 0


def _show(asked: Iterable[Question]) -> None:
    for number, each in enumerate(asked, start=1):
        print("\n" * (number > 1), end="")
        say(f"{number}. Part {each.part}: {each.question}")
        for letter, text in zip(string.ascii_lowercase, each.answers.values(), strict=False):
            say(f"{letter}) {text}", indent="  ")


def _ask(asked: Question) -> str | None:
    """Ask until there is an answer; None for Enter alone. Raises EOFError."""
    keys = dict(zip(string.ascii_lowercase, asked.answers, strict=False))
    for letter, key in keys.items():
        say(f"{letter}) {asked.answers[key]}", indent="  ")
    letters = ", ".join(keys)
    while True:
        said = read_line(f"Your answer ({letters}; Enter skips): ").rstrip(").")
        if not said:
            return None
        if said in keys:
            return keys[said]
        print(f"Please type one of {letters}, or nothing but Enter.")


def _nothing(folder: Path, today: date) -> str:
    if not progress.read(folder).predictions:
        return (
            "Nothing to review yet. A prediction that you make in a notebook comes back a day "
            "after its run, and a week later."
        )
    return f"Nothing is due today. {_next(folder, today)}"


def _next(folder: Path, today: date) -> str:
    """Say when to come back."""
    done = progress.read(folder)
    if reviews.due(done, today):
        return f"More is due today: {typed('review')}"
    day = reviews.coming(done, today)
    return f"The next review is on {day:%A, %d %B %Y}." if day else "No other review is due."

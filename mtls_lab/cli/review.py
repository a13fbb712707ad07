"""`mtls-lab review`: the predictions that are due today, asked once more in a terminal.

Here: asking and telling. Not here: which questions and when (learner/reviews.py), and the same in
a notebook (panels/reviewing.py).
"""

from __future__ import annotations

import shutil
import string
import sys
import textwrap
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from mtls_lab.learner import progress, reviews
from mtls_lab.learner.folder import own_folder
from mtls_lab.learner.predictions import Question
from mtls_lab.program import typed

__all__ = ["run"]

#: A line that is longer is hard to read.
WIDEST = 90


def run(folder: Path) -> int:
    """Ask what is due in a learner's folder, and return the exit code.

    Enter skips a question, and Ctrl-D or Ctrl-C ends the review; what was answered is kept.
    Where nobody can answer, the questions are only printed.

    Raises:
        NotInWorkspace: there is no learner's folder.
        FileProblem: the answers cannot be kept.
        KeyboardInterrupt: Ctrl-C, once everything is said.
    """
    folder, today = own_folder(folder), progress.today()
    asked = reviews.due(progress.read(folder), today)
    if not asked:
        print(_nothing(folder, today))
        return 0
    if not _somebody_is_there():
        _show(asked)
        print(f"\nTo answer, run this in a terminal: {typed('review')}")
        return 0
    minutes = "1 minute" if len(asked) < 3 else f"{(len(asked) + 1) // 2} minutes"
    print(f"Predictions that come back: {len(asked)}, about {minutes}. Ctrl-C ends the review.")
    answered: list[bool] = []
    try:
        for number, each in enumerate(asked, start=1):
            print()
            _write(f"{number} of {len(asked)}, Part {each.part}: {each.question}")
            if choice := _ask(each):
                revealed = reviews.answer(each, choice, today, folder)
                answered.append(bool(revealed.right))
                _write(f"{'✓' if revealed.right else '✗'} What happened: {revealed.outcome}")
                for text in revealed.said:
                    _write(text)
    except EOFError:
        print()
    except KeyboardInterrupt:
        print()
        raise
    finally:
        score = f"{sum(answered)} of {len(answered)} right." if answered else "Nothing answered."
        print(f"\n{score} {_next(folder, today)}")
    return 0


def _somebody_is_there() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def _show(asked: Iterable[Question]) -> None:
    for number, each in enumerate(asked, start=1):
        print("\n" * (number > 1), end="")
        _write(f"{number}. Part {each.part}: {each.question}")
        for letter, text in zip(string.ascii_lowercase, each.answers.values(), strict=False):
            _write(f"{letter}) {text}", indent="  ")


def _ask(asked: Question) -> str | None:
    """Ask until there is an answer; None for Enter alone. Raises EOFError."""
    keys = dict(zip(string.ascii_lowercase, asked.answers, strict=False))
    for letter, key in keys.items():
        _write(f"{letter}) {asked.answers[key]}", indent="  ")
    letters = ", ".join(keys)
    while True:
        try:
            said = input(f"Your answer ({letters}; Enter skips): ").strip().lower().rstrip(").")
        except UnicodeError:
            said = "?"
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


def _write(text: str, indent: str = "") -> None:
    width = max(20, min(WIDEST, shutil.get_terminal_size().columns - 1))
    inside = indent + "   " if indent else ""
    print(textwrap.fill(text, width, initial_indent=indent, subsequent_indent=inside))

"""What a learner reads after each attempt that the tests make: one file for each exercise.

The files in verdicts/ are for a person to read in a review; `make verdicts` writes them anew. The
outcome of an attempt stands in its test. Here: attempts, and the files. No test is here.
"""

import os
import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtls_lab.exercises import Outcome, Result

FOLDER = Path(__file__).with_name("verdicts")
HEADING = re.compile(r"(?m)^# (.+)\n")

#: What is handed to a check, and the outcome, by the name that the attempt has in its file.
Attempts = dict[str, tuple[Any, Outcome]]
#: Compares a verdict with its outcome and with its file; the attempt has the name of the test.
Hold = Callable[[Result, Outcome], None]

#: Where `make verdicts` collects the words, by exercise and attempt, instead of comparing them.
NEW = pytest.StashKey[dict[str, dict[str, str]]]()


def named(outcome: Outcome, *functions: Callable[..., Any]) -> Attempts:
    """Attempts that have the names of their functions."""
    return {each.__name__: (each, outcome) for each in functions}


def logs_keys(make: Callable[..., ssl.SSLContext]) -> Callable[..., ssl.SSLContext]:
    """A function whose context also writes down the keys of its connections, for debugging."""

    def logging(*given: Any) -> ssl.SSLContext:
        context = make(*given)
        context.keylog_filename = os.devnull
        return context

    return logging


def takes_proxies(make: Callable[..., ssl.SSLContext]) -> Callable[..., ssl.SSLContext]:
    """A function whose context also takes what somebody with a certificate has signed."""

    def taking(*given: Any) -> ssl.SSLContext:
        context = make(*given)
        context.verify_flags |= ssl.VERIFY_ALLOW_PROXY_CERTS
        return context

    return taking


def words(result: Result) -> str:
    """What the learner reads, but for our own line numbers and the words of OpenSSL and Python."""
    told = re.sub(r"\(line \d+ of", "(line N of", str(result))
    told = re.sub(r"\[SSL.*?\(_ssl\.c:\d+\)", "…", told)
    told = re.sub(r"\[SSL: .*", "…", told)  # what another process has told of its ssl
    return re.sub(r"(a thread of yours raised TypeError: ).*", r"\1…", told)


def read(exercise: str) -> dict[str, str]:
    """The words of an exercise's file by attempt; empty while there is no file."""
    path = FOLDER / f"{exercise}.txt"
    _, *parts = HEADING.split(path.read_text(encoding="utf-8") if path.exists() else "")
    return {name: text.strip("\n") for name, text in zip(parts[::2], parts[1::2], strict=True)}


def write(exercise: str, attempts: dict[str, str]) -> None:
    text = "\n".join(f"# {name}\n{said}\n" for name, said in attempts.items())
    (FOLDER / f"{exercise}.txt").write_text(text, encoding="utf-8")

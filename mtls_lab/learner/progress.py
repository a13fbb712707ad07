"""What a learner has done so far, in one file of the learner's folder: nothing is ever sent.

Here: noting what happened, and reading it back after a restart. Not here: what there is to do
(predictions.py, exercises/), when a prediction comes back (reviews.py), and how far that is
(classroom/).

The file is a list of events, one JSON object in each line, and only ever grows: two notebooks
can write at the same time, and a damaged line costs that line only. It holds no time and no
address; and no name, but for the seed of a kata, which a learner may have chosen to be one. Two
events hold a day, because reviews are spaced by days: when a run answered a prediction, and when
a review asked it again. A line has what older versions read, and what it has beyond that may be
missing: each version reads what the others wrote.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from mtls_lab.common import FileProblem, append_line, read_file, why_of
from mtls_lab.learner.folder import learner_folder

__all__ = [
    "FILE",
    "HANDED_IN",
    "TESTS",
    "Predicted",
    "Progress",
    "Reviewed",
    "Taken",
    "Told",
    "Tried",
    "damaged",
    "note",
    "read",
    "today",
    "watchers",
]

FILE = "progress.jsonl"
#: The tests of learner/quiz.py, as the file calls them.
TESTS = ("before", "after", "part4")
#: The state of one that is finished.
HANDED_IN = "handed in"

#: What is called after something was noted, to show it where it is shown already.
watchers: list[Callable[[], None]] = []

#: The outcomes of an exercise from worst to best; the best one stays.
_RANKS = ("not yet", "works but unsafe", "right")


@dataclass(frozen=True, slots=True)
class Predicted:
    """A prediction that a run has answered, as it was the first time."""

    choice: str
    truth: str


@dataclass(frozen=True, slots=True)
class Told:
    """How and when that was: whether the learner was sure, and the day; None if not on record."""

    sure: bool | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A prediction that a review asked again."""

    choice: str
    truth: str
    day: date


@dataclass(frozen=True, slots=True)
class Tried:
    """An exercise that was checked: the best outcome, and after how many attempts."""

    outcome: str
    tries: int


@dataclass(frozen=True, slots=True)
class Taken:
    """One test: the latest answer to each question, by its key."""

    answers: dict[str, str] = field(default_factory=dict)
    handed_in: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """What one learner has done.

    Attributes:
        chosen: the latest choice for each prediction; None if it was taken back.
        revealed: every prediction of which the learner has seen the outcome, made or not.
        predictions: what was predicted when the outcome was first shown.
        exercises: every exercise and kata that was attempted.
        quiz: each of `TESTS`, there even if it was not taken.
        sure: whether the learner is sure of the latest choice, where that was said.
        told: how and when each of `predictions` was made.
        reasons: the latest reason that was chosen for each outcome.
        reviews: every review, in order.
        arranged: what lay where, latest, in each panel that keeps an arrangement: place by place.
    """

    chosen: dict[str, str | None] = field(default_factory=dict)
    revealed: set[str] = field(default_factory=set)
    predictions: dict[str, Predicted] = field(default_factory=dict)
    exercises: dict[str, Tried] = field(default_factory=dict)
    quiz: dict[str, Taken] = field(default_factory=lambda: {each: Taken() for each in TESTS})
    sure: dict[str, bool] = field(default_factory=dict)
    told: dict[str, Told] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    reviews: dict[str, list[Reviewed]] = field(default_factory=dict)
    arranged: dict[str, dict[str, list[str]]] = field(default_factory=dict)


def today() -> date:
    """Return the day where the learner is."""
    return datetime.now().astimezone().date()


def note(folder: Path | None = None, /, **event: str | bool | dict[str, list[str]] | None) -> None:
    """Add an event to a learner's folder; default: the one that this process is in.

    Outside of a learner's folder, nothing is kept.

    The kinds of event are those that `read` knows: `prediction` and `choice`, with `sure` if that
    was said; the same with `truth` and `day`; `reason` and `of`; `review`, `choice`, `truth` and
    `day`; `exercise` and `outcome`; `quiz`, `question` and `answer`; `quiz` and `state`;
    `arranged` and `lying`.

    Raises:
        FileProblem: the file cannot be written.
    """
    folder = learner_folder() if folder is None else folder
    if folder is None:
        return
    append_line(folder / FILE, json.dumps(event))
    for each in watchers:
        each()


def read(folder: Path | None = None) -> Progress:
    """Return what a learner's folder remembers; default: the one that this process is in.

    Lines that are damaged are passed over.

    Raises:
        FileProblem: the file is not one that the lab wrote: a pipe, a folder, far too large.

    Example:
        >>> read(Path("no such folder")).exercises
        {}
    """
    folder = learner_folder() if folder is None else folder
    progress = Progress()
    for _, event in _parsed(_lines(folder / FILE)) if folder else ():
        _predicted(progress, event)
        match event:
            case {"of": str(name), "reason": str(reason)}:
                progress.reasons[name] = reason
            case {"review": str(name), "choice": str(choice), "truth": str(truth)}:
                if day := _day(event):
                    progress.reviews.setdefault(name, []).append(Reviewed(choice, truth, day))
            case {"exercise": str(name), "outcome": str(outcome)} if outcome in _RANKS:
                before = progress.exercises.get(name)
                progress.exercises[name] = _after(before, outcome)
            case {"quiz": str(when), **rest} if when in TESTS:
                progress.quiz[when] = _go_on(progress.quiz[when], rest)
            case {"arranged": str(name), "lying": dict(lying)} if _is_arrangement(lying):
                progress.arranged[name] = lying
    return progress


def _predicted(progress: Progress, event: dict[str, Any]) -> None:
    """Take a prediction over: the latest choice, and what the run said the first time.

    An outcome that was looked at without a choice is one that older versions take for a choice
    that was taken back.
    """
    match event:
        case {"prediction": str(name), "choice": str() | None as choice, "truth": str(truth)}:
            if name not in progress.revealed and choice is not None:
                progress.predictions[name] = Predicted(choice, truth)
                progress.told[name] = Told(_sure(event), _day(event))
            progress.revealed.add(name)
        case {"prediction": str(name), "choice": str() | None as latest}:
            progress.chosen[name] = latest
            progress.sure.pop(name, None)
            if (sure := _sure(event)) is not None:
                progress.sure[name] = sure


def _go_on(taken: Taken, event: dict[Any, Any]) -> Taken:
    """Answer a question of a test; once it is handed in, nothing changes it."""
    if taken.handed_in:
        return taken
    match event:
        case {"question": str(name), "answer": str(key)}:
            return replace(taken, answers=taken.answers | {name: key})
        case {"question": str(name), "answer": None}:
            return replace(taken, answers={k: v for k, v in taken.answers.items() if k != name})
        case {"state": str(state)} if state == HANDED_IN:
            return replace(taken, handed_in=True)
    return taken


def _is_arrangement(lying: dict[Any, Any]) -> bool:
    return all(
        isinstance(each, list) and all(isinstance(thing, str) for thing in each)
        for each in lying.values()
    )


def _sure(event: dict[str, Any]) -> bool | None:
    sure = event.get("sure")
    return sure if isinstance(sure, bool) else None


def _day(event: dict[str, Any]) -> date | None:
    day = event.get("day")
    try:
        return date.fromisoformat(day) if isinstance(day, str) else None
    except ValueError:
        return None


def _after(before: Tried | None, outcome: str) -> Tried:
    """Once right, an exercise stays right, and what is tried later does not count."""
    if before is None:
        return Tried(outcome, 1)
    if before.outcome == "right":
        return before
    return Tried(max(before.outcome, outcome, key=_RANKS.index), before.tries + 1)


def damaged(folder: Path) -> list[int]:
    """Return which lines of a folder's file `read` passes over, from 1.

    Not those of another version: it may note what this one does not know.
    """
    lines = _lines(folder / FILE)
    events = {line for line, _ in _parsed(lines)}
    return [at for at, line in enumerate(lines, 1) if line.strip() and line not in events]


def _lines(file: Path) -> list[bytes]:
    try:
        return read_file(file).splitlines()
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise FileProblem(
            f"{file} cannot be read ({why_of(error)})",
            "the file in which the lab notes how far you are",
            "move it away, and the lab begins a new one",
        ) from None


def _parsed(lines: Iterable[bytes]) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Yield each line that is an event, with the event; a line that comes again is read once."""
    known: dict[bytes, Any] = {}
    for line in lines:
        if line not in known:
            try:
                known[line] = json.loads(line)
            except (ValueError, RecursionError):
                known[line] = None
        if isinstance(known[line], dict):
            yield line, known[line]

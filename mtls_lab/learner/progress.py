"""What a learner has done so far, in one file of the learner's folder: nothing is ever sent.

Here: noting what happened, and reading it back after a restart. Not here: what there is to do
(predictions.py, exercises/), and how far that is (classroom/).

The file is a list of events, one JSON object in each line, and only ever grows: two notebooks
can write at the same time, and a damaged line costs that line only. It holds no date and
no address; and no name, but for the seed of a kata, which a learner may have chosen to be one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mtls_lab.facts import learner_folder
from mtls_lab.files import writing

__all__ = ["FILE", "Predicted", "Progress", "Tried", "note", "read"]

FILE = "progress.jsonl"

#: The outcomes of an exercise from worst to best; the best one stays.
_RANKS = ("not yet", "works but unsafe", "right")


@dataclass(frozen=True, slots=True)
class Predicted:
    """A prediction that a run has answered, as it was the first time."""

    choice: str
    truth: str


@dataclass(frozen=True, slots=True)
class Tried:
    """An exercise that was checked: the best outcome, and after how many attempts."""

    outcome: str
    tries: int


@dataclass(frozen=True, slots=True)
class Progress:
    """What one learner has done.

    Attributes:
        chosen: the latest choice for each prediction; None if it was taken back.
        predictions: what was predicted when the run first told.
        exercises: every exercise and kata that was attempted.
    """

    chosen: dict[str, str | None] = field(default_factory=dict)
    predictions: dict[str, Predicted] = field(default_factory=dict)
    exercises: dict[str, Tried] = field(default_factory=dict)


def note(**event: str | None) -> None:
    """Add an event; outside of a learner's folder, nothing is kept.

    The kinds of event are those that `read` knows: `prediction` and `choice`; the same with
    `truth`; `exercise` and `outcome`.

    Raises:
        FileProblem: the file cannot be written.
    """
    folder = learner_folder()
    if folder is None:
        return
    with writing(folder / FILE), (folder / FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(event) + "\n")


def read(folder: Path | None = None) -> Progress:
    """Return what a learner's folder remembers; default: the one that this process is in.

    Lines that are damaged are passed over.

    Example:
        >>> read(Path("no such folder")).exercises
        {}
    """
    folder = learner_folder() if folder is None else folder
    progress = Progress()
    for event in _events(folder / FILE) if folder else ():
        match event:
            case {"prediction": str(name), "choice": str(choice), "truth": str(truth)}:
                progress.predictions.setdefault(name, Predicted(choice, truth))
            case {"prediction": str(name), "choice": str() | None as latest}:
                progress.chosen[name] = latest
            case {"exercise": str(name), "outcome": str(outcome)} if outcome in _RANKS:
                before = progress.exercises.get(name)
                progress.exercises[name] = _after(before, outcome)
    return progress


def _after(before: Tried | None, outcome: str) -> Tried:
    """Once right, an exercise stays right, and what is tried later does not count."""
    if before is None:
        return Tried(outcome, 1)
    if before.outcome == "right":
        return before
    return Tried(max(before.outcome, outcome, key=_RANKS.index), before.tries + 1)


def _events(file: Path) -> Iterator[object]:
    try:
        lines = file.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            continue

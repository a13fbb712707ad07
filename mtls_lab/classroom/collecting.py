"""What a teacher has collected: from names of files and folders to one hand-in for each learner.

Here: folders, patterns that the shell left alone, and who handed in twice. Not here: one file, and
the table of a class (whole_class.py).
"""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from pathlib import Path

from mtls_lab.classroom.whole_class import HandedIn

__all__ = ["collected", "once_each"]

#: What `export` calls the files, also where a browser or a file manager has put a number behind.
FILES = "progress-*.json"


def collected(paths: Iterable[Path]) -> list[Path]:
    """Return the files that are named, those in folders that are, and those that a pattern fits.

    A shell of Windows hands a pattern over as it was typed. What is not there stays, to be told.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(path.rglob(FILES))
            found += inside or [path]
        elif not path.exists() and (fits := sorted(glob.glob(str(path)))):  # noqa: PTH207
            found += map(Path, fits)
        else:
            found.append(path)
    return found


def once_each(handed_in: Sequence[HandedIn]) -> tuple[list[HandedIn], list[str]]:
    """Return the last hand-in of each learner, and the names of those who have handed in before.

    It is the same learner if the name is, and what the one file has of predictions and tests that
    were handed in, the other one has too. Otherwise two learners have one name.
    """
    kept: list[HandedIn] = []
    again: list[str] = []
    for each in handed_in:
        same = next((other for other in kept if _same(each, other)), None)
        if same is None:
            kept.append(each)
            continue
        again.append(each.name)
        if _done(each) > _done(same):
            kept[kept.index(same)] = each
    return kept, sorted(set(again), key=str.casefold)


def _same(one: HandedIn, other: HandedIn) -> bool:
    if one.name.casefold() != other.name.casefold():
        return False
    first, second = (set(_lasting(each)) for each in (one, other))
    return first <= second or second <= first


def _lasting(each: HandedIn) -> Iterable[tuple[object, ...]]:
    """What is never changed again: predictions, and the answers of a test that was handed in."""
    for name, guess in each.done.predictions.items():
        yield name, guess.choice
    for when, taken in each.done.quiz.items():
        if taken.handed_in:
            yield when, *sorted(taken.answers.items())


def _done(each: HandedIn) -> tuple[int, int]:
    tries = sum(tried.tries for tried in each.done.exercises.values())
    return len(list(_lasting(each))), tries

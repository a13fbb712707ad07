"""What a learner hands in, and what a teacher has collected.

Here: the file of one learner, written and read; folders, patterns that the shell left alone, and
who handed in twice. Not here: where a class stands (whole_class.py). Nothing is sent anywhere: a
file is handed in by whatever means the class uses, and holds no more than a name that the learner
typed.
"""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

from mtls_lab.common import FileProblem, printable, read_file, read_json, typed, why_of, write_file
from mtls_lab.learner import progress
from mtls_lab.learner.folder import MARKER, own_folder
from mtls_lab.learner.progress import Predicted, Progress, Taken, Tried

__all__ = ["HandedIn", "collected", "export", "once_each", "read_export"]

#: Longer is no name. A file of a learner is foreign: what it may hold is limited.
NAME_LENGTH = 60
FILE_LENGTH = 1_000_000


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What one learner handed in: a name as typed, and what was done."""

    name: str
    done: Progress


def export(name: str, folder: Path | None = None) -> Path:
    """Write what was done to `progress-NAME.json` in the learner's folder, to be handed in.

    Args:
        name: how the teacher knows the learner; the only thing in the file about a person.
        folder: the learner's folder; default: the one that this process is in.

    Raises:
        FileProblem: the name is empty or too long, or the file cannot be written.
        NotInWorkspace: there is no learner's folder.
    """
    name = " ".join(name.split())
    if not 0 < len(name) <= NAME_LENGTH:
        raise FileProblem(
            f"a name of {len(name)} characters",
            f"1 to {NAME_LENGTH} characters by which your teacher knows you",
            "type a name, in quotes",
        )
    folder = own_folder(folder)
    done = progress.read(folder)
    content = {
        "name": printable(name),
        "predictions": {key: asdict(each) for key, each in done.predictions.items()},
        "exercises": {key: asdict(each) for key, each in done.exercises.items()},
        "quiz": {when: asdict(taken) for when, taken in done.quiz.items()},
    }
    path = next(each for each in _names(folder, _file_name(name)) if _may_write(each))
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    return write_file(path, text, lasting=True)


def _names(folder: Path, name: str) -> Iterator[Path]:
    """Yield `progress-NAME.json`, then `progress-NAME-2.json` and so on."""
    return (folder / f"progress-{name}{number}.json" for number in chain([""], count(-2, -1)))


def _may_write(path: Path) -> bool:
    """Whether there is nothing at this place, or what an earlier `export` put there."""
    if not os.path.lexists(path):
        return True
    try:
        read_export(path)
    except FileProblem:
        return False
    return not path.is_symlink()


def _file_name(name: str) -> str:
    letters = "".join(c if c.isalnum() else "-" for c in name.lower())
    return "-".join(filter(None, letters.split("-"))) or "learner"


def read_export(path: Path) -> HandedIn:
    """Read one file that `export` wrote. Raises FileProblem."""
    try:
        content = read_json(path, most=FILE_LENGTH)
        name = printable(" ".join(content["name"].split()))[:NAME_LENGTH]
        guesses = {key: _typed(Predicted, value) for key, value in content["predictions"].items()}
        tries = {key: _typed(Tried, value) for key, value in content["exercises"].items()}
        return HandedIn(
            name or printable(path.name)[:NAME_LENGTH],
            Progress(predictions=guesses, exercises=tries, quiz=_tests(content)),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if path.is_dir():
            raise FileProblem(
                f"{path} holds no progress-*.json",
                f"the files that `{typed('export NAME')}` wrote",
                "name the folder in which you collected them",
            ) from None
        raise FileProblem(
            f"{path} cannot be read ({_why(path, error)})",
            f"a file that `{typed('export NAME')}` wrote",
            "check the name and the folder"
            if isinstance(error, FileNotFoundError)
            else "ask the learner to export again",
        ) from None


def _why(path: Path, error: Exception) -> str:
    """Why this is no hand-in, in words that a teacher can pass on."""
    if path.name == progress.FILE and path.is_file():
        return "it is where the learner's own notes are kept, and stays with the learner"
    if isinstance(error, OSError):
        return why_of(error)
    if not isinstance(error, ValueError):
        return "it is something else, or was changed"
    if not isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return str(error)
    begins = read_file(path, most=FILE_LENGTH).lstrip()[:2]
    if begins == b"PK":
        return "it is a ZIP archive, to be unpacked"
    return "it is cut off, or was changed" if begins[:1] == b"{" else "it is empty or no JSON"


def _tests(content: dict[str, Any]) -> dict[str, Taken]:
    """Read the tests; a file of an earlier version has none, or lacks the newest."""
    tests = Progress().quiz
    for when in tests:
        entry: dict[str, Any] = {"answers": {}, "handed_in": False}
        entry |= content.get("quiz", {}).get(when, {})
        if not isinstance(entry["handed_in"], bool):
            raise TypeError("handed_in is not a bool")
        if not all(isinstance(key, str) for key in entry["answers"].values()):
            raise TypeError("an answer is not a str")
        tests[when] = Taken(**entry)
    return tests


def _typed(kind: Any, value: dict[str, Any]) -> Any:
    record = kind(**value)
    for name, wanted in (("choice", str), ("truth", str), ("outcome", str), ("tries", int)):
        if not isinstance(getattr(record, name, wanted()), wanted):
            raise TypeError(f"{name} is not a {wanted.__name__}")
    return record


# --- What was collected

#: What `export` calls the files, also where a browser or a file manager has put a number behind,
#: or the page where they are handed in a name before it.
FILES = "*progress-*.json"


def collected(paths: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """Return the files that are named, those in folders that are, and those that a pattern fits.

    A shell of Windows hands a pattern over as it was typed. What is not there stays, to be told.

    Returns:
        The files; and the names of what else is in the folders, which somebody may have renamed.
    """
    found: list[Path] = []
    others: list[str] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(filter(_is_file, path.rglob("*")))
            taken = [each for each in inside if each.match(FILES) or _is_export(each)]
            if not (path / MARKER).exists():  # a learner's own has all that the lab made
                others += [str(each.relative_to(path)) for each in inside if each not in taken]
            found += taken or [path]
        elif not path.exists() and (fits := sorted(glob.glob(str(path)))):  # noqa: PTH207
            found += map(Path, fits)
        else:
            found.append(path)
    return found, others


def _is_file(path: Path) -> bool:
    return not path.name.startswith(".") and path.is_file()


def _is_export(path: Path) -> bool:
    """Whether it is one under another name."""
    if path.suffix not in {".json", ".txt"}:
        return False
    with suppress(FileProblem):
        return bool(read_export(path))
    return False


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

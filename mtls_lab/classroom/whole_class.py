"""A whole class: what each learner hands in, and where all of them stand.

Here: the file that a learner hands in, and the table of a class. Not here: how far one learner is
(one_learner.py), and what a class gained (gain.py). Nothing is sent anywhere: a file is handed in
by whatever means the class uses, and holds no more than a name that the learner typed.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

from mtls_lab.classroom.gain import commonest, gained, one_score
from mtls_lab.classroom.one_learner import parts, solved_katas
from mtls_lab.errors import FileProblem
from mtls_lab.exercises import EXERCISES
from mtls_lab.files import read_json, write_file
from mtls_lab.learner import predictions, progress
from mtls_lab.learner.folder import own_folder
from mtls_lab.learner.progress import Predicted, Progress, Taken, Tried
from mtls_lab.program import typed
from mtls_lab.text import printable

__all__ = ["HandedIn", "class_report", "export", "read_export"]

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
        why = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        if path.name == progress.FILE and path.is_file():
            why = "it is where the learner's own notes are kept, and stays with the learner"
        raise FileProblem(
            f"{path} cannot be read ({why})",
            f"a file that `{typed('export NAME')}` wrote",
            "ask the learner to export again",
        ) from None


def _tests(content: dict[str, Any]) -> dict[str, Taken]:
    """Read the tests; a file of an earlier version has none, or lacks the newest."""
    tests = Progress().quiz
    for when in tests:
        entry: dict[str, Any] = {"answers": {}, "handed_in": False}
        entry |= content.get("quiz", {}).get(when, {})
        if not isinstance(entry["handed_in"], bool):
            raise TypeError("handed_in is no bool")
        if not all(isinstance(key, str) for key in entry["answers"].values()):
            raise TypeError("an answer is no str")
        tests[when] = Taken(**entry)
    return tests


def _typed(kind: Any, value: dict[str, Any]) -> Any:
    record = kind(**value)
    for name, wanted in (("choice", str), ("truth", str), ("outcome", str), ("tries", int)):
        if not isinstance(getattr(record, name, wanted()), wanted):
            raise TypeError(f"{name} is no {wanted.__name__}")
    return record


def class_report(handed_in: Sequence[HandedIn]) -> str:
    """Say how far each learner is, and then, for each question and exercise, where the class is.

    A teacher reads the second half first: what most got wrong is what to talk about. What nobody
    has begun is named in one line.
    """
    number = len(handed_in)
    lines = [f"{number} learner{'s' * (number != 1)}", *_learners(handed_in)]
    lines += [
        "",
        "Predictions: wrong of made, the most missed first, and the commonest wrong answer",
        *_questions(handed_in),
    ]
    lines += [
        "",
        "Exercises: right / works but unsafe / not yet / not attempted",
        *_tasks(handed_in),
    ]
    return "\n".join([*lines, *gained([each.done for each in handed_in])])


def _learners(handed_in: Sequence[HandedIn]) -> Iterator[str]:
    width = max((len(each.name) for each in handed_in), default=0)
    begun = {part.number for each in handed_in for part in parts(each.done) if part.begun}
    for each in sorted(handed_in, key=lambda each: each.name.casefold()):
        counts = [
            f"part {part.number}: predicted {part.predicted} of {part.questions}, "
            f"{part.foreseen} right, solved {part.solved} of {part.exercises}"
            if part.begun
            else f"part {part.number}: not begun"
            for part in parts(each.done)
            if part.number in begun
        ]
        counts += [f"kata: {solved_katas(each.done)}{one_score(each.done)}"]
        yield f"  {each.name:<{width}}  {'; '.join(counts)}"


def _questions(handed_in: Sequence[HandedIn]) -> Iterator[str]:
    rows, unmade = [], []
    for name, question in predictions.questions().items():
        predicted = [
            each.done.predictions[name] for each in handed_in if name in each.done.predictions
        ]
        if not predicted:
            unmade.append(name)
            continue
        wrong = Counter(each.choice for each in predicted if each.choice != each.truth)
        line = f"  part {question.part}  {name:<16} {wrong.total():>3} of {len(predicted):>3}"
        rows.append((wrong.total(), line + commonest(wrong, question.answers)))
    yield from (line for _, line in sorted(rows, key=lambda row: -row[0]))
    if unmade:
        yield f"  made by nobody: {', '.join(unmade)}"


def _tasks(handed_in: Iterable[HandedIn]) -> Iterator[str]:
    done = [each.done.exercises for each in handed_in]
    untried = [task.name for task in EXERCISES if not any(task.name in each for each in done)]
    for task in (each for each in EXERCISES if each.name not in untried):
        name = task.name
        outcomes = Counter(each[name].outcome if name in each else "" for each in done)
        counts = [outcomes[kind] for kind in ("right", "works but unsafe", "not yet", "")]
        yield f"  part {task.part}  {name:<22} {' / '.join(f'{count:>3}' for count in counts)}"
    if untried:
        yield f"  tried by nobody: {', '.join(untried)}"

"""Asking a check about a mutant, in a process that is gone afterwards.

Here: the notebook's first cell, the solutions before, one forked process for each mutant, and a
limit for it. Not here: what a mutant is (mutations.py).
"""

import json
import multiprocessing
import os
import shutil
import tempfile
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mtls_lab.exercises import EXERCISES, call
from mtls_lab.exercises.part1 import serve_many as _  # noqa: F401 - loaded before the fork
from mtls_lab.learner.folder import MARKER
from tests.authoring import canonical
from tests.mutants.mutations import Mutant, mutants
from tests.notebooks.test_solutions import tasks

#: Seconds that a mutant's function may take, and that its whole check may.
CALL, CHECK = 2.0, 60.0
EQUIVALENT = Path(__file__).with_name("equivalent.toml")


@dataclass(frozen=True)
class Question:
    """A mutant with what it takes to ask its check."""

    exercise: str
    mutant: Mutant
    before: str
    check: str


@dataclass(frozen=True)
class Answer:
    """A question and the outcome, "right" for a survivor."""

    question: Question
    outcome: str
    found: str


def questions(part: int) -> Iterator[Question]:
    """Every mutant of a part's solutions, in the notebook's order."""
    (path,) = canonical.NOTEBOOKS[0].parent.glob(f"{part}?_exercises.ipynb")
    notebook = canonical.read(path)
    before = notebook.cells[1].source
    for task in tasks(notebook):
        for mutant in mutants(task.solution):
            yield Question(task.name, mutant, before, task.check)
        before += "\n" + task.solution


def equivalent() -> dict[tuple[str, str], str]:
    """Mutants that are as good as the solution, and why."""
    entries = tomllib.loads(EQUIVALENT.read_text("utf-8"))["equivalent"]
    return {(each["exercise"], each["diff"].strip()): each["reason"] for each in entries}


def answers(asked: list[Question], folder: Path, workers: int = 2) -> Iterator[Answer]:
    """Ask about each, in a learner's folder, and tell in the order of the questions."""
    made: dict[str, Path] = {}
    for number, before in enumerate(dict.fromkeys(each.before for each in asked)):
        made[before] = folder / f"{number}"
        made[before].mkdir()
        (made[before] / MARKER).write_text(json.dumps({}))
        with chdir(made[before]):
            exec(before, {})  # noqa: S102 - our own notebook
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda each: _answer(each, made[each.before]), asked)


def _answer(question: Question, made: Path) -> Answer:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(made, folder, dirs_exist_ok=True)
        return _answer_in(folder, question)


def _answer_in(folder: str, question: Question) -> Answer:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.mutants.asking"])
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_ask, args=[question, folder, theirs], daemon=True)
    process.start()
    theirs.close()
    try:
        outcome, found = ours.recv() if ours.poll(CHECK) else ("no answer", "the check hangs")
    except EOFError:
        outcome, found = "no answer", "the process ended"
    process.kill()  # with whatever threads it has left
    process.join()
    process.close()
    ours.close()
    return Answer(question, outcome, found)


def _ask(question: Question, folder: str, pipe: Connection) -> None:
    os.chdir(folder)
    os.environ["TZ"] = "JST-9"  # so that a time without its zone is found out
    time.tzset()
    (call.__kwdefaults__ or {})["limit"] = CALL
    names: dict[str, Any] = {}
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        try:
            exec(question.before, names)  # noqa: S102 - our own notebook
            exec(compile(question.mutant.source, "<cell>", "exec"), names)  # noqa: S102 - the same
            result = eval(question.check, names)  # noqa: S307 - the same
        except Exception as error:  # noqa: BLE001 - the learner sees a traceback
            pipe.send(("not yet", f"{type(error).__name__}: {error}"))
        else:
            pipe.send((result.outcome.value, result.found))


def parts() -> list[int]:
    return sorted({each.part for each in EXERCISES})

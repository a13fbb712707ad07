"""What the notebooks promise: solutions are right, in a real kernel; claims have code.

Here: each solution of an exercise as a learner would paste it into its cell, and that each answer
of a lesson's "What you should see" has code that shows it (claims.py). Not here: running that code
(test_kernel.py), what the checks find in other attempts (tests/unit/exercises/test_part*.py).
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from nbformat import NotebookNode

from mtls_lab.exercises import EXERCISES
from mtls_lab.learner.predictions import questions
from tests.authoring import canonical
from tests.notebooks.claims import (
    CLAIMS,
    NAMES_AN_OUTCOME,
    REVEALED,
    answers,
    quoted,
)
from tests.notebooks.kernel import Kernel

NOTEBOOKS = [path for path in canonical.NOTEBOOKS if path.stem.endswith("_exercises")]
#: Lines of a code cell, at most; of a solution as well, because it goes into one.
LINES = 20

STATEMENT = re.compile(
    r"## (?P<number>\d+)\. (?P<title>[^\n]+)\n\n"
    r".+\n\n"
    r"<details><summary>Hint</summary>\n\n.+\n\n</details>\n\n"
    r"<details><summary>Solution</summary>\n\n"
    r"```python\n(?P<solution>.+)\n```\n\n.+\n\n</details>",
    re.DOTALL,
)
TEMPLATE = re.compile(r"(?P<work>.+)\n\n(?P<check>checks\.(?P<name>\w+)\(.+\))", re.DOTALL)


@dataclass(frozen=True)
class Task:
    """One exercise of a notebook: its cells, taken apart."""

    number: int
    title: str
    name: str
    work: str
    check: str
    solution: str


def tasks(notebook: NotebookNode) -> list[Task]:
    """The exercises between the imports and the two closing cells."""
    cells = notebook.cells[2:-2]
    pairs = list(zip(cells[::2], cells[1::2], strict=True))
    for text, code in pairs:
        assert _prepares(text) == bool(re.fullmatch(r"\w+Panel\(\)", code.source)), text.source
    return [_task(text, code) for text, code in pairs if not _prepares(text)]


def _prepares(text: NotebookNode) -> bool:
    """Whether a panel comes here, before an exercise: nothing is written in it."""
    return bool(re.match(r"## Before \d+: ", text.source))


def _task(text: NotebookNode, code: NotebookNode) -> Task:
    assert (text.cell_type, code.cell_type) == ("markdown", "code"), text.source
    statement, template = STATEMENT.fullmatch(text.source), TEMPLATE.fullmatch(code.source)
    assert statement, text.source
    assert template, code.source
    assert text.source.count("```python") == 1, text.source
    return Task(
        int(statement["number"]),
        statement["title"],
        template["name"],
        template["work"],
        template["check"],
        statement["solution"],
    )


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def exercise_notebook(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_every_part_has_its_exercises() -> None:
    assert [path.stem[0] for path in NOTEBOOKS] == ["1", "2", "3", "4"]


def test_the_form(exercise_notebook: Path) -> None:
    notebook = canonical.read(exercise_notebook)
    part = int(exercise_notebook.stem[0])
    first, imports, *_, last = notebook.cells
    assert first.source.startswith(f"# Exercises for Part {part}: ")
    for outcome in ("not attempted", "not yet", "works but unsafe", "right"):
        assert outcome in first.source
    assert f'enter("{exercise_notebook.stem.partition("_")[0]}")' in imports.source
    assert last.cell_type == "markdown"
    assert re.search(r"\]\(\w+\.ipynb\)", last.source)

    found = tasks(notebook)
    assert [task.number for task in found] == list(range(1, len(found) + 1))
    wanted = [(each.name, each.title) for each in EXERCISES if each.part == part]
    assert [(task.name, task.title) for task in found] == wanted
    for task in found:
        assert "..." in task.work
        assert "..." not in task.solution
        assert len(task.solution.splitlines()) <= LINES - 2


def test_untouched_exercises_are_not_attempted(exercise_notebook: Path) -> None:
    cells = canonical.read(exercise_notebook).cells[2:-2]
    pairs = zip(cells[::2], cells[1::2], strict=True)
    codes = [code for text, code in pairs if not _prepares(text)]
    assert len(codes) >= 4
    for code in codes:
        (output,) = code.outputs
        assert output.data["text/plain"].startswith("○ not attempted")


def test_the_solutions_are_right(
    exercise_notebook: Path, learner: Path, environment: dict[str, str]
) -> None:
    notebook = canonical.read(canonical.unpack(exercise_notebook.name, learner))
    with Kernel(learner, environment) as kernel:
        kernel.run(notebook.cells[1].source)
        threads, descriptors = kernel.footprint()
        for task in tasks(notebook):
            kernel.run(task.solution)
            said = kernel.run(f"print({task.check})")
            assert said.startswith("✓ right\n"), said
        assert kernel.footprint() == (threads, descriptors)


# --- What the lessons claim


@pytest.fixture(params=CLAIMS)
def lesson(request: pytest.FixtureRequest) -> Path:
    (path,) = (path for path in canonical.NOTEBOOKS if path.stem == request.param)
    return path


def test_every_lesson_has_claims() -> None:
    """Those of the notebook on other stacks need their programs: test_stacks.py."""
    asking = [path.stem for path in canonical.ALONE if "predict(" in path.read_text("utf-8")]
    assert sorted(CLAIMS) == sorted(asking)


def test_every_claim_has_code_that_shows_it(lesson: Path) -> None:
    """And every word that an answer marks is in that code, or is printed by it."""
    told, shown = answers(canonical.read(lesson)), CLAIMS[lesson.stem]
    assert len(told) == len(shown)
    for answer, claim in zip(told, shown, strict=True):
        written, seen = quoted(answer)
        printed = "\n".join(claim.prints).lower()
        assert [words for words in seen if words.lower() not in printed] == []
        known = f"{claim.code}\n{printed}".lower()
        assert [words for words in written if words.lower() not in known] == []


def test_every_reveal_that_names_an_outcome_has_code_that_shows_it() -> None:
    named = {
        (question.name, answer)
        for question in questions().values()
        for answer, text in [
            *question.wrong.items(),
            *((f"why {key}", reason.reply) for key, reason in question.why.items()),
        ]
        if NAMES_AN_OUTCOME.search(text)
    }
    assert named == set(REVEALED)

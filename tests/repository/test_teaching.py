"""The teacher's page holds: its minutes add up, its sections and predictions exist, its commands
run. Not here: the README (test_readme.py)."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mtls_lab.learner import predictions
from mtls_lab.learner.notebooks import notebooks
from tests.repository.files import ROOT

PAGE = (ROOT / "notebooks" / "teaching.md").read_text("utf-8")
COMMANDS = [
    line.strip()
    for block in re.findall(r"(?s)```sh\n(.*?)```", PAGE)
    for line in block.strip().splitlines()
]
QUESTIONS = predictions.questions()


def chapter(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """The cells of each row of a chapter's table, without its head."""
    lines = [line for line in chapter(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def sections(part: str) -> set[str]:
    """The numbers of the headings of a lesson."""
    (path,) = (each for each in notebooks() if each.stem.startswith(f"{part}_"))
    cells = json.loads(path.read_text("utf-8"))["cells"]
    texts = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return {number for text in texts for number in re.findall(r"(?m)^## (\d+)\. ", text)}


@pytest.mark.parametrize(("title", "minutes"), [("90 minutes", 90), ("Half a day", 240)])
def test_the_minutes_add_up(title: str, minutes: int) -> None:
    assert sum(int(row[0]) for row in rows(title)) == minutes


@pytest.mark.parametrize("title", ["90 minutes", "Half a day"])
def test_a_plan_names_sections_that_exist_and_leaves_no_part_out(title: str) -> None:
    planned: dict[str, list[str]] = {}
    for _, part, which, _ in rows(title):
        planned.setdefault(part, []).extend(re.findall(r"\d+", which))
    assert [part for part in planned if part] == ["1", "2", "3"]
    for part in "123":
        assert len(planned[part]) == len(set(planned[part]))
        assert set(planned[part]) <= sections(part)
    if title == "Half a day":
        assert all(set(planned[part]) == sections(part) for part in "123")


def test_the_predictions_of_the_short_plan_exist() -> None:
    told = " ".join(row[-1] for row in rows("90 minutes"))
    named = re.findall(r"\*(\w+_\w+|checksum|substring)\*", told)
    assert len(named) >= 10
    assert set(named) <= set(QUESTIONS)
    assert named == [name for name in QUESTIONS if name in named]


def test_every_prediction_has_its_sentence() -> None:
    assert [row[0].strip("*") for row in rows("What to say at each prediction")] == list(QUESTIONS)
    assert all(wrong and say for _, wrong, say in rows("What to say at each prediction"))


def test_its_commands_run(tmp_path: Path) -> None:
    """One after the other, as they stand, in a place where `make lab` was run once."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    assert COMMANDS[0] == "make doctor"  # test_routes.py runs it
    for command in [".venv/bin/mtls-lab start --prepare", *COMMANDS[1:]]:
        run = subprocess.run(
            ["sh", "-c", command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert (run.returncode, run.stderr) == (0, ""), command
        assert run.stdout


def test_every_command_of_a_teacher_is_on_the_page() -> None:
    assert {command.split()[1] for command in COMMANDS} == {
        "doctor",
        "reset",
        "key",
        "progress",
        "export",
        "class",
    }

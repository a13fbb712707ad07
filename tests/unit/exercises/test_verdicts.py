"""Each exercise has a file of verdicts, and each verdict in it the attempt of a test."""

from pathlib import Path

import pytest

from mtls_lab.exercises import EXERCISES
from tests.unit.exercises import verdicts

TESTS = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_part*.py"))


def test_each_exercise_has_its_file() -> None:
    files = {path.stem for path in verdicts.FOLDER.iterdir()}
    assert files == {each.name for each in EXERCISES}


@pytest.mark.parametrize("exercise", [each.name for each in EXERCISES])
def test_each_verdict_has_its_attempt(exercise: str) -> None:
    found = verdicts.read(exercise)
    assert [name for name in found if name not in TESTS] == []
    outcomes = {"✓ right": 0, "✗ not yet": 0}
    for said in found.values():
        outcomes[said.splitlines()[0]] = outcomes.get(said.splitlines()[0], 0) + 1
    assert min(outcomes.values()) >= 1, outcomes


def test_what_is_written_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "FOLDER", tmp_path)
    attempts = {"one": "✗ not yet\n  ✗ found\n  Rule: rule", "another one": "✓ right"}
    verdicts.write("name", attempts)
    assert verdicts.read("name") == attempts
    assert verdicts.read("nothing") == {}

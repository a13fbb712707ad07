"""What a learner did is remembered, across kernels and damage. How far: test_one_learner.py."""

import json
import threading
from pathlib import Path

import pytest

from mtls_lab.errors import FileProblem
from mtls_lab.facts import MARKER, learner_folder
from mtls_lab.learner import predictions
from mtls_lab.learner.progress import FILE, Predicted, Progress, Tried, note, read


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A learner's folder, in which this process is."""
    (tmp_path / MARKER).write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(predictions, "_chosen", {})
    return tmp_path


def events(folder: Path) -> list[object]:
    return [json.loads(line) for line in (folder / FILE).read_text("utf-8").splitlines()]


def test_the_folder_is_found_from_inside_it(folder: Path) -> None:
    (folder / "ca").mkdir()
    assert learner_folder() == learner_folder(folder / "ca") == folder
    assert learner_folder(folder.parent) is None


def test_outside_of_a_learners_folder_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    note(exercise="fetch", outcome="right")
    assert list(tmp_path.iterdir()) == []
    assert read() == Progress()


@pytest.mark.parametrize(
    ("outcomes", "best"),
    [
        (["not yet"], Tried("not yet", 1)),
        (["not yet", "works but unsafe", "not yet"], Tried("works but unsafe", 3)),
        (["works but unsafe", "right"], Tried("right", 2)),
        (["right", "not yet", "right"], Tried("right", 1)),
    ],
)
def test_the_best_attempt_stays(folder: Path, outcomes: list[str], best: Tried) -> None:
    for outcome in outcomes:
        note(exercise="fetch", outcome=outcome)
    assert read(folder).exercises == {"fetch": best}
    assert len(events(folder)) == len(outcomes)


def test_a_choice_outlives_the_kernel(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    predictions.choose("checksum", "stopped")
    predictions.choose("checksum", "stopped")
    assert events(folder) == [{"prediction": "checksum", "choice": "stopped"}]
    monkeypatch.setattr(predictions, "_chosen", {})  # as a new kernel finds it
    assert predictions.chosen("checksum") == "stopped"
    predictions.choose("checksum", None)
    monkeypatch.setattr(predictions, "_chosen", {})
    assert predictions.chosen("checksum") is None


def test_a_choice_of_another_version_is_none(folder: Path) -> None:
    note(prediction="checksum", choice="an answer that is gone")
    assert read(folder).chosen == {"checksum": "an answer that is gone"}
    assert predictions.chosen("checksum") is None


def test_what_counts_is_what_was_predicted_first(folder: Path) -> None:
    predictions.reveal("checksum", "fooled")  # nothing was predicted
    assert not (folder / FILE).exists()
    predictions.choose("checksum", "stopped")
    predictions.reveal("checksum", "fooled")
    predictions.choose("checksum", "fooled")  # afterwards everybody knows
    assert predictions.reveal("checksum", "fooled").right
    assert read().predictions == {"checksum": Predicted("stopped", "fooled")}


def test_damaged_lines_cost_only_themselves(folder: Path) -> None:
    note(exercise="one", outcome="right")
    with (folder / FILE).open("ab") as file:
        file.write(b'{"exercise": "tw\n\xff\xfe\n[]\n5\n{"exercise": 3, "outcome": "right"}\n')
        file.write(b'{"exercise": "three", "outcome": "perfect"}\n{"prediction": "x"}\n')
    note(exercise="four", outcome="not yet")
    assert read(folder).exercises == {"one": Tried("right", 1), "four": Tried("not yet", 1)}


def test_two_notebooks_at_a_time(folder: Path) -> None:
    def work(name: str) -> None:
        for _ in range(100):
            note(exercise=name, outcome="not yet")

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read(folder).exercises == {name: Tried("not yet", 100) for name in "abcd"}


def test_a_file_that_cannot_be_written(folder: Path) -> None:
    (folder / FILE).mkdir()
    with pytest.raises(FileProblem) as caught:
        note(exercise="fetch", outcome="right")
    assert caught.value.found == f"{folder / FILE} cannot be written (Is a directory)"
    assert read(folder) == Progress()

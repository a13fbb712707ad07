"""What a learner did is remembered, across kernels and damage. How far: test_one_learner.py."""

import json
import os
from datetime import date
from pathlib import Path

import pytest

from mtls_lab.common import FileProblem, LabError
from mtls_lab.learner import predictions, progress, reviews
from mtls_lab.learner.folder import learner_folder
from mtls_lab.learner.progress import FILE, Predicted, Progress, Told, Tried, damaged, note, read
from tests.unit.lab import forget


@pytest.fixture(autouse=True)
def new_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch)


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
    forget(monkeypatch)
    assert predictions.chosen("checksum") == "stopped"
    predictions.choose("checksum", None)
    forget(monkeypatch)
    assert predictions.chosen("checksum") is None


def test_a_choice_of_another_version_is_none(folder: Path) -> None:
    note(prediction="checksum", choice="an answer that is gone")
    assert read(folder).chosen == {"checksum": "an answer that is gone"}
    assert predictions.chosen("checksum") is None


def test_what_counts_is_what_was_predicted_first(folder: Path) -> None:
    predictions.choose("checksum", "stopped")
    predictions.reveal("checksum", "fooled")
    before = events(folder)
    with pytest.raises(LabError, match="after its outcome"):  # everybody knows it now
        predictions.choose("checksum", "fooled")
    predictions.reveal("checksum", "stopped")  # another run gives something else
    assert events(folder) == before
    assert read().predictions == {"checksum": Predicted("stopped", "fooled")}


def test_a_look_without_a_prediction_outlives_the_kernel(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "today", lambda: date(2026, 11, 26))
    predictions.reveal("checksum", "fooled")
    seen = {"prediction": "checksum", "choice": None, "truth": "fooled", "day": "2026-11-26"}
    assert events(folder) == [seen]
    forget(monkeypatch)
    assert predictions.is_revealed("checksum")
    assert read(folder).revealed == {"checksum"}
    assert read(folder).predictions == {}
    note(prediction="checksum", choice="fooled", truth="fooled")  # by an older version
    assert read(folder).predictions == {}
    assert predictions.chosen("checksum") is None
    assert of_version_0_1(seen) == ("chosen", "checksum", "")


def test_how_sure_outlives_the_kernel(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    predictions.be_sure("checksum", value=True)
    predictions.be_sure("checksum", value=True)
    assert events(folder) == [{"prediction": "checksum", "choice": None, "sure": True}]
    predictions.choose("checksum", "stopped")
    forget(monkeypatch)
    assert (predictions.chosen("checksum"), predictions.sure("checksum")) == ("stopped", True)
    predictions.be_sure("checksum", value=False)
    forget(monkeypatch)
    assert (predictions.chosen("checksum"), predictions.sure("checksum")) == ("stopped", False)
    predictions.be_sure("checksum", None)
    forget(monkeypatch)
    assert (predictions.chosen("checksum"), predictions.sure("checksum")) == ("stopped", None)


def test_what_was_sure_and_when_is_what_was_so_at_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "today", lambda: date(2026, 11, 26))
    predictions.choose("checksum", "stopped")
    predictions.be_sure("checksum", value=True)
    predictions.reveal("checksum", "fooled")
    monkeypatch.setattr(progress, "today", lambda: date(2026, 11, 27))
    note(prediction="checksum", choice="fooled", sure=False)  # by an older version
    predictions.reveal("checksum", "fooled")
    assert read(folder).told == {"checksum": Told(sure=True, day=date(2026, 11, 26))}
    forget(monkeypatch)
    assert (predictions.chosen("checksum"), predictions.sure("checksum")) == ("stopped", True)


def test_a_reason_outlives_the_kernel(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("wrong", "right", "right"):
        predictions.explain_with("checksum", key)
    assert events(folder) == [
        {"of": "checksum", "reason": "wrong"},
        {"of": "checksum", "reason": "right"},
    ]
    forget(monkeypatch)
    assert predictions.reason("checksum") == "right"
    note(of="checksum", reason="of another version")
    assert predictions.reason("checksum") is None


#: As version 0.1 reads a line, and as it writes one.
def of_version_0_1(event: object) -> tuple[str, ...] | None:
    match event:
        case {"prediction": str(name), "choice": str(choice), "truth": str(truth)}:
            return ("predicted", name, choice, truth)
        case {"prediction": str(name), "choice": str() | None as latest}:
            return ("chosen", name, latest or "")
        case {"exercise": str(name), "outcome": str(outcome)}:
            return ("tried", name, outcome)
    return None


def test_the_version_before_reads_what_this_one_writes(folder: Path) -> None:
    predictions.choose("checksum", "stopped")
    predictions.be_sure("checksum", value=True)
    predictions.reveal("checksum", "fooled")
    predictions.explain_with("checksum", "right")
    reviews.answer(predictions.question("checksum"), "fooled", date(2026, 11, 27))
    assert [of_version_0_1(event) for event in events(folder)] == [
        ("chosen", "checksum", "stopped"),
        ("chosen", "checksum", "stopped"),
        ("predicted", "checksum", "stopped", "fooled"),
        None,
        None,
    ]


def test_this_version_reads_what_the_one_before_writes(folder: Path) -> None:
    note(prediction="checksum", choice="stopped")
    note(prediction="checksum", choice="stopped", truth="fooled")
    done = read(folder)
    assert (done.chosen, done.sure) == ({"checksum": "stopped"}, {})
    assert done.predictions == {"checksum": Predicted("stopped", "fooled")}
    assert done.told == {"checksum": Told(sure=None, day=None)}


def test_damaged_lines_cost_only_themselves(folder: Path) -> None:
    note(exercise="one", outcome="right")
    with (folder / FILE).open("ab") as file:
        file.write(b'{"exercise": "tw\n\xff\xfe\n[]\n5\n{"exercise": 3, "outcome": "right"}\n')
        file.write(b'{"exercise": "three", "outcome": "perfect"}\n{"prediction": "x"}\n')
    note(exercise="four", outcome="not yet")
    assert read(folder).exercises == {"one": Tried("right", 1), "four": Tried("not yet", 1)}
    assert damaged(folder) == [2, 3, 4, 5]  # and not what another version may have written


def test_nothing_is_damaged(folder: Path) -> None:
    assert damaged(folder) == []
    (folder / FILE).write_bytes(b'{"exercise": "fetch", "outcome": "right"}\r\n\n{"new": 1}\n  \n')
    assert damaged(folder) == []


@pytest.mark.parametrize(
    "beyond",
    [
        {"sure": "very", "day": "yesterday"},
        {"sure": 1, "day": 20784},
        {"sure": None, "day": None},
        {"sure": [True], "day": {"year": 2026}},
        {"day": "2026-13-45"},
        {"day": "9" * 5000},
    ],
)
def test_a_damaged_end_of_a_line_costs_only_that(folder: Path, beyond: dict[str, object]) -> None:
    lines = [
        {"prediction": "checksum", "choice": "stopped", **beyond},
        {"prediction": "checksum", "choice": "stopped", "truth": "fooled", **beyond},
        {"review": "checksum", "choice": "stopped", "truth": "fooled", **beyond},
    ]
    (folder / FILE).write_text("\n".join(map(json.dumps, lines)), "utf-8")
    done = read(folder)
    assert (done.chosen, done.sure) == ({"checksum": "stopped"}, {})
    assert (done.told, done.reviews) == ({"checksum": Told()}, {})


def test_a_line_that_is_too_deep_or_too_long(folder: Path) -> None:
    deep = b"[" * 200_000 + b"\n" + b'{"a":' * 200_000 + b"\n"
    (folder / FILE).write_bytes(deep + b'{"prediction": "' + b"x" * 200_000 + b'", "choice": 1}\n')
    note(exercise="fetch", outcome="right")
    assert read(folder) == Progress(exercises={"fetch": Tried("right", 1)})


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("folder", "Is a directory"),
        ("pipe", "not a regular file"),
        ("long", "larger than 32 MiB"),
    ],
)
def test_a_file_that_is_not_the_labs(folder: Path, what: str, why: str) -> None:
    path = folder / FILE
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    else:
        path.touch()
        os.truncate(path, 1 << 30)
    with pytest.raises(FileProblem) as caught:
        read(folder)
    assert caught.value.found == f"{path} cannot be read ({why})"
    assert caught.value.todo == "move it away, and the lab begins a new one"

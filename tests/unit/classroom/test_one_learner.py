"""How far a learner and a class are. What is counted, and that a foreign file does no harm."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from mtls_lab.classroom import class_report, export, handing_in, one_learner, read_export, report
from mtls_lab.classroom.handing_in import HandedIn
from mtls_lab.classroom.one_learner import parts
from mtls_lab.common import FileProblem, NotInWorkspace
from mtls_lab.exercises import EXERCISES, standing
from mtls_lab.learner import predictions, progress
from mtls_lab.learner.progress import Predicted, Progress, Tried, note

QUESTIONS = predictions.questions()
TASKS = {part: [e.name for e in EXERCISES if e.part == part] for part in one_learner.PARTS}
ASKED = {part: [q.name for q in QUESTIONS.values() if q.part == part] for part in one_learner.PARTS}


def test_every_part_has_questions_and_exercises() -> None:
    *whole, last = one_learner.PARTS
    assert all(len(TASKS[part]) >= 4 and len(ASKED[part]) >= 4 for part in whole)
    assert (TASKS[last], ASKED[last]) == ([], ["next_door"])


def test_nothing_done(folder: Path) -> None:
    assert report(folder) == report()
    assert report().splitlines() == [
        f"Part 1: 0 of 4 predictions made; 0 of {len(TASKS[1])} exercises right",
        f"Part 2: 0 of 6 predictions made; 0 of {len(TASKS[2])} exercises right",
        "Part 3: 0 of 7 predictions made; Stolen session: 0 of 3; "
        f"0 of {len(TASKS[3])} exercises right",
        "Part 4: 0 of 4 predictions made; A device's life: 0 of 7; Attestation: 0 of 5; "
        f"0 of {len(TASKS[4])} exercises right",
        "Part 5: 0 of 1 predictions made",
    ]


def test_the_report_counts_what_the_banner_of_a_notebook_counts(folder: Path) -> None:
    note(prediction="no_certificate", choice="later", truth="later")
    note(prediction="stolen_session", choice="refused", truth="device")
    done = progress.read(folder)
    for part in parts(done):
        groups = {group.title: group.dots for group in standing.of_part(part.number, done)}
        assert len(groups.get("Exercises", ())) == part.exercises
        for lesson in part.lessons:
            dots = groups[lesson.title or "Predictions"]
            assert len(dots) == lesson.questions
            predicted = [dot.state for dot in dots if dot.state in {"right", "wrong"}]
            assert len(predicted) == lesson.predicted
            assert predicted.count("right") == lesson.foreseen
    assert (
        report()
        .splitlines()[2]
        .startswith(
            "Part 3: 1 of 7 predictions made, 1 right; Stolen session: 1 of 3, 0 right; 0 of "
        )
    )


def test_some_done(folder: Path) -> None:
    first, second, third = TASKS[2][:3]
    note(prediction="eve_listens", choice="nobody", truth="nobody")
    note(prediction="checksum", choice="stopped", truth="fooled")
    note(exercise=first, outcome="right")
    note(exercise=second, outcome="works but unsafe")
    note(exercise=third, outcome="not yet")
    note(exercise="of another version", outcome="right")
    note(exercise="kata 1/ada", outcome="right")
    note(exercise="kata 2/ada", outcome="not yet")
    lines = report(folder).splitlines()
    assert lines[0].startswith(f"Part 1: 2 of {len(ASKED[1])} predictions made, 1 right; 0 of")
    assert lines[1].endswith(f"; 1 of {len(TASKS[2])} exercises right (works but unsafe: {second})")
    assert lines[len(one_learner.PARTS) :] == ["Kata: 1 solved"]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (b"\0\0\0\n", "line 2 of progress.jsonl. What it noted is lost, and no more."),
        (b"<<<<<<< HEAD\n" * 5, "lines 2, 3, 4, 5, 6 of progress.jsonl. What they noted"),
        (b"5\n" * 6, "lines 2, 3, 4, 5, 6 and more of progress.jsonl. What they noted"),
    ],
)
def test_what_is_damaged_is_told_in_one_line(folder: Path, lines: bytes, told: str) -> None:
    note(prediction="checksum", choice="fooled", truth="fooled")
    undamaged = report(folder).splitlines()
    with (folder / progress.FILE).open("ab") as file:
        file.write(lines)
    assert report(folder).splitlines()[:-1] == undamaged
    assert report(folder).splitlines()[-1].startswith(f"Damaged: {told}")


def test_without_a_folder(tmp_path: Path) -> None:
    for wrong in (lambda: report(tmp_path), lambda: export("Ada", tmp_path)):
        with pytest.raises(NotInWorkspace, match="is not a folder of the lab"):
            wrong()


# --- A class ---


def test_handed_in_and_read_again(folder: Path) -> None:
    note(prediction="checksum", choice="stopped", truth="fooled")
    note(exercise=TASKS[1][0], outcome="right")
    path = export("Ada Lovelace")
    assert path == folder / "progress-ada-lovelace.json"
    done = Progress(
        predictions={"checksum": Predicted("stopped", "fooled")},
        exercises={TASKS[1][0]: Tried("right", 1)},
    )
    assert read_export(path) == HandedIn("Ada Lovelace", done)


@pytest.mark.usefixtures("folder")
def test_a_file_holds_nothing_about_a_person_but_the_name() -> None:
    note(prediction="checksum", choice="stopped", truth="fooled")
    note(exercise=TASKS[1][0], outcome="right")
    note(quiz="before", question="clock", answer="both")
    assert json.loads(export("Ada").read_text("utf-8")) == {
        "name": "Ada",
        "predictions": {"checksum": {"choice": "stopped", "truth": "fooled"}},
        "exercises": {TASKS[1][0]: {"outcome": "right", "tries": 1}},
        "quiz": {
            "before": {"answers": {"clock": "both"}, "handed_in": False},
            "after": {"answers": {}, "handed_in": False},
            "part4": {"answers": {}, "handed_in": False},
        },
    }


@pytest.mark.parametrize(
    ("name", "file", "kept"),
    [
        ("../../etc/passwd", "progress-etc-passwd.json", "../../etc/passwd"),
        ("Zoë 李", "progress-zoë-李.json", "Zoë 李"),
        ("\x1b[31mred\nline", "progress-31mred-line.json", r"\u001b[31mred line"),
        ("...", "progress-learner.json", "..."),
    ],
)
def test_any_name_is_a_harmless_file(folder: Path, name: str, file: str, kept: str) -> None:
    path = export(name)
    assert path == folder / file
    assert read_export(path).name == kept


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["", " \n", "a" * 61])
def test_no_name(name: str) -> None:
    with pytest.raises(FileProblem, match="1 to 60 characters"):
        export(name)


@pytest.mark.parametrize("what", ["own file", "folder", "link", "dangling", "pipe"])
def test_an_export_overwrites_nothing_but_an_export(folder: Path, what: str) -> None:
    path, outside = folder / "progress-ada.json", folder / "outside.json"
    if what == "own file":
        path.write_text("how far I am with Ada, the language")
    elif what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(outside)
        if what == "link":
            outside.write_bytes(export("Eve").read_bytes())

    def state() -> tuple[int, ...]:  # all but when a link was read
        found = path.lstat()
        return found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns

    before = state()
    assert export("Ada") == export("Ada") == folder / "progress-ada-2.json"
    assert state() == before
    assert outside.exists() == (what == "link")


@pytest.mark.usefixtures("folder")
def test_an_export_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handing_in, "_file_name", lambda _: "a" * 250)
    with pytest.raises(FileProblem, match="File name too long"):
        export("Ada")


@pytest.mark.parametrize("what", ["pipe", "device"])
def test_a_file_handed_in_that_is_no_file(tmp_path: Path, what: str) -> None:
    path = tmp_path / "x.json" if what == "pipe" else Path("/dev/zero")
    if what == "pipe":
        os.mkfifo(path)
    with pytest.raises(FileProblem) as caught:
        read_export(path)
    assert caught.value.found == f"{path} cannot be read (not a regular file)"


@pytest.mark.parametrize("name", ["", " "])
def test_without_a_name_the_files_own_is_shown_harmless(tmp_path: Path, name: str) -> None:
    path = tmp_path / "\u202eevil\x1b[2J.json"
    path.write_text(json.dumps(GOOD | {"name": name}))
    assert read_export(path).name == r"\u202eevil\u001b[2J.json"
    path.write_text("{")
    with pytest.raises(FileProblem) as caught:
        read_export(path)
    assert r"\u202eevil\u001b[2J.json" in str(caught.value)


GOOD: dict[str, Any] = {"name": "Ada", "predictions": {}, "exercises": {}}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "PK\x03\x04",
        "[]",
        "5",
        json.dumps({"name": "Ada"}),
        json.dumps(GOOD | {"name": 5}),
        json.dumps(GOOD | {"predictions": []}),
        json.dumps(GOOD | {"predictions": {"checksum": {"choice": 1, "truth": "x"}}}),
        json.dumps(GOOD | {"exercises": {"fetch": {"outcome": "right", "tries": "1"}}}),
        json.dumps(GOOD | {"exercises": {"fetch": {"outcome": "right", "more": 1}}}),
        json.dumps(GOOD | {"quiz": []}),
        json.dumps(GOOD | {"quiz": {"before": "all"}}),
        json.dumps(GOOD | {"quiz": {"after": {"answers": []}}}),
        json.dumps(GOOD | {"quiz": {"after": {"answers": {"clock": 5}}}}),
        json.dumps(GOOD | {"quiz": {"after": {"answers": {}, "handed_in": "yes"}}}),
        json.dumps(GOOD | {"quiz": {"after": {"more": 1}}}),
        json.dumps(GOOD | {"more": "x" * 1_000_000}),
        "[" * 200_000,
    ],
)
def test_a_damaged_file_says_so(tmp_path: Path, content: str) -> None:
    path = tmp_path / "progress-ada.json"
    path.write_text(content)
    with pytest.raises(FileProblem) as caught:
        read_export(path)
    begins = {"": "it is empty", "{": "it is cut off", "P": "it is a ZIP archive"}
    why = begins.get(content[:1] if len(content) < 5 else "more", "")
    assert caught.value.found.startswith(f"{path} cannot be read ({why}")
    assert "Error" not in caught.value.found
    assert caught.value.todo == "ask the learner to export again"


def test_the_notes_of_a_learner_are_not_what_is_handed_in(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    path.write_text('{"prediction": "checksum"}\n{"prediction": "eve_listens"}\n', "utf-8")
    with pytest.raises(FileProblem, match="stays with the learner") as caught:
        read_export(path)
    assert "export" in caught.value.expected
    assert "JSON" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="No such file"):
        read_export(tmp_path / "progress-ada.json")


def handed_in(name: str, choice: str, outcome: str) -> HandedIn:
    done = Progress(
        predictions={"checksum": Predicted(choice, "fooled")},
        exercises={
            TASKS[3][0]: Tried(outcome, 2),
            "kata 1/ada": Tried("right" if name == "Grace" else "not yet", 1),
        },
    )
    return HandedIn(name, done)


def test_a_class() -> None:
    text = class_report(
        [
            handed_in("Grace", "stopped", "right"),
            handed_in("Ada", "stopped", "works but unsafe"),
            handed_in("Alan", "fooled", "right"),
            HandedIn("Nobody", Progress()),
        ]
    )
    lines = text.splitlines()
    assert lines[0] == "4 learners"
    assert [line.split()[0] for line in lines[1:5]] == ["Ada", "Alan", "Grace", "Nobody"]
    assert f"  part 1: predicted 1 of {len(ASKED[1])}, 1 right, solved 0 of " in lines[2]
    assert lines[4] == "  Nobody  part 1: not begun; part 3: not begun; kata: 0"
    assert not [line for line in lines[1:5] if "part 2" in line or "part 4" in line]
    assert [line[-1] for line in lines[1:5]] == ["0", "0", "1", "0"]
    (checksum,) = (line for line in lines if " checksum " in line)
    answer = QUESTIONS["checksum"].answers["stopped"]
    assert checksum.split() == f"part 1 checksum 2 of 3 2 said: {answer}".split()
    (task,) = (line for line in lines if f" {TASKS[3][0]} " in line)
    assert task.split() == ["part", "3", TASKS[3][0], *["2", "/", "1", "/", "0", "/", "1"]]
    others = [name for name in QUESTIONS if name != "checksum"]
    assert f"  made by nobody: {', '.join(others)}" in lines
    others = [each.name for each in EXERCISES if each.name != TASKS[3][0]]
    assert f"  tried by nobody: {', '.join(others)}" in lines
    assert len(lines) == 1 + 4 + 2 + (1 + 1) + 2 + (1 + 1)


def test_what_most_got_wrong_comes_first() -> None:
    names = list(QUESTIONS)[:3]
    wrong = {names[0]: 1, names[1]: 0, names[2]: 2}
    class_ = [
        HandedIn(
            f"learner {number}",
            Progress(
                predictions={
                    name: Predicted("wrong" if number < times else "right", "right")
                    for name, times in wrong.items()
                }
            ),
        )
        for number in range(2)
    ]
    lines = class_report(class_).splitlines()
    at = lines.index(
        "Predictions: wrong of made, the most missed first, and the commonest wrong answer"
    )
    rows = [line.split()[2:6] for line in lines[at + 1 : at + 4]]
    assert rows == [
        [names[2], "2", "of", "2"],
        [names[0], "1", "of", "2"],
        [names[1], "0", "of", "2"],
    ]


def test_a_class_with_another_version() -> None:
    odd = Progress(predictions={"checksum": Predicted("\x1b[31m", "fooled")})
    text = class_report([HandedIn("Ada", odd)])
    assert text.startswith("1 learner\n")
    assert "1 said: an answer of another version" in text
    assert "\x1b" not in text


def test_the_parts_of_a_learner_who_did_everything() -> None:
    done = Progress(
        predictions={name: Predicted("a", "a") for name in QUESTIONS},
        exercises={each.name: Tried("right", 1) for each in EXERCISES},
    )
    for part in parts(done):
        assert part.predicted == part.foreseen == part.questions == len(ASKED[part.number])
        assert (part.solved, part.unsafe) == (part.exercises, ())

"""`mtls-lab quiz`: in a real terminal, from a pipe, and without any input."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from mtls_lab.learner import progress, quiz
from mtls_lab.learner.folder import MARKER
from mtls_lab.learner.progress import FILE, Taken
from tests.unit.cli import calling
from tests.unit.cli.calling import call
from tests.unit.cli.terminal import terminal

ITEMS = list(quiz.items("before").values())
LATER = "You will see after Part 3 which of them are right:"
COMMAND = [*calling.COMMAND, "quiz"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / MARKER).write_text("{}")
    return folder


def piped(folder: Path, said: bytes | None, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command beside the folder; with None there is no input at all."""
    run = subprocess.run(
        [*COMMAND, *options] if said is not None else ["sh", "-c", 'exec "$@" <&-', "", *COMMAND],
        cwd=folder.parent,
        env=os.environ | {"PYTHONUTF8": "1"},
        input=said or b"",
        capture_output=True,
        check=False,
        timeout=300,
    )
    return subprocess.CompletedProcess(
        run.args, run.returncode, run.stdout.decode(), run.stderr.decode()
    )


def told(folder: Path, said: str, *options: str) -> subprocess.CompletedProcess[str]:
    """The same in this process, which takes a twentieth of the time."""
    return call("quiz", *options, cwd=folder.parent, text=said.encode())


def flat(text: str) -> str:
    """The text as if a line had no end."""
    return " ".join(text.split())


def number(item: quiz.Item, key: str) -> str:
    return str(list(item.answers).index(key) + 1)


def all_right(when: str = "after") -> str:
    return "".join(f"{number(item, item.right)}\n" for item in quiz.items(when).values())


def test_both_tests_from_a_pipe(folder: Path) -> None:
    before = piped(folder, b"1\n" * 12)
    assert (before.returncode, before.stderr) == (0, "")
    assert before.stdout.startswith("Test before Part 1: 12 questions, half a minute each.\n")
    said = flat(before.stdout)
    for at, item in enumerate(ITEMS, 1):
        answers = " ".join(f"{n} {a}" for n, a in enumerate(item.answers.values(), 1))
        assert f"{at} of 12. {item.situation} {item.question} {answers} >" in said
    last = f"Handed in: 12 of 12 questions answered. {LATER}"
    assert re.search(rf"> {last} \S+mtls-lab quiz --after$", said)
    for reply in ITEMS[0].replies.values():
        assert reply not in said

    after = told(folder, all_right(), "--after")
    assert (after.returncode, after.stderr) == (0, "")
    for item in ITEMS:
        reply = f"{item.answers[item.right]} {item.replies[item.right]}"
        assert f"✓ {item.topic}. {reply} " in flat(after.stdout)
    last = "Tests: 3 of 12 right before, 12 after; normalised gain 1.00"
    assert after.stdout.splitlines()[-1] == last
    once_more = told(folder, "", "--after")
    assert (once_more.returncode, once_more.stdout.splitlines()[-1]) == (0, last)
    assert told(folder, "").stdout.splitlines() == ["", last]


def test_the_test_of_part_4(folder: Path) -> None:
    stopped = told(folder, "\n1\n", "--part4")
    assert stopped.stdout.startswith("Test after Part 4: 8 questions, half a minute each.\n")
    assert re.search(
        r"Kept: 1 of 8 .* type \S+mtls-lab quiz --part4 once more", flat(stopped.stdout)
    )
    progress.note(folder, quiz="part4", question=list(quiz.items("part4"))[1], answer=None)
    done = told(folder, all_right("part4"), "--part4")
    assert (done.returncode, done.stderr) == (0, "")
    for item in quiz.items("part4").values():
        reply = f"{item.answers[item.right]} {item.replies[item.right]} Shown in {item.shown}."
        assert f"✓ {item.topic}. {reply} " in flat(done.stdout)
    last = "Test after Part 4: 8 of 8 right"
    assert done.stdout.splitlines()[-1] == last
    assert told(folder, "", "--part4").stdout.splitlines()[-1] == last
    # The twelve situations are as open as before.
    assert told(folder, "1\n").stdout.startswith("Test before Part 1: 12 questions")


def test_one_test_at_a_time(folder: Path) -> None:
    run = piped(folder, b"", "--after", "--part4")
    assert run.returncode == 2
    assert "not allowed with" in run.stderr
    assert not (folder / FILE).exists()


def test_what_is_left_out_is_not_right(folder: Path) -> None:
    run = told(folder, "\n" * 12)
    assert f"> Handed in: 0 of 12 questions answered. {LATER}" in flat(run.stdout)
    assert progress.read(folder).quiz["before"] == Taken({}, handed_in=True)


def test_what_is_typed_wrong_is_asked_again_and_b_goes_back(folder: Path) -> None:
    first, second, third = ITEMS[:3]
    run = told(folder, "b\n7\nx\n0\n2\n1\nB\n 2 \n3\n")
    assert run.returncode == 0
    assert run.stdout.count("A number from 1 to 4, b, or Enter.\n") == 3
    expected = {
        item.name: list(item.answers)[n]
        for item, n in zip((first, second, third), (1, 1, 2), strict=True)
    }
    assert progress.read(folder).quiz["before"] == Taken(expected)


def test_bytes_that_are_no_text_are_no_answer(folder: Path) -> None:
    run = piped(folder, b"\xff\xfe\n1\n")
    assert (run.returncode, run.stderr) == (0, "")
    assert len(progress.read(folder).quiz["before"].answers) == 1


@pytest.mark.parametrize("said", [b"", None], ids=["empty", "closed"])
def test_an_input_without_an_answer(folder: Path, said: bytes | None) -> None:
    run = piped(folder, said)
    assert run.returncode == 2
    assert run.stderr.splitlines() == [
        "mtls-lab: this did not work.",
        "Found:    nothing to read an answer from",
        "Expected: a terminal, or an input with one number in each line",
        "To do:    type the command in a terminal, or take the test in the notebook",
    ]
    assert not (folder / FILE).exists()


def test_the_end_of_the_input_keeps_what_was_answered(folder: Path) -> None:
    run = told(folder, "1\n2\n")
    assert (run.returncode, run.stderr) == (0, "")
    assert "> Stopped. Kept: 2 of 12 questions answered. To go on, type " in flat(run.stdout)
    assert told(folder, "1\n").stdout.startswith("Test before Part 1: 10 questions")
    assert len(progress.read(folder).quiz["before"].answers) == 3


def test_the_first_test_after_the_second(folder: Path) -> None:
    told(folder, all_right(), "--after")
    run = told(folder, "")
    assert (run.returncode, run.stderr) == (0, "")
    assert "takes no more answers" in run.stdout


# --- In a terminal


def test_ctrl_c_keeps_what_was_answered(folder: Path) -> None:
    with terminal(*COMMAND, cwd=folder.parent) as shown:
        shown.until("> ")
        shown.type(b"1\r")
        shown.until("2 of 12")
        shown.until("> ")
        shown.type(b"\x03")
        assert shown.close() == 130
    assert "Stopped. Kept: 1 of 12 questions answered." in shown.written
    assert "Traceback" not in shown.written
    assert len(progress.read(folder).quiz["before"].answers) == 1


@pytest.mark.parametrize("answered", [0, 1])
def test_ctrl_d_stops_as_well(folder: Path, answered: int) -> None:
    with terminal(*COMMAND, cwd=folder.parent) as shown:
        shown.until("> ")
        for at in range(answered):
            shown.type(b"1\r")
            shown.until(f"{at + 2} of 12")
            shown.until("> ")
        shown.type(b"\x04")
        assert shown.close() == 0
    assert f"Stopped. Kept: {answered} of 12 questions answered." in shown.written
    assert len(progress.read(folder).quiz["before"].answers) == answered

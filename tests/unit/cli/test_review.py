"""`mtls-lab review` in a real terminal, and where there is none. When and what: test_reviews.py."""

import json
import re
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from mtls_lab import cli
from mtls_lab.learner import predictions, progress
from mtls_lab.learner.folder import MARKER
from mtls_lab.learner.progress import FILE
from tests.unit.cli import calling
from tests.unit.cli.terminal import terminal

COMMAND = [*calling.COMMAND, "review"]
NAMES = ("silent_client", "no_certificate")
PROMPT = "Your answer (a, b, c; Enter skips): "


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of version 0.1, in which two predictions were made on a day that nobody knows."""
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / MARKER).write_text("{}")
    events = [
        {"prediction": name, "choice": choice, "truth": predictions.question(name).outcome}
        for name, choice in zip(NAMES, ("secret", "handshake"), strict=True)
    ]
    text = "".join(json.dumps(event) + "\n" for event in events)
    (tmp_path / "lab" / FILE).write_text(text, "utf-8")
    return tmp_path / "lab"


def reviewed(folder: Path) -> dict[str, list[tuple[str, str]]]:
    found = progress.read(folder).reviews
    return {name: [(each.choice, each.truth) for each in found[name]] for name in found}


def test_asking_answering_and_when_it_is_due_next(folder: Path) -> None:
    with terminal(*COMMAND, folder.name, cwd=folder.parent) as shown:
        said = shown.until(PROMPT)
        assert "Predictions that come back: 2, about 1 minute." in said
        assert "1 of 2, Part 1: A client connects and says nothing" in said
        shown.type(b"x\n")
        shown.until("Please type one of a, b, c, or nothing but Enter.\n")
        shown.until(PROMPT)
        shown.type(b" B)\n")
        said = shown.until(PROMPT)
        assert "✓ What happened: Nothing, for as long as the first client" in said
        shown.type(b"a\n")
        said = shown.until("right.")
        assert "✗ What happened: Later, when it first reads" in said
        assert "What you predicted is right for TLS 1.2." in said
        assert shown.close() == 0
    assert shown.written.split("\n\n")[-1].startswith("1 of 2 right. The next review is on ")
    assert re.search(r"on \w+day, \d\d \w+ 20\d\d\.\n$", shown.written)
    assert "Traceback" not in shown.written
    assert reviewed(folder) == {
        "silent_client": [("waits", "waits")],
        "no_certificate": [("handshake", "first_read")],
    }


def test_enter_skips(folder: Path) -> None:
    with terminal(*COMMAND, folder.name, cwd=folder.parent) as shown:
        for _ in NAMES:
            shown.until(PROMPT)
            shown.type(b"\n")
        assert shown.close() == 0
    assert "Nothing answered. More is due today: " in shown.written
    assert reviewed(folder) == {}


@pytest.mark.parametrize(("key", "code"), [(b"\x04", 0), (b"\x03", 130)], ids=["end", "interrupt"])
def test_ending_it_keeps_what_was_answered(folder: Path, key: bytes, code: int) -> None:
    with terminal(*COMMAND, folder.name, cwd=folder.parent) as shown:
        shown.until(PROMPT)
        shown.type(b"b\n")
        shown.until(PROMPT)
        shown.type(key)
        assert shown.close() == code
    assert shown.written.endswith(" review\n")
    assert "1 of 1 right. More is due today: " in shown.written
    assert "Traceback" not in shown.written
    assert reviewed(folder) == {"silent_client": [("waits", "waits")]}


def test_bytes_that_are_no_text(folder: Path) -> None:
    with terminal(*COMMAND, folder.name, cwd=folder.parent) as shown:
        shown.until(PROMPT)
        shown.type(b"\xff\xfe\n")
        shown.until("Please type one of a, b, c, or nothing but Enter.\n")
        shown.type(b"\x04")
        assert shown.close() == 0
    assert reviewed(folder) == {}


@pytest.mark.parametrize("typed", [b"", b"a\na\n"], ids=["nothing", "answers"])
def test_without_a_terminal_the_questions_are_printed(folder: Path, typed: bytes) -> None:
    done = subprocess.run(
        [*COMMAND, folder.name], cwd=folder.parent, capture_output=True, check=False, input=typed
    )
    said = done.stdout.decode("utf-8")
    assert (done.returncode, done.stderr) == (0, b"")
    for number, name in enumerate(NAMES, start=1):
        assert f"{number}. Part {predictions.question(name).part}: " in said
    assert said.count("  a) ") == said.count("  b) ") == 2
    assert said.splitlines()[-1].startswith("To answer, run this in a terminal: ")
    assert reviewed(folder) == {}


def test_without_any_input(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)  # as pythonw has it
    assert cli.main(["review", str(folder)]) == 0


def test_nothing_yet_nothing_today_and_nothing_any_more(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    today = progress.today()
    name, truth = "checksum", "fooled"
    (folder / FILE).unlink()

    def said() -> str:
        assert cli.main(["review", str(folder)]) == 0
        return capsys.readouterr().out

    def note(day: date, **event: str) -> None:
        with (folder / FILE).open("a") as file:
            file.write(json.dumps({**event, "truth": truth, "day": day.isoformat()}) + "\n")

    assert said().startswith("Nothing to review yet.")
    note(today, prediction=name, choice="stopped")
    tomorrow = today + timedelta(days=1)
    assert said() == f"Nothing is due today. The next review is on {tomorrow:%A, %d %B %Y}.\n"
    (folder / FILE).unlink()
    note(today - timedelta(days=20), prediction=name, choice="stopped")
    assert predictions.question(name).question[:40] in said()
    note(today - timedelta(days=10), review=name, choice=truth)
    note(today, review=name, choice=truth)
    assert said() == "Nothing is due today. No other review is due.\n"


def test_hostile_progress(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        '{"prediction": "\\u001b[31m", "choice": "a", "truth": "b", "day": "2026-01-01"}',
        '{"prediction": "checksum", "choice": "\\u001b[2J", "truth": "\\u001b[2J", "day": "x"}',
        '{"review": "checksum", "choice": "y", "truth": "z", "day": "0001-01-01"}',
        '{"review": "checksum", "choice": {}, "truth": [], "day": "9999-12-31"}',
        "[" * 100_000,
    ]
    (folder / FILE).write_text("\n".join(lines), "utf-8")
    assert cli.main(["review", str(folder)]) == 0
    said = capsys.readouterr()
    assert (said.err, "\x1b" in said.out) == ("", False)
    assert predictions.question("checksum").question[:40] in said.out


def test_start_says_what_is_due(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["start", str(folder), "--prepare"]) == 0
    assert "Predictions due for a review: 2 (" in capsys.readouterr().out

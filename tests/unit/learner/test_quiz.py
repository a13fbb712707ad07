"""The two tests of what was learned: fair questions, kept answers, and when anything is told.

Not here: what is right (test_quiz_runs.py), the terminal (tests/unit/cli/test_quiz.py), the panel
(tests/panels/test_quiz.py), a class (tests/unit/classroom/test_gain.py).
"""

import re
from collections import Counter
from pathlib import Path

import pytest

from mtls_lab.errors import UnknownName
from mtls_lab.facts import MARKER, read_facts
from mtls_lab.learner import progress, quiz
from mtls_lab.learner.progress import FILE, Progress, Taken, note

ITEMS = quiz.items()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / MARKER).write_text("{}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- The questions


def test_there_are_twelve_and_each_answer_has_its_reply() -> None:
    assert len(ITEMS) == 12
    for item in ITEMS.values():
        assert 3 <= len(item.answers) <= 4
        assert set(item.answers) == set(item.replies)
        assert len(item.situation.split()) >= 15, "a situation, not a definition"
        assert item.question.endswith("?")
    assert len({item.topic for item in ITEMS.values()}) == 12


def test_the_right_answer_is_the_first_in_the_file_and_anywhere_on_the_page() -> None:
    for name, entry in read_facts("quiz").items():
        assert ITEMS[name].right == next(iter(entry["answers"]))
    places = Counter(list(item.answers).index(item.right) for item in ITEMS.values())
    assert places == {0: 3, 1: 3, 2: 3, 3: 3}


def test_no_answer_is_recognised_by_its_length() -> None:
    longest = shortest = 0
    for item in ITEMS.values():
        lengths = {key: len(answer) for key, answer in item.answers.items()}
        assert max(lengths.values()) <= 1.3 * min(lengths.values()), item.name
        longest += max(lengths, key=lengths.__getitem__) == item.right
        shortest += min(lengths, key=lengths.__getitem__) == item.right
    assert longest <= 4
    assert shortest <= 4


def test_no_answer_is_recognised_by_a_big_word() -> None:
    big = re.compile(r"(?i)\b(always|never|every|must|impossible|certainly|any case)\b")
    found = [a for item in ITEMS.values() for a in item.answers.values() if big.search(a)]
    assert found == []


# --- Taking it


def test_an_answer_is_kept_changed_and_taken_back(folder: Path) -> None:
    sitting = quiz.Sitting("before")
    assert (len(sitting.open), sitting.closed) == (12, False)
    sitting.answer("clock", "both")
    sitting.answer("clock", "both")
    sitting.answer("clock", "device")
    sitting.answer("header", "proxy")
    sitting.answer("header", None)
    again = quiz.Sitting("before", folder)
    assert again.answers == sitting.answers == {"clock": "device"}
    assert again.count == "1 of 12 questions answered"
    assert len((folder / FILE).read_text().splitlines()) == 4
    assert quiz.Sitting("after").answers == {}


def test_a_test_that_is_handed_in_stays_as_it_is(folder: Path) -> None:
    sitting, other = quiz.Sitting("before"), quiz.Sitting("before")
    sitting.answer("clock", "both")
    sitting.hand_in()
    sitting.hand_in()
    for late in (sitting, other, quiz.Sitting("before")):  # `other` does not know yet
        late.answer("clock", "device")
    assert progress.read(folder).quiz["before"] == Taken({"clock": "both"}, handed_in=True)


@pytest.mark.usefixtures("folder")
def test_the_first_one_takes_no_answer_once_the_second_has_told_them() -> None:
    quiz.Sitting("before").answer("clock", "both")
    quiz.Sitting("after").hand_in()
    late = quiz.Sitting("before")
    assert (late.too_late, late.closed, late.handed_in) == (True, True, False)
    late.answer("clock", "device")
    late.hand_in()
    assert progress.read().quiz["before"] == Taken({"clock": "both"})


def test_a_damaged_line_costs_that_line(folder: Path) -> None:
    note(quiz="before", question="clock", answer="both")
    with (folder / FILE).open("ab") as file:
        file.write(b'{"quiz": "before", "question": "header", "ans\n\xff\n')
        file.write(b'{"quiz": "before", "question": 5, "answer": "x"}\n')
        file.write(b'{"quiz": ["before"], "question": "header", "answer": "x"}\n')
        file.write(b'{"quiz": "later", "question": "header", "answer": "x"}\n')
        file.write(b'{"quiz": "before", "state": "lost"}\n{"quiz": "before"}\n')
    note(quiz="before", question="pinned", answer="warns")
    expected = Taken({"clock": "both", "pinned": "warns"})
    assert progress.read(folder).quiz == Progress().quiz | {"before": expected}


@pytest.mark.usefixtures("folder")
def test_answers_of_another_version_are_left_out() -> None:
    note(quiz="before", question="clock", answer="an answer that is gone")
    note(quiz="before", question="a question that is gone", answer="x")
    assert quiz.Sitting("before").answers == {}
    assert quiz.score(progress.read().quiz["before"]) == 0


def test_outside_of_a_learners_folder_it_lasts_as_long_as_the_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sitting = quiz.Sitting("after")
    sitting.answer("clock", "device")
    sitting.hand_in()
    assert list(tmp_path.iterdir()) == []
    assert quiz.result(sitting.done) == "Test after Part 3: 1 of 12 right (none was taken before)"


def test_unknown_names() -> None:
    with pytest.raises(UnknownName, match="no test 'during'"):
        quiz.Sitting("during")
    with pytest.raises(UnknownName, match="no question 'nothing'"):
        quiz.Sitting("before").answer("nothing", "x")
    with pytest.raises(UnknownName, match="no answer to 'clock' 'nobody'"):
        quiz.Sitting("before").answer("clock", "nobody")


# --- What is told


def done(before: Taken | None = None, after: Taken | None = None) -> Progress:
    return Progress(quiz={"before": before or Taken(), "after": after or Taken()})


@pytest.mark.parametrize("handed_in", [False, True])
def test_the_first_test_tells_nothing(handed_in: bool) -> None:  # noqa: FBT001
    """What it says does not depend on which answers are right."""
    right, wrong = (
        done(Taken({item.name: key}, handed_in))
        for item in [ITEMS["clock"]]
        for key in ("device", "both")
    )
    assert quiz.result(right) == quiz.result(wrong)
    assert quiz.told(right) == quiz.told(wrong) == []


def test_a_second_test_that_is_not_handed_in_tells_nothing() -> None:
    assert quiz.told(done(after=Taken({"clock": "both"}))) == []


def test_the_second_test_tells_everything() -> None:
    told = quiz.told(done(after=Taken({"clock": "both", "header": "anybody"}, handed_in=True)))
    by_name = {item.name: (right, text) for item, right, text in told}
    assert list(by_name) == list(ITEMS)
    clock, header, pinned = ITEMS["clock"], ITEMS["header"], ITEMS["pinned"]
    assert by_name["clock"] == (
        False,
        f"You said: {clock.answers['both']} {clock.replies['both']}\n"
        f"Right is: {clock.answers['device']} {clock.replies['device']}",
    )
    assert by_name["header"] == (True, f"{header.answers['anybody']} {header.replies['anybody']}")
    assert by_name["pinned"] == (
        False,
        f"You gave no answer.\nRight is: {pinned.answers['refuses']} {pinned.replies['refuses']}",
    )


def test_the_gain_is_the_share_of_what_was_missing() -> None:
    assert [quiz.gain(*pair) for pair in ((0, 12), (6, 9), (6, 6), (6, 3))] == [1, 0.5, 0, -0.5]
    assert quiz.gain(12, 11) is None

"""The tests of what was learned: fair questions, kept answers, and when anything is told.

Not here: what is right (test_quiz_runs.py, test_quiz_part4_runs.py), the terminal
(tests/unit/cli/test_quiz.py), the panel (tests/panels/test_quiz.py), a class
(tests/unit/classroom/test_whole_class.py).
"""

import re
from collections import Counter
from pathlib import Path

import pytest

from mtls_lab.common import UnknownName, read_facts
from mtls_lab.learner import progress, quiz
from mtls_lab.learner.notebooks import notebooks
from mtls_lab.learner.progress import FILE, Progress, Taken, note

ITEMS = quiz.items("before")
PART4 = quiz.items("part4")
#: Every set of questions, by the test that tells what is right.
SETS = {when: quiz.items(when) for when in quiz.LAST}


# --- The questions


def test_the_file_of_progress_knows_the_same_tests() -> None:
    assert tuple(quiz.TESTS) == progress.TESTS
    assert quiz.LAST == ("after", "part4")
    assert [quiz.last(when) for when in quiz.TESTS] == ["after", "after", "part4"]


def test_a_question_has_one_name_and_one_topic() -> None:
    every = [item for items in SETS.values() for item in items.values()]
    assert len({item.name for item in every}) == len({item.topic for item in every}) == len(every)


@pytest.mark.parametrize(("when", "number"), [("after", 12), ("part4", 8)])
def test_there_are_as_many_as_said_and_each_answer_has_its_reply(when: str, number: int) -> None:
    items = SETS[when]
    assert len(items) == number
    for item in items.values():
        assert len(item.answers) == 4
        assert set(item.answers) == set(item.replies)
        assert len(item.situation.split()) >= 15, "a situation, not a definition"
        assert item.question.endswith("?")


def test_every_question_of_part_4_is_shown_in_a_section_of_a_notebook() -> None:
    for item in PART4.values():
        notebook, section = re.fullmatch(r"(4\w+), section (\d+)", item.shown).groups()  # type: ignore[union-attr]
        (path,) = (each for each in notebooks() if each.stem == notebook)
        assert f"## {section}. " in path.read_text("utf-8")


@pytest.mark.parametrize("when", quiz.LAST)
def test_the_right_answer_is_the_first_in_the_file_and_anywhere_on_the_page(when: str) -> None:
    items = SETS[when]
    for name, entry in read_facts("quiz")[quiz.TESTS[when].asks].items():
        assert items[name].right == next(iter(entry["answers"]))
    places = Counter(list(item.answers).index(item.right) for item in items.values())
    assert places == dict.fromkeys(range(4), len(items) / 4)


@pytest.mark.parametrize("when", quiz.LAST)
def test_no_answer_is_recognised_by_its_length(when: str) -> None:
    longest = shortest = 0
    for item in SETS[when].values():
        lengths = {key: len(answer) for key, answer in item.answers.items()}
        assert max(lengths.values()) <= 1.3 * min(lengths.values()), item.name
        longest += max(lengths, key=lengths.__getitem__) == item.right
        shortest += min(lengths, key=lengths.__getitem__) == item.right
    assert longest <= len(SETS[when]) / 3
    assert shortest <= len(SETS[when]) / 3


@pytest.mark.parametrize("when", quiz.LAST)
def test_no_answer_is_recognised_by_a_big_word(when: str) -> None:
    big = re.compile(r"(?i)\b(always|never|every|must|impossible|certainly|any case)\b")
    found = [a for item in SETS[when].values() for a in item.answers.values() if big.search(a)]
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
    assert quiz.score(progress.read(), "before") == 0


def test_outside_of_a_learners_folder_it_lasts_as_long_as_the_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sitting = quiz.Sitting("after")
    sitting.answer("clock", "device")
    sitting.hand_in()
    assert list(tmp_path.iterdir()) == []
    assert (
        quiz.result(sitting.done, "after")
        == "Test after Part 3: 1 of 12 right (none was taken before)"
    )


def test_unknown_names() -> None:
    with pytest.raises(UnknownName, match="no test 'during'"):
        quiz.Sitting("during")
    with pytest.raises(UnknownName, match="no question 'nothing'"):
        quiz.Sitting("before").answer("nothing", "x")
    with pytest.raises(UnknownName, match="no answer to 'clock' 'nobody'"):
        quiz.Sitting("before").answer("clock", "nobody")


# --- What is told


def done(before: Taken | None = None, after: Taken | None = None) -> Progress:
    return Progress(quiz=Progress().quiz | {"before": before or Taken(), "after": after or Taken()})


@pytest.mark.parametrize("handed_in", [False, True])
def test_the_first_test_tells_nothing(handed_in: bool) -> None:  # noqa: FBT001
    """What it says does not depend on which answers are right."""
    right, wrong = (
        done(Taken({item.name: key}, handed_in))
        for item in [ITEMS["clock"]]
        for key in ("device", "both")
    )
    assert quiz.result(right, "after") == quiz.result(wrong, "after")
    for when in ("before", "after"):
        assert quiz.told(right, when) == quiz.told(wrong, when) == []


def test_a_second_test_that_is_not_handed_in_tells_nothing() -> None:
    assert quiz.told(done(after=Taken({"clock": "both"})), "after") == []


def test_the_second_test_tells_everything() -> None:
    given = Taken({"clock": "both", "header": "anybody"}, handed_in=True)
    told = quiz.told(done(after=given), "after")
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


@pytest.mark.usefixtures("folder")
def test_the_test_of_part_4_tells_at_once_and_leaves_the_others_alone() -> None:
    sitting = quiz.Sitting("part4")
    assert (len(sitting.open), sitting.too_late) == (8, False)
    sitting.answer("new_board", "served")
    sitting.answer("one_list", "renew")
    assert quiz.result(sitting.done, "part4") == "Test after Part 4: 2 of 8 answered"
    assert quiz.told(sitting.done, "part4") == []
    sitting.hand_in()
    done = progress.read()
    assert quiz.result(done, "part4") == "Test after Part 4: 1 of 8 right"
    by_name = {item.name: (right, text) for item, right, text in quiz.told(done, "part4")}
    assert list(by_name) == list(PART4)
    board, one_list, digits = PART4["new_board"], PART4["one_list"], PART4["four_digits"]
    assert by_name["new_board"] == (
        False,
        f"You said: {board.answers['served']} {board.replies['served']}\n"
        f"Right is: {board.answers['unwrap']} {board.replies['unwrap']}\n"
        "Shown in 4_key_in_a_tpm, section 5.",
    )
    assert by_name["one_list"] == (
        True,
        f"{one_list.answers['renew']} {one_list.replies['renew']}\n"
        "Shown in 4b_device_life, section 7.",
    )
    assert by_name["four_digits"] == (
        False,
        f"You gave no answer.\nRight is: {digits.answers['locked']} {digits.replies['locked']}\n"
        "Shown in 4_key_in_a_tpm, section 9.",
    )
    assert quiz.result(done, "after") == ""
    assert not quiz.Sitting("before").closed
    assert not quiz.Sitting("after").closed


@pytest.mark.usefixtures("folder")
def test_a_test_counts_and_takes_its_own_questions_only() -> None:
    note(quiz="before", question="one_list", answer="renew")
    note(quiz="part4", question="clock", answer="device")
    done = progress.read()
    assert quiz.score(done, "before") == quiz.score(done, "part4") == 0
    assert quiz.Sitting("before").answers == quiz.Sitting("part4").answers == {}
    with pytest.raises(UnknownName, match="no question 'clock'"):
        quiz.Sitting("part4").answer("clock", "device")


def test_the_gain_is_the_share_of_what_was_missing() -> None:
    assert [quiz.gain(*pair) for pair in ((0, 12), (6, 9), (6, 6), (6, 3))] == [1, 0.5, 0, -0.5]
    assert quiz.gain(12, 11) is None

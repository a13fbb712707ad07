"""What the tests before and after the course say of one learner and of a class."""

import json
from pathlib import Path

import pytest

from mtls_lab.classroom import class_report, export, read_export, report
from mtls_lab.classroom.handing_in import HandedIn
from mtls_lab.learner import quiz
from mtls_lab.learner.progress import FILE, Progress, Taken

ITEMS = quiz.items("before")
NUMBER = len(ITEMS)


def taken(right: int, wrong: int = 0, *, when: str = "after") -> Taken:
    """A finished test whose first answers are right, the next ones wrong, the others open."""
    answers = {}
    for number, item in enumerate(quiz.items(when).values()):
        if number < right + wrong:
            others = [key for key in item.answers if key != item.right]
            answers[item.name] = item.right if number < right else others[0]
    return Taken(answers, handed_in=True)


def learner(name: str, before: Taken | None = None, after: Taken | None = None) -> HandedIn:
    tests = {"before": before or Taken(), "after": after or Taken()}
    return HandedIn(name, Progress(quiz=Progress().quiz | tests))


def with_part4(each: HandedIn, part4: Taken) -> HandedIn:
    return HandedIn(each.name, Progress(quiz=each.done.quiz | {"part4": part4}))


def sit(when: str, right: int) -> None:
    sitting = quiz.Sitting(when)
    for name, key in taken(right, when=when).answers.items():
        sitting.answer(name, key)
    sitting.hand_in()


def test_a_learner_reads_how_it_went(folder: Path) -> None:
    quiz.Sitting("before").answer("clock", "both")
    assert report(folder).splitlines()[-1] == "Test before Part 1: 1 of 12 answered"
    quiz.Sitting("before").answer("clock", None)
    assert "Test" not in report(folder)
    sit("before", 4)
    assert report(folder).splitlines()[-1] == "Test before Part 1: 4 of 12 answered, handed in"
    sit("after", 10)
    assert report(folder).splitlines()[-1] == (
        "Tests: 4 of 12 right before, 10 after; normalised gain 0.75"
    )


@pytest.mark.usefixtures("folder")
def test_a_learner_without_the_first_test() -> None:
    sit("after", 10)
    assert report().splitlines()[-1] == "Test after Part 3: 10 of 12 right (none was taken before)"


@pytest.mark.usefixtures("folder")
def test_nothing_to_gain() -> None:
    sit("before", NUMBER)
    sit("after", NUMBER - 1)
    assert report().splitlines()[-1] == "Tests: 12 of 12 right before, 11 after"


def test_the_tests_are_handed_in_and_read_again(folder: Path) -> None:
    sit("before", 3)
    sit("after", 9)
    quiz.Sitting("before").answer("clock", "both")  # too late
    sit("part4", 6)
    done = read_export(export("Ada")).done
    assert done.quiz == {"before": taken(3), "after": taken(9), "part4": taken(6, when="part4")}
    assert (folder / FILE).is_file()


def test_an_export_of_an_earlier_version_has_no_tests(tmp_path: Path) -> None:
    old = tmp_path / "progress-ada.json"
    old.write_text(json.dumps({"name": "Ada", "predictions": {}, "exercises": {}}))
    half = tmp_path / "progress-alan.json"
    half.write_text(old.read_text()[:-1] + ', "quiz": {"before": {"answers": {"clock": "both"}}}}')
    assert read_export(old).done.quiz == Progress().quiz
    assert read_export(half).done.quiz["before"] == Taken({"clock": "both"})
    assert "Tests" not in class_report([read_export(old), read_export(half)])


def test_a_class() -> None:
    text = class_report(
        [
            learner("Ada", taken(4), taken(10)),
            learner("Alan", taken(6, wrong=6), taken(10, wrong=2)),
            learner("Grace", taken(11)),
            learner("Edsger", after=taken(9, wrong=1)),
            learner("Nobody"),
        ]
    )
    lines = text.splitlines()
    assert [line.rpartition("; ")[2] for line in lines[1:6]] == [
        "test: 4 before, 10 after",
        "test: 6 before, 10 after",
        "test: 9 after",
        "test: 11 before",
        "  Nobody  kata: 0",
    ]
    at = lines.index("Tests of 12 questions: handed in by 3 before, 3 after, 2 both")
    assert lines[at + 1] == "  mean before 5.0, mean after 10.0; normalised gain 0.71"
    assert lines[at + 3].startswith("Missed after the course, the most missed first")
    rows = [line.split() for line in lines[at + 4 :]]
    assert [row[0] for row in rows[:3]] == [list(ITEMS)[10], list(ITEMS)[11], list(ITEMS)[9]]
    assert [row[1:4] for row in rows[:3]] == [["3", "of", "3"], ["3", "of", "3"], ["1", "of", "3"]]
    item = list(ITEMS.values())[10]
    wrong = item.answers[taken(0, wrong=NUMBER).answers[item.name]]
    assert " ".join(rows[0][4:]) == f"1 said: {wrong}"
    assert all(row[1] == "0" and len(row) == 4 for row in rows[3:])
    assert len(rows) == NUMBER


@pytest.mark.usefixtures("folder")
def test_a_learner_after_part_4() -> None:
    sit("part4", 6)
    assert report().splitlines()[-1] == "Test after Part 4: 6 of 8 right"
    sit("after", 10)
    assert report().splitlines()[-2:] == [
        "Test after Part 3: 10 of 12 right (none was taken before)",
        "Test after Part 4: 6 of 8 right",
    ]


def test_a_class_after_part_4() -> None:
    """What is said of the course is what was said without it."""
    class_ = [learner("Ada", taken(4), taken(10)), learner("Alan", taken(6), taken(10))]
    more = [with_part4(class_[0], taken(7, when="part4")), class_[1]]
    more += [with_part4(learner("Grace"), taken(5, wrong=3, when="part4"))]
    without, text = class_report(class_), class_report(more)
    lines = text.splitlines()
    assert [line.rpartition("; ")[2] for line in lines[1:4]] == [
        "test: 4 before, 10 after, 7 in Part 4",
        "test: 6 before, 10 after",
        "test: 5 in Part 4",
    ]
    course = without[without.index("Tests of 12") :]
    assert course in text
    at = lines.index("Test of Part 4, 8 questions: handed in by 2, mean 6.0")
    assert (
        lines[at + 2] == "Missed in Part 4, the most missed first, and the commonest wrong answer"
    )
    rows = [line.split() for line in lines[at + 3 :]]
    items = quiz.items("part4")
    assert len(rows) == len(items) == 8
    assert [row[:4] for row in rows[:3]] == [
        [list(items)[7], "2", "of", "2"],
        [list(items)[5], "1", "of", "2"],
        [list(items)[6], "1", "of", "2"],
    ]
    assert "Tests of 12" not in class_report(more[2:])


def test_a_class_that_has_only_begun() -> None:
    text = class_report([learner("Ada", taken(4, wrong=8)), learner("Alan", taken(12))])
    assert "Tests of 12 questions: handed in by 2 before, 0 after, 0 both" in text
    assert "Missed before the course" in text
    assert "mean" not in text


def test_a_class_that_knew_everything() -> None:
    text = class_report([learner("Ada", taken(12), taken(12))])
    assert "  mean before 12.0, mean after 12.0; nothing was missing before\n" in text


def test_answers_of_another_version_do_no_harm() -> None:
    odd = Taken({"clock": "\x1b[31m", "\x1b[32m": "x"}, handed_in=True)
    text = class_report([learner("Ada", odd, odd)])
    assert "1 said: an answer of another version" in text
    assert "\x1b" not in text

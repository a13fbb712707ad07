"""Predictions: what is asked, what is chosen, what is revealed; and that the notebooks ask it.

The truth of each is held by the notebooks themselves: it is computed from the run, and nbval
compares what is then said (tests/notebooks). How each run is judged: test_judges.py.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtls_lab.errors import LabError, UnknownName
from mtls_lab.learner import predictions
from mtls_lab.learner.notebooks import notebooks

QUESTIONS = predictions.questions()
LESSONS = [path for path in notebooks() if path.stem[1] == "_"]
#: Notebooks that ask for predictions: the lessons, and the one on sessions.
ASKING = [*LESSONS, *(path for path in notebooks() if path.stem == "3d_stolen_session")]


@pytest.fixture(autouse=True)
def nothing_chosen() -> Iterator[None]:
    yield
    for name in QUESTIONS:
        predictions.choose(name, None)
        predictions.be_sure(name, None)


def sources(path: Path) -> str:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_each_part_asks_and_answers_its_questions_once(path: Path) -> None:
    """In its lesson, and for Part 3 in the lesson on sessions as well."""
    part = path.stem[0]
    own = [name for name, question in QUESTIONS.items() if str(question.part) == part]
    assert len(own) >= 4
    text = "\n".join(sources(each) for each in ASKING if each.stem[0] == part)
    assert re.findall(r'predict\("(\w+)"\)', text) == own
    assert re.findall(r'reveal\("(\w+)"', text) == own


def test_only_lessons_ask() -> None:
    others = [path for path in notebooks() if path not in ASKING]
    assert [path.stem for path in others if "predict(" in sources(path)] == []


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_is_complete(name: str) -> None:
    question = QUESTIONS[name]
    assert 2 <= len(question.answers) <= 4
    assert set(question.wrong) <= set(question.answers)
    # Whatever happens, at most one answer goes without a sentence of its own: the right one.
    assert len(set(question.answers) - set(question.wrong)) <= 1
    assert len(set(question.answers.values())) == len(question.answers)


@pytest.mark.parametrize("name", QUESTIONS)
def test_two_reasons_to_choose_from(name: str) -> None:
    why = QUESTIONS[name].why
    assert set(why) == {"right", "wrong"}
    assert len({each.text for each in why.values()} | {each.reply for each in why.values()}) == 4
    assert why["right"].reply.startswith("Yes. ")
    assert not why["wrong"].reply.startswith("Yes")


def test_the_right_reason_is_not_always_the_first() -> None:
    first = [next(iter(question.why)) for question in QUESTIONS.values()]
    assert 0.4 <= first.count("right") / len(first) <= 0.6


def test_the_lessons_run_gives_the_outcome_that_is_explained() -> None:
    """What the committed notebooks show; test_outputs.py runs them and compares."""
    told = dict(revealed())
    assert list(told) == list(QUESTIONS)
    for name, question in QUESTIONS.items():
        assert told[name].splitlines()[:2] == [
            f"What happened: {question.answers[question.outcome]}",
            question.after,
        ]


def test_an_explanation_names_only_errors_and_alerts_that_the_lesson_shows() -> None:
    shown = {
        word.lower()
        for path in ASKING
        for word in re.findall(r"[A-Z0-9_]{8,}", path.read_text("utf-8"))
    }
    for name, question in QUESTIONS.items():
        if name == "flipped_bit":
            continue  # it names what an older OpenSSL says
        for word in re.findall(r"`([A-Z0-9]+_[A-Z0-9_]+)`", question.after):
            assert word.lower() in shown, name


def revealed() -> Iterator[tuple[str, str]]:
    """The name of each question that a notebook answers, and the text of its answer."""
    for path in ASKING:
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            if found := re.search(r"(?m)^reveal\(\"(\w+)\"", "".join(cell["source"])):
                yield found[1], "".join(cell["outputs"][-1]["data"]["text/plain"])


@pytest.mark.parametrize("path", ASKING, ids=lambda path: path.stem)
def test_no_cell_says_the_answer_before_it_is_revealed(path: Path) -> None:
    """A line that reveals names evidence, and neither the key nor the words of an answer."""
    for line in re.findall(r"(?m)^reveal\(.*$", sources(path)):
        assert re.fullmatch(r'reveal\("\w+"(, \*?\w+)+\)', line)
    cells = json.loads(path.read_text("utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells)
    for question in QUESTIONS.values():
        assert question.after not in text
        assert not [each for each in question.answers.values() if len(each) > 20 and each in text]


def test_right_wrong_and_not_at_all() -> None:
    name = "no_certificate"
    question = QUESTIONS[name]
    told = f"What happened: {question.answers['first_read']}"
    assert str(predictions.reveal(name, ["wrap_socket"])) == f"{told}\n{question.after}"
    predictions.choose(name, "first_read")
    revealed = predictions.reveal(name, ["wrap_socket"])
    assert revealed.right is True
    assert str(revealed) == f"✓ You predicted it. {told}\n{question.after}"
    predictions.choose(name, "never")
    revealed = predictions.reveal(name, ["wrap_socket"])
    assert revealed.right is False
    assert str(revealed).splitlines() == [
        f"✗ You predicted: {question.answers['never']}",
        told,
        question.wrong["never"],
        question.after,
    ]


def test_another_outcome_is_not_explained_by_the_lessons_reasons() -> None:
    """A learner has changed a cell: what the lesson's run means would be false."""
    question = QUESTIONS["no_certificate"]
    predictions.choose(question.name, "first_read")
    revealed = predictions.reveal(question.name, [])
    assert revealed.truth == "handshake"
    assert revealed.why == {}
    assert str(revealed).splitlines() == [
        f"✗ You predicted: {question.answers['first_read']}",
        f"What happened: {question.answers['handshake']}",
        question.wrong["first_read"],
    ]


def test_a_notebook_of_version_0_1_hands_over_the_key() -> None:
    assert predictions.reveal("no_certificate", "first_read").truth == "first_read"
    assert predictions.reveal("eve_listens", "nobody").truth == "nobody"


def test_unknown_names() -> None:
    with pytest.raises(UnknownName, match="no prediction 'nothing'"):
        predictions.question("nothing")
    with pytest.raises(UnknownName, match="no answer to 'checksum' 'perhaps'"):
        predictions.choose("checksum", "perhaps")
    with pytest.raises(LabError, match="reveal\\('checksum', …\\) with str"):
        predictions.reveal("checksum", "perhaps")
    with pytest.raises(UnknownName, match="no reason for 'checksum' 'perhaps'"):
        predictions.explain_with("checksum", "perhaps")
    with pytest.raises(UnknownName, match="no prediction 'nothing'"):
        predictions.be_sure("nothing", value=True)
    assert predictions.chosen("checksum") is None

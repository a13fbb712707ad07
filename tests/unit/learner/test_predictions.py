"""Predictions: what is asked, what is chosen, what is revealed; and that the notebooks ask it.

The truth of each is held by the notebooks themselves: it is computed from the run, and nbval
compares what is then said (tests/notebooks). How each run is judged: test_judges.py.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtls_lab.common import LabError, UnknownName
from mtls_lab.learner import predictions
from mtls_lab.learner.notebooks import notebooks
from tests.authoring.canonical import STACKS
from tests.unit.lab import forget

QUESTIONS = predictions.questions()
LESSONS = [path for path in notebooks() if path.stem[1] == "_" and path.name != STACKS.name]
#: Notebooks that ask for predictions: the lessons, those beside them, and that on other stacks.
BESIDE = {"3d_stolen_session", "4b_device_life", "4d_attestation", STACKS.stem}
ASKING = [path for path in notebooks() if path in LESSONS or path.stem in BESIDE]


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch)


def sources(path: Path) -> str:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def test_only_lessons_ask_and_none_answers() -> None:
    """Which lesson asks what, and in which order: tests/repository/test_owed.py."""
    asking = [path for path in notebooks() if "predict(" in sources(path)]
    assert asking == ASKING
    assert [path.stem for path in asking if "reveal" in sources(path)] == []


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
    told = dict(asked())
    assert list(told) == list(QUESTIONS)
    for name, question in QUESTIONS.items():
        lines = told[name].splitlines()
        answers = [f"  ( ) {text}" for text in question.answers.values()]
        happened = 1 + len(answers)
        assert lines[:happened] == [question.question, *answers]
        assert lines[happened] == f"What happened: {question.answers[question.outcome]}"
        assert question.after in lines


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


def asked() -> Iterator[tuple[str, str]]:
    """The name of each question that a notebook asks, and the text of its panel."""
    for path in ASKING:
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            if found := re.search(r"(?m)^(?:\w+ = )?predict\((\w+)\)$", "".join(cell["source"])):
                yield found[1], "".join(cell["outputs"][-1]["data"]["text/plain"])


@pytest.mark.parametrize("path", ASKING, ids=lambda path: path.stem)
def test_no_cell_says_what_the_panel_says_after_the_run(path: Path) -> None:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells)
    for question in QUESTIONS.values():
        assert question.after not in text
        assert not [each for each in question.answers.values() if len(each) > 20 and each in text]


def test_right_wrong_and_not_at_all() -> None:
    name = "no_certificate"
    question = QUESTIONS[name]
    seen = predictions.judged(name, ["wrap_socket"])
    assert seen.right is None
    assert (seen.outcome, seen.said) == (question.answers["first_read"], [question.after])
    predictions.choose(name, "first_read")
    seen = predictions.judged(name, ["wrap_socket"])
    assert (seen.right, seen.said) == (True, [question.after])
    predictions.choose(name, "never")
    seen = predictions.reveal(name, ["wrap_socket"])
    assert (seen.right, seen.said) == (False, [question.wrong["never"], question.after])


def test_what_was_shown_is_no_prediction_any_more() -> None:
    name = "no_certificate"
    predictions.choose(name, "never")
    predictions.judged(name, ["wrap_socket"])  # a cell that ran: nobody has seen it
    predictions.choose(name, "handshake")
    assert predictions.is_revealed(name) is False
    predictions.reveal(name, ["wrap_socket"])
    assert predictions.is_revealed(name) is True
    predictions.choose(name, "handshake")  # a panel that is drawn again
    for other in ("first_read", None):
        with pytest.raises(LabError, match="another answer to 'no_certificate'"):
            predictions.choose(name, other)
    with pytest.raises(LabError, match="another answer to 'no_certificate'"):
        predictions.be_sure(name, value=True)
    assert predictions.reveal(name, ["recv"]).choice == "handshake"


def test_another_outcome_is_not_explained_by_the_lessons_reasons() -> None:
    """A learner has changed a cell: what the lesson's run means would be false."""
    question = QUESTIONS["no_certificate"]
    predictions.choose(question.name, "first_read")
    revealed = predictions.reveal(question.name, [])
    assert revealed.truth == "handshake"
    assert revealed.why == {}
    assert revealed.outcome == question.answers["handshake"]
    assert revealed.said == [question.wrong["first_read"]]


def test_a_notebook_of_version_0_1_hands_over_the_key() -> None:
    assert predictions.reveal("no_certificate", "first_read").truth == "first_read"
    assert predictions.reveal("eve_listens", "nobody").truth == "nobody"


def test_unknown_names() -> None:
    with pytest.raises(UnknownName, match="no prediction 'nothing'"):
        predictions.question("nothing")
    with pytest.raises(UnknownName, match="no answer to 'checksum' 'perhaps'"):
        predictions.choose("checksum", "perhaps")
    with pytest.raises(LabError, match="a run for 'checksum' that gives str"):
        predictions.reveal("checksum", "perhaps")
    with pytest.raises(UnknownName, match="no reason for 'checksum' 'perhaps'"):
        predictions.explain_with("checksum", "perhaps")
    with pytest.raises(UnknownName, match="no prediction 'nothing'"):
        predictions.be_sure("nothing", value=True)
    assert predictions.chosen("checksum") is None

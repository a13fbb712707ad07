"""Predictions: what is asked, what is chosen, what is revealed; and that the notebooks ask it.

The truth of each is held by the notebooks themselves: it is computed from the run, and nbval
compares what is then said (tests/notebooks).
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mtls_lab.errors import UnknownName
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


def test_right_wrong_and_not_at_all() -> None:
    name = "no_certificate"
    question = QUESTIONS[name]
    told = f"What happened: {question.answers['first_read']}"
    assert str(predictions.reveal(name, "first_read")) == told
    predictions.choose(name, "first_read")
    revealed = predictions.reveal(name, "first_read")
    assert (revealed.right, str(revealed)) == (True, f"✓ You predicted it. {told}")
    predictions.choose(name, "never")
    revealed = predictions.reveal(name, "first_read")
    assert revealed.right is False
    assert str(revealed).splitlines() == [
        f"✗ You predicted: {question.answers['never']}",
        told,
        question.wrong["never"],
    ]
    assert repr(revealed) == str(revealed)
    assert 'role="status"' in revealed._repr_html_()


def test_unknown_names() -> None:
    with pytest.raises(UnknownName, match="no prediction 'nothing'"):
        predictions.question("nothing")
    with pytest.raises(UnknownName, match="no answer to 'checksum' 'perhaps'"):
        predictions.choose("checksum", "perhaps")
    with pytest.raises(UnknownName, match="one of stopped, fooled"):
        predictions.reveal("checksum", "perhaps")
    assert predictions.chosen("checksum") is None

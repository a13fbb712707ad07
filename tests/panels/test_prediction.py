"""The panel that asks for a prediction: choosing, choosing again, and its texts."""

import pytest

from mtls_lab.errors import UnknownName
from mtls_lab.learner import predictions
from mtls_lab.panels import PredictPanel, predict


def test_a_choice_is_remembered_and_can_change() -> None:
    panel = predict("checksum")
    assert panel.value is None
    before = str(panel)
    panel.select("stopped")
    assert predictions.chosen("checksum") == "stopped"
    assert PredictPanel("checksum").value == "stopped"  # the cell was run again
    panel.select("fooled")
    assert predictions.reveal("checksum", "fooled").right is True
    assert str(panel) == before  # what nbval compares does not depend on the choice
    predictions.choose("checksum", None)


def test_the_text_lists_the_answers() -> None:
    question = predictions.question("checksum")
    answers = [f"  ( ) {text}" for text in question.answers.values()]
    assert str(predict("checksum")).splitlines() == ["Predict", question.question, *answers]


def test_unknown_names() -> None:
    with pytest.raises(UnknownName, match="no prediction 'nothing'"):
        predict("nothing")
    panel = predict("checksum")
    with pytest.raises(UnknownName, match="no answer to 'checksum' 'perhaps'"):
        panel.select("perhaps")
    assert panel.value is None

"""The panels before and after a decisive cell: choosing, how sure, why, and their texts."""

import pytest

from mtls_lab.errors import UnknownName
from mtls_lab.learner import predictions
from mtls_lab.panels import PredictPanel, RevealPanel, predict, reveal

QUESTION = predictions.question("checksum")
SENT = "open sesame 43bab07e"
FOOLED = (SENT, "the cave is empty 30d77460")


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_chosen", "_sure", "_reasons"):
        monkeypatch.setattr(predictions, name, {})


def choose(panel: PredictPanel | RevealPanel, **values: object) -> None:
    """As clicks do it."""
    for widget, value in values.items():
        getattr(panel, f"_{widget}").value = value


def test_a_choice_is_remembered_and_can_change() -> None:
    panel = predict("checksum")
    assert panel.value is None
    before = str(panel)
    panel.select("stopped")
    assert predictions.chosen("checksum") == "stopped"
    assert PredictPanel("checksum").value == "stopped"  # the cell was run again
    panel.select("fooled")
    assert reveal("checksum", *FOOLED).revealed.right is True
    assert str(panel) == before  # what nbval compares does not depend on the choice


def test_the_text_lists_the_answers() -> None:
    answers = [f"  ( ) {text}" for text in QUESTION.answers.values()]
    assert str(predict("checksum")).splitlines() == ["Predict", QUESTION.question, *answers]


def test_how_sure_is_said_before_or_after_or_not_at_all() -> None:
    panel = predict("checksum")
    choose(panel, sure=True)
    assert (panel.value, predictions.sure("checksum")) == (None, True)
    choose(panel, answers="stopped")
    assert (panel.value, predictions.sure("checksum")) == ("stopped", True)
    choose(panel, sure=False)
    assert predictions.sure("checksum") is False
    assert PredictPanel("checksum")._sure.value is False
    panel.select("fooled")
    assert predictions.sure("checksum") is None
    panel.select("fooled", sure=True)
    assert predictions.sure("checksum") is True


def test_a_reveal_lists_the_reasons_and_keeps_the_replies() -> None:
    panel = reveal("checksum", *FOOLED)
    reasons = [f"  ( ) {each.text}" for each in QUESTION.why.values()]
    told = [f"What happened: {QUESTION.answers['fooled']}", QUESTION.after]
    assert str(panel).splitlines() == [*told, "Why? Choose the reason:", *reasons]
    before = str(panel)
    bundle = panel._repr_mimebundle_()
    for key, each in QUESTION.why.items():
        choose(panel, reasons=key)
        assert (panel.value, predictions.reason("checksum")) == (key, key)
        assert each.reply in panel._reply.value.replace("&#x27;", "'")
        assert str(panel) == before
        assert each.reply not in bundle["text/html"] + bundle["text/plain"]
        assert each.text in bundle["text/html"]


def test_a_reason_is_remembered() -> None:
    reveal("checksum", *FOOLED).select("wrong")
    again = reveal("checksum", *FOOLED)
    assert again.value == "wrong"
    assert "✗" in again._reply.value
    again.select("right")
    assert "✓ Yes." in again._reply.value


def test_a_reveal_says_whether_the_choice_was_right() -> None:
    predict("checksum").select("stopped")
    panel = reveal("checksum", *FOOLED)
    html = panel._repr_mimebundle_()["text/html"]
    assert f"✗ You predicted: {QUESTION.answers['stopped']}" in html
    assert 'data-testid="reveal-checksum"' in html
    predict("checksum").select("fooled")
    panel = reveal("checksum", *FOOLED)
    assert f"✓ You predicted: {QUESTION.answers['fooled']}" in panel._result.value


def test_an_outcome_that_the_lesson_does_not_have_asks_for_no_reason() -> None:
    panel = reveal("checksum", SENT, SENT)
    assert str(panel) == f"What happened: {QUESTION.answers['stopped']}"
    assert len(panel.box.children) == 2
    assert "<li>" not in panel._repr_mimebundle_()["text/html"]


def test_what_is_written_in_the_data_is_marked_up_and_nothing_else() -> None:
    predict("cert_optional").select("refused")
    html = reveal("cert_optional", "served")._result.value
    assert "<code>getpeercert()</code>" in html
    assert "<em>fails closed</em>" in html


def test_unknown_names() -> None:
    with pytest.raises(UnknownName, match="no prediction 'nothing'"):
        predict("nothing")
    with pytest.raises(UnknownName, match="no prediction 'nothing'"):
        reveal("nothing", "served")
    panel = predict("checksum")
    with pytest.raises(UnknownName, match="no answer to 'checksum' 'perhaps'"):
        panel.select("perhaps")
    assert panel.value is None
    with pytest.raises(UnknownName, match="no reason for 'checksum' 'perhaps'"):
        reveal("checksum", *FOOLED).select("perhaps")

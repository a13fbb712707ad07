"""The panel of a prediction: choosing, running, what it says before and after, and its texts."""

import re
import threading
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets
import pytest

import mtls_lab
from mtls_lab.common import LabError, UnknownName
from mtls_lab.learner import predictions, progress
from mtls_lab.panels import PredictPanel, predict, reveal
from mtls_lab.wire import Exchange, Side, Stage
from tests.unit.lab import files_of_at_most, forget

QUESTION = predictions.question("checksum")
SENT = "open sesame 43bab07e"
FOOLED = (SENT, "the cave is empty 30d77460")


def checksum() -> tuple[str, str]:
    print("Received:", FOOLED[1])  # noqa: T201 - as a lesson's run does
    return FOOLED


def substring() -> dict[str, object]:
    served = Side("device", Stage.APPLICATION, received=("open sesame",))
    refused = Side("device", Stage.APPLICATION, received=("ERROR not authorized",))
    backend = Side("backend", Stage.APPLICATION, received=("GET_SECRET",))
    return {
        "A & B": Exchange("GET_SECRET", served, backend),
        "Strict": Exchange("GET_SECRET", refused, backend),
    }


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch)


def choose(panel: PredictPanel, **values: object) -> None:
    """As clicks do it."""
    for widget, value in values.items():
        getattr(panel, f"_{widget}").value = value


def press(panel: PredictPanel) -> None:
    panel._button.click()


def parts(box: ipywidgets.Widget, kind: type[ipywidgets.Widget]) -> list[Any]:
    """The widgets of this kind, from top to bottom."""
    inner = [each for child in getattr(box, "children", ()) for each in parts(child, kind)]
    return [box] * isinstance(box, kind) + inner


def page(panel: PredictPanel) -> str:
    """All HTML that the panel shows, without the style sheet."""
    shown = "\n".join(each.value for each in parts(panel.box, ipywidgets.HTML))
    return re.sub(r"(?s)<style>.*?</style>", "", shown)


# --- Before the run


def test_the_cell_runs_and_the_panel_says_nothing_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    panel = predict(checksum)
    assert panel.value == FOOLED  # later cells can go on with it
    assert panel.revealed is None
    assert capsys.readouterr().out == ""
    for told in (FOOLED[1], QUESTION.after, *(each.text for each in QUESTION.why.values())):
        assert told not in page(panel)
    assert len(parts(panel.box, ipywidgets.RadioButtons)) == 2
    assert panel._button.description == "Run it"


def test_a_choice_is_remembered_and_can_change() -> None:
    panel = predict(checksum)
    before = str(panel)
    panel.select("stopped")
    assert predictions.chosen("checksum") == "stopped"
    assert predict(checksum)._answers.value == "stopped"  # the cell was run again
    panel.select("fooled")
    press(panel)
    assert panel.revealed
    assert panel.revealed.right is True
    assert str(panel) == before  # what nbval compares depends on no choice, and on no click


def test_how_sure_is_said_before_or_after_or_not_at_all() -> None:
    panel = predict(checksum)
    choose(panel, sure=True)
    assert (predictions.chosen("checksum"), predictions.sure("checksum")) == (None, True)
    choose(panel, answers="stopped")
    assert (predictions.chosen("checksum"), predictions.sure("checksum")) == ("stopped", True)
    choose(panel, sure=False)
    assert predictions.sure("checksum") is False
    assert predict(checksum)._sure.value is False
    panel.select("fooled")
    assert predictions.sure("checksum") is None
    panel.select("fooled", sure=True)
    assert predictions.sure("checksum") is True


# --- The run


def test_run_it_makes_the_run_and_marks_the_answers() -> None:
    runs: list[int] = []

    def checksum() -> tuple[str, str]:
        runs.append(len(runs))
        return FOOLED

    panel = predict(checksum)
    panel.select("stopped", sure=True)
    press(panel)
    assert runs == [0, 1]
    shown = page(panel)
    wrong, right = QUESTION.answers["stopped"], QUESTION.answers["fooled"]
    assert f"<b>✗</b><span>{wrong} <span class='lab-tag'>your prediction</span>" in shown
    assert f"<b>✓</b><span>{right}</span>" in shown
    assert "You were sure." in shown
    assert 'data-outcome="wrong"' in shown
    assert panel._button.description == "Run it again"
    press(panel)
    assert runs == [0, 1, 2]


def test_it_runs_without_a_choice_and_then_nothing_can_be_predicted() -> None:
    panel = predict(checksum)
    panel.run()
    assert 'data-outcome="seen"' in page(panel)
    assert "✗" not in page(panel)
    with pytest.raises(LabError, match="another answer to 'checksum', after its outcome"):
        panel.select("fooled")
    assert predict(checksum).revealed == panel.revealed


def test_a_click_that_comes_too_late_changes_nothing() -> None:
    panel = predict(checksum)
    panel.select("stopped")
    press(panel)
    before = page(panel)
    choose(panel, answers="fooled", sure=True)
    assert page(panel) == before
    assert (predictions.chosen("checksum"), predictions.sure("checksum")) == ("stopped", None)


def test_after_the_run_the_choice_stays_as_it_was() -> None:
    panel, beside = predict(checksum), predict(checksum)
    panel.select("stopped")
    press(panel)
    assert panel._answers not in parts(panel.box, ipywidgets.RadioButtons)
    choose(beside, answers="fooled")  # another view of it, drawn before
    assert 'data-outcome="error"' in page(beside)
    assert predictions.chosen("checksum") == "stopped"


def test_what_is_printed_is_shown_with_the_outcome() -> None:
    panel = predict(checksum)
    press(panel)
    assert "Received: the cave is empty 30d77460" in page(panel)


def test_what_other_threads_print_is_not_taken(capsys: pytest.CaptureFixture[str]) -> None:
    def checksum() -> tuple[str, str]:
        other = threading.Thread(target=print, args=["from elsewhere"])
        other.start()
        other.join()
        return FOOLED

    panel = predict(checksum)
    assert capsys.readouterr().out == "from elsewhere\n"
    assert "from elsewhere" not in str(panel)


def test_exchanges_are_shown_under_their_titles() -> None:
    panel = predict(substring)
    assert "A & B:\ndevice   connect ✓  received ✓ open sesame\nbackend  connect ✓" in str(panel)
    press(panel)
    shown = page(panel)
    assert shown.index("A &amp; B") < shown.index("open sesame") < shown.index("Strict")


def test_a_result_of_the_function_is_the_value_as_it_is() -> None:
    panel = predict(substring)
    assert list(panel.value) == ["A & B", "Strict"]


# --- Errors


def test_an_error_in_the_cell_is_an_error_of_the_cell() -> None:
    def checksum() -> object:
        return nobody  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(NameError, match="nobody") as caught:
        predict(checksum)
    package = Path(mtls_lab.__file__).parent
    ours = [each for each in caught.traceback if package in Path(each.path).parents]
    assert ours
    assert all(each.frame.f_locals.get("__tracebackhide__") for each in ours)


def test_an_error_in_a_later_run_is_shown_in_short() -> None:
    works: list[bool] = [True]

    def checksum() -> tuple[str, str]:
        if not works:
            raise ConnectionRefusedError(111, "nobody <listens>")
        return FOOLED

    panel = predict(checksum)
    panel.select("fooled")
    works.clear()
    press(panel)
    shown = page(panel)
    assert "ConnectionRefusedError: [Errno 111] nobody &lt;listens&gt;" in shown
    assert "of the cell: raise ConnectionRefusedError" in shown
    assert "Traceback" not in shown
    assert predictions.is_revealed("checksum") is False
    works.append(True)
    press(panel)
    assert 'data-outcome="right"' in page(panel)


def test_what_cannot_be_noted_is_shown_all_the_same(folder: Path) -> None:
    """The lesson goes on, and what was chosen counts in this kernel."""
    panel = predict(checksum)
    with files_of_at_most(1):
        choose(panel, answers="fooled")
        assert "cannot be written (No space left on device)" in page(panel)
        press(panel)
    assert 'data-outcome="right"' in page(panel)
    assert f"Not remembered: {folder / progress.FILE} cannot be" in panel._note.value
    assert panel.revealed is not None
    assert panel.revealed.choice == "fooled"


@pytest.mark.parametrize(("given", "kind"), [(None, "NoneType"), (7, "int")])
def test_other_evidence_is_one_message(given: object, kind: str) -> None:
    def checksum() -> object:
        return given

    with pytest.raises(LabError, match=f"a run for 'checksum' that gives {kind}"):
        predict(checksum)


def test_unknown_names() -> None:
    def nothing() -> None: ...

    for run in (nothing, "nothing"):
        with pytest.raises(UnknownName, match="no prediction 'nothing'"):
            predict(run)
    panel = predict(checksum)
    with pytest.raises(UnknownName, match="no answer to 'checksum' 'perhaps'"):
        panel.select("perhaps")
    with pytest.raises(UnknownName, match="no reason for 'checksum' 'perhaps'"):
        panel.explain("perhaps")


# --- After it: why


def test_the_explanation_is_folded_until_a_reason_is_chosen() -> None:
    panel = predict(checksum)
    panel.select("stopped")
    press(panel)
    folded = f"<details><summary>The explanation</summary><p>{QUESTION.wrong['stopped']}</p>"
    assert folded in page(panel)
    reasons = parts(panel.box, ipywidgets.RadioButtons)[-1]
    for key, sign in (("wrong", "✗"), ("right", "✓")):
        reasons.value = key
        assert predictions.reason("checksum") == key
        assert f"{sign} {QUESTION.why[key].reply}" in page(panel)
        assert "<details>" not in page(panel)
    assert page(panel).index(QUESTION.wrong["stopped"]) < page(panel).index(QUESTION.after)


def test_all_of_it_comes_back_when_the_cell_is_run_again() -> None:
    panel = predict(checksum)
    panel.select("stopped")
    press(panel)
    panel.explain("wrong")
    assert parts(panel.box, ipywidgets.RadioButtons)[-1].value == "wrong"
    again = predict(checksum)
    assert again.revealed == panel.revealed
    for told in ("lab-tag", "30d77460", QUESTION.why["wrong"].reply, QUESTION.after):
        assert told in page(again)
    assert parts(again.box, ipywidgets.RadioButtons)[-1].value == "wrong"


def test_an_outcome_that_the_lesson_does_not_have_asks_for_no_reason() -> None:
    outcomes = [(SENT, SENT), FOOLED]

    def checksum() -> tuple[str, str]:
        return outcomes[0]

    panel = predict(checksum)
    assert str(panel).splitlines()[-1] == f"What happened: {QUESTION.answers['stopped']}"
    press(panel)
    assert parts(panel.box, ipywidgets.RadioButtons) == []
    outcomes.pop(0)
    press(panel)
    assert len(parts(panel.box, ipywidgets.RadioButtons)) == 1


def test_what_is_written_in_the_data_is_marked_up_and_nothing_else() -> None:
    shown = page(reveal("cert_optional", "served"))
    assert "<code>getpeercert()</code>" in shown
    assert "<em>fails closed</em>" in shown


# --- On paper


def test_the_text_is_the_question_the_answers_and_what_happened() -> None:
    answers = [f"  ( ) {text}" for text in QUESTION.answers.values()]
    reasons = [f"  ( ) {each.text}" for each in QUESTION.why.values()]
    assert str(predict(checksum)).splitlines() == [
        QUESTION.question,
        *answers,
        f"What happened: {QUESTION.answers['fooled']}",
        "Received: the cave is empty 30d77460",
        QUESTION.after,
        "Why? Choose the reason:",
        *reasons,
    ]


def test_a_page_without_a_kernel_folds_what_happened() -> None:
    panel = predict(checksum)
    bundle = panel._repr_mimebundle_()
    asked, _, told = bundle["text/html"].partition("<details><summary>What happened</summary>")
    assert all(f"<li>{each}</li>" in asked for each in QUESTION.answers.values())
    for each in (FOOLED[1], QUESTION.after, *(each.text for each in QUESTION.why.values())):
        assert each not in asked
        assert each in told
    panel.select("stopped")
    press(panel)
    panel.explain("wrong")
    again = panel._repr_mimebundle_()
    assert (again["text/html"], again["text/plain"]) == (bundle["text/html"], str(panel))


# --- Notebooks of older versions


def test_an_older_notebook_asks_in_one_cell_and_runs_in_the_next() -> None:
    panel = predict("checksum")
    assert str(panel).splitlines() == [
        QUESTION.question,
        *(f"  ( ) {text}" for text in QUESTION.answers.values()),
    ]
    assert "run the next cell" in page(panel)
    assert parts(panel.box, ipywidgets.Button) == []
    panel.select("stopped")
    told = reveal("checksum", *FOOLED)
    assert 'data-outcome="wrong"' in page(told)
    assert QUESTION.after in page(told)
    assert predictions.is_revealed("checksum")
    assert "<details><summary>What happened" in told._repr_mimebundle_()["text/html"]


def test_run_all_of_an_older_notebook_takes_no_prediction_away() -> None:
    panel = predict("checksum")
    told = reveal("checksum", *FOOLED)
    assert 'data-outcome="seen"' in page(told)
    panel.select("stopped")
    assert predictions.chosen("checksum") == "stopped"


@pytest.mark.parametrize(
    ("given", "kind"), [(["wrap_socket"], "a list"), (None, "None"), (partial(print), "a partial")]
)
def test_a_result_in_place_of_the_function_is_told(given: Any, kind: str) -> None:
    """predict(run()) instead of predict(run)."""
    with pytest.raises(LabError) as caught:
        predict(given)
    assert caught.value.found == f"predict was given {kind}, and not a function with a name"
    assert caught.value.todo == "leave out the brackets behind its name: predict(name)"

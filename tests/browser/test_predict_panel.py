"""A prediction in a real page: asked, run, marked, explained, asked again; by mouse and keyboard.

Nothing of the outcome is on the page before Run it; all of it is there again after a restart of the
kernel; the whole is readable on a telephone.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from mtls_lab.cli.jupyter import BIG
from mtls_lab.learner import predictions, progress
from tests.browser.lab import NARROW, WIDE, JupyterLab, LabPage
from tests.browser.panel import ShownPanel, shown
from tests.browser.together.test_still import FONTS, NO_FONTS

QUESTION = predictions.question("silent_client")
WRONG, RIGHT = QUESTION.answers["secret"], QUESTION.answers["waits"]
#: The cell that asks, and one below it that goes on with the result.
ASKS = """def silent_client():
    print("The second device has", "nothing")
    return TimeoutError()

panel = predict(silent_client)
panel"""
#: What is known is in the file, as in a new kernel.
BEGINS = """from mtls_lab import enter, predict, review
from mtls_lab.learner import predictions

enter(2)
for kept in ("_chosen", "_sure", "_reasons", "_revealed"):
    getattr(predictions, kept).clear()"""
CELLS = (
    BEGINS,
    ASKS,
    "print('It returned', repr(panel.value))",
    "review(2)",
    "print('its cause')",  # covers = [-2, 2, 3]
    "print('its other side')",
    "def no_certificate():\n    return ['wrap_socket']\n\npredict(no_certificate)",
    *(f"print('its consequence {number}')" for number in range(1, 5)),
)
NAMES = list(QUESTION.why)

#: The choices that lie below each other, from top to bottom: where each begins and ends.
LINES = """(box) => [...box.querySelectorAll("input[type=radio]:not(.lab-line *)")].map((input) => {
    const range = document.createRange();
    range.selectNodeContents(input.closest("label"));
    const { top, bottom } = range.getBoundingClientRect();
    return [top, bottom];
})"""
#: What covers an outcome, and how much higher than its place that is.
COVERS = """() => [...document.querySelectorAll(".jp-OutputArea, .jp-MarkdownOutput")]
    .map((area) => [getComputedStyle(area, "::before").content, area])
    .filter(([words]) => words.includes("Hidden"))
    .map(([words, area]) =>
        [words.replace(/" "|"/g, ""), area.scrollHeight - area.clientHeight])"""
ACTIVE = "() => window.jupyterapp.shell.currentWidget.content.activeCellIndex"
TOP = "(part) => part.getBoundingClientRect().top"
FONT = "(part) => parseFloat(getComputedStyle(part).fontSize)"


@pytest.fixture(scope="module")
def opened(page: LabPage, lab: JupyterLab) -> Iterator[ShownPanel]:
    """One kernel for all tests of this file."""
    with shown(page, lab.folder, "predict", *CELLS) as panel:
        yield panel
    (lab.folder / progress.FILE).unlink(missing_ok=True)


@pytest.fixture(scope="module")
def unanswered(opened: ShownPanel, lab: JupyterLab) -> ShownPanel:
    """As `panel`, for the first tests, which change nothing of it."""
    (lab.folder / progress.FILE).unlink(missing_ok=True)
    opened.anew()
    return opened


@pytest.fixture
def panel(opened: ShownPanel, lab: JupyterLab) -> ShownPanel:
    """A learner who has predicted nothing yet."""
    (lab.folder / progress.FILE).unlink(missing_ok=True)
    opened.anew()
    return opened


@pytest.fixture
def again(panel: ShownPanel) -> ShownPanel:
    return ShownPanel(panel.lab, "review", 1)


def focused(panel: ShownPanel) -> Locator:
    return panel.lab.page.locator("*:focus")


def outcome(panel: ShownPanel, word: str) -> None:
    expect(panel.result).to_have_attribute("data-outcome", word)


def answer(panel: ShownPanel, text: str) -> Locator:
    """The line of an answer, once it is marked."""
    return panel.box.locator(".lab-answers li", has_text=text)


def press(panel: ShownPanel) -> None:
    panel.button("Run it").click()
    expect(panel.button("Run it again")).to_be_visible()


def test_the_question_is_the_heading(unanswered: ShownPanel) -> None:
    heading = unanswered.box.get_by_role("heading", name=QUESTION.question)
    assert heading.evaluate(FONT) == pytest.approx(16, abs=0.1)


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("sizes", [NO_FONTS, BIG], ids=["as usual", "big"])
def test_what_hides_an_outcome_says_where_to_ask_and_has_room(
    unanswered: ShownPanel, width: int, sizes: dict[str, str]
) -> None:
    page = unanswered.lab
    page.set_width(width)
    page.page.evaluate(FONTS, sizes)
    covers = page.page.evaluate(COVERS)
    page.page.evaluate(FONTS, NO_FONTS)
    page.set_width(WIDE)
    words = "Hidden until you have run the prediction {}, because it gives the answer away."
    assert covers == [[words.format(where), 0] for where in ("below", "above", "above")]


def test_before_run_it_the_page_says_nothing_of_the_outcome(panel: ShownPanel) -> None:
    text = panel.lab.page.locator(".jp-OutputArea").nth(1).inner_text()
    for told in ("What happened", "has nothing", QUESTION.after[:40], QUESTION.why["right"].text):
        assert told not in text
    expect(panel.lab.page.locator(".jp-OutputArea").nth(2)).to_contain_text("It returned Timeout")
    press(panel)
    outcome(panel, "seen")
    expect(panel.box).to_contain_text("The second device has nothing")


def test_what_gives_the_answer_away_is_out_of_sight(panel: ShownPanel) -> None:
    """Above and below, after Run All too; the code stays in sight, and the output in its place."""
    asked, page = panel.number(2), panel.lab.page
    words = ("cause", "other side", *(f"consequence {number}" for number in range(1, 5)))
    outputs = [page.locator(".jp-OutputArea-output", has_text=f"its {word}") for word in words]
    covered = [True, False, False, True, True, False]
    for output, hidden in zip(outputs, covered, strict=True):
        expect(output).to_be_visible(visible=not hidden)
    expect(page.locator(".jp-InputArea", has_text="its cause")).to_be_visible()
    sizes = [output.bounding_box() for output in outputs[:3]]
    press(asked)
    for output in outputs:
        expect(output).to_be_visible()
    moved = [(now or {}) | {"y": 0} for now in (output.bounding_box() for output in outputs[:3])]
    assert moved == [(size or {}) | {"y": 0} for size in sizes]


def test_shift_enter_after_a_click_leaves_all_as_it_was(panel: ShownPanel) -> None:
    """It runs the cell of the panel, which is the active one then."""
    panel.box.get_by_label(WRONG).check()
    panel.box.get_by_label("Sure", exact=True).check()
    panel.settle()
    assert panel.lab.page.evaluate(ACTIVE) == 1
    for key in ("Shift+Enter", "Shift+Enter"):
        panel.lab.page.keyboard.press(key)
        panel.settle()
    assert panel.lab.page.evaluate(ACTIVE) == 3
    outcome(panel, "secret")
    expect(panel.box.get_by_label(WRONG)).to_be_checked()
    expect(panel.box.get_by_label("Sure", exact=True)).to_be_checked()
    expect(panel.button("Run it")).to_be_visible()
    expect(panel.box).not_to_contain_text("What happened")


def test_a_change_of_the_code_is_what_runs(panel: ShownPanel) -> None:
    """A cell that was edited and run asks nothing again that was seen: it shows what it gives."""
    press(panel)
    editor = panel.lab.page.locator(".jp-CodeCell").nth(1).locator(".cm-content")
    for change, told in (
        (ASKS.replace("TimeoutError()", "b'open sesame\\n'"), WRONG),
        (ASKS, RIGHT),
    ):
        editor.click()
        panel.lab.page.keyboard.press("Control+a")
        panel.lab.page.keyboard.insert_text(change)
        panel.lab.page.keyboard.press("Shift+Enter")
        expect(answer(panel, told)).to_contain_text("✓")
        outcome(panel, "seen")


def test_the_button_stays_where_it_is(panel: ShownPanel) -> None:
    panel.box.get_by_label(WRONG).check()
    panel.box.get_by_label("Sure", exact=True).check()
    heading = panel.box.get_by_role("heading").first
    before = panel.button("Run it").evaluate(TOP) - heading.evaluate(TOP)
    press(panel)
    after = panel.button("Run it again").evaluate(TOP) - heading.evaluate(TOP)
    assert after == pytest.approx(before, abs=8)


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_no_choice_lies_over_another(panel: ShownPanel, width: int) -> None:
    panel.lab.set_width(width)
    places = [panel.number(0).box.evaluate(LINES), panel.number(1).box.evaluate(LINES)]
    press(panel)
    expect(panel.box.locator("input[type=radio]:not(.lab-line *)")).to_have_count(2)  # are drawn
    places.append(panel.box.evaluate(LINES))
    panel.lab.set_width(WIDE)
    assert [len(each) for each in places] == [3, 9, 2]
    for lines in places:
        for (_, bottom), (top, _) in pairwise(lines):
            assert bottom <= top


def test_from_the_question_to_the_reason_by_keyboard_alone(
    panel: ShownPanel, lab: JupyterLab
) -> None:
    first, second, _ = QUESTION.answers
    keyboard = panel.lab.page.keyboard
    panel.box.get_by_label(QUESTION.answers[first]).focus()
    keyboard.press("Space")
    outcome(panel, first)
    keyboard.press("ArrowDown")
    outcome(panel, second)
    keyboard.press("Tab")  # one stop for a group
    keyboard.press("Space")
    keyboard.press("ArrowDown")
    panel.settle()
    assert progress.read(lab.folder).sure == {"silent_client": True}
    keyboard.press("Tab")
    expect(focused(panel)).to_have_text("Run it")
    keyboard.press("Enter")
    outcome(panel, "right")
    expect(focused(panel)).to_have_text("Run it again")
    keyboard.press("Tab")
    keyboard.press("Space")
    expect(panel.box).to_contain_text(QUESTION.why[NAMES[0]].reply)
    keyboard.press("ArrowDown")
    expect(panel.box).to_contain_text(QUESTION.why[NAMES[1]].reply)
    expect(panel.box).to_contain_text(QUESTION.after.replace("`", ""))
    assert progress.read(lab.folder).reasons == {"silent_client": NAMES[1]}


def test_all_of_it_is_there_after_a_restart(panel: ShownPanel) -> None:
    panel.box.get_by_label(WRONG).check()
    panel.box.get_by_label("Sure", exact=True).check()
    panel.settle()
    panel.restart_kernel()
    panel.anew()
    expect(panel.box.get_by_label(WRONG)).to_be_checked()
    expect(panel.box.get_by_label("Sure", exact=True)).to_be_checked()
    press(panel)
    panel.box.get_by_label(QUESTION.why["wrong"].text).check()
    expect(panel.box).to_contain_text(QUESTION.why["wrong"].reply)
    panel.restart_kernel()
    panel.anew()
    outcome(panel, "wrong")
    expect(answer(panel, WRONG)).to_contain_text("your prediction")
    expect(panel.box).to_contain_text("You were sure.")
    expect(panel.box).to_contain_text(QUESTION.wrong["secret"])
    expect(panel.box.get_by_label(QUESTION.why["wrong"].text)).to_be_checked()
    expect(panel.box).to_contain_text(QUESTION.why["wrong"].reply)


def test_a_question_comes_back_by_keyboard_alone(again: ShownPanel, lab: JupyterLab) -> None:
    keyboard = again.lab.page.keyboard
    again.box.get_by_role("radio").nth(1).focus()  # the second answer of the first question
    keyboard.press("Space")
    keyboard.press("Tab")
    expect(focused(again)).to_have_text("Check")
    keyboard.press("Enter")
    outcome(again, "1 of 3")
    expect(again.box).to_contain_text(f"✓ You said: {RIGHT}")
    expect(again.box).to_contain_text(QUESTION.after.replace("`", ""))
    (review,) = progress.read(lab.folder).reviews["silent_client"]
    assert (review.choice, review.truth) == ("waits", "waits")


def test_it_reads_well_everywhere(panel: ShownPanel, again: ShownPanel, pictures: Path) -> None:
    panel.check_everywhere(pictures, "predict-asked")
    panel.box.get_by_label(WRONG).check()
    press(panel)
    panel.box.get_by_label(QUESTION.why["right"].text).check()
    expect(panel.box).to_contain_text(QUESTION.why["right"].reply)
    again.box.get_by_role("radio").first.check()
    again.button("Check").first.click()
    outcome(again, "1 of 3")
    panel.check_everywhere(pictures, "predict")

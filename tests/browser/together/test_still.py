"""What a panel keeps, with all panels in one page: what was opened, its keys, its place, its look.

Not here: what a panel shows (a file for each), fast clicks and a restart (test_every_panel.py).
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from mtls_lab.cli.jupyter import BIG
from mtls_lab.learner import progress
from mtls_lab.panels.base import _style
from tests.browser.lab import DARK, LIGHT, WIDE, JupyterLab, LabPage
from tests.browser.panel import ShownPanel
from tests.browser.together.panels import LOOKS, PANELS, place

#: The panels that the tests of this file change.
USED = ("workbench", "wire", "attack", "credential", "quiz")
#: The cells as JupyterLab's keys would change them, and which of them is the active one.
KINDS = """() => {
    const { content } = window.jupyterapp.shell.currentWidget;
    return [content.activeCellIndex, ...content.widgets.map((cell) => cell.model.type)];
}"""
#: Every box of every panel, with these style sheets at the very end of the page, where they win
#: over equals: those of all panels that were drawn before.
BOXES = """(sheets) => {
    const before = [...document.adoptedStyleSheets];
    document.adoptedStyleSheets = [...before, ...sheets.map((rules) => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(rules);
        return sheet;
    })];
    const boxes = [...document.querySelectorAll(".lab-panel, .lab-panel *")].map((part) => {
        const { x, y, width, height } = part.getBoundingClientRect();
        return [part.className, x, y, width, height].join(" ");
    });
    document.adoptedStyleSheets = before;
    return boxes;
}"""
#: Click, and note every height that the page paints until the kernel has answered.
PAINTED = """async ([box, name]) => {
    const heights = [box.offsetHeight];
    let on = true;
    const look = () => {
        if (box.offsetHeight !== heights.at(-1)) heights.push(box.offsetHeight);
        if (on) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
    [...box.querySelectorAll("button")].find((button) => button.textContent === name).click();
    await labAnswered();
    for (let times = 0; times < 3; times += 1) await new Promise(requestAnimationFrame);
    on = false;
    return heights;
}"""
#: Where the first control begins and the result ends, in a window that the panel's title tops.
SCREEN = """(panel) => {
    const page = panel.closest(".jp-WindowedPanel-outer").getBoundingClientRect();
    panel.scrollIntoView({ block: "start" });
    const parts = [...panel.querySelectorAll("button, select, input")]
        .filter((part) => part.offsetParent);
    const result = panel.querySelector("[data-seq]");
    const verdict = result.firstElementChild ?? result;
    return [
        Math.min(...[...parts, verdict].map((part) => part.getBoundingClientRect().top)) - page.top,
        page.bottom - verdict.getBoundingClientRect().bottom,
    ];
}"""
FONTS = """(sizes) => Object.entries(sizes).forEach(
    ([name, size]) => document.documentElement.style.setProperty(`--jp-${name}`, size))"""
NO_FONTS = dict.fromkeys(BIG, "")
SIZE = "(part) => parseFloat(getComputedStyle(part).fontSize)"
#: The style sheets that panels have brought, how many of them the page reads where they are, and
#: those that it reads for all panels.
SHEETS = """() => {
    const copies = [...document.querySelectorAll(".lab-panel style")];
    return [
        copies.map((style) => style.textContent),
        copies.filter((style) => style.media !== "not all").length,
        document.adoptedStyleSheets.map(({ labRules }) => labRules).filter((rules) => rules)];
}"""


@pytest.fixture
def panel(opened: ShownPanel, lab: JupyterLab) -> Callable[[str], ShownPanel]:
    """A panel by its name, as it is at first; it alone is made anew."""
    (lab.folder / progress.FILE).unlink(missing_ok=True)
    made: dict[str, ShownPanel] = {}

    def show(name: str) -> ShownPanel:
        if name not in made:
            made[name] = panel_at(opened.lab, name)
            made[name].again(place(name) + 1)
            made[name].settle()
        return made[name]

    return show


def is_open(part: Locator) -> bool:
    return bool(part.evaluate("(part) => part.open"))


@pytest.mark.parametrize(
    ("name", "words", "control", "choices"),
    [
        ("workbench", "This certificate, field by field", "Dates:", ("expired", "valid")),
        ("workbench", "As a client", "SAN:", ("another host", "none")),
        ("wire", "→ 1", "", ("Ask the backend", "Ask the backend")),
        ("attack", "Eavesdrop against Plain TCP", "", ("Run all attacks", "Run all attacks")),
    ],
)
def test_what_was_opened_stays_open_and_what_was_closed_closed(
    panel: Callable[[str], ShownPanel],
    name: str,
    words: str,
    control: str,
    choices: tuple[str, str],
) -> None:
    shows = panel(name)
    part = shows.box.locator("details").filter(
        has=shows.lab.page.locator("summary", has_text=words)
    )
    part = part.first
    for wished, choice in zip((True, False), choices, strict=True):
        before = is_open(part)
        if before is not wished:
            part.locator("summary").first.click()
        after = shows.sequence + 1
        if control:
            shows.box.get_by_label(control).select_option(choice)
        else:
            shows.button(choice).click()
        shows.wait_for(after)
        shows.settle()
        assert is_open(part) is wished


def test_the_focus_stays_where_it_was(panel: Callable[[str], ShownPanel]) -> None:
    """In a part of the result, when another one is shown: here by the button's own click."""
    shows = panel("wire")
    summary = shows.box.locator("summary", has_text="→ 1").first
    summary.focus()
    after = shows.sequence + 1
    shows.button("Ask the backend").evaluate("(button) => button.click()")
    shows.wait_for(after)
    shows.settle()
    expect(shows.box.locator("summary", has_text="→ 1").first).to_be_focused()


@pytest.mark.parametrize(
    ("name", "control"),
    [
        ("workbench", "select"),
        ("workbench", "input[type=checkbox]"),
        ("workbench", "summary"),
        ("credential", ".widget-toggle-button"),
        ("quiz", "input[type=radio]"),
        ("attack", "button"),
    ],
)
def test_the_keys_of_a_control_are_not_jupyterlabs(
    panel: Callable[[str], ShownPanel], name: str, control: str
) -> None:
    shows = panel(name)
    page = shows.lab.page
    shows.box.locator(control).first.focus()
    page.keyboard.press("Tab")  # as somebody without a mouse has come here
    page.keyboard.press("Shift+Tab")
    focused = page.evaluate("() => document.activeElement.outerHTML")
    before = page.evaluate(KINDS)
    for key in ("ArrowDown", "ArrowUp", "a", "b", "m", "d", "d", "x"):
        page.keyboard.press(key)
        assert page.evaluate(KINDS) == before, key
    inside = "() => document.activeElement.closest('.lab-panel') !== null"
    assert page.evaluate(inside), focused
    outline = page.evaluate("() => getComputedStyle(document.activeElement).outline")
    assert "solid 2px" in outline
    shows.settle()
    page.keyboard.press("Escape")  # from here on they are JupyterLab's again
    assert not page.evaluate(inside)
    page.keyboard.press("ArrowDown")
    assert page.evaluate(KINDS)[0] == before[0] + 1


def test_arrows_move_inside_a_group(panel: Callable[[str], ShownPanel]) -> None:
    """Radio buttons are one stop of the Tab key, and are chosen by moving; a list too."""
    keyboard = panel("quiz").lab.page.keyboard
    quiz = panel("quiz").box
    first, second = quiz.get_by_role("radio").nth(0), quiz.get_by_role("radio").nth(1)
    first.focus()
    keyboard.press("Space")
    keyboard.press("ArrowDown")
    expect(second).to_be_focused()
    expect(second).to_be_checked()
    keyboard.press("Tab")
    expect(quiz.get_by_role("radiogroup").locator(":focus")).to_have_count(0)

    credential = panel("credential")
    credential.button("Valid").focus()
    keyboard.press("ArrowRight")
    expect(credential.button("None")).to_be_focused()
    assert credential.sequence == 1
    pressed = credential.box.locator("[aria-pressed=true]")
    expect(pressed).to_have_text(["Valid", "TLS 1.3"])
    keyboard.press("Space")
    assert credential.wait_for(2) == "refused"
    expect(pressed).to_have_text(["None", "TLS 1.3"])

    dates = panel("workbench").box.get_by_label("Dates:")
    dates.focus()
    keyboard.press("ArrowDown")
    expect(dates).to_have_value("expired")


def test_shift_enter_still_runs_the_cell(panel: Callable[[str], ShownPanel]) -> None:
    shows = panel("attack")
    shows.button("Run all attacks").click()
    assert shows.wait_for(2) == "succeeds"
    shows.lab.page.keyboard.press("Shift+Enter")
    assert shows.wait_for(1) == "succeeds"


def test_no_style_of_a_panel_changes_another(opened: ShownPanel) -> None:
    """Every style sheet once more, in either order, at the end of the page: no box moves.

    Nor does the theme's, which may be behind the panels' where nothing shares these (live.js).
    """
    opened.settle()
    sheets = [_style(look) for look in LOOKS]
    theme = opened.lab.theme_sheet()
    assert ".jp-ThemedContainer code" in theme
    evaluate = opened.lab.page.evaluate
    orders: tuple[list[str], ...] = ([], [*sheets, theme], [theme, *sheets], [theme, *sheets[::-1]])
    boxes = [evaluate(BOXES, each) for each in orders]
    assert boxes[1] == boxes[0]
    assert boxes[2] == boxes[0]
    assert boxes[3] == boxes[0]
    assert len(boxes[0]) > 1000


def test_each_style_sheet_is_read_once(opened: ShownPanel) -> None:
    """All panels are there, and each has brought its own copies."""
    copies, left, read = opened.lab.page.evaluate(SHEETS)
    assert left == 0
    assert sorted(read) == sorted(set(copies))
    assert len(copies) > 2 * len(read)


def test_one_click_is_painted_once_and_the_place_is_kept(
    panel: Callable[[str], ShownPanel],
) -> None:
    """Verdict and ladder come together, and a shorter result moves nothing up."""
    shows = panel("credential")
    box = shows.box.element_handle()
    choices = ("None", "Untrusted", "TLS 1.2", "Valid", "TLS 1.3")
    first = [shows.lab.page.evaluate(PAINTED, [box, name]) for name in choices]
    assert [len(heights) for heights in first if len(heights) > 2] == []
    again = [shows.lab.page.evaluate(PAINTED, [box, name]) for name in choices]
    assert [max(heights) - min(heights) for heights in again] == [0] * len(choices)


def test_all_rows_of_the_attacks_are_there_from_the_start(
    panel: Callable[[str], ShownPanel],
) -> None:
    shows = panel("attack")
    heights = shows.lab.page.evaluate(PAINTED, [shows.box.element_handle(), "Run all attacks"])
    assert max(heights) - min(heights) <= 2


def test_letters_follow_jupyterlabs_and_fit_a_projector(
    opened: ShownPanel, panel: Callable[[str], ShownPanel]
) -> None:
    """At 1280 × 720, with the letters of `start --big`: the switches and the verdict, at once."""
    for name in USED:
        panel(name)  # none of them keeps room for what other tests have shown
    page = opened.lab
    unit = panel("wire").box.locator(".lab-unit").first
    unit.locator("summary").click()
    parts = {
        "title": panel("wire").box.locator("h4"),
        "ladder": panel("credential").box.locator(".lab-ladder summary").first,
        "dump": unit.locator("code").first,
        "button": panel("wire").button("Ask the backend"),
    }
    small = {name: part.evaluate(SIZE) for name, part in parts.items()}
    page.set_width(WIDE, 720)
    page.page.evaluate(FONTS, BIG)
    try:
        large = {name: part.evaluate(SIZE) for name, part in parts.items()}
        assert {n for n, size in large.items() if size < 1.4 * small[n]} == set()
        for name in PANELS:
            if name in {"review", "certificate"}:  # long lists, without a switch above a verdict
                continue
            top, bottom = panel_at(page, name).box.evaluate(SCREEN)
            assert top >= 0, name
            assert bottom >= 0, name
    finally:
        page.page.evaluate(FONTS, NO_FONTS)
        page.set_width(WIDE)
        unit.locator("summary").click()


def panel_at(page: LabPage, name: str) -> ShownPanel:
    return ShownPanel(page, name, place(name))


def test_a_list_has_its_arrow_in_the_dark(opened: ShownPanel) -> None:
    select = opened.lab.page.locator(".lab-panel select").first
    image = "(select) => getComputedStyle(select).backgroundImage"
    opened.lab.set_theme(LIGHT)
    light = select.evaluate(image)
    opened.lab.set_theme(DARK)
    dark = select.evaluate(image)
    opened.lab.set_theme(LIGHT)
    assert "%23ddd" in dark
    assert "%23ddd" not in light

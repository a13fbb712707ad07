"""How the panels look, all in one page: their controls are apart, their edges in line, their
tables have lines, and neither a date nor a count is broken.

Not here: what a panel keeps (test_still.py), and how high it is (test_room.py).
"""

from collections.abc import Iterator

import pytest

from tests.browser.lab import NARROW, WIDE
from tests.browser.panel import ShownPanel
from tests.browser.together.panels import CELLS

#: Two controls of a panel that are nearer to each other than this many pixels; their own names, if
#: they have any, are part of them.
TOUCHING = """(least) => [...document.querySelectorAll(".lab-panel")].flatMap((panel) => {
    const controls = [...panel.querySelectorAll(
        "button:not(.lab-gap), select, .widget-checkbox label, .widget-radio-box label")]
        .filter((part) => part.offsetParent && part.checkVisibility({ visibilityProperty: true }))
        .filter((part) => !part.closest(".lab-slot, .lab-heap, .lab-order"));
    const found = [];
    controls.forEach((one, at) => controls.slice(at + 1).forEach((other) => {
        const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
        const across = Math.max(a.left - b.right, b.left - a.right);
        const down = Math.max(a.top - b.bottom, b.top - a.bottom);
        const apart = Math.max(across, down);
        if (apart < least) found.push(`${apart}: ${one.textContent} | ${other.textContent}`);
    }));
    return found;
})"""
#: By how many pixels the title, the rows of controls and the result of a panel begin elsewhere
#: than its other parts.
ASKEW = """() => [...document.querySelectorAll(".lab-panel")].map((panel) => {
    const lefts = [...panel.querySelectorAll(
        ":scope > * h4, :scope > .lab-row > :first-child, :scope > .lab-body [data-seq]")]
        .filter((part) => part.offsetParent)
        .map((part) => part.getBoundingClientRect().left);
    return Math.max(...lefts) - Math.min(...lefts);
})"""
#: Dates and times of day that are not on one line.
BROKEN_TIMES = r"""() => {
    const found = [];
    const range = document.createRange();
    const texts = document.createTreeWalker(document.querySelector(".jp-Notebook"), 4);
    while (texts.nextNode()) {
        const { data, parentElement } = texts.currentNode;
        if (!parentElement.closest(".lab-panel")) continue;
        const times = /\b(\d{4}-\d\d-\d\d )?\d\d:\d\d(:\d\d)?( UTC)?/g;
        for (const { index, 0: time } of data.matchAll(times)) {
            range.setStart(texts.currentNode, index);
            range.setEnd(texts.currentNode, index + time.length);
            const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
            if (lines.size > 1) found.push(data);
        }
    }
    return found;
}"""

#: The counts in lines of dots: what they count, and on how many lines of the page they are.
COUNTS = r"""() => {
    const found = [];
    const range = document.createRange();
    for (const dots of document.querySelectorAll("[data-testid=dots]")) {
        const texts = document.createTreeWalker(dots, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
            const counted = texts.currentNode.data.match(/^\s*(.*?)\s*\d+ of \d+\s*$/);
            range.selectNodeContents(texts.currentNode);
            const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
            if (counted) found.push([counted[1], lines.size]);
        }
    }
    return found;
}"""

#: The cells of the fleet's comparison that lack a line on one side.
HALF_DRAWN = """() => [...document.querySelectorAll(".lab-tried :is(th, td)")]
    .filter((cell) => getComputedStyle(cell).borderWidth !== "1px")
    .map((cell) => cell.textContent)"""

#: The buttons beside a list that do not end where it ends.
UNLEVEL = """() => [...document.querySelectorAll(".lab-row > .lab-stacked ~ button")]
    .map((button) => [button, button.parentElement.querySelector(".lab-stacked > select")])
    .map((pair) => pair.map((part) => part.getBoundingClientRect().bottom))
    .map(([button, list]) => Math.abs(button - list))"""

#: With the system's own colours: the buttons that nothing surrounds, and how each group of them
#: marks what is chosen.
UNMARKED = """() => {
    const style = (button) => getComputedStyle(button);
    const bare = [...document.querySelectorAll(".lab-panel .jupyter-button")]
        .filter((button) => button.checkVisibility() && style(button).borderStyle !== "solid")
        .map((button) => button.textContent);
    const same = [...document.querySelectorAll(".lab-panel .mod-active")]
        .filter((button) => button.checkVisibility() && button.parentElement.children.length > 1)
        .filter((button) => style(button).backgroundColor === style(
            button.parentElement.querySelector(".jupyter-button:not(.mod-active)")
        ).backgroundColor)
        .map((button) => button.textContent);
    return [bare, same];
}"""


def test_every_cell_of_the_comparison_has_all_its_lines(opened: ShownPanel) -> None:
    assert opened.lab.page.locator(".lab-tried td").count() > 3
    assert opened.lab.page.evaluate(HALF_DRAWN) == []


def test_a_button_is_level_with_the_list_beside_it(opened: ShownPanel) -> None:
    found = opened.lab.page.evaluate(UNLEVEL)
    assert found
    assert max(found) <= 1


def test_buttons_are_seen_with_the_colours_of_the_system(opened: ShownPanel) -> None:
    page = opened.lab.page
    assert page.locator(".lab-panel .jupyter-button.mod-active").count() > 3
    page.emulate_media(forced_colors="active")
    try:
        assert page.evaluate(UNMARKED) == [[], []]
    finally:
        page.emulate_media(forced_colors="none")


@pytest.fixture(scope="module", params=[WIDE, NARROW])
def width(opened: ShownPanel, request: pytest.FixtureRequest) -> Iterator[int]:
    opened.lab.set_width(request.param)
    yield request.param
    opened.lab.set_width(WIDE)


@pytest.mark.usefixtures("width")
def test_no_control_touches_another(opened: ShownPanel) -> None:
    assert opened.lab.page.evaluate(TOUCHING, 4) == []


@pytest.mark.usefixtures("width")
def test_the_parts_of_a_panel_begin_in_one_line(opened: ShownPanel) -> None:
    askew = opened.lab.page.evaluate(ASKEW)
    by_name = dict(zip(CELLS, askew, strict=True))
    assert {name: by for name, by in by_name.items() if by > 1} == {}


@pytest.mark.usefixtures("width")
def test_no_date_and_no_time_is_broken(opened: ShownPanel) -> None:
    assert opened.lab.page.evaluate(BROKEN_TIMES) == []


@pytest.mark.usefixtures("width")
def test_a_count_stands_beside_what_it_counts(opened: ShownPanel) -> None:
    found = opened.lab.page.evaluate(COUNTS)
    assert found
    assert [words for words, lines in found if not words or lines > 1] == []

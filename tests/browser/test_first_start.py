"""The page that a new learner sees: the outline, a text that the eye can follow, words for letters.

Not here: the notebooks from top to bottom (test_notebooks.py).
"""

from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from mtls_lab.cli import jupyter
from tests.browser.lab import NARROW, JupyterLab

LESSON = "2_tls.ipynb"
#: How many characters each line of each paragraph has, as it is drawn; the last line of each is
#: left out, and what is not drawn now.
PARAGRAPHS = ".jp-Notebook .jp-RenderedMarkdown > p"
LINES = """(paragraphs) => [...document.querySelectorAll(paragraphs)].flatMap((p) => {
    const range = document.createRange(), lines = [];
    const walker = document.createTreeWalker(p, NodeFilter.SHOW_TEXT);
    let top = null, count = 0;
    while (walker.nextNode()) {
        for (let at = 0; at < walker.currentNode.length; at++) {
            range.setStart(walker.currentNode, at);
            range.setEnd(walker.currentNode, at + 1);
            const { bottom, width } = range.getBoundingClientRect();
            if (!width) continue;
            if (top !== null && bottom > top + 8) { lines.push(count); count = 0; }
            top = bottom;
            count += 1;
        }
    }
    return lines;
})"""
BEHIND = """(element) => getComputedStyle(element, "::after").content"""


@pytest.fixture(scope="module")
def started(lab: JupyterLab, browser: BrowserContext) -> Iterator[Page]:
    """JupyterLab at the address that `mtls-lab start` opens, in a workspace as it makes it."""
    jupyter.open_outline(lab.folder)
    with closing(browser.new_page()) as page:
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(f"{lab.url}/lab/tree/{LESSON}?{urlencode({'token': lab.token})}")
        yield page


def test_the_outline_is_open(started: Page) -> None:
    outline = started.locator("#table-of-contents")
    expect(outline).to_be_visible()
    expect(outline.get_by_text("1. A certificate authority")).to_be_visible()


def test_on_a_telephone_the_notebook_has_the_page(lab: JupyterLab, browser: BrowserContext) -> None:
    """The outline would leave nothing of it; the button at the edge still opens it."""
    for kept in (lab.folder / jupyter.WORKSPACES).iterdir():  # the other page may save its own
        kept.unlink()
    jupyter.open_outline(lab.folder)
    page = browser.new_page()
    page.set_viewport_size({"width": NARROW, "height": 740})
    page.goto(f"{lab.url}/lab/tree/{LESSON}?{urlencode({'token': lab.token})}")
    heading = page.locator(".jp-NotebookPanel h1")
    expect(heading).to_be_in_viewport()
    outline = page.locator("#table-of-contents")
    expect(outline).to_be_hidden()
    box = page.locator(".jp-NotebookPanel").bounding_box()
    assert box
    assert box["width"] > 0.75 * NARROW
    page.get_by_role("tab", name="Table of Contents").click()
    expect(outline).to_be_visible()
    page.close()


def test_a_line_of_text_has_some_75_characters(started: Page) -> None:
    started.wait_for_selector(PARAGRAPHS)
    lines = started.evaluate(LINES, PARAGRAPHS)
    assert len(lines) >= 10
    assert 60 <= sorted(lines)[len(lines) // 2] <= 80
    assert max(lines) <= 95  # of narrow letters


def test_an_abbreviation_is_in_words_where_nothing_can_point(started: Page) -> None:
    first = started.locator("abbr").first
    expect(first).to_have_text("TLS")
    expect(first).to_have_attribute("title", "Transport Layer Security")
    assert first.evaluate(BEHIND) == "none"
    devtools = started.context.new_cdp_session(started)
    touch = {"enabled": True, "maxTouchPoints": 1}
    devtools.send("Emulation.setTouchEmulationEnabled", touch)
    assert first.evaluate(BEHIND) == '" (Transport Layer Security)"'
    devtools.detach()

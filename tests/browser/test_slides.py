"""The decks as a teacher opens them: from a file, with nothing but the arrow keys, on paper too."""

import base64
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.authoring import handout, slides
from tests.browser.lab import WITH_PICTURES

#: A projector.
SIZE = {"width": 1280, "height": 720}
READY = "() => window.Reveal?.isReady()"
# What sticks out of a slide, unless the slide scrolls and can be reached with the keyboard.
TOO_LARGE = """() => {
    const slide = Reveal.getCurrentSlide();
    const box = slide.getBoundingClientRect();
    const seen = slide.tabIndex === 0 ? [] : [slide, ...slide.querySelectorAll("*")]
        .filter((each) => !each.closest("aside, details:not([open]) > :not(summary)"))
        .filter((each) => each.getBoundingClientRect().width)
        .filter((each) => {
            const { left, right, bottom } = each.getBoundingClientRect();
            return left < box.left - 1 || right > box.right + 1 || bottom > box.bottom + 1;
        });
    const wide = [slide, ...slide.querySelectorAll("pre")]
        .filter((each) => each.scrollWidth > each.clientWidth);
    return [...seen, ...wide].map((each) => each.outerHTML.slice(0, 200));
}"""
LETTERS = """() => Math.min(...[...Reveal.getCurrentSlide().querySelectorAll("p, li, td, pre")]
    .filter((each) => !each.closest("aside"))
    .map((each) => parseFloat(getComputedStyle(each).fontSize)))"""


@dataclass
class Deck:
    """One deck, open in the browser.

    Attributes:
        page: playwright's page.
        file: the deck.
        asked: every address that the page asked for, but its own file's.
        complaints: errors in its console.
    """

    page: Page
    file: Path
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_viewport_size({"width": SIZE["width"], "height": SIZE["height"]})
        self.page.on("request", lambda request: self._on_request(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self.complaints.append(message.text))

    def _on_request(self, url: str) -> None:
        if not url.startswith((self.file.as_uri(), "data:")):
            self.asked.append(url)

    def open(self, query: str = "") -> None:
        """Show the first slide."""
        self.page.goto(f"{self.file.as_uri()}{query}")
        self.page.wait_for_function(READY)

    def begin(self) -> None:
        """Go back to the first slide."""
        self.page.evaluate("() => Reveal.slide(0)")

    def count(self) -> int:
        total: int = self.page.evaluate("() => Reveal.getTotalSlides()")
        return total

    def walk(self) -> Iterator[int]:
        """Go to the end with the arrow key; each slide in turn, when all of it is shown."""
        for number in range(1, self.count() + 1):
            while self.page.evaluate("() => Reveal.availableFragments().next"):
                self.page.keyboard.press("ArrowRight")
            yield number
            self.page.keyboard.press("ArrowRight")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The decks, as `make slides` writes them."""
    folder = tmp_path_factory.mktemp("slides")
    slides.main(folder)
    return folder


@pytest.fixture(scope="module", params=[path.stem for path in slides.LESSONS])
def deck(request: pytest.FixtureRequest, folder: Path, browser: BrowserContext) -> Iterator[Deck]:
    """Each deck in turn, opened once, which takes a second; for the first test as it opens."""
    with closing(browser.new_page()) as page:
        deck = Deck(page, folder / f"{request.param}.html")
        deck.open()
        yield deck


def test_the_arrow_key_shows_every_slide_in_full(deck: Deck, pictures: Path) -> None:
    devtools = deck.page.context.new_cdp_session(deck.page)
    pictures.mkdir(parents=True, exist_ok=True)
    for number in deck.walk():
        assert deck.page.evaluate("() => Reveal.getSlidePastCount()") == number - 1
        assert deck.page.evaluate(TOO_LARGE) == [], f"slide {number}"
        assert deck.page.evaluate(LETTERS) >= 13, f"slide {number} is too full to be read"
        if WITH_PICTURES:
            picture = pictures / f"slides-{deck.file.stem}-{number:02}.png"
            taken = devtools.send("Page.captureScreenshot", {"optimizeForSpeed": True})
            picture.write_bytes(base64.b64decode(taken["data"]))
    assert deck.page.evaluate("() => Reveal.isLastSlide()")
    assert (deck.asked, deck.complaints) == ([], [])


def test_the_answers_of_the_exercises_open_and_scroll(deck: Deck) -> None:
    deck.page.evaluate("() => Reveal.slide(Reveal.getTotalSlides())")
    assert deck.page.evaluate("() => Reveal.isLastSlide()")
    slide = deck.page.locator("section.present section.present")
    slide.locator("summary").click()
    last = slide.locator("details li").last
    last.scroll_into_view_if_needed()
    expect(last).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("deck", [slides.LESSONS[0].stem], indirect=True)
def test_the_notes_are_shown_to_the_teacher(deck: Deck) -> None:
    """In one deck, for all have the same window; that each has its notes is seen in its file."""
    notes = "section.present section.present aside.notes"
    deck.begin()
    for _ in deck.walk():
        if deck.page.locator(notes).count():
            break
    with deck.page.context.expect_page() as opened:
        deck.page.keyboard.press("s")
    teacher = Deck(opened.value, deck.file)
    expect(teacher.page.locator(".speaker-controls-notes .value p").first).to_have_text(
        deck.page.locator(f"{notes} p").first.text_content() or "nothing"
    )
    assert (teacher.asked, deck.asked, deck.complaints) == ([], [], [])
    teacher.page.close()


def test_each_slide_is_a_page_on_paper(deck: Deck) -> None:
    count = deck.count()
    deck.open("?print-pdf")
    pages = deck.page.locator(".pdf-page")
    expect(pages).to_have_count(count)
    cut_off = pages.evaluate_all(
        """(pages) => pages
            .filter((page) => page.scrollHeight > page.clientHeight + 1)
            .map((page) => page.innerText.slice(0, 300))"""
    )
    assert cut_off == []


def test_the_handout_is_one_sheet(tmp_path: Path, browser: BrowserContext) -> None:
    """What was seen in front, what to do on the back."""
    handout.main(tmp_path)
    with closing(browser.new_page()) as page:
        page.goto((tmp_path / "handout.html").as_uri())
        paper = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type ?/Page\b", paper)) == 2

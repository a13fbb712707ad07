"""The decks of the lesson notebooks: what is on which slide, and that they need no network.

Here: the tags and the files. Not here: what a browser makes of them (tests/browser/test_slides.py).
"""

import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mtls_lab.learner.predictions import questions
from tests.authoring import canonical, slides

TAGS = {"slide", "subslide", "fragment", "notes", "skip", "-"}
#: What a page may load by itself; a link that a person clicks is none of it.
LOADING = {"src", "srcset", "data", "poster", "background"}


@pytest.fixture(scope="module", params=slides.LESSONS, ids=lambda path: path.stem)
def lesson(request: pytest.FixtureRequest) -> NotebookNode:
    """Each lesson notebook in turn."""
    return canonical.read(request.param)


@pytest.fixture(scope="module")
def page(lesson: NotebookNode) -> str:
    """Its deck."""
    return slides.deck(lesson)


class Loaded(HTMLParser):
    """What a page asks for when it is opened, and its title.

    Attributes:
        found: the attributes that would load something.
        title: the text of its <title>.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.title = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        loading = LOADING | ({"href"} if tag == "link" else set())
        self.found += [f"{tag} {name}={value}" for name, value in attrs if name in loading]

    def handle_data(self, data: str) -> None:
        if self.lasttag == "title" and not self.title:
            self.title = data


def sheets(notebook: NotebookNode) -> list[list[NotebookNode]]:
    """The cells of each slide, in the order in which they are shown."""
    found: list[list[NotebookNode]] = []
    for cell in slides.cut(notebook).cells:
        if slides.slide_type(cell) in {"slide", "subslide"}:
            found.append([])
        if slides.slide_type(cell) not in {"skip", "notes"}:
            found[-1].append(cell)
    return found


def places(notebook: NotebookNode, piece: str) -> dict[str, int]:
    """The slide on which each prediction is "asked", or "run"."""
    return {
        name: number
        for number, cells in enumerate(sheets(notebook))
        for cell in cells
        if cell.metadata.get("prediction") == piece
        for name in slides.PREDICT.findall(cell.source)
    }


def test_every_part_of_the_course_has_a_deck() -> None:
    assert [path.stem for path in slides.LESSONS] == [
        *("1_plain_tcp", "2_tls", "3_mutual_tls", "4_key_in_a_tpm", "4b_device_life"),
        "4d_attestation",
    ]


def test_somebody_has_thought_about_every_cell(lesson: NotebookNode) -> None:
    assert [cell.source for cell in lesson.cells if slides.slide_type(cell) not in TAGS] == []


def test_there_are_slides_for_one_sitting(lesson: NotebookNode) -> None:
    assert 10 <= len(sheets(lesson)) <= 25


def test_a_question_stands_on_an_earlier_slide_than_its_answer(lesson: NotebookNode) -> None:
    asked, run = places(lesson, "asked"), places(lesson, "run")
    assert len(asked) >= 4
    assert asked.keys() == run.keys()
    assert [name for name in asked if asked[name] >= run[name]] == []


def test_a_question_is_shown_with_its_answers(lesson: NotebookNode, page: str) -> None:
    assert page.count('<ol type="A">') == len(places(lesson, "asked"))
    assert page.count('class="happened"') == len(places(lesson, "run"))
    for name in places(lesson, "run"):
        said = html.escape(questions()[name].after, quote=False)
        assert page.count(f'<aside class="notes"><p>{said}</p></aside>') == 1
    assert "Run this cell" not in page
    assert "( )" not in re.sub(r"(?s)<script.*?</script>", "", page)


def test_the_deck_has_the_name_of_the_notebook(lesson: NotebookNode, page: str) -> None:
    assert f"# {Loaded(page).title}" == lesson.cells[0].source.splitlines()[0]


def test_the_deck_loads_nothing(page: str) -> None:
    assert Loaded(page).found == []
    styles = "".join(re.findall(r"(?s)<style>(.*?)</style>", page))
    assert "--fit" in styles
    assert re.findall(r"@import|url\((?!data:)[^)]*\)", styles) == []


def test_the_deck_says_whose_reveal_is(page: str) -> None:
    assert re.search(r"reveal\.js [\d.]+\s.*\s.*MIT licensed", page)


def test_one_file_is_written_for_each_part(tmp_path: Path) -> None:
    slides.main(tmp_path / "slides")
    written = sorted(path.name for path in (tmp_path / "slides").iterdir())
    assert written == [f"{path.stem}.html" for path in slides.LESSONS]


@pytest.mark.parametrize("tag", sorted(TAGS))
def test_a_heading_inside_a_cell_begins_a_slide(tag: str) -> None:
    text = "Back to the cell above.\n\n## 2. Next\n\nAhead.\n\n**A question?**\n\nWell."
    cell = new_markdown_cell(text, metadata={"slideshow": {"slide_type": tag}})
    pieces = slides.pieces(cell)
    assert "".join(piece.source for piece in pieces) == text
    assert [slides.slide_type(piece) for piece in pieces] == [tag, "slide", "subslide"]


def test_the_notes_come_before_what_appears_later() -> None:
    tags = ["slide", "-", "fragment", "notes", "-", "notes", "subslide", "fragment", "notes"]
    cells = [
        new_markdown_cell(f"{number}", metadata={"slideshow": {"slide_type": tag}})
        for number, tag in enumerate(tags)
    ]
    cut = slides.cut(new_notebook(cells=cells))
    assert [int(cell.source) for cell in cut.cells] == [0, 3, 5, 1, 2, 4, 6, 8, 7]


def test_a_slide_without_a_heading_says_where_it_belongs() -> None:
    cells = [
        new_markdown_cell(text, metadata={"slideshow": {"slide_type": tag}})
        for text, tag in (("# Part", "slide"), ("## 1. First", "slide"), ("More.", "subslide"))
    ]
    cut = slides.cut(new_notebook(cells=cells))
    assert [cell.metadata.slideshow.get("data") for cell in cut.cells] == [
        *(None, None),
        {"section": "1. First"},
    ]


def test_what_was_printed_is_shown_as_it_was() -> None:
    cell = new_code_cell("print(x)", outputs=[new_output("stream", text="a <b> ✓\n\nc  ✗\n")])
    assert slides.shown(cell) == (
        '<pre class="output"><span>a &lt;b&gt; <b class="yes">✓</b></span>'
        '<span> </span><span>c  <b class="no">✗</b></span></pre>'
    )


def test_a_link_to_a_part_is_a_link_to_its_deck() -> None:
    text = "# Part\n\n[next](2_tls.ipynb), [RFC](https://example.org/rfc8446)"
    cell = new_markdown_cell(text, metadata={"slideshow": {"slide_type": "slide"}})
    shown, _, _ = slides.deck(new_notebook(cells=[cell])).partition("<script>")
    links = re.findall(r'<a href="([^"]+)"', shown)
    assert links == ["2_tls.html", "https://example.org/rfc8446"]


def test_a_slide_is_below_the_heading_of_its_own_section(lesson: NotebookNode) -> None:
    """Also where the sections between are left out: nothing is shown below another's heading."""
    heading, own = "", {}
    for cell in lesson.cells:
        if cell.cell_type == "code":
            own[cell.source] = heading
        else:
            heading = (re.findall(r"(?m)^## (.+)$", cell.source) or [heading])[-1]
    for cell in slides.cut(lesson).cells:
        if cell.cell_type == "markdown" and slides.slide_type(cell) == "slide":
            heading = cell.source.partition("\n")[0].removeprefix("## ")
        elif cell.cell_type == "code" and slides.slide_type(cell) != "skip":
            assert heading == own[cell.source]

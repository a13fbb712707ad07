"""`make slides`: a deck for a teacher from each lesson, in one file that needs no network.

Here: from the tagged cells of a notebook to slides, and everything that they need into one file.
Not here: which cell is shown, and how; that is the notebook's own `slideshow` metadata, to be
changed in JupyterLab under Property Inspector, Slide Type. How the deck looks is in deck/.

The tag of a cell is about the beginning of it. A heading further in begins a slide of its own:
the lessons' text looks back on the cell before, and then forward, with a heading in between. A
section of which some code is shown has its heading, whatever its tag; one whose code is all left
out has none if the cell is left out too.
"""

import html
import re
import sys
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

from nbconvert.exporters import SlidesExporter
from nbformat import NotebookNode, from_dict

from mtls_lab.learner.predictions import question as prediction
from tests.authoring.canonical import ALONE, ROOT, WIDGET, read

#: A number and nothing behind it: the parts that everybody goes through.
PARTS = [path for path in ALONE if path.stem[1] == "_"]
#: And the two lessons that belong to the last of them.
LESSONS = [path for path in ALONE if path in PARTS or path.stem[:2] in {"4b", "4d"}]
FOLDER = ROOT / "slides"

DECK = Path(__file__).with_name("deck")
REVEAL = "sphinx_revealjs/_static/revealjs"

#: A cell that asks the room a question, and then runs; and where its text says what happened.
PREDICT = re.compile(r"^(?:\w+ = )?predict\((\w+)\)", re.MULTILINE)
HAPPENED = "\nWhat happened: "
ANSWER = re.compile(r"^  \( \) (.+)$", re.MULTILINE)
#: A heading of a section, or a line in bold, which is a smaller one.
HEADING = re.compile(r"^(?=## |\*\*[^*\n]+\*\*$)", re.MULTILINE)


def reveal_file(name: str) -> str:
    """One file of reveal.js, as text that can stand in a page's <script> or <style>."""
    path = Path(str(distribution("sphinx-revealjs").locate_file(REVEAL))) / name
    return path.read_text(encoding="utf-8")


def slide_type(cell: NotebookNode) -> str:
    """The cell's tag, or nothing where nobody has thought about it."""
    return str(cell.metadata.get("slideshow", {}).get("slide_type", ""))


def pieces(cell: NotebookNode) -> list[NotebookNode]:
    """The cell, cut in front of each heading; what a heading begins is a slide.

    Of a prediction, the question is a slide before that of the run.
    """
    if cell.cell_type != "markdown":
        return asked_first(cell) if PREDICT.search(cell.source) else [cell]
    found = []
    for number, text in enumerate(filter(None, HEADING.split(cell.source))):
        begun = "slide" if text.startswith("## ") else "subslide"
        tag = begun if number else slide_type(cell)
        found.append(piece_of(cell, str(number), text, tag))
    return found


def asked_first(cell: NotebookNode) -> list[NotebookNode]:
    """A prediction as two pieces: what is asked, and the run with what happened."""
    tags = (slide_type(cell), "skip" if slide_type(cell) == "skip" else "subslide")
    return [
        from_dict(
            {
                **cell,
                "id": f"{cell.id}-{piece}",
                "metadata": {"slideshow": {"slide_type": tag}, "prediction": piece},
            }
        )
        for piece, tag in zip(("asked", "run"), tags, strict=True)
    ]


def cut(notebook: NotebookNode) -> NotebookNode:
    """The notebook with each piece as a cell; a slide without a heading is told its section."""
    whole_cells = [piece for cell in notebook.cells for piece in pieces(cell)]
    cells = notes_early([*headed(whole_cells)])
    section = title(notebook)
    for cell in cells:
        heading = re.match(r"#+ (.+)", cell.source) if cell.cell_type == "markdown" else None
        if heading and slide_type(cell) == "slide":
            section = heading[1]
        elif slide_type(cell) == "subslide":
            cell.metadata.slideshow["data"] = {"section": section}
    whole: NotebookNode = from_dict({**notebook, "cells": cells})
    return whole


def headed(cells: list[NotebookNode]) -> Iterator[NotebookNode]:
    """The cells, with the headings of the sections that are shown, and of no others."""
    begins = [number for number, cell in enumerate(cells) if is_heading(cell)]
    ends = dict(zip(begins, [*begins[1:], len(cells)], strict=False))
    for number, cell in enumerate(cells):
        section = cells[number : ends.get(number, number)]
        code = [slide_type(each) for each in section if each.cell_type == "code"]
        if set(code) - {"skip"} and slide_type(cell) != "slide":
            heading, _, rest = cell.source.partition("\n")
            yield piece_of(cell, "heading", heading, "slide")
            yield piece_of(cell, "rest", rest.lstrip("\n"), slide_type(cell))
        elif set(code) == {"skip"} and cell.metadata.tag == "skip":
            yield piece_of(cell, "left-out", cell.source, "skip")
        else:
            yield cell


def is_heading(cell: NotebookNode) -> bool:
    return cell.cell_type == "markdown" and str(cell.source).startswith("## ")


def piece_of(cell: NotebookNode, name: str, source: str, tag: str) -> NotebookNode:
    """A part of a cell's text as a cell of its own."""
    metadata = {"slideshow": {"slide_type": tag}, "tag": slide_type(cell)}
    own = {"id": f"{cell.id}-{name}", "source": source, "metadata": metadata}
    piece: NotebookNode = from_dict({**cell, **own})
    return piece


def notes_early(cells: list[NotebookNode]) -> list[NotebookNode]:
    """The cells with the notes of a slide before its fragments: a teacher reads them first."""
    found: list[NotebookNode] = []
    place = 0
    for cell in cells:
        if slide_type(cell) == "notes":
            found.insert(place, cell)
            place += 1
            continue
        found.append(cell)
        if slide_type(cell) in {"slide", "subslide"}:
            place = len(found)
    return found


def title(notebook: NotebookNode) -> str:
    """The heading of the notebook."""
    heading: str = notebook.cells[0].source.partition("\n")[0]
    return heading.removeprefix("# ")


def is_panel(cell: NotebookNode) -> bool:
    """Whether the cell shows a panel: its text stays, and the call that makes it says nothing.

    Not the run of a prediction: there the code is the point.
    """
    shows = any(WIDGET in output.get("data", {}) for output in cell.outputs)
    return shows and cell.metadata.get("prediction") != "run"


def lines(text: str) -> str:
    """Text as it was printed; a line that is too long goes on under its second word."""
    told = re.sub("[✓✗]", lambda mark: f'<b class="{MARKS[mark[0]]}">{mark[0]}</b>', escape(text))
    shown = "".join(f"<span>{line or ' '}</span>" for line in told.splitlines())
    return f'<pre class="output">{shown}</pre>'


MARKS = {"✓": "yes", "✗": "no"}


def escape(text: str) -> str:
    return html.escape(text, quote=False)


def question(text: str) -> str:
    """A prediction, with letters to vote by."""
    asked = text.partition("\n")[0]
    listed = text.partition(HAPPENED)[0]
    answers = "".join(f"<li>{escape(answer)}</li>" for answer in ANSWER.findall(listed))
    return (
        '<div class="question"><p class="label">What do you expect?</p>'
        f'<p>{escape(asked)}</p><ol type="A">{answers}</ol></div>'
    )


def happened(name: str, text: str) -> str:
    """What happened, and for the teacher what it means; the reasons are for the notebook."""
    outcome, _, rest = text.partition(HAPPENED)[2].partition("\n")
    after = prediction(name).after
    left = rest.partition(after)[0].strip("\n")
    said = f'<p class="happened">What happened: {escape(outcome)}</p>'
    return (
        lines(left) if left else ""
    ) + f'{said}<aside class="notes"><p>{escape(after)}</p></aside>'


def output_text(output: NotebookNode) -> str:
    text = output.text if output.output_type == "stream" else output.data["text/plain"]
    return str(text).strip("\n")


def shown(cell: NotebookNode) -> str:
    """What came out of a cell: a question, printed lines, a panel's text, or what happened."""
    piece = cell.metadata.get("prediction")
    parts = []
    for output in cell.outputs:
        text = output_text(output)
        if piece and output.output_type != "stream":
            (name,) = PREDICT.findall(cell.source)
            parts.append(question(text) if piece == "asked" else happened(name, text))
        elif text and piece != "asked":
            parts.append(lines(text))
    return "".join(parts)


def deck(notebook: NotebookNode) -> str:
    """The slides of one notebook as one page, with all that it needs inside."""
    exporter = SlidesExporter(
        template_name=DECK.name,
        extra_template_basedirs=[str(DECK.parent)],
        exclude_anchor_links=True,
    )
    exporter.register_filter("shown", shown)
    exporter.register_filter("is_panel", is_panel)
    own = {name: (DECK / name).read_text(encoding="utf-8") for name in ("deck.css", "deck.js")}
    styles = [reveal_file("dist/reset.css"), reveal_file("dist/reveal.css"), own["deck.css"]]
    scripts = [
        reveal_file("dist/reveal.js"),
        reveal_file("plugin/notes/notes.js"),
        own["deck.js"],
    ]
    page, _ = exporter.from_notebook_node(
        cut(notebook),
        {"deck": {"title": title(notebook), "styles": styles, "scripts": scripts}},
    )
    return re.sub(r'(?<=href=")(\w+)\.ipynb(?=")', r"\1.html", str(page))


def main(folder: Path) -> None:
    """Writes the decks."""
    folder.mkdir(exist_ok=True)
    for source in LESSONS:
        target = folder / f"{source.stem}.html"
        target.write_text(deck(read(source)), encoding="utf-8")
        print(f"{target}: open it in a browser; S shows the notes, ?print-pdf prints")


if __name__ == "__main__":
    main(Path(*sys.argv[1:2]) if sys.argv[1:] else FOLDER)

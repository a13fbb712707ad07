"""Each notebook as a learner opens it: nothing is to be saved, Run All reaches the bottom, and it
can be read anywhere.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from mtls_lab.learner.progress import FILE
from tests.authoring.canonical import ALONE, STACKS, read
from tests.browser.lab import DARK, LIGHT, NARROW, WIDE, WITH_PICTURES, JupyterLab, LabPage

MANY_PANELS = "3_mutual_tls"
#: The page is open when the kernel has said what it is; the label is written before that.
STATE = """() => {
    const { model } = window.jupyterapp.shell.currentWidget.context;
    return [model.dirty, model.sharedModel.metadata.kernelspec.name];
}"""
#: Texts of which each letter has a line of its own: their box is too narrow for a word.
STACKED = """() => [...document.querySelectorAll(".jp-Notebook .jp-OutputArea-output *")]
    .filter((each) => !each.children.length && each.textContent.trim().length > 4)
    .filter((each) => {
        const { width, height } = each.getBoundingClientRect();
        return width > 0 && width < 30 && height > 60;
    })
    .map((each) => each.textContent)"""
#: Of the texts of a notebook: each drawing whose lines are not the lines of the page, and each name
#: in a sentence and each table that is wider than its text.
MISSHAPEN = """() => {
    const texts = [...document.querySelectorAll(".jp-RenderedMarkdown")];
    const drawings = texts.flatMap((text) => [...text.querySelectorAll("pre")]).filter((pre) => {
        const range = document.createRange();
        range.selectNodeContents(pre);
        const tops = new Set([...range.getClientRects()].map((box) => Math.round(box.bottom)));
        return tops.size > pre.textContent.trimEnd().split("\\n").length;
    });
    const names = texts.flatMap((text) => [...text.querySelectorAll(":is(p, li) > code")]
        .filter((code) =>
            code.getBoundingClientRect().right > text.getBoundingClientRect().right));
    const tables = texts.flatMap((text) => [...text.querySelectorAll("table")])
        .filter((table) => table.scrollWidth > table.clientWidth);
    return [...drawings, ...names, ...tables].map((part) => part.textContent);
}"""


@pytest.fixture(params=[path.stem for path in ALONE])
def name(request: pytest.FixtureRequest, lab: JupyterLab, page: LabPage) -> Iterator[str]:
    """Each notebook in turn, open in the page. Opened and not run, it is as it was."""
    file = lab.folder / f"{request.param}.ipynb"
    (lab.folder / FILE).unlink(missing_ok=True)  # what other tests have answered in this folder
    before = file.read_text("utf-8")
    page.open(file.name)
    assert page.page.evaluate(STATE) == [False, "python3"]
    assert file.read_text("utf-8") == before
    yield request.param
    page.close()
    assert file.read_text("utf-8") == before


@pytest.fixture(scope="module")
def looks(page: LabPage) -> Iterator[list[tuple[str, int]]]:
    """Each theme and width, with as few changes as can be: each notebook begins with the last one's
    last, for a change of the theme costs as much as half a notebook.
    """
    yield [(LIGHT, WIDE), (LIGHT, NARROW), (DARK, NARROW), (DARK, WIDE)]
    page.set_theme(LIGHT)
    page.set_width(WIDE)


def assert_readable(page: LabPage, width: int) -> None:
    assert page.overflow() <= 0, f"wider than {width} pixels"
    assert page.page.evaluate(STACKED) == []
    if width == NARROW:
        assert page.page.evaluate(MISSHAPEN) == []


def test_a_notebook_from_top_to_bottom(
    name: str, page: LabPage, pictures: Path, looks: list[tuple[str, int]]
) -> None:
    """A theme has colours and no sizes (a notebook with many panels shows it), so that the others
    are laid out in one of them.
    """
    assert {cell.count for cell in page.cells()} == {None}  # a learner's copy, not run yet
    page.run_all()
    cells = page.cells()
    assert [cell for cell in cells if cell.errors] == []
    assert [cell.count for cell in cells] == list(range(1, len(cells) + 1))
    expect(page.page.locator(".lab-answers")).to_have_count(0)  # no prediction is answered by it

    themes = {LIGHT, DARK} if WITH_PICTURES or name == MANY_PANELS else {looks[0][0]}
    for theme, width in (look for look in looks if look[0] in themes):
        page.set_theme(theme)
        page.set_width(width)
        tone = "light" if theme == LIGHT else "dark"
        page.screenshots(pictures, f"{name}-{tone}-{width}")
        assert_readable(page, width)
    if len(themes) > 1:
        looks.reverse()
    assert page.complaints == []
    if name == "2_tls":  # which has the most drawings
        assert page.page.locator(".jp-RenderedMarkdown pre").count() > 1


def test_the_notebook_of_other_stacks(lab: JupyterLab, page: LabPage, pictures: Path) -> None:
    """With the outputs that it has: not every machine has its programs, and that the outputs hold
    is another test's (tests/notebooks/test_stacks.py).
    """
    file = lab.folder / f"saved_{STACKS.name}"
    shutil.copyfile(STACKS, file)
    page.open(file.name)
    saved = sum(len(cell.get("outputs", ())) for cell in read(file).cells)
    assert saved > 30
    expect(page.page.locator(".jp-Notebook .jp-OutputArea-output")).to_have_count(saved)
    for width in (NARROW, WIDE):
        page.set_width(width)
        page.screenshots(pictures, f"{STACKS.stem}-light-{width}")
        assert_readable(page, width)
    page.close()
    file.unlink()

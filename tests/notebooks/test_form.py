"""What a committed notebook must look like, so that the comparison of its outputs means something.

nbval compares nothing in a cell that was never run, and nothing where there is no output: so that
is looked at here. Nothing is run here.
"""

import ast
import re
from pathlib import Path

import pytest
from nbformat import NotebookNode

from tests.authoring import canonical

#: What differs from run to run or from machine to machine, and so may not be in an output.
VARYING = {
    "port": r"(127\.0\.0\.1|0\.0\.0\.0|localhost|::1\]?)['\"]?(:|, ?)\d+|\bport\b\W{0,3}\d",
    "date": r"\b20\d\d-\d\d|\b\d{12,14}Z"
    r"|\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* +\d",
    "time": r"\b\d\d:\d\d:\d\d\b",
    "path": r"(?<![\w./])/(home|root|tmp|var|usr|opt|private|Users|mnt|srv|work)/|\b[A-Z]:\\",
    "address": r"\b0x[0-9a-fA-F]{7,}",
}
#: What tells nbval, or a reader, that a cell need not hold.
EXCUSES = re.compile(r"(?i)nbval[-_]|pytest_validate|\bskip\b|raises-exception")


@pytest.fixture
def notebook(source: Path) -> NotebookNode:
    return canonical.read(source)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(cell: NotebookNode) -> list[str]:
    """Every text in a cell's outputs, whatever its kind."""
    found = []
    for output in cell.outputs:
        found += [output.get("text", ""), output.get("ename", ""), output.get("evalue", "")]
        found += [value for value in output.get("data", {}).values() if isinstance(value, str)]
    return found


def varying(text: str) -> list[str]:
    return [kind for kind, pattern in VARYING.items() if re.search(pattern, text)]


def test_every_code_cell_was_run_in_order(notebook: NotebookNode) -> None:
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))


def test_the_outputs_are_there(notebook: NotebookNode) -> None:
    cells = code_cells(notebook)
    with_output = [cell for cell in cells if any(text.strip() for text in texts(cell))]
    assert len(with_output) >= 0.6 * len(cells)


def test_no_output_is_an_error(notebook: NotebookNode) -> None:
    errors = [o.ename for cell in code_cells(notebook) for o in cell.outputs if "ename" in o]
    assert errors == []


def test_no_cell_is_excused(notebook: NotebookNode) -> None:
    tags = [tag for cell in notebook.cells for tag in cell.metadata.get("tags", [])]
    comments = [
        line
        for cell in code_cells(notebook)
        for line in cell.source.splitlines()
        if line.lstrip().startswith("#")
    ]
    assert [text for text in tags + comments if EXCUSES.search(text)] == []


def moved_from_below(sources: list[str]) -> list[str]:
    """The panels that a cell shows, and a later one changes."""
    shown: set[str] = set()
    moved = []
    for tree in map(ast.parse, sources):
        moved += [
            node.func.value.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "select"
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in shown
        ]
        shown |= {
            each.value.id
            for each in tree.body[-1:]
            if isinstance(each, ast.Expr) and isinstance(each.value, ast.Name)
        }
    return moved


def test_no_panel_changes_above_what_is_being_read(notebook: NotebookNode) -> None:
    """It would grow, and push the page down."""
    sources = [cell.source for cell in code_cells(notebook) if not cell.source.startswith("%")]
    assert moved_from_below(sources) == []


def test_a_panel_that_is_changed_from_below_is_found() -> None:
    assert moved_from_below(["panel = P()\npanel", "print(panel.select('a'))"]) == ["panel"]
    assert moved_from_below(["panel = P()\npanel.select('a')\npanel"]) == []


def test_its_size_is_that_of_a_sitting(source: Path, notebook: NotebookNode) -> None:
    beside = {"3c_kata", "4b_device_life", "4d_attestation"}
    is_lesson = source.stem[1] == "_" or source.stem in beside
    fewest, most = (30, 55) if is_lesson else (8, 40)
    assert fewest <= len(notebook.cells) <= most
    for cell in code_cells(notebook):
        # A program's file has its name, its imports, and a language that may need more lines.
        most = 31 if cell.source.startswith("%%writefile ") else 20
        assert len(cell.source.splitlines()) <= most, cell.source


def test_a_drawing_of_text_is_as_wide_as_a_telephone(notebook: NotebookNode) -> None:
    """38 figures of 10 px (data/jupyterlab/custom.css) have 229 px: a cell's text at 360 px."""
    drawn = [
        line
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for drawing in re.findall(r"(?ms)^```text\n(.*?)^```", cell.source)
        for line in drawing.splitlines()
    ]
    assert [line for line in drawn if len(line) > 38] == []


def test_no_output_tells_of_this_run_or_this_machine(notebook: NotebookNode) -> None:
    found = [
        (kind, text)
        for cell in code_cells(notebook)
        for text in texts(cell)
        for kind in varying(text)
    ]
    assert found == []


def test_it_is_written_canonically(source: Path, notebook: NotebookNode) -> None:
    assert canonical.tidy(notebook) == source.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("port", "listening on 127.0.0.1:41873"),
        ("port", "from ('127.0.0.1', 41873)"),
        ("port", "on port 41873"),
        ("date", "not after 2027-01-31"),
        ("date", "Not After : Jan  3 10:00 2027 GMT"),
        ("time", "at 10:31:07"),
        ("path", "in /var/lab/ca.crt"),
        ("path", r"in C:\lab"),
        ("address", "<object at 0x7f1c2b3d4e5f>"),
    ],
)
def test_what_varies_is_recognised(kind: str, text: str) -> None:
    assert varying(text) == [kind]


@pytest.mark.parametrize(
    "text",
    ["TLS_AES_256_GCM_SHA384", "GET_SECRET / PING", "0x0304", "ca.crt", "-subj /CN=ca", "RFC 8446"],
)
def test_what_holds_for_everyone_is_let_through(text: str) -> None:
    assert varying(text) == []


def test_the_sanitiser_stays_small() -> None:
    lines = Path(__file__).with_name("sanitize.cfg").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 10

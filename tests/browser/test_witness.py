"""A browser test that fails says why: its pages, their kernels and consoles are in the report."""

from pathlib import Path

from tests.browser.lab import JupyterLab, LabPage
from tests.browser.panel import RUN_CELL, shown
from tests.browser.witness import Witness

CELLS = ("raise KeyError('no such thing')", "'a cell that is not run'")


def test_a_page_tells_what_it_shows(
    witness: Witness, lab: JupyterLab, page: LabPage, tmp_path: Path
) -> None:
    with shown(page, lab.folder, "witness", *CELLS):
        page.page.evaluate(RUN_CELL, 0)
        page.page.evaluate("() => console.warn('a word')")
        told = list(witness.tell(tmp_path, "test"))
    assert [line for line in told if line.startswith("page ") and "test-1.png" in line]
    assert {
        "    notebook: panel-witness.ipynb",
        "    kernel: idle, connected",
        "    run: 1",
        "    waiting: 0",
        "    errors: [\"'no such thing'\"]",
        "warning: a word",
    } <= set(told)
    assert (tmp_path / "failed-test-1.png").read_bytes().startswith(b"\x89PNG")

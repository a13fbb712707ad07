"""Each notebook as a learner opens it: Run All reaches the bottom, and it can be read anywhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.authoring.canonical import NOTEBOOKS
from tests.browser.lab import DARK, LIGHT, NARROW, WIDE, LabPage


@pytest.fixture(params=[path.stem for path in NOTEBOOKS])
def name(request: pytest.FixtureRequest, page: LabPage) -> Iterator[str]:
    """Each notebook in turn, open in the page."""
    page.open(f"{request.param}.ipynb")
    yield request.param
    page.close()


def test_a_notebook_from_top_to_bottom(name: str, page: LabPage, pictures: Path) -> None:
    assert {cell.count for cell in page.cells()} == {None}  # a learner's copy, not run yet
    page.run_all()
    cells = page.cells()
    assert [cell for cell in cells if cell.errors] == []
    assert [cell.count for cell in cells] == list(range(1, len(cells) + 1))

    for tone, theme in (("light", LIGHT), ("dark", DARK)):
        page.set_theme(theme)
        for width in (WIDE, NARROW):
            page.set_width(width)
            assert page.screenshots(pictures, f"{name}-{tone}-{width}")
            assert page.overflow() <= 0, f"wider than {width} pixels"
    assert page.complaints == []

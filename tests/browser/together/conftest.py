"""One page with all panels for the tests of this folder, and what each of them leaves of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mtls_lab.learner import progress
from tests.browser.lab import JupyterLab, LabPage
from tests.browser.panel import ShownPanel, shown
from tests.browser.together.panels import CELLS, NOTEBOOK

#: The first one runs the cells itself; the last one restarts the kernel.
ORDER = ("test_in_sight", "test_look", "test_still", "test_room", "test_every_panel")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = [at for at, item in enumerate(items) if item.path.parent == Path(__file__).parent]
    ordered = sorted((items[at] for at in places), key=lambda item: ORDER.index(item.path.stem))
    for at, item in zip(places, ordered, strict=True):
        items[at] = item


@pytest.fixture(scope="package")
def unrun(page: LabPage, lab: JupyterLab) -> Iterator[ShownPanel]:
    """The notebook with all panels, in one kernel; the first panel of it, once its cell has run."""
    (lab.folder / progress.FILE).unlink(missing_ok=True)
    with shown(page, lab.folder, "predict", *NOTEBOOK) as panel:
        yield panel
    (lab.folder / progress.FILE).unlink(missing_ok=True)


@pytest.fixture(scope="package")
def opened(unrun: ShownPanel) -> ShownPanel:
    """All panels, each from a cell that has run."""
    if unrun.lab.page.locator(".lab-panel").count() < len(CELLS):
        unrun.anew()
    return unrun

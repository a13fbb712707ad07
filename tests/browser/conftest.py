"""One browser, one JupyterLab, one page for all tests of this folder; and a test that fails says
what they showed.
"""

import re
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from mtls_lab.learner import notebooks as unpacking
from tests.browser.lab import GUARD, JupyterLab, LabPage, chromium
from tests.browser.panel import ShownPanel, shown
from tests.browser.witness import Witness

expect.set_options(timeout=GUARD)

PICTURES = Path(__file__).parents[2] / ".artifacts" / "screenshots"


@pytest.fixture(scope="package")
def browser() -> Iterator[BrowserContext]:
    """The machine's own Chromium, with one cache for all pages; none is downloaded."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package", autouse=True)
def witness(browser: BrowserContext) -> Witness:
    """Listens from the first page on."""
    return Witness(browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Look at the pages of a test that failed, while they are still open."""
    report = yield
    witness, lab = item.funcargs.get("witness"), item.funcargs.get("lab")
    if report.failed and isinstance(witness, Witness):
        test = re.sub(r"\W+", "-", item.name).strip("-")
        report.sections.append(("the pages", "\n".join(witness.tell(PICTURES, test))))
        if isinstance(lab, JupyterLab):
            report.sections.append(("JupyterLab", "".join(lab.log)))
    return report


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterLab]:
    """JupyterLab in a learner's folder, the outputs cleared as `mtls-lab start` does it."""
    folder = tmp_path_factory.mktemp("learner")
    unpacking.unpack(folder)
    with JupyterLab(folder, scratch=tmp_path_factory.mktemp("jupyter")) as lab:
        yield lab


@pytest.fixture(scope="package")
def page(lab: JupyterLab, browser: BrowserContext) -> LabPage:
    """JupyterLab in the browser; each test opens its own notebook in it and closes it again."""
    return lab.visit(browser)


@pytest.fixture(scope="module")
def opened(request: pytest.FixtureRequest, page: LabPage, lab: JupyterLab) -> Iterator[ShownPanel]:
    """What the CELLS of a test's file show, the panel NAME: one kernel for all its tests."""
    with shown(page, lab.folder, request.module.NAME, *request.module.CELLS) as panel:
        yield panel


@pytest.fixture
def panel(opened: ShownPanel) -> ShownPanel:
    """A new panel for each test."""
    opened.anew()
    return opened


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots go, for a person to look at; not in git."""
    return PICTURES

"""One browser, one JupyterLab, one page for all tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from mtls_lab.learner import notebooks as unpacking
from tests.browser.lab import GUARD, JupyterLab, LabPage, chromium

expect.set_options(timeout=GUARD)


@pytest.fixture(scope="package")
def browser() -> Iterator[BrowserContext]:
    """The machine's own Chromium, with one cache for all pages; none is downloaded."""
    try:
        with chromium() as browser:
            yield browser
    except FileNotFoundError as error:
        pytest.skip(str(error))


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


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots go, for a person to look at; not in git."""
    return Path(__file__).parents[2] / ".artifacts" / "screenshots"

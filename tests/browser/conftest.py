"""One browser, one JupyterLab, one page for all tests of this folder."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, sync_playwright

from mtls_lab import workspace
from tests.browser.lab import CHROMIUM_FLAGS, JupyterLab, LabPage


@pytest.fixture(scope="package")
def browser() -> Iterator[BrowserContext]:
    """The machine's own Chromium, with one cache for all pages; none is downloaded."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((path for name in names if (path := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"none of {', '.join(names)} is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        yield browser.new_context()
        browser.close()


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterLab]:
    """JupyterLab in a learner's folder, the outputs cleared as `mtls-lab start` does it."""
    folder = tmp_path_factory.mktemp("learner")
    workspace.unpack(folder)
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

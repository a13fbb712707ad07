"""A notebook that was opened and not run is as it was: JupyterLab finds nothing to save."""

import pytest

from tests.authoring.canonical import NOTEBOOKS
from tests.browser.lab import JupyterLab, LabPage

#: READY waits until the kernel has said what it is; the label is written before that resolves.
STATE = """() => {
    const { model } = window.jupyterapp.shell.currentWidget.context;
    return [model.dirty, model.sharedModel.metadata];
}"""


@pytest.mark.parametrize("name", [path.name for path in NOTEBOOKS])
def test_an_opened_notebook_is_not_a_changed_one(lab: JupyterLab, page: LabPage, name: str) -> None:
    before = (lab.folder / name).read_text("utf-8")
    page.open(name)
    dirty, metadata = page.page.evaluate(STATE)
    page.close()
    assert (dirty, metadata["kernelspec"]["name"]) == (False, "python3")
    assert (lab.folder / name).read_text("utf-8") == before

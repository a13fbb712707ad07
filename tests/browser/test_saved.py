"""A saved notebook, opened again: its panels are pictures until its cells have run."""

from playwright.sync_api import expect

from tests.browser.lab import JupyterLab, LabPage
from tests.browser.panel import shown
from tests.browser.together.panels import BEGIN

#: What of a panel can be reached.
ACTIVE = """(panel) => [...panel.querySelectorAll("button, select, input, summary, a[href]")]
    .filter((part) => !part.closest("[inert]")).length"""
NONE_ACTIVE = f"(panel) => ({ACTIVE})(panel) === 0"
#: The icon of a broken link that ipywidgets puts before each widget without a kernel.
ICONS = """(panel) => [panel, ...panel.querySelectorAll("*")]
    .map((part) => getComputedStyle(part, "::before").content)
    .filter((content) => content.includes("\\uf127"))"""


def test_a_saved_notebook_takes_no_clicks(page: LabPage, lab: JupyterLab) -> None:
    """Opened again, its panels are pictures: they say so, and no key or click comes to them."""
    with shown(page, lab.folder, "workbench", BEGIN, "WorkbenchPanel()", "WirePanel()") as panel:
        panel.anew()
        panels = page.page.locator(".lab-panel")
        assert panels.first.evaluate(ACTIVE) > 0
        page.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        page.close()
        page.open("panel-workbench.ipynb")
        for number in range(2):
            box = panels.nth(number)
            expect(box.locator(".lab-stale")).to_have_text(
                "This panel is not connected to a kernel any more. "
                "Choose Run → Restart Kernel and Run All Cells."
            )
            expect(box.locator(".lab-stale")).to_be_visible()
            page.page.wait_for_function(NONE_ACTIVE, arg=box.element_handle())
            assert box.evaluate(ICONS) == []
        panel.anew()
        expect(panels.first.locator(".lab-stale")).to_be_hidden()
        assert panels.first.evaluate(ACTIVE) > 0

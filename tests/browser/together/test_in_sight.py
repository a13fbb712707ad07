"""What has to be in sight: a panel after Shift+Enter.

Not here: what a panel shows, and how it looks on its own (a file for each).
"""

from tests.browser.panel import DRAWN, ShownPanel
from tests.browser.together.panels import CELLS, NOTEBOOK, PANELS

ACTIVATE = """(index) => {
    const { content } = window.jupyterapp.shell.currentWidget;
    content.activeCellIndex = index;
    content.activate();
    content.activeCell.node.scrollIntoView({ block: "center" });
}"""
#: For a panel's cell: from where to where its title and its first control reach in the window; the
#: title, where nothing can be pressed.
SEEN = """(index) => {
    const { content } = window.jupyterapp.shell.currentWidget;
    const window_ = content.node.querySelector(".jp-WindowedPanel-outer").getBoundingClientRect();
    const panel = content.widgets[index].node.querySelector(".lab-panel");
    const controls = [...panel.querySelectorAll("button, select, input, summary")];
    const first = controls.find((control) => control.offsetParent);
    const title = panel.querySelector("h4");
    return [title, first ?? title].map((part) => {
        const { top, bottom } = part.getBoundingClientRect();
        return [Math.round(top - window_.top), Math.round(window_.bottom - bottom)];
    });
}"""


CLEAR = "() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')"


def test_shift_enter_leaves_a_panel_in_sight(unrun: ShownPanel) -> None:
    """JupyterLab holds the next cell where it is: the panel would go up, and its controls out.

    From the last panel to the first: what is still being drawn is below.
    """
    page = unrun.lab.page
    page.evaluate(CLEAR)
    names = dict(enumerate(CELLS, start=1))
    for index in (0, *reversed(range(1, len(NOTEBOOK) - 1))):
        page.evaluate(ACTIVATE, index)
        page.keyboard.press("Shift+Enter")
        if (name := names.get(index)) in PANELS:
            ShownPanel(unrun.lab, name).wait_for(1)  # those above it are not there yet
        page.wait_for_function(DRAWN)
        unrun.settle()
        if name in PANELS:
            title, control = page.evaluate(SEEN, index)
            assert min(title) >= 0, name
            # A certificate has nothing to press but what opens the rest of it, at its end.
            assert min(control) >= 0 or name == "certificate", name

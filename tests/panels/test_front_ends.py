"""What panels and drawings may count on where there is no JupyterLab: VS Code, Colab, a file.

Here: style sheets and bundles, read. Not here: how each front end looks, which was tried by hand
(the README says when).
"""

import re
from importlib.metadata import distribution
from pathlib import Path

import pytest

from mtls_lab.panels import PredictPanel
from tests.repository.files import ROOT

PACKAGE = ROOT / "mtls_lab"
#: Style sheets, and modules that write styles.
STYLED = [path for path in sorted(PACKAGE.rglob("*")) if path.suffix in {".css", ".js", ".py"}]
#: A variable, and whether something is said for a page that does not have it.
VARIABLE = re.compile(r"var\(\s*(--[\w-]+)\s*([,)])")
DEFINED = re.compile(r"(--[\w-]+)['\"]?\s*:")


@pytest.fixture(scope="module")
def everywhere() -> set[str]:
    """The variables that each front end has, because ipywidgets' own controls need them.

    VS Code and Colab take them from the style sheet labvariables.css of @jupyter-widgets/controls.
    widgetsnbextension carries the same.
    """
    static = "widgetsnbextension/static/extension.js"
    bundle = Path(str(distribution("widgetsnbextension").locate_file(static))).read_text("utf-8")
    return set(DEFINED.findall(bundle))


def test_a_variable_is_known_everywhere_or_has_a_fallback(everywhere: set[str]) -> None:
    texts = {path: path.read_text("utf-8") for path in STYLED}
    own = {name for text in texts.values() for name in DEFINED.findall(text)}
    used = [(path, *found) for path, text in texts.items() for found in VARIABLE.findall(text)]
    assert len(used) > 30
    bare = {
        (path.name, name)
        for path, name, end in used
        if end == ")" and name not in everywhere | {each for each in own if "--jp-" not in each}
    }
    assert bare == set()


def test_the_variables_that_themes_change_are_among_them(everywhere: set[str]) -> None:
    assert {"--jp-ui-font-color1", "--jp-border-color1", "--jp-success-color1"} <= everywhere
    assert "--jp-content-link-color" not in everywhere


def test_a_panel_is_a_widget_a_page_and_a_text() -> None:
    """Made by hand: ipywidgets 7, which Colab has, does not make bundles."""
    panel = PredictPanel("no_certificate")
    bundle = panel._repr_mimebundle_()
    view = bundle.pop("application/vnd.jupyter.widget-view+json")
    assert view == {"version_major": 2, "version_minor": 0, "model_id": panel.box.model_id}
    assert set(bundle) == {"text/plain", "text/html"}
    made = panel.box._repr_mimebundle_()
    assert made["application/vnd.jupyter.widget-view+json"] == view


def test_no_panel_and_no_drawing_asks_another_host() -> None:
    """An address is something to click on, and nothing that a page fetches by itself."""
    fetched = re.compile(
        r"(?:src|poster|srcset)=.?https?:|url\(.?https?:|@import|\bimport\(.?https?:"
    )
    assert [path.name for path in STYLED if fetched.search(path.read_text("utf-8"))] == []

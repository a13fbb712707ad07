"""Values as HTML that looks the same in a cell, a panel, on GitHub and in a converted page.

Here: pure functions to HTML with inline styles alone: JupyterLab's own colours where there are
any, and others that can be read on white and on dark. A page that drops styles still has the
signs and the words. Not here: widgets and style sheets (panels/), and what a value says of itself.
"""

from mtls_lab.drawing.blocks import beside, box, card, definitions, side_by_side, table, verdict
from mtls_lab.drawing.dotted import Dot, Group, dots, dots_in_words
from mtls_lab.drawing.inline import (
    ACTORS,
    BAD,
    EDGE,
    GOOD,
    MONOSPACE,
    VARYING,
    WARN,
    actor,
    actor_of,
    breakable,
    code,
    escape,
    line_of,
    varying,
)

__all__ = [
    "ACTORS",
    "BAD",
    "EDGE",
    "GOOD",
    "MONOSPACE",
    "VARYING",
    "WARN",
    "Dot",
    "Group",
    "actor",
    "actor_of",
    "beside",
    "box",
    "breakable",
    "card",
    "code",
    "definitions",
    "dots",
    "dots_in_words",
    "escape",
    "line_of",
    "side_by_side",
    "table",
    "varying",
    "verdict",
]

"""Values as HTML that looks the same in a cell, a panel, on GitHub and in a converted page.

Here: pure functions to HTML with inline styles alone: JupyterLab's own colours where there are
any, and others that can be read on white and on dark. A page that drops styles still has the
signs and the words. Not here: widgets and style sheets (panels/), and what a value says of itself.
"""

from mtls_lab.drawing.actors import ACTORS, Actor, actor, actor_of
from mtls_lab.drawing.cards import beside, box, card, definitions, side_by_side, verdict
from mtls_lab.drawing.colours import BAD, EDGE, GOOD, MONOSPACE, WARN
from mtls_lab.drawing.dotted import Dot, Group, dots, dots_in_words
from mtls_lab.drawing.tables import table
from mtls_lab.drawing.words import VARYING, breakable, code, escape, varying

__all__ = [
    "ACTORS",
    "BAD",
    "EDGE",
    "GOOD",
    "MONOSPACE",
    "VARYING",
    "WARN",
    "Actor",
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
    "side_by_side",
    "table",
    "varying",
    "verdict",
]

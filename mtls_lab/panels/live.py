"""What a panel does in the page and ipywidgets cannot.

Here: one widget without a picture, a view of which is in each panel. Whatever HTML changes there,
what was opened stays open and the focus stays; the keys of the control that has the focus are not
JupyterLab's; a panel that is not connected takes no clicks. Not here: what a panel shows.

An anywidget that needs more than two seconds to load, on a busy page, never hears of its kernel
again. So each has its class from the start, and what the kernel says later it says through a widget
of ipywidgets (ladder.py, sorter.py).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import anywidget

__all__ = ["Live", "live"]


class Live(anywidget.AnyWidget):
    """Tends the panel that it is put into; see live.js. It has no value and sends nothing.

    A `<details>` in the HTML of a panel is known by its `data-key`, or else by its summary. Where
    this widget does not load, as in a front end without anywidget, the panel works without it.
    """

    _esm = Path(__file__).with_name("live.js")


@cache
def live() -> Live:
    """Return the one `Live` of this kernel: every panel shows a view of its own.

    Example:
        >>> live() is live()
        True
    """
    return Live(layout={"display": "none"}, _dom_classes=("lab-live",))

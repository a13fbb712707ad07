"""The handshake ladder in a panel, whose rungs are filled when they are opened.

Here: the widgets, and what the page and they tell each other. Not here: the ladder itself, which
is HTML (wire/ladder/).

A handshake with all its fields and bytes is some hundred kilobytes, and few of them are looked at.
So a rung holds a sentence, and the rest comes when it is opened. What is open stays open when the
panel shows another handshake, and is filled from the start then.

The page asks through an anywidget, and is answered through an HTML of ipywidgets: an anywidget that
needs more than two seconds to load, on a busy page, never hears of its kernel again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import ipywidgets

from mtls_lab.drawing import escape
from mtls_lab.panels.base import Panel
from mtls_lab.wire import Handshake
from mtls_lab.wire.ladder import draw, keys, style, tell

__all__ = ["Ladder"]


class _Opener(anywidget.AnyWidget):
    """Hears of every rung that is opened or closed in its panel; see opener.js."""

    _esm = Path(__file__).with_name("opener.js")


class Ladder:
    """A ladder, to be shown in a panel.

    Args:
        panel: whose turn it takes, and which shows what goes wrong.

    Attributes:
        box: the widget to show.
        opened: the keys of the rungs that are open.
    """

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._handshake = Handshake()
        self._number = self._answers = 0
        self.opened: set[str] = set()
        self._html = ipywidgets.HTML()
        self._opener = _Opener(layout={"display": "none"}, _dom_classes=("lab-opener",))
        self._opener.on_msg(self._heard)
        self._answered = ipywidgets.HTML(layout={"display": "none"}).add_class("lab-carrier")
        sheet = ipywidgets.HTML(f"<style>{style()}</style>", layout={"display": "none"})
        self.box = ipywidgets.VBox([sheet, self._html, self._opener, self._answered])

    def show(self, handshake: Handshake, empty: str) -> None:
        """Show a handshake; `empty` is what is said of one without messages."""
        self._handshake = handshake
        self._number += 1
        self._html.value = draw(handshake, told=self.opened, page=self._page, empty=empty)

    @property
    def _page(self) -> str:
        """What tells this handshake from others on the page, and from others of this panel."""
        return f"{self._opener.model_id}-{self._number}-"

    def _heard(self, _: object, content: dict[str, Any], __: object) -> None:
        self._panel.guard(lambda: self._answer(**content))

    def _answer(self, key: str, *, open: bool, waits: bool) -> None:  # noqa: A002 - as HTML has it
        if not open:
            self.opened.discard(key)
            return
        self.opened.add(key)
        found = dict(zip(keys(self._handshake), self._handshake.messages, strict=True))
        if waits and key in found:
            self._answers += 1  # the same answer to another view is another answer
            places = {"number": self._answers, "ladder": self._page, "rung": key}
            data = " ".join(f'data-{name}="{escape(str(each))}"' for name, each in places.items())
            html = tell(found[key], f"{self._page}{key}")
            self._answered.value = f"<lab-answer {data}>{html}</lab-answer>"

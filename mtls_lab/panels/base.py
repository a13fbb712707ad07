"""What all panels share: one look, one way to run a callback, one way to show a result.

Here: the frame, the styles, what tends a panel in the page, the wrapper around every callback, the
fallbacks, and a file of the lesson that is not there yet. Not here: any particular panel.

An anywidget that needs more than two seconds to load, on a busy page, never hears of its kernel
again. So each has its class from the start, and what the kernel says later it says through a widget
of ipywidgets (ladder.py, sorter.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets

from mtls_lab.classroom.out_of_order import hint, missing
from mtls_lab.common import LabError, PathLike
from mtls_lab.drawing import breakable, code, escape, verdict

__all__ = ["WIDE", "Panel", "details", "field", "mark", "need"]


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


#: The style of a control whose label is as wide as its words.
WIDE = {"description_width": "initial"}
_STYLES = Path(__file__).with_name("style")

#: The kind of output that a page takes for a widget.
VIEW = "application/vnd.jupyter.widget-view+json"

#: Shown by the style sheet alone once JupyterLab marks the widgets as disconnected: the kernel was
#: restarted, or the notebook was saved and opened again, and no Python runs that could say so.
STALE = (
    '<p class="lab-stale" role="status">This panel is not connected to a kernel any more. Choose '
    "Run → Restart Kernel and Run All Cells.</p>"
)

#: Below the picture of a panel on a page without a kernel.
LIVE = "<p><small>A picture of a panel. Run this cell in JupyterLab, and it is live.</small></p>"


class Panel:
    """A box with controls and one result; the base of every panel.

    A panel sets `value` and its text through `show`. Each result carries the next sequence
    number, so whoever waits for one knows which it is.

    Args:
        title: the heading, plain text.
        hint: one sentence below it, plain text.

    Attributes:
        turn: held by whatever makes a result, so that two never mix: a cell may call `select`
            while a click is answered in another thread (JupyterLab can send clicks there).
    """

    #: The name by which a page and a test find the panel.
    name = "panel"
    #: The files of style/ that it needs beside frame.css. Each panel brings its own, so that it
    #: looks right wherever its cell is; a page reads them all, so none brings what it does not use.
    looks: tuple[str, ...] = ()

    def __init__(self, title: str, hint: str) -> None:
        self.value: Any = None
        self.sequence = 0
        self.turn = threading.RLock()
        self._quiet = False
        self._text = self._shown = ""
        self._title = title
        style = "".join(f"<style>{_style(look)}</style>" for look in ("frame", *self.looks))
        head = f"{style}<h4>{escape(title)}</h4>"
        head += f"<p class='lab-hint'>{escape(hint)}</p>{STALE}"
        self._result = ipywidgets.HTML()
        self._columns = ipywidgets.HBox([self._result])
        self._columns.add_class("lab-body")
        self.box = ipywidgets.VBox(
            [ipywidgets.HTML(head), live(), self._columns],
            _dom_classes=("lab-panel", *map(_class, self.looks)),
        )
        self.box.add_class(f"lab-model-{self.box.model_id}")  # for live.js

    def add(self, *controls: ipywidgets.Widget) -> None:
        """Put one row of controls above the result; later rows come below earlier ones."""
        row = ipywidgets.HBox(_named(controls))
        row.add_class("lab-row")
        at = self.box.children.index(self._columns)
        self.box.children = (*self.box.children[:at], row, *self.box.children[at:])

    def add_beside(self, *widgets: ipywidgets.Widget) -> None:
        """Put a column of widgets beside the result; below it where the page is narrow."""
        self._columns.children = (self._result, ipywidgets.VBox(_named(widgets)))

    def add_below(self, *widgets: ipywidgets.Widget) -> None:
        """Put widgets below the result, over the whole width."""
        self.box.children = (*self.box.children, *_named(widgets))

    def on_click(
        self, button: ipywidgets.Button, action: Callable[[], object], *, live: bool = False
    ) -> None:
        """Run `action` when the button is pressed; see `guard`."""
        button.on_click(lambda _: self.guard(action, live=live))

    def on_change(self, widget: ipywidgets.Widget, action: Callable[[], object]) -> None:
        """Run `action` when the widget's value changes, but not inside `quietly`; see `guard`."""
        widget.observe(lambda _: self.guard(lambda: self._quiet or action()), names="value")

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Set several widgets that belong together, and run no callback for any of them."""
        with self.turn:
            self._quiet = True
            try:
                yield
            finally:
                self._quiet = False

    def guard(self, action: Callable[[], object], *, live: bool = False) -> None:
        """Run a callback; what it raises is shown in the panel.

        An exception in a callback of the browser is invisible otherwise.

        Args:
            action: what changes the panel; the page gets all of it together, at the end.
            live: the page gets each change at once.
        """
        with self.turn, ExitStack() as held:
            for part in () if live else _texts(self.box):
                held.enter_context(part.hold_sync())
            try:
                action()
            except LabError as error:
                self.show(error, str(error), code(str(error)), outcome="error")
            except Exception as error:  # noqa: BLE001 - nobody else would see it
                text = f"This did not work: {type(error).__name__}: {error}\n{hint(error)}".strip()
                self.show(error, text, code(text), outcome="error")

    def show(self, value: object, text: str, body: str, *, outcome: str) -> None:
        """Make this the panel's result.

        Args:
            value: what `panel.value` is from now on.
            text: the result as plain text, the same on every run.
            body: the result as HTML, in which everything foreign is escaped.
            outcome: one word for it, such as "ok", "refused" or "error".
        """
        self.value, self._text, self._shown = value, text, body
        self.sequence += 1
        state = f'data-testid="{self.name}-result" data-seq="{self.sequence}"'
        self._result.value = (
            f'<div role="status" {state} data-outcome="{escape(outcome)}">{body}</div>'
        )

    def __str__(self) -> str:
        return f"{self._title}\n{self._text}"

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        # By hand, because ipywidgets 7 has no `_repr_mimebundle_`, and Colab has ipywidgets 7.
        view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
        bundle: dict[str, Any] = {VIEW: view}
        bundle["text/plain"] = str(self)
        failed = isinstance(self.value, Exception)
        still = code(self._text) if failed else self.still()
        bundle["text/html"] = f"<p><b>{escape(self._title)}</b></p>{still}{LIVE}"
        return bundle

    def still(self) -> str:
        """Return the panel as HTML for a page without a kernel: what it has, and no controls.

        It has inline styles alone, and but for what is marked as varying it is the same on every
        run.
        """
        return code(self._text)


def _texts(widget: ipywidgets.Widget) -> Iterator[ipywidgets.HTML]:
    """Every HTML in a widget, however deep."""
    if isinstance(widget, ipywidgets.HTML):
        yield widget
    for child in getattr(widget, "children", ()):
        yield from _texts(child)


@cache
def _style(look: str) -> str:
    """Return a style sheet; what belongs to a look holds in its panels, and wins over the frame.

    All style sheets of all panels are read by one page. The id is nobody's: it only weighs. A
    cascade layer for the frame would not do, for ipywidgets' own rules are in none.
    """
    sheet = (_STYLES / f"{look}.css").read_text("utf-8")
    if look == "frame":
        return sheet
    return f":is(#lab-own, .{_class(look)}) {{\n{sheet.replace('.lab-panel', '&')}}}\n"


def _class(look: str) -> str:
    return f"lab-has-{look}"


def _named(widgets: Iterable[ipywidgets.Widget]) -> tuple[ipywidgets.Widget, ...]:
    """Give each control a tooltip: without one, the page shows "null" as such."""
    widgets = tuple(widgets)
    for widget in widgets:
        if getattr(widget, "tooltip", "") is None:
            widget.tooltip = getattr(widget, "description", "")
    return widgets


def field(rows: Iterable[tuple[str, str]]) -> str:
    """Return names and values as an HTML list; both are escaped."""
    items = "".join(f"<dt>{escape(name)}</dt><dd>{breakable(value)}</dd>" for name, value in rows)
    return f"<dl>{items}</dl>"


def mark(good: bool | None, text: str) -> str:  # noqa: FBT001 - a verdict, not an option
    """Return a verdict line: a sign, words, and a colour that repeats them."""
    kind = {True: "good", False: "bad", None: "plain"}[good]
    return verdict(good, text, kind=f"lab-verdict lab-{kind}")


def details(summary: str, body: str) -> str:
    """Return a part that opens on a click; `body` is HTML."""
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def need(*files: PathLike) -> None:
    """Make sure that each of the files is there. Raises FileProblem for the first that is not."""
    for each in files:
        if not Path(each).exists():
            raise missing(each)

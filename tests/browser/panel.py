"""One panel in a notebook of its own: show it, wait for its results, look at it everywhere.

No test is here, and nothing of any particular panel.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from playwright.sync_api import Locator, expect

from tests.browser.axe import COLOURS, violations
from tests.browser.lab import DARK, LIGHT, NARROW, WIDE, WITH_PICTURES, LabPage

#: A window of WIDE pixels at 200 % zoom has half as many CSS pixels.
ZOOMED = WIDE // 2

CUT_OFF = """() => [...document.querySelectorAll(".lab-panel")].flatMap((panel) => {
    const right = panel.getBoundingClientRect().right;
    return [...panel.querySelectorAll("*")]
        .filter((part) => part.getBoundingClientRect().right > right)
        .map((part) => `${part.tagName}: ${part.textContent.slice(0, 60)}`);
})"""
# For a part that is still on its way, ipywidgets keeps the place with an element without a class
# of its own. The first result may well be there before the last control.
DRAWN = """() => {
    const VIEW = "application/vnd.jupyter.widget-view+json";
    const outputs = [...window.jupyterapp.shell.currentWidget.content.model.cells]
        .map((cell) => cell.outputs)
        .flatMap((all) => Array.from({ length: all?.length ?? 0 }, (_, at) => all.get(at)));
    const count = outputs.filter(({ data }) => VIEW in (data ?? {})).length;
    const panels = [...document.querySelectorAll(".lab-panel")];
    return panels.length === count
        && panels.every((panel) => !panel.querySelector('[class="lm-Widget"]'));
}"""
RUN_CELL = """(cell) => {
    window.jupyterapp.shell.currentWidget.content.activeCellIndex = cell;
    return window.jupyterapp.commands.execute("notebook:run-cell");
}"""
#: The list that has the focus shows its choices: until then, it does not get the keys.
LIST_IS_OPEN = "() => document.activeElement.matches('select:open')"
#: From now on, `labChosen` waits for the choice of the list that has the focus.
AWAIT_CHOICE = """() => {
    const list = document.activeElement;
    window.labChosen = new Promise((chosen) => {
        list.addEventListener("change", () => chosen(), { once: true });
    });
}"""
KERNEL = """window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel"""
# A click may be answered in a subshell of the kernel while the main shell answers others, so each
# message counts by itself. While one change is on its way, the page keeps the latest of the next,
# and sends it when it handles the answer: in its queue, to whose end each round waits.
LISTEN = f"""() => {{
    const kernel = {KERNEL};
    const waiting = new Set();
    let answered = () => {{}};
    kernel.anyMessage.connect((_, {{ msg, direction }}) => {{
        const {{ header, parent_header: asked, content, channel }} = msg;
        if (direction === "send" && channel === "shell") waiting.add(header.msg_id);
        if (content.execution_state === "idle") waiting.delete(asked.msg_id);
        if (content.execution_state === "restarting") waiting.clear();
        if (!waiting.size) answered();
    }});
    window.labAnswered = async () => {{
        for (let quiet = 0; quiet < 2; quiet += 1) {{
            if (waiting.size) await new Promise((resolve) => {{ answered = resolve; }});
            await kernel._msgChain;
            await new Promise(requestAnimationFrame);
            if (waiting.size) quiet = -1;
        }}
    }};
}}"""
WATCH = """(box) => {
    const results = window.labResults = [];
    const look = () => {
        const result = box.querySelector("[data-seq]");
        const seen = result && [Number(result.dataset.seq), result.dataset.outcome,
            result.querySelector(".lab-verdict")?.innerText ?? ""];
        if (seen && results.at(-1)?.[0] !== seen[0]) results.push(seen);
    };
    look();
    new MutationObserver(look).observe(box, { attributes: true, childList: true, subtree: true });
}"""


@dataclass
class ShownPanel:
    """A panel on the page, by its name: the one in `data-testid`."""

    lab: LabPage
    name: str
    place: int = 0

    def number(self, place: int) -> "ShownPanel":
        """The first panel of the page is 0; another one of the same kind."""
        return replace(self, place=place)

    @property
    def box(self) -> Locator:
        """The whole panel."""
        return self.lab.page.locator(".lab-panel").nth(self.place)

    @property
    def result(self) -> Locator:
        """The part that carries the result."""
        return self.box.get_by_test_id(f"{self.name}-result")

    @property
    def sequence(self) -> int:
        """The number of the result that is shown."""
        return int(self.result.get_attribute("data-seq") or 0)

    def anew(self) -> None:
        """Run the notebook again: a new panel, in the same kernel, drawn in full."""
        self.lab.run_all()
        assert [cell.errors for cell in self.lab.cells() if cell.errors] == []
        self.lab.page.wait_for_function(DRAWN)
        self.wait_for(1)

    def again(self, cell: int) -> None:
        """Run the one cell that shows it: a new panel, and all others as they are."""
        self.lab.page.evaluate(RUN_CELL, cell)
        self.lab.page.wait_for_function(DRAWN)
        self.wait_for(1)

    def wait_for(self, sequence: int) -> str:
        """Wait for the result of this number; return its outcome."""
        expect(self.result).to_have_attribute("data-seq", str(sequence))
        return self.result.get_attribute("data-outcome") or ""

    def choose_next(self) -> None:
        """Take the next choice of the list that has the focus, as one does with the keyboard."""
        keyboard = self.lab.page.keyboard
        self.settle()  # what is still being drawn would close the list
        keyboard.press("Space")  # on a closed list, JupyterLab keeps the arrows to itself
        self.lab.page.wait_for_function(LIST_IS_OPEN)
        self.lab.page.evaluate(AWAIT_CHOICE)
        keyboard.press("ArrowDown")
        keyboard.press("Enter")
        self.lab.page.evaluate("labChosen")  # the list says it once it has closed

    def button(self, name: str) -> Locator:
        """A button by its whole name."""
        return self.box.get_by_role("button", name=name, exact=True)

    def restart_kernel(self) -> None:
        """Restart the kernel behind the panel."""
        self.lab.page.evaluate(f"async () => {{ await {KERNEL}.restart(); }}")

    def settle(self) -> None:
        """Wait until every click so far was answered, those too that the page held back."""
        self.lab.page.evaluate("labAnswered()")

    def watch(self) -> None:
        """From now on, note every result that the page shows."""
        self.box.evaluate(WATCH)

    def watched(self) -> list[tuple[int, str, str]]:
        """The noted results: number, outcome, verdict."""
        return [(seq, how, said) for seq, how, said in self.lab.page.evaluate("labResults")]

    def check_everywhere(self, pictures: Path, name: str) -> None:
        """Wide, at 200 % zoom and on a phone: axe is content, and nothing is cut; and the colours
        of the other theme. It stays: a change of theme costs as much as all the rest.

        `make pictures` leaves one of each in light and dark for a person to look at.
        """
        first = self.lab.theme
        for theme in (first, DARK if first == LIGHT else LIGHT):
            self.lab.set_theme(theme)
            for width in (WIDE, ZOOMED, NARROW):
                if theme != first and width != WIDE and not WITH_PICTURES:
                    continue  # a theme has colours, and no sizes (test_notebooks.py)
                self.lab.set_width(width)
                where = f"{name}-{'light' if theme == LIGHT else 'dark'}-{width}"
                self.lab.screenshots(pictures, where)
                if width != ZOOMED:  # no other colours or names than those of the wide page
                    rules = (COLOURS,) if theme != first else ()
                    assert violations(self.lab.page, rules=rules) == [], where
                assert self.lab.overflow() <= 0, where
                assert self.lab.page.evaluate(CUT_OFF) == [], where
        self.lab.set_width(WIDE)


@contextmanager
def shown(lab: LabPage, folder: Path, name: str, *cells: str) -> Iterator[ShownPanel]:
    """Open a notebook with these cells in `folder`; the last one will show the panel `name`."""
    notebook = {
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for number, source in enumerate(cells)
        ],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path = folder / f"panel-{name}.ipynb"
    path.write_text(json.dumps(notebook), "utf-8")
    lab.open(path.name)
    lab.page.evaluate(LISTEN)
    try:
        yield ShownPanel(lab, name)
        assert lab.complaints == [], lab.complaints
    finally:
        lab.close()
        path.unlink()

"""What the panels cost: a click until its result shows, a table, a whole page, memory.

Here: a real JupyterLab in a real browser, and kernels. Not here: whether the results are right
(tests/browser).
"""

import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from mtls_lab.attacks import attack_table, lab_protections
from mtls_lab.experiments import catalogue
from mtls_lab.learner import notebooks as unpacking
from tests.authoring.canonical import METADATA, NOTEBOOKS
from tests.benchmarks.figures import Figure, Pairs, seconds
from tests.benchmarks.imports import environment
from tests.browser.lab import SETTINGS, TRACKER, JupyterLab, LabPage, chromium
from tests.notebooks.kernel import Kernel

(PART_3,) = (path for path in NOTEBOOKS if path.stem == "3_mutual_tls")
ROUNDS = 8
#: The whole attack table, in seconds.
TABLE = 2.0

IMPORTS = "import ipywidgets, cryptography.x509, ssl, mtls_lab, mtls_lab.learner"
ENTER = "from mtls_lab import enter; enter(4)"
EVERY_PANEL = """
from IPython.display import display
from mtls_lab.panels import *
from mtls_lab.attacks import Protection
panels = [CredentialPanel(), WirePanel(), AttackPanel([Protection("Plain TCP")]),
    CertificatePanel("backend/server.crt"), WorkbenchPanel(), PlacementPanel(), FleetPanel()]
display(*panels)
"""
#: The floor: the same frame, and a callback that does nothing.
EMPTY_PANEL = """
import ipywidgets
from mtls_lab.panels.base import Panel

class EmptyPanel(Panel):
    name = "empty"

    def __init__(self):
        super().__init__("Empty", "A callback that does nothing.")
        button = ipywidgets.Button(description="Nothing")
        self.on_click(button, self.nothing)
        self.add(button)
        self.nothing()

    def nothing(self):
        self.show(None, "", "<p>Nothing</p>", outcome="ok")

EmptyPanel()
"""
CREDENTIAL_PANEL = f"{ENTER}\nfrom mtls_lab import CredentialPanel\nCredentialPanel()"

#: Do something, and tell the milliseconds until the panel shows its next result.
TIMED = """([name, kind, value]) => new Promise((resolve, reject) => {
    setTimeout(() => reject(`no result: ${name}, ${kind} ${value}`), 10_000);
    const panel = document.querySelector(`[data-testid="${name}-result"]`).closest(".lab-panel");
    const number = () => panel.querySelector("[data-seq]").dataset.seq;
    const before = number();
    const start = performance.now();
    new MutationObserver((_, observer) => {
        if (number() === before) return;
        observer.disconnect();
        resolve(performance.now() - start);
    }).observe(panel, { attributes: true, childList: true, subtree: true });
    if (kind === "button") {
        [...panel.querySelectorAll("button")].find((b) => b.textContent.trim() === value).click();
    } else {
        const select = panel.querySelector("select");
        select.value = value;
        select.dispatchEvent(new Event("change", { bubbles: true }));
    }
})"""


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield table(folder)
        with opened(folder) as (page, learner):
            yield clicks(page, learner)
            yield whole_page(page, learner)
        yield memory(folder)


def table(folder: Path) -> Figure:
    """The attack table of all three parts."""
    took = statistics.median(
        seconds(lambda: attack_table(lab_protections(folder / "table"))) for _ in range(5)
    )
    return Figure("the attack table of all parts", f"{took:.2f} s", f"≤ {TABLE} s", took <= TABLE)


@contextmanager
def opened(folder: Path) -> Iterator[tuple[LabPage, Path]]:
    """A page of a JupyterLab in a learner's folder."""
    learner = folder / "learner"
    unpacking.unpack(learner)
    # The page as a learner has it, in which JupyterLab draws what is in view first.
    settings = SETTINGS | {TRACKER: {"recordTiming": True}}
    scratch = folder / "jupyter"
    with chromium() as browser, JupyterLab(learner, scratch, settings) as lab:
        yield lab.visit(browser), learner


def write(path: Path, *cells: str) -> str:
    """Write a notebook and return its name; without a kernel's name, JupyterLab would ask."""
    sources = [new_code_cell(source) for source in cells]
    nbformat.write(new_notebook(cells=sources, metadata=METADATA), path)
    return path.name


def clicks(page: LabPage, learner: Path) -> Figure:
    """Every credential in both versions, each beside a click that does nothing."""
    page.open(write(learner / "clicks.ipynb", EMPTY_PANEL, CREDENTIAL_PANEL))
    page.run_all()
    page.page.wait_for_selector('[data-testid="credential-result"]')
    timed = partial(page.page.evaluate, TIMED)
    main, others = list(catalogue().values())[:3], list(catalogue().values())[3:]
    flips = [("button", credential.title) for credential in main[1:]]
    flips += [("select", credential.title) for credential in others]
    flips += [("button", main[0].title)]
    ours, floor = [], []
    for _ in range(ROUNDS):
        for version in ("TLS 1.2", "TLS 1.3"):
            for flip in (("button", version), *flips):
                floor.append(timed(["empty", "button", "Nothing"]))
                ours.append(timed(["credential", *flip]))
    page.close()
    slow, bare = (statistics.quantiles(times, n=20)[-1] for times in (ours, floor))
    details = f"p95 {slow:.0f} : {bare:.0f} ms, p50 "
    details += " : ".join(f"{statistics.median(times):.0f}" for times in (ours, floor))
    ratio = slow / bare
    name = f"click to outcome, p95 of {len(ours)} : empty callback"
    return Figure(name, f"{ratio:.3f}", "≤ 1.50", ratio <= 1.5, f"{details} ms")


def whole_page(page: LabPage, learner: Path) -> Figure:
    """Part 3 opened and run to its end; beside it an empty notebook, and what the cells need.

    What the cells need is how long the kernel was busy with them in that very run, with the
    browser beside it on the same machine. Alone, the kernel needs less (see notebooks.py).
    """
    empty = write(learner / "empty.ipynb", "pass")

    def run(name: str) -> None:
        page.open(name)
        page.run_all()

    def pair() -> tuple[float, float]:
        ours = seconds(lambda: run(PART_3.name))
        cells = page.busy()
        page.close()
        floor = seconds(lambda: run(empty))
        page.close()
        return ours, floor + cells

    pair()  # the first one also fetches JupyterLab's own files
    pairs = Pairs(*zip(*(pair() for _ in range(9)), strict=True))
    return pairs.at_most(1.3, "Part 3 opened and run : an empty one + cells")


def memory(folder: Path) -> Figure:
    """A kernel that shows every panel, beside one that has imported the same libraries."""
    unpacking.unpack(folder / "memory")
    sizes = []
    for number, steps in enumerate([(IMPORTS,), (IMPORTS, ENTER, EVERY_PANEL)]):
        own = folder / f"kernel{number}"
        own.mkdir()
        with Kernel(folder / "memory", environment(own)) as kernel:
            for step in ("import psutil", *steps):
                kernel.run(step)
            sizes.append(int(kernel.run("print(psutil.Process().memory_info().rss)")))
    bare, ours = sizes
    details = f"{ours / 2**20:.0f} : {bare / 2**20:.0f} MiB"
    ratio = ours / bare
    return Figure(
        "memory with all panels : imports", f"{ratio:.3f}", "≤ 1.25", ratio <= 1.25, details
    )

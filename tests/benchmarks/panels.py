"""What the panels cost: a click until its result shows, a table, a whole page, memory.

Here: a real JupyterLab in a real browser, and kernels. Not here: whether the results are right
(tests/browser).
"""

import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import BrowserContext, CDPSession

from mtls_lab.attacks import attack_table, lab_protections
from mtls_lab.experiments import catalogue
from mtls_lab.experiments.fleet import SHARING
from mtls_lab.learner import notebooks as unpacking
from mtls_lab.panels.fleet import STEPS
from tests.authoring.canonical import METADATA, NOTEBOOKS
from tests.benchmarks.figures import Figure, Pairs, seconds
from tests.benchmarks.imports import environment
from tests.browser.lab import SETTINGS, TRACKER, JupyterLab, LabPage, chromium
from tests.notebooks.kernel import Kernel

#: A kind of control, and which one or what of it.
Flip = tuple[str, str]

(PART_3,) = (path for path in NOTEBOOKS if path.stem == "3_mutual_tls")
#: How often each panel goes through its choices: some 300 clicks, 12 of them above the p95.
ROUNDS = {"credential": 8, "workbench": 20, "fleet": 14}
#: A click until its outcome is there, as a multiple of one that does nothing.
LIMITS = {"credential": 1.2, "workbench": 1.6, "fleet": 1.4}
#: Part 3 in the page, run to its end, in MiB of JavaScript.
PAGE = 60
#: Between two readings of it, in milliseconds.
PAUSE = 500
#: The whole attack table, in seconds.
TABLE = 2.0

IMPORTS = "import ipywidgets, cryptography.x509, ssl, mtls_lab, mtls_lab.learner"
ENTER = "from mtls_lab import enter; enter(4)"
EVERY_PANEL = """
from IPython.display import display
from mtls_lab import AttackPanel, CertificatePanel, CredentialPanel, FleetPanel
from mtls_lab import PlacementPanel, Protection, WirePanel, WorkbenchPanel
panels = [CredentialPanel(), WirePanel(), AttackPanel([Protection("Plain TCP")]),
    CertificatePanel("backend/server.crt"), WorkbenchPanel(), PlacementPanel(), FleetPanel()]
display(*panels)
"""
#: A server as Jupyter has it: between a kernel and a page, it waits for receipts (cli/jupyter.py).
JUPYTERS = "jupyter_server.services.kernels.connection.channels.ZMQChannelsWebsocketConnection"
PLAIN = (f"--ServerApp.kernel_websocket_connection_class={JUPYTERS}",)
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
PANEL = f"{ENTER}\nfrom mtls_lab import {{0}}\n{{0}}()"

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
    } else if (kind === "box") {
        [...panel.querySelectorAll("label")].find((l) => l.textContent.trim() === value)
            .querySelector("input").click();
    } else {
        const select = [...panel.querySelectorAll("select")].find(
            (each) => [...each.options].some((option) => option.value === value));
        select.value = value;
        select.dispatchEvent(new Event("change", { bubbles: true }));
    }
})"""


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield table(folder)
        with chromium() as browser, opened(browser, folder / "own") as (page, learner):
            yield page_memory(page, learner)  # first: JupyterLab keeps some of what is closed
            with opened(browser, folder / "plain", PLAIN) as (plain, of_plain):
                bare = plain, write(of_plain / "empty panel.ipynb", EMPTY_PANEL)
                for panel, limit in LIMITS.items():
                    yield clicks(page, learner, bare, panel, limit)
            yield whole_page(page, learner)
        yield memory(folder)


def table(folder: Path) -> Figure:
    """The attack table of all three parts."""
    took = statistics.median(
        seconds(lambda: attack_table(lab_protections(folder / "table"))) for _ in range(5)
    )
    return Figure("the attack table of all parts", f"{took:.2f} s", f"≤ {TABLE} s", took <= TABLE)


@contextmanager
def opened(
    browser: BrowserContext, folder: Path, more: tuple[str, ...] = ()
) -> Iterator[tuple[LabPage, Path]]:
    """A page of a JupyterLab in a learner's folder."""
    learner = folder / "learner"
    unpacking.unpack(learner)
    # The page as a learner has it, in which JupyterLab draws what is in view first.
    settings = SETTINGS | {TRACKER: {"recordTiming": True}}
    with JupyterLab(learner, folder / "jupyter", settings, more, without=()) as lab:
        yield lab.visit(browser), learner


def write(path: Path, *cells: str) -> str:
    """Write a notebook and return its name; without a kernel's name, JupyterLab would ask."""
    sources = [new_code_cell(source) for source in cells]
    nbformat.write(new_notebook(cells=sources, metadata=METADATA), path)
    return path.name


def flips(name: str) -> list[Flip]:
    """One round through the choices of a panel: each is a change, and the last leads back."""
    if name == "workbench":
        selects = ["clientAuth", "keyEncipherment", "another host", "expired"]
        back = ["valid", "localhost", "digitalSignature", "serverAuth"]
        boxes = ["CA:TRUE", "Authority key identifier"]
        return [("select", each) for each in selects + back] + [("box", each) for each in boxes * 2]
    if name == "fleet":
        states = [("button", each) for each in (*list(STEPS.values())[1:], STEPS["well"])]
        return [
            flip for words in reversed(SHARING.values()) for flip in (("select", words), *states)
        ]
    main, others = list(catalogue().values())[:3], list(catalogue().values())[3:]
    of_one = [("button", each.title) for each in main[1:]]
    of_one += [("select", each.title) for each in others] + [("button", main[0].title)]
    return [flip for version in ("TLS 1.2", "TLS 1.3") for flip in (("button", version), *of_one)]


def clicks(
    page: LabPage, learner: Path, bare: tuple[LabPage, str], name: str, limit: float
) -> Figure:
    """Every choice of a panel in turn, each beside a click that does nothing.

    There are two such clicks: in a JupyterLab whose server is Jupyter's own, which is the floor,
    and in the very page of the panel, whose server is the lab's and answers sooner.
    """
    plain, empty = bare
    plain.open(empty)
    page.open(write(learner / f"{name}.ipynb", EMPTY_PANEL, PANEL.format(f"{name.title()}Panel")))
    for each, shown in ((plain, "empty"), (page, name)):
        each.run_all()
        each.page.wait_for_selector(f'[data-testid="{shown}-result"]')
    nothing = ["empty", "button", "Nothing"]
    ours, floor, own = [], [], []
    for flip in flips(name) * ROUNDS[name]:
        floor.append(plain.page.evaluate(TIMED, nothing))
        own.append(page.page.evaluate(TIMED, nothing))
        ours.append(page.page.evaluate(TIMED, [name, *flip]))
    page.close()
    plain.close()
    slow, bare_ms, own_ms = (statistics.quantiles(each, n=20)[-1] for each in (ours, floor, own))
    medians = " : ".join(f"{statistics.median(each):.0f}" for each in (ours, floor, own))
    details = f"p95 {slow:.0f} : {bare_ms:.0f} : {own_ms:.0f} ms, p50 {medians} ms; "
    details += f"beside the lab's own empty click {slow / own_ms:.2f}"
    title = f"{name}, click to outcome, p95 of {len(ours)}"
    ratio = slow / bare_ms
    return Figure(title, f"{ratio:.3f}", f"≤ {limit:.2f}", ratio <= limit, details)


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


def settled(page: LabPage, devtools: CDPSession) -> int:
    """The bytes that the page keeps once it rests: right after a run it still makes and drops some.

    That moves one reading by a quarter, to both sides.
    """
    before, now = 0, -(2**30)
    while abs(now - before) > 2**20:
        page.page.wait_for_timeout(PAUSE)
        devtools.send("HeapProfiler.collectGarbage")
        before, now = now, int(devtools.send("Runtime.getHeapUsage")["usedSize"])
    return now


def page_memory(page: LabPage, learner: Path) -> Figure:
    """What the page keeps once Part 3 was run, beside what it keeps with an empty notebook."""
    sizes = []
    for name in (write(learner / "empty.ipynb", "pass"), PART_3.name):
        page.open(name)
        page.run_all()
        devtools = page.page.context.new_cdp_session(page.page)
        sizes.append(settled(page, devtools) / 2**20)
        devtools.detach()
        page.close()
    bare, ours = sizes
    details = f"an empty notebook: {bare:.0f} MiB"
    return Figure("page memory with Part 3", f"{ours:.0f} MiB", f"≤ {PAGE}", ours <= PAGE, details)

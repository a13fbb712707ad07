"""A real JupyterLab and its pages in a real browser, for every test that needs to look.

Here: start and stop the server, open a notebook, run it, read what happened, take pictures. Not
here: what a notebook or a panel should show; that is in the tests.
"""

import base64
import inspect
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from mtls_lab.cli.jupyter import EXPORT, EXTENSIONS, OWN, WORKSPACES
from mtls_lab.common import ToolMissing

LIGHT, DARK = "JupyterLab Light", "JupyterLab Dark"
#: A desktop, and the narrowest phone.
WIDE, NARROW = 1280, 360
#: A notebook is longer than any screen: pictures of it are taken in pieces of this height.
HEIGHT = 3000
#: `make pictures` takes them, for a person to look at. No test needs them, and they take long.
WITH_PICTURES = os.environ.get("PICTURES") == "yes"

#: Milliseconds. Tests wait for a state of the page, never for a time; this ends the wait for one
#: that never comes. No test waits for it, so it is far longer than a busy machine needs.
GUARD = 120_000

CHROMIUM_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),  # a container, perhaps as root
    *("--disable-quic", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run"),  # nothing goes to the network
]

#: The learner's server, with the options of a test.
SERVER = "import sys; from mtls_lab.cli.jupyter import run; run(sys.argv[1:])"

TRACKER = "notebook-extension/tracker"
SETTINGS: dict[str, dict[str, object]] = {
    # Every cell is in the page, not just those in view; and how long each took is noted.
    TRACKER: {"windowingMode": "none", "recordTiming": True},
    # A save during a test is one more thing that moves.
    "docmanager-extension/plugin": {"autosave": False},
}

#: Parts of JupyterLab that no test can see, and that cost a tenth of a click: the icon in the
#: browser's tab, loaded anew whenever the kernel begins and ends something.
UNSEEN = ("@jupyterlab/application-extension:faviconbusy",)

OPEN = """async (path) => {
    const app = window.jupyterapp;
    await app.restored;
    const widget = await app.commands.execute("docmanager:open", { path, factory: "Notebook" });
    app.shell.activateById(widget.id);
}"""
IS_OPEN = "(path) => window.jupyterapp.shell.currentWidget?.context?.path === path"
# The idle indicator is not enough: a Run All right after it is lost now and then.
READY = """async () => {
    const { context } = window.jupyterapp.shell.currentWidget;
    await context.ready;
    await context.sessionContext.ready;
    const { kernel } = context.sessionContext.session;
    if (kernel.connectionStatus !== "connected") {
        await new Promise((resolve) => kernel.connectionStatusChanged.connect(
            (_, status) => status === "connected" && resolve()));
    }
    await kernel.info;
}"""
CLOSE = """async () => {
    const widget = window.jupyterapp.shell.currentWidget;
    await widget.context.sessionContext.shutdown();
    widget.dispose();  // unlike close(), it does not ask whether to save
}"""
CELLS = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
    .filter((cell) => cell.type === "code")
    .map((cell) => cell.sharedModel.toJSON())
    .map(({ source, execution_count, outputs }) => ({ source, execution_count, outputs }))"""
BUSY = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
    .map((cell) => cell.getMetadata("execution"))
    .filter((times) => times)
    .map((times) => new Date(times["iopub.status.idle"]) - new Date(times["iopub.status.busy"]))
    .reduce((sum, took) => sum + took / 1000, 0)"""
THEME = """(theme) =>
    window.jupyterapp.commands.execute("apputils:change-theme", { theme })"""
#: JupyterLab passes a new size on from part to part, with a frame in between: what is measured
#: before the last one has it is neither of the old size nor of the new one.
RESIZED = """async (width) => {
    const frame = () => new Promise(requestAnimationFrame);
    while (window.innerWidth !== width) await frame();
    for (let part = 0; part < 4; part += 1) await frame();
}"""
SHEET = """() => [...document.styleSheets]
    .filter(({ href }) => href?.includes("/themes/"))
    .flatMap(({ cssRules }) => [...cssRules].map((rule) => rule.cssText)).join("\\n")"""
#: What scrolls in a notebook; its own scrollHeight counts the empty page after the last cell.
SCROLLER = ".jp-NotebookPanel .jp-WindowedPanel-outer"
LENGTH = """(box) => {
    const last = [...box.querySelectorAll(".jp-Cell")].at(-1).getBoundingClientRect();
    return [
        Math.ceil(last.bottom - box.getBoundingClientRect().top + box.scrollTop), box.clientHeight];
}"""
OVERFLOW = """(selector) => Math.max(
    ...[document.documentElement, document.querySelector(selector)]
        .map((box) => box.scrollWidth - box.clientWidth))"""


def check_driver() -> None:
    """See whether Playwright's own Node starts: it needs a library that Chromium does without."""
    node = Path(inspect.getfile(sync_playwright)).parents[1] / "driver" / "node"
    tried = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    if tried.returncode:
        raise ToolMissing(
            f"Playwright does not start: {tried.stderr.strip()}",
            "the libraries that its Node needs",
            "on Debian, install libatomic1",
        )


@contextmanager
def chromium() -> Iterator[BrowserContext]:
    """The machine's own Chromium, with one cache for all pages. Raises ToolMissing."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((path for name in names if (path := shutil.which(name))), None)
    if program is None:
        raise ToolMissing(f"none of {', '.join(names)}", "a browser", "install chromium")
    check_driver()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=CHROMIUM_FLAGS, timeout=GUARD
        )
        context = browser.new_context(
            reduced_motion="reduce"
        )  # what moves is looked at where it stops
        context.set_default_timeout(GUARD)
        yield context
        browser.close()


class JupyterLab:
    """A JupyterLab that serves `folder`; `with` starts and stops it. It reads no user's settings.

    Args:
        folder: a learner's folder.
        scratch: an empty folder for its own files.
        settings: what differs from what a learner has, by plugin.
        more: further options of the server.
        without: the parts of JupyterLab that are left out.

    Attributes:
        url: where it listens, without a path.
        token: what it asks a page for.
        log: the last lines that it wrote.
    """

    def __init__(
        self,
        folder: Path,
        scratch: Path,
        settings: dict[str, dict[str, object]] = SETTINGS,
        more: tuple[str, ...] = (),
        without: tuple[str, ...] = UNSEEN,
    ) -> None:
        self.folder, self._scratch, self._settings = folder, scratch, settings
        self._more, self._without = more, without
        self.log: deque[str] = deque(maxlen=200)
        self.token = secrets.token_hex(16)

    def __enter__(self) -> Self:
        environment = dict(os.environ)
        for name in (
            *("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"),
            *("JUPYTERLAB_SETTINGS_DIR", "TMPDIR"),
        ):
            environment[name] = str(self._scratch / name.lower())
            (self._scratch / name.lower()).mkdir(parents=True)
        for name, settings in self._settings.items():
            file = Path(environment["JUPYTERLAB_SETTINGS_DIR"], f"@jupyterlab/{name}")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.with_suffix(".jupyterlab-settings").write_text(json.dumps(settings))
        file = Path(environment["JUPYTER_CONFIG_DIR"], "labconfig", "page_config.json")
        file.parent.mkdir()
        file.write_text(json.dumps({"disabledExtensions": dict.fromkeys(self._without, True)}))
        options = [
            *("--no-browser", "--ip=127.0.0.1", "--port=0", "--ServerApp.port_retries=0"),
            f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={self.folder}",
            f"--LabApp.app_settings_dir={OWN}",  # as a learner's, and so are the next
            f"--LabApp.workspaces_dir={self.folder / WORKSPACES}",
            *("--LabApp.custom_css=True", EXTENSIONS, *EXPORT),
            "--LanguageServerManager.autodetect=False",
            *("--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly"),
            *(["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
            *self._more,
        ]
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVER, *options],
            env=environment,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        # Somebody has to read what it writes, or it stands still when the pipe is full.
        self._reader = threading.Thread(target=self._read_on, daemon=True)
        try:
            self.url = self._wait_until_up()
            self._reader.start()
        except BaseException:
            self._process.kill()
            self._process.communicate()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=GUARD / 1000)
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join()
            assert self._process.stderr is not None
            self._process.stderr.close()

    def _wait_until_up(self) -> str:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.log.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+(?=/lab)", line):
                return found[0]
        self._process.wait()
        raise RuntimeError("JupyterLab did not start:\n" + "".join(self.log))

    def _read_on(self) -> None:
        assert self._process.stderr is not None
        self.log.extend(self._process.stderr)

    def visit(self, browser: BrowserContext) -> "LabPage":
        """A page of this Lab that shows one document at a time, none yet."""
        lab = LabPage(browser.new_page(), urlsplit(self.url).netloc)
        lab.set_width(WIDE)
        # A workspace that another page has open would be exchanged for a new one, by a reload.
        workspace = secrets.token_hex(4)
        lab.page.goto(f"{self.url}/doc/workspaces/{workspace}?token={self.token}")
        lab.page.wait_for_function("() => window.jupyterapp?.shell")
        return lab


@dataclass(frozen=True)
class Cell:
    """A code cell as the page's model has it after a run."""

    source: str
    count: int | None
    errors: tuple[str, ...]


#: What is complained of on a busy machine, and nothing is lost (test_slow_page.py). anywidget: a
#: page needs more than the two seconds that it gives a widget. ipywidgets: a saved panel is looked
#: for before the notebook was read, and is drawn again (data/jupyterlab/extensions).
LATE = ("[anywidget] Failed to initialize model.", "Error: widget model not found")


@dataclass
class LabPage:
    """One page, and the one notebook that is open in it. Loading it takes seconds: keep it.

    Attributes:
        page: playwright's page, for whatever a test wants to click.
        complaints: errors in the browser's console, and requests that left this machine,
            since the notebook was opened.
        late: how many widgets came late, see LATE.
        theme: LIGHT or DARK.
    """

    page: Page
    host: str
    complaints: list[str] = field(default_factory=list)
    late: int = 0
    theme: str = LIGHT

    def __post_init__(self) -> None:
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self._complain(str(error)))
        self.page.on("request", self._on_request)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._complain(message.text)

    def _complain(self, text: str) -> None:
        if text.startswith(LATE):
            self.late += 1
        else:
            self.complaints.append(text)

    def _on_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in {"data", "blob"} and address.netloc != self.host:
            self.complaints.append(f"request to {address.netloc}")

    def open(self, notebook: str) -> None:
        """Show a notebook, with a new kernel that is connected and ready."""
        self.complaints.clear()
        self.page.evaluate(OPEN, notebook)
        self.page.wait_for_function(IS_OPEN, arg=notebook)
        self.page.evaluate(READY)

    def close(self) -> None:
        """Put the notebook away without saving it, and end its kernel."""
        self.page.evaluate(CLOSE)

    def run_all(self) -> None:
        """Run All, and wait until the last cell is done."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")

    def cells(self) -> list[Cell]:
        """The code cells, in order."""
        return [
            Cell(
                source=cell["source"],
                count=cell["execution_count"],
                errors=tuple(o["evalue"] for o in cell["outputs"] if o["output_type"] == "error"),
            )
            for cell in self.page.evaluate(CELLS)
        ]

    def busy(self) -> float:
        """For how many seconds the kernel was busy with the cells of the last Run All."""
        took: float = self.page.evaluate(BUSY)
        return took

    def set_theme(self, theme: str) -> None:
        """LIGHT or DARK; drawn when this returns. Every page of this server follows."""
        self.page.evaluate(THEME, theme)
        self.page.wait_for_function(
            "theme => document.body.dataset.jpThemeName === theme", arg=theme
        )
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")
        self.theme = theme

    def theme_sheet(self) -> str:
        """The rules of the theme that is shown, as JupyterLab loaded them."""
        return str(self.page.evaluate(SHEET))

    def set_width(self, width: int, height: int = 800) -> None:
        """The size of the window, in CSS pixels; JupyterLab has followed when this returns."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.evaluate(RESIZED, width)

    def overflow(self) -> int:
        """By how many pixels the page, or the notebook in it, is wider than the window."""
        excess: int = self.page.evaluate(OVERFLOW, SCROLLER)
        return excess

    def screenshots(self, folder: Path, name: str) -> None:
        """Pictures of the whole notebook from top to bottom, at the present width and theme."""
        if not WITH_PICTURES:
            return
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{name}-*.png"):
            old.unlink()
        size = self.page.viewport_size
        assert size is not None
        self.set_width(size["width"], HEIGHT)
        scroller = self.page.locator(SCROLLER)
        devtools = self.page.context.new_cdp_session(self.page)
        length, step = scroller.evaluate(LENGTH)
        for number, top in enumerate(range(0, length, step), start=1):
            scroller.evaluate("(box, top) => box.scrollTo(0, top)", top)
            # By itself playwright packs a picture tighter, in twice the time.
            taken = devtools.send("Page.captureScreenshot", {"optimizeForSpeed": True})
            picture = folder / f"{name}-{number}.png"
            picture.write_bytes(base64.b64decode(taken["data"]))
        devtools.detach()
        self.set_width(size["width"], size["height"])

"""What a start costs: from the command to the first cell that can be read.

Here: `mtls-lab start` in a new folder, beside a bare JupyterLab with the same notebook. Not here:
what the page shows then (tests/browser).
"""

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path

from playwright.sync_api import BrowserContext

from mtls_lab.learner import notebooks as unpacking
from tests.benchmarks.figures import Figure, compare
from tests.browser.lab import chromium

LAB = [sys.executable, "-c", "import sys; from mtls_lab.cli import main; sys.exit(main())"]
BARE = [sys.executable, "-m", "jupyterlab", "--ServerApp.port_retries=0"]
BARE += ["--allow-root"] * (hasattr(os, "geteuid") and os.geteuid() == 0)
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/lab(?:/tree/\S+)?\?token=\w+")
FIRST = ".jp-NotebookPanel .jp-RenderedMarkdown h1"


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        folders = (Path(name, str(number)) for number in count())
        pairs = compare(
            lambda: ours(browser, next(folders)), lambda: floor(browser, next(folders)), pairs=5
        )
    yield pairs.at_most(1.15, "start to the first cell : bare JupyterLab")


def ours(browser: BrowserContext, folder: Path) -> float:
    command = [*LAB, "start", str(folder / "lab"), "--no-browser", "--port", "0"]
    return until_readable(browser, folder, command, folder)


def floor(browser: BrowserContext, folder: Path) -> float:
    """With a folder that is there already; making it is what `start` does beyond."""
    unpacking.unpack(folder / "lab")
    first = unpacking.notebooks()[0].name
    command = [
        *BARE,
        "--no-browser",
        "--ServerApp.port=0",
        f"--LabApp.default_url=/lab/tree/{first}",
    ]
    return until_readable(browser, folder, command, folder / "lab")


def until_readable(browser: BrowserContext, folder: Path, command: list[str], where: Path) -> float:
    """Run a command, open the address that it prints, and wait for the heading of Part 1."""
    where.mkdir(exist_ok=True, parents=True)
    begin = time.perf_counter()
    with subprocess.Popen(
        command, cwd=where, env=alone(folder), stderr=subprocess.PIPE, text=True,
        stdout=subprocess.DEVNULL,
    ) as server:  # fmt: skip
        try:
            assert server.stderr is not None
            address = next(found[0] for line in server.stderr if (found := ADDRESS.search(line)))
            reader = threading.Thread(target=partial(list, server.stderr), daemon=True)
            reader.start()
            page = browser.new_page()
            page.goto(address)
            page.wait_for_selector(FIRST)
            took = time.perf_counter() - begin
            page.close()
        finally:
            server.terminate()
        reader.join()
    return took


def alone(folder: Path) -> dict[str, str]:
    """An environment without this person's settings, and outside of every other Jupyter."""
    own = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    for name in ("CONFIG", "DATA", "RUNTIME"):
        own[f"JUPYTER_{name}_DIR"] = str(folder / name)
    return own | {"JUPYTERLAB_SETTINGS_DIR": str(folder / "s"), "IPYTHONDIR": str(folder / "i")}

"""What is known about the pages when a browser test fails, as text for its report.

Here: each page as it stands, its notebook and its kernel, and what JupyterLab and the console
said. Not here: what should have been; that is in the tests.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, Error, Page

#: The notebook that is open, each cell that is not done or has failed, and what asks for an answer.
STATE = """() => {
    const current = window.jupyterapp?.shell?.currentWidget;
    const kernel = current?.context?.sessionContext?.session?.kernel;
    const models = [...current?.content?.model?.cells ?? []];
    const cells = models.map((cell) => cell.sharedModel.toJSON());
    return {
        notebook: current?.context?.path,
        kernel: kernel && `${kernel.status}, ${kernel.connectionStatus}`,
        run: cells.filter((cell) => cell.execution_count).length,
        waiting: [...document.querySelectorAll(".jp-InputPrompt")]
            .filter((prompt) => prompt.textContent.includes("*")).length,
        errors: cells.flatMap((cell) => cell.outputs ?? [])
            .filter((output) => output.output_type === "error").map((output) => output.evalue),
        panels: [...document.querySelectorAll("[data-testid][data-outcome]")].map((each) =>
            `${each.dataset.testid} ${each.dataset.seq ?? ""} ${each.dataset.outcome}`),
        dialogs: [...document.querySelectorAll(".jp-Dialog")].map((each) => each.innerText),
    };
}"""


@dataclass
class Witness:
    """Listens to a browser, and tells what its pages show.

    Attributes:
        browser: all of whose pages are meant.
        heard: the last lines of their consoles.
    """

    browser: BrowserContext
    heard: deque[str] = field(default_factory=lambda: deque(maxlen=40))

    def __post_init__(self) -> None:
        self.browser.on("console", lambda line: self.heard.append(f"{line.type}: {line.text}"))
        self.browser.on("weberror", lambda error: self.heard.append(f"error: {error.error}"))

    def tell(self, pictures: Path, test: str) -> Iterator[str]:
        """Take a picture of each page; give a line for each thing that is known."""
        pictures.mkdir(parents=True, exist_ok=True)
        for number, page in enumerate(self.browser.pages, start=1):
            picture = pictures / f"failed-{test}-{number}.png"
            yield f"page {number}, see {picture}: {page.url.partition('?')[0]}"
            yield from _state(page, picture)
        yield from self.heard


def _state(page: Page, picture: Path) -> Iterator[str]:
    try:
        page.screenshot(path=picture)
        yield from (f"    {name}: {value}" for name, value in page.evaluate(STATE).items())
    except Error as error:
        yield f"    it does not answer: {error.message}"

"""`make notebooks`: runs each notebook as a learner would and writes it the same way every time.

Here: run, tidy, write. Not here: what a notebook must look like (test_form.py) and whether its
outputs still hold (test_outputs.py).
"""

import re
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from mtls_lab.drawing import VARYING
from mtls_lab.learner import notebooks as unpacking
from tests.authoring import abbreviations

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
#: Starts programs of other stacks, which not every machine has: tests/notebooks/test_stacks.py.
STACKS = ROOT / "notebooks" / "5_in_your_own_stack.ipynb"
#: What runs with the lab alone.
ALONE = [path for path in NOTEBOOKS if path != STACKS]

#: No version in it: the same notebook runs on every supported Python.
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
#: Of a cell's metadata: what a learner's JupyterLab left behind is not kept.
KEPT = ("slideshow", "tags", "jupyter")
WIDGET = "application/vnd.jupyter.widget-view+json"
#: What is marked as different in every run, such as the bytes in a ladder; see sanitize.cfg.
VARIES = re.compile(".*?".join(VARYING))
#: No cell takes five seconds; the rest is for a machine that does something else as well.
CELL_TIMEOUT = 300
#: No warning of the kernel's own ports, and no entry in this person's history of IPython.
KERNEL_OPTIONS = ["--IPKernelApp.log_level=ERROR", "--HistoryManager.enabled=False"]


def read(path: Path) -> NotebookNode:
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    return notebook


def unpack(name: str, folder: Path) -> Path:
    """A learner's folder as `mtls-lab start` makes it, with outputs; the path of one notebook."""
    unpacking.unpack(folder)
    for path in NOTEBOOKS:
        shutil.copy(path, folder)
    return folder / name


def execute(path: Path) -> NotebookNode:
    """The notebook after Run All in its own folder. Raises CellExecutionError."""
    notebook = read(path)
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        record_timing=False,  # no dates
        store_widget_state=False,  # a page without a kernel shows the fallback instead
        coalesce_streams=True,  # one output however the prints were sent
        extra_arguments=KERNEL_OPTIONS,
        resources={"metadata": {"path": str(path.parent)}},
    )
    return client.execute()


def tidy(notebook: NotebookNode) -> str:
    """The notebook as text in which nothing depends on the run or the machine."""
    models: dict[str, str] = {}
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    abbreviations.mark(notebook)
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number:02}"
        cell.source = cell.source.strip("\n")
        cell.metadata = {key: cell.metadata[key] for key in KEPT if cell.metadata.get(key)}
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "text/html" in data:
                data["text/html"] = VARIES.sub("", data["text/html"])
            if view := data.get(WIDGET):
                view["model_id"] = models.setdefault(view["model_id"], f"model-{len(models) + 1}")
    nbformat.validate(notebook)
    return str(nbformat.writes(notebook)) + "\n"


def main(arguments: list[str]) -> None:
    """Rewrites the notebooks named, or all of them."""
    for source in [path for path in NOTEBOOKS if not arguments or path.name in arguments]:
        with tempfile.TemporaryDirectory() as folder:
            text = tidy(execute(unpack(source.name, Path(folder))))
        changed = text != source.read_text(encoding="utf-8")
        source.write_text(text, encoding="utf-8")
        print(f"{source.relative_to(ROOT)}: {'written' if changed else 'unchanged'}")


if __name__ == "__main__":
    main(sys.argv[1:])

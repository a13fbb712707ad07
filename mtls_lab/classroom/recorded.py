"""A notebook that needs a software TPM, on a machine that has none: it shows what was recorded.

Here: starting the TPM, or letting each later cell show the outputs that its notebook was published
with, marked as such. Not here: the TPM (tpm/).
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

from mtls_lab.common import LabError, PathLike, ToolMissing, resource_folder
from mtls_lab.tpm import SoftwareTPM, missing
from mtls_lab.tpm.provider import installing

__all__ = ["software_tpm"]

#: What stands above each output that no run on this machine gave.
MARK = "Recorded on another machine, because this one has no software TPM:"

#: What runs without a software TPM as well: a panel has records of its own, or needs no TPM.
RUNS = ("software_tpm(", "TpmPanel(", "QuizPanel(")
#: The kind of output that a page takes for a widget: of a recorded one there is no widget any more.
VIEW = "application/vnd.jupyter.widget-view+json"

Outputs = dict[str, list[dict[str, Any]]]


def software_tpm(folder: PathLike, notebook: str) -> SoftwareTPM | None:
    """Start the software TPM of a folder; without one, let this notebook show what was recorded.

    It starts with no wrong PIN counted: a learner may have stopped where the TPM was locked.

    Args:
        folder: where the TPM's state is.
        notebook: the name of the notebook that asks, such as "4_key_in_a_tpm".

    Returns:
        The TPM; None where it cannot run here. Then cells that were not changed show the outputs
        that the notebook was published with, and nothing of theirs runs.

    Raises:
        LabError: there is a software TPM, and it does not start.
    """
    lacking = missing()
    try:
        if not lacking:
            chip = SoftwareTPM(folder)
            chip.unlock()
            return chip
    except ToolMissing as error:
        print(error)
    else:
        todo = installing(lacking)
        if sys.platform == "linux":
            todo += "; then restart the kernel. Until then, the cells below show recorded outcomes"
        found = f"a machine without {', '.join(lacking)}"
        print(LabError(found, "a software TPM, and OpenSSL's provider for it", todo))
    shell = import_module("IPython").get_ipython()
    if shell is not None:
        recorded = _outputs_of(notebook)
        shell.input_transformers_cleanup.append(lambda lines: _instead(lines, recorded))
    return None


def _outputs_of(notebook: str) -> Outputs:
    """Return the outputs of each cell of a published notebook, by its source."""
    path = resource_folder("notebooks") / f"{notebook}.ipynb"
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return {
        "".join(cell["source"]).strip(): cell["outputs"]
        for cell in cells
        if cell["cell_type"] == "code"
    }


def _instead(lines: list[str], recorded: Outputs) -> list[str]:
    """Return the lines of a cell, or those that show what was recorded for it."""
    key = "".join(lines).strip()
    if key not in recorded or any(name in key for name in RUNS):
        return lines
    _shown[:] = [recorded[key]]
    return ["from mtls_lab.classroom import recorded as _recorded; _recorded.show()\n"]


#: The outputs of the cell that runs now.
_shown: list[list[dict[str, Any]]] = []


def show() -> None:
    """Show the recorded outputs of the cell that runs now, and say that they are recorded."""
    display = import_module("IPython.display").display
    print(MARK)
    for output in _shown[0]:
        if "text" in output:
            print("".join(output["text"]), end="")
        elif "data" in output:
            data = output["data"].items()
            kinds = {kind: _joined(value) for kind, value in data if kind != VIEW}
            display(kinds, raw=True)


def _joined(value: object) -> object:
    return "".join(value) if isinstance(value, list) else value

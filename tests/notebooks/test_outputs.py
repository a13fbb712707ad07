"""The committed outputs still hold: nbval, strict, in a learner's folder. Form: test_form.py.

Not here: the notebook that starts programs of other stacks (test_stacks.py).
"""

import json
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from mtls_lab.common import scratch_folder
from mtls_lab.tpm import SoftwareTPM, missing
from mtls_lab.tpm.provider import SIGNS_ALONE, version_of
from tests.authoring import canonical
from tests.needed import WITH_TPM

#: Most systems of the matrix have no software TPM: there, these notebooks show what was recorded,
#: which is no comparison (test_recorded.py). `make test` and the newest have one.
RECORDED = WITH_TPM if missing() else set()
NOTEBOOKS = [path for path in canonical.ALONE if path.stem not in RECORDED]
SANITIZE = Path(__file__).with_name("sanitize.cfg")


@cache
def sanitizing() -> Path:
    """What is left out on both sides; more of what a TPM is asked where its provider is another."""
    if missing():
        return SANITIZE
    with scratch_folder() as folder, SoftwareTPM(folder / "tpm") as chip:
        saved_with_this = version_of(chip) < SIGNS_ALONE
    return SANITIZE if saved_with_this else SANITIZE.with_name("sanitize_provider.cfg")


def number_of_code_cells(*notebooks: Path) -> int:
    cells = [cell for path in notebooks for cell in json.loads(path.read_bytes())["cells"]]
    return sum(cell["cell_type"] == "code" for cell in cells)


def run_nbval(
    folder: Path, environment: dict[str, str], *notebooks: Path
) -> tuple[Counter[str], str]:
    """How many cells passed, failed and were skipped; what nbval said."""
    report = folder / "nbval.xml"
    # No plugin but nbval: the others take longer to start than a short notebook to run.
    environment = {**environment, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "nbval.plugin"]
    command += ["--nbval", "--nbval-current-env"]
    command += [f"--nbval-sanitize-with={sanitizing()}"]
    command += [f"--nbval-cell-timeout={canonical.CELL_TIMEOUT}"]
    command += [f"--rootdir={folder}", "-p", "no:cacheprovider", "--color=no"]
    command += [f"--junitxml={report}", *map(str, notebooks)]
    run = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    cells = Counter(
        next(iter(outcome.tag for outcome in case), "passed")
        for case in ET.parse(report).iter("testcase")  # noqa: S314 - written by pytest just now
    )
    return cells, run.stdout


@pytest.mark.matrix
def test_each_notebook_alone(tmp_path: Path, environment: dict[str, str]) -> None:
    """In a folder of its own, with a kernel of its own."""
    copies = [canonical.unpack(path.name, tmp_path / path.stem) for path in NOTEBOOKS]
    cells, said = run_nbval(tmp_path, environment, *copies)
    assert cells == {"passed": number_of_code_cells(*NOTEBOOKS)}, said


@pytest.mark.once
def test_all_notebooks_one_after_the_other(
    tmp_path: Path, learner: Path, environment: dict[str, str]
) -> None:
    copies = [canonical.unpack(source.name, learner) for source in NOTEBOOKS]
    cells, said = run_nbval(tmp_path, environment, *copies)
    assert cells == {"passed": number_of_code_cells(*NOTEBOOKS)}, said


@pytest.mark.once
def test_a_changed_output_is_seen(
    tmp_path: Path, learner: Path, environment: dict[str, str]
) -> None:
    """The comparison is real: each cell whose output was changed fails, and no other."""
    copy = canonical.unpack(NOTEBOOKS[0].name, learner)
    notebook = json.loads(copy.read_bytes())
    with_output = [cell for cell in notebook["cells"] if cell.get("outputs")]
    for cell in with_output:
        output = cell["outputs"][0]
        lines = output["text"] if "text" in output else output["data"]["text/plain"]
        lines[0] = "changed " + lines[0]
    copy.write_text(json.dumps(notebook), encoding="utf-8")

    cells, said = run_nbval(tmp_path, environment, copy)
    unchanged = number_of_code_cells(copy) - len(with_output)
    assert cells == Counter(passed=unchanged, failure=len(with_output)), said

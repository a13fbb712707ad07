"""Notebook 4 on a machine without a software TPM: it opens, and shows what was recorded."""

from pathlib import Path

import nbformat
import pytest

from mtls_lab.classroom import recorded
from mtls_lab.tpm import SoftwareTPM
from tests.authoring import canonical

NAME = "4_key_in_a_tpm"


@pytest.mark.once
def test_without_a_tpm_it_shows_what_was_recorded(tmp_path: Path) -> None:
    path = canonical.unpack(f"{NAME}.ipynb", tmp_path)
    notebook = canonical.read(path)
    first = next(cell for cell in notebook.cells if "software_tpm(" in cell.source)
    # As if nothing was installed, in the kernel alone.
    first.source = "import shutil\nshutil.which = lambda name: None\n" + first.source
    nbformat.write(notebook, path)
    shown = canonical.execute(path)
    texts = ["".join(o.get("text", "") for o in cell.get("outputs", [])) for cell in shown.cells]
    code = [cell for cell in shown.cells if cell.cell_type == "code"]
    assert sum(recorded.MARK in text for text in texts) == len(code) - 3  # imports, start, panel
    assert any("sudo apt install" in text and "swtpm" in text for text in texts)
    assert any("0x1df TPM_RC_INTEGRITY" in text for text in texts)
    views = [o for cell in code for o in cell.outputs if recorded.VIEW in o.get("data", {})]
    assert len(views) == 1  # the panel's, which is live
    assert "this one has no software TPM: it lacks openssl, swtpm" in views[0].data["text/html"]
    assert "The messages were not recorded" in views[0].data["text/html"]
    assert not (tmp_path / "tpm").exists()


@pytest.mark.once
def test_with_a_tpm_it_is_started(tmp_path: Path) -> None:
    chip = recorded.software_tpm(tmp_path / "tpm", NAME)
    assert isinstance(chip, SoftwareTPM)
    assert chip.running
    chip.stop()

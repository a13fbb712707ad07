"""Notebooks 4 and 4d on a machine without a software TPM: they open, and show what was recorded."""

from pathlib import Path

import nbformat
import pytest

from mtls_lab.classroom import recorded
from mtls_lab.common import LabError
from mtls_lab.tpm import SoftwareTPM, create_csr, create_wrapped_key
from tests import needed
from tests.authoring import canonical

#: A line that was recorded; how many cells run all the same: imports, questions, the start,
#: a panel or the test; and how many panels there are that need a TPM.
SAID = {
    "4_key_in_a_tpm": ("0x1df TPM_RC_INTEGRITY", 3, 1),
    "4d_attestation": ("0x3e0 TPM_RC_TICKET", 4, 0),
}


@pytest.mark.once
@pytest.mark.parametrize("name", SAID)
def test_without_a_tpm_it_shows_what_was_recorded(tmp_path: Path, name: str) -> None:
    said, running, panels = SAID[name]
    path = canonical.unpack(f"{name}.ipynb", tmp_path)
    notebook = canonical.read(path)
    first = next(cell for cell in notebook.cells if "software_tpm(" in cell.source)
    # As if nothing was installed, in the kernel alone.
    first.source = "import shutil\nshutil.which = lambda name: None\n" + first.source
    nbformat.write(notebook, path)
    shown = canonical.execute(path)
    texts = ["".join(o.get("text", "") for o in cell.get("outputs", [])) for cell in shown.cells]
    code = [cell for cell in shown.cells if cell.cell_type == "code"]
    assert sum(recorded.MARK in text for text in texts) == len(code) - running
    assert any("sudo apt install" in text and "swtpm" in text for text in texts)
    assert any(said in text for text in texts)
    assert not [*tmp_path.rglob("tpm2-00.permall")]
    views = [o["data"] for cell in code for o in cell.outputs if recorded.VIEW in o.get("data", {})]
    needy = [each["text/html"] for each in views if "no software TPM" in each["text/html"]]
    assert len(needy) == panels
    for told in needy:  # live, as far as it can be
        assert "this one has no software TPM: it lacks openssl, swtpm" in told
        assert "The messages were not recorded" in told


@needed.TPM
@pytest.mark.once
def test_with_a_tpm_it_is_started(tmp_path: Path) -> None:
    chip = recorded.software_tpm(tmp_path / "tpm", "4_key_in_a_tpm")
    assert isinstance(chip, SoftwareTPM)
    assert chip.running
    chip.stop()


@needed.TPM
@pytest.mark.once
def test_where_wrong_pins_locked_it_a_lesson_begins_all_the_same(tmp_path: Path) -> None:
    with SoftwareTPM(tmp_path / "tpm") as left:
        create_wrapped_key(left, tmp_path / "pin.key", pin="1234")
        for _ in range(left.lock.most):
            with pytest.raises(LabError, match="0x98e TPM_RC_AUTH_FAIL"):
                create_csr(left, tmp_path / "pin.key", "trusted-client", pin="0000")
        assert left.lock.closed
    chip = recorded.software_tpm(tmp_path / "tpm", "4_key_in_a_tpm")
    assert chip is not None
    with chip:
        assert chip.lock.wrong == 0
        create_wrapped_key(chip, tmp_path / "any.key")
        assert create_csr(chip, tmp_path / "any.key", "trusted-client").is_signature_valid

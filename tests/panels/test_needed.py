"""What a panel says of a file that is not there yet: its name, and the section that makes it."""

import json
import re
import ssl
from pathlib import Path

import pytest

from mtls_lab import enter
from mtls_lab.classroom.out_of_order import HINT, MADE_IN
from mtls_lab.common import FileProblem
from mtls_lab.panels import CredentialPanel
from mtls_lab.panels.credential import DEVICE_CA, FILES
from mtls_lab.panels.prediction import PredictPanel
from tests.repository.files import ROOT

LESSONS = {"Part 2": "2_tls.ipynb", "Part 3": "3_mutual_tls.ipynb"}


def sections(lesson: str) -> dict[str, str]:
    """The code of each section of a lesson, by its number."""
    notebook = json.loads((ROOT / "notebooks" / lesson).read_text("utf-8"))
    found: dict[str, str] = {}
    number = ""
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and (headed := re.search(r"(?m)^## (\d+)\.", source)):
            number = headed[1]
        elif cell["cell_type"] == "code":
            found[number] = found.get(number, "") + source
    return found


@pytest.mark.once
@pytest.mark.parametrize("file", MADE_IN)
def test_the_section_makes_the_file(file: str) -> None:
    found = re.fullmatch(r"section (\d+) of (Part \d)", MADE_IN[file])
    assert found
    made = rf'(?:write_\w+|copy)\([^\n]*"{re.escape(file)}"'
    by_section = sections(LESSONS[found[2]])
    assert next(number for number, code in by_section.items() if re.search(made, code)) == found[1]


@pytest.fixture
def folder(folder: Path) -> Path:
    enter(4)
    return folder


@pytest.mark.parametrize("file", [*FILES, DEVICE_CA])
def test_the_credential_panel_names_a_missing_file(folder: Path, file: str) -> None:
    """And goes on by itself once the file is there."""
    content = (folder / file).read_bytes()
    (folder / file).unlink()
    panel = CredentialPanel()
    assert isinstance(panel.value, FileProblem)
    assert panel.value.found == f"no file {file}"
    assert panel.value.expected == f"the file that {MADE_IN[file]} makes"
    page = panel._repr_mimebundle_()
    assert f"no file {file}" in page["text/html"]
    assert "Traceback" not in str(page)
    (folder / file).write_bytes(content)
    assert panel.select("valid").ok


def test_a_run_names_the_file_that_is_gone_and_keeps_its_last_value(folder: Path) -> None:
    """In a cell, the same is said below the error (classroom/out_of_order.py)."""

    def silent_client() -> Exception:
        own = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        own.load_cert_chain("device/client.crt", "device/client.key")
        return TimeoutError()

    panel = PredictPanel("silent_client", silent_client)
    (folder / "device" / "client.key").unlink()
    panel.run()
    assert " of the cell: own.load_cert_chain(" in str(panel)
    assert f"No file device/client.key: section 3 of Part 3 makes it.\n{HINT}" in str(panel)
    assert isinstance(panel.value, TimeoutError)
    panel.guard(lambda: ssl.create_default_context(cafile="device/client.key"))
    assert str(panel).endswith(f"No file device/client.key: section 3 of Part 3 makes it.\n{HINT}")

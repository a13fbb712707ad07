"""The commands that a lesson shows for a shell do what it says, with a server that runs.

Here: `openssl s_client`, as `3c_kata` has it. Not here: commands that a cell runs itself
(test_outputs.py).
"""

import re
import subprocess
from pathlib import Path

import pytest

from mtls_lab import serve
from tests.authoring import canonical
from tests.unit.lab import Lab

ALERT = "tlsv13 alert certificate required"


@pytest.fixture
def shown() -> list[str]:
    """The lines of the kata's only block for a shell."""
    notebook = canonical.read(canonical.ROOT / "notebooks" / "3c_kata.ipynb")
    texts = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    (block,) = re.findall(r"(?s)```sh\n(.*?)\n```", texts)
    return str(block).splitlines()


def in_a_shell(command: str, folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        ["/bin/sh", "-c", command],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_server_is_asked_in_a_shell(lab: Lab, shown: list[str], tmp_path: Path) -> None:
    """The device types a command and reads; whoever has no certificate still sees a date."""
    (tmp_path / "server_ca.pem").write_bytes(lab.ca_file.read_bytes())
    files = lab.store.files("valid")
    assert files is not None
    for name, file in zip(("client.crt", "client.key"), files, strict=True):
        (tmp_path / name).write_bytes(file.read_bytes())
    with serve(lab.mtls()) as backend:
        here = f"{backend.address[0]}:{backend.address[1]}"
        device, date = (
            each.replace("HOST:PORT", here).replace("HOST", "localhost") for each in shown
        )
        certified = in_a_shell(f"exec {device} -cert client.crt -key client.key", tmp_path)
        assert certified.stdin is not None
        assert certified.stdout is not None
        with certified:
            certified.stdin.write("PING\n")
            certified.stdin.flush()
            assert "PONG\n" in certified.stdout
            certified.terminate()
        assert ALERT in in_a_shell(device, tmp_path).communicate("PING\n")[0]
        assert re.search(r"notAfter=\w+ .* GMT\n", in_a_shell(date, tmp_path).communicate()[0])

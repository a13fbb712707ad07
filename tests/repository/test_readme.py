"""What the README shows happens: its Python runs, its outputs are real, its commands install.

Here: the code blocks, and pip. Not here: the other ways of installing (test_routes.py), the make
targets (test_commands.py), the picture (tests/notebooks/test_picture.py).
"""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.repository.files import ROOT, copy

README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = [
    (kind, text) for kind, text in re.findall(r"(?ms)^```(\w+)\n(.*?)^```", README) if kind != "bat"
]


def blocks(kind: str) -> list[str]:
    return [text for each, text in BLOCKS if each == kind]


def run(source: str, folder: Path) -> str:
    return subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", source],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    ).stdout


def test_the_two_lines_are_those_of_part_3() -> None:
    cells = json.loads((ROOT / "notebooks" / "3_mutual_tls.ipynb").read_text("utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    shown = ["".join(output.get("data", {}).get("text/plain", "")) for output in outputs]
    assert any(blocks("text")[0] in text for text in shown)


def test_the_library_prints_what_stands_below_it(tmp_path: Path) -> None:
    source, shown = next(
        (text, BLOCKS[number + 1][1])
        for number, (kind, text) in enumerate(BLOCKS)
        if kind == "python" and "Relay" in text
    )
    assert run(source, tmp_path) == shown


def test_a_failure_is_explained(tmp_path: Path) -> None:
    """In an empty folder the certificate is missing: the explanation says so."""
    source = next(text for text in blocks("python") if "explain(" in text)
    assert "server.crt is not there" in run(source, tmp_path)


def test_the_way_without_make(tmp_path: Path) -> None:
    """The commands as they stand, in a copy of the project, up to the start of JupyterLab."""
    copy(tmp_path)
    commands = next(text for text in blocks("sh") if "pip install" in text).splitlines()
    assert commands[-1].endswith("mtls-lab start")
    commands[0] = commands[0].replace("python3", sys.executable, 1)
    commands[-1] += " --prepare"
    for command in commands:
        done = subprocess.run(
            shlex.split(command),
            cwd=tmp_path,
            env=os.environ | {"PIP_NO_COMPILE": "1"},  # as in test_routes.py
            umask=0o002,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert (tmp_path / "lab" / "1_plain_tcp.ipynb").is_file()

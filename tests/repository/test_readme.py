"""What the README shows happens: its Python runs, its outputs are real, its commands install.

Here: the code blocks, and pip. Not here: the other ways of installing (test_routes.py), the make
targets (test_commands.py), the picture (tests/notebooks/test_picture.py).
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mtls_lab import serve
from mtls_lab.diagnosing import classes
from tests import needed
from tests.repository.files import ROOT, UNCOMPILED, copy
from tests.unit.cli.calling import run as run_command
from tests.unit.cli.serving import serving
from tests.unit.lab import Lab

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


def test_a_server_is_diagnosed_as_shown(tmp_path: Path) -> None:
    """The command as it stands, but for the port; a line with … stands for some others."""
    lab = Lab.create(tmp_path)
    shutil.copy(lab.ca_file, tmp_path / "ca.pem")
    for source, name in zip(lab.store.files("expired"), ("client.crt", "client.key"), strict=True):
        shutil.copy(source, tmp_path / name)
    (block,) = (text for text in blocks("console") if "diagnose" in text)
    command, _, shown = block.removeprefix("$ mtls-lab ").partition("\n")
    with serve(lab.mtls()) as backend:
        port = str(backend.address[1])
        done = run_command(*shlex.split(command.replace("8443", port)), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (classes()["client"]["code"], "")
    told = done.stdout.replace(port, "8443")
    told = re.sub(r"(?m)(connected \(127\.0\.0\.1\)); \w+ \(::1\)$", r"\1", told)  # if it has IPv6
    begin, end = shown.split("  …\n")
    assert told.startswith(begin)
    assert [line for line in end.splitlines() if line not in told.splitlines()] == []


def test_between_two_terminals(tmp_path: Path) -> None:
    """Every line as it stands, but for the ports: another program may have them."""
    one, two = (text.splitlines() for text in blocks("console") if "5000" in text)
    typed = [line.removeprefix("$ mtls-lab ").split() for line in one if line.startswith("$")]
    certs, (serve, *served) = typed
    assert serve == "serve"
    made = run_command(*certs, cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    with serving(*("0" if word == "5000" else word for word in served), cwd=tmp_path) as terminal:
        address = terminal.address
        command, *reply = two
        ask = command.removeprefix("$ mtls-lab ").replace("127.0.0.1:5000", address)
        ask = ask.replace("localhost:5000", address.replace("127.0.0.1", "localhost"))
        done = run_command(*ask.split(), cwd=tmp_path)
        assert (done.returncode, done.stdout.splitlines()) == (0, reply)
        log = [re.sub(r"^\S+:\d+", "", terminal.line()) for _ in range(3)]
    printed = [re.sub(r"^\S+:\d+", "", line) for line in one if not line.startswith("$")]
    assert printed == ["Listening on 127.0.0.1:5000, mutual TLS. Ctrl-C ends it.", *log]


@needed.TPM
def test_the_key_in_a_tpm(tmp_path: Path) -> None:
    """Every line as it stands, but for the port."""
    one, two = (text.splitlines() for text in blocks("console") if "5001" in text)
    start, certs, serve = (line.removeprefix("$ mtls-lab ").split() for line in one)

    def typed(words: list[str]) -> str:
        done = run_command(*words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    typed(start)
    asked, reply, stop = two
    try:
        assert typed(certs)
        words = ["0" if word == "5001" else word for word in serve[1:]]
        with serving(*words, cwd=tmp_path) as terminal:
            address = terminal.address.replace("127.0.0.1", "localhost")
            command = asked.removeprefix("$ mtls-lab ").replace("localhost:5001", address)
            assert typed(command.split()) == f"{reply}\n"
    finally:
        assert "is stopped" in typed(stop.removeprefix("$ mtls-lab ").split())


@pytest.mark.registry
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
            env=os.environ | UNCOMPILED,
            umask=0o002,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert (tmp_path / "lab" / "1_plain_tcp.ipynb").is_file()

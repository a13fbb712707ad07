"""The pre-flight on this machine, which is ready, and with something missing each time.

Here: the command and its findings. Not here: starting JupyterLab (test_cli.py).
"""

import sys
from pathlib import Path

import pytest

from mtls_lab.classroom import examine
from mtls_lab.classroom.doctor import Finding, Level
from tests.unit.test_cli import run

NAMES = ["Python", "OpenSSL", "loopback", "TLS", "folder", "JupyterLab", "widgets", "openssl"]


def findings(folder: Path) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(folder / "lab")}


def test_a_machine_that_is_ready(tmp_path: Path) -> None:
    found = findings(tmp_path)
    assert list(found) == NAMES
    assert {name for name, each in found.items() if each.level is not Level.OK} == set()
    assert not (tmp_path / "lab").exists()  # it looks, and leaves nothing behind


def test_without_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    found = findings(tmp_path)["openssl"]
    assert (found.level, found.found) == (Level.WARNING, "no openssl program")
    assert found.cure.startswith("optional")


@pytest.mark.parametrize(
    ("name", "package"), [("JupyterLab", "jupyterlab"), ("widgets", "ipywidgets")]
)
def test_without_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr("importlib.util.find_spec", lambda found: None if found == package else 1)
    found = findings(tmp_path)[name]
    assert (found.level, found.found) == (Level.FAILURE, f"no {package} in this Python")
    assert "pip install" in found.cure


def test_a_configuration_that_forbids_what_the_lab_needs(tmp_path: Path) -> None:
    """In a process of its own: OpenSSL reads its configuration when it is loaded."""
    config = tmp_path / "openssl.cnf"
    config.write_text(
        "openssl_conf = init\n[init]\nssl_conf = ssl\n[ssl]\nsystem_default = all\n"
        "[all]\nCipherSuites =\nMaxProtocol = TLSv1.1\n"
    )
    done = run("doctor", cwd=tmp_path, environment={"OPENSSL_CONF": str(config)})
    assert done.returncode == 2
    assert "✗ failure  TLS" in done.stdout
    assert "OPENSSL_CONF" in done.stdout
    assert done.stderr == ""


def test_the_command(tmp_path: Path) -> None:
    done = run("doctor", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[2] for line in done.stdout.splitlines()] == NAMES


def test_a_folder_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("doctor", "file/lab", cwd=tmp_path)
    assert done.returncode == 2
    assert "✗ failure  folder" in done.stdout
    assert "choose another folder" in done.stdout

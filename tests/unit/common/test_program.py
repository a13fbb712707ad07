"""What our messages tell people to type works where they read it."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mtls_lab.common.program import python, scripts, typed

ASK = "from mtls_lab.common.program import typed; print(typed('reset PART'))"


def told(cwd: Path, path: str) -> str:
    """How another process of this Python would type it."""
    asked = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=cwd,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return asked.stdout.strip()


def test_the_bare_name_where_the_path_leads_to_it(tmp_path: Path) -> None:
    assert told(tmp_path, str(scripts())) == "mtls-lab reset PART"


def test_a_link_on_the_path_is_the_same_program(tmp_path: Path) -> None:
    """As `uv tool install` and pipx have it."""
    (tmp_path / "mtls-lab").symlink_to(scripts() / "mtls-lab")
    assert told(tmp_path, str(tmp_path)) == "mtls-lab reset PART"


def test_another_program_of_that_name_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "mtls-lab").write_text("#!/bin/sh\n")
    (tmp_path / "mtls-lab").chmod(0o700)
    assert told(tmp_path, str(tmp_path)) == f"{scripts() / 'mtls-lab'} reset PART"


def test_the_path_of_the_program_as_short_as_it_can_be(tmp_path: Path) -> None:
    """After `make lab`, in the project's folder: `.venv/bin/mtls-lab`."""
    own = scripts()
    assert told(tmp_path, "") == f"{own / 'mtls-lab'} reset PART"
    assert told(own.parents[1], "") == f"{Path(*own.parts[-2:], 'mtls-lab')} reset PART"
    assert told(own, "") == "./mtls-lab reset PART"


def test_this_python_where_no_program_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mtls_lab.common.program.scripts", lambda: tmp_path)
    assert typed("doctor") == f"{python()} -m mtls_lab doctor"


def test_a_folder_with_spaces_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "my venv" / "mtls-lab"
    program.parent.mkdir()
    shutil.copy(scripts() / "mtls-lab", program)
    monkeypatch.setattr("mtls_lab.common.program.scripts", lambda: program.parent)
    monkeypatch.chdir(tmp_path)
    assert typed("progress") == "'my venv/mtls-lab' progress"


@pytest.mark.parametrize("place", ["the project", "elsewhere"])
def test_what_is_told_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.chdir(scripts().parents[1] if place == "the project" else tmp_path)
    monkeypatch.setenv("PATH", "")
    for command in (typed("--version"), f"{python()} -m mtls_lab --version"):
        done = subprocess.run(shlex.split(command), capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("mtls-lab ")

"""Completion in a real shell, and that its scripts know what the command knows."""

import shutil
import subprocess
from pathlib import Path

import pytest

from mtls_lab.cli import main
from mtls_lab.common import resource_folder
from tests.authoring.completion import SHELLS, script

TRY = """
source ./mtls-lab.bash
COMP_WORDS=({words}) COMP_CWORD={last}
_shtab_mtls_lab
echo "${{COMPREPLY[@]}}"
"""


@pytest.mark.once
@pytest.mark.parametrize("shell", SHELLS)
def test_the_scripts_are_up_to_date(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    printed = capsys.readouterr().out
    assert printed == script(shell), "run: .venv/bin/python -m tests.authoring.completion"


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["mtls-lab", "ser"], ["serve"]),
        (["mtls-lab", "serve", "--tls"], ["--tls", "--tls13-only"]),
        (["mtls-lab", "ask", "--ser"], ["--server-ca", "--server-name"]),
        (["mtls-lab", "ask", "--certfile", "my"], ["my.crt", "my.key"]),
        (["mtls-lab", "completion", "z"], ["zsh"]),
    ],
    ids=" ".join,
)
def test_bash_offers_it(tmp_path: Path, words: list[str], offered: list[str]) -> None:
    shutil.copy(resource_folder("data") / "completion" / "mtls-lab.bash", tmp_path)
    for name in ("my.crt", "my.key"):
        (tmp_path / name).touch()
    done = subprocess.run(
        ["bash", "-c", TRY.format(words=" ".join(words), last=len(words) - 1)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert sorted(done.stdout.split()) == offered

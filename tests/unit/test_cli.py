"""The command `mtls-lab` as a process of its own: messages, exit codes, never a traceback."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mtls_lab import cli
from mtls_lab.classroom import one_learner
from mtls_lab.facts import MARKER, resource_folder
from mtls_lab.learner.notebooks import notebooks
from mtls_lab.learner.progress import FILE, Progress

NAMES = [path.name for path in notebooks()]
HOW_TO_GO_ON = (
    "To go on where you stopped: Run → Restart Kernel and Run All Cells, in any notebook. What you "
    "wrote and predicted is kept."
)
NOTHING_DONE = [str(part) for part in one_learner.parts(Progress())]


def run(
    *arguments: str | Path, cwd: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-m", "mtls_lab.cli", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_start_prepares_a_folder(tmp_path: Path) -> None:
    done = run("start", "--prepare", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        *(f"{name}: ready" for name in NAMES),
        *NOTHING_DONE,
        "Your folder: lab",
        HOW_TO_GO_ON,
    ]
    assert {path.name for path in (tmp_path / "lab").iterdir()} == {*NAMES, MARKER}


def test_start_again_in_a_folder_of_another_name(tmp_path: Path) -> None:
    folder = tmp_path / "my work"
    run("start", folder, "--prepare", cwd=tmp_path)
    done = run("start", folder, "--prepare", cwd=tmp_path)
    assert done.stdout.splitlines() == [
        *(f"{name}: as you left it" for name in NAMES),
        *NOTHING_DONE,
        f"Your folder: {folder}",
        HOW_TO_GO_ON,
    ]


def test_a_newer_notebook(tmp_path: Path) -> None:
    """In a copy of the project, which gets a newer notebook after the learner changed theirs."""
    for folder in ("data", "notebooks"):
        shutil.copytree(resource_folder(folder), tmp_path / folder)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(cli.__file__).parent, tmp_path / "mtls_lab", ignore=ignore)
    assert run("start", "--prepare", cwd=tmp_path).returncode == 0
    for path in (tmp_path / "lab" / NAMES[0], tmp_path / "notebooks" / NAMES[0]):
        content = json.loads(path.read_text("utf-8"))
        content["cells"][0]["source"] = f"changed in {path.parent.name}"
        path.write_text(json.dumps(content), "utf-8")
    done = run("start", "--prepare", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    newer = NAMES[0].replace(".ipynb", ".new.ipynb")
    assert done.stdout.splitlines() == [
        f"{NAMES[0]}: yours is kept; the project's newer one is {newer}",
        *(f"{name}: as you left it" for name in NAMES[1:]),
        *NOTHING_DONE,
        "Your folder: lab",
        HOW_TO_GO_ON,
    ]


@pytest.mark.parametrize("name", ["file", "file/lab"])
def test_a_folder_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    done = run("start", name, "--prepare", cwd=tmp_path)
    why = "File exists" if name == "file" else "Not a directory"
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "mtls-lab: this did not work.\n"
        f"Found:    {name} cannot be written ({why})\n"
        "Expected: a folder that you may write to, with space left\n"
        "To do:    choose another folder, or change its permissions\n"
    )


def test_a_damaged_marker(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / MARKER).write_text("{")
    done = run("start", "--prepare", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("mtls-lab: this did not work.\nFound:    lab/.mtls-lab cannot be")
    assert "Traceback" not in done.stderr


def test_without_jupyterlab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """How Python marks a module that is not to be found."""
    monkeypatch.setitem(sys.modules, "jupyterlab", None)
    assert cli.main(["start", str(tmp_path / "lab")]) == 2
    assert capsys.readouterr().err == (
        "mtls-lab: this did not work.\n"
        "Found:    no JupyterLab in this Python\n"
        "Expected: the packages that environment.yml lists\n"
        "To do:    install the project: pip install .\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: command"),
        (["dance"], "invalid choice: 'dance'"),
        (["start", "--port", "x"], "argument --port: invalid int value: 'x'"),
    ],
    ids=["no command", "unknown command", "no number"],
)
def test_wrong_arguments(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_what_jupyterlab_remembers_stays_in_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which notebooks were open, and no other JupyterLab of this person is changed."""
    became: list[list[str]] = []

    def become(_: str, command: list[str]) -> None:
        became.append(command)
        raise SystemExit

    monkeypatch.setattr(os, "execv", become)
    with pytest.raises(SystemExit):
        cli.main(["start", str(tmp_path / "lab")])
    folders = [Path(each.partition("_dir=")[2]) for each in became[0] if "_dir=" in each]
    lab, data = tmp_path / "lab", resource_folder("data")
    assert folders == [lab, lab / ".jupyter" / "workspaces", data / "jupyterlab"]
    assert (data / "jupyterlab" / "overrides.json").is_file()


# --- Around the lab


def test_progress_is_shown(tmp_path: Path) -> None:
    run("start", "--prepare", cwd=tmp_path)
    event = {"prediction": "checksum", "choice": "stopped", "truth": "fooled"}
    (tmp_path / "lab" / FILE).write_text(json.dumps(event) + "\n")
    for command in (["progress"], ["start", "--prepare"], ["progress", "lab"]):
        done = run(*command, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert "Part 1: 1 of 4 predictions made, 0 right; 0 of" in done.stdout


def test_reset(tmp_path: Path) -> None:
    run("start", "--prepare", cwd=tmp_path)
    (tmp_path / "lab" / NAMES[0]).write_text("mine")
    done = run("reset", NAMES[0], cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"{NAMES[0]}: as the project has it; yours is now 1_plain_tcp.old.ipynb",
        "A notebook that is open in JupyterLab: close it without saving, and open it again.",
    ]
    assert (tmp_path / "lab" / "1_plain_tcp.old.ipynb").read_text() == "mine"


def test_a_class(tmp_path: Path) -> None:
    files = []
    for name in ("Ada", "Grace"):
        run("start", name, "--prepare", cwd=tmp_path)
        done = run("export", name, name, cwd=tmp_path)
        files.append(tmp_path / name / f"progress-{name.lower()}.json")
        assert done.stdout == f"Hand in this file: {files[-1]}\n"
    done = run("class", *files, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("2 learners\n  Ada    part 1: 0/4 predictions")
    files[0].write_text("{")
    done = run("class", *files, cwd=tmp_path)
    assert (done.returncode, done.stdout.splitlines()[0]) == (2, "1 learner")
    assert done.stderr.startswith("mtls-lab: this file is left out.\nFound:    ")


@pytest.mark.parametrize("command", [["progress"], ["export", "Ada"], ["reset", "1"]])
def test_without_a_folder(tmp_path: Path, command: list[str]) -> None:
    done = run(*command, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("mtls-lab: this did not work.\nFound:    lab is no folder of the")


def test_start_opens_jupyterlab(tmp_path: Path) -> None:
    """The real one, also as root: it prints its address, and its page leads to Part 1."""
    command = [sys.executable, "-m", "mtls_lab.cli", "start", "--no-browser"]
    scratch = {name: str(tmp_path / name) for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR")}
    with subprocess.Popen(
        command, cwd=tmp_path, env=os.environ | scratch, stderr=subprocess.PIPE, text=True
    ) as lab:
        assert lab.stderr is not None
        said = []
        for line in lab.stderr:
            said.append(line)
            if re.search(r"http://(localhost|127\.0\.0\.1):\d+/lab/tree/1_plain_tcp", line):
                break
        else:
            pytest.fail("".join(said))
        lab.terminate()
        lab.communicate(timeout=30)
    assert (tmp_path / "lab" / NAMES[0]).is_file()

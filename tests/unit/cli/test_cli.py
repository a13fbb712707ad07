"""The command `mtls-lab`: messages, exit codes, never a traceback.

Most tests call it, some run it as a process: calling.py says which.
"""

import errno
import importlib.metadata
import json
import os
import platform
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

import mtls_lab
from mtls_lab.classroom import one_learner
from mtls_lab.cli import commands, main
from mtls_lab.cli.arguments import ALONE
from mtls_lab.common import resource_folder, typed
from mtls_lab.learner.folder import MARKER
from mtls_lab.learner.notebooks import notebooks
from mtls_lab.learner.progress import FILE, Progress
from tests.unit.cli.calling import call, run

NAMES = [path.name for path in notebooks()]
HOW_TO_GO_ON = (
    "To go on where you stopped: Run → Restart Kernel and Run All Cells, in any notebook. What you "
    "wrote and predicted is kept."
)
NOTHING_DONE = [str(part) for part in one_learner.parts(Progress())]


def test_start_prepares_a_folder(tmp_path: Path) -> None:
    done = run("start", "--prepare", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        *(f"{name}: ready" for name in NAMES),
        *NOTHING_DONE,
        "Your folder: lab",
    ]
    assert {path.name for path in (tmp_path / "lab").iterdir()} == {*NAMES, MARKER}


@pytest.mark.once
def test_start_again_in_a_folder_of_another_name(tmp_path: Path) -> None:
    folder = tmp_path / "my work"
    call("start", folder, "--prepare", cwd=tmp_path)
    done = call("start", folder, "--prepare", cwd=tmp_path)
    assert done.stdout.splitlines() == [
        *(f"{name}: as you left it" for name in NAMES),
        *NOTHING_DONE,
        f"Your folder: {folder}",
        HOW_TO_GO_ON,
    ]


@pytest.mark.once
def test_a_newer_notebook(tmp_path: Path) -> None:
    """In a copy of the project, which gets a newer notebook after the learner changed theirs."""
    for folder in ("data", "notebooks"):
        shutil.copytree(resource_folder(folder), tmp_path / folder)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(mtls_lab.__file__).parent, tmp_path / "mtls_lab", ignore=ignore)
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


@pytest.mark.once
@pytest.mark.parametrize("name", ["file", "file/lab"])
def test_a_folder_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    done = call("start", name, "--prepare", cwd=tmp_path)
    why = "File exists" if name == "file" else "Not a directory"
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "mtls-lab: this did not work.\n"
        f"Found:    {name} cannot be written ({why})\n"
        "Expected: a folder that you may write to\n"
        "To do:    choose another folder, or move away what is in its place\n"
    )


@pytest.mark.parametrize(
    "command",
    [
        *("progress", "quiz", "review", "export Eve", "reset 1", "start --prepare", "certs"),
        *("class", "ask localhost:1 --folder", "serve", "tpm start", "tpm stop"),
    ],
)
def test_a_name_that_is_too_long(tmp_path: Path, command: str) -> None:
    done = call(*command.split(), "x" * 256, cwd=tmp_path)
    assert done.stderr.startswith("mtls-lab: this ")
    assert (done.returncode, done.stdout) == (2, "")
    assert list(tmp_path.iterdir()) == []


def test_without_jupyterlab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """How Python marks a module that is not to be found."""
    monkeypatch.setitem(sys.modules, "jupyterlab", None)
    assert main(["start", str(tmp_path / "lab")]) == 2
    assert capsys.readouterr().err == (
        "mtls-lab: this did not work.\n"
        "Found:    no JupyterLab in this Python\n"
        "Expected: the packages that environment.yml lists\n"
        f"To do:    see what is missing, and how to get it: {typed('doctor')}\n"
    )


# --- Arguments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["waltz"], "no command 'waltz'. The commands are start, doctor, "),
        (["strat"], "no command 'strat'. Did you mean start? The commands are start, "),
        (["--dance"], "error: no option --dance. What is not meant as one"),
        (["explain", "--jsn", "x"], "explain: error: no option --jsn. Did you mean --json? "),
        (["diagnose", "a:1", "--cacert", "x"], "no option --cacert. Did you mean --ca? "),
        (["diagnose", "a:1", "--cert-file", "x"], "no option --cert-file. Did you mean --cert? "),
        (["explain", "-bad"], "no option -bad. What is not meant as one is written after a"),
        (["diagnose", "a:1", "--sever-name=x"], "diagnose: error: no option --sever-name. Did you"),
        (
            ["diagnose", "localhost", "8443"],
            "one argument too many: '8443'. Join host and port by a colon, such as localhost:8443.",
        ),
        (["diagnose", "a:1", "b c"], "diagnose: error: one argument too many: 'b c'. With blanks"),
        (["start", "--port", "x"], "argument --port: 'x' is not a port: 1 to 65535, or 0 for any"),
        (["start", "--port", "65536"], "argument --port: '65536' is not a port"),
        (["start", "--port", "-1"], "argument --port: '-1' is not a port"),
        (["start", "--port", "²"], "argument --port: '²' is not a port"),
        (["ask", "localhost:0"], "nobody listens on port 0"),
        (["ask", "localhost:x"], "'x' is not a port"),
        (["ask", "::1"], "put the IPv6 address in brackets"),
        (["ask", ":5000"], "is not HOST:PORT"),
        (["ask", "https://localhost"], "'//localhost' is not a port"),
        (["ask", "5311"], "join the two by a colon, such as localhost:5311"),
        (["ask", "localhost", "5311"], "such as localhost:5311"),  # no command and a host
        (["key"], "the following arguments are required: SEED"),
        (["export"], "the following arguments are required: NAME"),
    ],
    ids=str,
)
def test_wrong_arguments(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("port", [0, 1, 65535])
def test_a_port_that_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr("mtls_lab.cli.jupyter.run", became.append)
    assert main(["start", str(tmp_path / "lab"), "--port", str(port)]) == 0
    assert f"--ServerApp.port={port}" in became[0]


def test_without_a_command_the_course_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr("mtls_lab.cli.jupyter.run", became.append)
    monkeypatch.chdir(tmp_path)
    for name in commands.INSIDE:
        monkeypatch.delenv(name, raising=False)
    assert main([]) == 0
    assert f"--ServerApp.root_dir={tmp_path / 'lab'}" in became[0]
    assert "--no-browser" not in became[0]


def test_the_version(tmp_path: Path) -> None:
    done = run("--version", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    own, python = importlib.metadata.version("mtls-lab"), platform.python_version()
    assert done.stdout == f"mtls-lab {own}, Python {python}, {ssl.OPENSSL_VERSION}\n"


def test_help_says_what_happens_without_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    assert "Without a command, the course starts." in capsys.readouterr().out


@pytest.mark.parametrize("command", [*ALONE, *commands.RUN])
def test_help_of_a_command_describes_it_with_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    usage, description, *others = capsys.readouterr().out.split("\n\n")
    (examples,) = (each for each in others if each.startswith("Example"))
    assert usage.startswith(f"usage: {typed(command)}")
    assert description.endswith(".")
    for line in examples.strip().splitlines()[1:]:
        assert line.startswith(f"  {typed(command)}")


def test_a_name_may_begin_with_a_dash(tmp_path: Path) -> None:
    call("start", "--prepare", cwd=tmp_path)
    done = call("export", "-rf", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"{Path('lab', 'progress-rf.json')}\n")


# --- In a JupyterLab already


@pytest.mark.once
@pytest.mark.parametrize(
    ("inside", "told"),
    [
        (
            {"JUPYTER_SERVER_URL": "http://localhost:1/", "JUPYTER_SERVER_ROOT": ".."},
            f"open {Path('here', 'lab', NAMES[0])} in the file browser on the left",
        ),
        (
            {"JUPYTERHUB_SERVICE_PREFIX": "/user/ada/"},
            f"open {NAMES[0]} in this folder, in the file browser on the left: ",
        ),
        (
            {"JUPYTER_SERVER_URL": "http://localhost:1/", "JUPYTER_SERVER_ROOT": "elsewhere"},
            "The file browser shows what is below elsewhere: choose a folder there.",
        ),
    ],
    ids=["below its root", "a hub", "elsewhere"],
)
def test_no_second_jupyterlab_that_nobody_can_reach(
    tmp_path: Path, inside: dict[str, str], told: str
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    done = call("start", cwd=here, environment=inside)
    assert (done.returncode, done.stderr) == (0, "")
    assert "You are in a JupyterLab already, so no second one is started: " in done.stdout
    assert told in done.stdout
    assert (here / "lab" / NAMES[0]).is_file()


# --- Output that cannot be written


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place in which everything that a command needs is there."""
    place = tmp_path_factory.mktemp("place")
    call("start", "--prepare", cwd=place)
    assert call("export", "Ada", cwd=place).returncode == 0
    return place


EVERY = [
    ["--help"],
    ["--version"],
    ["start", "--prepare"],
    ["doctor"],
    ["reset", "1"],
    ["progress"],
    ["export", "Ada ✓"],
    ["class", "lab/progress-ada.json"],
    ["key", "anna"],
    ["completion", "bash"],
    ["explain", "certificate has expired"],
]
NARROW = {
    "cp1252": {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
NOBODY_READS = BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
NO_SPACE = (
    "mtls-lab: this did not work.\n"
    "Found:    the output: No space left on device\n"
    "Expected: files and an output that can be read and written\n"
    "To do:    make room on the disk, or choose another place\n"
)


def in_plain_signs(done: subprocess.CompletedProcess[str], arguments: list[str]) -> None:
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
    if "start" in arguments:
        assert "Run -> Restart Kernel" in done.stdout


@pytest.mark.once
@pytest.mark.parametrize("arguments", [e for e in EVERY if e != ["doctor"]], ids=" ".join)
def test_an_output_without_our_signs(folder: Path, arguments: list[str]) -> None:
    """The doctor, who takes seconds, is in test_doctor.py."""
    in_plain_signs(call(*arguments, cwd=folder, encoding="cp1252"), arguments)


@pytest.mark.once
@pytest.mark.parametrize("narrow", NARROW)
@pytest.mark.parametrize("arguments", [["start", "--prepare"], ["export", "Ada ✓"]], ids=" ".join)
def test_a_process_without_our_signs(folder: Path, arguments: list[str], narrow: str) -> None:
    """What it is told, what it reads and writes, and what it prints: all in that encoding."""
    in_plain_signs(run(*arguments, cwd=folder, environment=NARROW[narrow]), arguments)


def test_what_has_no_substitute_is_still_shown(tmp_path: Path) -> None:
    done = run("reset", "ü€", cwd=tmp_path, environment={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 2
    assert r"no part or notebook '\xfc\u20ac'" in done.stderr


@pytest.mark.once
@pytest.mark.parametrize("arguments", EVERY, ids=" ".join)
def test_a_full_disk(folder: Path, arguments: list[str]) -> None:
    done = call(*arguments, cwd=folder, broken=FULL)
    assert (done.returncode, done.stderr) == (2, NO_SPACE)


@pytest.mark.once
@pytest.mark.parametrize("arguments", EVERY, ids=" ".join)
def test_a_reader_that_has_read_enough(folder: Path, arguments: list[str]) -> None:
    """`mtls-lab … | head -0`: as if SIGPIPE had ended it, and nothing said."""
    done = call(*arguments, cwd=folder, broken=NOBODY_READS)
    assert (done.returncode, done.stderr) == (141, "")


def printing_to(stdout: int, folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and errors of a process, the last of which Python says when it ends."""
    done = subprocess.run(
        [sys.executable, "-m", "mtls_lab", *arguments],
        cwd=folder,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=500,
    )
    return done.returncode, done.stderr


@pytest.mark.once
@pytest.mark.skipif(os.name != "posix", reason="Windows has no /dev/full")
@pytest.mark.parametrize("arguments", [["--help"], ["key", "anna"]], ids=" ".join)
def test_a_process_whose_output_cannot_be_written(folder: Path, arguments: list[str]) -> None:
    """And it ends with nothing else to say."""
    with Path("/dev/full").open("w") as full:
        assert printing_to(full.fileno(), folder, *arguments) == (2, NO_SPACE)
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        assert printing_to(pipe.fileno(), folder, *arguments) == (141, "")


@pytest.mark.skipif(os.name != "posix", reason="Windows deletes no folder that somebody is in")
@pytest.mark.parametrize("arguments", [["progress"], ["serve"], ["ask", "localhost:1"]])
def test_a_current_folder_that_was_deleted_is_not_a_full_disk(
    tmp_path: Path,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "lab").mkdir()
    monkeypatch.chdir(tmp_path / "lab")
    (tmp_path / "lab").rmdir()
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith(
        "mtls-lab: this did not work.\nFound:    the current folder, which is not there any more\n"
    )


# --- Around the lab


@pytest.mark.once
def test_progress_is_shown(tmp_path: Path) -> None:
    call("start", "--prepare", cwd=tmp_path)
    event = {"prediction": "checksum", "choice": "stopped", "truth": "fooled"}
    (tmp_path / "lab" / FILE).write_text(json.dumps(event) + "\n")
    for command in (["progress"], ["start", "--prepare"], ["progress", "lab"]):
        done = call(*command, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert "Part 1: 1 of 4 predictions made, 0 right; 0 of" in done.stdout


@pytest.mark.once
def test_reset(tmp_path: Path) -> None:
    call("start", "--prepare", cwd=tmp_path)
    (tmp_path / "lab" / NAMES[0]).write_text("mine")
    done = call("reset", NAMES[0], cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"{NAMES[0]}: as the project has it; yours is now 1_plain_tcp.old.ipynb",
        "A notebook that is open in JupyterLab: close it without saving, and open it again.",
    ]
    assert (tmp_path / "lab" / "1_plain_tcp.old.ipynb").read_text() == "mine"


@pytest.mark.once
def test_a_class(tmp_path: Path) -> None:
    files = []
    for name in ("Ada", "Grace"):
        call("start", name, "--prepare", cwd=tmp_path)
        done = call("export", name, name, cwd=tmp_path)
        files.append(tmp_path / name / f"progress-{name.lower()}.json")
        assert done.stdout == f"Hand in this file: {files[-1]}\n"
    done = call("class", *files, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("2 learners\n  Ada    kata: 0\n  Grace  kata: 0\n")
    folder = tmp_path / "handed-in"
    for place, source in zip(("a", "b"), files, strict=True):
        (folder / place).mkdir(parents=True)
        (folder / place / source.name).write_bytes(source.read_bytes())
    (folder / "notes.txt").touch()
    of_folder = call("class", "handed-in", cwd=tmp_path)
    assert (of_folder.returncode, of_folder.stdout) == (0, done.stdout)
    assert of_folder.stderr == "Passed over: notes.txt\n"
    assert call("class", "*/progress-*.json", cwd=tmp_path).stdout == done.stdout
    twice = call("class", "handed-in", *files, cwd=tmp_path)
    assert (twice.returncode, twice.stdout) == (0, done.stdout)
    again = "Handed in more than once, the last counts: Ada, Grace\n"
    assert twice.stderr == f"{again}Passed over: notes.txt\n"
    (tmp_path / "empty").mkdir()
    for name, found, todo in (
        ("empty", "holds no progress-*.json", "name the folder in which you collected them"),
        ("nowhere", "cannot be read (No such file or directory)", "check the name and the folder"),
    ):
        nothing = call("class", name, cwd=tmp_path)
        assert (nothing.returncode, nothing.stdout) == (2, "")
        assert f"Found:    {name} {found}\n" in nothing.stderr
        assert nothing.stderr.endswith(f"To do:    {todo}\n")
    files[0].write_text("[" * 50_000)
    done = call("class", *files, cwd=tmp_path)
    assert (done.returncode, done.stdout.splitlines()[0]) == (2, "1 learner")
    assert done.stderr.startswith("mtls-lab: this file is left out.\nFound:    ")
    assert "Traceback" not in done.stderr
    files[1].write_text("{")
    done = call("class", *files, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")  # no table of nobody


def test_a_name_with_a_blank_wants_quotes(tmp_path: Path) -> None:
    done = call("export", "Ada", "Lovelace", cwd=tmp_path)
    assert done.returncode == 2
    assert 'export "Ada Lovelace"' in done.stderr


@pytest.mark.once
@pytest.mark.parametrize("command", [["progress"], ["export", "Ada"], ["reset", "1"], ["quiz"]])
def test_without_a_folder(tmp_path: Path, command: list[str]) -> None:
    done = call(*command, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("mtls-lab: this did not work.\nFound:    lab is not a folder of")

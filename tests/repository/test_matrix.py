"""The matrix tells the truth: good is only a run in which tests passed, and gaps are named."""

import os
import re
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.matrix import __main__ as matrix
from tests.matrix import core
from tests.matrix.__main__ import Result, Run
from tests.repository.files import ROOT

PASSED = """
ran on Debian GNU/Linux 13 (trixie): Python 3.13.5, OpenSSL 3.5.9, as learner
==== 2171 passed in 240.10s (0:04:00) ====
"""
SUPPORTED = matrix.supported()
FAILED = PASSED.replace("2171 passed", "3 failed, 2167 passed, 1 error")


def by_number(python: str) -> list[int]:
    return [int(part) for part in python.split(".")]


@pytest.fixture(autouse=True)
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "LOGS", tmp_path)


def result(said: str, code: int = 0, where: str = "Debian 13") -> Result:
    run = Run(where, [])
    run.log.write_text(said, encoding="utf-8")
    return Result(run, code, 246.0)


def test_the_table_shows_what_ran_where() -> None:
    assert matrix.table([result(PASSED), result(FAILED, 1, "Debian sid")]) == (
        "where       Python  OpenSSL        user     passed  failed  minutes\n"
        "Debian 13   3.13.5  OpenSSL 3.5.9  learner  2171    0       4.1\n"
        "Debian sid  3.13.5  OpenSSL 3.5.9  learner  2167    4       4.1"
    )


@pytest.mark.parametrize(
    ("said", "code", "good"),
    [
        (PASSED, 0, True),
        (FAILED, 1, False),
        (PASSED, 1, False),
        ("E: Failed getting release file\n", 1, False),
        ("", 0, False),
        ("==== no tests ran in 0.01s ====\n", 0, False),
    ],
)
def test_a_run_is_good_only_if_tests_passed(said: str, code: int, *, good: bool) -> None:
    assert result(said, code).good is good


def test_the_newest_python_runs_all_of_the_core_and_the_lessons_in_every_order() -> None:
    _, suite, python, more, _, *tests = matrix.debian(core.NEWEST).command
    assert (suite, python) == ("sid", max(SUPPORTED, key=by_number))
    assert "swtpm" in more.split(",")
    assert tests == [*core.CORE, core.LESSONS, "--numprocesses=2"]
    lessons = (ROOT / core.LESSONS).read_text(encoding="utf-8")
    assert "\npytestmark = pytest.mark.matrix\n" in lessons  # so `make test` does without


def test_every_supported_python_that_no_debian_has_is_looked_for_here() -> None:
    """The Makefile, `.ci/run` and the classifiers name the same; a Debian has the newest."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^SUPPORTED := (.+)$", makefile) == [" ".join(SUPPORTED)]
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.findall(r"for version in (.+); do", ci) == [" ".join(SUPPORTED)]
    assert {python for _, python, _ in matrix.DEBIANS.values()} == set(SUPPORTED) - {"3.12"}


OTHERS = {
    "Debian 12": matrix.debian("Debian 12"),
    "Debian 13": matrix.debian("Debian 13"),
    "Debian sid": matrix.debian("Debian sid"),
    "Python": matrix.venv("3.12", "Python"),
    "oldest packages": matrix.venv("3.12", "oldest packages"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_a_system_can_change_runs_there(name: str) -> None:
    command = OTHERS[name].command
    left_out = [e.removeprefix("--ignore=") for e in command if e.startswith("--ignore=")]
    assert [path for path in left_out if path in command] == []  # pytest would run it all the same
    left_out += [path for path in core.DEPENDS if path in core.CORE and path not in command]
    assert left_out
    assert [path for path in left_out if core.DEPENDS[path] & core.DIFFERS[name]] == []
    assert len(left_out) < len(core.DEPENDS) - 3
    assert core.DIFFERS.keys() == OTHERS.keys()


def test_somebody_has_thought_about_every_folder_of_the_core() -> None:
    """A new folder of unit tests is given what it depends on; a file in one depends on less."""
    told = {path for path in core.CORE if "/" in path or path == "mtls_lab"} - {"tests/unit"}
    unit = [each for each in (ROOT / "tests" / "unit").iterdir() if any(each.rglob("test_*.py"))]
    unit += (ROOT / "tests" / "unit").glob("test_*.py")
    whole = told | {str(each.relative_to(ROOT)) for each in unit}
    assert whole <= set(core.DEPENDS)
    for file in set(core.DEPENDS) - whole:
        assert (ROOT / file).is_file()
        assert core.DEPENDS[file] < core.DEPENDS[file.rpartition("/")[0]], file


def test_each_thing_that_differs_is_tried_somewhere() -> None:
    """TLS and the oldest packages beside the newest Python; an ordinary user runs all on it."""
    for what in (core.SSL, core.OPENSSL, core.PACKAGES, core.SYSTEM):
        assert any(what in on for on in core.DEPENDS.values())
    assert set().union(*core.DIFFERS.values()) == {*core.TLS, core.PACKAGES}
    assert core.NEWEST in matrix.DEBIANS  # the script makes a user there, who runs everything


def test_the_first_of_the_other_pythons_has_the_oldest_packages() -> None:
    first, second = matrix.venvs(["3.12", "3.14"])
    assert (first.where, second.where) == ("Python 3.12, oldest packages", "Python 3.14")
    assert ".venv-oldest-3.12/ready" in first.command[2]
    assert ".venv-3.14/ready" in second.command[2]
    for what in ("Python", "oldest packages"):
        run = OTHERS[what].command[4:]
        left_out = {each for each in first.command if each.startswith("--ignore=")}
        assert left_out <= {each for each in run if each.startswith("--ignore=")}
    (alone,) = matrix.venvs([])
    assert alone.where == f"Python {sys.version_info[0]}.{sys.version_info[1]}, oldest packages"
    assert alone.command[4:] == OTHERS["oldest packages"].command[4:]


def test_what_did_not_run_is_named() -> None:
    installed = result(PASSED.replace("3.13.5", "3.11.7"), where=matrix.installing().where)
    assert matrix.not_run([result(PASSED), installed], "root, mmdebstrap") == [
        "Debian 12; Debian 13; Debian sid; Debian sid, Python 3.15: needs root, mmdebstrap",
        "Python 3.11: not on this machine",
        "Python 3.12: not on this machine",
        "Python 3.14: not on this machine",
        "Python 3.15: not on this machine",
    ]


def printing(said: str, code: int = 0) -> list[str]:
    return [sys.executable, "-c", f"print({said!r}); raise SystemExit({code})"]


def test_a_python_that_a_debian_has_is_not_run_again_and_a_failure_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = printing(f"E   assert 1 == 2{FAILED}", 1)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: name)
    monkeypatch.setattr(matrix, "pack", lambda: None)
    monkeypatch.setattr(matrix, "debian", lambda where: Run(where, printing(PASSED)))
    monkeypatch.setattr(matrix, "venv", lambda python, *_: Run(f"Python {python}", failed))
    monkeypatch.setattr(matrix, "installing", lambda: Run("installed", printing(PASSED)))
    assert matrix.main(["3.10", "3.12", "3.13", "3.14"]) == 1
    _, _, said = capsys.readouterr().out.partition("\n\n")
    shown, _, table = said.rpartition("\n\n")
    assert re.findall(r"(?m)^(.+) said at last:\nE   assert 1 == 2$", shown) == [
        "Python 3.10",
        "Python 3.12",
    ]
    ran = [re.split("  +", line)[0] for line in table.splitlines()]
    assert ran[:8] == ["where", *matrix.DEBIANS, "Python 3.10", "Python 3.12", "installed"]


@pytest.mark.parametrize(("ci", "code"), [("true", 1), ("", 0)])
def test_what_did_not_run_is_a_failure_under_ci_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ci: str, code: int
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(matrix, "pack", lambda: None)
    monkeypatch.setattr(matrix, "venv", lambda python, *_: Run(python, printing(PASSED)))
    monkeypatch.setattr(matrix, "installing", lambda: Run("installed", printing(PASSED)))
    assert matrix.main([]) == code
    assert (
        "NOT RUN Debian 12; Debian 13; Debian sid; Debian sid, Python 3.15: needs root"
        in capsys.readouterr().out
    )


#: The matrix of this process, but each of its runs is a shell whose child holds the pipe as well.
HELD = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tests.matrix import __main__ as matrix

folder, pipe = sys.argv[1:]
command = ["bash", "-c", 'exec >"$0"; sleep 600 & echo started; wait', pipe]
matrix.LOGS = Path(folder)
matrix.pack = lambda: None
matrix.debian = matrix.venv = lambda where, *_: matrix.Run(where, command)
matrix.installing = lambda: matrix.Run("installed", command)
matrix.listen()
sys.exit(matrix.main(["3.12"]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
@pytest.mark.parametrize("ignored", [False, True], ids=["alone", "in the background"])
def test_a_matrix_that_is_stopped_ends_all_that_it_started(
    tmp_path: Path, number: signal.Signals, *, ignored: bool
) -> None:
    """With one line. A shell starts what runs in its background deaf to Ctrl-C."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    deaf = ["sh", "-c", "trap '' INT TERM; exec \"$@\"", "sh"] if ignored else []
    with subprocess.Popen(
        [*deaf, sys.executable, "-c", HELD, tmp_path, pipe],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        with pipe.open("rb") as reader:
            assert reader.readline() == b"started\n"
            process.send_signal(number)
            while reader.readline():  # the end is read when none of them lives
                pass
        _, said = process.communicate(timeout=300)
    assert said == "The matrix was stopped; nothing of it runs any more.\n"
    assert process.returncode == 130


def test_what_starts_at_the_very_moment_of_the_stop_ends_too() -> None:
    try:
        with ThreadPoolExecutor() as pool:
            matrix.stop(pool)
        assert matrix.execute(Run("late", ["sleep", "600"])).code == -signal.SIGINT
    finally:
        matrix.STOPPED.clear()


#: Programs in the place of those of Debian: a system is some folders, its user reads a pipe.
MMDEBSTRAP = 'root=${@: -2:1}; mkdir -p "$root"/{proc,dev,tmp,etc/ssl/certs}'
CHROOT = 'case $1 in --userspec*) echo started >"$PIPE"; exec sleep 600 ;; esac'


def test_a_debian_that_is_stopped_leaves_no_process_and_no_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() or not shutil.which("unshare"):
        pytest.skip("a Debian is entered by root, with unshare")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for name, script in [("mmdebstrap", MMDEBSTRAP), ("chroot", CHROOT)]:
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/bash\n{script}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PIPE", str(pipe))
    (tmp_path / "source.tar").touch()
    monkeypatch.setattr(matrix, "SOURCE", tmp_path / "source.tar")
    with ThreadPoolExecutor() as pool:
        result = pool.submit(matrix.execute, matrix.debian("Debian 12"))
        with pipe.open("rb") as reader:
            assert reader.readline() == b"started\n"
        (process,) = matrix.RUNNING
        assert len(of_session(process.pid)) > 2
        try:
            matrix.stop(pool)
            assert result.result().code == 130
            assert of_session(process.pid) == []
        finally:
            matrix.STOPPED.clear()
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text("utf-8")


def of_session(number: int) -> list[int]:
    """Every process of this session."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "-s", str(number)], capture_output=True, text=True, check=False
    )
    return [int(each) for each in listed.stdout.split()]

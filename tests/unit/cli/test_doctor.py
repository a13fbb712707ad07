"""The pre-flight on this machine, which is ready; then with one thing broken each time, and with
what the doctor says done about it.

Here: the command and its findings. Not here: starting JupyterLab (test_start.py).
"""

import json
import os
import shlex
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from mtls_lab.cli import doctor, installed
from mtls_lab.cli.doctor import Finding, Level, examine, ready, report
from mtls_lab.common import FileProblem, python, typed
from tests.repository.files import UNCOMPILED
from tests.unit.cli.calling import call, run
from tests.unit.cli.test_cli import NARROW

NAMES = [
    *("Python", "OpenSSL", "cryptography", "loopback", "TLS", "clock", "folder"),
    *("jupyterlab", "home", "kernel", "ipywidgets", "openssl"),
    *("swtpm", "tpm2-openssl", "tpm2-tools"),
]
CONFIG = """openssl_conf = init
[init]
ssl_conf = ssl
[ssl]
system_default = all
[all]
CipherSuites =
MaxProtocol = TLSv1.1
"""


def findings(
    place: Path, environment: dict[str, str] | None = None, *, before: tuple[str, ...] = ()
) -> dict[str, Finding]:
    """What the doctor of another process says, by the name of the check."""
    done = run("doctor", "--json", cwd=place, environment=environment, before=before)
    assert done.stderr == ""
    told = json.loads(done.stdout)
    found = [Finding(**each | {"level": Level(each["level"])}) for each in told["findings"]]
    assert [each.name for each in found] == NAMES
    assert told["ready"] is ready(found) is (done.returncode == 0)
    return {each.name: each for each in found}


def lines_of(text: str) -> list[str]:
    """The lines of a report: one for each check, without what is to be done about it."""
    return [line for line in text.splitlines() if not line.startswith(" ")]


def sign(well: str, warning: str) -> str:
    """The sign before the Python: one before 3.11.4 is always warned of."""
    return f"{warning} warning " if sys.version_info < (3, 11, 4) else f"{well} ok      "


def unwell(found: dict[str, Finding]) -> dict[str, Level]:
    """What is not well, but for the Python: one before 3.11.4 is always warned of, no other is.

    Notes do not count: whether there is a TPM to play with depends on the machine.
    """
    return unwell_levels({name: each.level for name, each in found.items()})


def unwell_levels(found: dict[str, Level]) -> dict[str, Level]:
    levels: dict[str, Level] = {
        name: level for name, level in found.items() if level not in {Level.OK, Level.NOTE}
    }
    assert (levels.pop("Python", Level.OK) is Level.WARNING) is (sys.version_info < (3, 11, 4))
    return levels


# --- The command


def test_a_machine_that_is_ready(tmp_path: Path) -> None:
    assert unwell(findings(tmp_path)) == {}
    assert list(tmp_path.iterdir()) == []  # it looks, and leaves nothing behind


@pytest.mark.once
def test_an_output_without_our_signs(tmp_path: Path) -> None:
    done = run("doctor", cwd=tmp_path, environment=NARROW["C"])
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[2] for line in lines_of(done.stdout)] == NAMES
    assert done.stdout.startswith(f"{sign('+', '!')} Python")


def test_a_report_for_a_teacher() -> None:
    fine = Finding("clock", Level.OK, "2026-11-25 UTC")
    bad = Finding("folder", Level.FAILURE, "lab: full", "make room")
    told = report([fine, bad])
    assert json.loads(json.dumps(told)) == told
    assert told["ready"] is False
    assert told["findings"][1] == {
        "name": "folder",
        "level": "failure",
        "found": "lab: full",
        "cure": "make room",
    }
    assert set(told["versions"]) == {
        *("Python", "OpenSSL", "mtls-lab", "cryptography", "jupyterlab", "ipywidgets"),
        *("anywidget", "ipykernel"),
    }
    assert all(told["versions"].values())
    assert report([fine])["ready"] is True


# --- This Python


class Version(NamedTuple):
    major: int
    minor: int
    micro: int


@pytest.mark.parametrize(
    ("python", "level"),
    [
        (Version(3, 11, 2), Level.WARNING),
        (Version(3, 11, 4), Level.OK),
        (Version(3, 14, 0), Level.OK),
    ],
    ids=str,
)
def test_an_old_python(monkeypatch: pytest.MonkeyPatch, python: Version, level: Level) -> None:
    monkeypatch.setattr("sys.version_info", python)
    finding = doctor._python()
    assert finding.level is level
    assert ("gh-95494" in finding.cure) is (level is Level.WARNING)


@pytest.mark.parametrize(
    ("library", "numbers", "level"),
    [
        ("OpenSSL 1.1.1w", (1, 1, 1, 23, 15), Level.WARNING),
        ("OpenSSL 3.0.19", (3, 0, 0, 19, 0), Level.OK),
        ("OpenSSL 10.0.0", (10, 0, 0, 0, 0), Level.OK),
        ("LibreSSL 4.1.0", (2, 0, 0, 0, 0), Level.WARNING),
        ("LibreSSL 4.1.0", (4, 1, 0, 0, 0), Level.WARNING),
    ],
)
def test_a_library(
    monkeypatch: pytest.MonkeyPatch, library: str, numbers: tuple[int, ...], level: Level
) -> None:
    monkeypatch.setattr("ssl.OPENSSL_VERSION", library)
    monkeypatch.setattr("ssl.OPENSSL_VERSION_INFO", numbers)
    assert doctor._openssl_library().level is level


# --- Packages: each broken in a real environment, and then healed as told


def venv_without(tmp_path: Path, *missing: str) -> Path:
    """The Python of a venv that has what this one has, but for some packages."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    program = tmp_path / "venv" / "bin" / "python"
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    asked = subprocess.run([program, "-c", ask], capture_output=True, text=True, check=True)
    packages = Path(asked.stdout.strip())
    for each in Path(sysconfig.get_path("purelib")).iterdir():
        if not each.name.startswith(missing):
            (packages / each.name).symlink_to(each)
    return program


@pytest.mark.once
@pytest.mark.registry
@pytest.mark.skipif(os.name != "posix", reason="the venv is made of links")
def test_packages_that_are_missing(tmp_path: Path) -> None:
    """Three, and pip as well: each is healed as told, until nothing is left to tell."""
    program = venv_without(tmp_path, "cryptography", "ipywidgets", "anywidget", "pip")
    command = [str(program), "-m", "mtls_lab", "doctor", "--json"]
    left = [
        ("cryptography", ["cryptography", "TLS", "ipywidgets"]),
        ("ipywidgets", ["ipywidgets"]),
        ("anywidget", ["anywidget"]),
    ]
    for package, told in left:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (2, "")
        found = {each["name"]: each for each in json.loads(done.stdout)["findings"]}
        levels = {name: Level(each["level"]) for name, each in found.items()}
        assert list(unwell_levels(levels)) == told
        assert found[package]["found"] == "not in this Python"

        # The program says the same of itself, in one message.
        start = [str(program), "-m", "mtls_lab", "reset", "1"]
        refused = subprocess.run(start, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert refused.returncode == 2
        assert "Traceback" not in refused.stderr

        for cure in found[package]["cure"].split(", and then "):
            healed = subprocess.run(
                shlex.split(cure),
                cwd=tmp_path,
                env=os.environ | UNCOMPILED | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
                capture_output=True,
                text=True,
                check=False,
            )
            assert healed.returncode == 0, f"{cure}\n{healed.stderr}"
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert json.loads(again.stdout)["ready"] is True


def found_here(name: str, folder: Path) -> Finding:
    """One check alone, of this process; it starts another one, with the same environment."""
    return next(check() for each, check, _ in doctor._checks(folder) if each == name)


@pytest.mark.once
@pytest.mark.parametrize(
    ("package", "content"),
    [
        ("ipywidgets", "raise ImportError('broken')"),
        ("ipywidgets", ""),
        ("jupyterlab", "1 / 0"),
        ("cryptography", "import nowhere"),
    ],
)
def test_a_package_that_another_hides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, content: str
) -> None:
    shadow = tmp_path / "shadow" / package / "__init__.py"
    shadow.parent.mkdir(parents=True)
    shadow.write_text(content)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "shadow"))
    finding = found_here(package, tmp_path)
    assert (finding.level, finding.found[:15]) == (Level.FAILURE, "does not load: ")
    assert finding.found.endswith(f"({shadow})")
    assert finding.cure.endswith("rename it, or take it off PYTHONPATH")
    shadow.parent.rename(shadow.parents[1] / "renamed")
    assert found_here(package, tmp_path).level is Level.OK


def test_a_package_that_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel for another processor is killed by SIGILL, and nobody says a word."""
    monkeypatch.setattr(installed, "LOAD", "import os; os.kill(os.getpid(), 9)")
    finding = installed.package("cryptography")
    assert (finding.level, finding.found) == (Level.FAILURE, "does not load: exit code -9")
    monkeypatch.setattr(installed, "KERNEL", "raise SystemExit(3)")
    assert installed.kernel().found == "exit code 3"


def test_a_file_of_the_learners_that_hides_a_module(tmp_path: Path) -> None:
    """A kernel runs in the learner's folder, and looks there first."""
    hiding = tmp_path / "html.py"
    hiding.write_text("page = 'mine'")
    finding = found_here("ipywidgets", tmp_path)
    assert finding.level is Level.FAILURE
    assert finding.found.endswith(f"({hiding})")
    hiding.unlink()
    assert found_here("ipywidgets", tmp_path).level is Level.OK


@pytest.mark.once
def test_another_python_runs_the_notebooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = tmp_path / "jupyter" / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    argv = ["/elsewhere/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec.write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    finding = installed.kernel()
    assert finding.level is Level.FAILURE
    assert finding.found == f"{spec.parent} runs the notebooks with /elsewhere/bin/python"
    cure = finding.cure.removeprefix("let this Python do it: ")
    assert cure == f"{python()} -m jupyter kernelspec remove -f python3"
    subprocess.run(shlex.split(cure), check=True, capture_output=True)
    assert installed.kernel().level is Level.OK


# --- The openssl program, which is optional


@pytest.mark.once
def test_without_the_program(tmp_path: Path) -> None:
    found = findings(tmp_path, {"PATH": ""})
    assert unwell(found) == {"openssl": Level.WARNING}
    assert ready(found.values())
    for name in ("swtpm", "tpm2-openssl", "tpm2-tools"):  # notes: the course works without
        assert found[name].level is Level.NOTE
        assert found[name].cure.startswith("optional, for notebooks 4 and 4d; ")
        assert str(found[name]).startswith(f"– note     {name}")
    assert found["openssl"].found == "no openssl program"
    assert found["openssl"].cure.startswith("optional")


@pytest.mark.once
@pytest.mark.skipif(os.name != "posix", reason="the program is a shell script")
@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("#!/bin/sh\nexit 3\n", "does not work (exit code 3)"),
        ("#!/nowhere/sh\n", "does not work ("),
        ("#!/bin/sh\nexec sleep 60\n", "does not work (no answer in 1 s)"),
        ("#!/bin/sh\necho OpenSSL 1.0.2u\n", "OpenSSL 1.0.2u"),
        ("#!/bin/sh\necho LibreSSL 4.1.0\n", "LibreSSL 4.1.0"),
        ("#!/bin/sh\n", "an openssl without a version"),
        ("#!/bin/sh\necho OpenSSL 10.0.0 '(Library: x)'\n", "OpenSSL 10.0.0"),
    ],
    ids=["fails", "broken", "hangs", "old", "LibreSSL", "silent", "new"],
)
def test_a_program_that_does_not_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, found: str
) -> None:
    program = tmp_path / "openssl"
    program.write_text(script)
    program.chmod(0o700)
    monkeypatch.setattr(installed, "ANSWERING", 1)
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path), os.environ["PATH"]]))
    finding = installed.openssl_program()
    assert found in finding.found
    assert finding.level is (Level.OK if "10.0" in found else Level.WARNING)
    program.unlink()
    assert installed.openssl_program().level is Level.OK


# --- TLS and the network


def test_a_configuration_that_forbids_what_the_lab_needs(tmp_path: Path) -> None:
    config = tmp_path / "openssl.cnf"
    config.write_text(CONFIG)
    found = findings(tmp_path, {"OPENSSL_CONF": str(config)})
    assert unwell(found) == {"TLS": Level.FAILURE}
    assert found["TLS"].cure == (
        f"{config} forbids it, which OPENSSL_CONF names: unset OPENSSL_CONF"
    )
    assert found_here("TLS", tmp_path).level is Level.OK


def test_a_system_that_forbids_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """OPENSSL_CONF is not set, so nobody is told to unset it; where the defaults serve.

    A file of the learner's that is called like a module is not to blame.
    """
    monkeypatch.delenv("OPENSSL_CONF", raising=False)
    (tmp_path / "ssl.py").write_text("1 / 0")
    monkeypatch.chdir(tmp_path)
    cure = doctor._what_forbids_tls()
    assert "unset" not in cure
    assert cure.endswith(f"Without it: OPENSSL_CONF={os.devnull} {typed('start')}")


@pytest.mark.once
def test_without_a_loopback_interface(tmp_path: Path) -> None:
    """In a network of its own, where it is down; then switched on as told."""
    alone = ("unshare", "--net", "--map-root-user")
    if sys.platform != "linux" or subprocess.run([*alone, "true"], check=False).returncode:
        pytest.skip("no network namespace can be made here")
    found = findings(tmp_path, before=alone)
    assert unwell(found) == {"loopback": Level.FAILURE, "TLS": Level.FAILURE}
    cure = found["loopback"].cure
    assert cure.endswith("switch it on (on Linux, as root: ip link set lo up)")
    assert (found["TLS"].found, found["TLS"].cure) == ("not tried: it needs loopback", "")
    up = ("sh", "-c", 'ip link set lo up && exec "$@"', "sh")
    again = "from mtls_lab.cli import doctor as d; print(d._loopback().level, d._tls().level)"
    command = [*alone, *up, sys.executable, "-c", again]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{Level.OK} {Level.OK}\n"  # all else was well before


# --- The clock


@pytest.mark.parametrize(
    ("moved", "found"),
    [(-55, ", and the lab has files of "), (29, ", and the newest file of the lab is of ")],
    ids=["1971", "2055"],
)
def test_a_clock_that_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moved: int, found: str
) -> None:
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + moved * 365.25 * 86_400)
    finding = doctor._clock(tmp_path)
    assert finding.level is Level.WARNING
    assert found in finding.found
    assert finding.cure.startswith("set the clock")
    monkeypatch.setattr("time.time", lambda: now)
    assert doctor._clock(tmp_path).level is Level.OK


def test_a_clock_that_was_put_back(tmp_path: Path) -> None:
    """What the learner saved is from tomorrow's tomorrow."""
    saved = tmp_path / "1_plain_tcp.ipynb"
    saved.touch()
    os.utime(saved, (time.time(), time.time() + 2 * 86_400))
    assert doctor._clock(tmp_path).level is Level.WARNING
    os.utime(saved)
    assert doctor._clock(tmp_path).level is Level.OK


def test_a_lock_of_an_editor_has_no_time(tmp_path: Path) -> None:
    (tmp_path / ".#1_plain_tcp.ipynb").symlink_to("somebody@here.4711")
    assert doctor._clock(tmp_path).level is Level.OK


# --- The folder


@pytest.mark.once
def test_a_folder_below_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    done = call("doctor", "file/lab", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "")
    assert "✗ failure  folder" in done.stdout
    assert f"choose another folder: {typed('start FOLDER')}" in done.stdout
    assert found_here("folder", Path("lab")).level is Level.OK  # which is not there yet
    assert done.stdout.startswith(f"{sign('✓', '!')} Python")
    assert [line.split()[2] for line in lines_of(done.stdout)] == NAMES


@pytest.mark.once
def test_a_home_without_room_for_jupyterlab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    home = tmp_path / "file" / "jupyter"
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(home))
    found = f"{home} cannot be written (Not a directory)"
    cure = "make room there, or set HOME (on Windows, APPDATA) to a folder that you may write to"
    with pytest.raises(FileProblem) as caught:
        found_here("home", tmp_path)
    assert (caught.value.found, caught.value.todo) == (found, cure)
    where = {"JUPYTER_DATA_DIR": str(home)}
    done = call("start", "lab", "--no-browser", cwd=tmp_path, environment=where)
    assert done.returncode == 2
    assert done.stderr == (
        "mtls-lab: this did not work.\n"
        f"Found:    {found}\n"
        "Expected: room in your home for JupyterLab's own files\n"
        f"To do:    {cure}\n"
    )
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    assert found_here("home", tmp_path).level is Level.OK


def test_examine_is_lazy(tmp_path: Path) -> None:
    """A learner sees each line when it is known."""
    assert next(iter(examine(tmp_path))).name == "Python"

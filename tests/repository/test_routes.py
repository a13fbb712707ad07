"""Each way to install the lab ends with a course that starts, in a new folder with a new home.

Here: make, uv, the wheel, the sdist, Binder. Not here: pip as in the README (test_readme.py), and
Debian's own users and Pythons (tests/matrix).
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository.files import ROOT, UNCOMPILED, built, copy, uv

README = (ROOT / "README.md").read_text("utf-8")

#: How this machine reaches its registry, and which Python it takes: the only settings that stay.
KEPT = re.compile(r"(PATH|(PIP|UV|SSL|PYENV)_\w+|https?_proxy|no_proxy)$", re.IGNORECASE)


def call(
    command: str, folder: Path, home: Path, umask: int = 0o022, **more: str
) -> subprocess.CompletedProcess[str]:
    """Runs one line as a shell would, with nothing of this person's settings and this venv."""
    environment = {name: value for name, value in os.environ.items() if KEPT.match(name)}
    own = str(Path(sys.prefix) / "bin")
    path = [each for each in environment["PATH"].split(":") if each != own]
    cache = subprocess.run([uv(), "cache", "dir"], capture_output=True, text=True, check=True)
    environment |= {
        "PATH": ":".join([str(home / ".local" / "bin"), str(uv().parent), *path]),
        "HOME": str(home),
        "UV_CACHE_DIR": cache.stdout.strip(),
        **UNCOMPILED,
        "COMPILED": "",  # of our Makefile, for uv
    }
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment | more,
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )


def succeeds(command: str, folder: Path, home: Path, umask: int = 0o022, **more: str) -> str:
    done = call(command, folder, home, umask, **more)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def told(start: str) -> list[str]:
    """The lines of the README's block that starts so."""
    blocks = re.findall(r"(?ms)^```sh\n(.*?)^```", README)
    (block,) = [str(each) for each in blocks if each.startswith(f"{start} ")]
    return block.splitlines()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy(tmp_path / "a [new] place")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("wheel", tmp_path_factory.mktemp("dist"))


@pytest.mark.registry
def test_make(project: Path, home: Path, tmp_path: Path) -> None:
    """With another venv and a PYTHONPATH in the shell, with a strict umask, without uv."""
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    (shadow / "ipywidgets.py").write_text("raise ImportError('not the real one')")
    settings = {
        "VIRTUAL_ENV": str(tmp_path / "other"),
        "PYTHONPATH": str(shadow),
        "PATH": os.environ["PATH"].replace(f"{sys.prefix}/bin:", ""),
    }
    said = succeeds("make doctor", project, home, 0o077, **settings)
    assert "ipywidgets" in said
    assert "failure" not in said
    assert "ready" in succeeds(".venv/bin/mtls-lab start --prepare", project, home, 0o077)
    assert not (tmp_path / "other").exists()
    installed = {path.name for path in project.glob(".venv/lib/*/site-packages/*")}
    assert {"jupyterlab", "ipywidgets", "cryptography"} <= installed
    assert {"playwright", "mypy", "pytest", "rfc3987_syntax"} & installed == set()


def bare_path(tmp_path: Path, python3: str) -> str:
    """A PATH with make, a shell and this python3, and no other Python and no uv."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("make", "sh", "bash", "awk", "rm"):
        (folder / name).symlink_to(shutil.which(name) or name)
    script = folder / "python3"
    script.write_text(f"#!/bin/sh\n{python3}\n")
    script.chmod(0o755)
    return str(folder)


@pytest.mark.parametrize("target", ["lab", "test", "doctor", "matrix", "lint"])
@pytest.mark.parametrize(
    ("python3", "found"),
    [('[ "$1" != --version ] || echo Python 3.10.12', "Python 3.10.12"), ("exit 1", "no python3")],
    ids=["old", "none"],
)
def test_without_a_supported_python_make_says_so(
    tmp_path: Path, project: Path, home: Path, python3: str, found: str, target: str
) -> None:
    done = call(f"make {target}", project, home, PATH=bare_path(tmp_path, python3))
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert f"The lab needs Python 3.11 or newer; found: {found}. Install" in line
    assert list(project.glob(".venv*")) == []


def test_without_the_venv_module_make_says_what_to_install(
    tmp_path: Path, project: Path, home: Path
) -> None:
    python3 = f'[ "$2" != "import ensurepip" ] || exit 1; exec {shlex.quote(sys.executable)} "$@"'
    done = call("make lab", project, home, PATH=bare_path(tmp_path, python3))
    assert done.returncode == 2
    version = "{}.{}".format(*sys.version_info)
    assert done.stderr.splitlines()[0] == (
        f"Python {version} cannot make a venv here. "
        f"On Debian and Ubuntu: sudo apt install python{version}-venv"
    )
    assert list(project.glob(".venv*")) == []


def test_uv_trusts_the_cas_of_the_machine(tmp_path: Path, project: Path, home: Path) -> None:
    """As pip does: where a company looks into TLS, the registry shows a certificate of its CA."""
    path = bare_path(tmp_path, f'exec {shlex.quote(sys.executable)} "$@"')
    stub = Path(path) / "uv"
    stub.write_text('#!/bin/sh\necho "$1: $UV_SYSTEM_CERTS $UV_NATIVE_TLS"\n[ "$1" != venv ]\n')
    stub.chmod(0o755)
    done = call("make lab", project, home, PATH=path)
    assert done.returncode == 2
    assert "venv: true true" in done.stdout.splitlines()


@pytest.mark.registry
def test_uvx_from_this_folder(project: Path, home: Path) -> None:
    """Alone it starts the course; here it only makes the folder."""
    line = told("uvx")[0].partition("#")[0]
    assert "ready" in succeeds(f"{line} start --prepare", project, home)
    assert (project / "lab" / "1_plain_tcp.ipynb").is_file()


@pytest.mark.registry
@pytest.mark.parametrize("program", ["uv", "pipx"])
def test_a_program_of_its_own(project: Path, home: Path, program: str) -> None:
    install, start = told(program)
    succeeds(install if program == "uv" else f"uvx {install}", project, home)
    place = home / "elsewhere"
    place.mkdir()
    assert "ready" in succeeds(f"{start} start --prepare", place, home)
    assert (place / "lab" / "1_plain_tcp.ipynb").is_file()


@pytest.mark.registry
def test_the_wheel_needs_neither_repository_nor_network(wheel: Path, home: Path) -> None:
    """A notebook runs, and nothing is written beside the package."""
    place = home / "elsewhere"
    place.mkdir()
    succeeds(f"uv tool install {shlex.quote(str(wheel))}", place, home)
    (package,) = home.glob(".local/share/uv/tools/mtls-lab/lib/*/site-packages/mtls_lab")
    before = {path for path in package.rglob("*") if "__pycache__" not in path.parts}
    succeeds("mtls-lab start --prepare", place, home)
    offline = "unshare --net --map-root-user bash -c 'ip link set lo up && \"$@\"' bash"
    if call(f"{offline} true", place, home).returncode:
        pytest.skip("this system does not let a user make a network namespace (unshare, ip)")
    jupyter = home / ".local/share/uv/tools/mtls-lab/bin/jupyter"
    succeeds(
        f"{offline} {shlex.quote(str(jupyter))} execute 1_plain_tcp.ipynb", place / "lab", home
    )
    after = {path for path in package.rglob("*") if "__pycache__" not in path.parts}
    assert after == before


def test_binder_prepares_the_folder(project: Path, home: Path) -> None:
    """After environment.yml, whose pip part is an editable install: this venv has that."""
    path = f"{sys.prefix}/bin:{os.environ['PATH']}"
    succeeds("./postBuild", project, home, PATH=path)
    assert (project / "lab" / "1_plain_tcp.ipynb").is_file()


@pytest.mark.registry
def test_the_sdist_carries_tests_that_run_or_say_why_not(tmp_path: Path, home: Path) -> None:
    shutil.unpack_archive(built("sdist", tmp_path), tmp_path)
    (folder,) = (path.parent for path in tmp_path.glob("*/PKG-INFO"))
    tests = "tests/repository/test_{commands,dependencies,readme,secrets}.py"
    # The README's TPM, the longest of them, needs no file that its two terminals do not need.
    run = f"{shlex.quote(sys.executable)} -m pytest -p no:cacheprovider {tests} -k 'not in_a_tpm'"
    said = succeeds(run, folder, home)
    reasons = re.findall(r"(?m)^SKIPPED .*?: (?:Skipped: )?(.*)$", said)
    assert set(reasons) == {"no git checkout: what is committed cannot be listed"}
    assert int(re.findall(r"(\d+) passed", said)[-1]) > 15

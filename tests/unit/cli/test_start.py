"""`mtls-lab start` as a process of its own: a real JupyterLab, and every way to end it.

Here: that it opens, and that it always ends. Not here: the folder (learner/test_notebooks.py), its
other messages (test_cli.py).
"""

import errno
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from jupyterlab_server.workspaces_handler import WorkspacesManager

from mtls_lab.cli import jupyter
from mtls_lab.common import FileProblem, scripts
from mtls_lab.learner.notebooks import notebooks

ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+)/lab/tree/1_plain_tcp\.ipynb\?token=(\w+)")
START = "import sys; from mtls_lab.cli import main; sys.exit(main(sys.argv[1:]))"

#: JupyterLab says "up" when it answers. Its log says where it listens before it does.
UP = """
from mtls_lab.cli import jupyter
started = jupyter.LabServer._post_start
async def _post_start(self):
    await started(self)
    print("up", file=sys.stderr, flush=True)
jupyter.LabServer._post_start = _post_start
"""
#: Its orderly end takes for ever.
NEVER_DONE = """
import asyncio
from mtls_lab.cli import jupyter
async def _cleanup(self):
    print("cleaning up", file=sys.stderr, flush=True)
    await asyncio.sleep(3600)
jupyter.LabServer._cleanup = _cleanup
"""
#: Its own output sends it a signal in the middle of the line with its address.
STRUCK = """
import io, os, signal
class Raw(io.RawIOBase):
    struck = False
    def writable(self):
        return True
    def write(self, data):
        if b"To access the server" in bytes(data) and not Raw.struck:
            Raw.struck = True
            os.kill(os.getpid(), signal.SIGTERM)
        return os.write(2, data)
sys.stderr = io.TextIOWrapper(io.BufferedWriter(Raw()), line_buffering=True)
"""

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(os.name != "posix", reason="Windows has no signal to send"),
]


#: A part of Jupyter that complains, and one that chatters.
OUTSPOKEN = """
from mtls_lab.cli import jupyter
extended = jupyter.LabServer.init_server_extensions
def init_server_extensions(self):
    extended(self)
    for log in (self.log, *(app.log for apps in self.extension_manager.extension_apps.values()
                            for app in apps)):
        log.warning("%s warns", log.name)
        log.info("%s chatters", log.name)
jupyter.LabServer.init_server_extensions = init_server_extensions
"""


@contextmanager
def started(folder: Path, *prepared: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A JupyterLab with a runtime folder of its own, which no test leaves running.

    Args:
        prepared: what its program runs before.
        variables: what its environment has besides.
    """
    kept = {name: str(folder / name) for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR")}
    inside = {"JUPYTER_SERVER_URL", "JUPYTER_SERVER_ROOT", "JUPYTERHUB_SERVICE_PREFIX"}
    environment = {key: value for key, value in os.environ.items() if key not in inside}
    lab = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "".join(["import sys\n", *prepared, START]),
            "start",
            "--no-browser",
        ],
        cwd=folder,
        env=environment | kept | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with lab:
        try:
            yield lab
        finally:
            lab.kill()


def wait_for(lab: subprocess.Popen[str], pattern: str | re.Pattern[str]) -> re.Match[str]:
    """Read what it says until a line matches."""
    assert lab.stderr is not None
    said = []
    for line in lab.stderr:
        said.append(line)
        if found := re.search(pattern, line):
            return found
    pytest.fail("".join(said))


@pytest.mark.skipif(not shutil.which("pgrep"), reason="no pgrep on the PATH (package procps)")
def test_it_opens_jupyterlab_at_part_1_and_a_kernel_ends_with_it(tmp_path: Path) -> None:
    """Also as root. The page that it names is there, and the lab's own style. No Node.js is asked
    anything meanwhile. Nobody else can connect to the kernel."""
    for name in ("node", "npm"):
        (tmp_path / name).write_text(f"#!/bin/sh\n: > {tmp_path / 'asked'}\n")
        (tmp_path / name).chmod(0o700)
    search = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    with started(tmp_path, UP, PATH=search) as lab:
        address = wait_for(lab, ADDRESS)
        url, token = address.groups()
        wait_for(lab, "^up$")
        with urlopen(address[0], timeout=500) as page:  # noqa: S310 - the address is our server's
            assert "JupyterLab" in page.read().decode()
        style = f"{address[1]}/custom/custom.css"
        with urlopen(style, timeout=500) as served:  # noqa: S310 - the same
            assert served.read() == (jupyter.OWN / "custom.css").read_bytes()
        header = {"Authorization": f"token {token}", "Content-Type": "application/json"}
        wanted = Request(f"{url}/api/kernels", b'{"name": "python3"}', header)  # noqa: S310 - the same
        with urlopen(wanted, timeout=500) as answer:  # noqa: S310 - the same
            identity = json.load(answer)["id"]
        running = ["pgrep", "-af", f"kernel-{identity}"]
        listed = subprocess.run(running, capture_output=True, text=True, check=True).stdout
        (connection,) = map(Path, re.findall(r" -f (\S+\.json)", listed))
        assert json.loads(connection.read_bytes())["transport"] == "ipc"
        assert connection.parent.stat().st_mode & 0o777 == 0o700
        lab.terminate()
        lab.communicate(timeout=500)
    assert lab.returncode == 0
    assert subprocess.run(running, capture_output=True, check=False).returncode == 1
    assert not connection.parent.exists()
    assert (tmp_path / "lab" / notebooks()[0].name).is_file()
    assert not (tmp_path / "asked").exists()


def test_a_jupyter_that_is_open_to_all_does_not_open_the_lab(tmp_path: Path) -> None:
    """As a person's own settings may make it, for a machine that nobody else reaches."""
    (tmp_path / "JUPYTER_CONFIG_DIR").mkdir()
    (tmp_path / "JUPYTER_CONFIG_DIR" / "jupyter_server_config.py").write_text(
        "c.ServerApp.ip = '0.0.0.0'\nc.IdentityProvider.token = ''\n"
    )
    with started(tmp_path, UP) as lab:
        server, token = wait_for(lab, ADDRESS).groups()
        wait_for(lab, "^up$")
        assert len(token) == 48
        with pytest.raises(HTTPError, match="403") as refused:
            urlopen(f"{server}/api/contents", timeout=500)  # noqa: S310 - our server's address
        refused.value.close()
        port = int(server.rpartition(":")[2])
        with socket.socket() as other:  # an address on which only 0.0.0.0 would listen as well
            assert other.connect_ex(("127.0.0.2", port)) == errno.ECONNREFUSED


@pytest.mark.parametrize("token", ["", "mine"])
def test_the_address_is_the_last_thing_that_is_said(tmp_path: Path, token: str) -> None:
    """Nothing of Jupyter's chatter, but what warns; also with a token of this person's own."""
    variables = {"JUPYTER_TOKEN": token} if token else {}
    with started(tmp_path, OUTSPOKEN, UP, **variables) as lab:
        assert lab.stderr is not None
        said = list(iter(lab.stderr.readline, "up\n"))
    *before, last = (line.rstrip() for line in said)
    address = ADDRESS.search(last) or re.search(
        r"/lab/tree/1_plain_tcp\.ipynb\?token=\.\.\.$", last
    )
    assert address, said
    warned = [line.rpartition("] ")[2] for line in before if line.startswith("[W")]
    assert {"LabServer warns", "LabApp warns"} <= set(warned)
    assert not [line for line in said if line.startswith("[I") or "chatters" in line]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_ends_it_in_good_order(tmp_path: Path, name: str) -> None:
    """At the very moment at which it says where it listens."""
    with started(tmp_path) as lab:
        wait_for(lab, ADDRESS)
        lab.send_signal(signal.Signals[name])
        _, said = lab.communicate(timeout=500)
    assert lab.returncode == 0
    assert "Traceback" not in said
    assert list((tmp_path / "JUPYTER_RUNTIME_DIR").glob("jpserver-*")) == []


def test_a_signal_in_the_middle_of_a_line_is_not_lost(tmp_path: Path) -> None:
    """Jupyter's own handler would log, and so fail: "reentrant call"."""
    with started(tmp_path, STRUCK) as lab:
        _, said = lab.communicate(timeout=500)
    assert (lab.returncode, "Traceback" in said) == (0, False)


def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    with started(tmp_path, NEVER_DONE) as lab:
        wait_for(lab, ADDRESS)
        lab.terminate()
        wait_for(lab, "cleaning up")
        lab.terminate()
        assert lab.wait(timeout=500) == -signal.SIGTERM


def test_what_hangs_at_the_end_is_ended(tmp_path: Path) -> None:
    with started(tmp_path, NEVER_DONE, "jupyter.GRACE = 1\n") as lab:
        wait_for(lab, ADDRESS)
        lab.terminate()
        assert lab.wait(timeout=500) == -signal.SIGALRM


def test_nohup_holds(tmp_path: Path) -> None:
    """A signal that is ignored when it starts does not end it."""
    with started(tmp_path, "import signal; signal.signal(1, signal.SIG_IGN)\n", UP) as lab:
        address = wait_for(lab, ADDRESS)
        lab.send_signal(signal.SIGHUP)
        wait_for(lab, "^up$")
        with urlopen(address[0], timeout=500) as page:  # noqa: S310 - the address is our server's
            assert page.status == 200
        lab.terminate()
        lab.communicate(timeout=500)
    assert lab.returncode == 0


# --- Options


def test_terminals_and_kernels_find_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYTHONSTARTUP", "")
    monkeypatch.setattr("jupyterlab.labapp.LabApp.launch_instance", lambda _: None)
    jupyter.run([])
    assert os.environ["PATH"].split(os.pathsep) == [str(scripts()), str(tmp_path)]
    shell = jupyter.LabServer().terminado_settings["shell_command"]
    assert shell == [os.environ.get("SHELL") or "sh"]  # no login shell, with a PATH of its own


@pytest.mark.parametrize("own", ["", "mine.py"])
def test_kernels_begin_with_a_file_of_the_lab_or_of_this_person(
    own: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.setenv("PYTHONSTARTUP", own)
    if not own:
        monkeypatch.delenv("PYTHONSTARTUP")
    monkeypatch.setattr("jupyterlab.labapp.LabApp.launch_instance", lambda _: None)
    jupyter.run([])
    assert os.environ["PYTHONSTARTUP"] == (own or str(jupyter.FIRST))


@pytest.mark.parametrize(
    ("port", "said"), [(None, []), (0, ["0"]), (9000, ["9000"])], ids=["default", "any", "one"]
)
def test_a_port(tmp_path: Path, port: int | None, said: list[str]) -> None:
    options = jupyter.options(tmp_path, "x.ipynb", browser=True, port=port)
    found = [each.partition("=")[2] for each in options if each.startswith("--ServerApp.port=")]
    assert found == said
    assert "--no-browser" not in options


def test_big_letters_are_the_labs_styles_with_larger_fonts(tmp_path: Path) -> None:
    """Without the option, nothing is written."""
    place = tmp_path / ".jupyter" / "big"
    jupyter.options(tmp_path, "x.ipynb", browser=True, port=None)
    assert not place.exists()
    options = jupyter.options(tmp_path, "x.ipynb", browser=True, port=None, big=True)
    assert f"--LabServer.styles={place}" in options
    own, big = ((folder / "custom.css").read_text("utf-8") for folder in (jupyter.OWN, place))
    assert big.removeprefix(own).strip() == (
        ":root:root { --jp-content-font-size1: 20px; --jp-code-font-size: 18px; "
        "--jp-ui-font-size1: 16px; --jp-cell-prompt-width: 80px; }"
    )
    assert jupyter.LabServer(styles=str(place)).static_custom_path == [str(place)]


def test_what_jupyterlab_remembers_stays_in_the_folder(tmp_path: Path) -> None:
    """Which notebooks were open, and no other JupyterLab of this person is changed."""
    options = jupyter.options(tmp_path, "x.ipynb", browser=False, port=None)
    folders = [Path(each.partition("_dir=")[2]) for each in options if "_dir=" in each]
    assert folders[:2] == [tmp_path, tmp_path / ".jupyter" / "workspaces"]
    assert (folders[2] / "overrides.json").is_file()
    assert "--no-browser" in options


# --- The outline


def test_the_outline_is_open_at_the_first_start_and_never_forced(tmp_path: Path) -> None:
    jupyter.open_outline(tmp_path)
    (saved,) = WorkspacesManager(str(tmp_path / jupyter.WORKSPACES)).list_workspaces()
    assert saved["metadata"]["id"] == "default"
    assert saved["data"]["layout-restorer:data"]["left"]["current"] == "@jupyterlab/toc:plugin"

    (file,) = (tmp_path / jupyter.WORKSPACES).iterdir()
    file.write_text("as the learner left it", "utf-8")
    jupyter.open_outline(tmp_path)
    assert file.read_text("utf-8") == "as the learner left it"


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / ".jupyter").write_text("in the way", "utf-8")
    with pytest.raises(FileProblem, match=r"workspaces cannot be written"):
        jupyter.open_outline(tmp_path)

"""JupyterLab for one learner's folder: how it is configured, and that it always ends.

Here: the options, what its terminals and kernels find, and signals. Not here: what the folder
holds (learner/), and the command line (commands.py). Only `start` imports this: it loads a server.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
from pathlib import Path
from types import FrameType
from typing import Any, cast

from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyterlab import commands
from jupyterlab_server.workspaces_handler import WORKSPACE_EXTENSION, slugify
from tornado.platform.asyncio import AsyncIOLoop
from traitlets import Unicode, default

from mtls_lab.common import private_folder, resource_folder, scratch_folder, scripts, write_file

# As it is loaded, JupyterLab asks a Node.js, where there is one, for half a second, from which
# registry extensions come. None is installed from here.
commands._yarn_config = lambda _: {"yarn config": {}}  # noqa: SLF001
from jupyterlab.labapp import LabApp  # noqa: E402

__all__ = ["LabServer", "open_outline", "options", "run"]

#: What ends a program: Ctrl-C, `kill`, a terminal that is closed. The last is not for Windows.
ENDING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
#: How this JupyterLab differs from any other.
OWN = resource_folder("data") / "jupyterlab"
STYLES = "custom.css"
#: Read from the last row: on a picture of 1,280 pixels, 20 are one sixty-fourth of its width.
#: The prompt's room grows with it, or "[10]:" is cut off.
BIG = {
    "content-font-size1": "20px",
    "code-font-size": "18px",
    "ui-font-size1": "16px",
    "cell-prompt-width": "80px",
}
#: What IPython runs first in each kernel; whoever has such a file of their own keeps that.
FIRST = Path(__file__).parents[1] / "classroom" / "starting.py"
#: Where the page is kept as the learner leaves it, below the learner's folder.
WORKSPACES = Path(".jupyter", "workspaces")
#: A page made by Save and Export asks no other host: it has pictures of its panels and no formula,
#: so what nbconvert would fetch for widgets and formulas is an empty file.
EXPORT = [
    *(f"--HTMLExporter.{each}_url=data:," for each in ("mathjax", "require_js", "widget_renderer")),
    *(
        f"--NbConvertBase.display_data_priority={kind}"
        for kind in ("text/html", "image/svg+xml", "image/png", "text/markdown", "text/plain")
    ),
]
#: What the lab adds to JupyterLab's own page.
EXTENSIONS = f"--LabApp.extra_labextensions_path={OWN / 'extensions'}"
#: Seconds for kernels to be shut down in good order. jupyter_client gives each of them five.
GRACE = 20


def options(
    folder: Path, notebook: str, *, browser: bool, port: int | None, big: bool = False
) -> list[str]:
    """Return JupyterLab's options for a learner's folder.

    Args:
        folder: the learner's folder.
        notebook: the name of the one that is opened first.
        browser: whether a browser is opened.
        port: where it listens, and nowhere else; 0 for any free port; None for JupyterLab's
            own choice, 8888 or the next that is free.
        big: letters for a projector, in texts, code and panels. Settings → Theme changes them.

    Raises:
        FileProblem: the folder cannot be written.
    """
    folder = folder.resolve()
    chosen = [
        f"--ServerApp.root_dir={folder}",
        # Whatever this person's own Jupyter says: the README promises this machine only.
        "--ServerApp.ip=127.0.0.1",
        f"--LabApp.default_url=/lab/tree/{notebook}",
        # Which notebooks were open is remembered here, and not for every JupyterLab of this person.
        f"--LabApp.workspaces_dir={folder / WORKSPACES}",
        f"--LabApp.app_settings_dir={OWN}",
        "--LabApp.custom_css=True",  # the one in the same folder: see LabServer
        EXTENSIONS,
        # The address is the last thing to read, and nothing but trouble comes after it.
        "--Application.log_level=WARN",
        # A class of 30 without internet: nothing is asked of the outside, nothing pops up.
        "--LabApp.extension_manager=readonly",
        "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
        "--LabApp.news_url=",
        # Nor is npm asked, for half a second, whether it has language servers.
        "--LanguageServerManager.autodetect=False",
        *EXPORT,
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        chosen.append("--allow-root")  # in a container, root is who one is
    if not browser:
        chosen.append("--no-browser")
    if big:
        chosen.append(f"--LabServer.styles={_big(folder)}")
    if port is not None:
        chosen += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    return chosen


def _big(folder: Path) -> Path:
    """Write the lab's own styles with larger letters, and return their folder.

    JupyterLab takes such sizes from a person's own settings only, never from overrides.json.
    """
    place = private_folder(folder / ".jupyter" / "big")
    sizes = "".join(f" --jp-{name}: {size};" for name, size in BIG.items())
    own = (OWN / STYLES).read_text("utf-8")
    write_file(place / STYLES, f"{own}\n:root:root {{{sizes} }}\n")
    return place


def open_outline(folder: Path) -> None:
    """Let the first start in a folder show the notebook's outline; whoever closes it is heeded.

    On a narrow page it is shut (data/jupyterlab/extensions): the server does not know how wide.

    Raises:
        FileProblem: the folder cannot be written.
    """
    # The workspace of an address that names none, such as the one that `options` has.
    file = folder / WORKSPACES / f"{slugify('default')}{WORKSPACE_EXTENSION}"
    if file.exists():
        return
    data = json.loads((OWN / "workspace.json").read_text("utf-8"))
    private_folder(file.parent)
    write_file(file, json.dumps({"data": data, "metadata": {"id": "default"}}))


def run(arguments: list[str]) -> None:
    """Run JupyterLab in this process until it is ended. Raises SystemExit where it cannot start.

    Its terminals and kernels find `mtls-lab`, whether or not the PATH led there before.

    It reaches its kernels through sockets in a folder that nobody else may open; on Windows, it
    has ports. At a port, any user of this machine could read what the cells print. And a lab takes
    many: now and then, one that was chosen for a kernel belongs to another program before the
    kernel listens there, and JupyterLab hangs when it shuts that kernel down.
    """
    search = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.pathsep.join([str(scripts()), search])
    os.environ.setdefault("PYTHONSTARTUP", str(FIRST))
    LabApp.serverapp_class = LabServer
    with scratch_folder(for_socket=True) as folder:
        sockets = [f"--LabServer.sockets={folder}"] if os.name == "posix" else []
        LabApp.launch_instance([*arguments, *sockets])


class LabServer(ServerApp):
    """Jupyter's server, which ends at the first signal, whatever it is doing, and asks nothing.

    Jupyter's own handlers write to the log before they stop the server. A signal that arrives
    during a write to the log ends such a handler with "reentrant call", and the server runs on.
    """

    styles = Unicode(str(OWN), help="The folder with custom.css.").tag(config=True)
    sockets = Unicode(help="The folder for those of kernels; none: ports.").tag(config=True)

    def init_signal(self) -> None:
        """Let each of the signals that end a program end this one."""
        super().init_signal()
        for each in ENDING:
            if signal.getsignal(each) is not signal.SIG_IGN:  # `nohup`, or `&` in a script
                signal.signal(each, self._end)

    def init_configurables(self) -> None:
        """Have a token, whatever this person's own Jupyter says: a terminal is one click away."""
        if self.sockets:
            self.config.KernelManager.transport = "ipc"
        super().init_configurables()
        if self.sockets:
            self.kernel_manager.connection_dir = self.sockets
        identity = self.identity_provider
        if not identity.auth_enabled:
            identity.token, identity.token_generated = secrets.token_hex(24), True

    def start_app(self) -> None:
        """Start, and leave the address as the last thing said."""
        super().start_app()
        # With a password or a token of this person's own, Jupyter says it at a lower level only.
        if not self.identity_provider.token_generated:
            self.log.critical("To access the server, open this address: %s", self.public_url)

    def _end(self, _signal: int, _frame: FrameType | None) -> None:
        """Let the event loop stop the server: a handler may neither log nor close anything."""
        for each in ENDING:
            signal.signal(each, signal.SIG_DFL)  # a second signal does not wait
        if hasattr(signal, "alarm"):
            signal.alarm(GRACE)  # the system ends what hangs; kernels notice, and end as well
        cast(AsyncIOLoop, self.io_loop).asyncio_loop.call_soon_threadsafe(self.stop)

    @default("kernel_websocket_connection_class")
    def _connection(self) -> type[Connection]:
        return Connection

    @default("static_custom_path")
    def _styles(self) -> list[str]:
        return [self.styles]

    @default("terminado_settings")
    def _terminals(self) -> dict[str, list[str]]:
        # Without this, a server whose output goes to a file opens login shells: a new PATH.
        return {} if os.name == "nt" else {"shell_command": [os.environ.get("SHELL") or "sh"]}


class Connection(ZMQChannelsWebsocketConnection):
    """Between a kernel and a page; what the kernel says is sent at once.

    A click is answered by several small messages. With Jupyter's own class, the system holds back
    the second one until the page has acknowledged the first, which takes it 40 milliseconds.
    """

    def connect(self) -> Any:
        self.websocket_handler.set_nodelay(True)
        return super().connect()

"""Four things on their way through the package: CONTRIBUTING.md names stations, a run meets them.

A way is short: the folders that it enters are written down here.

Not here: which folder may import which (test_package.py).
"""

import re
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from mtls_lab import CredentialPanel, ask, checks, enter, watch
from mtls_lab.learner import notebooks
from mtls_lab.net import Backend, client_context, server_context
from mtls_lab.wire.ladder import draw
from tests.repository.files import ROOT

PACKAGE = ROOT / "mtls_lab"
HEADING = "## Follow one thing through"
DEVICE = ("device/server_ca.pem", "device/client.crt", "device/client.key")


def server() -> ssl.SSLContext:
    files = ("backend/server.crt", "backend/server.key")
    return server_context(*files, client_ca="backend/client_ca.pem")


def certificate() -> Callable[[], object]:
    panel = CredentialPanel()
    return lambda: panel.select("none")


def message() -> Callable[[], object]:
    contexts = server(), client_context(*DEVICE)
    watch(*contexts)

    def walk() -> None:
        with Backend(contexts[0]) as backend:
            draw(ask("PING", backend, context=contexts[1]).handshake)

    return walk


def answer() -> Callable[[], object]:
    def mutual_device(folder: Path) -> ssl.SSLContext:
        return client_context(
            folder / "server_ca.pem", folder / "client.crt", folder / "client.key"
        )

    return lambda: checks.mutual_device(mutual_device)._repr_html_()


def context() -> Callable[[], object]:
    finished, device = server(), client_context(*DEVICE)

    def walk() -> None:
        with (
            Backend(finished) as backend,
            socket.create_connection(backend.address) as raw,
            device.wrap_socket(raw, server_hostname="localhost") as client,
        ):
            client.sendall(b"PING\n")
            assert client.recv(100) == b"PONG\n"

    return walk


#: Each walk, and the folders of the package that it enters: whoever reads it opens no other.
WALKS = {
    "A client certificate": (
        certificate,
        {"panels", "experiments", "net", "wire", "drawing", "explaining", "common"},
    ),
    "A handshake message": (message, {"net", "wire", "drawing", "pki", "common"}),
    "A learner's answer": (
        answer,
        {"exercises", "pki", "net", "wire", "learner", "drawing", "common", "face.py"},
    ),
    "A server's context": (context, {"net", "wire", "common"}),
}


def stations(thing: str) -> list[str]:
    """What CONTRIBUTING.md names on the way of a thing, each as file and function."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition(f"{HEADING}\n")[2].partition("\n## ")[0]
    way = section.partition(f"**{thing}**")[2].partition("\n\n")[0]
    return [f"{file}:{name}" for name, file in re.findall(r"`([\w.]+)` \(`([\w./]+)`\)", way)]


def followed(walk: Callable[[], object]) -> list[str]:
    """The functions of the package that a walk calls, in any thread, by their first call."""
    called: dict[str, None] = {}

    def note(frame: FrameType, event: str, _: object) -> None:
        file = Path(frame.f_code.co_filename)
        if event == "call" and file.is_relative_to(PACKAGE):
            called.setdefault(f"{file.relative_to(PACKAGE).as_posix()}:{frame.f_code.co_qualname}")

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        walk()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return list(called)


@pytest.mark.parametrize("thing", WALKS)
def test_a_walk(thing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebooks.unpack(tmp_path)
    monkeypatch.chdir(tmp_path)
    enter("3b")
    named = stations(thing)
    make, folders = WALKS[thing]
    called = followed(make())
    assert len(named) >= 5
    assert [station for station in called if station in named] == named
    assert {station.partition("/")[0].partition(":")[0] for station in called} == folders

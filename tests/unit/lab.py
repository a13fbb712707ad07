"""What the tests run against: certificates made now, handshakes in memory, leftovers counted.

No test and no fixture is here.
"""

import os
import re
import resource
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from mtls_lab import CertificateAuthority, Exchange, Failure, ask, serve, watch
from mtls_lab.common import ToolMissing
from mtls_lab.experiments import CredentialStore
from mtls_lab.learner import predictions
from mtls_lab.net import Address, Backend, client_context, running, server_context
from mtls_lab.pki import Identity
from mtls_lab.wire import Direction, Side

#: Root may read everything: a test of what is closed has to become another user.
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
BECOMES_NOBODY = pytest.mark.skipif(not ROOT, reason="becomes nobody")


@contextmanager
def not_root() -> Iterator[None]:
    """Be nobody in the block if the tests run as root; else who one is."""
    if ROOT:
        os.seteuid(65534)
    try:
        yield
    finally:
        if ROOT:
            os.seteuid(0)


VERSIONS = (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2)
#: How a backend or a relay ends a wait that should not happen; no test waits for it.
LONG = 300.0


def spelled(version: ssl.TLSVersion) -> str:
    """The version as `ssl.SSLSocket.version()` writes it."""
    return version.name.replace("_", ".")


def dead_process() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


@dataclass(frozen=True)
class Lab:
    """One CA for both sides, one server, and every credential of the catalogue."""

    folder: Path
    ca: CertificateAuthority
    store: CredentialStore

    @classmethod
    def create(cls, folder: Path) -> "Lab":
        ca = CertificateAuthority.create("Lab CA")
        Identity(ca.key, ca.certificate).save(folder, "ca")
        ca.issue_server(["localhost", "127.0.0.1"]).save(folder, "server")
        return cls(folder, ca, CredentialStore(ca, folder / "credentials"))

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.crt"

    @property
    def server_files(self) -> tuple[Path, Path]:
        return self.folder / "server.crt", self.folder / "server.key"

    def tls(self) -> ssl.SSLContext:
        """The backend's context of Part 2: it asks for no certificate."""
        return server_context(*self.server_files)

    def mtls(self) -> ssl.SSLContext:
        """The backend's context of Part 3, with the revocation list."""
        return server_context(*self.server_files, client_ca=self.ca_file, crl=self.store.crl())

    def device(
        self, credential: str = "valid", version: ssl.TLSVersion | None = None
    ) -> ssl.SSLContext:
        """The device's context with one of the catalogue's credentials."""
        return client_context(self.ca_file, *self.store.files(credential), version=version)

    def resumed(self, version: ssl.TLSVersion) -> Exchange:
        """A watched exchange that goes on with the session of the one before."""
        device = self.device("valid", version)
        context = server_context(*self.server_files, client_ca=self.ca_file)
        watch(device, context)
        with serve(context) as backend:
            first = ask("PING", backend, context=device)
            return ask("GET_SECRET", backend, context=device, session=first.session)


def served_with(identity: Identity, folder: Path, name: str = "other") -> ssl.SSLContext:
    """A backend's context with a certificate of the test's own."""
    return server_context(*identity.save(folder, name))


def connect(address: Address) -> socket.socket:
    """A client that does nothing yet. It waits for ever on a bug only."""
    client = socket.create_connection(address, LONG)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def name_of(client: socket.socket) -> Address:
    """What the backend knows this client by."""
    host, port = client.getsockname()[:2]
    return host, port


def read_all(client: socket.socket) -> bytes:
    """Everything up to the end of the stream."""
    data = b""
    while more := client.recv(4096):
        data += more
    return data


def failed(side: Side | None) -> Failure:
    """Why a side failed, which it has."""
    assert side
    assert side.failure
    return side.failure


def failure(action: Callable[[], object]) -> Failure | None:
    """How an action on a socket fails, or None if it does not."""
    try:
        action()
    except OSError as error:
        return Failure.of(error)
    return None


def client_hello(context: ssl.SSLContext) -> bytes:
    """The first bytes that this context would send."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


def shake_hands(device: ssl.SSLContext, backend: ssl.SSLContext) -> dict[Direction, bytes]:
    """Shake hands and exchange a line without a socket; return what was on the wire."""
    up, down, device_in, backend_in = (ssl.MemoryBIO() for _ in range(4))
    client = device.wrap_bio(device_in, up, server_hostname="localhost")
    server = backend.wrap_bio(backend_in, down, server_side=True)
    wire = dict.fromkeys(Direction, b"")

    def carry() -> None:
        for way, source, sink in (
            (Direction.TO_BACKEND, up, backend_in),
            (Direction.TO_DEVICE, down, device_in),
        ):
            data = source.read()
            wire[way] += data
            sink.write(data)

    for _ in range(3):  # one more than either version needs
        for end in (client, server):
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
            carry()
    client.write(b"GET_SECRET\n")
    carry()
    assert server.read() == b"GET_SECRET\n"
    return wire


class OpenFile(NamedTuple):
    """An open file of this process; a number alone is given again to the next one."""

    number: int
    device: int
    inode: int

    @classmethod
    def at(cls, number: int) -> "OpenFile":
        found = os.fstat(number)
        return cls(number, found.st_dev, found.st_ino)


def open_files() -> set[OpenFile]:
    files = set[OpenFile]()
    for each in Path("/dev/fd").iterdir():
        with suppress(OSError):  # that of the listing itself, closed by now
            files.add(OpenFile.at(int(each.name)))
    return files


def leftovers() -> set[threading.Thread | Backend | OpenFile]:
    """What a test may not add to: threads, running backends, open files.

    Compare with `<=`, never with `==`: what was there before may end at any time, such as the
    thread in which asyncio waits for another test's browser to exit.
    """
    return {*threading.enumerate(), *running(), *open_files()}


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a new kernel: what is known of predictions is in the file."""
    for name in ("_chosen", "_sure", "_reasons"):
        monkeypatch.setattr(predictions, name, {})
    monkeypatch.setattr(predictions, "_revealed", set())


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """A limit on the size of files does what a full disk does: the write stops halfway."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def needs(program: str, package: str) -> None:
    """Have a test skipped where a program is missing that it calls itself (tests/conftest.py)."""
    if shutil.which(program) is None:
        raise ToolMissing(f"no {program}", "a program that this test calls", f"install {package}")


def unfolded(explanation: object) -> str:
    """What an explanation prints, each of its parts on one line."""
    return re.sub(r"\n {7}", " ", str(explanation))

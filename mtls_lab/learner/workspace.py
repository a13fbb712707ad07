"""The learner's folder: the notebooks, and one folder of files for each of the machines.

Here: making what earlier parts made, so that any part can start alone. Not here: the notebooks
in this folder (notebooks.py), and how far the learner is (classroom/).

    lab/                  the notebooks run here
      ca/                 ca.crt, ca.key              the CA's machine
      backend/            server.crt, server.key      the backend's
                          client_ca.pem
      device/             server_ca.pem               the device's
                          client.crt, client.key
      attacker/           whatever Mallory makes
      openssl/            the same files once more, made by the openssl commands
      kata/               a folder for each kata
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from mtls_lab import pki
from mtls_lab.common import FileProblem, private_folder, resource_folder, typed
from mtls_lab.learner.folder import here, learner_folder, own_folder, read_marker, write_marker
from mtls_lab.net import Backend, ask, client_context, server_context
from mtls_lab.pki import is_current, pem

__all__ = ["FOLDERS", "Workspace", "enter"]

FOLDERS = ("ca", "backend", "device", "attacker", "openssl")


@dataclass(frozen=True)
class Workspace:
    """The folder that a notebook runs in; paths below it are relative, such as `device/client.key`.

    Attributes:
        folder: the learner's folder, absolute.
        part: the part that was entered.
        files: what the earlier parts made and this one starts from.
    """

    folder: Path
    part: int
    files: tuple[str, ...]

    def __str__(self) -> str:
        ready = "\n".join(f"  {file}" for file in self.files) or "  nothing is needed yet"
        return f"Ready for part {self.part}. From the parts before:\n{ready}"


def enter(part: int) -> Workspace:
    """Make the learner's folder the current one, with everything that parts 1 to `part - 1` made.

    Files that are there and still good are kept; what is missing, expired or does not fit
    together is made again.

    Raises:
        NotInWorkspace: the notebook runs somewhere else.
        FileProblem: the folder cannot be written.
    """
    folder = _find(here())
    os.chdir(folder)
    for name in FOLDERS:
        private_folder(folder / name)
    files: tuple[str, ...] = ()
    if part > 2:
        files += _after_part_2()
    if part > 3:
        files += _after_part_3()
    return Workspace(folder, part, files)


def _find(start: Path) -> Path:
    if learner_folder(start) is None and start == resource_folder("notebooks").resolve():
        # In a clone, the notebooks may be opened where they are (Binder, an editor): their
        # files still go where a learner's files go, and never beside them.
        folder = private_folder(start.parent / "lab")
        write_marker(folder, read_marker(folder))
        return folder
    return own_folder(
        start, todo=f"make one with `{typed('start --prepare')}`, and open the notebook in it"
    )


def _after_part_2() -> tuple[str, ...]:
    """Keep or make the CA, and the backend's certificate."""
    ca = _ca()
    if ca is None or not _has_a_backend(ca):
        ca = pki.CertificateAuthority.create("Lab CA")
        pem.Identity(ca.key, ca.certificate).save("ca", "ca")
        _has_a_backend(ca)
    return (
        "ca/ca.crt",
        "ca/ca.key",
        "backend/server.crt",
        "backend/server.key",
        "device/server_ca.pem",
    )


def _ca() -> pki.CertificateAuthority | None:
    """Load the CA that is there; None if it is none, or has expired."""
    try:
        ca = pki.CertificateAuthority.load("ca/ca.crt", "ca/ca.key")
    except FileProblem:
        return None
    return ca if is_current(ca.certificate, ca.certificate) else None


def _has_a_backend(ca: pki.CertificateAuthority) -> bool:
    """Keep or make the backend's certificate. Return whether a device of this CA accepts it."""
    pem.write_certificate("device/server_ca.pem", ca.certificate)
    if _is_good("backend/server", ca) and _connects():
        return True
    ca.issue_server(["localhost", "127.0.0.1"]).save("backend", "server")
    return _connects()


def _after_part_3() -> tuple[str, ...]:
    """Keep or make the device's certificate, and the CA that the backend trusts for it."""
    files = ("device/client.crt", "device/client.key")
    ca = pki.CertificateAuthority.load("ca/ca.crt", "ca/ca.key")
    pem.write_certificate("backend/client_ca.pem", ca.certificate)
    if not (_is_good("device/client", ca) and _connects(*files)):
        ca.issue_client("trusted-client").save("device", "client")
    return (*files, "backend/client_ca.pem")


def _connects(*own: str) -> bool:
    """Whether the files work together, with those of a device or without.

    A connection tells. It knows what no signature does: purposes, names, key identifiers.
    """
    try:
        server = server_context(
            "backend/server.crt",
            "backend/server.key",
            client_ca="backend/client_ca.pem" if own else None,
        )
        with Backend(server) as backend:
            return ask("PING", backend, context=client_context("device/server_ca.pem", *own)).ok
    except OSError:  # ssl.SSLError is one
        return False


def _is_good(name: str, ca: pki.CertificateAuthority) -> bool:
    """Whether `NAME.crt` is valid today, from this CA, and fits `NAME.key`."""
    try:
        identity = pem.read_identity(f"{name}.crt", f"{name}.key")
    except FileProblem:
        return False
    return is_current(identity.certificate, ca.certificate)

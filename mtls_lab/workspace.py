"""The learner's folder: the notebooks, and one folder of files for each of the machines.

Here: unpacking notebooks without losing a learner's work, and making what earlier parts made,
so that any part can start alone. Not here: starting JupyterLab (cli.py).

    lab/                  the notebooks run here
      ca/                 ca.crt, ca.key              the CA's machine
      backend/            server.crt, server.key      the backend's
                          client_ca.pem
      device/             server_ca.pem               the device's
                          client.crt, client.key
      attacker/           whatever Mallory makes
      openssl/            the same files once more, made by the openssl commands
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

from mtls_lab import pem, pki
from mtls_lab.describe import is_current
from mtls_lab.errors import FileProblem, NotInWorkspace
from mtls_lab.resources import MARKER, learner_folder, resource_folder

__all__ = ["FOLDERS", "Unpacked", "Workspace", "enter", "notebooks", "unpack"]

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
    folder = _find(Path.cwd())
    os.chdir(folder)
    for name in FOLDERS:
        pem.private_folder(folder / name)
    files: tuple[str, ...] = ()
    if part > 2:
        files += _after_part_2()
    if part > 3:
        files += _after_part_3()
    return Workspace(folder, part, files)


def _find(here: Path) -> Path:
    if folder := learner_folder(here):
        return folder
    if here == resource_folder("notebooks").resolve():
        # In a clone, the notebooks may be opened where they are (Binder, an editor): their
        # files still go where a learner's files go, and never beside them.
        folder = pem.private_folder(here.parent / "lab")
        _write_marker(folder, _read_marker(folder))
        return folder
    raise NotInWorkspace(
        f"this notebook runs in {here}, which is no folder of the lab (no {MARKER} file in it)",
        "a folder that `make lab` or `mtls-lab start` has made",
        "start JupyterLab with one of these, and open the notebook there",
    )


def _after_part_2() -> tuple[str, ...]:
    """Keep or make the CA, and the backend's certificate."""
    try:
        ca = pki.CertificateAuthority.load("ca/ca.crt", "ca/ca.key")
        if not is_current(ca.certificate, ca.certificate):
            raise FileProblem("an expired CA", "a CA that is valid", "make it again")
    except FileProblem:
        ca = pki.CertificateAuthority.create("Lab CA")
        pem.Identity(ca.key, ca.certificate).save("ca", "ca")
    try:
        server = pem.read_identity("backend/server.crt", "backend/server.key")
        if not is_current(server.certificate, ca.certificate):
            raise FileProblem(
                "another CA's or an expired certificate", "a current one", "make it again"
            )
    except FileProblem:
        ca.issue_server(["localhost", "127.0.0.1"]).save("backend", "server")
    pem.write_certificate("device/server_ca.pem", ca.certificate)
    return (
        "ca/ca.crt",
        "ca/ca.key",
        "backend/server.crt",
        "backend/server.key",
        "device/server_ca.pem",
    )


def _after_part_3() -> tuple[str, ...]:
    """Keep or make the device's certificate, and the CA that the backend trusts for it."""
    ca = pki.CertificateAuthority.load("ca/ca.crt", "ca/ca.key")
    try:
        device = pem.read_identity("device/client.crt", "device/client.key")
        if not is_current(device.certificate, ca.certificate):
            raise FileProblem(
                "another CA's or an expired certificate", "a current one", "make it again"
            )
    except FileProblem:
        ca.issue_client("trusted-client").save("device", "client")
    pem.write_certificate("backend/client_ca.pem", ca.certificate)
    return ("device/client.crt", "device/client.key", "backend/client_ca.pem")


# --- Notebooks -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Unpacked:
    """What `unpack` did with one notebook.

    Attributes:
        path: the notebook in the learner's folder.
        kept: whether the learner's own version was left as it is.
        beside: the project's newer version, put beside a kept one; else None.
    """

    path: Path
    kept: bool = False
    beside: Path | None = None


def notebooks() -> list[Path]:
    """Return the project's own notebooks, in order."""
    return sorted(resource_folder("notebooks").glob("[0-9]*.ipynb"))


def unpack(folder: str | os.PathLike[str], *, keep_outputs: bool = False) -> list[Unpacked]:
    """Copy the notebooks into a learner's folder, outputs cleared, and mark the folder.

    A notebook that the learner changed is never overwritten: if the project has a newer one,
    it is put beside as `NAME.new.ipynb`, or under the next free number if the learner changed
    that one as well. A notebook that was only run is brought up to date.

    Raises:
        FileProblem: the folder cannot be written, or holds a damaged marker.
    """
    folder = pem.private_folder(folder)
    known = _read_marker(folder)
    done = []
    for source in notebooks():
        text = source.read_text("utf-8") if keep_outputs else _cleared(source)
        target, latest = folder / source.name, _fingerprint(text)
        if target.exists() and latest in (known.get(source.name), _fingerprint_of(target)):
            done.append(Unpacked(target, kept=True))
        elif _is_ours(target, known):
            done.append(Unpacked(_write_text(target, text)))
        else:
            names = (target.with_suffix(f".new{number}.ipynb") for number in chain([""], count(2)))
            beside = next(path for path in names if _is_ours(path, known))
            done.append(Unpacked(target, kept=True, beside=_write_text(beside, text)))
            known[beside.name] = latest
        known[source.name] = latest
    _write_marker(folder, known)
    return done


def _is_ours(path: Path, known: dict[str, str]) -> bool:
    """Whether there is nothing of the learner's that writing this file would destroy."""
    return not path.exists() or _fingerprint_of(path) == known.get(path.name, "unknown")


def _cleared(source: Path) -> str:
    notebook = json.loads(source.read_text("utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    notebook["metadata"].pop("widgets", None)
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def _fingerprint(text: str) -> str:
    """Digest what a person writes in a notebook: its cells, not their outputs."""
    cells: list[dict[str, Any]] = json.loads(text)["cells"]
    sources = [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
    return hashlib.sha256(json.dumps(sources).encode("utf-8")).hexdigest()


def _fingerprint_of(path: Path) -> str | None:
    try:
        return _fingerprint(path.read_text("utf-8"))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # not a notebook any more: then it is the learner's, and stays


def _write_text(path: Path, text: str) -> Path:
    new = path.with_name(f".{path.name}.new")
    try:
        new.write_text(text, "utf-8")
        new.replace(path)
    except OSError as error:
        raise FileProblem(
            f"{path} cannot be written ({error.strerror or error})",
            "a folder that you may write to, with space left",
            "choose another folder, or change its permissions",
        ) from None
    return path


def _read_marker(folder: Path) -> dict[str, str]:
    try:
        return dict(json.loads((folder / MARKER).read_text("utf-8")))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError) as error:
        raise FileProblem(
            f"{folder / MARKER} cannot be read ({error})",
            "the list of notebooks that the lab wrote there",
            "delete this one file: your notebooks stay, and new ones are put beside them",
        ) from None


def _write_marker(folder: Path, known: dict[str, str]) -> None:
    _write_text(folder / MARKER, json.dumps(known, indent=1, sort_keys=True) + "\n")

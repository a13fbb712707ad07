"""Which CA goes where: six files, six slots, and what a placement does to a real connection.

Here: data/placement.toml as values, running a placement, and which slot is to blame. Not here:
the error in the words of TLS (explaining/explanation.py), and the slots (panels/placement.py).
"""

from __future__ import annotations

import ssl
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mtls_lab.common import UnknownName, read_facts, scratch_folder
from mtls_lab.experiments.meeting import meet
from mtls_lab.pki import CertificateAuthority, pem
from mtls_lab.wire import NO_CHAIN, Exchange

__all__ = ["EMPTY", "Kit", "Placed", "Slot", "files", "placement", "slots", "starts"]

#: A slot without a file.
EMPTY = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one file; data/placement.toml says what each attribute means."""

    name: str
    machine: str
    option: str
    use: str
    right: str
    needs: str


@cache
def _facts() -> dict[str, dict[str, dict[str, Any]]]:
    return read_facts("placement")


def files() -> dict[str, str]:
    """Return the six files, each with what it is."""
    return {name: fact["what"] for name, fact in _facts()["files"].items()}


def slots() -> dict[str, Slot]:
    """Return the six slots by name, the device's first."""
    return {name: Slot(name, **fact) for name, fact in _facts()["slots"].items()}


def starts() -> dict[str, str]:
    """Return the placements to begin with, by name, each with its title."""
    return {name: fact["title"] for name, fact in _facts()["starts"].items()}


def placement(start: str = "right", **changes: str | None) -> dict[str, str]:
    """Return which file each slot has: those of a start, with `changes`; None empties a slot.

    Raises:
        UnknownName: there is no such start, slot or file.

    Example:
        >>> placement("right", device_cafile="client_ca.pem")["device_cafile"]
        'client_ca.pem'
    """
    known = slots()
    _check("start", [start], starts())
    _check("slot", changes, known)
    _check("file", filter(None, changes.values()), files())
    first = _facts()["starts"][start]
    return {
        name: (changes[name] or EMPTY) if name in changes else first.get(name, slot.right)
        for name, slot in known.items()
    }


def _check(what: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise UnknownName(what, name, known)


@dataclass(frozen=True)
class Placed:
    """A placement that was tried.

    Attributes:
        files: which file each slot had.
        exchange: what both sides saw.
        blame: the slots at which this connection failed; empty if it was served.
    """

    files: Mapping[str, str]
    exchange: Exchange
    blame: tuple[Slot, ...]

    @property
    def unnoticed(self) -> list[Slot]:
        """The slots with a wrong file that this connection did not fail at."""
        wrong = (slot for name, slot in slots().items() if self.files[name] != slot.right)
        return [slot for slot in wrong if slot not in self.blame]

    @property
    def astray(self) -> list[str]:
        """The secrets that lie on a machine where they must not be."""
        facts, home = _facts()["files"], {slot.right: slot.machine for slot in slots().values()}
        lies = {(self.files[slot.name], slot.machine) for slot in slots().values()}
        return [
            f"{file} on the {machine}"
            for file, machine in sorted(lies)
            if file and facts[file]["secret"] and machine != home[file]
        ]

    def sentence(self, slot: Slot) -> str:
        """Say what a slot has and what it needs."""
        file = self.files[slot.name]
        has = f"has {file}, {files()[file]}" if file else "is empty"
        return f"The {slot.machine}'s {slot.option} {has}. It needs {slot.needs}: {slot.right}."

    def __str__(self) -> str:
        lines = [str(self.exchange)]
        lines += [f"To blame: {self.sentence(slot)}" for slot in self.blame]
        lines += [f"Not noticed yet: {self.sentence(slot)}" for slot in self.unnoticed]
        lines.append(f"Secrets on the wrong machine: {', '.join(self.astray) or 'none'}")
        return "\n".join(lines)


class Kit:
    """Two CAs, a backend and a device: the six files, made now, and what becomes of them.

    Example:
        >>> print(Kit().run(placement("right", device_certfile=None, device_keyfile="client.key")))
        device   setup ✗ TypeError: certfile should be a valid filesystem path
        backend  saw no connection
        To blame: The device's certfile is empty. It needs ... device presents: client.crt.
        Secrets on the wrong machine: none
    """

    def __init__(self) -> None:
        self._server_ca = CertificateAuthority.create("Server CA")
        self._client_ca = CertificateAuthority.create("Device CA")
        self._server = self._server_ca.issue_server(["localhost"])
        self._client = self._client_ca.issue_client("trusted-client")

    def run(self, placed: Mapping[str, str]) -> Placed:
        """Give every slot its file, and let the device ask the backend for the secret."""
        with scratch_folder() as folder:
            self._write(folder)
            device = _Machine("device", placed, folder)
            backend = _Machine("backend", placed, folder)
            exchange = meet(device.context, backend.context)
        suspects = _suspects(exchange, device, backend)
        blame = [slot for slot in slots().values() if slot.name in suspects]
        return Placed(dict(placed), exchange, tuple(s for s in blame if placed[s.name] != s.right))

    def _write(self, folder: Path) -> None:
        self._server.save(folder, "server")
        self._client.save(folder, "client")
        pem.write_certificate(folder / "server_ca.pem", self._server_ca.certificate)
        pem.write_certificate(folder / "client_ca.pem", self._client_ca.certificate)


class _Machine:
    """One side: which files it has, and with which of them it could not make its context."""

    def __init__(self, name: str, placed: Mapping[str, str], folder: Path) -> None:
        chosen = {s.option: placed[s.name] for s in slots().values() if s.machine == name}
        self._path = {option: folder / file if file else None for option, file in chosen.items()}
        self._name = name
        self.loading: set[str] = set()

    def context(self) -> ssl.SSLContext:
        """Write the context as the notebooks do, from the files that were placed."""
        certfile, keyfile = self._path["certfile"], self._path["keyfile"]
        self.loading = {f"{self._name}_cafile"}
        if self._name == "device":
            context = ssl.create_default_context(cafile=self._path["cafile"])
        else:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.verify_mode = ssl.CERT_REQUIRED
            if self._path["cafile"]:
                context.load_verify_locations(cafile=self._path["cafile"])
        if certfile or keyfile:
            self.loading = {f"{self._name}_certfile", f"{self._name}_keyfile"}
            context.load_cert_chain(certfile, keyfile)  # type: ignore[arg-type]
        self.loading = set()
        return context


def _suspects(exchange: Exchange, device: _Machine, backend: _Machine) -> set[str]:
    """The names of the slots that this very failure is about, right or wrong."""
    if exchange.ok:
        return set()
    if device.loading or backend.loading:
        return device.loading | backend.loading
    failures = {
        "device": exchange.device.failure,
        "backend": exchange.backend.failure if exchange.backend else None,
    }
    for verifier, shower in (("device", "backend"), ("backend", "device")):
        failure = failures[verifier]
        if failure and failure.verify_code is not None:
            unknown = {f"{verifier}_cafile"} if failure.verify_code in NO_CHAIN else set()
            return unknown | {f"{shower}_certfile"}
    asked = failures["backend"]
    nobody = "device" if asked and asked.reason.startswith("PEER_DID_NOT") else "backend"
    return {f"{nobody}_certfile", f"{nobody}_keyfile"}

"""Whoever calls with a device's key, in a file or in a TPM: the device, thieves, a guesser of PINs.

Here: one device with both kinds of keys, a real exchange for each choice, and what a TPM was asked
for it. Where no software TPM is: the exchange that was recorded. Not here: the widgets
(panels/tpm.py), what is said of each choice (data/holders.toml).

The files and the TPM's state are kept in memory, and are in a folder while somebody calls. So each
call begins with a TPM that has counted no wrong PIN, and no process stays.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from mtls_lab.common import (
    Shown,
    UnknownName,
    private_folder,
    read_facts,
    scratch_folder,
    write_file,
)
from mtls_lab.net import Backend, Presented, ask_each_apart, server_context, watch
from mtls_lab.pki import CertificateAuthority, Purpose, pem
from mtls_lab.tpm import (
    Asked,
    Questions,
    SoftwareTPM,
    create_csr,
    create_wrapped_key,
    decode,
    missing,
)
from mtls_lab.wire import Exchange, Failure, Side, Stage

__all__ = ["KEYS", "VERSIONS", "Holder", "KeyBench", "KeyRun", "holders"]

#: Where the key is, in words.
KEYS = {"file": "in a file", "tpm": "in the TPM"}
#: The versions by the names that ssl has for them.
VERSIONS = {"TLS 1.3": "TLSv1_3", "TLS 1.2": "TLSv1_2"}
#: What the keys with a PIN ask for.
PIN = "1234"


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who calls with the device's key; see data/holders.toml."""

    title: str
    thief: bool
    file: str
    tpm: str
    pin: tuple[str, ...] = ()


def holders() -> dict[str, Holder]:
    """Return everybody who may call, by name.

    Example:
        >>> list(holders())
        ['device', 'files', 'chip', 'malware', 'pin', 'locked']
    """
    entries = read_facts("holders").items()
    return {name: Holder(**{**each, "pin": tuple(each.get("pin", ()))}) for name, each in entries}


@dataclass(frozen=True)
class KeyRun(Shown):
    """One call with the key.

    Attributes:
        key: "file" or "tpm".
        holder: who called, a name of `holders`.
        version: "TLS 1.3" or "TLS 1.2".
        exchange: what both sides saw.
        questions: what the TPM was asked, by the process of this call; empty for a key in a file.
        recorded: whether it was recorded on another machine, since this one has no software TPM.
    """

    key: str
    holder: str
    version: str
    exchange: Exchange
    questions: Questions
    recorded: bool = False

    @property
    def good(self) -> bool:
        """Whether the device was served, or a thief was not."""
        return self.exchange.ok is not holders()[self.holder].thief

    @property
    def meaning(self) -> str:
        """What it shows."""
        return str(getattr(holders()[self.holder], self.key))

    def __str__(self) -> str:
        told = f"Key {KEYS[self.key]}, {self.version}, {holders()[self.holder].title}"
        asked = f"\n{self.questions}" if self.questions.asked else ""
        return f"{told}{' (recorded)' * self.recorded}\n{self.exchange}{asked}"


class KeyBench:
    """A device with a key in a file and one in a TPM, and a backend that serves it.

    Example:
        >>> bench = KeyBench()
        >>> print(bench.run("file", "files").exchange.device)
        thief    connect ✓  handshake ✓ TLSv1.3 with CN=localhost  received ✓ open sesame
    """

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}

    def run(self, key: str, holder: str, version: str = "TLS 1.3") -> KeyRun:
        """Let somebody call the backend with the key.

        Args:
            key: "file" or "tpm".
            holder: a name of `holders`.
            version: "TLS 1.3" or "TLS 1.2".

        Raises:
            UnknownName: there is no such choice.
            LabError: a process did not start or end, or the TPM does not do what it is asked.
        """
        self.check(key, holder, version)
        if key == "tpm" and missing():
            return _recorded(holder, version)
        with self._laid_out() as folder:
            return self._called(folder, key, holder, version)

    def check(self, key: str, holder: str, version: str) -> None:
        """Raise UnknownName if there is no such choice."""
        for kind, name, known in (
            ("place for a key", key, KEYS),
            ("holder", holder, holders()),
            ("version", version, VERSIONS),
        ):
            if name not in known:
                raise UnknownName(kind, name, known)

    def _called(self, folder: Path, key: str, holder: str, version: str) -> KeyRun:
        who = holders()[holder]
        home = folder / "device"
        if holder in {"files", "chip"}:
            home = Path(shutil.copytree(home, folder / "thief"))
        name = f"{key}_pin" if who.pin else key
        calls = [
            Presented(
                certfile=str(home / f"{name}.crt"),
                keyfile=str(home / f"{name}.key"),
                server_ca=str(home / "server_ca.pem"),
                password=pin,
                version=VERSIONS[version],
                name=_named(holder),
            )
            for pin in who.pin or (None,)
        ]
        context = server_context(
            folder / "server.crt", folder / "server.key", client_ca=folder / "ca.crt"
        )
        watch(context)
        with Backend(context) as backend, _chip(folder, key, holder) as chip:
            settings = chip.environment(home) if chip else {}
            if calls[:-1]:  # in a process of their own: the last call is the one that is shown
                ask_each_apart("GET_SECRET", backend, calls[:-1], settings)
            (exchange,) = ask_each_apart("GET_SECRET", backend, calls[-1:], settings)
            questions = chip.questions if chip else Questions(())
        return KeyRun(key, holder, version, exchange, questions)

    @contextmanager
    def _laid_out(self) -> Iterator[Path]:
        """Write all files into a folder for the moment; make them, the first time."""
        with scratch_folder() as folder:
            if not self._files:
                private_folder(folder / "device")
                self._make(folder)
                parts = (each for each in folder.rglob("*") if each.is_file())
                self._files = {str(each.relative_to(folder)): each.read_bytes() for each in parts}
            else:
                for name, data in self._files.items():
                    private_folder((folder / name).parent)
                    write_file(folder / name, data, mode=0o600)
            yield folder

    def _make(self, folder: Path) -> None:
        ca, home = CertificateAuthority.create("Lab CA"), folder / "device"
        ca.issue_server(["localhost"]).save(folder, "server")
        pem.write_certificate(folder / "ca.crt", ca.certificate)
        pem.write_certificate(home / "server_ca.pem", ca.certificate)
        for name in ("file", "file_pin"):
            ca.issue_client("trusted-client").save(home, name)
        locked = pem.read_key(home / "file_pin.key").private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PIN.encode())
        )
        write_file(home / "file_pin.key", locked, mode=0o600)
        if missing():
            return
        with SoftwareTPM(folder / "tpm") as chip:
            for name, pin in (("tpm", None), ("tpm_pin", PIN)):
                create_wrapped_key(chip, home / f"{name}.key", pin=pin)
                csr = create_csr(chip, home / f"{name}.key", "trusted-client", pin=pin)
                pem.write_certificate(home / f"{name}.crt", ca.sign(csr, Purpose.CLIENT))


@contextmanager
def _chip(folder: Path, key: str, holder: str) -> Iterator[SoftwareTPM | None]:
    """Yield the TPM that is asked, which is the thief's own where one has copied files."""
    if key == "file":
        yield None
        return
    place = folder / "tpm"
    if holder == "chip":
        place = Path(shutil.copytree(place, folder / "copied tpm"))
    elif holder == "files":
        place = folder / "another tpm"
    with SoftwareTPM(place) as chip:
        yield chip


def _named(holder: str) -> str:
    return {"device": "", "malware": "malware", "pin": "guesser", "locked": "guesser"}.get(
        holder, "thief"
    )


# --- Where there is no software TPM


def _recorded(holder: str, version: str) -> KeyRun:
    """Return what tests/authoring/tpm_runs.py has recorded."""
    told = read_facts("tpm_runs")[holder][version]
    asked = tuple(Asked(1, name, decode(code), 0.0) for name, code in told["asked"])
    backend = told["backend"]
    exchange = Exchange("GET_SECRET", _side(told["device"]), _side(backend) if backend else None)
    return KeyRun("tpm", holder, version, exchange, Questions(asked), recorded=True)


def _side(told: dict[str, Any]) -> Side:
    failure = Failure(**told["failure"]) if told["failure"] else None
    read = {"stage": Stage(told["stage"]), "failure": failure, "received": tuple(told["received"])}
    return Side(**told | read)

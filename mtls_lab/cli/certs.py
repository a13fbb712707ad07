"""The command `mtls-lab certs`: the tutorial's certificates and keys, sorted by machine.

Here: which files there are, who gets them, which of them are secret, and that none is overwritten.
Not here: making certificates (pki/), the learner's folder (learner/workspace.py), arguments
(machines.py).

    FOLDER/
      ca/       ca.crt, ca.key, and those of further CAs    stays where it is
      backend/  server.crt, server.key, client_ca.pem       goes to the backend
      device/   client.crt, client.key, server_ca.pem       goes to the device
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from mtls_lab.cli.passwords import password
from mtls_lab.cli.sealed import Sealed, chip_for, seal, told_of
from mtls_lab.common import (
    FileProblem,
    LabError,
    json_text,
    private_folder,
    typed,
    write_file,
    writing,
)
from mtls_lab.pki import CA_DAYS, CertificateAuthority, Identity, Purpose, pem
from mtls_lab.tpm import Chip

__all__ = ["Made", "run"]

LOCAL = ("localhost", "127.0.0.1")
#: RFC 5280, appendix A.1: ub-common-name.
LONGEST_NAME = 64
#: A host name in ASCII (RFC 1123, section 2.1), where the first label may be a wildcard.
HOST = re.compile(r"(?=.{1,253}$)(\*\.)?([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.|$))+")
MACHINES = {
    "ca": "stays with the CA: on no other machine, best offline",
    "backend": "goes to the backend",
    "device": "goes to the device",
}


@dataclass(frozen=True, slots=True)
class Made:
    """One file: where it is, whose it is, whether it is secret, and what it is."""

    path: str
    machine: str
    secret: bool
    what: str


@dataclass(frozen=True, slots=True)
class _File:
    machine: str
    name: str
    secret: bool
    what: str
    write: Callable[[Path], object]


def run(options: argparse.Namespace) -> int:
    """Make everything, and say what may be copied where; return 0.

    Raises:
        LabError: a name that no certificate can have, or no password.
        FileProblem: a file is there already, or cannot be written; then no new one is left.
    """
    _fit(options)
    chip = chip_for(options.tpm_folder) if options.tpm else None
    folder: Path = options.folder
    files = {folder / each.machine / each.name: each for each in _files(options, chip)}
    _refuse_to_overwrite(list(files))
    for machine in MACHINES:
        private_folder(folder / machine)
    done: list[Path] = []
    try:
        for path, each in files.items():
            _claim(path)
            done.append(path)
            each.write(path)
    except BaseException:
        for path in done:
            path.unlink(missing_ok=True)
        raise
    made = [Made(str(path), each.machine, each.secret, each.what) for path, each in files.items()]
    if options.json:
        print(json_text([asdict(each) for each in made], indent=1))
    else:
        print(_told(folder, made, options, chip))
    return 0


def _fit(options: argparse.Namespace) -> None:
    """Refuse what would be ignored, or cannot be."""
    for name in ("pin", "tpm_folder"):
        if getattr(options, name) and not options.tpm:
            option = f"--{name.replace('_', '-')}"
            todo = f"add --tpm, or leave out {option}"
            raise LabError(f"{option} without --tpm", "a key in a TPM", todo)
    if options.p12 and options.tpm:
        raise LabError(
            "--p12 with --tpm",
            "a key that can be put into a PKCS #12 file: the TPM hands out none",
            "leave out one of them",
        )
    if options.password_file and not (options.p12 or options.pin):
        raise LabError(
            "--password-file, and nothing that has a password: the .key files have none",
            "--p12, or --tpm --pin",
            "add one of them, or leave out --password-file",
        )


def _files(options: argparse.Namespace, chip: Chip | None) -> Iterator[_File]:
    """Make the certificates, and give the files in the order in which they are told."""
    names = [_server_name(name) for name in options.server_name or LOCAL]
    client = _client_name(options.client_name)
    uris = [_uri(options.uri)] if options.uri is not None else []
    secret = b""
    if options.p12:
        asked = "Password for the PKCS #12 files"
        secret = password(asked, options.password_file, twice=True).encode()
    # A CA has to outlive what it signs.
    lasting = max(CA_DAYS, options.days + 2)
    both = "" if options.separate_device_ca else " and devices"
    root, signer, files = _authority("ca", "Lab", f"backends{both}", lasting, options)
    yield from files
    device_root, device_signer = root, signer
    if options.separate_device_ca:
        second = ("device_ca", "Lab Device", "devices")
        device_root, device_signer, files = _authority(*second, lasting, options)
        yield from files
    days = (0, options.days)
    first = names[0] if len(names[0]) <= LONGEST_NAME else "backend"
    server = signer.issue(first, Purpose.SERVER, names=names, valid_days=days)
    device: Identity | Sealed
    if chip is None:
        device = device_signer.issue(client, Purpose.CLIENT, names=uris, valid_days=days)
    else:
        device = seal(options, chip, device_signer, client, uris)
    lasts = f"{options.days} day{'s' * (options.days > 1)}"
    for machine, name, own, told, trust in (
        ("backend", "server", server, ", ".join(names), ("client_ca.pem", device_root, "devices")),
        ("device", "client", device, ", ".join([client, *uris]), ("server_ca.pem", root, "the "
         "backend")),
    ):  # fmt: skip
        chain = ", with the intermediate CA" if own.chain else ""
        yield from _identity(machine, name, own, f"certificate: {told}; {lasts}{chain}")
        if options.p12 and isinstance(own, Identity):
            yield _File(
                machine,
                f"{name}.p12",
                secret=True,
                what="certificate and key as PKCS #12, with your password",
                write=partial(pem.write_pkcs12, identity=own, password=secret),
            )
        file, ca, whom = trust
        write = partial(_certificates, identity=Identity(ca.key, ca.certificate))
        yield _File(machine, file, secret=False, what=f"the CA of {whom}", write=write)


def _authority(
    name: str, title: str, whom: str, days: int, options: argparse.Namespace
) -> tuple[CertificateAuthority, CertificateAuthority, list[_File]]:
    """Make a root, and what signs below it: the root itself, or an intermediate CA."""
    root = CertificateAuthority.create(f"{title} CA", days=days, below=int(options.intermediate))
    files = [*_identity("ca", name, Identity(root.key, root.certificate), f"the CA of {whom}")]
    if not options.intermediate:
        return root, root, files
    signer = root.intermediate(f"{title} Intermediate CA", days=days - 1)
    own = Identity(signer.key, signer.certificate)
    file = name.replace("ca", "intermediate")
    return root, signer, [*files, *_identity("ca", file, own, f"the CA below it, for {whom}")]


def _identity(machine: str, name: str, identity: Identity | Sealed, told: str) -> Iterator[_File]:
    yield _File(
        machine, f"{name}.crt", secret=False, what=told,
        write=partial(_certificates, identity=identity),
    )  # fmt: skip
    if isinstance(identity, Sealed):
        what = "its key, wrapped: worth nothing without its TPM"
        wrapped = partial(write_file, content=identity.wrapped, mode=0o600)
        yield _File(machine, f"{name}.key", secret=False, what=what, write=wrapped)
    else:
        plain = partial(pem.write_key, key=identity.key)
        yield _File(machine, f"{name}.key", secret=True, what="its key", write=plain)


def _certificates(path: Path, identity: Identity | Sealed) -> None:
    pem.write_certificate(path, identity.certificate, *identity.chain)


def _refuse_to_overwrite(paths: list[Path]) -> None:
    if there := [str(path) for path in paths if os.path.lexists(path)]:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise FileProblem(
            f"{there[0]} is there already{more}",
            "a folder without these files: nothing is overwritten",
            "name another folder, or move the old files away",
        )


def _claim(path: Path) -> None:
    """Make a file to be written: of two runs at once, one has them all. Raises FileProblem."""
    with writing(path):
        try:
            path.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            _refuse_to_overwrite([path])


# --- Names


def _server_name(name: str) -> str:
    """Return a name of the backend. Raises LabError."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        pass
    if HOST.fullmatch(name) and not re.fullmatch(r"[\d.]+", name):
        return name.removesuffix(".")
    todo = (
        "leave out scheme, port, path and brackets; a host's name has letters, digits, hyphens and "
        "dots only"
    )
    if not name.isascii():
        todo = "write it in ASCII, as DNS has it: a label with other letters begins with xn--"
    expected = "a host name such as backend.example, or an IP address"
    raise LabError(f"the server name {name!r}", expected, todo)


def _client_name(name: str) -> str:
    """Return a common name. Raises LabError."""
    fits = 0 < len(name.encode("utf-8", "replace")) <= LONGEST_NAME
    if fits and name.isprintable() and name.strip() == name:
        return name
    raise LabError(
        f"the client name {name[: LONGEST_NAME + 1]!r}",
        f"1 to {LONGEST_NAME} characters that can be seen, and no more bytes in UTF-8",
        "choose another name",
    )


def _uri(uri: str) -> str:
    """Return a URI with a host (RFC 5280, section 4.2.1.6). Raises LabError."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
    except ValueError:
        parts, host = None, ""
    good = uri.isascii() and uri.isprintable() and " " not in uri and len(uri) <= 2048
    if good and parts and parts.scheme and host and (HOST.fullmatch(host) or ":" in host):
        return uri
    raise LabError(
        f"the URI {uri[:80]!r}",
        "one with a scheme and a host, in ASCII",
        "write it as SPIFFE does: spiffe://lab.example/device/7",
    )


# --- What is printed


def _told(folder: Path, made: list[Made], options: argparse.Namespace, chip: Chip | None) -> str:
    names = options.server_name or LOCAL
    wide = max(len(each.path) for each in made)
    lines = []
    for machine, told in MACHINES.items():
        lines.append(f"{folder / machine} {told}")
        lines += [
            f"  {'SECRET' if each.secret else 'public'}  {each.path:<{wide}}  {each.what}"
            for each in made
            if each.machine == machine
        ]
    here = shlex.quote(str(folder))
    where = f" --tpm-folder {shlex.quote(str(options.tpm_folder))}" if options.tpm_folder else ""
    # A wildcard is no host: nobody can call it.
    host = f"[{names[0]}]" if ":" in names[0] else names[0].replace("*", "backend", 1)
    lines += [
        *([] if chip is None else told_of(chip)),
        "Copy each folder to its machine, over a channel that you trust, and nothing else of it.",
        f"In one terminal: {typed(f'serve {here} --port 5000')}",
        f"In another one:  {typed(f'ask {host}:5000 --folder {here}{where}')}",
    ]
    return "\n".join(lines)

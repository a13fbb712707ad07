"""The folder of a kata that works, and what breaks its files.

Here: fresh keys and certificates, contexts.py, and one step for each fault. Not here: what the
faults are and who gets which (faults.py), and whether the result connects (exam.py).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from mtls_lab import pki
from mtls_lab.common import FileProblem, private_folder, write_file
from mtls_lab.pki import CertificateAuthority, Purpose, pem
from mtls_lab.pki.leaf import LEAF_KEY_USAGE

__all__ = ["FILE", "STEPS", "THIEF", "edit", "lay_out"]

FILE = "contexts.py"
#: Where the copy of a revoked certificate and its key is that somebody else has.
THIEF = Path(".kata", "thief")
#: A kata may be left for months: its files live for as long as a CA does.
DAYS = pki.CA_DAYS

#: The CA file of each side's certificate, on the other side.
_TRUST = {"server": "device/server_ca.pem", "client": "backend/client_ca.pem"}
CRL = "backend/client_ca.crl"

_CONTEXTS = '''"""The two contexts and the rule of this kata. Paths count from this folder."""

import ssl

SERVER_HOSTNAME = "localhost"  # whom the device wants to talk to


def backend_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain("backend/server.crt", "backend/server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cafile="backend/client_ca.pem")
    return context


def device_context():
    context = ssl.create_default_context(cafile="device/server_ca.pem")
    context.load_cert_chain("device/client.crt", "device/client.key")
    return context


def authorize(certificate):  # the backend serves trusted-client, and nobody else
    subject = certificate["subject"] if certificate else ()
    names = [value for rdn in subject for key, value in rdn if key == "commonName"]
    return names == ["trusted-client"]
'''
_CA_LINE = """    context.load_verify_locations(cafile="backend/client_ca.pem")
"""
_CRL_LINES = """    context.load_verify_locations(cafile="backend/client_ca.crl")
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    context.num_tickets = 0  # the list is checked in a full handshake only
"""

# --- A folder that works


def lay_out(folder: Path, *, crl: bool) -> None:
    """Write the files of a kata in which nothing is broken yet, with fresh keys.

    Args:
        folder: it exists, and is empty.
        crl: whether the backend checks a revocation list.

    Raises:
        FileProblem: a file cannot be written.
    """
    for name in ("ca", "backend", "device"):
        private_folder(folder / name)
    for side in _TRUST:
        _save_ca(folder, side, CertificateAuthority.create(f"{side.title()} CA"))
    _server(folder)
    _client(folder)
    write_file(folder / FILE, _CONTEXTS)
    if crl:
        _list(folder)
        edit(folder, _CA_LINE, _CA_LINE + _CRL_LINES)


def _ca(folder: Path, side: str) -> CertificateAuthority:
    return CertificateAuthority.load(folder / f"ca/{side}_ca.crt", folder / f"ca/{side}_ca.key")


def _save_ca(folder: Path, side: str, ca: CertificateAuthority) -> None:
    """Keep a CA, and copy its certificate to whoever checks this side."""
    pem.Identity(ca.key, ca.certificate).save(folder / "ca", f"{side}_ca")
    pem.write_certificate(folder / _TRUST[side], ca.certificate)


def _server(folder: Path, purpose: Purpose = Purpose.SERVER, **options: Any) -> None:
    """Issue the backend's certificate, for a new key."""
    options = {"names": ["localhost"], "valid_days": (0, DAYS)} | options
    issued = _ca(folder, "server").issue("localhost", purpose, **options)
    issued.save(folder / "backend", "server")


def _client(
    folder: Path,
    name: str = "trusted-client",
    purpose: Purpose = Purpose.CLIENT,
    valid_days: tuple[int, int] = (0, DAYS),
    ca: CertificateAuthority | None = None,
) -> None:
    """Issue the device's certificate, for a new key."""
    issued = (ca or _ca(folder, "client")).issue(name, purpose, valid_days=valid_days)
    issued.save(folder / "device", "client")


def _list(folder: Path) -> None:
    """Sign a revocation list with nobody on it."""
    pem.write_crl(folder / CRL, _ca(folder, "client").crl(days=DAYS))


def _list_of_before(folder: Path) -> None:
    list_of_before = _ca(folder, "client").crl(days=-1, skew=timedelta(days=30))
    pem.write_crl(folder / CRL, list_of_before)


# --- To break


def edit(folder: Path, old: str, new: str) -> None:
    """Exchange a text that stands once in contexts.py. Raises FileProblem."""
    path = folder / FILE
    text = path.read_text("utf-8")
    if text.count(old) != 1:
        raise FileProblem(f"{path} without {old!r}", "it, once", "edit the file by hand")
    write_file(path, text.replace(old, new))


def _der(file: str, folder: Path) -> None:
    write_file(folder / file, pem.read_certificate(folder / file).public_bytes(Encoding.DER))


def _other_key(file: str, folder: Path) -> None:
    pem.write_key(folder / file, pki.create_key())


def _copy(source: str, target: str, folder: Path) -> None:
    shutil.copyfile(folder / source, folder / target)


def _copy_pair(source: Path, target: Path) -> None:
    """Copy a certificate and its key; the paths have no suffix."""
    for suffix in (".crt", ".key"):
        shutil.copy(source.with_suffix(suffix), target.with_suffix(suffix))


def _exchange(one: str, other: str, folder: Path) -> None:
    contents = (folder / one).read_bytes(), (folder / other).read_bytes()
    write_file(folder / other, contents[0])
    write_file(folder / one, contents[1])


def _certify(
    folder: Path, side: str, *, is_ca: bool, key_usage: Iterable[str]
) -> CertificateAuthority:
    """Make the CA's certificate again: same key, same name, so that what it signed stays valid."""
    key, name = _ca(folder, side).key, f"{side.title()} CA"
    itself = CertificateAuthority.create(name, key=key)
    issued = itself.issue(
        name, None, key=key, key_usage=key_usage, is_ca=is_ca, valid_days=(0, DAYS)
    )
    ca = CertificateAuthority(key, issued.certificate)
    _save_ca(folder, side, ca)
    return ca


_OVER, _TO_COME = (-30, -1), (DAYS - 90, DAYS)


def _below_an_intermediate(side: str, folder: Path) -> None:
    signs = ("key_cert_sign", "crl_sign")
    root = _certify(folder, side, is_ca=True, key_usage=signs)  # without pathlen:0
    below = root.issue("Issuing CA", None, key_usage=signs, is_ca=True, valid_days=(0, DAYS))
    below.save(folder / "ca", "issuing_ca")
    issuing = CertificateAuthority(below.key, below.certificate)
    if side == "server":
        issuing.issue_server(["localhost"], days=DAYS).save(folder / "backend", "server")
    else:
        _client(folder, ca=issuing)


def _renew_and_forget(folder: Path) -> None:
    """The device fetched its next certificate in time, and goes on with the old one."""
    _client(folder)
    _copy_pair(folder / "device/client", folder / "device/renewed")
    _client(folder, valid_days=_OVER)


def _roll(folder: Path) -> None:
    """Put a new CA where the old one was, and where it was trusted."""
    _copy_pair(folder / "ca/client_ca", folder / "ca/old_client_ca")
    _save_ca(folder, "client", CertificateAuthority.create("Client CA 2"))


def _roll_without_a_list(folder: Path) -> None:
    _roll(folder)
    _client(folder)


def _revoke(folder: Path) -> None:
    ca = _ca(folder, "client")
    ca.revoke(pem.read_certificate(folder / "device/client.crt"))
    pem.write_crl(folder / CRL, ca.crl(days=DAYS))
    private_folder(folder / THIEF.parent)
    _copy_pair(folder / "device/client", folder / THIEF)


Step = Callable[[Path], object]

#: How each fault that is no edit is made.
STEPS: dict[str, Step] = {
    "server_expired": partial(_server, valid_days=_OVER),
    "client_expired": partial(_client, valid_days=_OVER),
    "server_not_yet_valid": partial(_server, valid_days=_TO_COME),
    "client_not_yet_valid": partial(_client, valid_days=_TO_COME),
    "server_purpose": partial(_server, purpose=Purpose.CLIENT),
    "client_purpose": partial(_client, purpose=Purpose.SERVER),
    "server_name": partial(_server, names=["backend.example"]),
    "server_key": partial(_other_key, "backend/server.key"),
    "client_key": partial(_other_key, "device/client.key"),
    "client_name": partial(_client, name="another-client"),
    "client_der": partial(_der, "device/client.crt"),
    "server_ca_der": partial(_der, "device/server_ca.pem"),
    "server_key_is_certificate": partial(_copy, "backend/server.crt", "backend/server.key"),
    "client_files_exchanged": partial(_exchange, "device/client.crt", "device/client.key"),
    "server_ca_is_client_ca": partial(_copy, "ca/client_ca.crt", _TRUST["server"]),
    "client_ca_is_server_ca": partial(_copy, "ca/server_ca.crt", _TRUST["client"]),
    "cas_exchanged": partial(_exchange, _TRUST["server"], _TRUST["client"]),
    "client_of_same_named_ca": lambda folder: _client(
        folder, ca=CertificateAuthority.create("Client CA")
    ),
    "client_ca_is_no_ca": partial(_certify, side="client", is_ca=False, key_usage=LEAF_KEY_USAGE),
    "client_ca_may_not_sign": partial(
        _certify, side="client", is_ca=True, key_usage=("digital_signature", "crl_sign")
    ),
    "server_chain": partial(_below_an_intermediate, "server"),
    "crl_expired": _list_of_before,
    "client_revoked": _revoke,
    "client_renewal": _renew_and_forget,
    "client_chain": partial(_below_an_intermediate, "client"),
    "client_ca_rolled": _roll,
    "crl_of_old_ca": _roll_without_a_list,
}

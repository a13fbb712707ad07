"""How a test repairs each fault of a kata, and nothing else; a learner does it by hand."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from cryptography import x509

from mtls_lab.kata.faults import Fault
from mtls_lab.kata.sabotage import (
    _TRUST,
    _ca,
    _client,
    _copy_pair,
    _exchange,
    _list,
    _save_ca,
    _server,
    edit,
)
from mtls_lab.pki import CertificateAuthority, pem

__all__ = ["repair"]


def repair(fault: Fault, folder: Path) -> None:
    """Repair this fault, and nothing else."""
    if fault.edit:
        edit(folder, *reversed(fault.edit))
    else:
        REPAIRS[fault.name](folder)


def _no_der(file: str, folder: Path) -> None:
    certificate = x509.load_der_x509_certificate((folder / file).read_bytes())
    pem.write_certificate(folder / file, certificate)


def _trust(folder: Path) -> None:
    """Copy each CA's certificate to where it belongs."""
    for side, file in _TRUST.items():
        pem.write_certificate(folder / file, _ca(folder, side).certificate)


def _ca_again(folder: Path) -> None:
    ca = CertificateAuthority.create("Client CA", key=_ca(folder, "client").key)
    _save_ca(folder, "client", ca)


def _with_the_intermediate(leaf: str, folder: Path) -> None:
    files = (leaf, "ca/issuing_ca.crt")
    pem.write_certificate(folder / files[0], *(pem.read_certificate(folder / f) for f in files))


def _renewed(folder: Path) -> None:
    _copy_pair(folder / "device/renewed", folder / "device/client")


REPAIRS: dict[str, Callable[[Path], object]] = {
    "server_expired": _server,
    "client_expired": _client,
    "server_not_yet_valid": _server,
    "client_not_yet_valid": _client,
    "server_purpose": _server,
    "client_purpose": _client,
    "server_name": _server,
    "server_key": _server,
    "client_key": _client,
    "client_name": _client,
    "client_der": partial(_no_der, "device/client.crt"),
    "server_ca_der": _trust,
    "server_key_is_certificate": _server,
    "client_files_exchanged": partial(_exchange, "device/client.crt", "device/client.key"),
    "server_ca_is_client_ca": _trust,
    "client_ca_is_server_ca": _trust,
    "cas_exchanged": _trust,
    "client_of_same_named_ca": _client,
    "client_ca_is_no_ca": _ca_again,
    "client_ca_may_not_sign": _ca_again,
    "server_chain": partial(_with_the_intermediate, "backend/server.crt"),
    "crl_expired": _list,
    "client_revoked": _client,
    "client_renewal": _renewed,
    "client_chain": partial(_with_the_intermediate, "device/client.crt"),
    "client_ca_rolled": _client,
    "crl_of_old_ca": _list,
}

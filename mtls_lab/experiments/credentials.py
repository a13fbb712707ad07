"""The catalogue of what a client may present: one right credential and every way to be wrong.

Here: data/credentials.toml as values, and the certificates made from it on demand. Not here:
what the wrong ones teach (the notebooks), connections (net/device.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from mtls_lab import pki
from mtls_lab.common import PathLike, UnknownName, private_folder, read_facts
from mtls_lab.pki import common_name, pem
from mtls_lab.wire import Expected

__all__ = ["Credential", "CredentialStore", "catalogue"]


@dataclass(frozen=True, slots=True)
class Credential:
    """One entry of the catalogue; data/credentials.toml says what each field means.

    `backend` is None where the device fails before it connects. `device` has one outcome for
    each TLS version, under the names that `ssl.SSLSocket.version()` uses.
    """

    name: str
    title: str
    wrong: str
    device: dict[str, Expected]
    backend: Expected | None = None
    common_name: str = "trusted-client"
    without_rule: str = ""
    signed_by: str = "device-ca"
    purpose: str = "client"
    valid_days: tuple[int, int] = (0, pki.LEAF_DAYS)
    send_ca: bool = False
    revoked: bool = False
    other_key: bool = False


@cache
def catalogue() -> dict[str, Credential]:
    """Return every credential by its name, the valid one first.

    Example:
        >>> list(catalogue())[:3]
        ['valid', 'none', 'untrusted']
        >>> catalogue()["expired"].backend.verify_code
        10
    """
    return {name: _credential(name, entry) for name, entry in read_facts("credentials").items()}


def _credential(name: str, entry: dict[str, Any]) -> Credential:
    device = {version: Expected.read(value) for version, value in entry.pop("device").items()}
    backend = Expected.read(entry.pop("backend")) if "backend" in entry else None
    if "valid_days" in entry:
        entry["valid_days"] = tuple(entry["valid_days"])
    return Credential(name=name, device=device, backend=backend, **entry)


@dataclass
class CredentialStore:
    """Makes credentials in a folder, each when it is first asked for.

    A store keeps what it has made and writes the files each time they are asked for: another
    store of the same folder cannot put its own certificate under this one's list.

    Args:
        device_ca: the CA that the backend trusts for its clients.
        folder: where the files go, `NAME.crt` and `NAME.key`, and the CA's list `client_ca.crl`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = CredentialStore(pki.CertificateAuthority.create("Lab CA"), folder)
        ...     [file.name for file in store.files("expired")], store.files("none")
        (['expired.crt', 'expired.key'], ())
    """

    device_ca: pki.CertificateAuthority
    folder: PathLike
    _made: dict[str, pem.Identity] = field(default_factory=dict, repr=False)

    def files(self, name: str) -> tuple[Path, ...]:
        """Return the certificate file and the key file; nothing for the credential `none`.

        Raises:
            UnknownName: there is no such credential.
        """
        if name not in catalogue():
            raise UnknownName("credential", name, catalogue())
        credential = catalogue()[name]
        if name not in self._made:
            identity = self._issue(credential)
            if identity is None:
                return ()
            self._made[name] = identity
            if credential.revoked:
                self.device_ca.revoke(identity.certificate)
        return self._made[name].save(private_folder(self.folder), name)

    def crl(self) -> Path:
        """Write the device CA's revocation list, everything revoked on it, and return its file."""
        for name, credential in catalogue().items():
            if credential.revoked:
                self.files(name)
        path = Path(private_folder(self.folder)) / "client_ca.crl"
        pem.write_crl(path, self.device_ca.crl())
        return path

    def _issue(self, credential: Credential) -> pem.Identity | None:
        purpose = pki.Purpose[credential.purpose.upper()]
        match credential.signed_by:
            case "nobody":
                return None
            case "itself":
                identity = pki.self_signed(credential.common_name, purpose)
            case signer:
                issuer = self._signer(signer)
                identity = issuer.issue(
                    credential.common_name, purpose, valid_days=credential.valid_days
                )
                if credential.send_ca:
                    identity = replace(identity, chain=(issuer.certificate,))
        if credential.other_key:
            identity = replace(identity, key=pki.create_key())
        return identity

    def _signer(self, name: str) -> pki.CertificateAuthority:
        if name == "device-ca":
            return self.device_ca
        names = {
            "another-ca": "Another CA",
            "same-named-ca": common_name(self.device_ca.certificate),
        }
        if name not in names:
            raise UnknownName("signer", name, ["device-ca", *names])
        return pki.CertificateAuthority.create(names[name])

"""Exercise of Part 4: which files of an image are keys that a thief can copy.

Here: the check, with an image that is clean and places where keys are forgotten. Not here: what a
theft of a whole device is worth (must_revoke.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from mtls_lab.exercises.calling import call
from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.peers import SECRET, shown
from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.exercises.wrapped import Company, wrapped_key
from mtls_lab.files import private_folder, write_file
from mtls_lab.pki.pem import Key
from mtls_lab.scratch import scratch_folder

__all__ = ["copyable"]

PIN = b"1234"


@exercise(wanted="a function copyable(folder)", kind=callable)
def copyable(function: Callable[..., Any]) -> Iterator[str]:
    """Find every key that is not wrapped, and report nothing else."""
    company = Company.make()
    with scratch_folder() as folder:
        clean = _clean(company)
        _lay_out(folder, clean)
        for name in sorted(_reported(function, folder)):
            raise NotYet(
                f"it reports {name}, which holds no key that can be copied",
                "a check that complains about good files is soon switched off",
            )
        yield "in an image with a wrapped key it finds nothing"
        plain = _plain(company.device.key)
        _lay_out(folder, {"device/client.key": plain})
        if "device/client.key" not in _reported(function, folder):
            raise NotYet(
                "it does not report device/client.key, a private key as Part 3 has made it",
                "a key that is not wrapped can be copied",
            )
        yield "it finds the key that Part 3 has made"
        for name, (what, data, password) in _forgotten(company, clean).items():
            _lay_out(folder, {name: data})
            if name not in _reported(function, folder):
                raise Unsafe(_shipped(company, name, what, data, password), _RULES[what])
            yield f"it finds {what}"


def _reported(function: Callable[..., Any], folder: Path) -> set[str]:
    called = call(function, folder)
    value = called.returned("it reads whatever is there: not every file is text")
    if not isinstance(value, list) or not all(isinstance(each, str | Path) for each in value):
        raise NotYet(
            f"{called.name} returned {shown(value)}", "it returns a list of paths, maybe empty"
        )
    return {(folder / each).relative_to(folder).as_posix() for each in value}


def _lay_out(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        private_folder((folder / name).parent)
        write_file(folder / name, data, mode=0o600)


def _plain(key: Key | rsa.RSAPrivateKey, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    return key.private_bytes(Encoding.PEM, form, NoEncryption())


def _clean(company: Company) -> dict[str, bytes]:
    """An image that may ship."""
    certificate = company.device.certificate
    public = company.device.key.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    return {
        "device/client.crt": certificate.public_bytes(Encoding.PEM),
        "device/client.pub": public,
        "device/tpm.key": wrapped_key(),
        "device/notes.txt": b"The PRIVATE KEY is in the TPM. What is here is wrapped.\n",
        "firmware.bin": b"\x7fELF\xff\xfe" + os.urandom(2000),
        "device/empty": b"",
    }


_GUESSED = "a PIN on a file is guessed on the thief's machine, at any speed"
_RULES = {
    "a backup in another folder": "an image is all its folders, and a name says nothing",
    "a key behind a certificate, in OpenSSL's older form": "a PEM file may hold several things, "
    "and a private key has more than one kind of BEGIN line",
    "an RSA key in its older form": "a private key has more than one kind of BEGIN line",
    "a key in OpenSSH's form": "a private key has more than one kind of BEGIN line",
    "a key with a PIN": _GUESSED,
    "a key behind a wrapped one": "that one thing in a file is wrapped says nothing about the next",
    "a key in DER form": "DER is the same key without the lines that can be read",
    "a key in DER form, with a PIN": _GUESSED,
}


def _forgotten(
    company: Company, clean: dict[str, bytes]
) -> dict[str, tuple[str, bytes, bytes | None]]:
    """Where keys are forgotten: of each file, what it is, its bytes and its password."""
    key, older = company.device.key, PrivateFormat.TraditionalOpenSSL
    names = (
        *("backup/2024/client.key.bak", "device/all.pem", "device/rsa.pem", "device/id_ecdsa"),
        *("device/locked.key", "device/tpm.key", "device/client", "device/locked"),
    )
    rsa_key = rsa.generate_private_key(65537, 2048)
    data = (
        _plain(key),
        clean["device/client.crt"] + _plain(key, older),
        _plain(rsa_key, older),
        _plain(key, PrivateFormat.OpenSSH),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PIN)),
        clean["device/tpm.key"] + _plain(key),
        key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(PIN)),
    )
    passwords = (None, None, None, None, PIN, None, None, PIN)
    return dict(zip(names, zip(_RULES, data, passwords, strict=True), strict=True))


def _shipped(company: Company, name: str, what: str, data: bytes, password: bytes | None) -> str:
    """What a thief gets with a file that was not found: a real call, where it is that device's."""
    found = f"the image ships with {name}, {what}"
    if name == "device/rsa.pem":
        return found
    if data[:1] == b"\x30" or b"OPENSSH" in data:  # written in PEM, as openssl or ssh-keygen do it
        data, password = _plain(company.device.key), None
    start = data.rfind(b"-----BEGIN")
    secret = company.steals(data[start:], password)
    return f"{found}: a thief copied it, and got {secret!r}" if secret == SECRET else found

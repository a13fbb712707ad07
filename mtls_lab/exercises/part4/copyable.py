"""Exercise of Part 4: which files of an image are keys that a thief can copy.

Here: the check, with an image that is clean and places where keys are forgotten. Not here: what a
theft of a whole device is worth (must_revoke.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat, PublicFormat

from mtls_lab.common import scratch_folder
from mtls_lab.exercises.calling import call
from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.peers import SECRET, shown
from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.exercises.wrapped import (
    GUESSED,
    IN_DER,
    PIN,
    Company,
    key_file,
    lay_out,
    wrapped_key,
)

__all__ = ["copyable"]

_BEGINS = "a private key has more than one kind of BEGIN line"


@dataclass(frozen=True)
class _Forgotten:
    """A key that was forgotten in an image.

    Attributes:
        name: its file.
        what: what that is, in words.
        data: what is in it.
        rule: what a search breaks that does not find it.
        pin: what opens it.
    """

    name: str
    what: str
    data: bytes
    rule: str
    pin: bytes | None = None


@exercise("a function copyable(folder)")
def copyable(function: Callable[..., Any]) -> Iterator[str]:
    """Find every key that is not wrapped, and report nothing else."""
    company = Company.make()
    with scratch_folder() as folder:
        clean = _clean(company)
        lay_out(folder, clean)
        for name in sorted(_reported(function, folder)):
            raise NotYet(
                f"it reports {name}, which holds no key that can be copied",
                "a check that complains about good files is soon switched off",
            )
        yield "in an image with a wrapped key it finds nothing"
        lay_out(folder, {"device/client.key": key_file(company.device.key)})
        if "device/client.key" not in _reported(function, folder):
            raise NotYet(
                "it does not report device/client.key, a private key as Part 3 has made it",
                "a key that is not wrapped can be copied",
            )
        yield "it finds the key that Part 3 has made"
        for each in _forgotten(company, clean):
            lay_out(folder, {each.name: each.data})
            if each.name not in _reported(function, folder):
                raise Unsafe(_shipped(company, each), each.rule)
            yield f"it finds {each.what}"


def _reported(function: Callable[..., Any], folder: Path) -> set[str]:
    called = call(function, folder)
    value = called.returned("it reads whatever is there: not every file is text")
    if not isinstance(value, list) or not all(isinstance(each, str | Path) for each in value):
        raise NotYet(
            f"{called.name} returned {shown(value)}", "it returns a list of paths, maybe empty"
        )
    return {(folder / each).relative_to(folder).as_posix() for each in value}


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


@cache
def _rsa_key() -> rsa.RSAPrivateKey:
    """One for all attempts: it takes longer to make than all the rest."""
    return rsa.generate_private_key(65537, 2048)


def _forgotten(company: Company, clean: dict[str, bytes]) -> Iterator[_Forgotten]:
    """Yield a key for each place and each form in which keys are forgotten."""
    key, older = company.device.key, PrivateFormat.TraditionalOpenSSL
    yield _Forgotten(
        "backup/2024/client.key.bak",
        "a backup in another folder",
        key_file(key),
        "an image is all its folders, and a name says nothing",
    )
    yield _Forgotten(
        "device/all.pem",
        "a key behind a certificate, in OpenSSL's older form",
        clean["device/client.crt"] + key_file(key, form=older),
        f"a PEM file may hold several things, and {_BEGINS}",
    )
    yield _Forgotten(
        "device/rsa.pem",
        "an RSA key in its older form",
        key_file(_rsa_key(), form=older),
        _BEGINS,
    )
    yield _Forgotten(
        "device/id_ecdsa",
        "a key in OpenSSH's form",
        key_file(key, form=PrivateFormat.OpenSSH),
        _BEGINS,
    )
    yield _Forgotten("device/locked.key", "a key with a PIN", key_file(key, pin=PIN), GUESSED, PIN)
    yield _Forgotten(
        "device/tpm.key",
        "a key behind a wrapped one",
        clean["device/tpm.key"] + key_file(key),
        "that one thing in a file is wrapped says nothing about the next",
    )
    yield _Forgotten("device/client", "a key in DER form", key_file(key, Encoding.DER), IN_DER)
    yield _Forgotten(
        "device/locked",
        "a key in DER form, with a PIN",
        key_file(key, Encoding.DER, pin=PIN),
        GUESSED,
        PIN,
    )


def _shipped(company: Company, key: _Forgotten) -> str:
    """What a thief gets with a file that was not found: a real call with it."""
    found = f"the image ships with {key.name}, {key.what}"
    data, pin = key.data, key.pin
    if data[:1] == b"\x30" or b"OPENSSH" in data:  # written in PEM, as openssl or ssh-keygen do it
        data, pin = key_file(company.device.key), None
    secret = company.steals(data[data.rfind(b"-----BEGIN") :], pin)
    return f"{found}: a thief copied it, and got {secret!r}" if secret == SECRET else found

"""Exercise of Part 4: a device was stolen: does the thief have its key?

Here: the check, in which a thief calls with each key that was taken lightly. Not here: which files
hold keys (copyable.py).
"""

from __future__ import annotations

import os
import shutil
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from mtls_lab.common import LabError, scratch_folder
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
    not_run,
    wrapped_key,
)
from mtls_lab.pki import create_key, pem
from mtls_lab.tpm import SoftwareTPM, missing

__all__ = ["must_revoke"]

STATE = "tpm/tpm2-00.permall"


@dataclass(frozen=True)
class _Folder:
    """A stolen folder: its files beside the certificate, and what a thief does with them."""

    who: str
    files: dict[str, bytes]
    steals: Callable[[], str | None] | None = None
    rule: str = ""


@exercise("a function must_revoke(folder)")
def must_revoke(function: Callable[..., Any]) -> Iterator[str]:
    """Revoke the certificates of those devices whose key a thief can use, and no others."""
    company = Company.make()
    plain = key_file(company.device.key)
    first = _Folder("its key in a file", {"device.key": plain}, lambda: company.steals(plain))
    if not _decides(function, company, first):
        raise NotYet(
            f"a device was stolen with {first.who}, and a thief got {first.steals()!r}",  # type: ignore[misc]
            "whoever has the key is the device, until its certificate is revoked",
        )
    yield f"with {first.who}, the device is revoked"
    for folder in _worthless():
        if _decides(function, company, folder):
            raise NotYet(
                f"a device that lost {folder.who} was revoked, and a thief gets nothing with that",
                "revoke only what a thief can use: each revoked device needs a visit",
            )
        yield f"with {folder.who}, it is not"
    for folder in (*_guarded(company, plain), _whole_chip(company)):
        if not _decides(function, company, folder):
            secret = folder.steals() if folder.steals else SECRET
            raise Unsafe(f"a thief, with {folder.who}, got {secret!r}", folder.rule)
        yield f"with {folder.who}, it is revoked"
    if missing():
        yield not_run("the theft with the copied TPM")


def _decides(function: Callable[..., Any], company: Company, stolen: _Folder) -> bool:
    with scratch_folder() as folder:
        pem.write_certificate(folder / "device.crt", company.device.certificate)
        lay_out(folder, stolen.files)
        called = call(function, folder)
    if called.error is not None:  # whose text may name the folder of the moment
        found = (
            f"{called.name} raised {type(called.error).__name__} (line {called.line} of its cell)"
        )
        raise NotYet(found, "it has an answer, whatever is in the folder")
    value = called.value
    if not isinstance(value, bool):
        raise NotYet(f"{called.name} returned {shown(value)}", "it returns True or False")
    return value


def _worthless() -> Iterator[_Folder]:
    yield _Folder("its certificate alone", {})
    yield _Folder("a wrapped key", {"device.key": wrapped_key()})
    yield _Folder(
        "a wrapped key, and a plain one that is not the certificate's",
        {"device.key": wrapped_key(), "ssh.key": key_file(create_key())},
    )
    yield _Folder(
        "a key in DER form that is not the certificate's",
        {"ssh.der": key_file(create_key(), Encoding.DER)},
    )
    yield _Folder(
        "a wrapped key, and a text that shows how a key file begins",
        {"device.key": wrapped_key(), "notes.txt": _NOTES},
    )


#: What a search for keys finds, and no program can load.
_NOTES = b"A key file begins with this line:\n-----BEGIN PRIVATE KEY-----\nDo not ship one.\n"


def _guarded(company: Company, plain: bytes) -> Iterator[_Folder]:
    key = company.device.key
    locked = key_file(key, pin=PIN)
    yield _Folder(
        "its key in a file that has a PIN",
        {"device.key": locked},
        lambda: company.steals(locked, PIN),
        GUESSED,
    )
    yield _Folder(
        "its key in DER form",
        {"device.der": key_file(key, Encoding.DER)},
        lambda: company.steals(plain),
        IN_DER,
    )
    yield _Folder(
        "its key in DER form, with a PIN",
        {"device.der": key_file(key, Encoding.DER, pin=PIN)},
        lambda: company.steals(plain),
        GUESSED,
    )
    yield _Folder(
        "another key, and its own behind it in the same file",
        {"keys.pem": key_file(create_key()) + plain},
        lambda: company.steals(plain),
        "a PEM file may hold several things, and the first says nothing about the next",
    )
    yield _Folder(
        "a wrapped key, and a backup of the same key from before",
        {"device.key": wrapped_key(), "backup/client.pem": plain},
        lambda: company.steals(plain),
        "a key that was a file once may be a file still: compare it with the certificate",
    )


def _whole_chip(company: Company) -> _Folder:
    """A wrapped key with the software TPM that wrapped it."""
    rule = "a software TPM is a folder: whoever has it has the TPM"
    who = "a wrapped key, and the folder of the software TPM"
    if missing():
        return _Folder(who, {"device.key": wrapped_key(), STATE: os.urandom(4000)}, None, rule)
    with scratch_folder() as folder:
        with SoftwareTPM(folder / "tpm") as chip:
            company.certify(chip, folder, "device")
        kept = {name: (folder / name).read_bytes() for name in ("device.key", STATE)}
        with SoftwareTPM(shutil.copytree(folder / "tpm", folder / "copy")) as copy:
            settings = copy.environment(folder)
            reply = company.visited(folder, "device", settings, ssl.TLSVersion.TLSv1_3).reply
    if reply != SECRET:
        raise LabError("a copied TPM that did not sign", "the same TPM", "please report it")
    return _Folder(who, kept, lambda: reply, rule)

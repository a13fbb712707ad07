"""Each file that came with an error, looked at by itself: why it does not load.

Here: each mistake in one file, and a certificate that signed and may not. Not here: files against
each other and the clock (look.py).
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from mtls_lab.diagnosis.symptoms import shown
from mtls_lab.errors import FileProblem
from mtls_lab.files import PathLike
from mtls_lab.text import printable

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["mistakes_in", "wrong_signers"]

#: Which mistake is in a file, by the words in which pem says so. "form": see pki/kinds.py.
MISTAKES = {
    "with a password": "password",
    "is encrypted": "password",
    "in DER form and": "form",
    "bundle of certificates": "form",
    "in DER form": "der",
    "of another kind": "kind",  # an RSA key, say: the lab makes EC keys, ssl takes both
    "holds a damaged": "other",
    "holds a key that only": "in a TPM",
    "holds a key in OpenSSH": "form",
    "holds a PKCS": "form",
    "holds a PEM file that": "form",
    "holds something else in": "form",
    "holds base64": "form",
    "is a PKCS": "form",
    "is a Java": "form",
    "is a web page": "form",
    "is text in UTF-16": "form",
    "has an END line": "form",
    r"has \n as": "form",
    "has its whole PEM": "form",
    "has something before or behind": "form",
    "has a BEGIN line without": "form",
    "ends its lines with CR": "form",
    "holds a": "swapped",
}

States = Iterator[tuple[str, tuple[tuple[str, str], ...]]]


def mistakes_in(
    certfile: PathLike | None,
    keyfile: PathLike | None,
    cafile: PathLike | None,
    password: str | None = None,
    *,
    course: bool = True,
) -> States:
    """Look into the files and give each mistake, as a `state` and its `words`.

    A mistake in the certificate and its key is `"pair: …"`, one in the CA file is `"ca: …"`.
    """
    if certfile is None and keyfile is None and cafile is None:
        return
    # cryptography is slow to load, and most explanations need none.
    from mtls_lab.pki import pem  # noqa: PLC0415

    key = certfile if keyfile is None else keyfile
    for group, path, wanted, read in (
        ("pair", certfile, "a certificate", pem.read_certificate),
        ("pair", key, "a private key", pem.read_key),
        ("ca", cafile, "a CA's certificate", pem.read_certificate),
    ):
        if path is None:
            continue
        try:
            read(path)
        except FileProblem as problem:
            text, command = shown(path, course=course)
            found = problem.found.replace(os.fspath(path), "", 1)
            mistake = next((MISTAKES[words] for words in MISTAKES if words in found), "other")
            # What stands in brackets is a library's or the system's own wording.
            found = re.sub(r" \(.*\)$", "", found)
            if "(No such file" in problem.found or not os.path.lexists(path):
                mistake = "missing"
            elif "(Is a directory)" in problem.found:
                mistake = "folder"
            elif mistake == "password" and wanted != "a private key":
                mistake = "swapped"
            elif mistake == "swapped" and wanted == "a private key" and keyfile is None:
                mistake = "no key"
            if mistake == "password" and password is not None and _opens(path, password):
                continue
            words = {"file": text, "wanted": wanted, "found": text + found, "in shell": command}
            words["todo"] = problem.todo.replace(os.fspath(path), text)
            yield f"{group}: {mistake}", tuple(words.items())
    # OpenSSL does not mind these, so that any other mistake comes first.
    yield from _marked({"pair": (certfile, keyfile), "ca": (cafile,)}, course=course)


def _marked(files: dict[str, tuple[PathLike | None, ...]], *, course: bool) -> States:
    """Give each file that begins with the byte order mark of UTF-8."""
    from mtls_lab.pki.kinds import read_bounded  # noqa: PLC0415 - see mistakes_in

    for group, paths in files.items():
        for path in (each for each in paths if each is not None):
            with suppress(FileProblem):  # which mistakes_in tells
                if read_bounded(path, "PEM").startswith(codecs.BOM_UTF8):
                    text, command = shown(path, course=course)
                    yield f"{group}: byte order mark", (("file", text), ("in shell", command))


def _opens(path: PathLike, password: str) -> bool:
    """Whether a password is that of an encrypted key."""
    from mtls_lab.pki import pem  # noqa: PLC0415 - see mistakes_in

    try:
        pem.read_any_key(path, password)
    except FileProblem:
        return False
    return True


def wrong_signers(certificates: Sequence[x509.Certificate]) -> States:
    """Give each certificate that signed another one and may not, as a `state` and its `words`.

    The first look is at `basicConstraints`, the second at `keyUsage` (RFC 5280, section 6.1.4).
    """
    if not certificates:
        return
    from cryptography import x509  # noqa: PLC0415 - see mistakes_in

    from mtls_lab.pki.description import UNREADABLE  # noqa: PLC0415

    for signer in certificates:
        if not any(each.issuer == signer.subject and each != signer for each in certificates):
            continue
        try:
            limits = {type(extension.value): extension.value for extension in signer.extensions}
        except UNREADABLE:  # OpenSSL has read it, cryptography cannot
            continue
        basic, usage = limits.get(x509.BasicConstraints), limits.get(x509.KeyUsage)
        words = (("signer", printable(signer.subject.rfc4514_string())),)
        if not (isinstance(basic, x509.BasicConstraints) and basic.ca):
            yield "signer: not a CA", words
        elif isinstance(usage, x509.KeyUsage) and not usage.key_cert_sign:
            yield "signer: no keyCertSign", words

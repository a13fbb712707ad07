"""Each file that came with an error, looked at by itself: why it does not load.

Here: each mistake in one file, a certificate that signed and may not, and the tool for a file that
openssl does not read. Not here: files against each other and the clock (look.py).
"""

from __future__ import annotations

import base64
import codecs
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mtls_lab.common import FileProblem, Password, PathLike, irregular, missing, printable
from mtls_lab.explaining.wording import shown

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["State", "mistakes_in", "with_java", "wrong_signers"]

#: Which mistake is in a file that pem does not read; of any other kind, it is its form.
MISTAKES = {each: each for each in ("password", "der", "kind", "another thing", "swapped")}
MISTAKES |= {"": "other", "damaged": "other", "tss2": "in a TPM"}

#: What OpenSSL 3 decrypts with its legacy provider alone: DES, RC2, RC4, CAST5, Blowfish, IDEA and
#: SEED. In the old form (RFC 1421), the head names it; in PKCS #8, an OID near the beginning: PBES1
#: with DES or RC2 (RFC 8018, appendix A.3), PKCS #12's with RC4 or RC2 (RFC 7292, appendix C).
LEGACY_HEAD = rb"^DEK-Info: (?:DES|RC2|RC4|CAST5?|BF|IDEA|SEED)-(?!EDE3)"
LEGACY_OIDS = rb"\x2a\x86\x48\x86\xf7\x0d\x01(?:\x05[\x03\x06\x0a\x0b]|\x0c\x01[\x01\x02\x05\x06])"
#: What is said of the password of a key where nobody has given one to look with.
LACK = "the password is missing or wrong"
ENCRYPTED = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"

#: A mistake as a state of data/explanations.toml, and its words.
State = tuple[str, tuple[tuple[str, str], ...]]


def mistakes_in(
    certfile: PathLike | None,
    keyfile: PathLike | None,
    cafile: PathLike | None,
    password: Password | None,
    *,
    course: bool,
) -> Iterator[State]:
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
            if problem.kind == "closed":  # to us: what is in it is not known
                continue
            text, command = shown(path, course=course)
            found = problem.found.replace(os.fspath(path), "", 1)
            mistake = _mistake(path, problem.kind, wanted, alone=keyfile is None)
            # What stands in brackets is a library's or the system's own wording.
            found = re.sub(r" \(.*\)$", "", found)
            found = f" {printable(gone)}" if (gone := missing(path)) else found
            if mistake == "password" and password is not None and _opens(path, password):
                continue
            words = {"file": text, "wanted": wanted, "found": text + found, "in shell": command}
            words["todo"] = _typed(problem.todo, path, text, command)
            words["lack"] = "the one that was given does not open it" if password else LACK
            yield f"{group}: {mistake}", tuple(words.items())
    # OpenSSL does not mind these, so that any other mistake comes first.
    yield from _marked({"pair": (certfile, keyfile), "ca": (cafile,)}, course=course)


def _typed(todo: str, path: PathLike, text: str, command: str) -> str:
    """Name a file in what is to be done as in a shell, and a new one that is to be beside it."""
    if "-out " not in todo and " > " not in todo:
        return todo.replace(os.fspath(path), text)
    new = Path(path).with_suffix("")
    short = shlex.quote(Path(shlex.split(command)[0]).with_suffix("").as_posix())
    return todo.replace(shlex.quote(os.fspath(path)), command).replace(os.fspath(new), short)


def _mistake(path: PathLike, kind: str, wanted: str, *, alone: bool) -> str:
    """Return which mistake is in a file that does not load; `alone` is one without a keyfile."""
    mistake = MISTAKES.get(kind, "form")
    if missing(path):
        return "missing"
    if irregular(path) == "a folder":
        return "folder"
    if mistake == "password" and wanted != "a private key":
        return "swapped"
    if mistake == "swapped" and wanted == "a private key" and alone:
        return "no key"
    return "old encryption" if mistake == "password" and _is_legacy(path) else mistake


def _marked(files: dict[str, tuple[PathLike | None, ...]], *, course: bool) -> Iterator[State]:
    """Give each file that begins with the byte order mark of UTF-8."""
    from mtls_lab.pki.kinds import read_bounded  # noqa: PLC0415 - see mistakes_in

    for group, paths in files.items():
        for path in (each for each in paths if each is not None):
            with suppress(FileProblem):  # which mistakes_in tells
                if read_bounded(path, "PEM").startswith(codecs.BOM_UTF8):
                    text, command = shown(path, course=course)
                    yield f"{group}: byte order mark", (("file", text), ("in shell", command))


def _is_legacy(path: PathLike) -> bool:
    """Whether a key is encrypted in a way that OpenSSL 3 has left to its legacy provider."""
    from mtls_lab.pki.kinds import read_bounded  # noqa: PLC0415 - see mistakes_in

    text = read_bounded(path, "PEM")
    _, _, body = text.partition(ENCRYPTED)
    with suppress(ValueError):  # it is damaged: its own mistake
        head = base64.b64decode(b"".join(body[:100].split())[:60])
        return bool(re.search(LEGACY_HEAD, text, re.MULTILINE) or re.search(LEGACY_OIDS, head))
    return False


def _opens(path: PathLike, password: Password) -> bool:
    """Whether a password is that of an encrypted key."""
    from mtls_lab.pki import pem  # noqa: PLC0415 - see mistakes_in

    try:
        pem.read_any_key(path, password)
    except FileProblem:
        return False
    return True


def wrong_signers(certificates: Sequence[x509.Certificate]) -> Iterator[State]:
    """Give each certificate that signed another one and may not, as a `state` and its `words`.

    The first look is at `basicConstraints`, the second at `keyUsage` (RFC 5280, section 6.1.4).
    """
    if not certificates:
        return
    from cryptography import x509  # noqa: PLC0415 - see mistakes_in

    from mtls_lab.pki.signed import UNREADABLE  # noqa: PLC0415

    issued: dict[x509.Name, set[x509.Certificate]] = {}
    for each in certificates:
        issued.setdefault(each.issuer, set()).add(each)
    for signer in dict.fromkeys(certificates):
        if not issued.get(signer.subject, set()) - {signer}:
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


def with_java(command: str, files: Mapping[str, PathLike | None]) -> str:
    """Return a command in which Java's own tool reads its keystores: openssl reads none."""
    for path in (each for each in files.values() if each is not None):
        _, name = shown(path)
        if f"openssl x509 -in {name} " in command and _is_keystore(path):
            listed = f"keytool -list -rfc -keystore {name}"
            command = command.replace(f"openssl x509 -in {name}", f"{listed} | openssl x509")
    return command


def _is_keystore(path: PathLike) -> bool:
    from mtls_lab.pki.keystores import is_keystore  # noqa: PLC0415 - it loads cryptography

    return is_keystore(path)

"""What is in the files that came with an error, in whatever form, and who may read the keys.

Here: files as certificates, a key and revocation lists, and what could not be read. Not here: who
may read a key (access.py), whether they fit together (pki/), and which misfit explains an error
(look.py).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mtls_lab.common import FileProblem, Password, PathLike, irregular, missing
from mtls_lab.explaining.access import access_to

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["Held", "read"]

#: What is said of a file that only a password opens, and none was given, or another one.
NOT_LOOKED = ", so it was not looked into"

#: The same of a file that holds others under names.
NOT_MEANT = ": several that may be meant, or none" + NOT_LOOKED

#: Files of CAs that are right for some program: OpenSSL may have read what is damaged for
#: cryptography, and Java reads keystores.
READ_BY_SOME = {"damaged", "pkcs12", "base64 of pkcs12", "jks", "stores"}

Looks = Iterator[tuple[str, dict[str, str]]]


@dataclass(slots=True)
class Held:
    """What the files hold.

    Attributes:
        certificates: a leaf and what is sent along.
        cas: what a verifier trusts.
        crls: its revocation lists.
        key: the private key, of any kind.
        unread: why a file could not be read, a sentence for each.
        locked: whether the key has a password.
        access: who may read the key, and what is wrong with a folder or a bundle, as names and
            words of data/findings.toml.
    """

    certificates: list[x509.Certificate] = field(default_factory=list)
    cas: list[x509.Certificate] = field(default_factory=list)
    crls: list[x509.CertificateRevocationList] = field(default_factory=list)
    key: object = None
    locked: bool = False
    unread: list[str] = field(default_factory=list)
    access: list[tuple[str, dict[str, str]]] = field(default_factory=list)


def read(
    files: Mapping[str, PathLike | None],
    names: Mapping[str, str],
    password: Password | None = None,
) -> Held:
    """Read what can be read.

    Args:
        files: the paths by `cert`, `key`, `ca` and `crl`.
        names: how each is called in a sentence.
        password: of a PKCS #12 file or an encrypted key.
    """
    held = Held()
    _read_certificates(held, files, names, password)
    _read_key(held, files, names, password)
    # cryptography is slow to load, and most explanations need none.
    from mtls_lab.pki import pem  # noqa: PLC0415

    if path := files.get("crl"):
        try:
            held.crls += pem.read_crls(path)
        except FileProblem as problem:
            held.unread.append(_why(problem, path, names["crl"]))
    if path := files.get("key"):
        held.access += access_to(Path(path))
        if held.key is not None and files.get("cert") and not _holds_a_key(files["cert"]):
            held.access.append(("key in another file", {}))
    if held.certificates and (path := files.get("key") or files.get("cert")):
        _read_further(held, path)
    return held


def _read_certificates(
    held: Held,
    files: Mapping[str, PathLike | None],
    names: Mapping[str, str],
    password: Password | None,
) -> None:
    """Read certificates and CAs, of PEM files or bundles, whose key counts if there is no other."""
    from mtls_lab.pki import pem  # noqa: PLC0415 - see read
    from mtls_lab.pki.containers import is_container  # noqa: PLC0415

    for name, into in (("cert", held.certificates), ("ca", held.cas)):
        path = files.get(name)
        if path is None:
            continue
        if name == "ca" and irregular(path) == "a folder":
            into.extend(_hashed(Path(path)))
            held.access += [] if into else [("folder not hashed", {})]
            continue
        try:
            into.extend(pem.read_certificates(path))
            held.access.append(("pem file", {"holder": name}))
            held.access += _limited(Path(path)) if name == "ca" else ()
        except FileProblem as problem:
            held.unread.append(_why(problem, path, names[name]))
            keystore = problem.kind == "jks"
            into.extend(_of_bundle(held, name, path, names[name], password, keystore=keystore))
            unread = os.path.lexists(path) and problem.kind not in READ_BY_SOME
            if name == "ca" and not into and unread:
                todo = problem.todo[:1].upper() + problem.todo[1:]
                if is_container(path):
                    held.unread[-1] = f"{names[name]} has no entry with the certificate of a CA"
                    todo = "Add it: in a Secret of Kubernetes, as ca.crt"
                held.access.append(("ca not read", {"found": held.unread.pop(), "todo": todo}))


def _limited(path: Path) -> Looks:
    """Give the CAs that OpenSSL is told to trust for one side alone."""
    from cryptography import x509  # noqa: PLC0415 - see read

    from mtls_lab.pki.kinds import read_bounded  # noqa: PLC0415
    from mtls_lab.pki.rules import told  # noqa: PLC0415
    from mtls_lab.pki.trusted import limits_in  # noqa: PLC0415

    for certificate, whom in limits_in(read_bounded(path, "PEM")):
        subject = x509.load_pem_x509_certificate(certificate).subject
        yield f"not trusted for {whom}", {"subject": told(subject)}


def _of_bundle(
    held: Held, name: str, path: PathLike, text: str, password: Password | None, *, keystore: bool
) -> list[x509.Certificate]:
    """Return the certificates of a file that is not PEM, and note what is wrong with it."""
    from mtls_lab.pki.bundles import is_old, is_pkcs12, keys_in, read_bundle  # noqa: PLC0415 - see read

    with suppress(FileProblem):  # it is damaged, which is told below
        if name == "cert" and (count := keys_in(path)) > 1:
            held.access.append(("several keys", {"count": str(count)}))
    if keystore and (name == "ca" or not password):
        return _of_keystore(path, trusted=name == "ca")
    bundle = is_pkcs12(path)
    try:
        key, certificates = read_bundle(path, password)
    except FileProblem as locked:  # it is no bundle either, or not one for us to open
        if bundle and password:
            held.unread.pop()
            held.access.append(("wrong password", {"holder": name}))
        elif bundle:
            held.unread[-1] = _why(locked, path, text) + NOT_LOOKED
        elif keystore:
            words = {
                "found": _why(locked, path, text),
                "todo": locked.todo[:1].upper() + locked.todo[1:],
            }
            held.access.append(("keystore without a key", words))
        return _of_keystore(path, trusted=False) if keystore else []
    held.key = held.key or key
    if bundle and is_old(path):
        held.access.append(("old bundle", {"holder": name}))
    if bundle and name == "ca":
        held.access.append(("bundle as truststore", {}))
    elif bundle and key is None:
        held.access.append(("bundle without a key", {}))
    return certificates


def _of_keystore(path: PathLike, *, trusted: bool) -> list[x509.Certificate]:
    """Return the certificates of a keystore of Java, which can be read without its password."""
    from mtls_lab.pki.keystores import read_keystore  # noqa: PLC0415 - see read

    with suppress(FileProblem):  # it is damaged
        return list(read_keystore(path, trusted=trusted))
    return []


def _read_key(
    held: Held,
    files: Mapping[str, PathLike | None],
    names: Mapping[str, str],
    password: Password | None,
) -> None:
    from mtls_lab.pki import pem  # noqa: PLC0415 - see read

    bundled, held.key = held.key, None
    for name, read in (
        ("key", pem.read_any_key),
        ("key", _key_of_bundle),
        ("cert", pem.read_any_key),
    ):
        if held.key is None and (path := files.get(name)):
            with suppress(FileProblem):  # which mistakes_in tells, or there is no key in it
                held.key = read(path, password)
                held.locked = bool(password) and _lock(path) is not None
    if (path := files.get("key")) and held.key is None and (lock := _lock(path)):
        has = "has a password" if lock.kind == "password" else _why(lock, path, "").strip()
        held.unread.append(f"{names['key']} {has}{NOT_LOOKED}")
    held.key = held.key or bundled


def _read_further(held: Held, path: PathLike) -> None:
    """Take the key that fits of a file that has several, and note that programs take the first."""
    from mtls_lab.pki import pem  # noqa: PLC0415 - see read
    from mtls_lab.pki.key_kinds import public_key  # noqa: PLC0415

    keys, mine = pem.read_keys(path), public_key(held.certificates[0])
    fits = next((at for at, key in enumerate(keys) if key.public_key() == mine), 0)
    if fits:
        held.key = keys[fits]
        held.access.append(("key behind another", {"number": str(fits + 1)}))


def _key_of_bundle(path: PathLike, password: Password | None) -> object:
    from mtls_lab.pki.bundles import read_bundle  # noqa: PLC0415 - see read

    return read_bundle(path, password)[0]


def _holds_a_key(path: PathLike | None) -> bool:
    """Whether there is the block of a key in a file, whether or not it is whole."""
    from mtls_lab.pki.kinds import read_bounded  # noqa: PLC0415 - see read

    with suppress(FileProblem):
        return path is not None and b"PRIVATE KEY-----" in read_bounded(path, "PEM")
    return False


def _lock(path: PathLike) -> FileProblem | None:
    """Return what is said of a key that is encrypted, or lies in a file that is."""
    from mtls_lab.pki import pem  # noqa: PLC0415 - see read

    try:
        pem.read_any_key(path)
    except FileProblem as problem:
        return problem if problem.kind in {"password", "still encrypted"} else None
    return None


def _hashed(folder: Path) -> list[x509.Certificate]:
    """Return the CAs that OpenSSL would find in a folder: it looks for them by a hash."""
    from mtls_lab.pki import pem  # noqa: PLC0415 - see read

    found = []
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            if re.fullmatch(r"[0-9a-f]{8}\.\d+", path.name):
                with suppress(FileProblem):
                    found.append(pem.read_certificate(path))
    return found


def _why(problem: FileProblem, path: PathLike, name: str) -> str:
    if gone := missing(path):
        return f"{name} {gone}"
    # One with a single entry of its kind was unpacked before.
    also = NOT_MEANT * (problem.kind in {"entries", "entries twice"})
    return name + re.sub(r" \(.*\)$", "", problem.found.replace(os.fspath(path), "", 1)) + also

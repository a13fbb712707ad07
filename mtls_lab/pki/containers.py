"""Files that hold others under a name: manifests of Kubernetes, kubeconfig, JSON, OpenVPN's .ovpn.

Here: the PEM in them by its name, and which of it is a certificate, its key or a CA. Not here: PEM
itself (pem.py), and files with a form of their own (bundles.py, keystores.py).
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from mtls_lab.errors import FileProblem
from mtls_lab.files import PathLike, write_file
from mtls_lab.pki.kinds import read_bounded
from mtls_lab.scratch import scratch_folder

__all__ = ["Entry", "blocks_in", "entries_of", "is_container", "unpacked"]

BEGIN = b"-----BEGIN "
#: `tls.crt: LS0t…`, in YAML or in JSON: the data of a Secret, the client-key-data of a kubeconfig.
_BASE64 = re.compile(
    rb"""(?<![\w./-])([\w./-]{1,80})["']?[ \t]?:[ \t]{0,8}["']?([A-Za-z0-9+/=]{64,})"""
)
#: `ca.crt: |`, and lines that are indented more: a ConfigMap, the stringData of a Secret.
_BLOCK = re.compile(
    rb"""(?m)^([ \t]*)(?:- )?["']?([\w./-]{1,80})["']?:[ \t]*[|>][0-9+-]{0,2}[ \t]*\r?\n"""
    rb"""((?:\1[ \t]+[^\r\n]*\r?\n?|\r?\n){1,20000})"""
)
#: `"certificate": "-----BEGIN …\n…"`, as Vault and clouds answer.
_QUOTED = re.compile(rb'"([\w./-]{1,80})"\s{0,8}:\s{0,8}"(-----BEGIN [^"]{1,200000})"')
#: `<ca>` … `</ca>`, inside the configuration of OpenVPN.
_TAG = re.compile(rb"<(ca|cert|key|extra-certs)>([^<]{1,200000})</\1>")
#: `client-key: FILE`, in a kubeconfig.
_PATH = re.compile(
    rb"(?m)^[ \t-]*(certificate-authority|client-certificate|client-key):[ \t]+([^\r\n#{]{1,1024})"
)
#: A name for what a verifier trusts, and not for what is presented.
_OF_A_CA = re.compile(
    r"(?:^|[._/-])(?:ca|cacerts?|ca_?bundle|ca_?chain|authority|root|issuing|issuer|trust\w*)"
    r"(?![a-z])",
    re.IGNORECASE,
)
#: What has to be in an entry, by what is asked for.
_HOLDS = {
    "cert": b"CERTIFICATE-----",
    "ca": b"CERTIFICATE-----",
    "key": b"PRIVATE KEY-----",
    "crl": b"X509 CRL-----",
}


class Entry(NamedTuple):
    """What of a container is asked for: its name in there, the file, and PEM."""

    name: str
    path: PathLike
    data: bytes


def blocks_in(data: bytes) -> dict[str, bytes]:
    """Return what is in PEM form under a name, by its name.

    A name that stands for several things, as where a file has several Secrets, stands for none.

    Example:
        >>> blocks_in(b"data:\\n  ca.crt: |\\n    -----BEGIN CERTIFICATE-----\\n    MIIB\\n")
        {'ca.crt': b'-----BEGIN CERTIFICATE-----\\nMIIB\\n'}
    """
    found: dict[str, bytes] = {}
    several = set()
    for name, value in _named(data):
        text = name.decode("ascii", "replace")
        if BEGIN in value and found.setdefault(text, value) != value:
            several.add(text)
    return {name: value for name, value in found.items() if name not in several}


def _named(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    for match in _BASE64.finditer(data):
        with suppress(binascii.Error):
            yield match[1], base64.b64decode(match[2])
    for match in _BLOCK.finditer(data):
        yield match[2], b"".join(line.strip() + b"\n" for line in match[3].splitlines())
    for match in _QUOTED.finditer(data):
        yield match[1], match[2].replace(b"\\n", b"\n")
    for match in _TAG.finditer(data):
        yield match[1], match[2].lstrip()


def entries_of(files: Mapping[str, PathLike | None]) -> dict[str, Entry]:
    """Return what is asked for of each file that is a container.

    Args:
        files: the paths by `cert`, `key`, `ca` and `crl`.
    """
    found = {}
    key = {"key": files.get("key") or files.get("cert")}  # one that holds the certificate too
    for what, path in (dict(files) | key).items():
        if path is not None and (entries := _asked_for(_read(path), what)):
            found[what] = Entry(next(iter(entries)), path, b"".join(entries.values()))
    return found


def _read(path: PathLike) -> dict[str, bytes]:
    with suppress(FileProblem):
        data = read_bounded(Path(path), "a file")
        return dict(_named_in(data, Path(path).parent)) | blocks_in(data)
    return {}


def _named_in(data: bytes, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Give what is in the files that a kubeconfig names, as that of minikube does."""
    names: dict[bytes, set[bytes]] = {}
    for match in _PATH.finditer(data):
        names.setdefault(match[1], set()).add(match[2].strip(b"\"' "))
    for name, paths in names.items():
        with suppress(FileProblem):
            found = read_bounded(folder / os.fsdecode(paths.pop()), "a file")
            if BEGIN in found and not paths:
                yield name.decode(), found


def _asked_for(blocks: Mapping[str, bytes], what: str) -> dict[str, bytes]:
    """Return the entries for `cert`, `key`, `ca` or `crl`: one, or all CAs."""
    fitting = {name: value for name, value in blocks.items() if _HOLDS[what] in value}
    cas = {name: value for name, value in fitting.items() if _OF_A_CA.search(name)}
    if what == "ca":
        # One that holds no key, and names no CA, holds CAs alone: a ConfigMap with a bundle.
        keys = any(_HOLDS["key"] in value for value in blocks.values())
        return cas or ({} if keys else fitting)
    own = [name for name in fitting if name not in cas]
    return {name: fitting[name] for name in own[:1]}


def is_container(path: PathLike | None) -> bool:
    """Return whether a file holds PEM under names."""
    return path is not None and bool(_read(path))


@contextmanager
def unpacked(
    files: Mapping[str, PathLike | None], entries: Mapping[str, Entry]
) -> Iterator[dict[str, PathLike | None]]:
    """Give the files, with plain ones in the place of entries; they are gone afterwards."""
    if not entries:
        yield dict(files)
        return
    with scratch_folder() as folder:
        for what, entry in entries.items():
            write_file(folder / what, entry.data, mode=0o600)
        yield dict(files) | {what: folder / what for what in entries}

"""Files that hold others under a name: manifests, kubeconfig, JSON, .env, Terraform, .ovpn.

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

from mtls_lab.common import FileProblem, PathLike, scratch_folder, write_file
from mtls_lab.pki.kinds import read_bounded

__all__ = ["Entry", "blocks_in", "entries_of", "is_container", "unpacked"]

BEGIN = b"-----BEGIN "
#: `tls.crt: LS0t…`, in YAML, JSON or an .env file: the data of a Secret, the client-key-data of a
#: kubeconfig.
_BASE64 = re.compile(
    rb"""(?<![\w./-])([\w./-]{1,80})["']?[ \t]?[:=][ \t]{0,8}["']?([A-Za-z0-9+/=]{64,})"""
)
#: The same in lines of their own: `tls.crt: |`, and what is indented more.
_FOLDED = re.compile(
    rb"""(?m)^[ \t]*(?:- )?["']?([\w./-]{1,80})["']?:[ \t]*[|>][0-9+-]{0,2}[ \t]*\r?\n"""
    rb"""((?:[ \t]+[A-Za-z0-9+/=]{4,}[ \t]*(?:\r?\n|\Z)){1,20000})"""
)
#: A block of PEM, in lines, indented or not, or with \n as two characters.
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----(?:[^-]|-(?!-{4})){1,200000}-----END \1-----")
#: What is between two blocks of one value, as of a chain, or of a list in JSON.
_SAME = re.compile(rb"""(?:\\[nr]?|[\s"',])*""")
#: What stands before a value: `ca.crt: |`, `"certificate": "`, `TLS_CERT='`, `ca = <<EOT`, `<ca>`,
#: and two blanks in the tables that Vault prints.
_NAME = re.compile(
    rb"""(?:([\w./-]{1,80})(?:["']?[ \t]{0,8}[:=][ \t]{0,8}"""
    rb"""([|>][0-9+-]{0,2}|<<[-~]?["']?\w{1,20}["']?|\[?)|[ \t]{2,40}\[?)"""
    rb"""|<([\w.-]{1,80})>)(\s{0,200}["'`]{0,3}\s{0,200})\Z"""
)
#: So far back from a value, its name is looked for.
BEFORE = 500
#: What says nothing of a value, and the names of what is around it or beside it, as in Terraform,
#: Docker Compose, the `env` of a container and Envoy.
_EMPTY_NAMES = {
    *(b"value", b"content", b"data", b"stringData", b"pem", b"text"),
    *(b"inline_string", b"inline_bytes"),
}
_AROUND = re.compile(
    rb"""(?<![\w./-])(?:(?:name|key)["']?[ \t]{0,8}[:=][ \t]{0,8}["']?([\w./-]{1,80})"""
    rb"""|([\w./-]{1,80})["']?[ \t]{0,8}[:=][ \t]{0,8}(?:\{|\r?\n))"""
)
#: `client-key: FILE`, in a kubeconfig.
_PATH = re.compile(
    rb"(?m)^[ \t-]*(certificate-authority|client-certificate|client-key):[ \t]+([^\r\n#{]{1,1024})"
)
#: The words of a name, as in `rootCA`, and those for what a verifier trusts and nobody presents.
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_OF_A_CA = re.compile(r"ca|ca_?certs?|cabundle|cachain|authority|root|issuing|issuer|trust.*")
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
        >>> blocks_in(b'crl = "-----BEGIN X509 CRL-----\\\\nMI\\\\n-----END X509 CRL-----"')
        {'crl': b'-----BEGIN X509 CRL-----\\nMI\\n-----END X509 CRL-----\\n'}
    """
    found: dict[str, bytes] = {}
    several = set()
    for name, value in _named(data):
        text = name.decode("ascii", "replace")
        if name and BEGIN in value and found.setdefault(text, value) != value:
            several.add(text)
    return {name: value for name, value in found.items() if name not in several}


def _named(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    for match in (*_BASE64.finditer(data), *_FOLDED.finditer(data)):
        with suppress(binascii.Error):
            name = _spoken(match[1], data[max(0, match.start() - BEFORE) : match.start()])
            yield name, base64.b64decode(b"".join(match[2].split()))
    end, name, value = 0, b"", list[bytes]()
    for block in _PEM.finditer(data):
        gap = data[end : block.start()]
        if not value or not _SAME.fullmatch(gap):
            yield name, b"".join(value)
            name, value = _name_in(gap[-BEFORE:]), []
        value.append(_in_lines(block[0]))
        end = block.end()
    yield name, b"".join(value)


def _name_in(before: bytes) -> bytes:
    """Return the name of the value that follows; none for a heading above plain PEM."""
    match = _NAME.search(before)
    if match is None:
        return b""
    opened = match[3] or match[2] or match[4].strip()
    if not opened and before[-1:] in {b"\r", b"\n"}:
        return b""
    return _spoken(match[3] or match[1], before)


def _spoken(name: bytes, before: bytes) -> bytes:
    """Return a name, or that of what is around it if it says nothing."""
    around = _AROUND.findall(before) if name in _EMPTY_NAMES else []
    found = (beside or above for beside, above in reversed(around))
    return next((each for each in found if each not in _EMPTY_NAMES), name)


def _in_lines(block: bytes) -> bytes:
    """Return a block as programs read it, of a value of JSON, say, or of Java's properties."""
    whole = re.sub(rb"\\\r?\n[ \t]*", b"", block).replace(rb"\r", b"").replace(rb"\n", b"\n")
    return b"".join(line.strip() + b"\n" for line in whole.replace(rb"\/", b"/").splitlines())


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
    cas = {name: value for name, value in fitting.items() if _is_of_a_ca(name)}
    if what == "ca":
        # One that holds no key, and names no CA, holds CAs alone: a ConfigMap with a bundle.
        keys = any(_HOLDS["key"] in value for value in blocks.values())
        return cas or ({} if keys else fitting)
    own = [name for name in fitting if name not in cas]
    return {name: fitting[name] for name in own[:1]}


def _is_of_a_ca(name: str) -> bool:
    return any(_OF_A_CA.fullmatch(word.lower()) for word in _WORD.findall(name))


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

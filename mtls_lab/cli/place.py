"""Where a command between two machines finds its files, and its TLS context.

Here: the tutorial's names in a folder, the context of each side from them, and why they do not
load. Not here: arguments (machines.py), what goes over the connection (serving.py, asking.py).
"""

from __future__ import annotations

import argparse
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from mtls_lab.cli.passwords import password, password_for
from mtls_lab.cli.telling import in_options, not_loaded
from mtls_lab.common import FileProblem, LabError, Password, irregular
from mtls_lab.explaining import Explanation, explain
from mtls_lab.net import client_context, server_context
from mtls_lab.pki.bundles import holds_a_pair, read_pair
from mtls_lab.pki.kinds import kind_of, read_bounded
from mtls_lab.pki.pem import read_certificate

__all__ = ["Place", "refuse_pipes"]

#: The tutorial's file names: certificate, key, and the CAs of the other side.
NAMES = {
    "backend": ("server.crt", "server.key", "client_ca.pem"),
    "device": ("client.crt", "client.key", "server_ca.pem"),
}

#: Certificate, key, and what asks for the key's password.
Pair = tuple[Path, Path, Callable[[], str] | None]


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one machine; None where it needs none.

    Without a `keyfile`, the `certfile` is PKCS #12 or a keystore, and holds the key as well;
    `password` opens it.

    Example:
        >>> options = argparse.Namespace(
        ...     machine="backend",
        ...     folder=Path("nowhere"),
        ...     certfile=None,
        ...     keyfile=None,
        ...     client_ca=Path("my.pem"),
        ...     plain=False,
        ...     one_sided=False,
        ... )
        >>> place = Place.of(options)
        >>> place.certfile.as_posix(), place.cafile.as_posix()
        ('nowhere/server.crt', 'my.pem')
    """

    certfile: Path | None
    keyfile: Path | None
    cafile: Path | None
    password: Password | None = field(default=None, repr=False)

    @classmethod
    def of(cls, options: argparse.Namespace) -> Place:
        """Take them from the arguments, and else by their names from the folder.

        The folder is the machine's own, or one that `certs` made with `backend/` and `device/`.

        Raises:
            LabError: there is a certificate and no key, or the other way round.
            FileProblem: one of them is a named pipe.
        """
        if options.plain:
            return cls(None, None, None)
        bundled = options.certfile and options.keyfile is None and holds_a_pair(options.certfile)
        if (options.certfile is None) != (options.keyfile is None) and not bundled:
            if options.certfile and options.certfile.exists():
                read_certificate(options.certfile)  # which says what another file is
            there, missing = (
                ("certfile", "keyfile") if options.certfile else ("keyfile", "certfile")
            )
            raise LabError(
                f"--{there} without --{missing}",
                "a certificate and its key",
                f"add --{missing} FILE; a PEM file that holds both is given twice",
            )
        folder: Path = options.folder
        names = NAMES[options.machine]
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            folder.stat()  # raises what no folder can be called, which is_dir keeps to itself
        inside = folder / options.machine
        if inside.is_dir() and not any((folder / name).exists() for name in names):
            folder = inside
        certfile = options.certfile or folder / names[0]
        keyfile = None if bundled else options.keyfile or folder / names[1]
        device = options.machine == "device"
        cafile = (options.server_ca if device else options.client_ca) or folder / names[2]
        if device and options.one_sided:
            found = cls(None, None, cafile)
        else:
            word = _word(certfile, options.password_file) if bundled else None
            found = cls(certfile, keyfile, None if options.one_sided else cafile, word)
        refuse_pipes(found.certfile, found.keyfile, found.cafile, once=True)
        return found

    @property
    def sealed(self) -> bool:
        """Whether the file holds a key that a TPM has wrapped."""
        try:
            kind = None if self.keyfile is None else kind_of(read_bounded(self.keyfile, "a key"))
        except FileProblem:
            return False
        return kind is not None and kind.name == "tss2"

    def explain(self, what: object, *, pair: bool = True, trust: bool = True) -> Explanation:
        """Explain a failure by those files that it can be about: the own pair, the trusted CAs."""
        return in_options(
            explain(
                what,
                certfile=self.certfile if pair else None,
                keyfile=self.keyfile if pair else None,
                cafile=self.cafile if trust else None,
                password=self.password,
            )
        )

    def unloadable(self, error: Exception, option: str) -> Explanation:
        """Explain why the files do not load; `option` names the CAs of the other side."""
        return not_loaded(error, self.certfile, self.keyfile, self.cafile, option)

    def backend(self, options: argparse.Namespace) -> ssl.SSLContext | None:
        """Make the backend's context; None for plain TCP. Raises what loading the files raises."""
        if self.certfile is None:
            return None
        with self._pair(self.certfile, options) as (certfile, keyfile, word):
            context = server_context(
                certfile, keyfile, client_ca=self.cafile, crl=options.crl, password=word
            )
        return _limited(context, options)

    def device(self, options: argparse.Namespace) -> ssl.SSLContext | None:
        """Make the device's context; None for plain TCP. Raises what loading the files raises.

        Where the key is in a TPM, it is left out: another process loads the pair.
        """
        if self.cafile is None:
            return None
        if self.sealed and self.certfile is not None:
            self.certfile.open("rb").close()  # it is there, which ssl would not say of which file
            return client_context(self.cafile)
        if self.certfile is None:
            return _limited(client_context(self.cafile), options)
        with self._pair(self.certfile, options) as (certfile, keyfile, word):
            context = client_context(self.cafile, certfile, keyfile, password=word)
        return _limited(context, options)

    @contextmanager
    def _pair(self, certfile: Path, options: argparse.Namespace) -> Iterator[Pair]:
        """Give certificate and key as PEM files, which is what ssl loads."""
        if self.keyfile is not None:
            yield certfile, self.keyfile, partial(_password, self.keyfile, options)
            return
        with read_pair(certfile, self.password or "").files() as pair:
            yield (*pair, None)


def refuse_pipes(*paths: Path | None, once: bool) -> None:
    """Refuse pipes in which OpenSSL would wait for ever. Raises FileProblem.

    Args:
        paths: the files; None where there is none.
        once: each is read once, so that one of a shell may stay: `<(…)` has no name, and somebody
            who writes.
    """
    for path in paths:
        if path is not None and irregular(path) == "a named pipe":
            if once and not path.resolve().exists():
                continue
            raise FileProblem(f"{path} is a pipe", "a file", "write it to a file first")


def _word(certfile: Path, file: Path | None) -> Password:
    return password_for((certfile,), [file] if file else []) or ""


def _password(keyfile: Path | None, options: argparse.Namespace) -> str:
    return password(f"Password of {keyfile}", options.password_file)


def _limited(context: ssl.SSLContext, options: argparse.Namespace) -> ssl.SSLContext:
    if options.tls13_only:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context

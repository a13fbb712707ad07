"""A context that a learner's function makes, held to being one for the right side.

Here: calling the function with files that the check has made. Not here: what the context is then
tried with (part2/, part3/).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mtls_lab.exercises.calling import Called, call
from mtls_lab.exercises.peers import shown
from mtls_lab.exercises.result import NotYet
from mtls_lab.pki import CertificateAuthority, Identity, write_certificate
from mtls_lab.wire import Failure

__all__ = ["World", "context_in_folder", "context_of_files"]


@dataclass(frozen=True)
class World:
    """A CA of the check's own, a backend's identity, and their files."""

    ca: CertificateAuthority
    backend: Identity
    folder: Path

    @classmethod
    def in_folder(cls, folder: Path) -> World:
        """Make it, and write its files into a folder."""
        ca = CertificateAuthority.create("Lab CA")
        write_certificate(folder / "server_ca.pem", ca.certificate)
        world = cls(ca, ca.issue_server(["localhost", "127.0.0.1"]), folder)
        world.backend.save(folder, "server")
        return world

    def path(self, name: str) -> str:
        """Return where a file is, as a learner's function takes it."""
        return str(self.folder / name)


_PLACES = "each file has its own place: what a side trusts, what it presents, and the key to that"
_IN_FOLDER = "the files of the exercise are in the folder, in PEM form"
#: `ssl` raises ValueError where two settings exclude each other, or one is for the other side.
_SETTINGS = "a setting fits the context's side, and what has been set before"
#: What else raises is a mistake in the Python; the first, where a constant is wanted.
_CONSTANT = "a setting of a context is a constant of ssl, and not a text"
_PATHS = 'the function gets a folder, and `folder / "name"` is the path of a file in it'
_NAMES = "the function gets file names, and returns a context"


def _rule(called: Called, files: str) -> str:
    """What to think of, after an error of a function that makes a context of files."""
    if isinstance(called.error, OSError):
        return files
    if isinstance(called.error, ValueError):
        return _SETTINGS
    if "interpreted as an integer" in str(called.error):
        return _CONSTANT
    return _PATHS if files is _IN_FOLDER else _NAMES


def _spelled(context: ssl.SSLContext) -> None:
    """Look for a setting that is nearly one: Python keeps it, and ssl never reads it."""
    settings = dir(ssl.SSLContext)
    for name in vars(context).keys() - settings:
        for meant in get_close_matches(name, settings, 1, 0.8):
            found = f"your context has {name}, which is not a setting: {meant} is"
            raise NotYet(found, "Python takes any name for an attribute: compare how it is spelled")


#: By the side that a context is for: the protocol of the other one.
_OTHER = {"client": ssl.PROTOCOL_TLS_SERVER, "server": ssl.PROTOCOL_TLS_CLIENT}


def context_of_files(make: Callable[..., Any], *files: str, side: str) -> ssl.SSLContext:
    """Let the learner make a context of files, for "client" or "server"."""
    called = call(make, *files)
    other = NotYet(
        f"{called.name} returned a context for the"
        f" {'device' if side == 'server' else 'backend'}'s side",
        "a context is made for one side of the connection",
    )
    return _context(called, _rule(called, _PLACES), side, other)


def context_in_folder(function: Callable[..., Any], folder: Path, side: str) -> ssl.SSLContext:
    """Let the learner make a context of the files in a folder, for "client" or "server"."""
    called = call(function, folder)
    if isinstance(called.error, ssl.SSLError):
        raise NotYet(  # without OpenSSL's words, which differ
            f"{called.name} raised {Failure.of(called.error)} (line {called.line} of its cell)",
            "a certificate is loaded together with its own key, and a CA file holds certificates",
        )
    other = NotYet(
        f"this is not a context for a {side}",
        "the side that connects is the client, the side that accepts is the server",
    )
    return _context(called, _rule(called, _IN_FOLDER), side, other)


def _context(called: Called, rule: str, side: str, other: NotYet) -> ssl.SSLContext:
    """Hold what was returned to a context for this side; `other` is raised for one of the other."""
    context = called.returned(rule)
    if not isinstance(context, ssl.SSLContext):
        raise NotYet(f"{called.name} returned {shown(context)}", "it returns an ssl.SSLContext")
    if context.protocol == _OTHER[side]:
        raise other
    _spelled(context)
    return context

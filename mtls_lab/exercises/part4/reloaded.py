"""Exercise of Part 4: new trust and a new list for a backend that runs, whatever the files hold.

Here: the check, with good files and broken ones. Not here: who calls (devices.py in the folder
above).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mtls_lab.common import scratch_folder, write_file
from mtls_lab.exercises.calling import call
from mtls_lab.exercises.devices import REVOKED, Factory
from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.peers import SECRET, server_context, shown, strict_device
from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.net import Backend, ask
from mtls_lab.pki import CertificateAuthority, pem

__all__ = ["reloaded"]


@exercise("a function reloaded(current, folder)")
def reloaded(function: Callable[..., Any]) -> Iterator[str]:
    """Replace a context by that of new files, and by nothing worse."""
    factory = Factory.make()
    with scratch_folder() as folder:
        factory.lay_out(folder)
        current = _reload(function, _before(factory), folder)
        factory.serves_its_device(current)
        yield "with good files, the device is served"
        _only_the_new_ca(function, factory, folder)
        yield "a CA that is no longer in the files is no longer trusted"
        _sessions(function, factory, folder)
        yield "a session from before the reload lets no revoked device in"
        for what, damage in _DAMAGES.items():
            factory.lay_out(folder)
            damage(folder)
            _survives(function, factory, current, folder, what)
            yield f"{what}: the backend goes on with what it had"


def _before(factory: Factory) -> ssl.SSLContext:
    """What the backend had: the right CA, without a list."""
    own = factory.servers.issue_server(["localhost"])
    context = server_context(own, client_ca=factory.devices.certificate)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _reload(
    function: Callable[..., Any], current: ssl.SSLContext, folder: Path, when: str = ""
) -> ssl.SSLContext:
    called = call(function, current, folder)
    if called.error is not None:
        where = f" (line {called.line} of its cell)" if called.line else ""
        found = f"{when}{called.name} raised {type(called.error).__name__}{where}"
        raise NotYet(found, "a reload ends with a context that serves, whatever the files hold")
    if not isinstance(called.value, ssl.SSLContext):
        found = f"{when}{called.name} returned {shown(called.value)}"
        raise NotYet(found, "it returns an ssl.SSLContext: the new one, or the current one")
    return called.value


def _only_the_new_ca(function: Callable[..., Any], factory: Factory, folder: Path) -> None:
    """Let the files hold another CA than the current context. Raises Unsafe."""
    successor = factory.root.intermediate("Device CA 2")
    factory.lay_out(folder, successor)
    context = _reload(function, _before(factory), folder)
    if not factory.visit(context, successor.issue_client("device-01")).ok:
        raise NotYet(
            "the files hold a new Device CA, and its device is refused",
            "the files say whom to trust from now on",
        )
    if factory.visit(context, factory.devices.issue_client("device-01")).ok:
        raise Unsafe(
            f"whoever has the key of the old Device CA, which was dropped, got {SECRET!r}",
            "trust what the files name, and no more: nothing takes a CA out of a context again",
        )
    factory.lay_out(folder)


def _sessions(function: Callable[..., Any], factory: Factory, folder: Path) -> None:
    """Let a device keep a session, then revoke and reload. Raises Unsafe."""
    running = [_before(factory)]
    device = strict_device(factory.servers.certificate, factory.lost)
    with Backend(lambda: running[0], secret=SECRET) as backend:
        own = ask("GET_SECRET", backend, context=device)
        running[0] = _reload(function, running[0], folder)
        back = ask("GET_SECRET", backend, context=device)
        if back.ok:
            raise Unsafe(
                f"{REVOKED} got {SECRET!r}, after the list was reloaded",
                "a list stops nobody unless it is loaded and checked",
            )
        if own.session and ask("GET_SECRET", backend, context=device, session=own.session).ok:
            raise Unsafe(
                f"{REVOKED} got {SECRET!r}, with a session from before the reload",
                "a context keeps its sessions, and a new one has none",
            )


def _survives(
    function: Callable[..., Any],
    factory: Factory,
    current: ssl.SSLContext,
    folder: Path,
    what: str,
) -> None:
    """Reload from broken files. Raises NotYet or Unsafe."""
    context = _reload(function, current, folder, f"{what}: ")
    if factory.visit(context, factory.lost).ok:
        raise Unsafe(
            f"{what}: {REVOKED} got {SECRET!r}",
            "a reload that fails changes nothing: no part of it, either",
        )
    if not factory.visit(context, factory.devices.issue_client("device-01")).ok:
        raise NotYet(
            f"{what}: every device is refused",
            "a reload that fails changes nothing",
        )


def _torn(folder: Path) -> None:
    path = folder / "device_ca.crl"
    write_file(path, path.read_bytes()[:200], mode=0o644)


def _other_key(folder: Path) -> None:
    other = CertificateAuthority.create("Server CA").issue_server(["localhost"])
    pem.write_key(folder / "server.key", other.key)


#: What a file may be when it is read half way through its delivery, or was forgotten.
_DAMAGES: dict[str, Callable[[Path], object]] = {
    "a torn list": _torn,
    "a missing list": lambda folder: (folder / "device_ca.crl").unlink(),
    "an empty CA file": lambda folder: write_file(folder / "device_ca.pem", b"", mode=0o644),
    "a key of another certificate": _other_key,
}

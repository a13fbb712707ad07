"""A Parsons problem: the lines of a context for mutual TLS, and what their order really does.

Here: data/parsons.toml as values, running the lines as they were put together, and who is served.
Not here: putting them together (panels/parsons.py), and what an error means (explaining/).
"""

from __future__ import annotations

import ssl
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mtls_lab.common import read_facts, scratch_folder
from mtls_lab.experiments.credentials import CredentialStore
from mtls_lab.experiments.meeting import meet
from mtls_lab.net import client_context
from mtls_lab.pki import CertificateAuthority, pem, public_ca
from mtls_lab.wire import Exchange

__all__ = ["FOOT", "HEAD", "Assembled", "Caller", "assemble", "callers", "lines"]

#: What stands around the lines.
HEAD = "def backend_context(certfile, keyfile, client_ca):"
FOOT = "return context"
_FILE = "<your lines>"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who calls the backend; data/parsons.toml says what each attribute means."""

    title: str
    served: bool
    wrong: str = ""


@cache
def _facts() -> dict[str, dict[str, dict[str, Any]]]:
    return read_facts("parsons")


def lines() -> dict[str, str]:
    """Return the lines by name, in the order in which they are offered."""
    return {name: fact["code"] for name, fact in _facts()["lines"].items()}


def callers() -> dict[str, Caller]:
    """Return all who call, by name; the first should be served.

    Example:
        >>> [name for name, caller in callers().items() if caller.served]
        ['valid']
    """
    return {name: Caller(**fact) for name, fact in _facts()["callers"].items()}


@dataclass(frozen=True)
class Assembled:
    """Lines that were put together and run.

    Attributes:
        calls: what both sides saw, for each caller by name. If there is no backend because the
            lines raised an error, only the first one called.
        raised_at: the line that raised it, or an empty text.
    """

    calls: Mapping[str, Exchange]
    raised_at: str = ""

    @property
    def starts(self) -> bool:
        """Whether the lines made a context."""
        return len(self.calls) == len(callers())

    @property
    def works(self) -> bool:
        """Whether everybody is served who should be."""
        return all(self.calls[name].ok for name, each in callers().items() if each.served)

    @property
    def wrong(self) -> list[Caller]:
        """Those who should have fared otherwise."""
        known = callers()
        return [known[name] for name, each in self.calls.items() if each.ok != known[name].served]

    @property
    def verdict(self) -> str:
        """What came of it, in a sentence."""
        if not self.starts:
            return "The backend does not start."
        if not self.works:
            return "Not yet: the device that should be served is not."
        if self.wrong:
            return "It works, and it is unsafe: others are served too."
        return "The device is served, and nobody else."

    def __str__(self) -> str:
        told = [f"{callers()[name].title}\n{exchange}" for name, exchange in self.calls.items()]
        return "\n".join([self.verdict, *told])


def source(names: Sequence[str]) -> str:
    """Return the function that these lines make.

    Example:
        >>> print(source(["require"]))
        def backend_context(certfile, keyfile, client_ca):
            context.verify_mode = ssl.CERT_REQUIRED
            return context
    """
    return "\n    ".join([HEAD, *(lines()[name] for name in names), FOOT])


def assemble(names: Sequence[str]) -> Assembled:
    """Put lines together, start a backend with what they make, and let everybody call.

    Any order that works is right: nothing here compares lines.

    Args:
        names: of the lines, in order.

    Raises:
        KeyError: there is no line of this name.

    Example:
        >>> assemble(["make", "present", "optional", "trust"]).verdict
        'It works, and it is unsafe: others are served too.'
    """
    code, raised = source(names), []

    with _world() as (files, devices):

        def backend() -> ssl.SSLContext:
            written: dict[str, Any] = {"ssl": ssl}
            try:
                lines = compile(code, _FILE, "exec")
                exec(lines, written)  # noqa: S102 - lines of the data file  # nosec B102
                context: ssl.SSLContext = written["backend_context"](*files)
            except Exception as error:
                raised.append(_line(error, code))
                raise
            return context

        calls = {}
        for name, device in devices.items():
            calls[name] = meet(device, backend)
            if raised:
                break
    return Assembled(calls, *raised[:1])


def _line(error: Exception, code: str) -> str:
    """The line of the learner's at which an error came up."""
    walked = traceback.walk_tb(error.__traceback__)
    own = [line for frame, line in walked if frame.f_code.co_filename == _FILE]
    return code.splitlines()[(own[-1] or 1) - 1].strip() if own else ""


@contextmanager
def _world() -> Iterator[tuple[tuple[Path, Path, Path], dict[str, Any]]]:
    """Make the backend's three files and a device's context for each caller."""
    servers, devices = (CertificateAuthority.create(f"{side} CA") for side in ("Server", "Device"))
    with scratch_folder() as folder, public_ca(folder) as public:
        files = servers.issue_server(["localhost"]).save(folder, "server")
        server_ca, client_ca = folder / "server_ca.pem", folder / "client_ca.pem"
        pem.write_certificate(server_ca, servers.certificate)
        pem.write_certificate(client_ca, devices.certificate)
        store = CredentialStore(devices, folder / "credentials")
        presented = {name: store.files(name) for name in ("valid", "none", "untrusted")}
        presented["public"] = public.issue_client("trusted-client").save(folder, "public")
        contexts = {
            name: lambda each=presented[name]: client_context(server_ca, *each)
            for name in callers()
        }
        yield (*files, client_ca), contexts

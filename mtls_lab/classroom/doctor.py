"""The pre-flight: is this machine ready for the lab? Each check really does what the lab will do.

Here: the checks, each with its cure. Not here: the command line (cli.py).
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from mtls_lab import terminal
from mtls_lab.attacks import lab_protections
from mtls_lab.errors import LabError
from mtls_lab.net import Backend, ask

__all__ = ["Finding", "Level", "examine"]

OLDEST_PYTHON = (3, 11)
#: TLS 1.3 needs 1.1.1; the outcomes in the notebooks were measured with 3.0.
OLDEST_OPENSSL = (3, 0)
#: The lab writes a few dozen small files; a full disk is the point.
PROBE = 64 * 1024


class Level(Enum):
    """How a check ended: fine, works with a limit, or the lab does not work."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check.

    Attributes:
        name: what was checked.
        level: how it ended.
        found: what was found.
        cure: what to do about it; empty if nothing needs doing.
    """

    name: str
    level: Level
    found: str
    cure: str = ""

    def __str__(self) -> str:
        sign = {Level.OK: "✓", Level.WARNING: "!", Level.FAILURE: "✗"}[self.level]
        cure = f"\n{'':<22}-> {self.cure}" if self.cure else ""
        return f"{sign} {self.level.value:<8} {self.name:<11} {self.found}{cure}"


def examine(folder: str | os.PathLike[str] = "lab") -> Iterator[Finding]:
    """Run every check and yield what it found, in the order in which a lab would need them.

    Args:
        folder: where the learner's folder is, or will be.

    Example:
        >>> [finding.name for finding in examine()][:3]
        ['Python', 'OpenSSL', 'loopback']
    """
    checks: list[tuple[str, Callable[[], Finding]]] = [
        ("Python", _python),
        ("OpenSSL", _openssl_library),
        ("loopback", _loopback),
        ("TLS", _tls),
        ("folder", lambda: _folder(Path(folder))),
        ("JupyterLab", _jupyterlab),
        ("widgets", _widgets),
        ("openssl", _openssl_program),
    ]
    for name, check in checks:
        try:
            yield check()
        except (LabError, OSError, ssl.SSLError, subprocess.SubprocessError) as error:
            found = (
                error.found if isinstance(error, LabError) else f"{type(error).__name__}: {error}"
            )
            cure = error.todo if isinstance(error, LabError) else "make this work, then try again"
            yield Finding(name, Level.FAILURE, found, cure)


def _python() -> Finding:
    found = f"{platform.python_implementation()} {platform.python_version()}"
    if sys.version_info >= OLDEST_PYTHON:
        return Finding("Python", Level.OK, found)
    return Finding("Python", Level.FAILURE, found, "install Python 3.11 or newer")


def _openssl_library() -> Finding:
    found = ssl.OPENSSL_VERSION
    if ssl.OPENSSL_VERSION_INFO[:2] >= OLDEST_OPENSSL and ssl.HAS_TLSv1_3:
        return Finding("OpenSSL", Level.OK, found)
    cure = "some error texts will differ from the notebooks; a newer Python brings a newer OpenSSL"
    return Finding("OpenSSL", Level.WARNING, found, cure)


def _loopback() -> Finding:
    with Backend() as backend:
        exchange = ask("PING", backend)
    if exchange.ok:
        return Finding("loopback", Level.OK, "a server and a client on 127.0.0.1 talk")
    found = str(exchange.device.failure or exchange.reply)
    cure = "a firewall or a security program stands between: allow connections on 127.0.0.1"
    return Finding("loopback", Level.FAILURE, found, cure)


def _tls() -> Finding:
    with tempfile.TemporaryDirectory() as folder:
        mutual = lab_protections(folder)[-1]
        with mutual.backend() as backend:
            exchange = ask("GET_SECRET", backend, context=mutual.client_context)
    if exchange.ok:
        return Finding(
            "TLS", Level.OK, f"mutual {exchange.device.version} with certificates made here"
        )
    cure = "an OPENSSL_CONF of your own may forbid what the lab needs: unset it"
    return Finding("TLS", Level.FAILURE, str(exchange.device.failure), cure)


def _folder(folder: Path) -> Finding:
    nearest = next(
        path for path in (folder.absolute(), *folder.absolute().parents) if path.exists()
    )
    try:
        with tempfile.TemporaryFile(dir=nearest) as probe:
            probe.write(bytes(PROBE))
    except OSError as error:
        cure = "choose another folder: mtls-lab start FOLDER"
        return Finding("folder", Level.FAILURE, f"{folder}: {error.strerror or error}", cure)
    return Finding("folder", Level.OK, f"{folder} can be written")


def _jupyterlab() -> Finding:
    return _package("JupyterLab", "jupyterlab", "install the project: pip install .")


def _widgets() -> Finding:
    cure = "the notebooks run, but without panels: pip install ipywidgets"
    finding = _package("widgets", "ipywidgets", cure)
    if finding.level is Level.OK and importlib.util.find_spec("jupyterlab_widgets") is None:
        return Finding("widgets", Level.FAILURE, "no jupyterlab_widgets", cure)
    return finding


def _package(name: str, package: str, cure: str) -> Finding:
    if importlib.util.find_spec(package) is None:
        return Finding(name, Level.FAILURE, f"no {package} in this Python", cure)
    return Finding(name, Level.OK, f"{package} {importlib.metadata.version(package)}")


def _openssl_program() -> Finding:
    if not terminal.available():
        cure = "optional: the second opinion in Parts 2 and 3; apt or brew or conda install openssl"
        return Finding("openssl", Level.WARNING, "no openssl program", cure)
    version = (
        subprocess.run(
            ["openssl", "version"],
            capture_output=True,
            text=True,
            timeout=terminal.TIMEOUT,
            check=True,
        )
        .stdout.split("(")[0]
        .strip()
    )
    if version.startswith("OpenSSL") and version.split()[1] >= "3":
        return Finding("openssl", Level.OK, version)
    cure = "optional: the commands in Parts 2 and 3 are for OpenSSL 3.0 or newer"
    return Finding("openssl", Level.WARNING, version, cure)

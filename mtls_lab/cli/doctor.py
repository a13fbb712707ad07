"""The pre-flight: is this machine ready for the lab? Each check really does what the lab will do.

Here: the checks of the machine, their order, and the report for a teacher. Not here: what is
installed (installed.py), arguments (parser.py). Runs in a Python that lacks every package.
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import platform
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from mtls_lab import panels
from mtls_lab.cli import installed
from mtls_lab.cli.home import must_have_room, probe
from mtls_lab.cli.installed import Finding, Level, version
from mtls_lab.common import LabError, PathLike, json_text, package_path, scratch_folder, typed
from mtls_lab.net import Backend, ask
from mtls_lab.wire import Exchange

__all__ = ["Finding", "Level", "examine", "ready", "report", "run"]

#: Since then an unexpected end over TLS is an error (https://github.com/python/cpython/issues/95494).
TELLS_A_CUT = (3, 11, 4)
#: The day of cryptography 44.0.0, the oldest that the lab takes: no clock of today is before it.
NOT_BEFORE = datetime(2024, 11, 27, tzinfo=UTC)
#: A dual boot with local time, or a file system without time zones, is up to a day off.
SLACK = timedelta(days=1)
#: How long after the newest file of the lab somebody may still begin.
NOT_LATER = timedelta(days=3653)
#: What tells that no packet can reach 127.0.0.1, as a container without a network has it.
NO_LOOPBACK = ("ENETUNREACH", "EADDRNOTAVAIL", "unreachable", "assign requested address")
#: What notebooks 4 and 4d need, and the functions of equipment.py that look for it.
EQUIPMENT = (("swtpm", "software_tpm"), ("tpm2-openssl", "provider"), ("tpm2-tools", "tools"))
MUTUAL = "import sys; from mtls_lab.cli import doctor; sys.exit(not doctor._mutual_tls().ok)"


def run(options: argparse.Namespace) -> int:
    """Check this machine and print what was found; return 0, or 2 if it is not ready."""
    findings = []
    for finding in examine(options.folder):
        findings.append(finding)
        if not options.json:
            print(finding, flush=True)  # a check may take seconds
    if options.json:
        print(json_text(report(findings), indent=1))
    return 0 if ready(findings) else 2


def examine(folder: PathLike = "lab") -> Iterator[Finding]:
    """Run every check and yield what it found, in the order in which a lab would need them.

    Args:
        folder: where the learner's folder is, or will be.

    Example:
        >>> from itertools import islice
        >>> [finding.name for finding in islice(examine(), 3)]
        ['Python', 'OpenSSL', 'cryptography']
    """
    failed: set[str] = set()
    for name, check, needed in _checks(Path(folder)):
        if missing := failed.intersection(needed):
            why = f"not tried: it needs {' and '.join(sorted(missing))}"
            level = Level.NOTE if name in dict(EQUIPMENT) else Level.FAILURE
            finding = Finding(name, level, why)
        else:
            finding = _careful(name, check)
        if finding.level is Level.FAILURE:
            failed.add(name)
        yield finding


def _checks(folder: Path) -> list[tuple[str, Callable[[], Finding], tuple[str, ...]]]:
    """Each check with its name and with those that it needs."""
    package = installed.package
    return [
        ("Python", _python, ()),
        ("OpenSSL", _openssl_library, ()),
        ("cryptography", lambda: package("cryptography", "mtls_lab.pki", folder=folder), ()),
        ("loopback", _loopback, ()),
        ("TLS", _tls, ("cryptography", "loopback")),
        ("clock", lambda: _clock(folder), ()),
        ("folder", lambda: _folder(folder), ()),
        ("jupyterlab", lambda: package("jupyterlab", "mtls_lab.cli.jupyter"), ()),
        ("home", _home, ("jupyterlab",)),
        ("kernel", installed.kernel, ("jupyterlab",)),
        ("ipywidgets", lambda: _widgets(folder), ("cryptography",)),
        ("openssl", installed.openssl_program, ()),
        *((name, partial(_equipment, check), ("cryptography",)) for name, check in EQUIPMENT),
    ]


def _equipment(check: str) -> Finding:
    # Only here: without cryptography, everything else can still be told.
    finding: Finding = getattr(importlib.import_module("mtls_lab.cli.equipment"), check)()
    return finding


def _careful(name: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except LabError as error:
        return Finding(name, Level.FAILURE, error.found, error.todo)
    except (OSError, ssl.SSLError, subprocess.SubprocessError) as error:
        found = f"{type(error).__name__}: {error}"
        return Finding(name, Level.FAILURE, found, "make this work, then try again")


def ready(findings: Iterable[Finding]) -> bool:
    """Whether the lab works: there may be warnings, but no failure."""
    return all(finding.level is not Level.FAILURE for finding in findings)


def report(findings: Iterable[Finding]) -> dict[str, Any]:
    """Return what a teacher compares between machines, ready for JSON: findings and versions.

    Example:
        >>> sorted(report([]))
        ['findings', 'platform', 'ready', 'versions']
    """
    findings = list(findings)
    packages = ("mtls-lab", "cryptography", "jupyterlab", "ipywidgets", "anywidget", "ipykernel")
    return {
        "ready": ready(findings),
        "findings": [asdict(each) | {"level": each.level.value} for each in findings],
        "versions": {
            "Python": platform.python_version(),
            "OpenSSL": ssl.OPENSSL_VERSION,
            **{name: version(name) or None for name in packages},
        },
        "platform": platform.platform(),
    }


# --- The checks ------------------------------------------------------------------------------


def _python() -> Finding:
    found = f"{platform.python_implementation()} {platform.python_version()}"
    if sys.version_info < TELLS_A_CUT:
        cure = (
            "before 3.11.4, a TLS connection that was cut looks as if it had ended (cpython "
            "gh-95494). The lab sees the difference; your own code in exercise 4 of Part 2 does "
            "not: a newer Python is better"
        )
        return Finding("Python", Level.WARNING, found, cure)
    return Finding("Python", Level.OK, found)


def _openssl_library() -> Finding:
    found = ssl.OPENSSL_VERSION
    genuine = found.startswith("OpenSSL ")
    if genuine and ssl.OPENSSL_VERSION_INFO[:2] >= installed.OLDEST_OPENSSL and ssl.HAS_TLSv1_3:
        return Finding("OpenSSL", Level.OK, found)
    cure = "some error texts will differ from the notebooks; a newer Python brings a newer OpenSSL"
    return Finding("OpenSSL", Level.WARNING, found, cure)


def _loopback() -> Finding:
    with Backend() as backend:
        exchange = ask("PING", backend)
    if exchange.ok:
        return Finding("loopback", Level.OK, "a server and a client on 127.0.0.1 talk")
    found = str(exchange.device.failure or exchange.reply)
    if any(sign in found for sign in NO_LOOPBACK):
        cure = "the loopback interface is down: switch it on (on Linux, as root: ip link set lo up)"
    else:
        cure = "a firewall or a security program stands between: allow connections on 127.0.0.1"
    return Finding("loopback", Level.FAILURE, found, cure)


def _mutual_tls() -> Exchange:
    # Only here: without cryptography, everything else can still be told.
    table = importlib.import_module("mtls_lab.attacks")
    with scratch_folder() as folder:
        mutual = next(p for p in table.lab_protections(folder) if p.name == "Mutual TLS")
        with mutual.backend() as backend:
            return ask("GET_SECRET", backend, context=mutual.client_context)


def _tls() -> Finding:
    try:
        exchange = _mutual_tls()
    except ssl.SSLError as error:  # a context could not be made
        found = f"{type(error).__name__}: {error}"
    else:
        if exchange.ok:
            made = f"mutual {exchange.device.version} with certificates made here"
            return Finding("TLS", Level.OK, made)
        found = str(exchange.device.failure)
    return Finding("TLS", Level.FAILURE, found, _what_forbids_tls())


def _what_forbids_tls() -> str:
    """Try again with OpenSSL's own defaults, and so find out who is to blame."""
    given = os.environ.get("OPENSSL_CONF")
    alone = subprocess.run(
        [sys.executable, "-P", "-c", MUTUAL],
        env=os.environ | {"OPENSSL_CONF": os.devnull, "PYTHONPATH": package_path()},
        capture_output=True,
        timeout=installed.LOADING,
        check=False,
    )
    if alone.returncode:
        return "this Python's ssl module does not do what the lab needs: install another Python"
    if given:
        return f"{given} forbids it, which OPENSSL_CONF names: unset OPENSSL_CONF"
    where = Path(ssl.get_default_verify_paths().openssl_cafile).with_name("openssl.cnf")
    return f"{where} forbids it. Without it: OPENSSL_CONF={os.devnull} {typed('start')}"


def _clock(folder: Path) -> Finding:
    """Compare the clock with the newest file of the lab and of the learner: it came before now."""
    now = time.time()
    files = [*Path(__file__).parents[1].rglob("*.py"), *folder.glob("*")]
    newest = max(NOT_BEFORE.timestamp(), *map(_changed, files))
    found = f"{_day(now)} UTC"
    if now < newest - SLACK.total_seconds():
        found += f", and the lab has files of {_day(newest)}"
    elif now > newest + NOT_LATER.total_seconds():
        found += f", and the newest file of the lab is of {_day(newest)}"
    else:
        return Finding("clock", Level.OK, found)
    cure = "set the clock: the certificates that the lab makes are valid by it, and by it alone"
    return Finding("clock", Level.WARNING, found, cure)


def _changed(path: Path) -> float:
    """When a file was written; never, for a link that leads nowhere, such as a lock of Emacs."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def _folder(folder: Path) -> Finding:
    try:
        probe(folder)
    except OSError as error:
        cure = f"choose another folder: {typed('start FOLDER')}"
        return Finding("folder", Level.FAILURE, f"{folder}: {error.strerror or error}", cure)
    return Finding("folder", Level.OK, f"{folder} can be written")


def _home() -> Finding:
    must_have_room()
    return Finding("home", Level.OK, "JupyterLab's own files can be written")


def _widgets(folder: Path) -> Finding:
    """The notebooks import the panels at their top: without them, they do not run."""
    package = installed.package
    every = (f"mtls_lab.panels.{each.name}" for each in pkgutil.iter_modules(panels.__path__))
    finding = package("ipywidgets", "ipywidgets.widgets", *every, folder=folder)
    if finding.level is Level.OK:
        shown = package("jupyterlab_widgets", "jupyterlab_widgets")
        return finding if shown.level is Level.OK else shown
    if package("ipywidgets", "ipywidgets.widgets", folder=folder).level is Level.OK:
        below = package("anywidget", "anywidget", folder=folder)
        return finding if below.level is Level.OK else below
    return finding

"""What holds for every test: no skip under CI, the same examples each time, and the last lines:
what was left out, and where the rest ran.

Fixtures of one kind of test live in that folder's own conftest.py; a learner's folder is here.
"""

import gc
import getpass
import os
import platform
import signal
import ssl
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from _pytest.doctest import DoctestModule
from hypothesis import given, settings
from hypothesis.strategies import none

from mtls_lab.common import ToolMissing
from mtls_lab.learner.folder import MARKER
from tests import sharing

# A shell's background is deaf to Ctrl-C, and what it starts inherits that: the programs that the
# tests start hear it everywhere.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Nearly everything that is loaded and collected stays: nobody looks for garbage until that is done
# (pytest_collection_finish).
gc.disable()

# The same examples on every run and every machine; no deadline, for a busy machine is no bug.
settings.register_profile("lab", derandomize=True, deadline=None)
settings.load_profile("lab")


@given(none())
def prepare_hypothesis(_: None) -> None:
    """Let it register its random numbers, before whoever holds them is frozen and not found."""


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path,
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Only a file with an example is searched for examples."""
    found = yield
    shown = ">>>" in file_path.read_text("utf-8") if found else False
    return [each for each in found if shown or not isinstance(each, DoctestModule)]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first: at the end, no process waits for another."""
    items.sort(key=lambda item: sharing.rank(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> sharing.Pieces:
    return sharing.Pieces(config, log)


def pytest_collection_finish() -> None:
    """What was loaded and collected stays: who looks for garbage need not look there each time."""
    prepare_hypothesis()
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A learner's folder, which is the current one."""
    (tmp_path / MARKER).write_text("{}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def whatever_is_missing() -> Iterator[None]:
    """A program that this machine lacks is named, and the test that needs it is skipped."""
    try:
        yield
    except ToolMissing as error:
        pytest.skip(f"{error.found}: {error.todo}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Iterator[None]:
    with whatever_is_missing():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    with whatever_is_missing():
        return (yield)


def not_run(config: pytest.Config) -> list[str]:
    """What was skipped or expected to fail, each as one line with its reason."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    assert reporter is not None
    reports = [*reporter.stats.get("skipped", []), *reporter.stats.get("xfailed", [])]
    return [f"{report.nodeid}: {report.longreprtext}" for report in reports]


def this_machine() -> str:
    """The system, its Python and OpenSSL, and the user, in one line that the matrix reads."""
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        system = platform.platform(terse=True)
    versions = f"Python {platform.python_version()}, {ssl.OPENSSL_VERSION.rsplit(maxsplit=3)[0]}"
    return f"{system}: {versions}, as {getpass.getuser()}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """With CI=true a test that did not run is a failure of the run, not of one of its workers."""
    whole = not hasattr(session.config, "workerinput")
    strict = os.environ.get("CI") == "true"
    if whole and strict and not_run(session.config) and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    yield


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if os.environ.get("CI") == "true" and (lines := not_run(config)):
        terminalreporter.section("FAILED: under CI=true nothing may be skipped")
        for line in lines:
            terminalreporter.line(line)
    terminalreporter.line(f"ran on {this_machine()}")

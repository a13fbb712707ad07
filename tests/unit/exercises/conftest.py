"""How a test holds a verdict to its file, and hurries a function that waits for ever."""

import shutil
from collections.abc import Callable
from contextlib import chdir
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from mtls_lab.exercises import Outcome, Result, call
from mtls_lab.exercises.calling import LIMIT
from mtls_lab.learner import enter
from mtls_lab.learner.folder import MARKER
from mtls_lab.pki import CertificateAuthority, pem
from tests.unit.exercises.verdicts import NEW, Hold, read, words

Function = Callable[..., Any]
#: A function, and how many of its calls end before the one that does not.
Hurry = Callable[[Function, int], Function]


@pytest.fixture(scope="session")
def entered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A learner's folder as the first cell of 3b leaves it. Take a copy."""
    folder = tmp_path_factory.mktemp("3b")
    (folder / MARKER).write_text("{}")
    with chdir(folder):
        enter(4)
        ca = CertificateAuthority.load("ca/ca.crt", "ca/ca.key")
        lost = ca.issue_client("trusted-client")
        lost.save("device", "lost")
        ca.revoke(lost.certificate)
        pem.write_crl("backend/client_ca.crl", ca.crl())
    return folder


@pytest.fixture
def folder(folder: Path, entered: Path) -> Path:
    """The same for this test alone, which is the current one."""
    return Path(shutil.copytree(entered, folder, dirs_exist_ok=True))


@pytest.fixture
def hold(request: pytest.FixtureRequest) -> Hold:
    """How a test holds a verdict. The attempt has the name of the parameter, or of the test."""
    test = request.node.originalname.removeprefix("test_")

    def hold(result: Result, outcome: Outcome) -> None:
        own = hasattr(request.node, "callspec") and test.startswith(result.exercise)
        name = request.node.callspec.id if own else test
        assert result.outcome is outcome, result
        assert bool(result.found) == bool(result.rule)
        assert result.rule not in result.seen
        new = request.config.stash.get(NEW, None)
        if new is None:
            assert words(result) == read(result.exercise).get(name), "`make verdicts` writes it"
        else:
            attempts = new.setdefault(result.exercise, {})
            assert name not in attempts, "another attempt has this name"
            attempts[name] = words(result)

    return hold


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> Hurry:
    """Let the check stop a function soon, from the call on in which it waits for ever.

    The calls before have the time that a learner's have: a busy machine needs it.
    """

    def soon() -> None:
        monkeypatch.setitem(call.__kwdefaults__ or {}, "limit", LIMIT / 5)

    def hurried(function: Function, calls: int) -> Function:
        if not calls:
            soon()
            return function

        @wraps(function)
        def counted(*arguments: object) -> object:
            nonlocal calls
            try:
                return function(*arguments)
            finally:
                calls -= 1
                if not calls:
                    soon()

        return counted

    return hurried

"""The same lab and the same rule as in tests/unit, for tests against programs that are not ours."""

import os

import pytest

from tests.interop.peers.programs import missing, with_servers
from tests.unit.conftest import lab, nothing_left, version

__all__ = ["installed", "lab", "nothing_left", "version"]


@pytest.fixture(scope="module")
def installed() -> None:
    """Every server is there; a machine that has not all of them is told which, but in CI."""
    with_servers()
    if missing() and not os.environ.get("CI"):
        pytest.skip(f"not installed: {', '.join(missing())} (the packages are in .ci/run)")

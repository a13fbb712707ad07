"""The lab's certificates, made once, and the rule that no test leaves anything behind.

Values and helpers live in lab.py.
"""

import ssl
from collections.abc import Iterator

import pytest

from tests.unit.lab import VERSIONS, Lab, leftovers, spelled


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab.create(tmp_path_factory.mktemp("lab"))


@pytest.fixture(params=VERSIONS, ids=spelled)
def version(request: pytest.FixtureRequest) -> ssl.TLSVersion:
    """TLS 1.3 and 1.2, for every test that asks for it."""
    assert isinstance(request.param, ssl.TLSVersion)
    return request.param


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No test leaves a thread, a backend or an open file behind."""
    before = leftovers()
    yield
    assert leftovers() <= before

"""The rule that no panel leaves anything behind."""

from collections.abc import Iterator

import pytest

from tests.unit.lab import leftovers


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No test leaves a thread, a backend or an open file behind."""
    before = leftovers()
    yield
    assert leftovers() == before

"""The rule that no panel leaves anything behind: the one of tests/unit."""

from tests.unit.conftest import nothing_left

__all__ = ["nothing_left"]

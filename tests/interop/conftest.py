"""The same lab and the same rule as in tests/unit, for tests against programs that are not ours."""

from tests.unit.conftest import lab, nothing_left, version

__all__ = ["lab", "nothing_left", "version"]

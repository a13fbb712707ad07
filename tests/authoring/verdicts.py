"""`make verdicts`: writes down what the checks of the exercises say to each attempt of the tests.

The tests run as ever, and an outcome that is not the expected one fails. Only the words are new.
"""

import sys

import pytest

from tests.unit.exercises import verdicts


class Collecting:
    """A plugin that lets the tests collect the words instead of comparing them."""

    def __init__(self) -> None:
        self.met: dict[str, dict[str, str]] = {}

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[verdicts.NEW] = self.met


def main() -> int:
    """Rewrites the files of all exercises; none, if a test fails."""
    collecting = Collecting()
    # The files of a new exercise are still owed, so what asks for them does not run.
    tests = map(str, sorted(verdicts.FOLDER.parent.glob("test_part*.py")))
    code = pytest.main(["-q", *tests], plugins=[collecting])
    if not code:
        for old in verdicts.FOLDER.glob("*.txt"):
            old.unlink()
        for exercise, attempts in collecting.met.items():
            verdicts.write(exercise, attempts)
    return int(code)


if __name__ == "__main__":
    sys.exit(main())

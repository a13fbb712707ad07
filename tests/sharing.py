"""How several processes share the tests: what shares a fixture stays together, the longest first.

Here: which tests go to one process as one piece, and in which order. Not here: how many processes
there are (the Makefile), and what the tests share (each folder's conftest.py).
"""

import os

import pytest
from xdist.scheduler import LoadScopeScheduling

#: Tests that wait most of the time, for time-outs and for programs that start. They are one piece:
#: one process waits, and the others have the cores meanwhile. At the end, all of them would wait.
WAITING = (
    "tests/interop/test_diagnose.py",
    "tests/unit/diagnosing/",
    "tests/unit/cli/test_tpm.py",
    "tests/unit/exercises/test_part1.py",
)
#: The longest pieces first, so that none of them is left for the end: files and folders.
LONGEST = [
    "tests/browser/",
    *WAITING,
    "tests/notebooks/test_outputs.py",
    "tests/notebooks/",
    "tests/repository/test_readme.py",
    "tests/repository/",
    "tests/unit/cli/",
    "tests/interop/",
    "tests/unit/kata/",
    "tests/unit/exercises/",
]
#: The tests of these files share nothing, and some of them take long: each is a piece by itself.
APART = ("tests/notebooks/", "tests/repository/")


#: From so many cores on, each process has a JupyterLab and a Chromium. With fewer, two processes
#: have them: one would work on when the others are done, and to start more costs time.
MANY = 3
#: What one of the two looks at: whole notebooks, and of the panels as many as give both the same.
ONE_OF_TWO = (
    "tests/browser/test_learner.py",
    "tests/browser/test_notebooks.py",
    "tests/browser/test_slides.py",
    "tests/browser/test_first_start.py",
    "tests/browser/test_keyboard.py",
    "tests/browser/test_saved.py",
    "tests/browser/test_attack_panel.py",
    "tests/browser/test_credential_panel.py",
    "tests/browser/test_predict_panel.py",
)
#: A folder of tests that share one page.
ONE_PAGE = "tests/browser/together/"


def piece(nodeid: str, cores: int = 1) -> str:
    """The piece to which a test belongs: as a rule, its file with that file's fixtures.

    Example:
        >>> piece("tests/unit/common/test_facts.py::test_one[a::b]")
        'tests/unit/common/test_facts.py'
        >>> piece("tests/browser/together/test_still.py::test_one")
        'the other browser'
        >>> piece("tests/browser/test_slides.py::test_one", cores=4)
        'tests/browser/test_slides.py'
        >>> piece("tests/unit/diagnosing/test_hostile.py::test_one")
        'what waits'
        >>> piece("tests/repository/test_routes.py::test_make")
        'tests/repository/test_routes.py::test_make'
    """
    if nodeid.startswith("tests/browser/") and cores < MANY:
        return "one browser" if nodeid.startswith(ONE_OF_TWO) else "the other browser"
    if nodeid.startswith(ONE_PAGE):
        return ONE_PAGE
    if nodeid.startswith(WAITING):
        return "what waits"
    return nodeid if nodeid.startswith(APART) else nodeid.partition("::")[0]


def rank(nodeid: str) -> int:
    """Where its piece comes: a smaller number earlier."""
    found = (at for at, start in enumerate(LONGEST) if nodeid.startswith(start))
    return next(found, len(LONGEST))


class Pieces(LoadScopeScheduling):  # type: ignore[misc]  # it carries no types
    """Hands out piece after piece, in the order in which they were collected."""

    def __init__(self, config: pytest.Config, log: object) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return piece(nodeid, os.cpu_count() or 1)

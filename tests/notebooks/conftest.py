"""What every test of a notebook starts from: a learner's folder and a place for temporary files."""

import os
from pathlib import Path

import pytest

from tests.authoring import canonical


@pytest.fixture(params=canonical.NOTEBOOKS, ids=lambda path: path.stem)
def source(request: pytest.FixtureRequest) -> Path:
    """Each committed notebook in turn."""
    path: Path = request.param
    return path


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A kernel is killed and does not tidy up: what it leaves stays in the test's own folder."""
    own = {"TMPDIR": "tmp", "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython"}
    for folder in own.values():
        (tmp_path / folder).mkdir()
    return {**os.environ, **{name: str(tmp_path / folder) for name, folder in own.items()}}


@pytest.fixture
def learner(tmp_path: Path) -> Path:
    """The learner's folder."""
    return tmp_path / "learner"

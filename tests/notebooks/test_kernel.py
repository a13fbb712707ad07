"""A learner's habits, on a real kernel: Run All twice, a cell run twice, restart and again.

Nothing raises, and nothing piles up: no thread, no file descriptor. What a lesson claims is seen at
each turn (claims.py). What its own cells print is compared elsewhere (test_outputs.py).

`make matrix` runs this, with the newest Python and OpenSSL. Here:

    .venv/bin/python -m pytest -m matrix tests/notebooks/test_kernel.py
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import needed
from tests.authoring import canonical
from tests.notebooks.claims import CREDENTIALS, Claim, claims_of
from tests.notebooks.kernel import CellError, Kernel

pytestmark = pytest.mark.matrix

#: Outputs that were recorded are no run.
SOURCES = [
    pytest.param(path, id=path.stem, marks=[needed.TPM] * (path.stem in needed.WITH_TPM))
    for path in canonical.ALONE
]


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest) -> Path:
    """Each notebook in turn but for the one of other stacks (test_stacks.py)."""
    path: Path = request.param
    return path


@pytest.fixture
def kernel(learner: Path, environment: dict[str, str]) -> Iterator[Kernel]:
    learner.mkdir()
    with Kernel(learner, environment) as kernel:
        yield kernel


def test_run_again_in_any_way(source: Path, kernel: Kernel, learner: Path) -> None:
    """What is claimed is seen after the first run, with cells run out of order, and after Restart.

    Nothing piles up in a kernel that has run the cells and nothing else.
    """
    copy = canonical.unpack(source.name, learner)
    cells = [c.source for c in canonical.read(copy).cells if c.cell_type == "code"]
    claims = claims_of(source.stem)

    run_all(kernel, cells)
    footprint = kernel.footprint()
    if claims:
        assert missing(kernel, cells, claims) == []
        # What comes after the backend, backwards; what comes before makes a new CA.
        start = next(at for at, cell in enumerate(cells) if "\nbackend = serve(" in f"\n{cell}")
        run_all(kernel, cells[:start:-1])
        assert missing(kernel, cells, claims[::-1]) == []

    kernel.restart()
    for cell in cells:  # each twice in a row
        kernel.run(cell)
        kernel.run(cell)
    check_no_growth(kernel, *footprint)
    run_all(kernel, cells)  # Run All, again
    check_no_growth(kernel, *footprint)
    assert missing(kernel, cells, claims) == []


def run_all(kernel: Kernel, cells: list[str]) -> None:
    for cell in cells:
        kernel.run(cell)


def missing(kernel: Kernel, cells: list[str], claims: list[Claim]) -> list[tuple[str, str]]:
    """What was claimed and is not printed, each with what was."""
    found = []
    for claim in claims:
        again = [cell for part in claim.again for cell in cells if part in cell]
        assert len(again) == len(claim.again)
        said = "".join(kernel.run(each) for each in (claim.code, *again, claim.after))
        found += [(words, said) for words in claim.prints if words not in said]
        if claim is CREDENTIALS:
            found += [(line, "") for line in said.splitlines() if "as promised" not in line]
    return found


def check_no_growth(kernel: Kernel, threads: dict[str, int], descriptors: int) -> None:
    now, open_now = kernel.footprint()
    more = {name: number for name, number in now.items() if number > threads.get(name, 0)}
    assert more == {}
    assert open_now <= descriptors


def test_an_error_in_a_cell_is_an_error_here(kernel: Kernel) -> None:
    with pytest.raises(CellError, match="ZeroDivisionError: division by zero"):
        kernel.run("1 / 0")


def test_a_leak_is_seen(kernel: Kernel) -> None:
    """The measure is real: a thread and a socket left open are both counted."""
    threads, descriptors = kernel.footprint()
    kernel.run("import socket, threading; left = socket.socket(), threading.Event()")
    kernel.run("threading.Thread(target=left[1].wait, name='lab left', daemon=True).start()")
    now, open_now = kernel.footprint()
    assert now == {**threads, "lab left": 1}
    assert open_now == descriptors + 1

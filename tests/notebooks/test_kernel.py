"""A learner's habits, on a real kernel: Run All twice, a cell run twice, restart and again.

Nothing raises, and nothing piles up: no thread, no file descriptor. What is printed is compared
elsewhere (test_outputs.py).
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.authoring import canonical
from tests.notebooks.kernel import CellError, Kernel


@pytest.fixture(params=canonical.ALONE, ids=lambda path: path.stem)
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
    copy = canonical.unpack(source.name, learner)
    cells = [c.source for c in canonical.read(copy).cells if c.cell_type == "code"]

    for cell in cells:
        kernel.run(cell)
    threads, descriptors = kernel.footprint()
    for cell in cells:  # Run All, again
        kernel.run(cell)
    check_no_growth(kernel, threads, descriptors)

    kernel.restart()
    for cell in cells:  # and each cell twice in a row
        kernel.run(cell)
        kernel.run(cell)
    check_no_growth(kernel, threads, descriptors)


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

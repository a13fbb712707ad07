"""What the nbval run of the notebooks costs above what their cells need.

Here: nbval on the notebooks, nbval on empty ones, and the time of every cell. Not here: whether
the outputs are right (tests/notebooks).
"""

import tempfile
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from itertools import count
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from tests.authoring.canonical import ALONE, CELL_TIMEOUT, unpack
from tests.benchmarks.figures import Figure, compare, seconds
from tests.benchmarks.imports import environment
from tests.notebooks.test_outputs import number_of_code_cells, run_nbval

#: A cell that takes longer loses its reader.
LONGEST = 2.0

Cells = dict[str, list[float]]


def figures() -> Iterator[Figure]:
    cells: Cells = {}
    with tempfile.TemporaryDirectory() as name:
        folders = (Path(name, str(number)) for number in count())
        pairs = compare(lambda: nbval(next(folders)), lambda: floor(next(folders), cells), pairs=3)
    yield pairs.at_most(1.5, f"nbval of {len(ALONE)} notebooks : empty ones + cells")
    # Each cell at its best: what stays slow is slow, what was slow once met a busy machine.
    longest, cell = max((min(times), cell) for cell, times in cells.items())
    yield Figure("the longest cell", f"{longest:.2f} s", f"≤ {LONGEST} s", longest <= LONGEST, cell)


def nbval(folder: Path) -> float:
    """The seconds of the whole run, as tests/notebooks runs it."""
    folder.mkdir()
    unpack(ALONE[0].name, folder / "learner")
    return seconds(partial(passes, folder))


def floor(folder: Path, cells: Cells) -> float:
    """The seconds of a run on as many empty notebooks, and those that the cells need."""
    folder.mkdir()
    (folder / "learner").mkdir()
    # With no cell at all, nbval would start no kernel.
    empty = new_notebook(cells=[new_code_cell("pass", execution_count=1)])
    for source in ALONE:
        nbformat.write(empty, folder / "learner" / source.name)
    return seconds(partial(passes, folder)) + sum(times_of_cells(folder / "cells", cells))


def passes(folder: Path) -> None:
    copies = [folder / "learner" / source.name for source in ALONE]
    outcome, said = run_nbval(folder, environment(folder), *copies)
    assert outcome == {"passed": number_of_code_cells(*copies)}, said


def times_of_cells(folder: Path, cells: Cells) -> Iterator[float]:
    """Runs notebooks, and tells for each cell how long the kernel was busy with it."""
    unpack(ALONE[0].name, folder)
    for source in ALONE:
        notebook = nbformat.read(folder / source.name, as_version=4)
        NotebookClient(
            notebook,
            timeout=CELL_TIMEOUT,
            kernel_name="python3",
            extra_arguments=["--IPKernelApp.log_level=ERROR"],
            resources={"metadata": {"path": str(folder)}},
        ).execute()
        for number, cell in enumerate(notebook.cells, start=1):
            if cell.cell_type == "code":
                begin, end = (
                    datetime.fromisoformat(cell.metadata.execution[f"iopub.status.{state}"])
                    for state in ("busy", "idle")
                )
                took = (end - begin).total_seconds()
                cells.setdefault(f"{source.stem}, cell {number}", []).append(took)
                yield took

"""The notebooks in a learner's folder: put there, brought up to date, put back; no work is lost.

Here: which notebooks there are, and which of them the learner has changed. Not here: the mark of
the folder (folder.py), the files that the notebooks work with (workspace.py), and starting
JupyterLab (cli/).
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

from mtls_lab.common import (
    FileProblem,
    PathLike,
    UnknownName,
    private_folder,
    read_file,
    resource_folder,
    sweep,
    write_file,
    writing,
)
from mtls_lab.learner.folder import own_folder, read_marker, write_marker

__all__ = [
    "Reset",
    "Unpacked",
    "latest",
    "notebooks",
    "reset",
    "unpack",
]


@dataclass(frozen=True)
class Unpacked:
    """What `unpack` did with one notebook.

    Attributes:
        path: the notebook in the learner's folder.
        kept: whether the learner's own version was left as it is.
        beside: the project's newer version, put beside a kept one; else None.
        damaged: whether what the learner has there is not a notebook any more.
    """

    path: Path
    kept: bool = False
    beside: Path | None = None
    damaged: bool = False

    @property
    def checkpoint(self) -> Path | None:
        """JupyterLab's own copy of the notebook as it was last saved by hand, if it is whole."""
        path = self.path.parent / ".ipynb_checkpoints" / f"{self.path.stem}-checkpoint.ipynb"
        return None if _cells_of(path) is None else path


def notebooks() -> list[Path]:
    """Return the project's own notebooks, in order."""
    return sorted(resource_folder("notebooks").glob("[0-9]*.ipynb"))


def unpack(folder: PathLike) -> list[Unpacked]:
    """Copy the notebooks into a learner's folder, outputs cleared, and mark the folder.

    A notebook that the learner changed is never overwritten: if the project has a newer one,
    it is put beside as `NAME.new.ipynb`, or under the next free number if the learner changed
    that one as well. A notebook that was only run is brought up to date.

    Raises:
        FileProblem: the folder cannot be written, or holds a damaged marker.
    """
    folder = private_folder(folder)
    sweep(folder)
    known = read_marker(folder)
    done = []
    for source in notebooks():
        text = _cleared(source)
        target, latest = folder / source.name, _fingerprint(_cells(text))
        damaged = target.exists() and _cells_of(target) is None
        if target.exists() and latest in (known.get(source.name), _fingerprint_of(target)):
            done.append(Unpacked(target, kept=True, damaged=damaged))
        elif _is_ours(target, known):
            done.append(Unpacked(write_file(target, text)))
        else:
            beside = next(path for path in _beside(target, "new") if _is_ours(path, known))
            new = write_file(beside, text)
            done.append(Unpacked(target, kept=True, beside=new, damaged=damaged))
            known[beside.name] = latest
        known[source.name] = latest
    write_marker(folder, known)
    return done


@dataclass(frozen=True)
class Reset:
    """What `reset` did with one notebook.

    Attributes:
        path: the notebook in the learner's folder, as the project has it.
        old: where the learner's own version is now; None if there was nothing to keep.
    """

    path: Path
    old: Path | None = None


def reset(folder: PathLike, what: str) -> list[Reset]:
    """Put the project's notebooks back, outputs cleared; the learner's are kept beside them.

    A notebook that differs in anything, be it an output, is renamed to `NAME.old.ipynb`, or to
    the next free number. Keys, certificates and progress stay.

    Args:
        folder: the learner's folder.
        what: a part, such as "3", or the name of one notebook, with or without `.ipynb`.

    Raises:
        UnknownName: there is no such part or notebook.
        NotInWorkspace: the folder is in no learner's folder.
        FileProblem: the folder cannot be written.
    """
    name = what.removesuffix(".ipynb")
    chosen = [each for each in notebooks() if name in (each.stem, each.stem[0])]
    if not chosen:
        parts = sorted({each.stem[0] for each in notebooks()})
        raise UnknownName("part or notebook", what, [*parts, *(e.stem for e in notebooks())])
    folder = own_folder(Path(folder))
    known, done = read_marker(folder), []
    for source in chosen:
        text = _cleared(source)
        done.append(_put_back(folder / source.name, text))
        known[source.name] = _fingerprint(_cells(text))
    write_marker(folder, known)
    return done


def _put_back(target: Path, text: str) -> Reset:
    """Write a notebook, and keep what is there beside it. Raises FileProblem."""
    old = None
    if target.exists() and _cells_of(target) != _cells(text):
        old = next(path for path in _beside(target, "old") if not path.exists())
        with writing(target):
            target.rename(old)
    try:
        write_file(target, text, lasting=True)
    except FileProblem:  # a full disk: the learner's own stays where it was
        if old:
            old.rename(target)
        raise
    return Reset(target, old)


def latest(folder: PathLike) -> Path:
    """Return the notebook that the learner saved last, or the first one if there is none."""
    saved = [
        path
        for source in notebooks()
        if (path := Path(folder, source.name)).is_file()
        and _cells_of(path) != _cells(_cleared(source))
    ]
    return max(
        saved, key=lambda path: path.stat().st_mtime, default=Path(folder, notebooks()[0].name)
    )


def _beside(path: Path, kind: str) -> Iterator[Path]:
    """Yield names for a version that lies beside: `NAME.new.ipynb`, then `NAME.new2.ipynb`."""
    return (path.with_suffix(f".{kind}{number}.ipynb") for number in chain([""], count(2)))


def _cells(text: str) -> list[dict[str, Any]]:
    """Return the cells of a notebook, without the empty ones that JupyterLab adds at the end."""
    cells: list[dict[str, Any]] = json.loads(text)["cells"]
    while cells and not "".join(cells[-1]["source"]).strip():
        cells.pop()
    return cells


def _cells_of(path: Path) -> list[dict[str, Any]] | None:
    """Return the cells of a file; None if it is no notebook, and then it is the learner's."""
    try:
        return _cells(read_file(path).decode("utf-8"))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _is_ours(path: Path, known: dict[str, str]) -> bool:
    """Whether there is nothing of the learner's that writing this file would destroy."""
    return not path.exists() or _fingerprint_of(path) == known.get(path.name, "unknown")


def _cleared(source: Path) -> str:
    """Return a notebook without outputs, and as this Python's kernel would label it.

    JupyterLab writes the kernel's label into a notebook that it opens. Where the same is there
    already, an opened notebook is not a changed one.
    """
    notebook = json.loads(source.read_text("utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    notebook["metadata"].pop("widgets", None)
    notebook["metadata"] |= _kernel()
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def _kernel() -> dict[str, Any]:
    """Return the metadata that ipykernel reports of this Python; a test asks a real kernel."""
    label = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    language = {
        "codemirror_mode": {"name": "ipython", "version": sys.version_info.major},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
        "version": platform.python_version(),
    }
    return {"kernelspec": label, "language_info": language}


def _fingerprint(cells: list[dict[str, Any]]) -> str:
    """Digest what a person writes in a notebook: its cells, not their outputs."""
    sources = [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
    return hashlib.sha256(json.dumps(sources).encode("utf-8")).hexdigest()


def _fingerprint_of(path: Path) -> str | None:
    cells = _cells_of(path)
    try:
        return None if cells is None else _fingerprint(cells)
    except (KeyError, TypeError):
        return None

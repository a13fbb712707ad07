"""The notebooks in a learner's folder: put there, brought up to date, put back; no work is lost.

Here: which notebooks there are, and which of them the learner has changed. Not here: the files
that the notebooks work with (workspace.py), and starting JupyterLab (cli.py).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

from mtls_lab.errors import FileProblem, UnknownName
from mtls_lab.facts import MARKER, resource_folder
from mtls_lab.pki import pem

__all__ = [
    "Reset",
    "Unpacked",
    "latest",
    "notebooks",
    "read_marker",
    "reset",
    "unpack",
    "write_marker",
]


@dataclass(frozen=True)
class Unpacked:
    """What `unpack` did with one notebook.

    Attributes:
        path: the notebook in the learner's folder.
        kept: whether the learner's own version was left as it is.
        beside: the project's newer version, put beside a kept one; else None.
    """

    path: Path
    kept: bool = False
    beside: Path | None = None


def notebooks() -> list[Path]:
    """Return the project's own notebooks, in order."""
    return sorted(resource_folder("notebooks").glob("[0-9]*.ipynb"))


def unpack(folder: str | os.PathLike[str], *, keep_outputs: bool = False) -> list[Unpacked]:
    """Copy the notebooks into a learner's folder, outputs cleared, and mark the folder.

    A notebook that the learner changed is never overwritten: if the project has a newer one,
    it is put beside as `NAME.new.ipynb`, or under the next free number if the learner changed
    that one as well. A notebook that was only run is brought up to date.

    Raises:
        FileProblem: the folder cannot be written, or holds a damaged marker.
    """
    folder = pem.private_folder(folder)
    known = read_marker(folder)
    done = []
    for source in notebooks():
        text = source.read_text("utf-8") if keep_outputs else _cleared(source)
        target, latest = folder / source.name, _fingerprint(text)
        if target.exists() and latest in (known.get(source.name), _fingerprint_of(target)):
            done.append(Unpacked(target, kept=True))
        elif _is_ours(target, known):
            done.append(Unpacked(_write_text(target, text)))
        else:
            beside = next(path for path in _beside(target, "new") if _is_ours(path, known))
            done.append(Unpacked(target, kept=True, beside=_write_text(beside, text)))
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


def reset(folder: str | os.PathLike[str], what: str) -> list[Reset]:
    """Put the project's notebooks back, outputs cleared; the learner's are kept beside them.

    A notebook that differs in anything, be it an output, is renamed to `NAME.old.ipynb`, or to
    the next free number. Keys, certificates and progress stay.

    Args:
        folder: the learner's folder.
        what: a part, such as "3", or the name of one notebook, with or without `.ipynb`.

    Raises:
        UnknownName: there is no such part or notebook.
        FileProblem: the folder is no learner's folder, or cannot be written.
    """
    folder, name = Path(folder), what.removesuffix(".ipynb")
    chosen = [each for each in notebooks() if name in (each.stem, each.stem[0])]
    if not chosen:
        parts = sorted({each.stem[0] for each in notebooks()})
        raise UnknownName("part or notebook", what, [*parts, *(e.stem for e in notebooks())])
    if not (folder / MARKER).is_file():
        raise FileProblem(
            f"{folder} is no folder of the lab (no {MARKER} file in it)",
            "a folder that `make lab` or `mtls-lab start` has made",
            "name your folder: mtls-lab reset PART FOLDER",
        )
    known, done = read_marker(folder), []
    for source in chosen:
        target, text, old = folder / source.name, _cleared(source), None
        if target.exists() and _text_of(target) != text:
            old = next(path for path in _beside(target, "old") if not path.exists())
            with _writing(target):
                target.rename(old)
        done.append(Reset(_write_text(target, text), old))
        known[source.name] = _fingerprint(text)
    write_marker(folder, known)
    return done


def latest(folder: str | os.PathLike[str]) -> Path:
    """Return the notebook that the learner saved last, or the first one if there is none."""
    saved = [
        path
        for source in notebooks()
        if (path := Path(folder, source.name)).is_file() and _text_of(path) != _cleared(source)
    ]
    return max(
        saved, key=lambda path: path.stat().st_mtime, default=Path(folder, notebooks()[0].name)
    )


def _beside(path: Path, kind: str) -> Iterator[Path]:
    """Yield names for a version that lies beside: `NAME.new.ipynb`, then `NAME.new2.ipynb`."""
    return (path.with_suffix(f".{kind}{number}.ipynb") for number in chain([""], count(2)))


def _text_of(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError):
        return None


def _is_ours(path: Path, known: dict[str, str]) -> bool:
    """Whether there is nothing of the learner's that writing this file would destroy."""
    return not path.exists() or _fingerprint_of(path) == known.get(path.name, "unknown")


def _cleared(source: Path) -> str:
    notebook = json.loads(source.read_text("utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    notebook["metadata"].pop("widgets", None)
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def _fingerprint(text: str) -> str:
    """Digest what a person writes in a notebook: its cells, not their outputs."""
    cells: list[dict[str, Any]] = json.loads(text)["cells"]
    sources = [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
    return hashlib.sha256(json.dumps(sources).encode("utf-8")).hexdigest()


def _fingerprint_of(path: Path) -> str | None:
    try:
        return _fingerprint(path.read_text("utf-8"))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # not a notebook any more: then it is the learner's, and stays


def _write_text(path: Path, text: str) -> Path:
    new = path.with_name(f".{path.name}.new")
    with _writing(path):
        new.write_text(text, "utf-8")
        new.replace(path)
    return path


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Let what cannot be written say what to do. Raises FileProblem."""
    try:
        yield
    except OSError as error:
        raise FileProblem(
            f"{path} cannot be written ({error.strerror or error})",
            "a folder that you may write to, with space left",
            "choose another folder, or change its permissions",
        ) from None


def read_marker(folder: Path) -> dict[str, str]:
    """Return the digest of each notebook of a folder, as unpacked. Raises FileProblem."""
    try:
        return dict(json.loads((folder / MARKER).read_text("utf-8")))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError) as error:
        raise FileProblem(
            f"{folder / MARKER} cannot be read ({error})",
            "the list of notebooks that the lab wrote there",
            "delete this one file: your notebooks stay, and new ones are put beside them",
        ) from None


def write_marker(folder: Path, known: dict[str, str]) -> None:
    """Make a folder a learner's folder, or bring its list up to date. Raises FileProblem."""
    _write_text(folder / MARKER, json.dumps(known, indent=1, sort_keys=True) + "\n")

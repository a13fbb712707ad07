"""The mark of a learner's folder: what makes it one, and what it says of the notebooks in it.

Here: finding the folder or saying what to do, and its marker file. Not here: the notebooks
(notebooks.py), and the files that they work with (workspace.py).
"""

from __future__ import annotations

import json
from pathlib import Path

from mtls_lab.common import (
    FileProblem,
    NotInWorkspace,
    folder_gone,
    irregular,
    read_json,
    typed,
    why_of,
    write_file,
)

__all__ = ["MARKER", "here", "learner_folder", "own_folder", "read_marker", "write_marker"]

#: The file that makes a folder a learner's folder; notebooks.py writes it.
MARKER = ".mtls-lab"

#: A list of some ten notebooks has 1 kB.
_MOST = 1 << 20


def here() -> Path:
    """Return the current folder. Raises FileProblem: it was deleted meanwhile."""
    if gone := folder_gone():
        raise gone
    return Path.cwd()


def learner_folder(start: Path | None = None) -> Path | None:
    """Return the learner's folder that `start` (default: the current folder) is in, or None.

    Raises FileProblem: the current folder was deleted.
    """
    start = start if start and start.is_absolute() else here() / (start or "")
    return next((each for each in (start, *start.parents) if _is_marked(each)), None)


def _is_marked(folder: Path) -> bool:
    try:
        return (folder / MARKER).is_file()
    except (OSError, ValueError):  # it may not be entered, or its name cannot be one
        return False


def own_folder(
    folder: Path | None = None, *, todo: str = "name your folder, as the last word of the command"
) -> Path:
    """Return the learner's folder that this one (default: the current one) is in.

    Args:
        folder: where to look.
        todo: what to do if there is none.

    Raises:
        NotInWorkspace: there is no learner's folder.
        FileProblem: this one may not be entered, or has something else than a file as its marker.
    """
    found = learner_folder(folder)
    if found is None:
        looked_in = folder or here()
        try:
            (looked_in / MARKER).stat()
        except PermissionError as error:
            raise _closed(looked_in, error) from None
        except (OSError, ValueError):
            pass  # there is none, or its name cannot be one
        _refuse_another_kind(looked_in.absolute())
        raise NotInWorkspace(
            f"{looked_in} is not a folder of the lab (no {MARKER} file in it)",
            f"a folder that `{typed('start')}` has made",
            todo,
        )
    return found


def _refuse_another_kind(folder: Path) -> None:
    """Raise FileProblem if there is a marker that is no file: who made it means this folder."""
    for each in (folder, *folder.parents):
        if kind := irregular(each / MARKER):
            raise FileProblem(
                f"{each / MARKER} is {kind}",
                "a file: the list of notebooks that the lab wrote there",
                "delete it: your notebooks stay, and the next start writes the list again",
            )


def _closed(path: Path, error: PermissionError) -> FileProblem:
    return FileProblem(
        f"{path} cannot be read ({why_of(error)})",
        "a folder that is yours to open",
        "change its permissions, or name another folder",
    )


def read_marker(folder: Path) -> dict[str, str]:
    """Return the digest of each notebook of a folder, as unpacked. Raises FileProblem."""
    try:
        return dict(read_json(folder / MARKER, most=_MOST))
    except FileNotFoundError:
        return {}
    except PermissionError as error:
        raise _closed(folder / MARKER, error) from None
    except (OSError, ValueError, TypeError) as error:
        raise FileProblem(
            f"{folder / MARKER} cannot be read ({why_of(error)})",
            "the list of notebooks that the lab wrote there",
            "delete this one file: your notebooks stay, and new ones are put beside them",
        ) from None


def write_marker(folder: Path, known: dict[str, str]) -> None:
    """Make a folder a learner's folder, or bring its list up to date. Raises FileProblem."""
    text = json.dumps(known, indent=1, sort_keys=True) + "\n"
    write_file(folder / MARKER, text, lasting=True)

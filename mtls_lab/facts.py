"""The facts in data/, and where the project's own files and the learner's folder are.

Here: one reader of all data files, two lookups. Not here: what an entry means (who reads it),
and what a learner's folder holds (learner/workspace.py).
"""

import tomllib
from pathlib import Path
from typing import Any

__all__ = ["MARKER", "learner_folder", "read_facts", "resource_folder"]

#: The file that makes a folder a learner's folder; learner/notebooks.py writes it.
MARKER = ".mtls-lab"

_PACKAGE = Path(__file__).parent


def resource_folder(name: str) -> Path:
    """Return the folder `data` or `notebooks`: beside the package in a clone, else inside it.

    Example:
        >>> (resource_folder("data") / "credentials.toml").is_file()
        True
    """
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def read_facts(name: str) -> dict[str, Any]:
    """Return what data/NAME.toml says, anew at each call: whoever keeps it may change it.

    Example:
        >>> list(read_facts("placement"))
        ['files', 'slots', 'starts']
    """
    return tomllib.loads((resource_folder("data") / f"{name}.toml").read_text("utf-8"))


def learner_folder(start: Path | None = None) -> Path | None:
    """Return the learner's folder that `start` (default: the current folder) is in, or None."""
    start = Path.cwd() if start is None else start.absolute()
    return next((each for each in (start, *start.parents) if _is_marked(each)), None)


def _is_marked(folder: Path) -> bool:
    try:
        return (folder / MARKER).is_file()
    except (OSError, ValueError):  # it may not be entered, or its name cannot be one
        return False

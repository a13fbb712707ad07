"""Where things are: the project's own files, and the folder of the learner.

Here: two lookups. Not here: what a learner's folder holds (learner/workspace.py).
"""

from pathlib import Path

__all__ = ["MARKER", "learner_folder", "resource_folder"]

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


def learner_folder(start: Path | None = None) -> Path | None:
    """Return the learner's folder that `start` (default: the current folder) is in, or None."""
    start = Path.cwd() if start is None else start.absolute()
    return next((each for each in (start, *start.parents) if (each / MARKER).is_file()), None)

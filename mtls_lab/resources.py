"""Where the project's own files are: beside the package in a clone, inside it when installed.

Here: one lookup. Not here: the learner's files (workspace.py).
"""

from pathlib import Path

__all__ = ["resource_folder"]

_PACKAGE = Path(__file__).parent


def resource_folder(name: str) -> Path:
    """Return the folder `data` or `notebooks`.

    Example:
        >>> (resource_folder("data") / "credentials.toml").is_file()
        True
    """
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name

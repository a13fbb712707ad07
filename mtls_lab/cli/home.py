"""Room in a person's home for JupyterLab's own files: without it, JupyterLab fails as it starts.

Here: the trial, and what to do. Not here: the learner's own folder (doctor.py, learner/), and
JupyterLab itself (jupyter.py), which takes seconds to load.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from mtls_lab.common import FileProblem, PathLike, why_of

__all__ = ["must_have_room", "probe"]

#: A lab writes a few dozen files; a full disk is the point.
PROBE = 1024 * 1024


def probe(folder: PathLike) -> None:
    """Write to a folder, or to where it would be made, and leave nothing. Raises OSError."""
    path = Path(folder).absolute()
    nearest = next((each for each in (path, *path.parents) if each.exists()), path)
    with tempfile.TemporaryFile(dir=nearest) as file:
        file.write(bytes(PROBE))


def must_have_room() -> None:
    """Raises FileProblem where JupyterLab could not keep its own files."""
    from jupyter_core.paths import jupyter_data_dir, jupyter_runtime_dir  # noqa: PLC0415 - see head

    for folder in (jupyter_data_dir(), jupyter_runtime_dir()):
        try:
            probe(folder)
        except OSError as error:
            raise FileProblem(
                f"{folder} cannot be written ({why_of(error)})",
                "room in your home for JupyterLab's own files",
                "make room there, or set HOME (on Windows, APPDATA) to a folder that you may "
                "write to",
            ) from None

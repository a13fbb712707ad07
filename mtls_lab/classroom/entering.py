"""The first cell of a notebook: the folder is made ready, and a line of dots says how far one is.

Here: which files each notebook starts from, and the line at its top, which follows what the
learner does further down. Not here: making the files (learner/workspace.py), what counts
(exercises/standing.py), how dots look (drawing/dotted.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from mtls_lab.classroom.out_of_order import watch_cells
from mtls_lab.common import UnknownName
from mtls_lab.drawing import Group, dots, dots_in_words, escape
from mtls_lab.exercises import standing
from mtls_lab.learner import progress, workspace
from mtls_lab.learner.workspace import Workspace

__all__ = ["Entered", "enter"]

#: By the number of a notebook: what it starts with, in the numbers of `workspace.enter`.
STARTS = {"1": 1, "1b": 2, "2": 2, "2b": 3, "3": 3} | dict.fromkeys(
    ("3b", "3c", "3d", "4", "4b", "4c", "4d", "5"), 4
)
#: By which a page knows the line that has to change.
DISPLAY = "mtls-lab-dots"

#: The notebook whose line is in a page now.
_shown: list[Entered] = []


@dataclass(frozen=True)
class Entered(Workspace):
    """A workspace, and how far the learner is; Jupyter shows both as the value of a cell.

    Attributes:
        notebook: the number of the notebook that was entered, such as "3b".
    """

    notebook: str

    @property
    def title(self) -> str:
        """What the line is about."""
        return f"Part {self.notebook[0]}"

    def __str__(self) -> str:
        files = "\n".join(f"  {file}" for file in self.files)
        done = dots_in_words(self._groups())
        head = f"{self.title}: {done}" if done else self.title
        return f"{head}\n{self._ready()}\n{files}".rstrip()

    def bundle(self) -> dict[str, str]:
        """Return what a page shows, by its kind."""
        files = " ".join(f"<code>{escape(file)}</code>" for file in self.files)
        page = f"{dots(self._groups(), self.title, opens=True)}<p>{self._ready()} {files}</p>"
        return {"text/plain": str(self), "text/html": page}

    def _groups(self) -> list[Group]:
        return standing.of_part(int(self.notebook[0]))

    def _ready(self) -> str:
        return "Ready. Made before:" if self.files else "Ready. No file is needed from before."

    def _ipython_display_(self) -> None:
        """Show it under a name, so that it can change where it stands."""
        if _follow not in progress.watchers:
            progress.watchers.append(_follow)
        _shown[:] = [self]
        import_module("IPython.display").display(self.bundle(), raw=True, display_id=DISPLAY)


def enter(notebook: str | int) -> Workspace:
    """Make the learner's folder the current one, with everything that this notebook starts from.

    Files that are there and still good are kept; what is missing, expired or does not fit
    together is made again.

    Args:
        notebook: the number in its name, such as "3b". In a notebook of an older version: the
            number of the part whose files are to be made next.

    Raises:
        UnknownName: there is no such notebook.
        NotInWorkspace: the notebook runs somewhere else.
        FileProblem: the folder cannot be written.
    """
    watch_cells()
    if isinstance(notebook, int):
        return workspace.enter(notebook)
    if notebook not in STARTS:
        raise UnknownName("notebook", notebook, STARTS)
    ready = workspace.enter(STARTS[notebook])
    return Entered(ready.folder, ready.part, ready.files, notebook)


def _follow() -> None:
    """Let the line at the top say what was noted further down."""
    for each in _shown:
        display = import_module("IPython.display")
        display.update_display(each.bundle(), raw=True, display_id=DISPLAY)

"""The modules that notebooks of version 0.1 import, for a learner who has changed one of them.

`mtls-lab start` never touches such a notebook, so its first cell still says
`from mtls_lab.workspace import enter`. Here: each module of that time which is gone, as a view of
the face. Not here: the names that we use today (__init__.py).
"""

import sys
from types import ModuleType

__all__ = ["keep"]

#: Those that stand in a notebook of version 0.1 and are no folder today.
MODULES = (
    *("course", "credentials", "describe", "explain", "handshake", "openssl", "pem"),
    *("outcome", "predictions", "relay", "workspace"),
)


class _View(ModuleType):
    """A module that has every name of the face."""

    def __init__(self, name: str, face: ModuleType) -> None:
        super().__init__(name)
        self._face = face

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._face, name)


def keep(face: ModuleType) -> None:
    """Let the old modules be imported; `face` is the package.

    They stand in sys.modules only, never as attributes of the package: there `explain` and
    `openssl` are functions.
    """
    for name in MODULES:
        full = f"{face.__name__}.{name}"
        sys.modules.setdefault(full, _View(full, face))

"""The names that a folder of the package offers, each loaded when it is first asked for.

Here: how Python looks them up, and the modules of version 0.1 as views of the face. Not here: which
names those are. That says the stub beside the folder's `__init__.py`, one line for each, which the
type checker reads too.
"""

import re
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import ModuleType

__all__ = ["keep_old", "lazy"]

#: A line of a stub.
_LINE = re.compile(r"(?m)^from ([\w.]+) import (\w+) as \2$")


def lazy(package: str, **modules: str) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` for a package that has a stub (PEP 562).

    Args:
        package: its name, with dots.
        modules: further names, each for a whole module.

    Example:
        >>> get, names = lazy("mtls_lab", checks="mtls_lab.exercises")
        >>> get("Stage").APPLICATION, "Stage" in names(), get("checks").__name__
        (<Stage.APPLICATION: 'application'>, True, 'mtls_lab.exercises')
    """

    @cache  # read for whoever asks, and not for the command line
    def homes() -> dict[str, str]:
        stub: bytes = import_module("pkgutil").get_data(package, "__init__.pyi")
        return {name: home for home, name in _LINE.findall(stub.decode())}

    def get(name: str) -> object:
        if name in modules:
            return import_module(modules[name])
        if name == "__all__":
            return names()
        if name.startswith("_") or name not in homes():
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes()[name]), name)

    def names() -> list[str]:
        return [*modules, *homes()]  # with what is not loaded yet, for completion

    return get, names


# --- Version 0.1

#: Those that stand in a notebook of version 0.1 and are no folder today.
OLD = (
    *("course", "credentials", "describe", "errors", "explain", "handshake", "openssl"),
    *("outcome", "pem", "predictions", "relay", "workspace"),
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


def keep_old(face: ModuleType) -> None:
    """Let the old modules be imported; `face` is the package.

    They stand in sys.modules only, never as attributes of the package: there `explain` and
    `openssl` are functions.
    """
    for name in OLD:
        full = f"{face.__name__}.{name}"
        sys.modules.setdefault(full, _View(full, face))

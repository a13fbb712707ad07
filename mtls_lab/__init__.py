"""Learn mutual TLS by doing it: real servers, real certificates, real attacks.

Here: the face, every name that a notebook or the README uses; each is loaded when it is first
asked for, so `import mtls_lab` loads neither widgets nor cryptography. Which names those are says
the stub beside this file (__init__.pyi). Not here: anything else; no notebook knows which file a
name comes from.

No name here equals a folder or a file of the package: Python would hand out the module instead
(`explain` is the function, so its folder is called diagnosis).
"""

import re
import sys
from functools import cache
from importlib import import_module

from mtls_lab import old_names

#: A line of the stub.
_LINE = re.compile(r"(?m)^from mtls_lab\.(\w+) import (\w+) as \2$")


@cache
def _homes() -> dict[str, str]:
    """Return the folder of each name; read for whoever asks, and not for the command line."""
    stub: bytes = import_module("pkgutil").get_data(__name__, "__init__.pyi")
    return {name: home for home, name in _LINE.findall(stub.decode())}


def __getattr__(name: str) -> object:
    if name == "checks":
        return import_module(f"{__name__}.exercises")
    if name == "__all__":
        return __dir__()
    if name.startswith("_") or name not in _homes():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_homes()[name]}"), name)


def __dir__() -> list[str]:
    return ["checks", *_homes()]  # with what is not loaded yet, for completion


old_names.keep(sys.modules[__name__])

"""The facts in data/, and where the project's own files are.

Here: one reader of all data files, and one lookup. Not here: what an entry means (who reads it),
and where a learner's folder is (learner/folder.py).
"""

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from mtls_lab.common.errors import FileProblem
from mtls_lab.common.files import write_file

__all__ = ["read_facts", "resource_folder"]

#: The facts that no hand has written.
MADE = {"peers", "tpm_runs"}

#: Changes when what is kept beside the facts does.
FORMAT = 1

_PACKAGE = Path(__file__).parent.parent


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

    A file that a program has made is data/NAME.json.

    Example:
        >>> list(read_facts("placement"))
        ['files', 'slots', 'starts']
    """
    path = resource_folder("data") / f"{name}.toml"
    if name in MADE:
        return dict(json.loads(path.with_suffix(".json").read_bytes()))
    # TOML takes fifty times as long to read as JSON: so the facts are kept as that, where Python
    # keeps its modules, and hold for a source of this time and size.
    source = path.stat()
    stamp = [FORMAT, source.st_mtime_ns, source.st_size]
    kept = path.parent / "__pycache__" / f"{name}.json"
    with suppress(OSError, ValueError, TypeError, RecursionError):
        of, facts = json.loads(kept.read_bytes())
        if of == stamp:
            return dict(facts)
    import tomllib  # noqa: PLC0415 - most runs need none

    facts = tomllib.loads(path.read_text("utf-8"))
    if not sys.dont_write_bytecode and sys.pycache_prefix is None:
        with suppress(OSError, FileProblem, TypeError):  # it may be nobody's to write; a date
            kept.parent.mkdir(exist_ok=True)
            write_file(kept, json.dumps([stamp, facts]))
    return facts

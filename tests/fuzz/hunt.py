"""One target under atheris, in a process of its own: `python -m tests.fuzz.hunt TARGET FOLDER …`.

Here: the fuzzer. What it found is in FOLDER/findings, an input and its traceback in a file each;
it goes on after each. Not here: what is called (targets.py), and which targets for how long
(__main__.py).
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import atheris

PACKAGE = "mtls_lab"


def where(error: BaseException) -> str:
    """What tells one finding from another: the kind of error, and the last line of ours."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f"{Path(f.filename).name}:{f.lineno}" for f in frames if PACKAGE in f.filename]
    return f"{type(error).__name__}-{(own or ['targets'])[-1]}"


def guarded(target: Callable[[bytes], None], folder: Path) -> Callable[[bytes], None]:
    """Call the target, and note each kind of finding once."""
    known: set[str] = set()

    def once(data: bytes) -> None:
        try:
            target(data)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - a panic of cryptography is no Exception
            name = where(error)
            if name not in known:
                known.add(name)
                note(folder, name, data, error)

    return once


def note(folder: Path, name: str, data: bytes, error: BaseException) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(traceback.format_exception(error, limit=-8))
    file = folder / f"{name}-{sha256(data).hexdigest()[:8]}.txt"
    file.write_text(f"{data.hex()}\n\n{text}", "utf-8")


def main() -> None:
    name, folder, *arguments = sys.argv[1:]
    with atheris.instrument_imports(include=[PACKAGE]):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - instrumented as it is imported
    atheris.Setup([sys.argv[0], *arguments], guarded(TARGETS[name], Path(folder) / "findings"))
    atheris.Fuzz()


if __name__ == "__main__":
    main()

"""A long file of progress, made short again: what no longer changes what it says is left out.

Here: which events that are. Not here: what an event means (progress.py).
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from mtls_lab.files import shorten
from mtls_lab.learner.progress import FILE, parsed

__all__ = ["tidy"]

#: A file that is longer is shortened at the next start; one beyond the second is not the lab's.
LONG, MOST = 1 << 20, 256 << 20


def tidy(folder: Path) -> None:
    """Leave out of a long file what no longer changes what `read` returns.

    Raises:
        FileProblem: it cannot be written.
    """
    file = folder / FILE
    with suppress(OSError):
        if file.stat().st_size > LONG:
            shorten(file, _shortened, most=MOST)


def _shortened(content: bytes) -> bytes:
    kept: dict[tuple[object, ...], bytes] = {}
    right: set[str] = set()
    handed_in: set[object] = set()
    for number, (line, event) in enumerate(parsed(content.splitlines())):
        match event:
            case {"prediction": str(name), "choice": str(), "truth": str()}:
                kept.setdefault(("truth", name), line)
            case {"prediction": str(name), "choice": str() | None}:
                kept.pop(("choice", name), None)
                kept["choice", name] = line
            case {"of": str(name), "reason": str()} | {"arranged": str(name), "lying": dict()}:
                kept["of" in event, name] = line
            case {"exercise": str(name), "outcome": "right"} if name not in right:
                right.add(name)
                kept[number,] = line
            case {"exercise": str(name)} if name in right:
                pass
            case {"quiz": str(when)} if when in handed_in:
                pass
            case {"quiz": str(when), "question": str(name)}:
                kept.pop((when, name), None)
                kept[when, name] = line
            case {"quiz": str(when), "state": "handed in"}:
                handed_in.add(when)
                kept[number,] = line
            case _:
                kept[number,] = line
    return b"".join(line + b"\n" for line in kept.values())

"""Exercise of Part 3: serve devices only.

Here: the check. Not here: the devices that call (devices.py in the folder above).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mtls_lab.exercises.devices import ForDevices
from mtls_lab.exercises.judging import exercise

__all__ = ["mutual_backend"]


@exercise("a function mutual_backend(folder)")
def mutual_backend(function: Callable[..., Any]) -> Iterator[str]:
    """Serve devices only."""
    with ForDevices.of(function) as made:
        yield from made.examine()

"""Exercise of Part 4: a backend for the devices of one CA, and for nothing else below the root.

Here: the check. Not here: who calls (devices.py in the folder above).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mtls_lab.common import scratch_folder
from mtls_lab.exercises.contexts import context_in_folder
from mtls_lab.exercises.devices import Factory
from mtls_lab.exercises.judging import exercise

__all__ = ["trust_devices"]


@exercise("a function trust_devices(folder)")
def trust_devices(function: Callable[..., Any]) -> Iterator[str]:
    """Trust one CA below the root, and its list."""
    factory = Factory.make()
    with scratch_folder() as folder:
        factory.lay_out(folder)
        context = context_in_folder(function, folder, "server")
    factory.serves_its_device(context)
    yield "a device of the Device CA is served, and the backend knows its name"
    yield from factory.refuses_others(context)
    yield factory.refuses_the_careless(context)

"""Which causes the files that came with a failure rule out.

Here: causes against what a look into the files has found, by data/faults.toml. Not here: the look
itself (look.py), and the order of the causes (causes.py).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from mtls_lab.diagnosis.causes import Cause
from mtls_lab.facts import read_facts

__all__ = ["disproved"]

#: Whose certificate it is decides which purpose it needs; the other one disproves nothing.
OTHER_PURPOSE = {"device": " for servers", "backend": " for clients"}


def disproved(
    causes: Sequence[Cause], found: Collection[str], at_hand: Collection[str], owner: str
) -> tuple[Cause, ...]:
    """Return the causes that the files rule out, in their order.

    Args:
        causes: what may have caused a failure.
        found: the names of what a look into the files has found.
        at_hand: which files could be read: `cert`, `key`, `ca`, `crl`.
        owner: whose certificate it is, "device" or "backend"; `""` if that is not known.

    Example:
        >>> expired, gone = Cause("it has expired", "expired"), Cause("nobody is there")
        >>> disproved([expired, gone], found=(), at_hand={"cert"}, owner="device") == (expired,)
        True
        >>> disproved([expired, gone], found={"expired"}, at_hand={"cert"}, owner="device")
        ()
    """
    foreign = OTHER_PURPOSE.get(owner, "nobody's")
    shown = {name for name in found if not name.endswith(foreign)}
    return tuple(
        cause
        for cause in causes
        if cause.fault in _faults()
        and set(_faults()[cause.fault]["files"]) <= set(at_hand)
        and shown.isdisjoint(_faults()[cause.fault]["looks"])
    )


@cache
def _faults() -> dict[str, dict[str, Any]]:
    return read_facts("faults")


def in_few_words(cause: Cause) -> str:
    """Return a cause that is in data/faults.toml in few words."""
    said: str = _faults()[cause.fault]["says"]
    return said


def files_for(causes: Sequence[Cause]) -> list[str]:
    """Return which files the causes are read off."""
    needed = {name for cause in causes for name in _faults()[cause.fault]["files"]}
    return [name for name in ("cert", "key", "ca", "crl") if name in needed]

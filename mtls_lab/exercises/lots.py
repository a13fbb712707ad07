"""Whether a function draws from `random`, begun with something that it knows.

Here: watching how the generators are begun. Not here: what a check says of it (part1/seal.py).
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

__all__ = ["draws_lots"]


def draws_lots(function: Callable[[], object]) -> bool:
    """Call a function twice, and return whether it began `random`, or a generator like it.

    Whoever only draws from the module's generator leaves it in two states, for it was begun in two.

    Example:
        >>> draws_lots(lambda: random.Random(b"a key").randbytes(16))
        True
        >>> draws_lots(lambda: random.random())
        False
    """
    usual, state = random.Random.seed, random.getstate()
    begun: list[object] = []
    left = []

    def seed(self: random.Random, start: Any = None, version: int = 2) -> None:
        begun.append(start)
        usual(self, start, version)

    random.Random.seed = seed  # type: ignore[method-assign, assignment]
    try:
        for _ in range(2):
            random.seed(os.urandom(32))  # the module's own is bound to the usual one
            function()
            left.append(random.getstate())
    finally:
        random.Random.seed = usual  # type: ignore[method-assign]
        random.setstate(state)
    return left[0] == left[1] or any(start is not None for start in begun)

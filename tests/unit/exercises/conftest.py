"""How a test hurries a function that waits for ever, and nobody else."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest

from mtls_lab.exercises import call
from mtls_lab.exercises.calling import LIMIT

Function = Callable[..., Any]
#: A function, and how many of its calls end before the one that does not.
Hurry = Callable[[Function, int], Function]


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> Hurry:
    """Let the check stop a function soon, from the call on in which it waits for ever.

    The calls before have the time that a learner's have: a busy machine needs it.
    """

    def soon() -> None:
        monkeypatch.setitem(call.__kwdefaults__ or {}, "limit", LIMIT / 5)

    def hurried(function: Function, calls: int) -> Function:
        if not calls:
            soon()
            return function

        @wraps(function)
        def counted(*arguments: object) -> object:
            nonlocal calls
            try:
                return function(*arguments)
            finally:
                calls -= 1
                if not calls:
                    soon()

        return counted

    return hurried

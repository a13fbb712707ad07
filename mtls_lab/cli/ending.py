"""How a command that runs until Ctrl-C ends: between two lines of its log, and never within one.

Here: signals that are noted, and events that are waited for until one is. Not here: what is done
with an event (serving.py, diagnosing.py).
"""

from __future__ import annotations

import queue
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TypeVar

__all__ = ["TERMINATED", "code_for", "left", "noted", "until"]

#: What a shell reports for a program that SIGTERM ended: 128 and the signal's number.
TERMINATED = 128 + 15
#: Seconds until a signal is seen that came while there was nothing to tell.
SOON = 0.2

Event = TypeVar("Event")


@contextmanager
def noted() -> Iterator[list[int]]:
    """Note the first SIGINT or SIGTERM in the list that is given; a second one ends at once.

    Example:
        >>> with noted() as ends:
        ...     signal.raise_signal(signal.SIGINT)
        ...     ends == [signal.SIGINT]
        True
    """
    ends: list[int] = []
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for each, handler in before.items():
            signal.signal(each, handler)

    def note(number: int, _frame: FrameType | None) -> None:
        ends.append(number)
        restore()

    for each in before:
        signal.signal(each, note)
    try:
        yield ends
    finally:
        restore()


def until(ends: list[int], events: queue.Queue[Event]) -> Iterator[Event]:
    """Give each event as it comes, until a signal was noted."""
    while not ends:
        with suppress(queue.Empty):
            yield events.get(timeout=SOON)


def left(events: queue.Queue[Event]) -> Iterator[Event]:
    """Give the events that nobody has taken yet."""
    with suppress(queue.Empty):
        while True:
            yield events.get_nowait()


def code_for(ends: list[int]) -> int:
    """Return the exit code after these signals. Raises KeyboardInterrupt for Ctrl-C."""
    if signal.SIGINT in ends:
        raise KeyboardInterrupt
    return TERMINATED if ends else 0

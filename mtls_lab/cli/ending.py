"""How a command that runs until Ctrl-C ends: between two lines of its log, and never within one.

Here: signals that are noted, and events that are waited for until one is. Not here: what is done
with an event (serving.py, diagnosing.py).
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, Queue
from types import FrameType
from typing import TypeVar

__all__ = ["TERMINATED", "Events", "code_for", "noted"]

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


class Events(Queue[Event]):
    """Events that threads put here, and that one thread tells.

    While that one listens, a thread waits for room: a terminal that is stopped stops the clients as
    well. Once it is closed nobody waits, so that the threads can end.

    Args:
        maxsize: how many there is room for.

    Example:
        >>> events = Events(2)
        >>> events.put("served")
        >>> events.close()
        >>> [*events.left()]
        ['served']
    """

    def __init__(self, maxsize: int = 1024) -> None:
        super().__init__(maxsize)

    def until(self, ends: list[int]) -> Iterator[Event]:
        """Give each event as it comes, until a signal was noted."""
        while not ends:
            try:
                event = self.get(timeout=SOON)
            except Empty:
                continue
            yield event

    def close(self) -> None:
        """Let nobody wait for room any more."""
        with self.mutex:
            self.maxsize = sys.maxsize
            self.not_full.notify_all()

    def left(self) -> Iterator[Event]:
        """Give the events that nobody has taken yet."""
        while not self.empty():
            yield self.get()


def code_for(ends: list[int]) -> int:
    """Return the exit code after these signals. Raises KeyboardInterrupt for Ctrl-C."""
    if signal.SIGINT in ends:
        raise KeyboardInterrupt
    return TERMINATED if ends else 0

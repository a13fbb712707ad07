"""One deadline for everything that a call does, from the name of the host to the last word.

Here: the clock, and within it the system's resolver and a connection that is being made. Not here:
what is done meanwhile (device.py, relay.py, diagnosing/).
"""

from __future__ import annotations

import math
import os
import selectors
import socket
import threading
import time
from contextlib import suppress

__all__ = ["LEAST", "LONGEST", "Clock", "addresses", "await_connection"]

#: How long the system's resolver may take.
RESOLVE = 10.0
#: To a socket, a time-out of 0 means something else: that it never waits.
LEAST = 0.001
#: The longest time-out that a caller may give, in seconds: eleven days. The system counts
#: milliseconds, and for some waits in 31 bits.
LONGEST = 1_000_000


class Clock:
    """One deadline for everything.

    Args:
        seconds: until then.

    Example:
        >>> 0 < Clock(5).at_most(2) <= 2
        True
        >>> Clock(0).over
        True
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def rest(self) -> float:
        """The seconds that are left; not more than 0 where none are."""
        return self._end - time.monotonic()

    @property
    def over(self) -> bool:
        """Whether no time is left."""
        return self.rest <= 0

    @property
    def left(self) -> float:
        """The seconds that are left, as a time-out for a socket: never 0."""
        return self.at_most(math.inf)

    def at_most(self, seconds: float) -> float:
        """Return so many seconds, or what is left of them."""
        return max(min(seconds, self.rest), LEAST)

    def within(self, seconds: float) -> Clock:
        """Return a deadline of its own, so many seconds from now and not later than this one."""
        return Clock(self.at_most(seconds))


def addresses(
    host: str, port: int, clock: Clock, family: int = socket.AF_UNSPEC
) -> list[tuple[int, tuple[str, int]]]:
    """Resolve a host, within the deadline: families and addresses, those to prefer first.

    An IPv6 address keeps its zone, as a number: `fe80::1%2` (RFC 4007, section 11).

    Raises:
        OSError: it has no address, or there is no such port; TimeoutError: nobody said so in time.
    """
    if not 0 <= port <= 0xFFFF:  # a resolver may take it, and give another one
        raise OSError(f"there is no port {port}")
    with suppress(OSError, UnicodeError):  # a number needs nobody's answer
        return _resolved(host, port, family, socket.AI_NUMERICHOST)
    found: list[tuple[int, tuple[str, int]]] = []
    errors: list[OSError] = []

    def resolve() -> None:
        try:
            found.extend(_resolved(host, port, family, 0))
        except (OSError, UnicodeError) as error:  # a label that is too long, say
            errors.append(error if isinstance(error, OSError) else OSError(str(error)))

    # The resolver of the system knows no deadline of ours.
    thread = threading.Thread(target=resolve, name="lab resolver", daemon=True)
    thread.start()
    thread.join(clock.at_most(RESOLVE))
    if errors:
        raise errors[0]
    if not found:
        raise TimeoutError(f"no answer about {host}")
    return found


def _resolved(host: str, port: int, family: int, flags: int) -> list[tuple[int, tuple[str, int]]]:
    said = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, flags)
    each = [(kind, (_with_zone(*address), int(address[1]))) for kind, _, _, _, address in said]
    return list(dict.fromkeys(each))


def _with_zone(host: str | int, _port: str | int, _flow: int = 0, zone: int = 0) -> str:
    return f"{host}%{zone}" if zone else str(host)


def await_connection(connection: socket.socket, clock: Clock) -> None:
    """Wait until a connection that has begun is made. Raises OSError: it is not."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_WRITE)
        if not selector.select(clock.left):
            raise TimeoutError("timed out")
    if error := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(error, os.strerror(error))
    connection.getpeername()  # raises where it was ended meanwhile
    connection.settimeout(clock.left)

"""When each side believes that it is connected, by the messages of its handshake.

Here: from a Handshake to flags. Not here: how a flag looks (rungs.py).

A side may send application data once it has sent its own Finished, and has received and verified
the other's (RFC 8446, section 4.4.4; RFC 5246, section 7.3). So whoever sends its Finished second
is connected with it; the other is connected when that message reaches it.
"""

from __future__ import annotations

from dataclasses import dataclass

from mtls_lab.wire.handshake import Handshake, Message
from mtls_lab.wire.records import Direction

__all__ = ["Flag", "flags"]

#: What a side says to a Finished that does not fit (RFC 8446, sections 4.4.4 and 6.2). Another
#: alert after it is about what came later: a record that was changed, or a connection cut short.
DENIAL = "decrypt_error"


@dataclass(frozen=True, slots=True)
class Flag:
    """A side believes from here on that it is connected.

    Attributes:
        side: "device" or "backend".
        after: the number of the message after which it does, from 0.
        mistaken: whether the other side never came to believe it.
    """

    side: str
    after: int
    mistaken: bool = False


def flags(handshake: Handshake) -> tuple[Flag, ...]:
    """Return the flags of a handshake, in the order in which they go up: none, one or two.

    Where only one end was watched, the other's flag is left out unless what it sent proves it.

    Example:
        >>> first = Message("Finished", Direction.TO_DEVICE, 36, encrypted=True)
        >>> second = Message("Finished", Direction.TO_BACKEND, 36, encrypted=True, arrived=False)
        >>> flags(Handshake((first, second)))
        (Flag(side='device', after=1, mistaken=True),)
    """
    messages = handshake.messages
    first = _finished(messages, 0)
    if first is None:
        return ()
    way = messages[first].direction
    second = _finished(messages, first + 1, other_than=way)
    # Who sent the first Finished was believed only if the other one went on with its own.
    if second is None or not messages[first].arrived:
        return ()
    last = _side(messages[second].direction)
    verified = _verified(handshake, second)
    if verified is None:
        refused = any(each.fatal for each in messages[second:])
        return (Flag(last, second, mistaken=handshake.both_ends or refused),)
    return Flag(last, second), Flag(_side(way), verified)


def _finished(
    messages: tuple[Message, ...], start: int, other_than: Direction | None = None
) -> int | None:
    for number, message in enumerate(messages[start:], start):
        if message.name == "Finished" and message.direction is not other_than:
            return number
    return None


def _side(sender: Direction) -> str:
    return "device" if sender is Direction.TO_BACKEND else "backend"


def _verified(handshake: Handshake, second: int) -> int | None:
    """After which message the receiver of the second Finished has found it good."""
    sender = handshake.messages[second].direction
    if not handshake.messages[second].arrived:
        return None
    for number, message in enumerate(handshake.messages[second + 1 :], second + 1):
        if message.direction is sender or message.alert == "close_notify":
            continue
        if message.fatal:
            return second if handshake.both_ends and message.alert != DENIAL else None
        # It goes on: with a NewSessionTicket, which TLS 1.3 sends after the handshake.
        return second if handshake.both_ends else number
    return second if handshake.both_ends else None

"""The ladder: two life lines, a rung for each message, a flag where a side believes.

Here: from a Handshake to HTML, and when a side believes that it is connected. Not here: what a
message says (saying.py), how it looks (look.py).

A side may send application data once it has sent its own Finished, and has received and verified
the other's (RFC 8446, section 4.4.4; RFC 5246, section 7.3). So whoever sends its Finished second
is connected with it; the other is connected when that message reaches it. Each rung is a
`<details>`, so it opens by mouse and keyboard without a script.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from mtls_lab.drawing import BAD, actor, actor_of, breakable, escape, varying
from mtls_lab.wire.handshake import RESUMED, Handshake, Message
from mtls_lab.wire.ladder.look import Look, style
from mtls_lab.wire.ladder.saying import sentence, tell
from mtls_lab.wire.names import CLOSURE_ALERTS
from mtls_lab.wire.records import Direction

__all__ = ["Flag", "caption", "draw", "flags", "keys"]


# --- When a side believes

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
        if message.direction is sender or message.alert in CLOSURE_ALERTS:
            continue
        if message.fatal:
            return second if handshake.both_ends and message.alert != DENIAL else None
        # It goes on: with a NewSessionTicket, which TLS 1.3 sends after the handshake.
        return second if handshake.both_ends else number
    return second if handshake.both_ends else None


# --- What is drawn


def keys(handshake: Handshake) -> list[str]:
    """Return a key for each message, the same in every handshake with such a message.

    Example:
        >>> hello = Message("ClientHello", Direction.TO_BACKEND, 500, encrypted=False)
        >>> keys(Handshake((hello, hello)))
        ['device-ClientHello-1', 'device-ClientHello-2']
    """
    seen = Counter[str]()
    found = []
    for message in handshake.messages:
        name = f"{_side(message.direction)}-{'Alert' if message.alert else message.name}"
        seen[name] += 1
        found.append(f"{name}-{seen[name]}")
    return found


def draw(
    handshake: Handshake,
    *,
    told: Collection[str] | None = None,
    inline: bool = False,
    moving: bool = True,
    page: str = "",
    empty: str = "No message was noted. Call watch(context) on both contexts, then ask again.",
) -> str:
    """Return the ladder as HTML.

    Args:
        handshake: the messages.
        told: the keys of the rungs that hold what their message says; None for all. The others
            hold a sentence, wait for the rest (`data-waits`), and `tell` has it.
        inline: whether it brings its style with it, for a cell, a converted page, GitHub. Without
            that, the page needs `style()` once.
        moving: whether it draws itself, message by message, for whoever has not asked for less
            motion.
        page: tells this ladder from others on the page.
        empty: what is said where there is no message.
    """
    look = Look(inline)
    if not handshake.messages:
        return f"<p>{escape(empty)}</p>"
    raised = flags(handshake)
    rows, place = [], 0
    for number, (key, message) in enumerate(zip(keys(handshake), handshake.messages, strict=True)):
        body = tell(message, f"{page}{key}", look) if told is None or key in told else ""
        rows.append(_rung(message, key, body, place, look, handshake.device))
        place += 1
        for flag in raised:
            if flag.after == number:
                place += 1
                rows.append(_flag(flag, place, look, handshake.device))
                place += 2
    count = len(handshake.messages)
    kind = "Resumed handshake" if handshake.resumed else "Handshake"
    own = actor_of(handshake.device).colour
    line = f"border-left-color:{own}" * (handshake.device != "device")
    named = f' data-ladder="{escape(page)}"' if told is not None else ""
    sheet = varying(f"<style>{style()}</style>") if inline else ""
    return "".join(
        [
            f"<div {look('ladder', *['moves'] * moving)}{named}>{sheet}",
            f"<div {look('heads')}>{actor(handshake.device)}{actor('backend')}</div>",
            f'<ol {look("rungs", style=line)} aria-label="{kind} with {count} messages">',
            f"{''.join(rows)}</ol>",
            f"<p {look('caption')}>{escape(caption(handshake))}</p></div>",
        ]
    )


def caption(handshake: Handshake) -> str:
    """Say in a sentence or two what the flags show."""
    raised = flags(handshake)
    names = {"device": handshake.device, "backend": "backend"}
    parts = []
    if len(raised) == 2:
        first, second = (names[each.side] for each in raised)
        parts.append(
            f"The {first} is connected once it has sent its Finished, the {second} once it has "
            "verified that one."
        )
    elif raised and raised[0].mistaken:
        other = "backend" if raised[0].side == "device" else handshake.device
        parts.append(
            f"The {names[raised[0].side]} believes that it is connected once it has sent its "
            f"Finished. The {other} never was."
        )
    elif raised:
        parts.append("One end alone was watched, so nobody knows what the other believes.")
    elif any(message.fatal for message in handshake.messages):
        parts.append("Neither side ever believes that it is connected.")
    if handshake.resumed:
        parts.append(f"{RESUMED.strip()[0].upper()}{RESUMED.strip()[1:]}.")
    parts.append("{…} is encrypted on the wire. Open a message to read it.")
    return " ".join(parts)


def _rung(message: Message, key: str, body: str, place: int, look: Look, device: str) -> str:
    up = message.direction is Direction.TO_BACKEND
    sender, receiver = (device, "backend") if up else ("backend", device)
    colour = BAD if message.fatal else actor_of(sender).colour
    shown = (message.alert or message.name) if message.fatal else message.name
    name = f"{{{shown}}}" if message.encrypted else shown
    marks = [" (empty)"] * message.empty + [" (never read)"] * (not message.arrived)
    sign = "⚠ " * message.fatal
    weight = f"color:{BAD};font-weight:700" if message.fatal else ""
    shaft = (
        f"<span {look('secret' if message.encrypted else 'shaft', style=f'color:{colour}')}></span>"
    )
    end = ("▶" if up else "◀") if message.arrived else "✕"
    head = f'<span aria-hidden="true" style="color:{colour}">{end}</span>'
    gap = "" if message.arrived else f"<span {look('gap')}></span>"
    label = (
        f"<span {look('name', style=weight)}>{sign}{breakable(name + ''.join(marks))}</span>"
        f'<span aria-hidden="true" {look("more")}>▸</span>'
    )
    parts = [shaft, label, shaft, head, gap] if up else [gap, head, shaft, label, shaft]
    spoken = f"{sender} to {receiver}: {message.name}, " + (
        "encrypted" if message.encrypted else "in clear"
    )
    about = f"<p>{escape(sentence(message))}</p>" if sentence(message) else ""
    waits = " data-waits" * (not body)
    said = varying(body) if body else ""
    return (
        f"<li {look('rung', 'up' if up else 'down', style=f'--i:{place}')}>"
        f'<details data-key="{escape(key)}">'
        f'<summary {look("call")} aria-label="{escape(spoken + "".join(marks))}"{look.keys}>'
        f"{''.join(parts)}</summary>"
        f"<div {look('said')}{waits}>{about}{said}</div></details></li>"
    )


def _flag(flag: Flag, place: int, look: Look, name: str) -> str:
    device = flag.side == "device"
    words = "connected, it believes" if flag.mistaken else "connected"
    who = name if device else "backend"
    colour = actor_of(who).colour
    where = "justify-content:flex-start" if device else "justify-content:flex-end"
    edge = f"border-left:.3em solid {colour};" if device else f"border-right:.3em solid {colour};"
    text = f"⚑ {who}: {words}"
    return (
        f"<li {look('flag', style=f'{where};--i:{place}')}>"
        f'<span style="{edge}padding:0 .5em">{text}</span></li>'
    )

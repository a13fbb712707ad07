"""The ladder: two life lines, a rung for each message, a flag where a side believes.

Here: from a Handshake to HTML. Not here: when a side believes (belief.py), what a message says
(saying.py), how it looks (look.py).

Each rung is a `<details>`, so it opens by mouse and keyboard without a script.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from mtls_lab.drawing import ACTORS, BAD, actor, breakable, escape, varying
from mtls_lab.wire.handshake import RESUMED, Handshake, Message
from mtls_lab.wire.ladder.belief import Flag, flags
from mtls_lab.wire.ladder.look import Look, style
from mtls_lab.wire.ladder.saying import sentence, tell
from mtls_lab.wire.records import Direction

__all__ = ["caption", "draw", "keys"]


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
        name = f"{_sender(message)}-{'Alert' if message.alert else message.name}"
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
        rows.append(_rung(message, key, body, place, look))
        place += 1
        for flag in raised:
            if flag.after == number:
                place += 1
                rows.append(_flag(flag, place, look))
                place += 2
    count = len(handshake.messages)
    kind = "Resumed handshake" if handshake.resumed else "Handshake"
    named = f' data-ladder="{escape(page)}"' if told is not None else ""
    sheet = varying(f"<style>{style()}</style>") if inline else ""
    return "".join(
        [
            f"<div {look('ladder', *['moves'] * moving)}{named}>{sheet}",
            f"<div {look('heads')}>{actor('device')}{actor('backend')}</div>",
            f'<ol {look("rungs")} aria-label="{kind} with {count} messages">{"".join(rows)}</ol>',
            f"<p {look('caption')}>{escape(caption(handshake))}</p></div>",
        ]
    )


def caption(handshake: Handshake) -> str:
    """Say in a sentence or two what the flags show."""
    raised = flags(handshake)
    parts = []
    if len(raised) == 2:
        first, second = (each.side for each in raised)
        parts.append(
            f"The {first} is connected once it has sent its Finished, the {second} once it has "
            "verified that one."
        )
    elif raised and raised[0].mistaken:
        other = "backend" if raised[0].side == "device" else "device"
        parts.append(
            f"The {raised[0].side} believes that it is connected once it has sent its Finished. "
            f"The {other} never does."
        )
    elif raised:
        parts.append("One end alone was watched, so nobody knows what the other believes.")
    elif any(message.fatal for message in handshake.messages):
        parts.append("Neither side ever believes that it is connected.")
    if handshake.resumed:
        parts.append(f"{RESUMED.strip()[0].upper()}{RESUMED.strip()[1:]}.")
    parts.append("{…} is encrypted on the wire. Open a message to read it.")
    return " ".join(parts)


def _sender(message: Message) -> str:
    return "device" if message.direction is Direction.TO_BACKEND else "backend"


def _rung(message: Message, key: str, body: str, place: int, look: Look) -> str:
    up = message.direction is Direction.TO_BACKEND
    sender, receiver = ("device", "backend") if up else ("backend", "device")
    colour = BAD if message.fatal else ACTORS[sender].colour
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


def _flag(flag: Flag, place: int, look: Look) -> str:
    device = flag.side == "device"
    words = "connected, it believes" if flag.mistaken else "connected"
    colour = ACTORS[flag.side].colour
    where = "justify-content:flex-start" if device else "justify-content:flex-end"
    edge = f"border-left:.3em solid {colour};" if device else f"border-right:.3em solid {colour};"
    text = f"⚑ {flag.side}: {words}"
    return (
        f"<li {look('flag', style=f'{where};--i:{place}')}>"
        f'<span style="{edge}padding:0 .5em">{text}</span></li>'
    )

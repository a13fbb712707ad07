"""The handshake ladder: the messages of one connection, drawn as an SVG.

Here: a pure function from a Handshake to a picture, and a sentence for each message. Not here:
widgets (credential.py).
"""

from __future__ import annotations

import html
from functools import cache

from mtls_lab.facts import read_facts
from mtls_lab.wire import Direction, Handshake, Message

__all__ = ["draw", "sentence"]

# Measures in pixels. Narrow, so that the text keeps its size on a telephone.
WIDTH, LEFT, RIGHT, ROW, TOP = 256, 12, 244, 27, 34


@cache
def _sentences() -> dict[str, str]:
    return read_facts("messages")


def sentence(message: Message) -> str:
    """Say what a message is for, and what is special about this one.

    Example:
        >>> print(sentence(Message("ServerHelloDone", Direction.TO_DEVICE, 4, encrypted=False)))
        ServerHelloDone, backend to device, in clear. The backend has nothing more to say (TLS 1.2).
    """
    way = "device to backend" if message.direction is Direction.TO_BACKEND else "backend to device"
    seen = "encrypted" if message.encrypted else "in clear"
    name = message.name if message.alert is None else "Alert"
    parts = [f"{message.name}, {way}, {seen}.", _sentences().get(name, "")]
    if message.empty:
        parts.append("This one is empty: the sender has no certificate to present.")
    if message.compressed:
        parts.append("It came compressed, as a CompressedCertificate (RFC 8879).")
    if not message.arrived:
        parts.append("The other side never read it: it had stopped already.")
    return " ".join(part for part in parts if part)


def draw(handshake: Handshake, step: int | None = None) -> str:
    """Return the ladder as an SVG element.

    Args:
        handshake: the messages; without any, the picture says so.
        step: which message to point at, from 0; those after it are faint. None shows all.
    """
    messages = handshake.messages
    height = TOP + ROW * max(len(messages), 1) + 8
    kind = "Resumed handshake" if handshake.resumed else "Handshake"
    label = f"{kind} with {len(messages)} messages; the text below names them."
    parts = [
        f'<svg class="lab-ladder" role="img" aria-label="{label}" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" style="max-width:100%">',
        f'<text class="side" x="{LEFT - 10}" y="16">device</text>'
        f'<text class="side" x="{RIGHT + 10}" y="16" text-anchor="end">backend</text>',
        *(
            f'<line class="life" x1="{x}" y1="22" x2="{x}" y2="{height - 4}"/>'
            for x in (LEFT, RIGHT)
        ),
    ]
    for number, message in enumerate(messages):
        parts.append(_rung(message, TOP + ROW * number, number, step))
    if not messages:
        parts.append(f'<text x="{WIDTH // 2}" y="{TOP + 14}" text-anchor="middle">no TLS</text>')
    return "".join([*parts, "</svg>"])


def _rung(message: Message, top: int, number: int, step: int | None) -> str:
    away = message.direction is Direction.TO_BACKEND
    start, end = (LEFT, RIGHT) if away else (RIGHT, LEFT)
    forward = 1 if away else -1
    y = top + 20
    kinds = []
    if message.empty or _is_fatal(message):
        kinds.append("odd")
    if not message.arrived:
        kinds.append("unread")
        end -= 46 * forward
    if step is not None and number > step:
        kinds.append("later")
    if step == number:
        kinds.append("now")
    name = f"{{{message.name}}}" if message.encrypted else message.name
    marks = " (empty)" * message.empty + " (compressed)" * message.compressed
    text = ("⚠ " * _is_fatal(message)) + name.replace("Alert ", "") + marks
    head = f"M{end - 7 * forward},{y - 4} L{end},{y} L{end - 7 * forward},{y + 4}"
    if not message.arrived:
        head = f"M{end - 4},{y - 4} L{end + 4},{y + 4} M{end - 4},{y + 4} L{end + 4},{y - 4}"
    box = f'<rect x="2" y="{top}" width="{WIDTH - 4}" height="{ROW}" rx="4"/>' * (step == number)
    return (
        f'<g class="{" ".join(kinds)}">{box}'
        f'<text x="{(start + end) // 2}" y="{y - 5}" text-anchor="middle">'
        f"{html.escape(text)}</text>"
        f'<line class="{"secret" if message.encrypted else "clear"}" x1="{start}" y1="{y}" '
        f'x2="{end}" y2="{y}"/><path d="{head}"/></g>'
    )


def _is_fatal(message: Message) -> bool:
    return message.alert not in (None, "close_notify")

"""Both ends of an exchange side by side, and what an explanation says, as HTML.

Here: pure functions, for every panel that runs an exchange. Not here: widgets; what a failure
means (diagnosis/explanation.py).
"""

from __future__ import annotations

from mtls_lab.diagnosis import Explanation
from mtls_lab.panels.base import escape, field, mark
from mtls_lab.wire import Side

__all__ = ["both_sides", "reasons"]


def both_sides(*sides: tuple[str, Side | str]) -> str:
    """Return each side's view under its title; a text for one that is not known."""
    parts = (f"<div><h5>{escape(title)}</h5>{_side(side)}</div>" for title, side in sides)
    return f"<div class='lab-sides'>{''.join(parts)}</div>"


def _side(side: Side | str) -> str:
    """How far one side came, stage by stage, and the exact error."""
    if isinstance(side, str):
        return mark(None, f"It {side}.")
    rows = []
    if side.version:
        resumed = ", resumed: no certificate was shown" * side.reused
        rows.append(("Handshake", f"done, {side.version}{resumed}"))
    if side.peer:
        rows.append(("Talks to", side.peer))
    if side.received:
        rows.append(("Received", ", ".join(side.received)))
    if side.failure:
        reason, text = side.failure.reason, side.failure.text
        if reason not in text:  # the words of this release, behind the name that all share
            text = f"{reason} ({text})" if text else reason
        rows.append((f"Failed: {side.stage.value}", f"{side.failure.error}: {text}"))
    return field(rows or [("Connection", "it opened and ended, and nothing was said")])


def reasons(explanation: Explanation) -> str:
    """Return what happened, why, where, what to do and how to check it, as a list."""
    rows = [
        ("What happened", explanation.what),
        ("Why", explanation.why),
        ("Where", explanation.where),
        ("What to do", explanation.fix),
        ("Check with", explanation.command),
    ]
    return field((name, text) for name, text in rows if text)

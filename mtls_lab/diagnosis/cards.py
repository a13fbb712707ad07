"""What an explanation says, as lines and as a card.

Here: the two forms of an `Explanation`. Not here: what it says (explanation.py).
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtls_lab.diagnosis.explanation import Explanation

__all__ = ["explained", "indented", "reasons"]

#: Letters in a line, which fit a terminal, and a cell of JupyterLab beside the list of files.
WIDTH = 80
#: What is copied, or compared with what somebody has: on one line, however long.
WHOLE = frozenset({"Says", "Check"})


def indented(label: str, text: str) -> str:
    """Return a label and a text whose further lines begin below its first word.

    Example:
        >>> print(indented("Why", "It is long. " * 8))
        Why:   It is long. It is long. It is long. It is long. It is long. It is long.
               It is long. It is long.
    """
    head = f"{label + ':':<6} "
    if label in WHOLE:
        return head + text
    lines = text.split("\n")
    folded = [
        textwrap.fill(line, WIDTH - len(head), break_long_words=False, break_on_hyphens=False)
        for line in lines
    ]
    return head + textwrap.indent("\n".join(folded), " " * len(head)).lstrip(" ")


def explained(explanation: Explanation) -> str:
    """Return an explanation as a card, whose head says who refused whom."""
    from mtls_lab.drawing import card, escape, side_by_side  # noqa: PLC0415 - a line needs none

    head = f"<b>{escape(explanation.who)}</b>"
    return side_by_side(card(head, reasons(explanation)))


def reasons(explanation: Explanation) -> str:
    """Return what happened, why, where, what to do and how to check it, as a list."""
    from mtls_lab.drawing import code, definitions  # noqa: PLC0415 - a line needs none

    stack = f"{explanation.stack}: " * bool(explanation.stack and explanation.says)
    rows = [
        ("It says", stack + explanation.says),
        ("What happened", explanation.what),
        ("Why", explanation.why),
        ("Where", explanation.where),
        ("What to do", explanation.fix),
        ("Files", "; ".join(explanation.files)),
    ]
    listed = definitions((name, text) for name, text in rows if text)
    return listed + (code(explanation.command) if explanation.command else "")

"""What an explanation says, as lines and as a card.

Here: the two forms of an `Explanation`. Not here: what it says (explanation.py).
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtls_lab.diagnosis.explanation import Explanation

__all__ = ["explained", "folded", "reasons"]

#: Letters in a line, which fit a terminal.
WIDTH = 80
#: How wide a label is, with its colon and the blanks after it.
LABEL = 7
#: What is copied, or compared with what somebody has: on one line, however long.
WHOLE = frozenset({"Says", "Check"})


def folded(explanation: object, width: int = WIDTH) -> str:
    """Return an explanation for a terminal: lines that are longer go on below their first word.

    Example:
        >>> print(folded("Why:   " + "It is long. " * 8))
        Why:   It is long. It is long. It is long. It is long. It is long. It is long.
               It is long. It is long.
    """
    lines = []
    for line in str(explanation).splitlines():
        label = line.partition(":")[0]
        lines += [line] if label in WHOLE else _fold(line, width)
    return "\n".join(lines)


def _fold(line: str, width: int) -> list[str]:
    return textwrap.wrap(
        line.rstrip(),
        width,
        subsequent_indent=" " * LABEL,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )


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
        ("Not", explanation.ruled_out),
        ("Where", explanation.where),
        ("What to do", explanation.fix),
        ("Files", "; ".join(explanation.files)),
    ]
    listed = definitions(((name, text) for name, text in rows if text), sentences=True)
    return listed + (code(explanation.command) if explanation.command else "")

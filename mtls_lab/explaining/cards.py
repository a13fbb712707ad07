"""What an explanation says, as lines and as a card.

Here: the two forms of an `Explanation`. Not here: what it says (explanation.py).
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtls_lab.explaining.explanation import Explanation

__all__ = ["explained", "fold", "folded", "reasons"]

#: Letters in a line, which fit a terminal.
WIDTH = 80
#: How wide a label is, with its colon and the blanks after it.
LABEL = 7
#: What is copied, or compared with what somebody has: on one line, however long.
WHOLE = frozenset({"Says", "Check"})
#: Before a part of a numbered list, as `in_words` makes one.
LISTED = re.compile(r"(?<=[:;]) (?=\(\d\d?\) )")


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
        lines += [line] if label in WHOLE else fold(line, width, LABEL)
    return "\n".join(lines)


def fold(line: str, width: int, indent: int) -> list[str]:
    """Return a line as lines that fit, each part of a numbered list in it on lines of its own.

    Example:
        >>> for each in fold("Why:   One of these: (1) it expired; (2) its key is weak.", 25, 7):
        ...     print(each)
        Why:   One of these:
               (1) it expired;
               (2) its key is
                   weak.
    """
    first, *rest = LISTED.split(line.rstrip())
    found = _wrapped(first, width, "", " " * indent)
    for each in rest:
        below = indent + len(each.partition(" ")[0]) + 1
        found += _wrapped(each, width, " " * indent, " " * below)
    return found


def _wrapped(text: str, width: int, begin: str, on: str) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=begin,
        subsequent_indent=on,
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

"""Text on a screen: what is foreign made harmless, and the box around a result.

Here: the one way in which text of a peer, a certificate or somebody else's file is made harmless,
wherever it is shown. Not here: what a line of the protocol may hold (wire/protocol.py).
"""

import html
from collections.abc import Iterable

__all__ = ["coloured_box", "printable"]


def printable(text: str) -> str:
    r"""Return a text on one line, in which every character is one that can be seen.

    Line breaks, control characters and marks that turn the reading direction round are shown as
    their code points.

    Example:
        >>> print(printable("trusted\nclient\x1b[31m"))
        trusted\u000aclient\u001b[31m
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def coloured_box(lines: Iterable[str], colour: str, **data: str) -> str:
    """Return lines of HTML in a box with a coloured edge, as Jupyter shows a result.

    Args:
        lines: each of them escaped.
        colour: "success", "warn", "error" or "border", in the colours of the page's theme.
        data: data attributes by their names, such as `testid="check-fetch"`.
    """
    named = "".join(f' data-{name}="{html.escape(value)}"' for name, value in data.items())
    style = f"border-left: 5px solid var(--jp-{colour}-color1, currentColor); padding: 2px 10px"
    style += "; overflow-wrap: anywhere"  # OpenSSL's names are long, and a telephone is not
    return f'<div role="status"{named} style="{style}">{"<br>".join(lines)}</div>'

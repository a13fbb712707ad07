"""Cards, verdicts and lists of names and values, as HTML with inline styles.

Here: the forms. Not here: what is written on them, and tables (tables.py).

Cards stand side by side, and below each other where the page is narrow. No rule of a style sheet
is needed for it: each has a width that it would like, and wraps.
"""

from collections.abc import Iterable

from mtls_lab.drawing.colours import BAD, EDGE, GOOD
from mtls_lab.drawing.words import breakable, escape

__all__ = ["beside", "box", "card", "definitions", "side_by_side", "verdict"]

#: A long word is broken rather than cut off; a short one never is.
_FOLDED = "min-width:0;overflow-wrap:break-word"
_SIGNS = {True: "✓ ", False: "✗ ", None: ""}
_EDGES = {True: GOOD, False: BAD, None: EDGE}


def card(head: str, body: str, *, good: bool | None = None, colour: str = "") -> str:
    """Return a card.

    Args:
        head: HTML, such as the tag of an actor.
        body: HTML.
        good: the colour of its edge. Its words have to say the same.
        colour: another one for its edge, of colours.py.
    """
    style = f"flex:1 1 17em;{_FOLDED};border:1px solid {EDGE};border-left:5px solid"
    return (
        f'<div style="{style} {colour or _EDGES[good]};border-radius:4px;padding:5px 10px">'
        f"<div>{head}</div>{body}</div>"
    )


def side_by_side(*cards: str) -> str:
    """Return cards in a row, which is a column where the page is narrow."""
    style = "display:flex;flex-wrap:wrap;gap:8px;max-width:960px;margin:4px 0"
    return f'<div style="{style}">{"".join(cards)}</div>'


def beside(first: str, second: str) -> str:
    """Return two parts of a page beside each other, without an edge; narrow, the first is above."""
    parts = "".join(
        f'<div style="flex:1 1 {width};{_FOLDED}">{part}</div>'
        for width, part in (("24em", first), ("16em", second))
    )
    return f'<div style="display:flex;flex-wrap:wrap;gap:4px 24px;max-width:960px">{parts}</div>'


def verdict(good: bool | None, text: str, *, kind: str = "") -> str:  # noqa: FBT001 - a verdict
    """Return a line with a sign, a text, which is escaped, and a colour that repeats them.

    Args:
        good: None is neither good nor bad.
        text: what is said.
        kind: its class, for a style sheet.

    Example:
        >>> verdict(True, "served").endswith("✓ served</p>")
        True
    """
    style = f"font-weight:600;border-left:5px solid {_EDGES[good]};padding:2px 10px;margin:6px 0"
    named = f' class="{kind}"' if kind else ""
    return f'<p{named} style="{style}">{_SIGNS[good]}{breakable(text)}</p>'


def definitions(rows: Iterable[tuple[str, str]], *, sentences: bool = False) -> str:
    """Return names and values as a list; both are escaped.

    Args:
        rows: each name with its value.
        sentences: the values are long: where the page is narrow, each goes below its name.

    Example:
        >>> definitions([("Version", "TLSv1.3")]).count("<dt")
        1
    """
    # JupyterLab lets both float, in a fifth of the width and the rest.
    name, value, layout = (
        "",
        "",
        "display:grid;grid-template-columns:fit-content(38%) minmax(0,1fr)",
    )
    if sentences:
        name = ";flex:0 0 9.5em"
        value = ";flex:1 1 calc(100% - 11em);min-width:min(15em,100%)"
        layout = "display:flex;flex-wrap:wrap"
    items = "".join(
        f'<dt style="font-weight:600;float:none;width:auto{name}">{escape(term)}</dt>'
        f'<dd style="margin:0;float:none;width:auto{value}">{breakable(text)}</dd>'
        for term, text in rows
    )
    return f'<dl style="{layout};gap:2px 12px;{_FOLDED};margin:4px 0">{items}</dl>'


def box(lines: Iterable[str], colour: str, **data: str) -> str:
    """Return lines of HTML in a box with a coloured edge, as a check shows its result.

    Args:
        lines: each of them escaped.
        colour: of colours.py.
        data: data attributes by their names, such as `testid="check-fetch"`.
    """
    named = "".join(f' data-{name}="{escape(value)}"' for name, value in data.items())
    style = f"border-left:5px solid {colour};padding:2px 10px"
    style += ";overflow-wrap:anywhere"  # OpenSSL's names are long, and a telephone is not
    return f'<div role="status"{named} style="{style}">{"<br>".join(lines)}</div>'

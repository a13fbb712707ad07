"""What stands by itself: cards, verdicts, boxes, lists of names and values, tables.

Here: the forms, with inline styles. Not here: what is written on them.

Cards stand side by side, and below each other where the page is narrow. No rule of a style sheet
is needed for it: each has a width that it would like, and wraps.
"""

import re
from collections.abc import Iterable

from mtls_lab.drawing.inline import BAD, EDGE, GOOD, breakable, escape

__all__ = ["beside", "box", "card", "definitions", "side_by_side", "table", "verdict"]

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
        colour: another one for its edge, such as GOOD.
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
    name = value = ""
    layout = "display:grid;grid-template-columns:fit-content(38%) minmax(0,1fr)"
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
        colour: such as GOOD.
        data: data attributes by their names, such as `testid="check-fetch"`.
    """
    named = "".join(f' data-{name}="{escape(value)}"' for name, value in data.items())
    style = f"border-left:5px solid {colour};padding:2px 10px"
    style += ";overflow-wrap:anywhere"  # OpenSSL's names are long, and a telephone is not
    return f'<div role="status"{named} style="{style}">{"<br>".join(lines)}</div>'


#: Between the words of a name such as CreatePrimary, where a heading may be broken.
_HUMP = re.compile(r"(?<=[a-z_])(?=[A-Z])")


def table(
    columns: Iterable[str],
    rows: Iterable[tuple[str, Iterable[str]]],
    *,
    kind: str = "",
    caption: str = "",
) -> str:
    """Return a table in HTML with a heading for each column and each row.

    Args:
        columns: their headings.
        rows: the heading of each, and its cells, which are HTML: `<td role="cell">…</td>`.
        kind: the class of the table, for a style.
        caption: what it is about.

    Example:
        >>> table(["TLS"], [("Clone", ['<td role="cell">✗</td>'])]).count("scope")
        2
    """
    # The roles are those of a table anyway, but for a phone, where a style makes it a list.
    heads = "".join(_heading(column, "columnheader", "col") for column in columns)
    lines = "".join(
        f'<tr role="row">{_heading(heading, "rowheader", "row")}{"".join(cells)}</tr>'
        for heading, cells in rows
    )
    named = f' class="{kind}"' if kind else ""
    about = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (
        f'<table role="table"{named}>{about}<thead role="rowgroup"><tr role="row">'
        f'<td role="cell"></td>{heads}</tr></thead><tbody role="rowgroup">{lines}</tbody></table>'
    )


def _heading(text: str, role: str, scope: str) -> str:
    words = _HUMP.sub("<wbr>", escape(text))
    return f'<th role="{role}" scope="{scope}">{words}</th>'

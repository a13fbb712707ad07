"""Text on a screen: what is foreign made harmless, the box around a result, and a table.

Here: the one way in which text of a peer, a certificate or somebody else's file is made harmless,
wherever it is shown. Not here: what a line of the protocol may hold (wire/protocol.py).
"""

from collections.abc import Iterable

__all__ = ["coloured_box", "html_table", "printable"]


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
    named = "".join(f' data-{name}="{_escape(value)}"' for name, value in data.items())
    style = f"border-left: 5px solid var(--jp-{colour}-color1, currentColor); padding: 2px 10px"
    style += "; overflow-wrap: anywhere"  # OpenSSL's names are long, and a telephone is not
    return f'<div role="status"{named} style="{style}">{"<br>".join(lines)}</div>'


def html_table(
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
        >>> html_table(["TLS"], [("Clone", ['<td role="cell">✗</td>'])]).count("scope")
        2
    """
    # The roles are those of a table anyway, but for a phone, where a style makes it a list.
    heads = "".join(_heading(column, "columnheader", "col") for column in columns)
    lines = "".join(
        f'<tr role="row">{_heading(heading, "rowheader", "row")}{"".join(cells)}</tr>'
        for heading, cells in rows
    )
    named = f' class="{kind}"' if kind else ""
    about = f"<caption>{_escape(caption)}</caption>" if caption else ""
    return (
        f'<table role="table"{named}>{about}<thead role="rowgroup"><tr role="row">'
        f'<td role="cell"></td>{heads}</tr></thead><tbody role="rowgroup">{lines}</tbody></table>'
    )


def _heading(text: str, role: str, scope: str) -> str:
    return f'<th role="{role}" scope="{scope}">{_escape(text)}</th>'


def _escape(text: str) -> str:
    from html import escape  # noqa: PLC0415 - slow to load, and a terminal needs none

    return escape(text)

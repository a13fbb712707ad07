"""A table as HTML, whose cells a screen reader can place.

Here: the form. Not here: what is in its cells.
"""

import re
from collections.abc import Iterable

from mtls_lab.drawing.words import escape

__all__ = ["table"]

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

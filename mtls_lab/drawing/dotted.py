"""A line of dots: what there is to do, and how far one is with each of it.

Here: the forms, as HTML and as text. Not here: what a learner has done (exercises/standing.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from mtls_lab.drawing.inline import BAD, EDGE, GOOD, WARN, escape

__all__ = ["Dot", "Group", "dots", "dots_in_words"]

#: By the state: a sign, a colour that repeats it, and whether it is over with.
_STATES = {
    "open": ("○", "transparent", False),
    "begun": ("…", EDGE, False),
    "seen": ("–", EDGE, True),
    "wrong": ("✗", BAD, True),
    "unsafe": ("⚠", WARN, False),
    "right": ("✓", GOOD, True),
}


@dataclass(frozen=True, slots=True)
class Dot:
    """One thing to do.

    Attributes:
        title: what it is.
        state: "open", "begun", "seen", "wrong", "unsafe" or "right".
        said: the state in words.
    """

    title: str
    state: str
    said: str


@dataclass(frozen=True, slots=True)
class Group:
    """Things of one kind, such as the predictions of a lesson."""

    title: str
    dots: tuple[Dot, ...]

    @property
    def done(self) -> int:
        """How many are over with."""
        return sum(_STATES[each.state][2] for each in self.dots)

    @property
    def count(self) -> str:
        """How many that is, in words."""
        return f"{self.done} of {len(self.dots)}"

    def __str__(self) -> str:
        return f"{self.title} {' '.join(_STATES[each.state][0] for each in self.dots)} {self.count}"


def dots_in_words(groups: Iterable[Group]) -> str:
    """Return groups as a line of text.

    Example:
        >>> made = Dot("Who can tell?", "wrong", "predicted otherwise")
        >>> print(dots_in_words([Group("Predictions", (made, Dot("And now?", "open", "open")))]))
        Predictions ✗ ○ 1 of 2
    """
    return " · ".join(map(str, groups))


def dots(groups: Iterable[Group], title: str = "", *, opens: bool = False) -> str:
    """Return groups as a line.

    Args:
        groups: the groups.
        title: what the line is about, plain text.
        opens: by a click or a key, each dot is told with its title and its state in words.
    """
    groups = list(groups)
    head = [f"<b>{escape(title)}</b>"] * bool(title) + [_line(each) for each in groups]
    line = " ".join(head)
    style, high = "max-width:960px;margin:4px 0", "line-height:1.9"
    if not opens or not groups:
        return f'<div data-testid="dots" style="{style};{high}">{line}</div>'
    return (
        f'<details data-testid="dots" style="{style}"><summary title="What is each of them?" '
        f'style="cursor:pointer;{high}">{line}</summary>{"".join(map(_list, groups))}</details>'
    )


def _line(group: Group) -> str:
    signs = " ".join(map(_sign, group.dots))
    row = "display:inline-flex;flex-wrap:wrap;align-items:center"
    # Where both do not fit in one line, the words are above the signs.
    words = f'<span style="white-space:nowrap">{escape(group.title)} {group.count}</span>'
    signs = f'<span style="{row};gap:3px">{signs}</span>'
    style = f"{row};gap:0 6px;margin-right:14px;vertical-align:middle"
    return f'<span style="{style}">{words} {signs}</span>'


def _sign(dot: Dot) -> str:
    sign, colour, _ = _STATES[dot.state]
    style = f"display:inline-block;min-width:1.35em;line-height:1.35em;border:2px solid {colour}"
    style += ";border-radius:50%;text-align:center;font-size:.85em"
    told = escape(f"{dot.title}: {dot.said}")
    # To those who hear the page, the count says it, and the list that opens says each.
    return f'<span aria-hidden="true" title="{told}" style="{style}">{sign}</span>'


def _list(group: Group) -> str:
    whole = "display:inline-block"  # a sign is never parted from its word
    items = "".join(
        f"<li>{escape(each.title)} "
        f'<b style="{whole}">{_STATES[each.state][0]} {escape(each.said)}</b></li>'
        for each in group.dots
    )
    return f"<p style='margin:6px 0 0'>{escape(group.title)}</p><ol style='margin:0'>{items}</ol>"

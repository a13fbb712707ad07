"""Who takes part: for each a name, a colour and a sign that are the same everywhere.

Here: the four of every lesson, and a tag for one of them. Not here: what they do (attacks/).
"""

from dataclasses import dataclass

from mtls_lab.drawing.words import escape

__all__ = ["ACTORS", "Actor", "actor", "actor_of"]


@dataclass(frozen=True, slots=True)
class Actor:
    """One who takes part.

    Attributes:
        name: what the lessons call it.
        colour: `#rrggbb`. White text on it can be read, and as an edge it can be seen on white
            and on JupyterLab's dark (WCAG 1.4.3 and 1.4.11).
        sign: one character, so that nobody needs to see the colour.
    """

    name: str
    colour: str
    sign: str


ACTORS = {
    each.name.lower(): each
    for each in (
        Actor("device", "#1976d2", "◆"),
        Actor("backend", "#7e57c2", "■"),
        Actor("Eve", "#a86400", "◉"),
        Actor("Mallory", "#d81b60", "▲"),
    )
}

#: The names under which Mallory acts in the device's place, or has programs act.
_MALLORYS = {"mallory", "thief", "malware", "guesser"}


def actor_of(name: str) -> Actor:
    """Return who goes by this name: a thief is Mallory, a backend under another name a backend.

    Example:
        >>> actor_of("malware").sign, actor_of("sensors").name
        ('▲', 'backend')
    """
    name = name.lower()
    return ACTORS["mallory"] if name in _MALLORYS else ACTORS.get(name, ACTORS["backend"])


def actor(name: str, words: str = "") -> str:
    """Return a tag for an actor, to stand in a line of text or over a card.

    Args:
        name: of one of `ACTORS`, or the name under which a backend was started.
        words: what it says instead of the name.

    Example:
        >>> actor("Eve").endswith("◉ Eve</b>")
        True
    """
    who = actor_of(name)
    style = f"background:{who.colour};color:#fff;border-radius:3px;padding:1px 6px"
    return f'<b style="{style};display:inline-block">{who.sign} {escape(words or name)}</b>'

"""What stands in a line: foreign text as HTML, the tags of the actors, and their colours.

Here: escaping, and breaking a line where a reader would; names, colours and signs that are the same
everywhere. Not here: what makes a character visible (common/text.py), and what stands by itself
(blocks.py, dotted.py).
"""

import re
from dataclasses import dataclass
from html import escape as as_html  # by name: a learner's own html.py has none, and is told of

from mtls_lab.common import printable

__all__ = [
    "ACTORS",
    "BAD",
    "EDGE",
    "GOOD",
    "MONOSPACE",
    "VARYING",
    "WARN",
    "Actor",
    "actor",
    "actor_of",
    "breakable",
    "code",
    "escape",
    "line_of",
    "varying",
]

# As an edge, each has a contrast of 3 : 1 or more on white and on JupyterLab's dark (WCAG 1.4.11).
GOOD = "var(--jp-success-color1,#388e3c)"
BAD = "var(--jp-error-color1,#d32f2f)"
WARN = "var(--jp-warn-color1,#c25e00)"
EDGE = "var(--jp-border-color1,#8a8a8a)"
MONOSPACE = "var(--jp-code-font-family,monospace)"


# --- Text

#: Between these stands what is not the same in every run, or of every release: a notebook in the
#: repository is kept without it.
VARYING = "<!--varies-->", "<!--/varies-->"
#: An option of a command: a browser would end a line behind its hyphen.
_OPTION = r"(?<!\S)--?[A-Za-z]\w*"
#: What stays in one piece, unless a whole line is too short for it: a date, a time of day, a short
#: remark in parentheses, an option.
_WHOLE = re.compile(
    r"\b(?:\d{4}-\d\d-\d\d )?\d\d:\d\d(?::\d\d)?(?: UTC)?|\b\d{4}-\d\d-\d\d\b"
    rf"|\([^()]{{1,24}}\)[.,;:]?|{_OPTION}"
)
_OPTIONS = re.compile(_OPTION)
_IN_ONE_PIECE = r'<span style="display:inline-block">\g<0></span>'

#: Between the words of a name that is long, such as SSLCertVerificationError.
_LONG = re.compile(r"(?<=[a-z])(?=[A-Z][a-z]+Error\b|KeyIdentifier\b|\.example\b)")
#: After which OpenSSL's names may be broken: no short word is left alone.
_UNDERSCORE = re.compile(r"_(?=\w{4})")


def escape(text: str) -> str:
    r"""Return a text as HTML, on one line, in which nothing is markup and all can be seen.

    Example:
        >>> print(escape("<b>me</b>\n"))
        &lt;b&gt;me&lt;/b&gt;\u000a
    """
    return as_html(printable(text))


def breakable(text: str) -> str:
    """Escape a text whose lines may end after an underscore as well: OpenSSL's names are long.

    Example:
        >>> print(breakable("ALERT_UNKNOWN_CA, SSLCertVerificationError"))
        ALERT_<wbr>UNKNOWN_CA, SSLCert<wbr>VerificationError
        >>> print(breakable("expired (code 10)"))
        expired <span style="display:inline-block">(code 10)</span>
        >>> print(breakable("expired (code 10)."))
        expired <span style="display:inline-block">(code 10).</span>
    """
    escaped = _UNDERSCORE.sub("_<wbr>", _LONG.sub("<wbr>", escape(text)))
    return _WHOLE.sub(_IN_ONE_PIECE, escaped)


def code(text: str) -> str:
    """Return lines of code or output as HTML that keeps its columns, and folds what is too long.

    Example:
        >>> code("1 < 2").endswith(">1 &lt; 2</pre>")
        True
    """
    lines = "\n".join(escape(line) for line in text.split("\n"))
    lines = _OPTIONS.sub(_IN_ONE_PIECE, lines)
    style = f"font-family:{MONOSPACE};white-space:pre-wrap;overflow-wrap:anywhere"
    style += ";word-break:normal;margin:4px 0"  # nbconvert's own would break inside each word
    return f'<pre style="{style}">{lines}</pre>'


def line_of(text: str) -> str:
    """Return a line of a result as HTML: what is set in further than its other lines is evidence.

    Example:
        >>> line_of("  ✗ refused")
        '✗ refused'
        >>> "<code" in line_of("    device   connect ✓")
        True
    """
    told = breakable(text.strip())
    style = f"font-family:{MONOSPACE};white-space:pre-wrap;background:none"
    style += ";display:inline-block;padding:0 0 0 2ch;text-indent:-2ch"  # a long one hangs
    return f'<code style="{style}">{told}</code>' if text.startswith("    ") else told


def varying(markup: str) -> str:
    """Mark HTML, on one line, that is not the same in every run or of every release."""
    return f"{VARYING[0]}{markup}{VARYING[1]}"


# --- Actors


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

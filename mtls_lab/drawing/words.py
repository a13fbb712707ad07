"""Foreign text as HTML: harmless, and broken into lines where a reader would break it.

Here: escaping. Not here: what makes a character visible (text.py).
"""

import html
import re

from mtls_lab.drawing.colours import MONOSPACE
from mtls_lab.text import printable

__all__ = ["VARYING", "breakable", "code", "escape", "line_of", "varying"]

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
    return html.escape(printable(text))


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
    lines = "\n".join(html.escape(printable(line)) for line in text.split("\n"))
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

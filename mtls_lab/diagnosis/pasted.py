"""A text as somebody pastes it, made what a program has written.

Here: how much of it is read, bytes, colours, and lines that were broken on the way. Not here: what
the lines mean (lines.py), and what of them is not repeated (discretion.py).
"""

from __future__ import annotations

import re

__all__ = ["READ", "cleaned", "decoded", "unwrapped"]

#: Of a longer text, the beginning and the end are read: where a program starts, and what came last.
READ = 256 * 1024
#: Lines and characters of one line that was broken into several, at most.
BROKEN, LONGEST = 40, 4096
#: A terminal is wider than this.
NARROW = 20
#: Erlang and Elixir print a term over many lines, and break it after the name that it begins with.
TERM = re.compile(r"(\{:?[a-z_]{1,40},(?: ?[\"'][^\"'\n]{0,300}[\"'],)?)\n +")
#: The colours of a log (ECMA-48, SGR), as a terminal takes them, as JSON and `cat -v` write them,
#: and as they are copied from a page, without the character that nobody sees.
COLOUR = re.compile(
    r"(?:\x1b|\\u001b|\\x1b|\\033|\^\[|\u241b)\[[0-9;:]{0,16}m|\[[0-9][0-9;:]{0,15}m(?!\])",
    re.IGNORECASE,
)


def decoded(data: bytes | bytearray) -> str:
    """Return the text of bytes, which are UTF-8 as far as they are text.

    Example:
        >>> decoded(b"EOF \\xff")
        'EOF \ufffd'
    """
    if len(data) > READ:  # what came last says most
        data = data[: READ // 2] + b"\n" + data[-READ // 2 :]
    return data.decode("utf-8", "replace")


def cleaned(text: str) -> str:
    """Return what is read of a text, without colours, and each term of Erlang on one line."""
    if len(text) > READ:
        text = f"{text[: READ // 2]}\n{text[-READ // 2 :]}"
    text = COLOUR.sub("", text) if "[" in text else text
    return TERM.sub(_joined, text.replace('\\"', '"'))  # a line in quotes, as JSON has it


def _joined(term: re.Match[str]) -> str:
    """The beginning of a term, to be gone on with; Elixir has a space between the parts."""
    return f"{term[1]} " if term[1][1] == ":" else term[1]


def unwrapped(text: str) -> str:
    """Return as one line what may be one that was broken; an empty text if it is too long for that.

    A terminal breaks at its width, anywhere; a mail at a blank, with marks before each line.

    Example:
        >>> unwrapped("> certificate verify\\n> failed")
        'certificate verify failed'
        >>> unwrapped("SSL: CERTIFICATE_VERIFY_F\\nAILED")
        'SSL: CERTIFICATE_VERIFY_FAILED'
    """
    lines = text.splitlines()
    if not 1 < len(lines) <= BROKEN or len(text) > LONGEST:
        return ""
    widths = {len(line) for line in lines[:-1]}
    (width,) = widths if len(widths) == 1 else (0,)
    if width > NARROW and len(lines[-1]) <= width:
        return "".join(lines)
    return " ".join(line.strip(" >|\t") for line in lines)

"""Text on a screen: what is foreign, made harmless, and values shown as they print.

Here: the one way in which text of a peer, a certificate or somebody else's file is made harmless,
wherever it is shown, in JSON as well; in a page it is escaped too (drawing/inline.py). Not here:
what a line of the protocol may hold (wire/protocol.py).
"""

import json
from typing import Any

__all__ = ["Shown", "host_and_port", "json_text", "printable"]


class Shown:
    """A value that Jupyter shows, at the end of a cell, as `print` does."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        """IPython asks each class in turn, and takes the `__repr__` of a dataclass before this."""
        super().__init_subclass__()
        cls._repr_pretty_ = Shown._repr_pretty_  # type: ignore[method-assign]

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 - IPython's own form
        del cycle
        printer.text(str(self))


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


def host_and_port(host: str, port: int) -> str:
    """Return HOST:PORT, on one line; an IPv6 address is in brackets (RFC 3986, section 3.2.2).

    Example:
        >>> host_and_port("backend.example", 443), host_and_port("::1", 5000)
        ('backend.example:443', '[::1]:5000')
    """
    return f"[{printable(host)}]:{port}" if ":" in host else f"{printable(host)}:{port}"


def json_text(value: object, *, indent: int | None = None) -> str:
    r"""Return a value as JSON, as `json.dumps` does, in which foreign text is harmless as well.

    JSON itself escapes the first 32 characters only; a terminal obeys others, such as U+009B.

    Example:
        >>> print(json_text({"peer": "CN=pumpe-\u00fc\u009b31m\u202e"}))
        {"peer": "CN=pumpe-ü\u009b31m\u202e"}
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    if text.isprintable():
        return text
    # The line breaks are those of the indent: in a text, each is escaped already.
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)

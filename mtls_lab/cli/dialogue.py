"""A dialogue in a terminal: text that fits it, and lines that a person types.

Here: folding, and reading a line that Ctrl-C always interrupts. Not here: what is said and asked
(commands.py, quiz.py, review.py).
"""

from __future__ import annotations

import os
import select
import shutil
import sys
import textwrap

__all__ = ["read_line", "say", "somebody_is_there"]

#: Wider lines are hard to read.
WIDEST = 88
#: Seconds until a Ctrl-C is noticed that came just before the wait for a line.
SOON = 0.2


def say(*paragraphs: str, indent: str = "") -> None:
    """Print paragraphs, folded to the width of the terminal.

    Example:
        >>> say("An answer.", indent="   ")
           An answer.
    """
    width = max(min(shutil.get_terminal_size().columns, WIDEST), 30)
    hang = indent + "   " * bool(indent)
    for text in paragraphs:
        print(
            textwrap.fill(
                text,
                width,
                initial_indent=indent,
                subsequent_indent=hang,
                break_long_words=False,  # a command can be copied
                break_on_hyphens=False,
            )
        )


def read_line(prompt: str) -> str:
    """Ask for a line, and return it without the spaces around it, in small letters.

    A signal that comes just before a read of the operating system is noticed only after it. So
    nothing is read from a terminal before there is a line.

    Raises:
        EOFError: there is none, and none will come.
        KeyboardInterrupt: Ctrl-C.
    """
    print(prompt, end="", flush=True)
    if sys.stdin and sys.stdin.isatty() and os.name != "nt":
        while not select.select([sys.stdin], [], [], SOON)[0]:
            pass
    try:
        return input().strip().lower()
    except UnicodeError:  # bytes that are no text: nobody's answer
        return "?"
    except RuntimeError:  # a program without any input
        raise EOFError from None


def somebody_is_there() -> bool:
    """Whether input and output are a terminal."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))

"""How much is read of a text, which may be a log that is longer than memory.

Here: its excerpt, as bytes and as text. Not here: where it comes from (cli/explaining.py), and what
becomes of its lines (pasted.py).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator

__all__ = ["READ", "decoded", "shortened"]

#: Of a longer text, the beginning and the end are read: where a program starts, and what came last;
#: of what is between, so much of the lines that speak of TLS and of something that went wrong.
READ, BETWEEN = 256 * 1024, 32 * 1024
#: So much of such a line.
LONGEST = 4096
#: With its mark, and without one, as of a part of such a file.
UTF_16 = {
    "utf-16": rb"\xff\xfe|\xfe\xff",
    "utf-16-le": rb"(?:[\t-\x7e]\0){4}",
    "utf-16-be": rb"(?:\0[\t-\x7e]){4}",
}
OF_TLS = r"tls|ssl|x509|certif|handshake"
WENT_WRONG = (
    "fail|error|alert|bad|expired|unknown|refus|reject|invalid|mismatch|unable|not |required"
    "|denied|exception"
)


def decoded(data: bytes | bytearray) -> str:
    """Return the text of bytes, which are UTF-8 as far as they are text.

    Example:
        >>> decoded(b"EOF \\xff")
        'EOF \ufffd'
    """
    return shortened([data]).decode("utf-8", "replace")


def shortened(parts: Iterable[bytes | bytearray]) -> bytes:
    """Return what is read of a text that comes in parts.

    Example:
        >>> long = b"fine\\n" * READ
        >>> b"\\nTLS failed\\n" in shortened([long, b"TLS failed\\n", long])
        True
    """
    begin, end, between, line = b"", b"", b"", b""
    for part in _in_utf_8(parts):
        room = READ // 2 - len(begin)
        begin += part[:room]
        end += part[room:] if room > 0 else part
        passed, end = end[: -READ // 2], end[-READ // 2 :]
        if passed:
            whole, _, line = (line + passed).rpartition(b"\n")
            between = (between + _telling(whole))[-BETWEEN:]
            line = line[-LONGEST:]
    return b"\n".join((begin, between + line + end)) if between or line else begin + end


def _in_utf_8(parts: Iterable[bytes | bytearray]) -> Iterator[bytes | bytearray]:
    """Give the parts of a text, which is in UTF-16 if PowerShell 5 has written it (>, Tee-Object).

    Example:
        >>> b"".join(_in_utf_8([b"\\xff\\xfeE\\0O", b"\\0F\\0"]))
        b'EOF'
    """
    decoder = None
    for number, part in enumerate(parts):
        if not number:
            form = next((form for form, begins in UTF_16.items() if re.match(begins, part)), "")
            decoder = codecs.getincrementaldecoder(form)("replace") if form else None
        yield decoder.decode(part).encode() if decoder else part


def _telling(text: bytes) -> bytes:
    """Return the lines that speak of TLS and of something that went wrong."""
    of_tls, went_wrong = (re.compile(each.encode()) for each in (OF_TLS, WENT_WRONG))
    small = text.lower()
    if not of_tls.search(small):
        return b""
    return b"".join(
        line[:LONGEST] + b"\n"
        for line, lower in zip(text.split(b"\n"), small.split(b"\n"), strict=True)
        if of_tls.search(lower) and went_wrong.search(lower)
    )

"""What a line says of a certificate or a key in anybody's words: what it is about, and a verdict.

Here: such lines of programs that data/lines.toml does not know. Their shapes count less than the
words of a known program, and are asked of a line that has none. Not here: the shapes themselves
(verdicts.py), those words (phrases.py), and which line of a text decides (lines.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from mtls_lab.explaining.phrases import Phrase

__all__ = ["SHAPE", "shapes_in"]

#: The words of a phrase that no program writes.
SHAPE = "\N{HORIZONTAL ELLIPSIS}"
#: What a comment in a configuration begins with: it speaks of faults and reports none.
COMMENTS = ("#", ";")
#: Before a capital letter, where several words are written as one.
JOINED = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])_(?=[A-Za-z])")
#: What says nothing more of a certificate with an owner.
OF_TLS = re.compile(r"(?<=\bclient )(?:m?tls|ssl|x\.?509) (?=cert)")


def shapes_in(line: str) -> Iterator[Phrase]:
    """Give what a line says of a certificate or a key, if it has such a shape.

    Example:
        >>> [phrase.value for phrase in shapes_in("plc: the peer's certificate is expired")]
        ['10']
        >>> [phrase.value for phrase in shapes_in("error.CertificateIssuerNotFound")]
        ['20']
        >>> list(shapes_in("plc: the certificate is not expired"))
        []
    """
    from mtls_lab.explaining import verdicts, vocabulary  # noqa: PLC0415 - most texts do without

    small = OF_TLS.sub("", JOINED.sub(" ", line).lower())
    if small.lstrip()[:1] in COMMENTS or not vocabulary.VERDICT.search(small):
        return
    if re.search(rf"\b{vocabulary.ABOUT}|\b{vocabulary.KEY}", small) is None:
        return
    for meaning, shape in _compiled(verdicts.SHAPES):
        match = shape.search(small)
        if match and not (meaning in vocabulary.ALSO_WELL and vocabulary.WELL.search(small)):
            kind, value = meaning.split(" ", 1)
            value, _, side = value.partition(" @")
            side = "device" if value == "62" and "client" not in match[0] else side
            yield Phrase(SHAPE, kind, value, side, "")
            return


@cache
def _compiled(shapes: tuple[tuple[str, str], ...]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((meaning, re.compile(shape)) for meaning, shape in shapes)

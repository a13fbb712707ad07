"""What a line says of a certificate or a key in anybody's words: what it is about, and a verdict.

Here: the shapes of such lines, for the programs that data/lines.toml does not know. They count less
than the words of a known program, and are asked of a line that has none. Not here: those words
(phrases.py), and which line of a text decides (lines.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from mtls_lab.explaining.phrases import Phrase

__all__ = ["SHAPE", "shapes_in"]

#: The words of a phrase that no program writes.
SHAPE = "\N{HORIZONTAL ELLIPSIS}"
CERT = r"(?:certificates?|certs?)\b"
ABOUT = r"(?:certificates?|certs?|x\.?509|tls|ssl)\b"
NOT = r"(?:do(?:es)?(?: not|n[o']t)|did(?: not|n't)|not)"
UNKNOWN = r"(?:unknown|un(?:trusted|recogni[sz]ed)|not (?:found|trusted|known|recogni[sz]ed))"
FAILED = r"(?:fail(?:ed|ure|s)?|error|unsuccessful)\b"
CHECKED = r"(?:verif(?:y|ied|ication)|validat(?:e|ed|ion))\b"
WHOSE = r"(?:issuer|signer|ca|authority|root)\b"
NAME = (
    r"(?:common ?name|cn|host ?name|server ?name|domain(?: name)?|subject(?: ?alt\w*)?(?: ?name)?"
    r"|san|identity|owner|peer name)\b"
)
#: A meaning, as data/lines.toml has it, and a line of it in small letters; the first counts.
SHAPES = (
    ("reason KEY_VALUES_MISMATCH", rf"\bkey\b.{{0,80}}?{NOT} (?:match|belong|correspond|fit)"),
    ("state key open to others", r"\bkey\b.{0,80}?(?:group or (?:other|world)|too open|world)"),
    ("state bad password", r"\b(?:wrong|incorrect|bad|invalid) pass(?:word|phrase).{0,40}?\bkey"),
    ("verify 62", rf"\b{NAME}.{{0,60}}?(?:{NOT} match|mismatch|{NOT} valid for)"),
    ("verify 10", rf"\b{CERT}.{{0,30}}?(?<!not )(?<!no )expired\b(?! on| at|:)|\bexpired {CERT}"),
    ("verify 9", rf"\b{CERT}.{{0,40}}?(?:not yet (?:valid|active)|not valid yet|in the future)"),
    ("verify 23", rf"\b{CERT}.{{0,30}}?(?<!not )(?<!no )revoked\b|\brevoked {CERT}"),
    ("verify 18", rf"\bself[- ]signed {CERT}|\b{CERT} is self[- ]signed"),
    ("verify 20", rf"\b{WHOSE}.{{0,20}}?{UNKNOWN}|\b{UNKNOWN} (?:certificate )?{WHOSE}"),
    ("verify 20", rf"\b{CERT}.{{0,20}}?(?:not trusted|untrusted)|\buntrusted {CERT}"),
    ("state not verified", rf"\b{CERT}.{{0,30}}?(?:{CHECKED}.{{0,10}}?{FAILED}|failed {CHECKED})"),
    ("state not verified", rf"\b(?:{FAILED}|cannot|unable)\W.{{0,12}}?{CHECKED}.{{0,30}}?{CERT}"),
    ("state alert without a name", r"\b(?:tls|ssl) alert received\b|\breceived a? ?(?:tls|ssl) alert"),
)


def shapes_in(small: str) -> Iterator[Phrase]:
    """Give what a line in small letters says of a certificate or a key, if it has such a shape.

    Example:
        >>> [phrase.value for phrase in shapes_in("plc: the peer's certificate is expired")]
        ['10']
        >>> list(shapes_in("plc: the certificate is not expired"))
        []
    """
    if re.search(rf"\b{ABOUT}|\bkey\b", small) is None:
        return
    for meaning, shape in _shapes():
        if match := shape.search(small):
            kind, value = meaning.split(" ", 1)
            side = "device" if value == "62" and "client" not in match[0] else ""
            yield Phrase(SHAPE, kind, value, side, "")
            return


@cache
def _shapes() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((meaning, re.compile(shape)) for meaning, shape in SHAPES)

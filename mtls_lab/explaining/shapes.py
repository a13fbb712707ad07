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
KEY = r"(?:private[ _]key|key ?file|certificate.{0,40}?\bkey|certs?\b.{0,80}?\bkey)\b"
NOT = r"(?:do(?:es)?(?: not|n[o']t)|did(?: not|n't)|not)"
UNKNOWN = r"(?:unknown|un(?:trusted|recogni[sz]ed)|not (?:found|trusted|known|recogni[sz]ed))"
FAILED = r"(?:fail(?:ed|ure|s)?|error|unsuccessful)\b"
CHECKED = r"(?:check|verif(?:y|ied|ication)|validat(?:e|ed|ion))\b"
#: What a comment in a configuration begins with: it speaks of faults and reports none.
COMMENTS = ("#", ";")
#: Before a capital letter, where several words are written as one.
JOINED = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])_(?=[A-Za-z])")
#: Between a certificate and what it is, and behind a word that is asked for or counted.
IS = r"(?:.{0,30}?(?:\b(?:ha[sd]|have|is|was|are|been)|[:(]))? ?"
NONE = r"(?!\W{1,3}(?:no|false|0)\b|s? (?:total|count)\b)"
NAME = (
    r"(?:common ?name|cn|host ?name|server ?name|domain(?: name)?|subject(?: ?alt\w*)?(?: ?name)?"
    r"|san|identity|owner|peer name)\b"
)
UNABLE = r"(?:fail(?:ed|ure|s)?|error|(?:could |did |can ?)not|can't|unable)"
WRONG = r"(?:wrong|incorrect|bad|invalid) pass(?:word|phrase)"
WHOSE = r"(?:issuer|signer|ca|authority|root)\b"
#: A meaning, as data/lines.toml has it, and a line of it in small letters; the first counts.
SHAPES = (
    ("reason KEY_VALUES_MISMATCH", rf"\b{KEY}.{{0,80}}?{NOT} (?:match|belong|correspond|fit)"),
    ("state key open to others", rf"\b{KEY}.{{0,80}}?(?:group or (?:other|world)|too open)"),
    ("state bad password", rf"\b{WRONG}.{{0,40}}?\b{KEY}"),
    ("verify 62", rf"\b{NAME}.{{0,60}}?(?:{NOT} match|mismatch|{NOT} valid for)"),
    ("verify 62", rf"\b{CERT}.{{0,20}}?\bhost mismatch"),
    ("verify 10", rf"\b{CERT}{IS}expired\b{NONE}|\bexpired {CERT}{NONE}"),
    ("verify 9", rf"\b{CERT}.{{0,40}}?(?:not yet (?:valid|active)|not valid yet|in the future)"),
    ("verify 23", rf"\b{CERT}{IS}revoked\b{NONE}|\brevoked {CERT}{NONE}"),
    ("verify 18", rf"\bself[- ]signed {CERT}|\b{CERT} is self[- ]signed"),
    ("verify 20", rf"\b(?:issuer|signer)\b.{{0,20}}?{UNKNOWN}"),
    ("verify 20", rf"\b{WHOSE}(?: certificate)?(?: is)? (?:unknown|(?:un|not )trusted)"),
    ("verify 20", rf"\b{UNKNOWN} (?:certificate )?{WHOSE}"),
    ("verify 20", rf"\b{CERT}.{{0,20}}?(?:not trusted|untrusted)|\buntrusted {CERT}"),
    ("state not verified", rf"(?<!\b0 )\b{CERT}.{{0,30}}?{CHECKED}.{{0,10}}?{FAILED}"),
    ("state not verified", rf"(?<!\b0 )\b{CERT}.{{0,30}}?(?:failed {CHECKED}|not verified)"),
    ("state not verified", rf"\b{UNABLE}\W.{{0,12}}?{CHECKED}.{{0,30}}?{CERT}"),
    ("state alert without a name", r"\b(?:tls|ssl) alert received|received a? ?(?:tls|ssl) alert"),
    ("state not verified or not tls", rf"\b(?:tls|ssl) (?:handshake|negotiation) {FAILED}{NONE}"),
    ("state not verified or not tls", r"\berror in (?:the )?(?:tls|ssl) handshake\b"),
    ("state not verified or not tls", r"\b(?:tls|ssl) initiali[sz]ation failed"),
)


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
    small = JOINED.sub(" ", line).lower()
    if small.lstrip()[:1] in COMMENTS or re.search(rf"\b{ABOUT}|\b{KEY}", small) is None:
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

"""data/lines.toml, read: the words that a program writes, and what they mean.

Here: the entries, each as a phrase that is looked for in a line. Not here: which phrase of a text
decides, and who speaks (lines.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from mtls_lab.common import read_facts
from mtls_lab.explaining.lookup import Lookup

__all__ = [
    "Phrase",
    "is_healthy",
    "phrases_in",
    "read_lines",
    "read_sent",
    "read_stacks",
    "verifier_of",
    "verify_words",
    "words_of_phrases",
]

#: A code of mbedTLS, and behind it the names that its releases give it; and one of Windows.
CODE = re.compile("-0x[0-9a-f]{2,4}(?: |$)|0x8[0-9a-f]{7}$")
#: An address, where a name might be.
ADDRESS = r" (?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4}:[0-9a-f:]{1,35})(?![\w.-]*\w)"
#: What ends a phrase and is none of its words: the end of a number, of the line, and an address.
MARKS = "|$#"
#: What may stand around a part, and is none of it.
EDGES = f" {MARKS}"
#: From this length on, the words of a stack are told from common English without a sign of it.
TELLING = 24
#: Stacks whose own words for a certificate's fault show that they have verified it themselves.
VERIFIERS = (
    *("chrome", "dotnet", "erlang", "gnutls", "go", "java", "mbedtls", "nss", "rustls"),
    *("schannel", "wolfssl"),
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words of a stack, or of all if it has no name, and what they mean."""

    words: str
    kind: str
    value: str
    side: str
    stack: str

    def found(self, line: str) -> int:
        """How many characters of a line in small letters it covers; 0 if it is not there."""
        if self.is_plain:
            return len(self.words) if self.words in line else 0
        match = _pattern(self.words).search(line)
        return len(match[0]) if match else 0

    @property
    def bare(self) -> str:
        """Its words without the mark at their end."""
        return self.words.strip(MARKS)

    @property
    def is_plain(self) -> bool:
        """Whether it is in a line as soon as its words are."""
        return "…" not in self.words and self.words[0] != "-" and self.words[-1] not in MARKS

    @property
    def is_telling(self) -> bool:
        """Whether its words are no common English, without a sign of the stack beside them."""
        letters = self.words.replace(" ", "").replace("-", "")
        return len(self.words) >= TELLING or not (letters.isalpha() or letters.isdigit())


@cache
def read_lines() -> dict[str, Any]:
    """Return data/lines.toml."""
    return read_facts("lines")


def read_sent() -> dict[str, str]:
    """Return what a side has found that sent an alert."""
    found: dict[str, str] = read_lines()["sent"]
    return found


def read_stacks() -> dict[str, Any]:
    """Return the stacks, each by the name of its table."""
    found: dict[str, Any] = read_lines()["stacks"]
    return found


@cache
def verify_words() -> dict[int, str]:
    """Return OpenSSL's words for each verify code."""
    return {code: words for words, code in reversed(read_lines()["verify"].items())}


def verifier_of(code: int | None, line: str, stack: str) -> str:
    """Return the library that has verified, as a line with a verify code shows; `""` if none.

    OpenSSL's own words count more than what wrote the line, `stack`: programs of all languages link
    it.

    Example:
        >>> verifier_of(20, "unable to get local issuer certificate", "node")
        'openssl'
        >>> verifier_of(20, "PKIX path building failed", "kafka java")
        'java'
    """
    if code is None or not line:  # mostly, and then nothing need be read
        return ""
    small = line.lower()
    if any(words in small for words, known in read_lines()["verify"].items() if known == code):
        return "openssl"
    return next((name for name in stack.split() if name in VERIFIERS), "")


def phrases_in(small: str) -> Iterator[Phrase]:
    """Give each phrase all of whose parts are somewhere in a text in small letters."""
    entries = _entries()[1]
    for at in _firsts().found_in(small):
        phrase = _phrase(*entries[at])
        if all(part.strip(EDGES) in small for part in phrase.words.split("…")[1:]):
            yield phrase


@cache
def _firsts() -> Lookup:
    return Lookup(_entries()[0])


@cache
def _entries() -> tuple[list[str], list[tuple[str, str, str]]]:
    """Return the first part of each phrase, and for each its words, their meaning, and the stack.

    There are some 4,000, of which a text has a few: no more is made of the others.
    """
    facts = read_lines()
    found = [(words, meaning, "") for words, meaning in facts["alike"].items()]
    found += [(words, f"verify {code}", "") for words, code in facts["verify"].items()]
    found += [
        (words, meaning, name)
        for name, stack in facts["stacks"].items()
        for said, meaning in stack.get("says", {}).items()
        for words in (_spellings(said) if CODE.match(said) else [said])
    ]
    return [words.partition("…")[0].strip(EDGES) for words, *_ in found], found


@cache
def words_of_phrases() -> tuple[str, ...]:
    """Return the words of each phrase that is in one part."""
    return tuple(words for words, *_ in _entries()[1] if not {"\u2026", *MARKS} & set(words))


@cache
def _phrase(words: str, meaning: str, stack: str) -> Phrase:
    meaning, _, side = meaning.partition(" @")
    kind, value = meaning.split(" ", 1)
    return Phrase(words, kind, value, side, stack)


def _spellings(said: str) -> list[str]:
    """A code and its names, as ESP-IDF and Zephyr have it, and as a number that is not hexadecimal.

    Two digits are no sign of it. Windows' codes have 32 bits, with a sign or without.

    Example:
        >>> _spellings("-0x2700 mbedtls_err_x509_cert_verify_failed")[3:]
        ['tls stack error number: 0x2700|', 'tls handshake error: -2700|', '-9984']
        >>> _spellings("-0x50")
        ['-0x50', 'tls stack: 0x50|', 'tls stack error number: 0x50|', 'tls handshake error: -50|']
        >>> _spellings("0x800b0109")
        ['0x800b0109', '2148204809|', '-2146762487|']
    """
    code, *names = said.split()
    number = int(code.lstrip("-"), 16)
    if code[0] != "-":
        return [code, f"{number}|", f"{number - (1 << 32)}|"]
    decimal = [f"-{number}"] if number >= 1000 else []
    reported = [f"tls stack{word}: {code[1:]}|" for word in ("", " error number")]
    return [code, *names, *reported, f"tls handshake error: -{code[3:]}|", *decimal]


def is_healthy(small: str) -> bool:
    """Return whether a line in small letters is printed whether or not something failed."""
    plain, others = _healthy()
    return any(map(small.__contains__, plain)) or any(part.found(small) for part in others)


@cache
def _healthy() -> tuple[list[str], list[Phrase]]:
    """The parts of such lines: those that are just text, and the others."""
    parts = [Phrase(part, "", "", "", "") for part in read_lines()["healthy"]["parts"]]
    return [p.words for p in parts if p.is_plain], [p for p in parts if not p.is_plain]


@cache
def _pattern(words: str) -> re.Pattern[str]:
    end = r"(?![0-9a-z])" if words[0] == "-" or words[-1] == "|" else ""  # of a number, all of it
    end = {"$": r"\s*$", "#": ADDRESS}.get(words[-1], end)
    # ENOTFOUND is no part of FileNotFound.
    begin = "(?<![a-z])" if words[-1] == "|" and words[0].isalpha() else ""
    parts = (re.escape(part.strip(EDGES)) for part in words.split("…"))
    return re.compile(begin + ".{0,120}?".join(parts) + end)

"""A text that the phrases do not know because it is in another language, or was cut off.

Here: the same text in English, as far as data/lines.toml has its words, and with its last line
whole. Not here: what a terminal or a mail has done to it (pasted.py), and what it means (lines.py).
"""

from __future__ import annotations

import re
from functools import cache

from mtls_lab.explaining.phrases import read_lines, words_of_phrases

__all__ = ["completed", "in_english"]

#: So much of a phrase has to be there before it is taken for one that was cut off.
CUT, PART = 12, 0.55
#: What stands at the end of a text that goes on.
GOES_ON = "\u2026.\"'`) "
#: The last letter of Latin and of Cyrillic, whose words have ends; a German one may have another
#: word before it, a Russian one is declined.
LATIN, CYRILLIC, COMPOUND = "\u02ff", "\u04ff", ("zertifikat", "certificaat")


def in_english(text: str) -> str:
    """Return a text with the foreign words for certificates and their faults in English, if any.

    Example:
        >>> in_english("pumpe: Zertifikat ist abgelaufen")
        'pumpe: certificate is expired'
    """
    small, words = text.lower(), read_lines()["translated"]
    # French "certificat" is in each English text.
    if not any(word in small for word, meant in words.items() if word not in meant):
        return ""
    # Chinese and Japanese have no blanks between words.
    english = _foreign().sub(lambda match: f" {words[match[0].lower()]} ", text)
    return re.sub(" {2,}", " ", english).strip()


@cache
def _foreign() -> re.Pattern[str]:
    words = sorted(read_lines()["translated"], key=len, reverse=True)
    return re.compile("|".join(map(_as_a_word, words)), re.IGNORECASE)


def _as_a_word(word: str) -> str:
    if max(word) > CYRILLIC:
        return re.escape(word)
    before = "" if word.startswith(COMPOUND) else r"(?<!\w)"
    return before + re.escape(word) + (r"(?!\w)" if max(word) <= LATIN else "")


def completed(text: str) -> str:
    """Return a text whose last line breaks off inside a word of a phrase with the whole phrase.

    Example:
        >>> completed("curl: (60) SSL certificate problem: self-signed certif")
        'curl: (60) SSL certificate problem: self-signed certificate'
    """
    bare = text.rstrip().rstrip(GOES_ON)
    small = bare.rsplit("\n", 1)[-1].lower()[-200:]
    found: dict[int, set[str]] = {}
    for words in words_of_phrases():
        least = max(CUT, int(len(words) * PART))
        if words[:least] not in small:
            continue
        for length in range(len(words) - 1, least - 1, -1):
            if small.endswith(words[:length]) and words[length - 1 : length + 1].isalpha():
                found.setdefault(length, set()).add(words[length:])
                break
    if not found:
        return ""
    return bare + min(found[max(found)], key=lambda rest: (len(rest), rest))

"""Which of many words are in a text, in one pass over it.

Here: words looked up by their last letters. Not here: what the words mean (phrases.py, signs.py).
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Lookup"]

#: By so many last letters a word is found; a shorter one is looked for by itself.
END = 6


class Lookup:
    """Words of which a text has a few.

    Example:
        >>> words = Lookup(["unknown ca", "eof", "bad certificate"])
        >>> words.found_in("tls: bad certificate: eof")
        [1, 2]
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._by_end: dict[str, list[int]] = {}
        self._short: list[int] = []
        for at, word in enumerate(words):
            places = self._by_end.setdefault(word[-END:], []) if len(word) >= END else self._short
            places.append(at)

    def found_in(self, text: str) -> list[int]:
        """Return the places of the words that are in a text, in their order."""
        ends = {
            end for at in range(len(text) - END + 1) if (end := text[at : at + END]) in self._by_end
        }
        perhaps = [*self._short, *(at for end in ends for at in self._by_end[end])]
        return sorted(at for at in perhaps if self._words[at] in text)

"""Which of many words are in a text, in one pass over it.

Here: words looked up by their last letters. Not here: what the words mean (phrases.py, signs.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import compress

__all__ = ["Lookup"]

#: By so many last letters a word is found; a shorter one is looked for by itself.
END = 6
#: In the first texts of fewer letters, such as the line of one error, each word is looked for: that
#: takes less time than to sort the words by their ends. From then on, they are worth sorting.
SHORT, FIRST = 2_000, 3


class Lookup:
    """Words of which a text has a few.

    Example:
        >>> words = Lookup(["unknown ca", "eof", "bad certificate"])
        >>> words.found_in("tls: bad certificate: eof")
        [1, 2]
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._asked = 0

    def found_in(self, text: str) -> list[int]:
        """Return the places of the words that are in a text, in their order."""
        self._asked += 1
        if len(text) < SHORT and self._asked <= FIRST:
            return list(compress(range(len(self._words)), map(text.__contains__, self._words)))
        starts = range(len(text) - END + 1)
        ends = {end for at in starts if (end := text[at : at + END]) in self._by_end}
        perhaps = [at for end in ["", *ends] for at in self._by_end[end]]
        return sorted(at for at in perhaps if self._words[at] in text)

    @cached_property
    def _by_end(self) -> dict[str, list[int]]:
        """The places of the words by their ends; those of the short ones are under ""."""
        places: dict[str, list[int]] = {"": []}
        for at, word in enumerate(self._words):
            places.setdefault(word[-END:] if len(word) >= END else "", []).append(at)
        return places

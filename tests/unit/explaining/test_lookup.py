"""Words are found in the same places by either way: each looked for, or sorted by their ends."""

import pytest

from mtls_lab.explaining import lookup
from mtls_lab.explaining.lookup import Lookup

WORDS = ["eof", "a", "unknown ca", "certificate", "bad certificate", "tls: bad", "é", "ca\n"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("eof", [0]),
        ("unknown ca", [1, 2]),
        ("tls: bad certificate: eof", [0, 1, 3, 4, 5]),
        ("an unknown ca\né", [1, 2, 6, 7]),
        ("nothing", []),
        ("certificat", [1]),
        ("x" * lookup.SHORT + "eof", [0]),
    ],
)
def test_the_first_texts_and_all_others(text: str, found: list[int]) -> None:
    words = Lookup(WORDS)
    assert [words.found_in(text) for _ in range(lookup.FIRST + 2)] == [found] * (lookup.FIRST + 2)

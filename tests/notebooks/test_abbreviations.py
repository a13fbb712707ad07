"""Every abbreviation in a lesson is explained where it comes first, and every explanation is used.

Here: the list against the texts. Not here: that each first use is marked, which is how a notebook
is written (test_form.py: test_it_is_written_canonically).
"""

import re
from pathlib import Path

import pytest

from mtls_lab.common import read_facts
from tests.authoring import abbreviations, canonical

CAPITALS = re.compile(r"\b(?!SSL_)[A-Z][A-Z0-9]+(?=s?\b)")
#: What whoever can program has read before, and names.
KNOWN = {"EMQX", "HTTP", "ID", "IEEE", "IP", "PC", "UTF", "ZIP"}


def prose(path: Path) -> str:
    """The text cells of a notebook without code, headings and marks."""
    cells = [cell.source for cell in canonical.read(path).cells if cell.cell_type == "markdown"]
    plain = [abbreviations.MARK.sub(r"\1", text) for text in cells]
    return "\n".join(" ".join(abbreviations.ELSEWHERE.split(text)[::2]) for text in plain)


def used(text: str) -> set[str]:
    return set(CAPITALS.findall(text))


def test_every_abbreviation_is_on_the_list(source: Path) -> None:
    assert used(prose(source)) - KNOWN - set(read_facts("abbreviations")) == set()


def test_everything_on_the_list_is_used() -> None:
    everywhere = set().union(*(used(prose(path)) for path in canonical.NOTEBOOKS))
    assert set(read_facts("abbreviations")) - everywhere == set()
    assert everywhere >= KNOWN


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("Two CAs and a CA.", 'Two <abbr title="certificate authority">CAs</abbr> and a CA.'),
        ("The certificate authorities' CA.", None),
        ("A **certificate authority** (CA). The CA signs.", ""),
        ("A *certificate authority*, CA for short.", ""),
        ("CA (certificate authority)", ""),
        ("# CA\n`CA` [here](CA.ipynb)", ""),
        ("```\nCA\n```", ""),
        ("CAMEL", ""),
    ],
)
def test_where_the_first_use_is(text: str, marked: str | None) -> None:
    """None: marked, wherever that is; nothing: left as it is."""
    told = abbreviations.marked(text, {"CA": "certificate authority"})
    if marked is None:
        assert told.count("<abbr") == 1
    else:
        assert told == (marked or text)


def test_the_second_cell_is_not_marked_again() -> None:
    known = {"CA": "certificate authority"}
    assert "<abbr" in abbreviations.marked("A CA.", known)
    assert abbreviations.marked("A CA.", known) == "A CA."

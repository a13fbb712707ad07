"""What a learner reads is English that was thought in English: no pattern of another language.

Here: the notebooks, the pages and the sentences in data and code that are shown. Not here: the
words of docstrings and comments, and how long a text is (tests/notebooks/test_reading.py).
"""

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repository.files import ROOT

#: The pattern, and what a native writer would put. A text that needs one of these on purpose does
#: not exist yet.
AVOIDED = {
    r"(?<![Tt]here )\b(is|are|was|were) no (?!longer\b|more\b|one\b|better\b)\w+": "is not a …",
    r"\bis none of\b|\bare none\b": "is not one of …; are not",
    r"\bstands? (in|on) (?!the other|a slide)": "is in, appears in; to impersonate",
    r"\bof (its|his|their|one's) own\b": "its own …, or nothing: mostly filler",
    r"(?m)(?:^|[.:;!?] )Who [^.?!:]*\.(?=\s|$)": "whoever …, a verifier that …",
    r"[:;,] who [^.?!:;]* must\b": "whoever …, a verifier that … must",
    r"\bone (finds|expects|remembers|meets|sees)\b": "you find",
    r"\bsays (its|the) alert\b": "sent the alert …",
    r"\banew\b": "again, re-",
    r"\bhangs? on\b(?! to)": "depends on",
    r"\bas ever\b|\b[Ll]ikewise\b": "still; too",
    r"\bcommon (secret|key)s?\b": "shared secret (RFC 8446)",
    r"\ba tamper\b": "a tampering function",
    r"\bin (which|every|either) part\b": "purpose (RFC 5280, 4.2.1.12); a part is Part 1 to 3",
    r"\basks? the list\b|\blists? (is|are) asked\b": "checks the list, the list is checked",
    r"\b[Ss]o (it is|is it) in\b": "that is so in",
    r"\bin (its|their) dates\b": "in date, valid",
    r"\bin perfect order\b|\ball is well\b": "flawless",
    r"\bshows? its certificate\b|\b[Ss]how(s|n|ed)? a certificate\b"
    r"|\bcertificate (is|was) shown\b": "presents (RFC 8446)",
    r"\bsomebody has signed who\b": "a certificate signed by one that is not a CA",
    r"\b(five|ten|eleven) (attacks|ways|credentials|predictions)\b": "a count that will be wrong",
}


def strings(path: Path) -> Iterator[str]:
    """What a module may show: its text constants, without docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    skipped = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(node.value)  # a docstring
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in {"compile", "match"}:
            skipped.update(each for each in node.args if isinstance(each, ast.Constant))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in skipped:
            yield node.value


def values(entry: object) -> Iterator[str]:
    """Every text in a table of TOML."""
    if isinstance(entry, str):
        yield entry
    elif isinstance(entry, dict):
        for each in entry.values():
            yield from values(each)
    elif isinstance(entry, list):
        for each in entry:
            yield from values(each)


def texts(path: Path) -> Iterator[str]:
    text = path.read_text("utf-8")
    match path.suffix:
        case ".ipynb":
            yield from ("".join(cell["source"]) for cell in json.loads(text)["cells"])
        case ".toml":
            yield from values(tomllib.loads(text))
        case ".py":
            yield from strings(path)
        case _:
            yield text


READ = [
    *sorted((ROOT / "notebooks").glob("*.*")),
    ROOT / "README.md",
    ROOT / "data" / "README.md",
    *sorted((ROOT / "data").glob("*.toml")),
    *sorted((ROOT / "mtls_lab").rglob("*.py")),
]


def found(text: str) -> list[str]:
    hits = (re.search(pattern, text) for pattern in AVOIDED)
    return [hit[0] for hit in hits if hit]


def test_no_text_reads_as_translated(subtests: pytest.Subtests) -> None:
    for path in READ:
        with subtests.test(str(path)):
            assert [(hit, text) for text in texts(path) for hit in found(text)] == []


@pytest.mark.parametrize(
    "text",
    [
        "A device is no CA.",
        "Our CA is none of them.",
        "The name stands in the first message.",
        "It opens a connection of its own.",
        "It is critical. Who does not know it must refuse.",
        "That is what one finds first.",
        "It was not sent, says its alert certificate_required.",
        "The key is made anew.",
        "Which line does that hang on?",
        "Both have a common secret.",
        "ten ways to fail",
        "The list is asked in a full handshake.",
        "No certificate was shown.",
        "So it is in TLS 1.2.",
        "It is in its dates.",
    ],
)
def test_a_pattern_is_recognised(text: str) -> None:
    assert found(text)


@pytest.mark.parametrize(
    "text",
    [
        "There is no secret in it.",
        "It is no longer valid, and no more than a key.",
        "Who refused?",
        "Make your own CA.",
        "Whoever has the key is the device.",
    ],
)
def test_plain_english_is_let_through(text: str) -> None:
    assert found(text) == []

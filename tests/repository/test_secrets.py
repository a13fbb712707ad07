"""What may never be in git: a private key, a path of somebody's machine, a registry's address."""

import re
from pathlib import Path

import pytest

from tests.repository.files import ROOT, in_git, texts

HEADER = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
#: How the base64 of a P-256 key starts: PKCS #8, SEC 1, and either of them encrypted.
BODIES = re.compile("MIG" + "HAgEAMBMG|MH" + "cCAQEE|MIH" + "[a-zA-Z0-9+/]{2}MF")
KEY_FILES = {".der", ".key", ".p12", ".pfx", ".pk8"}

MACHINE = {
    "a home folder": re.compile(r"(?<![\w.])/(?:home|Users)/\w+/|(?<![\w.])/root/|[A-Z]:\\Users\\"),
    "this folder": re.compile(re.escape(str(ROOT)) + r"\b"),
    "this home folder": re.compile(re.escape(str(Path.home())) + "/"),
    "a registry": re.compile(r"pythonhosted|/simple\b|registry\.npmjs|--(extra-)?index-url"),
}


def found(pattern: re.Pattern[str], suffixes_left_out: tuple[str, ...] = ()) -> list[str]:
    """Where the pattern occurs, this file apart."""
    return [
        f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}"
        for path, text in texts().items()
        if path != Path(__file__) and path.suffix not in suffixes_left_out
        for match in pattern.finditer(text)
    ]


def test_no_private_key() -> None:
    assert found(HEADER, suffixes_left_out=(".py",)) == []
    assert found(BODIES) == []
    assert [path for path in in_git() if path.suffix in KEY_FILES] == []


@pytest.mark.parametrize("pattern", MACHINE.values(), ids=MACHINE)
def test_nothing_of_a_machine(pattern: re.Pattern[str]) -> None:
    assert found(pattern) == []

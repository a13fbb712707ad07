"""A lesson is as short as its pages say: small text cells, and minutes that were computed."""

import re
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from mtls_lab.learner import quiz
from tests.authoring import canonical
from tests.authoring.slides import PARTS
from tests.notebooks import reading

README = (canonical.ROOT / "README.md").read_text("utf-8")
TEACHING = (canonical.ROOT / "notebooks" / "teaching.md").read_text("utf-8")
#: All lessons; the kata's diagnoses are timed elsewhere (test_diagnoses.py).
TIMED = [path for path in canonical.NOTEBOOKS if not path.stem.endswith(("_exercises", "_kata"))]
EXERCISES = [path for path in canonical.NOTEBOOKS if path.stem.endswith("_exercises")]


@pytest.fixture(params=PARTS, ids=lambda path: path.stem)
def lesson(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def promised(path: Path, pattern: str) -> int:
    """The minutes that a notebook's first cell names."""
    (found,) = re.findall(pattern, canonical.read(path).cells[0].source)
    return int(found)


def listed(page: str, pattern: str) -> list[int]:
    """The minutes of the three parts, as a page has them in one sentence."""
    (found,) = re.findall(pattern, page)
    return [int(each) for each in re.findall(r"\d+", found)]


def test_no_text_cell_is_an_essay(source: Path) -> None:
    assert max(reading.of_prose(canonical.read(source))) <= 120


def test_a_text_cell_of_a_lesson_has_one_idea(lesson: Path) -> None:
    assert median(reading.of_prose(canonical.read(lesson))) <= 46


@pytest.mark.parametrize("path", TIMED, ids=lambda path: path.stem)
def test_a_lesson_takes_as_long_as_it_says(path: Path) -> None:
    """In steps of five minutes, never less than computed: nobody reads like a clock."""
    said = promised(path, r"\*\*What you'll need\.\*\* .*?(\d+) minutes")
    computed = reading.minutes(canonical.read(path))
    assert said % 5 == 0
    assert computed <= said < computed + 7.5


def test_the_test_takes_as_long_as_it_says() -> None:
    """Half a minute for a question, as for a prediction; in each notebook, and on the pages."""
    minutes = {when: [str(len(quiz.items(when)) * reading.PREDICTION // 60)] for when in quiz.TESTS}
    told = {
        when: (path.stem, re.findall(r"(\d+) minutes", before.source))
        for path in canonical.NOTEBOOKS
        for before, cell in pairwise(canonical.read(path).cells)
        for when in re.findall(r"QuizPanel\(\"(\w+)\"\)", cell.source)
    }
    homes = ("1_plain_tcp", "3d_stolen_session", "4d_attestation")
    assert told == {
        when: (home, minutes[when]) for when, home in zip(quiz.TESTS, homes, strict=True)
    }
    for page in (README, TEACHING):
        assert re.findall(r"twelve situations[^.]*?(\d+) minutes", page) == minutes["after"]
        assert re.findall(r"eight situations[^.]*?(\d+) minutes", page) == minutes["part4"]


def test_every_page_says_the_same_of_the_lessons() -> None:
    minutes = [promised(path, r"\*\*What you'll need\.\*\* .*?(\d+) minutes") for path in PARTS]
    *parts, tpm = minutes
    assert listed(README, r"three parts in order: ([\d, and]+) minutes") == parts
    assert listed(TEACHING, r"takes about ([\d, and]+) minutes for the three parts") == parts
    assert listed(README, r"`4_key_in_a_tpm` .*?\((\d+) minutes\)") == [tpm]
    assert listed(TEACHING, r"`4_key_in_a_tpm` is another: (\d+) minutes") == [tpm]


def test_the_page_adds_up_what_its_notebooks_take() -> None:
    """In hours, rounded up. A kata takes as long as it takes, and says so nowhere."""
    timed = [path for path in canonical.NOTEBOOKS if path.stem != "3c_kata"]
    total = sum(promised(path, r"(\d+) minutes") for path in timed)
    (table,) = re.findall(r"(?m)^\| notebook \|[^\n]*\n(?:\|[^\n]*\n)+", README)
    in_table = [
        int(each)
        for each in re.findall(r"\d+", " ".join(re.findall(r"\(([^()]*minutes)\)", table)))
    ]
    parts = listed(README, r"three parts in order: ([\d, and]+) minutes")
    assert sum(parts) + sum(in_table) == total
    assert listed(README, r"everything below takes about (\d+) hours") == [-(-total // 60)]


def test_every_page_says_the_same_of_attestation() -> None:
    (path,) = (path for path in canonical.NOTEBOOKS if path.stem == "4d_attestation")
    notebook = canonical.read(path)
    said = promised(path, r"and (\d+) minutes\. Without a software TPM")
    assert said - 7.5 < reading.minutes(notebook) <= said
    assert median(reading.of_prose(notebook)) <= 46
    assert listed(README, r"`4d_attestation` .*?\((\d+) minutes\)") == [said]
    assert listed(TEACHING, r"`4d_attestation` follows both: (\d+) minutes") == [said]


def test_every_page_says_the_same_of_other_stacks() -> None:
    notebook = canonical.read(canonical.STACKS)
    said = promised(canonical.STACKS, r"and (\d+) minutes for all")
    assert said - 7.5 < reading.minutes(notebook) <= said
    assert median(reading.of_prose(notebook)) <= 46
    assert listed(README, r"`5_in_your_own_stack` .*?\((\d+) minutes\)") == [said]
    assert listed(TEACHING, r"`5_in_your_own_stack` is for afterwards: (\d+) minutes") == [said]


def test_every_page_says_the_same_of_the_exercises() -> None:
    minutes = [promised(path, r"about (\d+) minutes") for path in EXERCISES]
    assert listed(README, r"attacks it \(([\d, and]+) minutes\)") == minutes


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("A device asks.", 3),
        ("**Bold**, *leaning* and `code`", 4),
        ("| a | b |\n|---|---:|\n| one two | three |", 5),
        ("Seen.\n<details><summary>Hint</summary>\n\nUnseen.\n\n</details>\nSeen.", 2),
        ('A <abbr title="certificate authority">CA</abbr> signs.', 3),
        ("Seen.\n\n```python\nx = 1\n```\n\nSeen.", 2),
        ("", 0),
    ],
)
def test_words_are_what_is_read(text: str, count: int) -> None:
    assert reading.words(text) == count


def test_a_section_that_is_named_exists() -> None:
    """Wherever a page, a notebook or an explanation sends a reader to a section of a part."""
    sections = {
        path.stem[0]: set(re.findall(r"(?m)^## (\d+)\. ", "\n".join(prose(path)))) for path in PARTS
    }
    explanations = (canonical.ROOT / "data" / "explanations.toml").read_text("utf-8")
    texts = [README, TEACHING, explanations, *(t for p in canonical.NOTEBOOKS for t in prose(p))]
    named = [
        (part, number)
        for text in texts
        for numbers, part in re.findall(r"[Ss]ections? ([\d, and]+) of \[?Part (\d)", text)
        for number in re.findall(r"\d+", numbers)
    ]
    named += [each for text in texts for each in re.findall(r"Part (\d), section (\d+)", text)]
    assert len(named) >= 10
    assert [(part, number) for part, number in named if number not in sections[part]] == []


def prose(path: Path) -> list[str]:
    return [cell.source for cell in canonical.read(path).cells if cell.cell_type == "markdown"]

"""What is still owed after something was added: each test names the file that lacks its part.

Here: whether the files agree, read and not run, so that all of it takes a few seconds. Not here:
whether what they say is true (tests/unit, tests/panels, tests/notebooks). See CONTRIBUTING.md.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import mtls_lab
from mtls_lab import attacks, checks, panels
from mtls_lab.attacks import ATTACKS
from mtls_lab.common import read_facts
from mtls_lab.exercises import EXERCISES
from mtls_lab.experiments import catalogue
from mtls_lab.kata import faults
from mtls_lab.kata.sabotage import STEPS
from mtls_lab.learner.judges import JUDGES
from mtls_lab.learner.predictions import questions
from mtls_lab.panels.base import Panel
from mtls_lab.wire.names import registry, rfc_of
from mtls_lab.wire.reading import messages
from tests.browser.together.panels import PANELS
from tests.repository.files import ROOT
from tests.unit.kata.repairs import REPAIRS

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
#: The kata's first faults, in their order: every seed of every teacher depends on it.
FIRST_AND_LAST = ("server_expired", "client_revoked")


def cells(path: Path, kind: str) -> Iterator[str]:
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == kind:
            yield "".join(cell["source"])


def test_a_tls_message_has_a_sentence() -> None:
    said = set(read_facts("messages"))
    known = {*registry("handshake_types").values(), "ChangeCipherSpec", "Alert", "record"}
    assert known - said == set(), "owed in data/messages.toml"
    assert said - known == set(), "in data/messages.toml, and not in data/tls.toml"


def test_a_tls_message_has_fields_and_a_section() -> None:
    empty = {"HelloRequest", "ServerHelloDone", "EndOfEarlyData"}
    by_suite = {"ServerKeyExchange", "ClientKeyExchange"}
    known = set(registry("handshake_types").values())
    read = {*messages.TLS_1_3_CONTENTS, *messages.TLS_1_2_CONTENTS, *by_suite}
    assert known - read == empty, "owed in mtls_lab/wire/reading/messages.py"
    assert [name for name in known if not rfc_of("handshake_types", name)] == [], "owed: its RFC"
    unplaced = {name for name in registry("extensions").values() if not rfc_of("extensions", name)}
    assert unplaced <= {"encrypted_client_hello"}, "owed in [rfc.extensions] of data/tls.toml"


def test_a_module_of_an_exercise_is_in_the_manifest() -> None:
    modules = {path.stem for path in (ROOT / "mtls_lab/exercises").glob("part?/[a-z]*.py")}
    names = {each.name for each in EXERCISES}
    assert modules - names == set(), "owed: a line in EXERCISES, mtls_lab/exercises/manifest.py"
    assert names - set(dir(checks)) == set(), "owed in mtls_lab/exercises/__init__.pyi"


def test_an_exercise_has_a_place_in_its_notebook() -> None:
    for path in (ROOT / "notebooks").glob("*_exercises.ipynb"):
        part = int(path.name[0])
        found = re.findall(r"checks\.(\w+)\(", "\n".join(cells(path, "code")))
        assert found == [each.name for each in EXERCISES if each.part == part], (
            f"owed in {path.name}"
        )


def test_the_function_of_an_exercise_its_check_and_its_module_have_one_name() -> None:
    for each in EXERCISES:
        assert each.check.__module__ == f"mtls_lab.exercises.part{each.part}.{each.name}"
        (path,) = (ROOT / "notebooks").glob(f"{each.part}?_exercises.ipynb")
        (cell,) = (c for c in cells(path, "code") if f"checks.{each.name}(" in c)
        handed_in = re.findall(rf"checks\.{each.name}\(\(?(\w+)", cell)
        if f"def {handed_in[0]}(" in cell:
            assert handed_in == [each.name], f"owed: a function {each.name} in {path.name}"


def test_a_prediction_is_asked_in_its_lesson() -> None:
    asked: dict[int, list[str]] = {}
    for path in NOTEBOOKS:
        code = "\n".join(cells(path, "code"))
        names = re.findall(r"\bpredict\((\w+)\)", code)
        asked.setdefault(int(path.name[0]), []).extend(names)
        defined = re.findall(r"(?m)^def (\w+)\(\):", code)
        assert set(names) <= set(defined), f"owed: its function, in {path.name}"
    for part in {each.part for each in questions().values()}:
        wanted = [name for name, each in questions().items() if each.part == part]
        assert asked[part] == wanted, f"owed: predict(…) in Part {part}, in the file's order"


def test_a_prediction_covers_what_only_shows_something() -> None:
    """As far as its style sheet reaches; never another question, nor the head of a section."""
    sheet = (ROOT / "mtls_lab" / "panels" / "style" / "prediction.css").read_text("utf-8")
    for path in NOTEBOOKS:
        every = json.loads(path.read_text("utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in every]
        for at, source in enumerate(sources):
            (name,) = re.findall(r"(?m)^(?:\w+ = )?predict\((\w+)\)", source) or [""]
            for offset in questions()[name].covers if name else ():
                way = f"lab-above-{-offset})" if offset < 0 else f"lab-below-{offset} + *"
                assert f".{way}" in sheet
                assert "predict(" not in sources[at + offset]
                assert not sources[at + offset].startswith("#"), "a text is covered up to a heading"


def test_a_prediction_is_judged() -> None:
    assert set(questions()) - set(JUDGES) == set(), "owed in mtls_lab/learner/judges.py"
    assert set(JUDGES) - set(questions()) == set(), "owed in data/predictions.toml"


def test_an_attack_has_a_title_and_a_name_to_import() -> None:
    assert {each.__name__ for each in ATTACKS.values()} <= set(attacks.__all__)
    drawn = (ROOT / "data" / "attack_table.svg").read_text(encoding="utf-8")
    assert [title for title in ATTACKS if title not in drawn] == [], "owed: make notebooks"


def test_a_fault_can_be_made_and_repaired() -> None:
    edits = {name for name, fault in faults.catalogue().items() if fault.edit}
    steps = set(faults.catalogue()) - edits
    assert steps - set(STEPS) == set(), "owed: a step in mtls_lab/kata/sabotage.py, or an `edit`"
    assert set(STEPS) - steps == set(), "a step for an `edit`, or owed in data/kata.toml"
    assert steps - set(REPAIRS) == set(), "owed: a repair in tests/unit/kata/repairs.py"


def test_a_fault_comes_after_the_first_ones() -> None:
    names = list(faults.catalogue())
    assert (names[0], names[faults.FIRST - 1]) == FIRST_AND_LAST, "put it at the end of kata.toml"


def test_a_panel_is_offered_and_tried() -> None:
    found = {
        name: value
        for name in dir(panels)
        if isinstance(value := getattr(panels, name), type) and issubclass(value, Panel)
    }
    assert set(found) - set(dir(mtls_lab)) == set(), "owed in mtls_lab/__init__.pyi"
    assert {each.name for each in found.values()} == set(PANELS), "owed in together/panels.py"
    modules = {path.stem for path in Path(panels.__file__).parent.glob("*.py")}
    shared = {"__init__", "base", "ladder", "needed", "sorter", "sorting"}
    shared |= {"telling", "verdicts"}
    homes = {value.__module__.split(".")[2] for value in found.values()} - {"wire"}
    assert modules - shared == homes, "a module of panels/ without a panel in __init__.py"


#: What is counted in prose, and how much of it there is.
COUNTS = {
    r"(\w+) attacks\b(?! (is|are|was|were)\b)": {len(ATTACKS)},
    r"(\w+) credentials\b": {len(catalogue())},
    r"\b(\w+) ways to fail\b": {len(catalogue()) - 1},
    r"\bfail in (\w+) ways\b": {len(catalogue()) - 1},
    r"(\w+) exercises for `1_plain_tcp`": {sum(each.part == 1 for each in EXERCISES)},
    r"(\w+) exercises for `2_tls`": {sum(each.part == 2 for each in EXERCISES)},
    r"(\w+) exercises for `4b_device_life`": {sum(each.part == 4 for each in EXERCISES)},
    r"(\w+) exercises for `3_mutual_tls`": {sum(each.part == 3 for each in EXERCISES)},
}
NUMBERS = (
    "no one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
)
WORDS = {word: number for number, word in enumerate(NUMBERS.split())}


@pytest.mark.parametrize("path", [ROOT / "README.md", *NOTEBOOKS], ids=lambda path: path.name)
def test_a_count_in_prose_is_true(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    prose = text if path.suffix == ".md" else "\n".join(cells(path, "markdown"))
    wrong = [
        match.group(0)
        for pattern, right in COUNTS.items()
        for match in re.finditer(pattern, prose, re.IGNORECASE)
        if WORDS.get(match.group(1).lower(), min(right)) not in right
    ]
    assert wrong == []


def test_the_files_that_contributing_names_are_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:tests|mtls_lab|data|notebooks)/[\w/.]+)`", text)
    assert len(named) > 20
    missing = [name for name in named if "NAME" not in name and not (ROOT / name).exists()]
    assert missing == []

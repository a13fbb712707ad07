"""The diagnoses before the kata: the run shows what the text says, and the blanks can be filled."""

import re
import shlex
from pathlib import Path
from subprocess import run

import pytest
from nbformat import from_dict

from mtls_lab.kata import worked_kata
from tests.authoring import canonical
from tests.notebooks import reading
from tests.notebooks.kernel import Kernel

(SOURCE,) = (path for path in canonical.NOTEBOOKS if path.stem == "3c_kata")
CELLS = canonical.read(SOURCE).cells
TEXT = "\n\n".join(cell.source for cell in CELLS if cell.cell_type == "markdown")


def before(heading: str) -> list[str]:
    """The code above a heading."""
    at = next(n for n, cell in enumerate(CELLS) if cell.source.startswith(heading))
    return [cell.source for cell in CELLS[:at] if cell.cell_type == "code"]


def printed(part: str) -> str:
    """What the cell with this text put out."""
    (cell,) = (c for c in CELLS if c.cell_type == "code" and part in c.source)
    return "".join(
        output.get("text", "") + output.get("data", {}).get("text/plain", "")
        for output in cell.outputs
    )


def test_three_faults_say_the_same() -> None:
    for number in (1, 2, 3):
        assert "unable to get local issuer certificate" in printed(f"worked_kata({number})")


def test_two_are_worked_out_to_the_end_and_one_is_not() -> None:
    checks = [cell for cell in CELLS if cell.source.endswith("example.check()")]
    said = [cell.outputs[-1].data["text/plain"].splitlines()[0] for cell in checks]
    assert said == ["✓ right", "✓ right", "✗ not yet"]
    assert printed("example.diagnosed(").startswith("○ not attempted")


def test_the_chain_is_explained_before_it_is_needed() -> None:
    assert TEXT.index("**Leaf, intermediate, root.**") < TEXT.index("## 4. Your kata")
    told = printed('who_signed_whom("backend/server.crt"')
    assert "CN=localhost, signed by CN=Issuing CA" in told
    assert "CN=Server CA, signed by CN=Server CA" in told
    assert [line.split()[-1] for line in printed("def is_signed_by").splitlines()] == [
        "False",
        "True",
        "True",
    ]


@pytest.mark.usefixtures("folder")
def test_the_command_that_proves_it_in_a_shell() -> None:
    """With what is sent along it verifies; without, it is the error of the example."""
    (command,) = re.findall(r"`(openssl verify [^`]+)`", TEXT)
    folder = worked_kata(1).folder
    whole, alone = (
        run(shlex.split(each), cwd=folder, capture_output=True, text=True, check=False)
        for each in (command, re.sub(r"-untrusted \S+ ", "", command))
    )
    assert whole.returncode == 0
    assert "unable to get local issuer certificate" in alone.stdout + alone.stderr


def test_the_diagnoses_take_as_long_as_they_say() -> None:
    """What is read and run takes less: there are three blanks to fill and a line to write."""
    (promised,) = re.findall(r"(\d+) minutes for the diagnoses", TEXT)
    at = next(n for n, cell in enumerate(CELLS) if cell.source.startswith("## 4. "))
    computed = reading.minutes(from_dict({"cells": CELLS[:at]}))
    assert computed + 5 <= int(promised) < computed + 15


def test_every_line_of_contexts_is_known_from_part_3_but_one() -> None:
    """Each name that the file takes from ssl, and each of a context, is in a lesson's code."""
    lesson = "\n".join(
        cell.source
        for path in canonical.NOTEBOOKS
        if path.stem in {"2_tls", "3_mutual_tls"}
        for cell in canonical.read(path).cells
        if cell.cell_type == "code"
    )
    contexts = printed("worked_kata(1)").partition('"""The two contexts')[2]
    used = set(re.findall(r"(?:ssl|context)\.(\w+)", contexts))
    assert {name for name in used if name not in lesson} <= {"minimum_version"}
    assert "minimum_version" in used


def solutions() -> list[str]:
    """The folded code of section 3."""
    part = TEXT.partition("## 3. ")[2].partition("## 4. ")[0]
    return re.findall(r"(?s)```python\n(.+?)\n```", part)


def test_the_blanks_can_be_filled(learner: Path, environment: dict[str, str]) -> None:
    canonical.unpack(SOURCE.name, learner)
    named, repaired = solutions()
    with Kernel(learner, environment) as kernel:
        for cell in before("**Name** it: replace each"):
            kernel.run(cell)
        kernel.run(named)
        said = kernel.run("print(example.diagnosed(refused_by, stage, file))")
        assert said.startswith("✓ right\n"), said
        kernel.run(repaired)
        said = kernel.run("print(example.check())")
        assert said.startswith("✓ right\n"), said

"""The commands that a person is told to type exist, and .ci/run can be run."""

import json
import os
import re
import subprocess
from importlib.util import find_spec

from mtls_lab import explain
from tests.authoring import slides
from tests.repository.files import PYPROJECT, ROOT, in_git
from tests.unit.cli.calling import call

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def targets() -> set[str]:
    return set(re.findall(r"(?m)^([a-z]+):", MAKEFILE))


def told_in_readme() -> set[str]:
    """X of every `make X` in a fenced block."""
    blocks = re.findall(r"(?ms)^ *```\w*\n(.*?)^ *```", README)
    return {x for block in blocks for x in re.findall(r"(?m)^\s*(?:\$ )?make ([a-z]+)", block)}


def test_the_readme_names_real_targets() -> None:
    assert {"lab", "test"} <= told_in_readme() <= targets()


def test_make_help_tells_of_every_target() -> None:
    assert set(re.findall(r"(?m)^([a-z]+):.*## \w", MAKEFILE)) == targets()


def test_make_runs_modules_that_exist() -> None:
    modules = re.findall(r"python -m (tests[.\w]*)", MAKEFILE)
    assert "tests.authoring.slides" in modules
    assert [name for name in modules if not find_spec(name)] == []


def test_a_dev_container_makes_what_exists() -> None:
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    settings = json.loads(re.sub(r"(?m)^//.*$", "", text))
    make, target = settings["postCreateCommand"].split()
    assert make == "make"
    assert target in targets()


def test_what_make_slides_writes_is_not_in_git() -> None:
    in_git()  # or a reason why not
    command = ["git", "check-ignore", "--quiet", str(slides.FOLDER / "1_plain_tcp.html")]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def test_the_line_that_the_readme_explains_is_explained() -> None:
    (line,) = re.findall(r'mtls-lab explain "([^"]+)"', README)
    told = explain(line)
    assert told.known
    assert told.stack.startswith("Go")
    near = README.partition(f'"{line}"')[2].partition("```python")[0]
    options = set(re.findall(r"(--\w+)", near))
    assert {"--certfile", "--keyfile", "--cafile", "--json"} <= options
    helped = call("explain", "--help").stdout
    assert [each for each in options if each not in helped] == []


def test_ci_can_be_run() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text(encoding="utf-8")
    assert re.findall(r"(?m)^make (\w+)", text) == ["lint", "matrix", "test"]
    assert "export CI=true" in text


def test_the_license_is_mit() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.startswith("MIT License\n")
    assert "Copyright (c) 2026 mtls_lab contributors" in text
    assert PYPROJECT["project"]["license"] == "MIT"

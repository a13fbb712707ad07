"""What the project needs stands in pyproject.toml, the lock and environment.yml. They agree."""

import re

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.repository.files import PYPROJECT, ROOT

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
ENVIRONMENT = (ROOT / "environment.yml").read_text(encoding="utf-8")

#: What conda has to be told and a wheel cannot ask for.
ONLY_CONDA = {"python", "openssl", "pip"}


def bounds(requirements: list[str]) -> dict[str, str]:
    parsed = [Requirement(text) for text in requirements]
    return {canonicalize_name(r.name): str(r.specifier) for r in parsed}


def locked() -> dict[str, list[str]]:
    """Each requirement of the lock with its hashes."""
    entries = re.split(r"\n(?=\S)", re.sub(r"(?m)^\s*#.*\n?", "", LOCK).strip())
    return {
        entry.splitlines()[0].rstrip(" \\"): re.findall(r"--hash=sha256:[0-9a-f]{64}", entry)
        for entry in entries
    }


def test_conda_and_pyproject_agree() -> None:
    dependencies = yaml.safe_load(ENVIRONMENT)["dependencies"]
    conda = bounds([entry for entry in dependencies if isinstance(entry, str)])
    shared = {name: bound for name, bound in conda.items() if name not in ONLY_CONDA}
    assert shared == bounds(PYPROJECT["project"]["dependencies"])
    assert conda["python"] == PYPROJECT["project"]["requires-python"]


def test_conda_installs_the_package_from_its_folder() -> None:
    *_, last = yaml.safe_load(ENVIRONMENT)["dependencies"]
    assert last == {"pip": ["-e ."]}


def test_conda_says_why_it_needs_each() -> None:
    entries = [
        line for line in ENVIRONMENT.splitlines() if re.match(r" +- (?!conda-forge|pip:)", line)
    ]
    assert len(entries) == len(ONLY_CONDA) + len(PYPROJECT["project"]["dependencies"]) + 1
    assert [line for line in entries if not re.search(r" # \w+", line)] == []


def test_every_requirement_of_the_lock_has_hashes() -> None:
    requirements = locked()
    assert len(requirements) > 50
    assert [name for name, hashes in requirements.items() if not hashes] == []


def test_the_lock_names_no_host() -> None:
    assert re.findall(r".*(?:://|@|--(?!hash=)).*", LOCK) == []


def test_the_lock_satisfies_pyproject() -> None:
    versions: dict[str, list[str]] = {}
    for requirement in map(Requirement, locked()):
        (pin,) = requirement.specifier
        assert pin.operator == "==", requirement
        versions.setdefault(canonicalize_name(requirement.name), []).append(pin.version)
    groups = PYPROJECT["dependency-groups"]
    asked = [text for group in groups.values() for text in group if isinstance(text, str)]
    asked += PYPROJECT["project"]["dependencies"] + PYPROJECT["build-system"]["requires"]
    for requirement in map(Requirement, asked):
        pins = versions[canonicalize_name(requirement.name)]
        assert all(requirement.specifier.contains(pin) for pin in pins), requirement

"""What the project needs stands in pyproject.toml, the locks and environment.yml. They agree."""

import re
import shlex

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.matrix.core import CORE
from tests.repository.files import PYPROJECT, ROOT

LEARNER = (ROOT / "requirements.lock").read_text(encoding="utf-8")
LOCK = (ROOT / "requirements-test.lock").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
WORKFLOW = yaml.safe_load(
    (ROOT / ".github" / "workflows" / "everywhere.yml").read_text(encoding="utf-8")
)
ENVIRONMENT = (ROOT / "environment.yml").read_text(encoding="utf-8")

#: What conda has to be told and a wheel cannot ask for.
ONLY_CONDA = {"python", "openssl", "pip"}


def bounds(requirements: list[str]) -> dict[str, str]:
    parsed = [Requirement(text) for text in requirements]
    return {canonicalize_name(r.name): str(r.specifier) for r in parsed}


def locked(lock: str = LOCK) -> dict[str, list[str]]:
    """Each requirement of a lock with its hashes."""
    entries = re.split(r"\n(?=\S)", re.sub(r"(?m)^\s*#.*\n?", "", lock).strip())
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


def test_a_learner_gets_what_was_tested_and_no_tools_of_ours() -> None:
    learner, tested = locked(LEARNER), locked()
    assert {name: tested.get(name) for name in learner} == learner
    names = {canonicalize_name(Requirement(name).name) for name in learner}
    assert names >= set(bounds(PYPROJECT["project"]["dependencies"]))
    ours = [text for text in PYPROJECT["dependency-groups"]["test"] if isinstance(text, str)]
    needed = {"jupyter-client", "nbclient", "nbconvert", "nbformat", "packaging", "pyyaml"}
    needed |= {"httpx", "requests"}
    assert names & set(bounds(ours)) == needed, "what JupyterLab itself needs, no more"


def test_the_oldest_packages_are_those_that_pyproject_names() -> None:
    (rule,) = re.findall(r"(?ms)^\.venv-oldest-%/ready:.*?\n\n", MAKEFILE)
    assert re.findall(r"-P (\S+)", rule) == list(bounds(PYPROJECT["project"]["dependencies"]))


def test_every_file_names_the_same_pythons() -> None:
    """The classifiers, the Makefile and the workflow."""
    classifiers = re.findall(r"Python :: (3\.\d+)", " ".join(PYPROJECT["project"]["classifiers"]))
    (supported,) = re.findall(r"(?m)^SUPPORTED := (.*)$", MAKEFILE)
    assert supported.split() == classifiers
    assert WORKFLOW["jobs"]["core"]["strategy"]["matrix"]["python"] == classifiers


def test_the_workflow_runs_the_core_of_the_matrix() -> None:
    steps = [step.get("run", "") for step in WORKFLOW["jobs"]["core"]["steps"]]
    assert steps[-1] == f"python -m pytest {shlex.join(CORE)}"


def test_the_locks_name_no_host() -> None:
    assert re.findall(r".*(?:://|@|--(?!hash=)).*", LEARNER + LOCK) == []


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

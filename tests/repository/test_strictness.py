"""The rules of our own test run: a skip fails under CI, a warning always. Nothing of the lab."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository.files import ROOT, texts

SKIP = "import pytest\n@pytest.mark.skip(reason='too hard')\ndef test_skip(): pass"
SKIP_MODULE = "import pytest\npytest.skip('no such machine', allow_module_level=True)"
XFAIL = "import pytest\n@pytest.mark.xfail(reason='not yet')\ndef test_xfail(): assert 0"
LACKING = """from mtls_lab.common import ToolMissing
def test_tool(): raise ToolMissing('no swtpm', 'a TPM', 'install it')"""
FINE = "def test_pass(): pass"
WARN = "def test_warn():\n    open(__file__)"


def run_pytest(
    folder: Path, *sources: str, ci: str, options: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Runs the sources under this repository's settings and conftest, with the plugin they name."""
    tests = folder / "tests"
    tests.mkdir()
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copy(ROOT / "tests" / "conftest.py", tests)
    for number, source in enumerate(sources):
        (tests / f"test_{number}.py").write_text(source)
    plugins = ["-p", "no:cacheprovider", "-p", "pytest_timeout"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, *options, "tests"],
        cwd=folder,
        env={"CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("source", [SKIP, SKIP_MODULE, XFAIL], ids=["skip", "module", "xfail"])
def test_what_is_not_run_fails_under_ci(tmp_path: Path, source: str) -> None:
    run = run_pytest(tmp_path, FINE, source, ci="true")
    assert run.returncode == pytest.ExitCode.TESTS_FAILED
    assert "FAILED: under CI=true nothing may be skipped" in run.stdout


def test_what_is_not_run_by_one_of_several_processes_fails_under_ci(tmp_path: Path) -> None:
    processes = ("-p", "xdist.plugin", "-n", "2")
    run = run_pytest(tmp_path, FINE, SKIP, SKIP_MODULE, LACKING, ci="true", options=processes)
    assert run.returncode == pytest.ExitCode.TESTS_FAILED
    assert "FAILED: under CI=true nothing may be skipped" in run.stdout
    assert "too hard" in run.stdout
    assert "no such machine" in run.stdout
    assert "no swtpm: install it" in run.stdout


def test_what_is_not_run_is_allowed_elsewhere(tmp_path: Path) -> None:
    run = run_pytest(tmp_path, FINE, SKIP, SKIP_MODULE, XFAIL, LACKING, ci="")
    assert run.returncode == pytest.ExitCode.OK
    assert "1 passed" in run.stdout
    assert "no swtpm: install it" in run.stdout


def test_a_run_with_nothing_skipped_passes_under_ci(tmp_path: Path) -> None:
    assert run_pytest(tmp_path, FINE, ci="true").returncode == pytest.ExitCode.OK


def test_a_warning_is_a_failure(tmp_path: Path) -> None:
    run = run_pytest(tmp_path, WARN, ci="")
    assert run.returncode == pytest.ExitCode.TESTS_FAILED
    assert "ResourceWarning" in run.stdout


def test_a_security_finding_is_let_pass_for_a_reason_beside_it() -> None:
    """Of ruff's S and of bandit, whose findings from medium up `make lint` wants none of."""
    passed = [
        (path.name, line)
        for path, text in texts().items()
        if path.suffix == ".py"
        for line in text.splitlines()
        if re.search(r"# (noqa: (\w+, )*S\d|nosec B\d)", line)
    ]
    assert len(passed) > 20
    assert [each for each in passed if not re.search(r"(S|B)\d+ - \w", each[1])] == []

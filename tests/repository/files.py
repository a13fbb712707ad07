"""The files of the repository as git sees them, the new ones too; copied, built; uv. No test."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
#: Python compiles what it imports; pip would compile all the rest. The value is that of pip's own
#: `compile`, whatever the name says: with 1 it compiles (pip's `_update_defaults`).
UNCOMPILED = {"PIP_NO_COMPILE": "0"}


def in_git() -> list[Path]:
    """Every file that is tracked, or would be with the next `git add`."""
    if not (ROOT / ".git").exists():
        pytest.skip("no git checkout: what is committed cannot be listed")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listing.split("\0") if name and (path := ROOT / name).is_file()]


def copy(folder: Path) -> Path:
    """A clone, with what is not committed yet."""
    for path in in_git():
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return folder


def built(kind: str, folder: Path) -> Path:
    """The one file that is built of it: "wheel" or "sdist"."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (path,) = folder.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return path


def uv() -> Path:
    """The uv with which the Makefile has made this venv."""
    found = shutil.which("uv") or ROOT / ".venv-uv" / "bin" / "uv"
    assert Path(found).is_file(), "no uv: make this venv with `make test`"
    return Path(found)


def texts() -> dict[Path, str]:
    """The text files among them."""
    found = {}
    for path in in_git():
        content = path.read_bytes()
        if b"\0" not in content:
            found[path] = content.decode("utf-8")
    return found

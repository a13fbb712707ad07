"""The facts as Python keeps them beside their source, and when what is kept no longer holds."""

import os
import sys
from pathlib import Path

import pytest

from mtls_lab.common import facts
from mtls_lab.common.facts import read_facts


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data file of our own, in a process that keeps bytecode."""
    monkeypatch.setattr(facts, "resource_folder", lambda _: tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    path = tmp_path / "caves.toml"
    path.write_text('word = "sesame"\n')
    return path


def kept(source: Path) -> Path:
    (path,) = (source.parent / "__pycache__").iterdir()
    return path


def test_they_are_read_once_and_handed_out_anew(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read_facts("caves")
    assert first == {"word": "sesame"}
    assert kept(source).name == "caves.json"
    monkeypatch.setitem(sys.modules, "tomllib", None)  # what is kept is enough
    assert read_facts("caves") == first
    first["word"] = "barley"
    assert read_facts("caves") == {"word": "sesame"}


def test_a_source_that_changed(source: Path) -> None:
    read_facts("caves")
    source.write_text('word = "barley"\n')
    os.utime(source, ns=(1, 1))
    assert read_facts("caves") == {"word": "barley"}


@pytest.mark.parametrize(
    "damage", [b"", b"\xff", b"[1, 2", b"[1, 2]", b"[[]]", b"[" * 200_000, b"null"]
)
def test_what_is_kept_is_damaged(source: Path, damage: bytes) -> None:
    read_facts("caves")
    kept(source).write_bytes(damage)
    assert read_facts("caves") == {"word": "sesame"}
    assert kept(source).read_bytes() != damage


def test_where_nothing_may_be_kept(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (source.parent / "__pycache__").touch()  # a file: nothing can be written below it
    assert read_facts("caves") == {"word": "sesame"}
    (source.parent / "__pycache__").unlink()
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert read_facts("caves") == {"word": "sesame"}
    assert not (source.parent / "__pycache__").exists()

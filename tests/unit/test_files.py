"""How every file is written; keys, certificates and notebooks test the failures of their own."""

import os
import stat
from pathlib import Path

import pytest

from mtls_lab.errors import FileProblem
from mtls_lab.files import write_file, writing


def test_a_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "hint.txt"
    path.touch(0o600)
    assert write_file(path, "☾\n").read_bytes() == "☾\n".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert write_file("hint.txt", b"\x00\xff").read_bytes() == b"\x00\xff"
    assert [each.name for each in tmp_path.iterdir()] == ["hint.txt"]


def test_what_a_killed_process_left_is_in_nobodys_way(tmp_path: Path) -> None:
    left = tmp_path / f".hint.txt.{os.getpid()}.new"
    left.write_text("half")
    assert write_file(tmp_path / "hint.txt", "whole").read_text() == "whole"
    assert not left.exists()


def test_another_error_than_one_of_the_system_passes(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="another"), writing(tmp_path):
        raise FileProblem("another", "one", "go on")

"""Folders for a moment: private, gone afterwards, and swept when their process was killed."""

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mtls_lab.common import scratch
from mtls_lab.common.errors import FileProblem
from mtls_lab.common.scratch import scratch_folder, sweep
from tests.unit.lab import dead_process


def test_a_folder_is_private_and_goes_with_what_is_in_it() -> None:
    with scratch_folder() as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "deep").mkdir()
        (folder / "deep" / "client.key").write_text("a key")
    assert not folder.exists()


def test_it_goes_when_the_block_fails() -> None:
    with pytest.raises(KeyError), scratch_folder() as folder:
        raise KeyError
    assert not folder.exists()


def test_no_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(FileProblem, match="gone cannot be written"), scratch_folder():
        pass


def test_no_room_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A full disk, before the first folder: Python then knows no place for one."""
    nowhere = str(tmp_path / "gone")
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [nowhere])
    with pytest.raises(FileProblem, match="temporary files cannot be written"), scratch_folder():
        pass


KILLED = """
import os, signal
from mtls_lab.common.scratch import scratch_folder
with scratch_folder() as folder:
    (folder / "client.key").write_text("a key")
    print(folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_keys_of_a_killed_process_go_with_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    left = Path(killed.stdout.strip())
    assert (left / "client.key").read_text() == "a key"
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    scratch._swept.cache_clear()
    with scratch_folder() as folder:
        assert list(tmp_path.iterdir()) == [folder]
    scratch._swept.cache_clear()


def test_only_what_is_left_over_is_swept(tmp_path: Path) -> None:
    dead = dead_process()
    left = [f"mtls-lab-{dead}-abc_1", f".hint.txt.{dead}-0123abcd.new"]
    stays = [
        f"mtls-lab-{os.getpid()}-abc_1",  # at work
        "mtls-lab-1-abc_1",  # of a process that runs
        f"mtls-lab-{1 << 40}-abc_1",
        f"other-{dead}-abc",
        f".hint.txt.{dead}.new",
        f"x.hint.txt.{dead}-0123abcd.new",
    ]
    for name in (*left, *stays):
        (tmp_path / name).write_text("")
    (tmp_path / f"mtls-lab-{dead}-folder").mkdir()
    (tmp_path / f"mtls-lab-{dead}-folder" / "client.key").write_text("a key")
    (tmp_path / f"mtls-lab-{dead}-link").symlink_to(tmp_path / "mtls-lab-1-abc_1")
    sweep(tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(stays)
    sweep(tmp_path / "no such folder")

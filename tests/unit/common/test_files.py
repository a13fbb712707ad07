"""How every file is read and written; keys, certificates and notebooks test what is theirs."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mtls_lab.common.errors import FileProblem
from mtls_lab.common.files import append_line, read_file, read_json, write_file, writing
from tests.unit.lab import files_of_at_most

# --- Written whole


@pytest.mark.parametrize("mode", [0o600, 0o664])
def test_a_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "hint.txt"
    path.touch()
    path.chmod(mode)  # whatever the umask is
    assert write_file(path, "☾\n").read_bytes() == "☾\n".encode()
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert write_file("hint.txt", b"\x00\xff", lasting=True).read_bytes() == b"\x00\xff"
    assert [each.name for each in tmp_path.iterdir()] == ["hint.txt"]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    outside, path = tmp_path / "outside.txt", tmp_path / "hint.txt"
    outside.write_text("mine")
    path.symlink_to(outside)
    write_file(path, "ours")
    assert (outside.read_text(), path.read_text(), path.is_symlink()) == ("mine", "ours", False)


def test_another_error_than_one_of_the_system_passes(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="another"), writing(tmp_path):
        raise FileProblem("another", "one", "go on")


# --- Lines that are added


def test_lines_are_added(tmp_path: Path) -> None:
    path = tmp_path / "events"
    append_line(path, "one")
    append_line(path, "zwei ☾")
    assert path.read_text("utf-8") == "one\nzwei ☾\n"


def test_a_torn_last_line_swallows_nothing(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_text('one\n{"torn')
    append_line(path, "two")
    assert path.read_text() == 'one\n{"torn\ntwo\n'


def test_on_a_full_disk_no_half_line_stays_and_the_next_one_comes(tmp_path: Path) -> None:
    path = tmp_path / "events"
    append_line(path, "one")
    with files_of_at_most(7), pytest.raises(FileProblem, match="No space left on device"):
        append_line(path, "two")
    assert path.read_text() == "one\n"
    append_line(path, "three")
    assert path.read_text() == "one\nthree\n"


def test_many_at_once(tmp_path: Path) -> None:
    path = tmp_path / "events"

    def add(number: int) -> None:
        for step in range(50):
            append_line(path, f"{number} {step}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(4)))
    wanted = [f"{number} {step}" for number in range(4) for step in range(50)]
    assert sorted(path.read_text().splitlines()) == sorted(wanted)


@pytest.mark.parametrize("what", ["link", "pipe", "device"])
def test_nothing_is_added_to_what_is_not_the_labs_own(tmp_path: Path, what: str) -> None:
    path, outside = tmp_path / "events", tmp_path / "outside.txt"
    outside.write_text("mine")
    if what == "link":
        path.symlink_to(outside)
    elif what == "pipe":
        os.mkfifo(path)
    else:
        path = Path(os.devnull)
    with pytest.raises(FileProblem) as caught:
        append_line(path, "one")
    kind = {"link": "a link", "pipe": "a named pipe", "device": "a device"}[what]
    assert caught.value.found == f"{path} is {kind}"
    assert caught.value.todo == "move it away, and try again"
    assert outside.read_text() == "mine"


# --- Read with limits


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_file(path, most=5) == b"12345"
    with pytest.raises(ValueError, match=r"^larger than 4 bytes$"):
        read_file(path, most=4)
    os.truncate(path, 64 << 20)
    with pytest.raises(ValueError, match=r"^larger than 32 MiB$"):
        read_file(path)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ValueError, match=r"^not a regular file$"):
            read_file(path)
    with pytest.raises(IsADirectoryError):
        read_file(tmp_path)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"[" * 200_000, "nested too deep"),
        (b"\xff", "utf-8"),
        (b"{", "Expecting property name"),
    ],
)
def test_json_that_cannot_be_read(tmp_path: Path, content: bytes, error: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match=error):
        read_json(tmp_path / "file")

"""A software TPM: it begins, ends with its owner, and says what is wrong with its folder."""

import json
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from mtls_lab.common import FileProblem, LabError, ToolMissing
from mtls_lab.pki import create_key, pem
from mtls_lab.tpm import (
    Chip,
    SoftwareTPM,
    commands,
    create_csr,
    create_wrapped_key,
    find,
    keeper,
    software,
)
from mtls_lab.tpm.conversation import OWNER, Conversation
from mtls_lab.tpm.manager import Manager
from tests.unit.lab import needs

pytestmark = pytest.mark.once


def has_ended(process: int) -> bool:
    return not Path(f"/proc/{process}").exists()


def test_it_begins_again_with_what_it_had(tmp_path: Path) -> None:
    with SoftwareTPM(tmp_path / "chip") as chip:
        create_wrapped_key(chip, tmp_path / "key")
        assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
        assert chip.running
        first = chip.pid
        assert chip.lock.most == 3
    assert has_ended(first)
    # A cell that is run again: the one before makes room.
    again = SoftwareTPM(tmp_path / "chip")
    with SoftwareTPM(tmp_path / "chip") as third:
        assert has_ended(again.pid)
        assert third.tcti == chip.tcti  # what a device's process was told still leads to it
        assert create_csr(third, tmp_path / "key", "a=b/c").subject.rfc4514_string() == "CN=a=b/c"
    again.stop()
    assert Chip.of(tmp_path / "chip") is None


def test_nobody_asks_it_anything_after_its_farewell(tmp_path: Path) -> None:
    """swtpm goes on for ever when whoever it answers has hung up: a client may be slow to leave."""
    chip = SoftwareTPM(tmp_path / "chip")
    with Conversation(chip) as client:
        client.parent(OWNER)
        chip._broker.farewell(commands.shutdown(), 30)
        asked = chip.log
        with pytest.raises(ConnectionError, match="it was stopped"):
            chip._broker.ask(commands.shutdown())
    assert (asked[-1].name, chip.log) == ("Shutdown", asked)
    chip.stop()
    assert chip._process.returncode == 0


def test_the_usual_place_may_have_a_long_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than the name of a socket may be: a learner's TMPDIR, as deep as it likes."""
    place = tmp_path / ("long" * 30)
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    with SoftwareTPM(tmp_path / "chip") as chip:
        assert chip.lock.most == 3
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_its_owner(tmp_path: Path, how: signal.Signals) -> None:
    needs("swtpm", "swtpm")
    code = (
        "import sys; from mtls_lab.tpm import SoftwareTPM\n"
        f"chip = SoftwareTPM({str(tmp_path / 'chip')!r}); print(chip.pid, flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        process = int(owner.stdout.readline())
        watched = os.pidfd_open(process)
        try:
            with pytest.raises(LabError, match=f"running already, for process {owner.pid}"):
                SoftwareTPM(tmp_path / "chip")
            assert find(tmp_path / "chip", environment={}).owner == owner.pid
            owner.send_signal(how)
            poll = select.poll()
            poll.register(watched, select.POLLIN)
            assert poll.poll(10_000)
        finally:
            os.close(watched)
    # What it told of itself is stale, and does no harm.
    assert (tmp_path / "chip" / "running.json").is_file()
    assert Chip.of(tmp_path / "chip") is None
    with SoftwareTPM(tmp_path / "chip") as chip:
        assert chip.running


@pytest.mark.parametrize("kind", ["a pipe", "a link"])
def test_a_log_that_is_no_file_is_replaced(tmp_path: Path, kind: str) -> None:
    folder, other = tmp_path / "chip", tmp_path / "other"
    folder.mkdir()
    other.write_text("somebody's own", "utf-8")
    if kind == "a pipe":
        os.mkfifo(folder / "swtpm.log")
    else:
        (folder / "swtpm.log").symlink_to(other)
    with SoftwareTPM(folder) as chip:
        assert chip.running
        assert (folder / "swtpm.log").is_file()
        assert not (folder / "swtpm.log").is_symlink()
    assert other.read_text("utf-8") == "somebody's own"


def test_a_copy_of_a_chip_in_use_is_the_same_chip(tmp_path: Path) -> None:
    """The honest limit of a software TPM: its folder is all of it."""
    with SoftwareTPM(tmp_path / "chip") as chip:
        create_wrapped_key(chip, tmp_path / "key")
        shutil.copytree(tmp_path / "chip", tmp_path / "copy")
        with SoftwareTPM(tmp_path / "copy") as copy:
            assert create_csr(copy, tmp_path / "key", "thief").is_signature_valid


def test_without_swtpm_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(ToolMissing, match="no swtpm on this machine") as caught:
        SoftwareTPM(tmp_path / "chip")
    assert "sudo apt install openssl swtpm tpm2-openssl" in caught.value.todo
    assert not (tmp_path / "chip").exists()


def test_without_a_tpm_there_is_none_to_find(tmp_path: Path) -> None:
    told = {"pid": 1, "socket": "/nowhere", "folder": str(tmp_path)}
    pids: tuple[object, ...] = (1, float("inf"), float("nan"), "x", [], None)
    for pid in pids:
        (tmp_path / "running.json").write_text(json.dumps(told | {"pid": pid}), "utf-8")
        with pytest.raises(LabError, match="no TPM: none runs in"):
            find(tmp_path, environment={})
        assert keeper.recorded(tmp_path) == (pid if pid == 1 else 0)
    assert find(environment={"TPM2OPENSSL_TCTI": "device:/dev/tpmrm0"}).real


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There, swtpm 0.7.1 answers each command with TPM_RC_FAILURE: it said struct.error."""
    with pytest.raises(OSError, match="the TPM says 0x101"):
        Manager(lambda _: commands.reply(0x101), list[object]().append)

    def says_no(*_: object, **__: object) -> None:
        raise OSError("the TPM says 0x101")

    def full(**_: object) -> object:
        return Path("/dev/full").open("wb")

    monkeypatch.setattr("mtls_lab.tpm.software.Broker", says_no)
    monkeypatch.setattr("mtls_lab.tpm.software.TemporaryFile", full)
    with pytest.raises(FileProblem, match=r"chip cannot be written \(No space left on device\)"):
        SoftwareTPM(tmp_path / "chip")


def test_a_tpm_in_failure_mode_is_not_one_that_is_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    """What swtpm 0.7.1 said after its disk was full: one property, and a number that means nothing.

    So `tpm status` said LOCKED, after 1455670 of 0 wrong PINs.
    """
    said = struct.pack(">BIIII", 0, 6, 1, 0x20E, 1455670)
    monkeypatch.setattr(Chip, "_send", lambda *_: commands.reply(0, said))
    with pytest.raises(LabError, match="which does not say how many wrong PINs it takes"):
        _ = Chip("none").lock


def test_a_request_says_what_its_key_lacks(tmp_path: Path) -> None:
    """Of a key in a plain file, the TPM was said to refuse it; of one with a PIN, nothing."""
    request: Callable[..., object] = create_csr
    with SoftwareTPM(tmp_path / "chip") as chip:
        create_wrapped_key(chip, tmp_path / "pin.key", pin="1234")
        pem.write_key(tmp_path / "plain.key", create_key())
        with pytest.raises(LabError, match=r"pin\.key, a key with a PIN, and no PIN"):
            request(chip, tmp_path / "pin.key", "device-7")
        with pytest.raises(FileProblem, match=r"there is no TSS2 PRIVATE KEY in it"):
            request(chip, tmp_path / "plain.key", "device-7")
        torn = (tmp_path / "pin.key").read_text("ascii").splitlines()
        (tmp_path / "torn.key").write_text("\n".join([*torn[:3], torn[-1]]), "ascii")
        with pytest.raises(FileProblem, match=r"torn\.key holds no key .*DER that ends too early"):
            request(chip, tmp_path / "torn.key", "device-7", pin="1234")
        for name in ("", "x" * 65):
            with pytest.raises(LabError, match=f"a name of {len(name)} characters"):
                request(chip, tmp_path / "pin.key", name, pin="1234")
        with pytest.raises(LabError, match="the PIN is an int"):
            request(chip, tmp_path / "pin.key", "device-7", pin=1234)


def test_the_record_in_a_copy_of_a_folder_is_not_the_copys(tmp_path: Path) -> None:
    """Of a process that was at work for the other folder, `tpm status` said that it had ended."""
    told = {"pid": os.getpid(), "socket": "/nowhere", "folder": str(tmp_path / "tpm")}
    for name in ("tpm", "copy"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "running.json").write_text(json.dumps(told), "utf-8")
    assert keeper.recorded(tmp_path / "tpm") == os.getpid()
    assert keeper.recorded(tmp_path / "copy") == 0


@pytest.mark.parametrize("pin", ["", " ", "\n", "x" * 33])
def test_a_pin_that_cannot_be_one(tmp_path: Path, pin: str) -> None:
    with pytest.raises(LabError, match="this PIN"):
        create_wrapped_key(Chip("none"), tmp_path / "key", pin=pin)


@pytest.mark.parametrize("why", ["taken", "no thread"])
def test_a_door_that_does_not_open_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    """Of its two doors, the first one is open by then. No thread is left (conftest.py)."""
    if why == "taken":
        (software._place_for(tmp_path / "chip") / "tpm.ctrl").touch()
    else:
        started, usual = count(1), threading.Thread.start

        def start(thread: threading.Thread) -> None:
            if next(started) == 2:
                raise RuntimeError("can't start new thread")
            usual(thread)

        monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(FileProblem, match="no TPM starts from the state in chip"):
        SoftwareTPM(tmp_path / "chip")
    monkeypatch.undo()
    with SoftwareTPM(tmp_path / "chip") as chip:
        assert chip.running


def test_it_ends_though_somebody_has_taken_its_place_away(tmp_path: Path) -> None:
    """As what tidies up /tmp does."""
    chip = SoftwareTPM(tmp_path / "chip")
    place = Path(chip.tcti.removeprefix("swtpm:path=")).parent
    place.rename(tmp_path / "away")
    chip.stop()
    assert chip._process.returncode == 0
    (tmp_path / "away").rename(place)

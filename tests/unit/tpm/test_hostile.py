"""What answers in the place of a TPM, and what wears one out: an error at once, within bounds."""

import errno
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from mtls_lab.cli.sealed import wants_pin
from mtls_lab.common import FileProblem, LabError, scratch_folder
from mtls_lab.tpm import (
    Chip,
    Conversation,
    Refusal,
    SoftwareTPM,
    attestation_key,
    create_csr,
    create_wrapped_key,
    keys,
    manager,
)
from mtls_lab.tpm.attesting import ATTESTATION_KEY
from mtls_lab.tpm.caller import call
from mtls_lab.tpm.conversation import ENDORSEMENT
from tests.unit.tpm.conftest import Device

pytestmark = pytest.mark.once

#: A response that says what it is, and gives less than it has to.
EMPTY = bytes.fromhex("8001 0000000a 00000000")
ANSWERS = {
    "another protocol": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "a length that is none": bytes.fromhex("8001 ffffffff 00000000"),
    "less than its length": bytes.fromhex("8001 00000010 00000000"),
    "nothing": b"",
}
USES: dict[str, Callable[[Chip], object]] = {
    "lock": lambda chip: chip.lock,
    "version": lambda chip: chip.version,
    "probe": Chip.probe,
    "conversation": attestation_key,
}


@contextmanager
def in_its_place(answer: Callable[[socket.socket], object]) -> Iterator[Chip]:
    """Somebody at a TPM's place; `answer` gives it to each client that has asked."""

    def run() -> None:
        while True:
            client, _ = listener.accept()
            with client, suppress(OSError):
                if not client.recv(4096):
                    return
                answer(client)

    with scratch_folder(for_socket=True) as folder, socket.socket(socket.AF_UNIX) as listener:
        path = str(folder / "tpm")
        listener.bind(path)
        listener.listen()
        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield Chip(f"swtpm:path={path}")
        finally:
            with socket.socket(socket.AF_UNIX) as last:
                last.connect(path)
            thread.join()


def answering(data: bytes) -> AbstractContextManager[Chip]:
    """Each client gets this answer."""
    return in_its_place(lambda client: client.sendall(data))


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("answer", ANSWERS)
def test_what_is_no_tpm_is_one_message(answer: str, use: str) -> None:
    with answering(ANSWERS[answer]) as chip, pytest.raises(LabError) as caught:
        USES[use](chip)
    assert "TPM" in caught.value.found
    assert caught.value.todo in {"start it again", "start the TPM again"}


@pytest.mark.parametrize("use", ["lock", "version", "probe"])
def test_a_tpm_that_does_not_tell_of_itself(use: str) -> None:
    with answering(EMPTY) as chip, pytest.raises(LabError, match="does not tell its property"):
        USES[use](chip)


def test_an_answer_that_drips_has_its_time() -> None:
    """Within a time-out for each byte, all of them would come."""
    answer, slow = bytes.fromhex("8001 00000020 00000000") + bytes(22), threading.Event()

    def drip(client: socket.socket) -> None:
        for each in answer:
            client.sendall(bytes([each]))
            slow.wait(0.1)

    with in_its_place(drip) as chip, pytest.raises(TimeoutError):
        call(chip.tcti, bytes(10), 1.0)


def test_a_device_that_is_no_tpm() -> None:
    with pytest.raises(LabError, match="does not answer"):
        _ = Chip("device:/dev/zero").lock
    with pytest.raises(LabError, match="cannot be reached"):
        attestation_key(Chip("device:/dev/zero"))


def test_a_tpm_that_the_lab_does_not_speak_to() -> None:
    with pytest.raises(LabError, match="the lab does not speak to tabrmd:"):
        Conversation(Chip("tabrmd:"))


def test_a_wrapped_key_whose_parent_is_no_handle(tmp_path: Path) -> None:
    path = tmp_path / "long.key"
    keys.write_wrapped(path, keys.Wrapped(1 << 32, b"", b""))
    with pytest.raises(FileProblem, match="a parent that is not a handle"):
        keys.read_wrapped(path)


def test_one_client_has_so_many_objects(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manager, "MOST", 5)  # more than the TPM has places for
    with Conversation(device.chip) as greedy:
        for _ in range(5):
            greedy.create_primary(ENDORSEMENT, ATTESTATION_KEY)
        with pytest.raises(Refusal, match="0x902"):
            greedy.create_primary(ENDORSEMENT, ATTESTATION_KEY)
        with Conversation(device.chip) as other:
            assert other.create_primary(ENDORSEMENT, ATTESTATION_KEY)[0]


def test_the_door_stays_open_without_descriptors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every listener finds that the process has none left, once; then it serves."""
    real, failed = socket.socket.accept, set[str]()

    def accept(self: socket.socket) -> tuple[socket.socket, object]:
        if self.family == socket.AF_UNIX and (name := self.getsockname()) not in failed:
            failed.add(name)
            raise OSError(errno.EMFILE, "Too many open files")
        return real(self)

    monkeypatch.setattr(socket.socket, "accept", accept)
    with SoftwareTPM(tmp_path / "full") as chip:
        assert Chip(chip.tcti).lock.wrong == 0
        path = chip.tcti.partition("path=")[2]
    assert failed >= {path, f"{path}.ctrl"}  # and perhaps those of a chip of other tests


def test_the_pin_is_on_no_command_line(
    device: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every user of a machine may read those (proc(5))."""
    lines: list[list[str]] = []
    real = subprocess.run

    def run(line: list[str], **more: Any) -> Any:
        lines.append(line)
        return real(line, **more)

    monkeypatch.setattr(subprocess, "run", run)
    create_wrapped_key(device.chip, tmp_path / "new.key", pin="not 4 others")
    assert wants_pin(tmp_path / "new.key")
    create_csr(device.chip, tmp_path / "new.key", "pump", pin="not 4 others")
    assert lines
    assert not [line for line in lines if "not 4 others" in " ".join(line)]
    with pytest.raises(LabError, match="AUTH_FAIL"):
        create_csr(device.chip, tmp_path / "new.key", "pump", pin="another")

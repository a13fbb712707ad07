"""A device whose key is in a TPM, as a process: served, refused, and never waiting for ever."""

import json
import os
import socket
import ssl
import struct
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from mtls_lab.common import LabError
from mtls_lab.explaining import explain
from mtls_lab.net import Backend, Presented, ask_each_apart
from mtls_lab.tpm import SoftwareTPM, create_csr, create_wrapped_key, read_wrapped
from mtls_lab.wire import Stage
from tests.unit.lab import LONG, failed
from tests.unit.tpm.conftest import Device

pytestmark = pytest.mark.once


@pytest.fixture
def backend(device: Device) -> Iterator[Backend]:
    with Backend(device.context, handshake_timeout=LONG, idle_timeout=LONG) as backend:
        yield backend


@contextmanager
def door(device: Device) -> Iterator[socket.socket]:
    """A client's socket to the TPM, as the TSS has it."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(LONG)
        client.connect(device.chip.tcti.removeprefix("swtpm:path="))
        yield client


def say(device: Device, command: bytes) -> bytes:
    with door(device) as client:
        client.sendall(command)
        return client.recv(4096)


def test_the_device_is_served(device: Device, backend: Backend, version: ssl.TLSVersion) -> None:
    assert not read_wrapped(device.folder / "tpm.key").pin
    before = len(device.chip.log)
    exchange = device.ask(backend, version=version)
    assert exchange.ok
    assert exchange.backend is not None
    assert exchange.backend.peer == "CN=trusted-client"
    sent = {message.name for message in exchange.handshake.messages}
    assert {"ClientHello", "CertificateVerify", "Finished"} <= sent
    asked = device.chip.log[before:]
    assert all(each.answer.ok for each in asked)
    counted = Counter(each.name for each in asked if each.client)
    assert (counted["Load"], counted["Sign"]) == (1, 1)
    assert counted["GetRandom"] == 0
    assert len({each.client for each in asked} - {0}) == 1


def test_a_wrong_pin_is_counted_and_then_the_right_one_is_refused(
    device: Device, backend: Backend
) -> None:
    assert device.ask(backend, "pin", password="1234").ok
    told = [
        failed(device.ask(backend, "pin", password=guess).device).text
        for guess in ("0000", "0001", "0002", "1234")
    ]
    assert told == ["[SSL] EVP lib (0x98e)"] * 3 + ["[SSL] EVP lib (0x921)"]
    assert device.chip.lock.closed
    assert explain(device.ask(backend, "pin", password="1234")).entry == "tpm_lockout"
    # It locks every key of this TPM, also those without a PIN: whoever guesses stops the device.
    assert failed(device.ask(backend).device).text == "[SSL] EVP lib (0x921)"
    device.chip.unlock()
    assert device.ask(backend, "pin", password="1234").ok


def test_a_code_belongs_to_the_exchange_during_which_it_was_written(
    device: Device, backend: Backend, tmp_path: Path
) -> None:
    """A thief's device: the key of another TPM, and before and after it no key at all."""
    ours = {name: str(device.folder / f"tpm.{name}") for name in ("crt", "key")}
    missing = str(device.folder / "missing.key")
    presented = [
        Presented(certfile=ours["crt"], keyfile=key, server_ca=str(device.folder / "ca.crt"))
        for key in (missing, ours["key"], missing)
    ]
    with SoftwareTPM(tmp_path / "other") as other:
        exchanges = ask_each_apart(
            "GET_SECRET", backend, presented, other.environment(tmp_path), timeout=LONG
        )
    assert [failed(each.device).text for each in exchanges] == [
        "No such file or directory",
        "[SSL] PEM lib (0x1df)",
        "No such file or directory",
    ]


def test_the_key_of_another_tpm_is_refused_by_its_integrity(
    device: Device, backend: Backend, tmp_path: Path
) -> None:
    with SoftwareTPM(tmp_path / "other") as other:
        exchange = device.ask(backend, settings=other.environment(tmp_path))
        told = exchange.device.stage, failed(exchange.device).text
        assert told == (Stage.SETUP, "[SSL] PEM lib (0x1df)")
        assert exchange.backend is None
        assert explain(exchange).entry == "tpm_another"
        assert [each.answer.name for each in other.log if not each.answer.ok] == ["INTEGRITY"]
        with pytest.raises(LabError, match="0x1df TPM_RC_INTEGRITY"):
            create_csr(other, device.folder / "tpm.key", "thief")
        # The TPM is gone in the middle: an error, at once.
        other.kill()
        settings = device.chip.environment(tmp_path) | {"TPM2OPENSSL_TCTI": other.tcti}
        for _ in ("the connection is lost", "none is made"):
            lost = device.ask(backend, settings=settings)
            assert failed(lost.device).text == "[SSL] PEM lib (0xa000a)"
            assert explain(lost).entry == "tpm_gone"
        with pytest.raises(LabError, match="does not answer"):
            other.unlock()
        with pytest.raises(LabError, match="start the TPM again"):
            create_wrapped_key(other, tmp_path / "key")


def test_a_tpm_that_is_silent_does_not_keep_anybody_waiting(tmp_path: Path) -> None:
    with SoftwareTPM(tmp_path / "silent", timeout=0.5) as silent:
        os.kill(silent.pid, 19)  # SIGSTOP
        with pytest.raises(LabError, match="it did not answer in time"):
            silent.unlock()
        with pytest.raises(LabError, match="start the TPM again"):
            create_wrapped_key(silent, tmp_path / "key")
        silent.kill()


def test_without_the_provider_the_key_cannot_be_read(device: Device, backend: Backend) -> None:
    assert failed(device.ask(backend, settings={}).device).text == "[SSL] PEM lib"


def test_several_devices_at_once(device: Device, backend: Backend) -> None:
    with ThreadPoolExecutor(4) as pool:
        exchanges = list(pool.map(lambda _: device.ask(backend), range(4)))
    assert [each.ok for each in exchanges] == [True] * 4


def test_what_a_killed_client_loaded_is_flushed(device: Device) -> None:
    """It loads its key more often than the TPM has places, and never flushes one."""
    code = (
        "import json, socket, struct, sys, time\n"
        "path, command = json.load(sys.stdin)\n"
        "for _ in range(6):\n"
        "    with socket.socket(socket.AF_UNIX) as s:\n"
        "        s.connect(path); s.sendall(bytes.fromhex(command)); r = s.recv(4096)\n"
        "    print(r[6:14].hex(), flush=True)\n"
        "time.sleep(60)\n"
    )
    # CreatePrimary of an ECC storage key under the null hierarchy, as anybody may.
    template = bytes.fromhex("0023000b00030472000000060080004300100003001000000000")
    parameters = struct.pack(">HHH", 4, 0, 0) + struct.pack(">H", len(template)) + template
    parameters += struct.pack(">HI", 0, 0)
    area = struct.pack(">IIIHBH", 0x40000007, 9, 0x40000009, 0, 0, 0)
    command = struct.pack(">HII", 0x8002, 10 + len(area) + len(parameters), 0x131)
    told = json.dumps(
        [device.chip.tcti.removeprefix("swtpm:path="), (command + area + parameters).hex()]
    )
    with subprocess.Popen(
        ["python3", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write(told)
        client.stdin.close()
        lines = [client.stdout.readline().strip() for _ in range(6)]
        assert [line[:8] for line in lines] == ["00000000"] * 6
        assert len(set(lines)) == 6  # each has a handle of its own
        # Its handles are its own: another process's are not found.
        foreign = say(device, struct.pack(">HIII", 0x8001, 14, 0x173, int(lines[0][8:], 16)))
        assert foreign[6:10].hex() == "0000018b"
        client.kill()
    before = len(device.chip.log)
    say(device, struct.pack(">HIIH", 0x8001, 12, 0x17B, 4))
    flushed = [each for each in device.chip.log[before:] if each.name == "FlushContext"]
    assert len(flushed) >= 1


@pytest.mark.parametrize(
    "sent",
    [b"", b"\x80\x01", b"\x80\x01\xff\xff\xff\xff\x00\x00\x01\x7b", b"GET / HTTP/1.1\r\n\r\n"],
)
def test_whoever_does_not_speak_its_language_is_hung_up_on(device: Device, sent: bytes) -> None:
    with door(device) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        try:
            answer = client.recv(10)
        except ConnectionResetError:  # not all of it was read
            answer = b""
    assert answer == b""
    assert say(device, struct.pack(">HIIH", 0x8001, 12, 0x17B, 4))[6:10] == bytes(4)


@pytest.mark.parametrize(("command", "code"), [("157", "0142"), ("999", "0143")])
def test_a_command_that_is_none_gets_an_answer(device: Device, command: str, code: str) -> None:
    answer = say(device, struct.pack(">HII", 0x8001, 10, int(command, 16)))
    assert answer[6:10].hex().endswith(code)

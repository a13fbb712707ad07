"""A key that is sealed to what was measured: it signs in that state, and in no other."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mtls_lab import Exchange, explain
from mtls_lab.common import LabError
from mtls_lab.net import Backend, ask_apart
from mtls_lab.pki import Purpose, write_certificate
from mtls_lab.tpm import (
    Chip,
    Conversation,
    SoftwareTPM,
    certify_key,
    create_csr,
    create_sealed_key,
    measure,
    policy_for,
)
from mtls_lab.tpm.measured import MEASURED, register_of
from mtls_lab.wire import Stage
from tests.unit.lab import failed
from tests.unit.tpm.conftest import trusting

pytestmark = pytest.mark.once

FIRMWARE, MALWARE = b"firmware 1", b"malware"
SAYS = "0x99d TPM_RC_POLICY_FAIL: a policy check failed (session 1)"


@dataclass
class Device:
    """A folder with a sealed key, the backend that trusts it, and the folder of its TPM."""

    folder: Path
    backend: Backend

    def ask(self, chip: SoftwareTPM, version: ssl.TLSVersion | None = None) -> Exchange:
        return ask_apart(
            "GET_SECRET",
            self.backend,
            certfile=self.folder / "sealed.crt",
            keyfile=self.folder / "sealed.key",
            server_ca=self.folder / "ca.crt",
            environment=chip.environment(self.folder),
            version=version,
            timeout=20,
        )


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    ca, context = trusting(tmp_path)
    with SoftwareTPM(tmp_path / "chip") as chip:
        measure(chip, FIRMWARE)
        create_sealed_key(chip, tmp_path / "sealed.key", policy_for(FIRMWARE))
        csr = create_csr(chip, tmp_path / "sealed.key", "device-21")
        write_certificate(tmp_path / "sealed.crt", ca.sign(csr, Purpose.CLIENT))
    with Backend(context) as backend:
        yield Device(tmp_path, backend)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_changed_firmware_cannot_connect_and_after_a_restart_the_right_one_can(
    device: Device, version: ssl.TLSVersion
) -> None:
    with SoftwareTPM(device.folder / "chip") as chip:
        assert measure(chip, FIRMWARE) == register_of(FIRMWARE)
        assert device.ask(chip, version).reply == "open sesame"
        for _ in range(2):  # the right one, measured once more, does not undo it
            measure(chip, MALWARE)
            changed = device.ask(chip, version)
            assert changed.device.stage is Stage.HANDSHAKE
            assert failed(changed.device).text.endswith("(0x99d)")
            assert failed(changed.backend).reason == "TLSV1_ALERT_INTERNAL_ERROR"
            assert SAYS in [
                str(each.answer) for each in chip.questions.asked if each.name == "Sign"
            ]
            assert explain(changed).entry == "tpm_policy"
            measure(chip, FIRMWARE)
    with SoftwareTPM(device.folder / "chip") as chip:
        measure(chip, FIRMWARE)
        assert device.ask(chip, version).reply == "open sesame"


def test_before_anything_is_measured_it_does_not_sign(device: Device) -> None:
    with SoftwareTPM(device.folder / "chip") as chip:
        with pytest.raises(LabError, match="TPM_RC_POLICY_FAIL"):
            create_csr(chip, device.folder / "sealed.key", "device-21")
        assert chip.lock.wrong == 0  # no PIN was guessed
        # What the key is, its TPM states in every state.
        assert certify_key(chip, device.folder / "sealed.key", b"nonce").statement


def test_the_session_of_a_policy_is_left_behind_by_nobody(device: Device) -> None:
    """A TPM has three places for sessions: more failures than that, and then a success."""
    with SoftwareTPM(device.folder / "chip") as chip:
        for _ in range(5):
            with pytest.raises(LabError, match="TPM_RC_POLICY_FAIL"):
                create_csr(chip, device.folder / "sealed.key", "device-21")
        measure(chip, FIRMWARE)
        for _ in range(5):
            assert create_csr(chip, device.folder / "sealed.key", "device-21").is_signature_valid


def test_a_register_begins_at_nothing_and_remembers_the_order(tmp_path: Path) -> None:
    with SoftwareTPM(tmp_path / "chip") as chip, Conversation(chip) as tpm:
        assert tpm.read_pcr(MEASURED) == register_of()
        assert measure(chip, b"a") == register_of(b"a")
        assert measure(chip, b"b") == register_of(b"a", b"b") != register_of(b"b", b"a")


def test_no_tpm_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="a TPM that cannot be reached"):
        measure(Chip(f"swtpm:path={tmp_path / 'nobody'}"), b"a")
    with pytest.raises(LabError, match="a TPM that cannot be reached"):
        measure(Chip(f"device:{tmp_path / 'nobody'}"), b"a")
    with SoftwareTPM(tmp_path / "chip") as chip, Conversation(chip) as tpm:
        chip.kill()
        with pytest.raises(LabError, match="cannot be reached, or was lost meanwhile"):
            tpm.read_pcr(MEASURED)

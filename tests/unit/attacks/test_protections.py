"""The attacks against a device whose key is in a TPM: what that stops, and what it does not."""

from pathlib import Path

import pytest

from mtls_lab.attacks import attack_table, key_in_tpm, lab_protections, steal_key
from mtls_lab.pki import CertificateAuthority
from mtls_lab.tpm import SoftwareTPM


@pytest.mark.once
def test_a_tpm_stops_the_stolen_key_and_not_the_stolen_session(tmp_path: Path) -> None:
    _, _, mutual, hardened = lab_protections(tmp_path)
    ca = CertificateAuthority.load(tmp_path / "ca.crt", tmp_path / "ca.key")
    with SoftwareTPM(tmp_path / "tpm") as chip:
        table = attack_table([key_in_tpm(chip, mutual, ca)])
        succeeded = {result.attack for result in table.results if result.succeeded}
        assert succeeded == {"Steal the session"}
        (stolen,) = (r for r in table.results if r.attack == "Steal the key file")
        assert stolen.evidence == (
            "A copy of the device's files, tpm.key among them, did not get as far as the "
            "backend: SSLError: [SSL] PEM lib (0x1df).",
        )
        (lied,) = (r for r in table.results if r.attack == "Impersonate the backend")
        assert "SSLCertVerificationError" in lied.evidence[0]
        # A backend that gives no session leaves the thief nothing.
        without = attack_table([key_in_tpm(chip, hardened, ca)])
        assert not any(result.succeeded for result in without.results)
    assert steal_key(mutual).succeeded

"""The search for a private key in the memory of a device that has loaded it."""

import sys
from pathlib import Path

import pytest

from mtls_lab import CertificateAuthority
from mtls_lab.experiments import search_memory, waiting_device
from mtls_lab.pki import Identity


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_key_in_a_file_is_in_memory_and_another_one_is_not(tmp_path: Path) -> None:
    ca = CertificateAuthority.create("Lab CA")
    server_ca, _ = Identity(ca.key, ca.certificate).save(tmp_path, "ca")
    other, _ = ca.issue_client("another-client").save(tmp_path, "other")
    for number in range(4):
        files = ca.issue_client("trusted-client").save(tmp_path, f"client{number}")
        with waiting_device(*files, server_ca) as process:
            assert search_memory(process, files[0]).found
            assert not search_memory(process, other).found

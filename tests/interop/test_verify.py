"""Our files under `openssl verify` and its relatives, as strictly as they can."""

from pathlib import Path

import pytest
from cryptography import x509

from mtls_lab import pki
from mtls_lab.experiments import catalogue
from mtls_lab.pki import pem
from tests.interop.command import done, openssl
from tests.unit.lab import Lab
from tests.unit.requests import create_csr


def verify(lab: Lab, purpose: str, *arguments: str | Path) -> tuple[int, str]:
    result = openssl(
        *("verify", "-x509_strict", "-purpose", purpose, "-CAfile", lab.ca_file, *arguments)
    )
    return result.returncode, result.stdout + result.stderr


def test_the_server_certificate(lab: Lab) -> None:
    certfile, _ = lab.server_files
    assert verify(lab, "sslserver", certfile) == (0, f"{certfile}: OK\n")
    for name in (["-verify_hostname", "localhost"], ["-verify_ip", "127.0.0.1"]):
        assert verify(lab, "sslserver", *name, certfile) == (0, f"{certfile}: OK\n")


@pytest.mark.parametrize(
    ("purpose", "arguments", "code"),
    [
        ("sslclient", [], 26),
        ("sslserver", ["-verify_hostname", "example.com"], 62),
        ("sslserver", ["-verify_ip", "192.0.2.1"], 64),
    ],
    ids=["as a client", "another host", "another address"],
)
def test_what_the_server_certificate_is_not_for(
    lab: Lab, purpose: str, arguments: list[str], code: int
) -> None:
    status, said = verify(lab, purpose, *arguments, lab.server_files[0])
    assert status != 0
    assert f"error {code} at 0 depth lookup" in said


def test_the_ca_itself(lab: Lab) -> None:
    result = verify(lab, "any", "-check_ss_sig", lab.ca_file)
    assert result == (0, f"{lab.ca_file}: OK\n")


@pytest.mark.parametrize(
    "name", [name for name in catalogue() if name not in {"none", "wrong_key"}]
)
def test_every_credential(lab: Lab, name: str) -> None:
    """openssl comes to the verdict, by number, that the catalogue says the backend comes to."""
    files, entry = lab.store.files(name), catalogue()[name]
    assert files is not None
    certfile, keyfile = files
    certificates = x509.load_pem_x509_certificates(certfile.read_bytes())
    assert "Key is valid" in done(openssl("pkey", "-in", keyfile, "-check", "-noout"))
    arguments: list[str | Path] = ["-crl_check", "-CRLfile", lab.store.crl()]
    if len(certificates) > 1:
        arguments += ["-untrusted", certfile]
    status, said = verify(lab, "sslclient", *arguments, certfile)
    expected = entry.backend.verify_code if entry.backend else None
    if expected is None:
        assert (status, said) == (0, f"{certfile}: OK\n")
    else:
        assert status != 0
        assert f"error {expected} at " in said


def test_the_revocation_list(lab: Lab) -> None:
    crl = lab.store.crl()
    said = done(openssl("crl", "-in", crl, "-CAfile", lab.ca_file, "-noout", "-text"))
    assert "verify OK" in said
    files = lab.store.files("revoked")
    assert files is not None
    serial = f"{pem.read_certificate(files[0]).serial_number:X}"
    assert f"Serial Number: {serial.zfill(len(serial) + len(serial) % 2)}" in said


def test_a_request(tmp_path: Path) -> None:
    csr = create_csr(pki.create_key(), "localhost", ["localhost", "127.0.0.1"])
    pem.write_csr(tmp_path / "server.csr", csr)
    said = done(openssl("req", "-in", tmp_path / "server.csr", "-verify", "-noout", "-text"))
    assert "verify OK" in said
    assert "DNS:localhost, IP Address:127.0.0.1" in said


def test_openssl_reads_what_we_mean(lab: Lab) -> None:
    said = done(openssl("x509", "-in", lab.server_files[0], "-noout", "-text"))
    for line in (
        "ASN1 OID: prime256v1",
        "Signature Algorithm: ecdsa-with-SHA256",
        "X509v3 Basic Constraints: critical\n                CA:FALSE",
        "X509v3 Key Usage: critical\n                Digital Signature",
        "X509v3 Extended Key Usage: \n                TLS Web Server Authentication",
        "X509v3 Subject Alternative Name: \n                DNS:localhost, IP Address:127.0.0.1",
    ):
        assert line in said

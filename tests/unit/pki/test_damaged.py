"""Any single change to a certificate or key: one clear message, or what could be read."""

import base64
import warnings
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtls_lab.common import FileProblem
from mtls_lab.pki import CertificateAuthority, Identity, describe, pem, read_identity
from mtls_lab.pki.description import read_fields
from mtls_lab.pki.signed import is_current

CA = CertificateAuthority.create("Lab CA")
DEVICE = CA.issue_client("trusted-client")


def as_pem(label: str, der: bytes) -> str:
    return f"-----BEGIN {label}-----\n{base64.encodebytes(der).decode()}-----END {label}-----\n"


def read(certfile: Path, keyfile: Path) -> None:
    """As `enter`, the panels and `describe` read a learner's files."""
    with suppress(FileProblem):
        certificate = pem.read_certificate(certfile)
        assert describe(certificate)
        assert read_fields(certificate)
        assert is_current(certificate, CA.certificate) in {True, False}
        assert isinstance(read_identity(certfile, keyfile), Identity)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(["certificate", "key"]), st.integers(0, 10_000), st.integers(0, 255))
def test_one_byte(tmp_path: Path, which: str, at: int, byte: int) -> None:
    certificate = bytearray(DEVICE.certificate.public_bytes(Encoding.DER))
    key = bytearray(DEVICE.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    changed = certificate if which == "certificate" else key
    changed[at % len(changed)] = byte
    (tmp_path / "client.crt").write_text(as_pem("CERTIFICATE", bytes(certificate)))
    (tmp_path / "client.key").write_text(as_pem("PRIVATE KEY", bytes(key)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a serial number that is not positive
        read(tmp_path / "client.crt", tmp_path / "client.key")


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("2a8648ce3d0201", "2a8648ce3d027f", "Unknown key type: 1.2.840.10045.2.127"),
        ("2a8648ce3d030107", "2a8648ce3d03017f", "Curve 1.2.840.10045.3.1.127 is not supported"),
    ],
)
def test_a_certificate_whose_key_nobody_can_read(
    tmp_path: Path, old: str, new: str, error: str
) -> None:
    der = DEVICE.certificate.public_bytes(Encoding.DER)
    assert der.count(bytes.fromhex(old)) == 1
    damaged = der.replace(bytes.fromhex(old), bytes.fromhex(new))
    (tmp_path / "client.crt").write_text(as_pem("CERTIFICATE", damaged))
    pem.write_key(tmp_path / "client.key", DEVICE.key)
    with pytest.raises(FileProblem) as caught:
        read_identity(tmp_path / "client.crt", tmp_path / "client.key")
    assert "holds a certificate whose key cannot be read" in caught.value.found
    assert error in caught.value.found


def test_extensions_that_cannot_be_read_are_named() -> None:
    der = DEVICE.certificate.public_bytes(Encoding.DER)
    usage = bytes.fromhex("0603551d0f")  # keyUsage becomes another basicConstraints
    assert der.count(usage) == 1
    damaged = der.replace(usage, bytes.fromhex("0603551d13"))
    certificate = x509.load_der_x509_certificate(damaged)
    assert "extensions            not readable: " in describe(certificate)

"""What a program that nobody knows says of a certificate: told by the shape of its line.

Here: lines of no known program, and healthy ones that look like them. Not here: the lines of known
programs (test_lines.py).
"""

import pytest

from mtls_lab.explaining import explain


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        ("plc: peer's certificate is expired", "expired"),
        ("ERR certificate expired on 2026-11-01", "expired"),
        ("certificate of pump-7: revoked", "revoked"),
        ("error.CertificateNotYetValid", "not_yet_valid"),
        ("error.CertificateHostMismatch", "wrong_host"),
        ("cert common name doesn't match configured ssl_peer_cn", "wrong_host"),
        ("error.CertificateIssuerNotFound", "unknown_issuer"),
        ("unknown issuer in the certificate of pump-7", "unknown_issuer"),
        ("the certificate is self-signed", "self_signed"),
        ("Peer certificate failed verification", "not_verified"),
        ("could not validate server certificate", "not_verified"),
        ("error: TlsCertificateNotVerified", "not_verified"),
        ("the private key does not belong to the certificate", "key_mismatch"),
        ("key file 'pump.key' has group or other permissions", "line_key_open"),
        ("wrong passphrase for the private key", "line_password"),
        ("plc: fatal TLS alert received", "alert_without_a_name"),
        ("plc: Error in SSL handshake", "not_verified_or_not_tls"),
        ("PLC_SSL_HANDSHAKE_FAILED", "not_verified_or_not_tls"),
    ],
)
def test_a_line_is_told_by_its_shape(line: str, entry: str) -> None:
    told = explain(line)
    assert (told.entry, told.known, told.stack) == (entry, True, "")


@pytest.mark.parametrize(
    "line",
    [
        "cert-manager: Certificate is up to date and has not expired",
        "Checking certificate for expired or revoked status",
        "certificate expired: no",
        "expired certificates: 0",
        "0 certificates failed verification",
        "certificates checked: 12, expired: 0, revoked: 0",
        "Certificate will not expire",
        "# Check for revoked certificates in the certificate revocation list.",
        "tls_handshake_failed_total 0",
        "TLS handshake failed: 0",
        "INFO loaded CA file; root not found in cache, using default; TLS enabled",
        "key 'ports' does not match any of the regexes: '^x-' (tls)",
        "sqlite3.OperationalError: foreign key mismatch",
        "JWT: key id does not match, subject mismatch",
    ],
)
def test_a_healthy_line_has_no_such_shape(line: str) -> None:
    assert explain(line).entry == "unknown_line"


def test_the_words_of_a_known_program_count_more() -> None:
    said = "curl: (60) SSL certificate problem: certificate is not yet valid"
    log = f"plc: certificate verification error\n{said}"
    assert explain(log).entry == "not_yet_valid"


def test_a_shape_counts_more_than_a_connection_that_ended() -> None:
    log = "plc: peer's certificate is expired\nplc: read: connection reset by peer"
    assert explain(log).entry == "expired"

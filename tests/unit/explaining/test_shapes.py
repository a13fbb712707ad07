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
        ("plc: no client certificate provided by 10.0.0.3", "no_certificate"),
        ("plc: peer did not present a certificate", "no_certificate"),
        ("plc: client certificate missing", "no_certificate"),
        ("plc: server requires client authentication", "certificate_asked_for"),
        ("plc: mutual TLS authentication required", "certificate_asked_for"),
        ("plc: certificate does not match hostname pump.example", "wrong_host"),
        ("plc: certificate is not valid for host pump.example", "wrong_host"),
        ("plc: certificate is not intended for client authentication", "wrong_purpose"),
        ("plc: certificate lacks the required extended key usage", "wrong_purpose"),
        ("plc: certificate does not match the private key", "key_mismatch"),
        ("PKCS12 key store mac invalid - wrong password or corrupted file", "line_password"),
        ("plc: unable to decrypt private key", "line_password"),
        ("plc: TLS version not supported by peer", "no_common_version"),
        ("plc: no common cipher suite with peer", "nothing_common"),
        ("plc: certificate chain incomplete", "unknown_issuer"),
        ("plc: could not build certificate chain", "unknown_issuer"),
        ("plc: root certificate not found in trust store", "unknown_issuer"),
        ("plc: certificate signature verification failed", "signature_does_not_fit"),
        ("plc: certificate key size too small", "too_weak"),
        ("plc: certificate uses SHA1, which is disallowed", "too_weak"),
        ("plc: CRL expired", "crl_unusable"),
        ("plc: could not check certificate revocation status", "no_crl"),
        ("plc: certificate is outside its validity period", "out_of_date"),
        ("plc: certificate fingerprint mismatch", "pinned"),
        ("plc: issuer is not a CA certificate", "may_not_sign"),
        ("plc: certificate pathlen constraint exceeded", "too_many_cas"),
        ("plc: not a TLS handshake from 10.0.0.3", "not_tls"),
        ("plc: plaintext connection on TLS port", "not_tls"),
        ("plc: peer certificate is not authorized", "user_of_the_certificate"),
        ("plc: server rejected client certificate", "not_verified_or_missing"),
        ("plc: peer rejected our certificate", "alert_without_a_name"),
        ("plc: invalid certificate file format", "certificate_not_parsed"),
        ("plc: TLS client presented no certificate, connection dropped", "no_certificate"),
        ("plc: the key in /etc/a.key cannot be decrypted with this passphrase", "line_password"),
        ("plc: the certificate was issued to a.example, but we called b.example", "wrong_host"),
        ("plc: leaf certificate has not the name pump.example", "wrong_host"),
        ("plc: peer offered only TLS 1.0, minimum is TLS 1.2", "no_common_version"),
        ("plc: TLS handshake with 10.0.0.3 failed: protocol version too old", "no_common_version"),
        ("plc: handshake aborted, serial 0x1f has been revoked", "revoked"),
        ("plc: no CRL available for issuer CN=Plant CA, rejecting certificate", "no_crl"),
        ("plc: issuer 'Plant CA' is not in bundle /etc/ca.pem", "unknown_issuer"),
        ("plc: certificate with SHA256 0f12 not allowed", "user_of_the_certificate"),
        ("plc: no certificate from client, authentication impossible", "no_certificate"),
        ("plc: certificate required but none received", "no_certificate"),
        ("plc: server name 'a' not found in certificate subjectAltNames [b]", "wrong_host"),
        ("plc: remote certificate identity a differs from expected b", "wrong_host"),
        ("plc: x509 verify: certificate authority not recognized", "unknown_issuer"),
        ("plc: unable to find a trusted root for peer certificate", "unknown_issuer"),
        ("plc: certificate not signed by a trusted CA", "unknown_issuer"),
        ("plc: TLS peer certificate validity ended on 2026-10-01", "expired"),
        ("plc: certificate is no longer valid", "expired"),
        ("plc: certificate not valid before 2027-01-01", "not_yet_valid"),
        ("plc: certificate rejected: key usage does not include client auth", "wrong_purpose"),
        ("plc: client.crt is not a valid PEM certificate", "certificate_not_parsed"),
        ("plc: remote does not support TLS 1.2 or higher", "no_common_version"),
        ("plc: first bytes are not a TLS ClientHello", "not_tls"),
        ("plc: received HTTP request on TLS port", "not_tls"),
        ("plc: rejecting peer: empty certificate list", "no_certificate"),
        ("plc: peer chain does not end in a trusted certificate", "unknown_issuer"),
        ("plc: issuer certificate could not be found", "unknown_issuer"),
        ("plc: TLS identity check failed: wanted a, certificate names b", "wrong_host"),
        ("plc: server certificate cannot be used as client certificate", "wrong_purpose"),
        ("plc: cert/key pair mismatch", "key_mismatch"),
        ("plc: PKCS12 password is wrong", "line_password"),
        ("plc: peer certificate does not match its pin", "pinned"),
        ("plc: peer certificate does not match the signalled fingerprint", "pinned"),
        ("plc: peer certificate does not match trusted certificate", "pinned"),
        ("plc: peer certificate does not match configured node identity", "wrong_host"),
        ("plc: peer certificate does not match any allowed SANs: [a]", "wrong_host"),
        ("plc: the certificate for a.example is not valid for that server", "wrong_host"),
        ("plc: certificate does not have the extended key usage set", "wrong_purpose"),
        ("plc: the certificate for a.example expired on Nov 20, 2026", "expired"),
        ("plc: SSL peer certificate does not validate", "not_verified"),
        ("plc: certificate files changed but cannot be loaded", "pair_not_taken"),
        ("plc: ssl: listener: handshake failed", "not_verified_or_not_tls"),
        ('{"reason": "invalid-client-certificate"}', "not_verified_or_missing"),
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
        "client certificate required: yes",
        "INFO no client certificate required",
        "INFO starting with mutual TLS authentication",
        "no client certificate configured, using one-way TLS",
        "optional client certificate not provided, continuing anonymously",
        "supported TLS versions: 1.2, 1.3; unsupported: 1.0",
        "config: allow_untrusted_certificates=false",
        "Redirecting plaintext requests to TLS port 443",
        "Plaintext HTTP/2 upgrade over TLS disabled",
        "certificate request approved; not authorized requests: 0",
        "cert-manager: usage of deprecated API not allowed",
        "certificate key usage: digitalSignature",
        "revocation check: ok, certificate is not revoked",
        "username parameter is required for Mutual TLS authentication",
        "certificate valid from 2026-01-01 to 2027-01-01",
        "policy: certificate must not be older than 90 days",
        "INFO peer does not support TLS 1.0, as it should",
        "invalid_client: client authentication failed",
        "ERROR: role app is not permitted to log in (ssl)",
        "cache: unable to read key 'ssl:session:12' from redis, using default",
        "config: failed to load key tls.enabled, falling back to false",
        "vault-agent: could not find certificate for host api.example, requesting one",
        "router: no certificate configured for site b, serving the default certificate",
        "metrics: error reading certificate metrics from prometheus: 404",
        "debug: could not find key for cert id 7 in cache, computing",
        "db: unable to open cursor for table certificates",
        "git: unable to read tree (certs/ca.pem is untracked)",
        "index: failed to load thumbnails for certificate.png",
        "installer: skipped trust store update, no root certificate given",
        "INFO user joe presented no certificate, using password login",
        "report: 4 certificates not validated yet, 2 queued",
        "Your first aid certificate has expired; please renew it by 1 December",
        "could not start TLS listener on :443, address in use",
        "inventory: name mismatch in certificate report row 7",
        "api: purpose not allowed: marketing emails without consent (ssl=true)",
    ],
)
def test_a_healthy_line_has_no_such_shape(line: str) -> None:
    assert explain(line).entry == "unknown_line"


@pytest.mark.parametrize(
    ("line", "who"),
    [
        ("plc: server rejected client certificate", "The server refused the client."),
        ("plc: client rejected our certificate", "The client refused the server."),
        ("plc: server requires client authentication", "The server refused the client."),
        ("plc: no client certificate provided", "The server refused the client."),
    ],
)
def test_the_shape_tells_the_side(line: str, who: str) -> None:
    assert explain(line).who == who


def test_the_words_of_a_known_program_count_more() -> None:
    said = "curl: (60) SSL certificate problem: certificate is not yet valid"
    log = f"plc: certificate verification error\n{said}"
    assert explain(log).entry == "not_yet_valid"


def test_a_shape_counts_more_than_a_connection_that_ended() -> None:
    log = "plc: peer's certificate is expired\nplc: read: connection reset by peer"
    assert explain(log).entry == "expired"

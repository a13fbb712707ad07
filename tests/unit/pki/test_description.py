"""What a certificate says in words, and whether it is still good. Made: test_authority.py."""

import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mtls_lab import CertificateAuthority, pki
from mtls_lab.pki import Purpose, common_name, describe, in_words, is_current, oid_name


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority.create("Lab CA")


def test_it_shows_nothing_that_varies() -> None:
    texts = {describe(CertificateAuthority.create("Lab CA").certificate) for _ in range(3)}
    (text,) = texts
    assert text == (
        "subject               CN=Lab CA\n"
        "issuer                CN=Lab CA\n"
        "basicConstraints      CA:TRUE, pathlen:0, critical\n"
        "keyUsage              keyCertSign, cRLSign, critical"
    )


OTHER = x509.ObjectIdentifier("1.3.6.1.4.1.99999.1")
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])


@pytest.mark.parametrize(
    ("extension", "words"),
    [
        (x509.BasicConstraints(ca=False, path_length=None), "CA:FALSE"),
        (x509.BasicConstraints(ca=True, path_length=None), "CA:TRUE"),
        (x509.BasicConstraints(ca=True, path_length=2), "CA:TRUE, pathlen:2"),
        (
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, OTHER]),
            "clientAuth, 1.3.6.1.4.1.99999.1",
        ),
        (
            x509.SubjectAlternativeName(
                [
                    x509.DNSName("localhost"),
                    x509.IPAddress(ipaddress.ip_address("::1")),
                    x509.RFC822Name("a@example.com"),
                    x509.UniformResourceIdentifier("https://example.com"),
                    x509.DirectoryName(NAME),
                ]
            ),
            "DNS:localhost, IP:::1, email:a@example.com, URI:https://example.com, DirName:CN=x",
        ),
        (x509.SubjectKeyIdentifier(b"12345678901234567890"), ""),
    ],
    ids=["leaf", "CA", "CA of CAs", "purposes", "names", "what decides nothing"],
)
def test_in_words(extension: x509.ExtensionType, words: str) -> None:
    assert in_words(extension) == words


def test_names_of_object_identifiers() -> None:
    assert oid_name(ExtendedKeyUsageOID.SERVER_AUTH) == "serverAuth"
    assert oid_name(OTHER) == "1.3.6.1.4.1.99999.1"


def test_is_current(ca: CertificateAuthority) -> None:
    other = CertificateAuthority.create("Lab CA")
    client = ca.issue_client("trusted-client").certificate
    assert is_current(client, ca.certificate)
    assert is_current(ca.certificate, ca.certificate)
    assert not is_current(client, other.certificate)
    assert not is_current(client, client)
    assert not is_current(client, ca.certificate, days=91)
    for days in ((-30, -1), (1, 90), (0, 0)):
        certificate = ca.issue("x", Purpose.CLIENT, valid_days=days).certificate
        assert not is_current(certificate, ca.certificate)


def test_common_name(ca: CertificateAuthority) -> None:
    assert common_name(ca.certificate) == "Lab CA"
    key = pki.create_key()
    nameless = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .sign(key, hashes.SHA256())
    )
    assert common_name(ca.sign(nameless, Purpose.CLIENT)) == ""

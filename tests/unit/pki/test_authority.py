"""What is signed, field by field, against RFC 5280. Its second opinions stand in tests/interop."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import (
    PolicyBuilder,
    Store,
    VerificationError,
)

from mtls_lab import CertificateAuthority, ask, pki, serve
from mtls_lab.common import LabError
from mtls_lab.pki import Purpose, describe, pem
from mtls_lab.pki.comparison import compare
from mtls_lab.pki.description import USAGES, common_name
from mtls_lab.wire import SECRET
from tests.unit.lab import Lab, spelled
from tests.unit.requests import create_csr


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority.create("Lab CA")


def extensions(signed: x509.Certificate | x509.CertificateRevocationList) -> dict[str, bool]:
    """The extensions by name, and whether each is critical."""
    return {extension.oid._name: extension.critical for extension in signed.extensions}


def usages(certificate: x509.Certificate) -> list[str]:
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    return [word for name, word in USAGES.items() if getattr(usage, name)]


LEAF = {
    "basicConstraints": True,
    "keyUsage": True,
    "extendedKeyUsage": False,
    "subjectKeyIdentifier": False,
    "authorityKeyIdentifier": False,
}


# --- Certificates


def test_ca_certificate(ca: CertificateAuthority) -> None:
    certificate = ca.certificate
    assert extensions(certificate) == {
        "basicConstraints": True,
        "keyUsage": True,
        "subjectKeyIdentifier": False,
    }
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)
    assert usages(certificate) == ["keyCertSign", "cRLSign"]
    assert certificate.subject == certificate.issuer
    assert certificate.subject.rfc4514_string() == "CN=Lab CA"
    certificate.verify_directly_issued_by(certificate)


def test_server_certificate(ca: CertificateAuthority) -> None:
    names = ["localhost", "backend.example", "127.0.0.1", "::1"]
    certificate = ca.issue_server(names).certificate
    assert extensions(certificate) == LEAF | {"subjectAltName": False}
    assert certificate.subject.rfc4514_string() == "CN=localhost"
    san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert san.get_values_for_type(x509.DNSName) == names[:2]
    assert san.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address(ip) for ip in names[2:]]
    eku = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(eku) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_client_certificate(ca: CertificateAuthority) -> None:
    certificate = ca.issue_client("trusted-client").certificate
    assert extensions(certificate) == LEAF
    assert certificate.subject.rfc4514_string() == "CN=trusted-client"
    eku = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(eku) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_every_leaf_is_tied_to_its_ca_and_may_sign_nothing(ca: CertificateAuthority) -> None:
    subject_id = ca.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    csr = create_csr(pki.create_key(), "by request")
    for certificate in (
        ca.issue_server(["localhost"]).certificate,
        ca.issue_client("trusted-client").certificate,
        ca.sign(csr, Purpose.CLIENT),
    ):
        issuer_id = certificate.extensions.get_extension_for_class(
            x509.AuthorityKeyIdentifier
        ).value
        assert issuer_id.key_identifier == subject_id.digest
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        assert (constraints.ca, constraints.path_length) == (False, None)
        assert usages(certificate) == ["digitalSignature"]
        assert isinstance(certificate.signature_hash_algorithm, hashes.SHA256)
        assert certificate.version is x509.Version.v3
        certificate.verify_directly_issued_by(ca.certificate)


def test_keys() -> None:
    first, second = pki.create_key(), pki.create_key()
    assert isinstance(first.curve, ec.SECP256R1)
    assert first.private_numbers() != second.private_numbers()


def test_serial_numbers_are_random_and_fit(ca: CertificateAuthority) -> None:
    """RFC 5280, section 4.1.2.2: positive, unique, at most 20 octets."""
    key = pki.create_key()
    serials = {ca.issue("x", Purpose.CLIENT, key=key).certificate.serial_number for _ in range(200)}
    assert len(serials) == 200
    assert all(serial > 0 and serial.bit_length() <= 159 for serial in serials)
    assert max(serials).bit_length() > 150
    # No bit is the same in all of them, up to what 200 coins can show.
    assert all({serial >> bit & 1 for serial in serials} == {0, 1} for bit in range(150))


def test_validity(ca: CertificateAuthority) -> None:
    now = datetime.now(UTC)
    csr = create_csr(pki.create_key(), "by request")
    for certificate, days in (
        (ca.certificate, 365),
        (CertificateAuthority.create("Short", days=10).certificate, 10),
        (ca.issue_server(["localhost"]).certificate, 90),
        (ca.issue_server(["localhost"], days=7).certificate, 7),
        (ca.issue_client("trusted-client", days=1).certificate, 1),
        (ca.sign(csr, Purpose.CLIENT, days=30), 30),
    ):
        first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        assert last - first == timedelta(days=days, minutes=5)
        assert abs(first - (now - timedelta(minutes=5))) < timedelta(minutes=1)


def test_validity_of_another_time(ca: CertificateAuthority) -> None:
    past = ca.issue("old", Purpose.CLIENT, valid_days=(-30, -1)).certificate
    future = ca.issue("new", Purpose.CLIENT, valid_days=(1, 90)).certificate
    now = datetime.now(UTC)
    assert past.not_valid_before_utc < past.not_valid_after_utc < now
    assert now < future.not_valid_before_utc < future.not_valid_after_utc


def test_self_signed() -> None:
    identity = pki.self_signed("trusted-client", Purpose.CLIENT)
    certificate = identity.certificate
    certificate.verify_directly_issued_by(certificate)
    assert extensions(certificate) == LEAF
    assert certificate.public_key() == identity.key.public_key()


def test_a_ca_survives_the_disk(tmp_path: Path, ca: CertificateAuthority) -> None:
    files = pem.Identity(ca.key, ca.certificate).save(tmp_path, "ca")
    again = CertificateAuthority.load(*files)
    again.issue_client("trusted-client").certificate.verify_directly_issued_by(ca.certificate)
    assert again.chain == ()


def test_an_intermediate_ca_is_still_sent_along_after_the_disk(tmp_path: Path) -> None:
    root = CertificateAuthority.create("Lab CA", below=1)
    below = root.intermediate("Lab Device CA")
    chain = (below.certificate, root.certificate)  # some write the root into it as well
    again = CertificateAuthority.load(*pem.Identity(below.key, *chain[:1]).save(tmp_path, "ca"))
    assert again.issue_client("trusted-client").chain == below.chain
    whole = pem.Identity(below.key, below.certificate, chain[1:]).save(tmp_path, "ca")
    assert CertificateAuthority.load(*whole).chain == below.chain


def test_a_server_of_a_long_name_has_it_where_clients_look(ca: CertificateAuthority) -> None:
    name = "a-name-as-clouds-give-it-to-a-load-balancer.eu-central-1.elb.example.org"
    certificate = ca.issue_server([name]).certificate
    assert common_name(certificate) == "server"
    assert f"DNS:{name}" in pki.describe(certificate)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"purpose": None}, None),
        ({"purpose": list(Purpose)}, "extendedKeyUsage      serverAuth, clientAuth"),
        ({"key_usage": None}, None),
        ({"key_usage": ["key_agreement"]}, "keyUsage              keyAgreement, critical"),
        ({"is_ca": True}, "basicConstraints      CA:TRUE, critical"),
    ],
    ids=["no purpose", "both purposes", "no usage", "another usage", "CA"],
)
def test_wrong_on_purpose_in_one_field(
    ca: CertificateAuthority, options: dict[str, Any], line: str | None
) -> None:
    """What a lesson changes changes nothing else."""
    usual = describe(ca.issue("x", Purpose.CLIENT).certificate).splitlines()
    arguments = {"purpose": Purpose.CLIENT} | options
    lines = describe(ca.issue("x", **arguments).certificate).splitlines()
    assert set(lines) - set(usual) == ({line} if line else set())
    assert len(set(usual) - set(lines)) == 1


def test_wrong_on_purpose_without_the_authoritys_identifier(ca: CertificateAuthority) -> None:
    certificate = ca.issue("x", Purpose.CLIENT, authority_id=False).certificate
    assert set(LEAF) - set(extensions(certificate)) == {"authorityKeyIdentifier"}


# --- Requests


def test_signing_a_request(ca: CertificateAuthority) -> None:
    key = pki.create_key()
    csr = create_csr(key, "localhost", ["localhost", "127.0.0.1"])
    certificate = ca.sign(csr, Purpose.SERVER)
    assert certificate.public_key() == key.public_key()
    assert describe(certificate) == describe(
        ca.issue_server(["localhost", "127.0.0.1"]).certificate
    )


def test_a_request_may_not_choose_what_it_is_for(ca: CertificateAuthority) -> None:
    greedy = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "greedy")]))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=False,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=True,
                crl_sign=True,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(pki.create_key(), hashes.SHA256())
    )
    assert describe(ca.sign(greedy, Purpose.CLIENT)).splitlines() == [
        "subject               CN=greedy",
        "issuer                CN=Lab CA",
        "basicConstraints      CA:FALSE, critical",
        "keyUsage              digitalSignature, critical",
        "extendedKeyUsage      clientAuth",
    ]


def test_a_request_for_somebody_elses_key_is_refused(ca: CertificateAuthority) -> None:
    mine, theirs = (create_csr(pki.create_key(), "x").public_bytes(Encoding.DER) for _ in "ab")
    my_key, their_key = (
        x509.load_der_x509_csr(der)
        .public_key()
        .public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        for der in (mine, theirs)
    )
    forged = x509.load_der_x509_csr(mine.replace(my_key, their_key))
    with pytest.raises(ValueError, match="the request is not signed with the key that it names"):
        ca.sign(forged, Purpose.CLIENT)


def test_a_request_with_an_rsa_key_is_refused(ca: CertificateAuthority) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rsa")])
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(name)
        .sign(rsa.generate_private_key(65537, 2048), hashes.SHA256())
    )
    with pytest.raises(ValueError, match="the lab signs EC keys only"):
        ca.sign(csr, Purpose.CLIENT)


# --- Revocation


def test_crl(ca: CertificateAuthority) -> None:
    certificate = ca.issue_client("trusted-client").certificate
    before = ca.crl()
    ca.revoke(certificate)
    ca.revoke(certificate)
    crl = ca.crl()
    assert extensions(crl) == {"cRLNumber": False, "authorityKeyIdentifier": False}
    assert crl.is_signature_valid(ca.key.public_key())
    assert crl.issuer == ca.certificate.subject
    assert [entry.serial_number for entry in crl] == [certificate.serial_number]
    assert before.get_revoked_certificate_by_serial_number(certificate.serial_number) is None
    assert crl.next_update_utc is not None
    assert crl.next_update_utc - crl.last_update_utc == timedelta(days=30, minutes=5)


def test_a_ca_remembers_what_it_has_revoked(ca: CertificateAuthority, tmp_path: Path) -> None:
    """The next list replaces the last one: what is not on it counts as good again."""
    files, crlfile = pem.Identity(ca.key, ca.certificate).save(tmp_path, "ca"), tmp_path / "ca.crl"
    assert CertificateAuthority.load(*files, crlfile=crlfile).revoked == {}  # no list yet
    lost = ca.issue_client("lost").certificate
    first = CertificateAuthority.load(*files, crlfile=crlfile)
    first.revoke(lost)
    pem.write_crl(crlfile, first.crl())
    again = CertificateAuthority.load(*files, crlfile=crlfile)
    stolen = ca.issue_client("stolen").certificate
    again.revoke(stolen)
    pem.write_crl(crlfile, again.crl())
    (crl,) = pem.read_crls(crlfile)
    assert {each.serial_number for each in crl} == {lost.serial_number, stolen.serial_number}
    since = {each.serial_number: each.revocation_date_utc for each in crl}
    assert since[lost.serial_number] == first.revoked[lost.serial_number]
    assert CertificateAuthority.load(*files).revoked == {}


def test_the_list_of_another_ca_revokes_nothing(ca: CertificateAuthority, tmp_path: Path) -> None:
    other = CertificateAuthority.create("Lab CA")
    other.revoke(other.issue_client("lost").certificate)
    pem.write_crl(tmp_path / "ca.crl", other.crl())
    files = pem.Identity(ca.key, ca.certificate).save(tmp_path, "ca")
    assert CertificateAuthority.load(*files, crlfile=tmp_path / "ca.crl").revoked == {}


def test_the_crl_number_grows(ca: CertificateAuthority) -> None:
    numbers = [
        ca.crl().extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        for _ in range(20)
    ]
    assert numbers == sorted(set(numbers))


# --- Verification


@pytest.mark.parametrize("purpose", Purpose, ids=lambda purpose: purpose.name)
def test_cryptographys_own_verifier_accepts_the_chain(
    ca: CertificateAuthority, purpose: Purpose
) -> None:
    """It follows RFC 5280 and the web PKI; a client needs a SAN there, so it gets one."""
    leaf = ca.issue("localhost", purpose, names=["localhost"]).certificate
    policy = PolicyBuilder().store(Store([ca.certificate]))
    if purpose is Purpose.SERVER:
        policy.build_server_verifier(x509.DNSName("localhost")).verify(leaf, [])
        with pytest.raises(VerificationError):
            policy.build_client_verifier().verify(leaf, [])
    else:
        policy.build_client_verifier().verify(leaf, [])
        with pytest.raises(VerificationError):
            policy.build_server_verifier(x509.DNSName("localhost")).verify(leaf, [])


def test_both_sides_accept_it_strictly(lab: Lab, version: ssl.TLSVersion) -> None:
    server, client = lab.mtls(), lab.device("valid", version)
    for context in (server, client):
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    with serve(server) as backend:
        exchange = ask("GET_SECRET", backend, context=client)
    assert (exchange.reply, exchange.device.version) == (SECRET, spelled(version))
    assert exchange.ok


def test_identifiers_are_those_that_rfc_5280_wants() -> None:
    """Section 4.2.1.1: a certificate that signs itself may leave out the authority's identifier,
    and what it could say is the subject's once more. A linter that wants it there wants more."""
    root = CertificateAuthority.create("Lab CA", below=1)
    below = root.intermediate("Lab Intermediate CA")
    leaf = below.issue_client("trusted-client").certificate
    kinds = (x509.SubjectKeyIdentifier, x509.AuthorityKeyIdentifier)
    there = [
        [kind in {type(each.value) for each in one.extensions} for kind in kinds]
        for one in (root.certificate, below.certificate, leaf)
    ]
    assert there == [[True, False], [True, True], [True, True]]
    for issuer, issued in ((root.certificate, below.certificate), (below.certificate, leaf)):
        own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        named = issued.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        assert named.key_identifier == own.digest


def test_a_client_is_named_in_its_subject() -> None:
    """Section 4.2.1.6: only an empty subject has to have a subjectAltName. RFC 9525 wants one for a
    host, and a device is none; a linter of the web's CAs asks every leaf for it."""
    device = CertificateAuthority.create("Lab CA").issue_client("trusted-client").certificate
    assert device.subject.rfc4514_string() == "CN=trusted-client"
    kinds = {type(each.value) for each in device.extensions}
    assert x509.SubjectAlternativeName not in kinds


def test_an_expired_certificate_has_its_date_against_it_and_nothing_else() -> None:
    """Its dates are in order (section 4.1.2.5), so no verifier has another reason to refuse it."""
    ca = CertificateAuthority.create("Lab CA")
    device = ca.issue("trusted-client", Purpose.CLIENT, valid_days=(-30, -1))
    first, last = device.certificate.not_valid_before_utc, device.certificate.not_valid_after_utc
    assert first < last < datetime.now(UTC)
    looks = compare([device.certificate], device.key, [ca.certificate])
    assert [look.name for look in looks] == ["expired", "not for servers"], "which is no fault"


@pytest.mark.parametrize("names", ["localhost", []])
def test_a_server_needs_a_list_of_names(names: str | list[str]) -> None:
    with pytest.raises(LabError, match="a list of names"):
        CertificateAuthority.create("Lab CA").issue_server(names)

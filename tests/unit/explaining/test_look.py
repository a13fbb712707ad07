"""A look into files: each misfit is found, told as the cause of what it causes, and nothing hangs.

Here: data/findings.toml and pki/comparison.py on real files. Not here: a mistake in one file alone
(test_explanations.py), and what bytes are (tests/unit/pki/test_kinds.py).
"""

import itertools
import os
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from mtls_lab.common import read_facts
from mtls_lab.explaining import Explanation, explain
from mtls_lab.explaining.alone import wrong_signers
from mtls_lab.explaining.wording import outsiders
from mtls_lab.pki import create_key, pem
from mtls_lab.pki.comparison import compare
from mtls_lab.pki.rules import NS_CERT_TYPE
from mtls_lab.wire import Failure, Side, Stage
from mtls_lab.wire.names import reason_of_alert
from tests.unit.failures import (
    CA,
    CLIENT,
    CRITICAL,
    DSA_KEY,
    LEAF,
    MAY_SHAKE_HANDS,
    MAY_SIGN,
    SERVER,
    aki,
    certify,
    name,
    of_another_key,
    post_quantum,
    private_pem,
    ski,
    usage,
    weak_rsa,
)

ROOT, INTER, LEAF_KEY, OTHER = (create_key() for _ in range(4))
BRAINPOOL = ec.generate_private_key(ec.BrainpoolP256R1())
ED448 = ed448.Ed448PrivateKey.generate()


def unverified(code: int) -> Failure:
    return Failure("SSLCertVerificationError", "CERTIFICATE_VERIFY_FAILED", code)


def alert(which: str) -> Failure:
    return Failure("SSLError", reason_of_alert(which))


def root(*extensions: Any, subject: str = "Root", key: Any = ROOT) -> x509.Certificate:
    return certify(subject, key, subject, key, *(extensions or (CA, MAY_SIGN, ski(key))))


def inter(*more: Any, basic: Any = CA, bits: Any = MAY_SIGN) -> x509.Certificate:
    return certify("Inter", INTER, "Root", ROOT, basic, bits, ski(INTER), aki(ROOT), *more)


def dated_inter(*days: int) -> x509.Certificate:
    first, last = days
    usual = (CA, MAY_SIGN, ski(INTER), aki(ROOT))
    return certify("Inter", INTER, "Root", ROOT, *usual, days=(first, last))


def leaf(
    *more: Any, issuer: str = "Root", by: Any = ROOT, subject: str = "device", key: Any = LEAF_KEY
) -> x509.Certificate:
    usual = (LEAF, MAY_SHAKE_HANDS, ski(LEAF_KEY), aki(by))
    return certify(subject, key, issuer, by, *usual, *(more or (CLIENT,)))


def altered(certificate: x509.Certificate) -> x509.Certificate:
    """The same with another subject, under the old signature."""
    data = certificate.public_bytes(Encoding.DER)
    return x509.load_der_x509_certificate(data.replace(b"device", b"devicf"))


def with_serial(ca: x509.Certificate) -> Any:
    """What `authorityKeyIdentifier = keyid,issuer:always` of openssl.cnf writes."""
    keyid = x509.SubjectKeyIdentifier.from_public_key(ca.public_key()).digest
    issuer = [x509.DirectoryName(ca.issuer)]
    return x509.AuthorityKeyIdentifier(keyid, issuer, ca.serial_number), False


def in_another_alphabet(issuer: str) -> x509.Certificate:
    """A leaf whose issuer is a PrintableString, where the CA's subject is a UTF8String."""
    as_it_is, now = leaf(), datetime.now(UTC)
    printed = x509.NameAttribute(NameOID.COMMON_NAME, issuer, _type=_ASN1Type.PrintableString)
    builder = (
        x509.CertificateBuilder(x509.Name([printed]), as_it_is.subject, as_it_is.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
    for each in as_it_is.extensions:
        builder = builder.add_extension(each.value, each.critical)
    return builder.sign(ROOT, hashes.SHA256())


def without_extensions(certificate: x509.Certificate, key: Any) -> x509.Certificate:
    """The same in version 1, which nothing of ours can write: its first field and its last go."""

    def sequence(body: bytes) -> bytes:
        assert 0x80 <= len(body) < 0x100
        return bytes([0x30, 0x81, len(body)]) + body

    fields = certificate.tbs_certificate_bytes[4 + 5 :]
    ends = enumerate(itertools.pairwise(fields))
    last = next(at for at, (tag, size) in ends if tag == 0xA3 and at + 2 + size == len(fields))
    tbs = sequence(fields[:last])
    signature = key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")  # ecdsa-with-SHA256
    bits = b"\x03" + bytes([len(signature) + 1, 0]) + signature
    whole = tbs + algorithm + bits
    return x509.load_der_x509_certificate(b"\x30\x82" + len(whole).to_bytes(2, "big") + whole)


def typed(bits: int) -> Any:
    """Netscape's certificate type: a BIT STRING of five used bits and more."""
    return x509.UnrecognizedExtension(NS_CERT_TYPE, bytes([3, 2, 5, bits])), False


def named(host: str) -> Any:
    return x509.SubjectAlternativeName([x509.DNSName(host)]), False


ANY = (x509.ExtendedKeyUsage([x509.ObjectIdentifier("2.5.29.37.0")]), False)
ONLY_CORP = (x509.NameConstraints([x509.DNSName("corp.example")], None), True)
ONE_CA = (x509.BasicConstraints(ca=True, path_length=0), True)
NOT_CRITICAL = (x509.BasicConstraints(ca=True, path_length=None), False)
WEAK = weak_rsa()


@dataclass(frozen=True)
class Misfit:
    """Files that do not fit, a failure that this causes, and a part of the sentence about it."""

    failure: Failure | Side | str
    chain: list[x509.Certificate]
    says: str
    cas: tuple[x509.Certificate, ...] = (root(),)
    key: Any = LEAF_KEY


LEAF_ITSELF = leaf()
MISFITS = {
    "wrong_order": Misfit(
        Failure("SSLError", "KEY_VALUES_MISMATCH"), [root(), leaf()], "begins with the certificate"
    ),
    "other_pair": Misfit(
        Failure("SSLError", "KEY_VALUES_MISMATCH"), [leaf()], "is not the key", key=OTHER
    ),
    "issuer_not_asked_for": Misfit(
        Failure("SSLError", "PEER_DID_NOT_RETURN_A_CERTIFICATE"),
        [leaf(issuer="Inter", by=INTER)],
        "not among the CAs",
    ),
    "not_for_clients": Misfit(
        "curl: (56) OpenSSL SSL_read: error:0A000412:SSL routines::sslv3 alert bad certificate",
        [leaf(SERVER)],
        "has no clientAuth",
    ),
    "any_not_for_clients": Misfit(
        alert("unsupported_certificate"), [leaf(ANY)], "has anyExtendedKeyUsage and no clientAuth"
    ),
    "ca_not_for_clients": Misfit(
        Failure("SSLError", reason_of_alert("unsupported_certificate")),
        [leaf(issuer="Inter", by=INTER), inter(SERVER)],
        "limited to other purposes",
    ),
    "leaf_named_like_its_ca": Misfit(unverified(18), [leaf(subject="Root")], "same subject"),
    "self_signed": Misfit(
        unverified(18), [leaf(issuer="device", by=LEAF_KEY)], "signed with its own key"
    ),
    "leaf_is_a_ca": Misfit("net::ERR_BAD_SSL_CLIENT_AUTH_CERT", [root()], "the leaf's", key=ROOT),
    "own_certificate_is_a_ca": Misfit(
        "invalid peer certificate: CaUsedAsEndEntity",
        [root(CA, ski(ROOT))],
        "openssl req -x509",
        key=ROOT,
    ),
    # ran: haproxy 2.6.12 and OpenSSL 3.0, the client presents the root itself, with its key
    "ca_presented": Misfit(
        alert("unsupported_certificate"), [root()], "lets it sign certificates", key=ROOT
    ),
    "renewed_behind": Misfit(
        alert("certificate_expired"),
        [
            certify("device", LEAF_KEY, "Root", ROOT, LEAF, CLIENT, aki(ROOT), days=(-9, -2)),
            leaf(),
        ],
        "number 2 in it is one of the same name that is valid",
    ),
    "other_key": Misfit(unverified(20), [leaf(by=OTHER)], "none of that name"),
    "other_key_or_altered": Misfit(
        unverified(7),
        [certify("device", LEAF_KEY, "Root", OTHER, LEAF, MAY_SHAKE_HANDS, CLIENT)],
        "no key of that name",
    ),
    "altered": Misfit(unverified(7), [altered(leaf())], "was changed after CN=Root signed it"),
    "root_not_trusted": Misfit(
        unverified(19),
        [leaf(issuer="Other", by=OTHER), root(subject="Other", key=OTHER)],
        "which is not in",
    ),
    "issuer_missing": Misfit(alert("unknown_ca"), [leaf(issuer="Inter", by=INTER)], "neither in"),
    "no_root": Misfit(unverified(2), [leaf(issuer="Inter", by=INTER)], "not the root", (inter(),)),
    "two_cas_of_one_name": Misfit(
        unverified(7), [leaf()], "two CAs of one name", (root(key=OTHER), root())
    ),
    # ran: Wget 1.21 with GnuTLS 3.7, --certificate and --private-key of two pairs
    "other_pair_presented": Misfit(
        "Failed writing HTTP request: The specified session has been invalidated for some reason..",
        [leaf()],
        "is not the key",
        key=OTHER,
    ),
    "name_constraints": Misfit(
        unverified(47),
        [leaf(CLIENT, named("a.other.example"), issuer="Inter", by=INTER), inter(ONLY_CORP)],
        "may sign for corp.example only",
    ),
    "unknown_critical_extension": Misfit(unverified(34), [leaf(CLIENT, CRITICAL)], "1.2.3.4"),
    "path_too_long": Misfit(
        unverified(25),
        [leaf(issuer="Inter", by=INTER), inter()],
        "allows 0 further CAs",
        (root(ONE_CA, MAY_SIGN, ski(ROOT)),),
    ),
    "not_a_ca": Misfit(
        alert("unknown_ca"), [leaf(issuer="Inter", by=INTER), inter(basic=LEAF)], "does not say CA"
    ),
    "no_key_cert_sign": Misfit(
        alert("unknown_ca"),
        [leaf(issuer="Inter", by=INTER), inter(bits=usage(digital_signature=True))],
        "no keyCertSign",
    ),
    "weak_key": Misfit(unverified(66), [leaf(key=WEAK)], "1024 bits", key=WEAK),
    "post_quantum_key": Misfit(
        Failure("SSLError", "EE_KEY_TOO_SMALL"),
        [post_quantum(leaf(), ROOT, 18)],
        "of the kind ML-DSA-65",
    ),
    "dsa_key": Misfit(
        alert("handshake_failure"), [of_another_key(leaf(), ROOT, DSA_KEY)], "is a DSA key"
    ),
    "long_chain": Misfit(
        unverified(22),
        [
            certify("device", LEAF_KEY, "Low", OTHER, LEAF, MAY_SHAKE_HANDS, aki(OTHER), CLIENT),
            certify("Low", OTHER, "Inter", INTER, CA, MAY_SIGN, ski(OTHER), aki(INTER)),
            inter(),
        ],
        "has 2 intermediate CAs",
    ),
    "no_authority_key_identifier": Misfit(
        alert("certificate_unknown"),
        [certify("device", LEAF_KEY, "Root", ROOT, LEAF, MAY_SHAKE_HANDS, CLIENT)],
        "no authorityKeyIdentifier",
    ),
    "version_1": Misfit(
        alert("certificate_unknown"), [without_extensions(leaf(), ROOT)], "is of version 1"
    ),
    "ca_without_subject_key_identifier": Misfit(
        unverified(86), [leaf()], "no subjectKeyIdentifier", (root(CA, MAY_SIGN),)
    ),
    "basic_constraints_not_critical": Misfit(
        unverified(89), [leaf()], "not marked critical", (root(NOT_CRITICAL, MAY_SIGN, ski(ROOT)),)
    ),
    "ca_without_key_usage": Misfit(unverified(92), [leaf()], "no keyUsage", (root(CA, ski(ROOT)),)),
    # ran: OpenJDK 17, a server with the CA in its truststore
    "identifiers_differ": Misfit(
        alert("certificate_unknown"),
        [certify("device", LEAF_KEY, "Root", ROOT, LEAF, MAY_SHAKE_HANDS, aki(OTHER), CLIENT)],
        "is not the subjectKeyIdentifier",
    ),
    "another_certificate_of_its_ca": Misfit(
        unverified(20),
        [
            certify(
                "device", LEAF_KEY, "Root", ROOT, LEAF, MAY_SHAKE_HANDS, CLIENT, with_serial(root())
            )
        ],
        "holds another one of the same key",
    ),
    # ran: Python 3.11, OpenSSL 3.0, a server that loads client.crt as its file of CAs
    "leaf_trusted": Misfit(
        unverified(20), [LEAF_ITSELF], "has the certificate of CN=device itself", cas=(LEAF_ITSELF,)
    ),
    "long_message": Misfit(
        Failure("SSLError", "EXCESSIVE_MESSAGE_SIZE"),
        [leaf(), *[root()] * 120],
        "KB of certificates (121)",
    ),
    "no_host_name": Misfit(
        unverified(62),
        [leaf(SERVER, named("https://device"))],
        "https://device in subjectAltName",
    ),
    # ran: Caddy 2.6, tls with the key of the CA beside the server's certificate
    "key_of_a_ca": Misfit(
        "Error: loading certificates: tls: private key does not match public key",
        [leaf(SERVER, named("device"))],
        "is the key of the CA CN=Root",
        key=ROOT,
    ),
    # ran: haproxy 2.6, crt server.crt, and the key under another name
    "key_in_another_file": Misfit(
        "[ALERT]    (1) : config : parsing [h.cfg:8] : 'bind 127.0.0.1:8443' in section 'frontend'"
        " : No Private Key found in '/etc/haproxy/server.crt.key'.",
        [leaf(SERVER, named("device"))],
        "has no private key in it: that is in",
    ),
    # ran: urllib3 2 on Python 3.11, a server's certificate with a common name alone
    "no_host": Misfit(
        unverified(62), [leaf(SERVER)], "has no host and no address in subjectAltName"
    ),
    # ran: Python 3.11, a server called a.b.example.com
    "hosts": Misfit(
        Failure(
            "SSLCertVerificationError",
            "CERTIFICATE_VERIFY_FAILED",
            62,
            "Hostname mismatch, certificate is not valid for 'a.b.example.com'.",
        ),
        [leaf(SERVER, named("*.example.com"))],
        "is for *.example.com, and for nothing else",
    ),
    # ran: Python 3.11, a server called 127.0.0.1, which it has as DNS:127.0.0.1
    "address_as_a_name": Misfit(
        unverified(64),
        [leaf(SERVER, named("127.0.0.1"))],
        "has 127.0.0.1 as a DNS name, and not as an address",
    ),
    # ran: Python 3.11, OpenSSL 3.0, an intermediate that has expired (code 10)
    "ca_expired": Misfit(
        unverified(10),
        [leaf(issuer="Inter", by=INTER), dated_inter(-9, -2)],
        "my.crt expired 2 days ago",
    ),
    "ca_not_yet_valid": Misfit(
        unverified(9),
        [leaf(issuer="Inter", by=INTER), dated_inter(2, 9)],
        "my.crt is not valid for another",
    ),
    # ran: Python 3.11, OpenSSL 3.0, certificates made by openssl x509 -req with nsCertType
    "type_not_for_clients": Misfit(
        unverified(26), [leaf(typed(0x40))], "nsCertType, which has no client"
    ),
    # ran: Python 3.11 and curl 8, OpenSSL 3.0, a server with *.local called printer.local
    "wildcard_for_nobody": Misfit(
        unverified(62),
        [leaf(SERVER, named("*.local"))],
        "the wildcard *.local",
    ),
    "issuer_in_other_bytes": Misfit(
        alert("bad_certificate"),
        [in_another_alphabet("Root")],
        "say the same in other bytes",
    ),
    "rare_key": Misfit(
        alert("bad_certificate"), [leaf(key=ED448)], "is of the kind Ed448", key=ED448
    ),
}
MISFITS["curve_not_for_tls13"] = Misfit(
    alert("certificate_required"),
    [leaf(key=BRAINPOOL)],
    "is on the curve brainpoolP256r1",
    key=BRAINPOOL,
)
MISFITS["curve_unknown_to_others"] = Misfit(
    alert("bad_certificate"),
    [leaf(key=BRAINPOOL)],
    "is on the curve brainpoolP256r1",
    key=BRAINPOOL,
)
MISFITS["no_digital_signature"] = Misfit(
    unverified(26),
    [
        certify(
            "device", LEAF_KEY, "Root", ROOT, LEAF, usage(data_encipherment=True), aki(ROOT), CLIENT
        )
    ],
    "no digitalSignature",
)


def asked(folder: Path, misfit: Misfit) -> Explanation:
    pem.write_certificate(folder / "my.crt", *misfit.chain)
    (folder / "my.key").write_bytes(private_pem(misfit.key))
    (folder / "my.key").chmod(0o600)
    (folder / "ca.pem").write_bytes(b"".join(ca.public_bytes(Encoding.PEM) for ca in misfit.cas))
    return explain(
        misfit.failure,
        certfile=folder / "my.crt",
        keyfile=folder / "my.key",
        cafile=folder / "ca.pem",
    )


@pytest.mark.parametrize("entry", MISFITS)
def test_a_misfit_is_the_cause(tmp_path: Path, entry: str) -> None:
    told = asked(tmp_path, MISFITS[entry])
    assert told.why.startswith("In these files, ")
    assert MISFITS[entry].says in told.why
    said = read_facts("findings")[entry]["fix"]
    said = outsiders(said) if told.says else said
    fix = re.sub(r"\\{\w+\\}", ".+", re.escape(said))
    assert re.fullmatch(fix, told.fix)
    assert str(tmp_path) not in told.why + told.where


DATED = ("expired", "not_yet_valid")


@pytest.mark.parametrize("entry", DATED)
def test_a_date_is_compared_with_a_clock(entry: str) -> None:
    first, last, month = leaf().not_valid_before_utc, leaf().not_valid_after_utc, timedelta(days=30)
    now = {"expired": last + month, "not_yet_valid": first - month}[entry]
    looks = [*compare([leaf()], LEAF_KEY, [root()], now)]
    dated = [look for look in looks if look.name.removeprefix("ca ").replace(" ", "_") in DATED]
    name = entry.replace("_", " ")
    assert [look.name for look in dated] == [name, f"ca {name}"]
    assert [look.words["holder"] for look in dated] == ["cert", "ca"]
    assert [look.words["subject"] for look in dated] == ["CN=device", "CN=Root"]
    assert {look.words["apart"] for look in dated} <= {"29 days", "30 days"}


@pytest.mark.parametrize(
    ("chain", "trusted", "holder"),
    [
        ([leaf(subject="Root", by=OTHER)], [root()], "ca"),
        ([leaf(subject="device", issuer="device", by=OTHER)], [root()], "ca"),
        ([leaf(issuer="Stale", by=OTHER), root(subject="Stale")], [root()], "cert"),
    ],
    ids=["of a CA's name", "of its own name", "below another key that is sent along"],
)
def test_where_the_key_that_signed_is_not(
    chain: list[x509.Certificate], trusted: list[x509.Certificate], holder: str
) -> None:
    (look,) = (each for each in compare(chain, LEAF_KEY, trusted) if each.name == "other key")
    assert look.words["holder"] == holder


def test_an_identifier_that_is_not_of_the_key_decides_nothing() -> None:
    """Some CAs keep theirs when they are made again."""
    own = x509.SubjectKeyIdentifier(b"x" * 20), False
    names_it = x509.AuthorityKeyIdentifier(own[0].digest, None, None), False
    trusted = root(CA, MAY_SIGN, own)
    changed = certify("device", LEAF_KEY, "Root", OTHER, LEAF, MAY_SHAKE_HANDS, CLIENT, names_it)
    assert "other key or altered" in {each.name for each in compare([changed], cas=[trusted])}


def test_a_signature_that_cannot_be_checked_here_is_not_called_wrong() -> None:
    """As of SM2, MD5 or RIPEMD-160; here with the number of an algorithm that there is not."""

    def foreign(certificate: x509.Certificate) -> x509.Certificate:
        ecdsa, none = bytes.fromhex("2a8648ce3d040302"), bytes.fromhex("2a8648ce3d040339")
        data = certificate.public_bytes(Encoding.DER).replace(ecdsa, none)
        return x509.load_der_x509_certificate(data)

    wrong = {"altered", "other key", "other key or altered"}
    assert not wrong & {each.name for each in compare([foreign(leaf())], LEAF_KEY, [root()])}
    assert "other key" in {each.name for each in compare([foreign(leaf(by=OTHER))], cas=[root()])}
    alone = [each.name for each in compare([foreign(root())], cas=[foreign(root(subject="B"))])]
    assert "self-signed" in alone
    assert not wrong & set(alone)


def test_a_stale_intermediate_shows_whatever_is_trusted() -> None:
    chain = [leaf(issuer="Stale", by=OTHER), root(subject="Stale")]
    assert "other key" in {each.name for each in compare(chain, LEAF_KEY)}
    whole = [leaf(issuer="Inter", by=INTER), inter()]
    assert not {"other key", "issuer missing"} & {each.name for each in compare(whole, LEAF_KEY)}


@pytest.mark.parametrize("order", [1, -1], ids=["old first", "new first"])
def test_of_a_ca_that_was_renewed_with_its_key_the_valid_certificate_counts(order: int) -> None:
    """As OpenSSL chooses: X509_STORE_CTX_get1_issuer looks for one that is valid."""
    usual = (CA, MAY_SIGN, ski(ROOT))
    old = certify("Root", ROOT, "Root", ROOT, *usual, days=(-90, -2))
    assert "ca expired" in {each.name for each in compare([leaf()], LEAF_KEY, [old])}
    both = [old, root()][::order]
    assert "ca expired" not in {each.name for each in compare([leaf()], LEAF_KEY, both)}


def test_a_ca_that_is_trusted_counts_also_where_its_successor_is_sent() -> None:
    """Run: OpenSSL 3.0, the store first (X509_V_FLAG_TRUSTED_FIRST), code 10."""
    old = certify("Root", ROOT, "Root", ROOT, CA, MAY_SIGN, ski(ROOT), days=(-90, -2))
    found = {each.name for each in compare([leaf(), root()], LEAF_KEY, [old])}
    assert "ca expired" in found
    assert "root not trusted" not in found


def test_a_root_that_is_sent_may_have_the_name_of_the_trusted_one(tmp_path: Path) -> None:
    """As after a CA was made again, where the server sends its root too (code 19)."""
    again = root(key=OTHER)
    chain = [leaf(by=OTHER), again]
    told = asked(tmp_path, Misfit(unverified(19), chain, "", (root(),)))
    assert "the certificate of CN=device names CN=Root as its issuer, and none of that" in told.why
    assert "root not trusted" in {each.name for each in compare(chain, None, [root(subject="New")])}


def test_of_many_cas_some_are_named(tmp_path: Path) -> None:
    many = tuple(root(subject=f"CA {number:02}", key=OTHER) for number in range(40))
    told = asked(tmp_path, Misfit(alert("unknown_ca"), [leaf()], "", many))
    assert "(CN=CA 00, CN=CA 01, CN=CA 02, CN=CA 03, CN=CA 04 and 35 more)" in told.why


def test_files_that_fit_are_not_blamed(tmp_path: Path) -> None:
    fine = Misfit(alert("bad_certificate"), [leaf()], "")
    told = asked(tmp_path, fine)
    assert told.entry == "alert_bad_certificate"
    assert "In these files" not in told.why
    assert told.files == ()


def test_what_did_not_cause_it_is_told_beside_it(tmp_path: Path) -> None:
    pem.write_certificate(tmp_path / "my.crt", leaf())
    pem.write_certificate(tmp_path / "ca.pem", root(subject="Other", key=OTHER))
    told = explain(
        Failure("ConnectionRefusedError", "ECONNREFUSED"),
        certfile=tmp_path / "my.crt",
        cafile=tmp_path / "ca.pem",
    )
    assert told.entry == "nobody_listens"
    assert [each for each in told.files if "neither in" in each]
    assert "\nFiles: " in str(told)


def test_a_clients_own_files_do_not_explain_what_is_wrong_with_the_server(tmp_path: Path) -> None:
    """The device's certificate is of one CA, and the file of CAs is for the backend's: as usual."""
    pem.write_certificate(tmp_path / "my.crt", leaf(issuer="Device CA", by=OTHER))
    pem.write_certificate(tmp_path / "ca.pem", root())
    line = "curl: (60) SSL certificate problem: unable to get local issuer certificate"
    told = explain(line, certfile=tmp_path / "my.crt", cafile=tmp_path / "ca.pem")
    assert told.entry == "unknown_issuer"
    assert "In these files" not in told.why
    assert not any("not for this purpose" in each for each in told.files)


@pytest.mark.parametrize("code", [26, 62])
def test_a_pair_of_the_client_is_not_the_servers(tmp_path: Path, code: int) -> None:
    # ran: Python 3.11, a server whose certificate has clientAuth alone, or another name; the client
    # gives its own files
    client = Side("device", Stage.HANDSHAKE, unverified(code))
    told = asked(tmp_path, Misfit(client, [leaf()], ""))
    assert "In these files" not in told.why
    assert "my.crt" not in told.where + told.command + told.ruled_out


@pytest.mark.parametrize("code", [10, 20, 26])
def test_a_pair_of_the_server_is_not_the_clients(tmp_path: Path, code: int) -> None:
    # ran: Python 3.11, a client that has expired, of another CA, for servers; the server gives its
    # own files
    server = Side("backend", Stage.HANDSHAKE, unverified(code))
    told = asked(tmp_path, Misfit(server, [leaf(SERVER, named("localhost"))], ""))
    assert "In these files" not in told.why
    assert "my.crt" not in told.where + told.command + told.ruled_out


@pytest.mark.parametrize(
    ("chain", "line"),
    [
        # A server's log of an alert that a client sent: a client's pair is not the server's.
        (
            [leaf()],
            "TLS server: In state wait_finished received CLIENT ALERT: Fatal - Certificate Unknown",
        ),
        # Nobody says over what the connection ended: a server's pair is not the client's.
        (
            [leaf(SERVER, named("device"))],
            "OSError: [Errno 107] Transport endpoint is not connected",
        ),
    ],
)
def test_a_pair_of_the_other_side_is_not_blamed(
    tmp_path: Path, chain: list[x509.Certificate], line: str
) -> None:
    told = asked(tmp_path, Misfit(line, chain, ""))
    assert "In these files" not in told.why
    assert "if this certificate" not in told.why


def test_a_server_has_other_cas_for_its_clients(tmp_path: Path) -> None:
    """Its own pair leads to none of them, and nothing is wrong with that."""
    line = "ssl.SSLCertVerificationError: certificate verify failed: unable to get local issuer"
    chain = [leaf(SERVER, named("device"), issuer="Inter", by=INTER)]
    told = asked(tmp_path, Misfit(f"{line} certificate (_ssl.c:1006)", chain, ""))
    assert "In these files" not in told.why
    assert told.causes[0].startswith("if this certificate is the server's: ")


def test_a_pair_of_a_server_may_be_the_refused_one(tmp_path: Path) -> None:
    """A client that refused a server by an alert: the pair has no clientAuth, and needs none."""
    told = told_beside_another_ca(tmp_path, alert("unknown_ca"), leaf(SERVER, named("device")))
    assert re.match("if this certificate is the .*: the issuer of ", told.causes[0])


def test_a_pair_without_a_chain_is_not_the_one_that_expired(tmp_path: Path) -> None:
    """A server with other CAs for its clients: one of these has expired, and not its own pair."""
    chain = [leaf(SERVER, named("device"), issuer="Inter", by=INTER)]
    told = asked(tmp_path, Misfit(unverified(10), chain, ""))
    assert told.ruled_out == ""
    assert "my.crt is right" not in told.why
    assert not any("neither in" in each for each in told.files)


def test_the_cas_of_clients_are_not_those_of_servers(tmp_path: Path) -> None:
    """A client that verifies with the CA of its own certificate: nothing says that it is wrong."""
    # ran: curl 7.88, --cacert with the CA of clients, where servers have another one
    line = "curl: (60) SSL certificate problem: unable to get local issuer certificate"
    told = asked(tmp_path, Misfit(line, [leaf()], ""))
    assert [each for each in told.files if "has the CA that signed" in each]
    told = asked(
        tmp_path,
        Misfit("curl: (60) SSL certificate problem: certificate has expired", [leaf()], ""),
    )
    assert not [each for each in told.files if "has the CA that signed" in each]


def test_a_server_that_was_refused_has_its_own_pair(tmp_path: Path) -> None:
    # ran: Python 3.11, the server's certificate has clientAuth alone, and the server is asked
    server = Side("backend", Stage.HANDSHAKE, alert("unsupported_certificate"))
    told = asked(tmp_path, Misfit(server, [leaf()], ""))
    assert "has no serverAuth" in told.why
    assert "my.crt" in told.where


def test_a_name_that_is_missing_comes_before_other_files(tmp_path: Path) -> None:
    # ran: Python 3.11, a server for api.example called localhost: Python's client sends this
    pem.write_certificate(tmp_path / "server.crt", leaf(SERVER))
    pem.write_certificate(tmp_path / "ca.pem", root())
    seen = Side("backend", Stage.HANDSHAKE, alert("bad_certificate"))
    told = explain(seen, certfile=tmp_path / "server.crt", cafile=tmp_path / "ca.pem")
    first, second, third, *_ = told.causes
    assert "does not name the host" in first
    assert "does not name the IP address" in second
    assert "something else than these files" in third


def test_a_certificate_that_was_renewed_may_not_be_the_one_that_is_presented(
    tmp_path: Path,
) -> None:
    pem.write_certificate(tmp_path / "server.crt", leaf(SERVER))
    pem.write_certificate(tmp_path / "ca.pem", root())
    told = explain(unverified(10), certfile=tmp_path / "server.crt", cafile=tmp_path / "ca.pem")
    assert "expired" in told.ruled_out
    assert "restarted, or told to reload" in told.why


@pytest.mark.parametrize(
    "line",
    [
        "websockets.exceptions.InvalidMessage: did not receive a valid HTTP response",
        "ssl.SSLEOFError: EOF occurred in violation of protocol (_ssl.c:2427)",
        # ran: curl 7.88 and gnutls-serv 3.7, which refused the client's certificate
        "curl: (55) getpeername() failed with errno 107: Transport endpoint is not connected",
    ],
)
def test_a_server_that_closes_without_a_word_may_have_refused(tmp_path: Path, line: str) -> None:
    certfile = tmp_path / "client.crt"
    pem.write_certificate(certfile, leaf(SERVER))
    assert "has no clientAuth" in explain(line, certfile=certfile).why


def test_a_key_that_a_library_did_not_take(tmp_path: Path) -> None:
    """pymongo 4.20 says this whatever was wrong with the key: first there is none."""
    certfile = tmp_path / "client.pem"
    pem.write_certificate(certfile, leaf())
    line = "pymongo.errors.ConfigurationError: Private key doesn't match certificate: "
    told = explain(
        line + "[('DECODER routines', '', 'unsupported'), ('SSL routines', '', 'PEM lib')]",
        certfile=certfile,
    )
    assert told.entry == "file_no_key"
    keyfile = tmp_path / "client.key"
    keyfile.write_bytes(private_pem(OTHER))
    assert "is not the key" in explain(line, certfile=certfile, keyfile=keyfile).why


def test_a_file_of_cas_without_a_root(tmp_path: Path) -> None:
    """The server's own certificate was saved as the CA file; Python 3.11 says code 20."""
    cafile = tmp_path / "ca.pem"
    pem.write_certificate(cafile, leaf(SERVER))
    told = explain(unverified(20), cafile=cafile)
    assert "holds no root: it has the certificate of CN=device, which CN=Root issued" in told.why
    pem.write_certificate(cafile, leaf(SERVER), root())
    assert "In these files" not in explain(unverified(20), cafile=cafile).why


def test_the_name_that_is_in_the_certificate_is_not_missing(tmp_path: Path) -> None:
    """Whoever called it got another certificate than this one."""
    fits = MISFITS["hosts"]
    other = Misfit(fits.failure, [leaf(SERVER, named("*.b.example.com"))], "")
    assert "for nothing else" not in asked(tmp_path, other).why


# ran: redis-cli 7.0, --cacert with the server's own certificate in place of its CA's
@pytest.mark.parametrize("purpose", [CLIENT, SERVER])
def test_a_refusal_without_a_reason_is_looked_into(tmp_path: Path, purpose: Any) -> None:
    """The pair may be the client's own, and then it says nothing of the server's."""
    line = "Could not connect to Redis at localhost:6379: SSL_connect failed: certificate verify"
    mine = leaf(purpose, subject="mine") if purpose is CLIENT else LEAF_ITSELF
    told = asked(tmp_path, Misfit(f"{line} failed", [mine], "", cas=(LEAF_ITSELF,)))
    assert told.why.startswith("In these files, ")
    assert "and not the CA CN=Root" in told.why or "holds no root" in told.why


def test_a_ca_with_limits_without_end_is_left_to_the_verifier() -> None:
    """Each name with each limit is what OpenSSL gives up as well."""
    many = [x509.DNSName(f"h{number}.example") for number in range(2000)]
    limits = (x509.NameConstraints(many, None), True)
    names = (x509.SubjectAlternativeName([x509.DNSName("h d"), *many]), False)
    chain = [leaf(SERVER, names, issuer="Inter", by=INTER), inter(limits)]
    started = time.process_time()
    looks = [look.name for look in compare(chain, None, [root()])]
    assert "name constraints" not in looks
    assert looks.count("no host name") == 1
    assert time.process_time() - started < 10


@pytest.mark.parametrize("code", [18, 19, 20])
def test_a_pair_that_is_right_was_not_the_one_that_was_shown(tmp_path: Path, code: int) -> None:
    """As behind a proxy that inspects TLS: to compare the two files again finds nothing."""
    told = asked(tmp_path, Misfit(unverified(code), [leaf(SERVER)], ""))
    assert re.search(r"my\.crt is right, and leads to CN=Root in \S+ca\.pem", told.why)
    assert "self-signed certificate in certificate chain" in told.why
    assert told.fix.startswith("Look at what is shown. If its issuer is not CN=Root, it is not")
    assert "-showcerts" in told.command


def test_every_finding_is_tried() -> None:
    rare = {"weak_signature", "not_for_servers", "ca_not_for_servers"}  # SHA-1 is not signed here
    rare |= {"type_not_for_servers", "any_not_for_servers"}
    held = {
        "revoked",
        "key_open",
        "key_not_readable",
        "folder_closed",
        "no_crl_of_the_issuer",
    }  # test_held.py
    held |= {"crl_expired", "crl_not_yet_valid", "crl_of_another_key", "folder_not_hashed"}
    rare |= {"ca_file_without_a_root"}  # without a certificate, above
    held |= {"ca_not_read", "bundle_without_a_key", "wrong_password", "bundle_as_truststore"}
    held |= {"keystore_without_a_key", "several_keys", "old_bundle", "explicit_curve"}
    held |= {"ca_for_a_leaf", "key_behind_another"}
    held |= {"not_trusted_for_clients", "not_trusted_for_servers"}
    held |= {"no_crl_above", "pem_for_a_keystore", "ca_not_usable"}
    rare |= {"leads_to_a_ca", "right_together"}  # told beside a failure, above
    assert set(read_facts("findings")) == set(MISFITS) | set(DATED) | rare | held


# --- A CA file that is there for the other side's certificate

ANOTHER_CA = (certify("Server CA", OTHER, "Server CA", OTHER, CA, MAY_SIGN, ski(OTHER)),)


def told_beside_another_ca(
    folder: Path, failure: Failure | Side, *chain: x509.Certificate
) -> Explanation:
    return asked(folder, Misfit(failure, list(chain), "", ANOTHER_CA))


def test_what_every_verifier_objects_to_comes_before_the_ca_file(tmp_path: Path) -> None:
    limited = [leaf(CLIENT, named("a.other.example"), issuer="Inter", by=INTER), inter(ONLY_CORP)]
    told = told_beside_another_ca(tmp_path, alert("certificate_unknown"), *limited)
    assert "may sign for corp.example only" in told.why
    assert any("neither in" in each for each in told.files)


def test_a_curve_that_kept_a_client_silent_comes_before_the_ca_file(tmp_path: Path) -> None:
    """Measured: Python 3.11, OpenSSL 3.0.19, TLS 1.3: it sends no certificate with such a key."""
    mine = Misfit(alert("certificate_required"), [leaf(key=BRAINPOOL)], "", ANOTHER_CA, BRAINPOOL)
    told = asked(tmp_path, mine)
    assert "is on the curve brainpoolP256r1" in told.why
    assert any("not among the CAs" in each for each in told.files)


def test_a_ca_file_that_is_not_read_comes_after_that_too(tmp_path: Path) -> None:
    late = [leaf(issuer="Inter", by=INTER), dated_inter(-9, -2)]
    told = asked(tmp_path, Misfit(alert("bad_certificate"), late, "", cas=()))
    assert "expired 2 days ago" in told.why
    assert any("ca.pem is empty" in each for each in told.files)


def test_what_two_entries_say_has_the_place_of_the_one_that_explains(tmp_path: Path) -> None:
    refused = Side("device", Stage.HANDSHAKE, alert("bad_certificate"))
    told = asked(tmp_path, Misfit(refused, [leaf(SERVER)], "", key=OTHER))
    assert "has no clientAuth" in told.why
    assert sum("is not the key" in each for each in told.files) == 1


@pytest.mark.parametrize("which", ["bad_certificate", "certificate_unknown"])
def test_a_vague_alert_does_not_make_the_ca_file_the_cause(tmp_path: Path, which: str) -> None:
    told = told_beside_another_ca(tmp_path, alert(which), leaf())
    assert told.causes[0].startswith("if it is checked with the CAs in ")
    assert len(told.causes) > 1


@pytest.mark.parametrize(
    ("which", "stays"),
    [("certificate_expired", "or the CA that signed it"), ("decrypt_error", "of the same name")],
)
def test_what_is_above_an_issuer_that_is_missing_is_not_ruled_out(
    tmp_path: Path, which: str, stays: str
) -> None:
    told = told_beside_another_ca(tmp_path, alert(which), leaf())
    assert stays in told.causes[0]
    assert "leads to" not in told.why


@pytest.mark.parametrize(
    ("reason", "key", "bits", "says"),
    [
        ("NO_SHARED_CIPHER", LEAF_KEY, {"key_agreement": True}, "no digitalSignature"),
        ("NO_SHARED_CIPHER", BRAINPOOL, {"digital_signature": True}, "is on the curve"),
        ("UNSUPPORTED_PROTOCOL", BRAINPOOL, {"digital_signature": True}, "is on the curve"),
    ],
)
def test_a_servers_own_certificate_that_no_client_can_use(
    tmp_path: Path, reason: str, key: Any, bits: dict[str, bool], says: str
) -> None:
    """Measured: OpenSSL 3.0.19 as the server, the last one with TLS 1.3 alone."""
    own = Side("backend", Stage.HANDSHAKE, Failure("SSLError", reason))
    names = named("localhost")
    one = certify("localhost", key, "Root", ROOT, LEAF, usage(**bits), aki(ROOT), SERVER, names)
    told = asked(tmp_path, Misfit(own, [one], "", key=key))
    assert says in told.why


def test_an_alert_of_the_hello_may_be_about_a_certificate(tmp_path: Path) -> None:
    """Measured: Erlang/OTP 25 in TLS 1.2, a CA without keyCertSign; Java 17, a curve."""
    refused = Side("device", Stage.HANDSHAKE, alert("handshake_failure"))
    mute = inter(bits=usage(digital_signature=True))
    told = asked(tmp_path, Misfit(refused, [leaf(issuer="Inter", by=INTER), mute], ""))
    assert told.causes[0].startswith("if the handshake came as far as this certificate: ")
    assert "no keyCertSign" in told.causes[0]


def test_a_strict_rule_is_not_told_by_an_alert_while_an_issuer_is_missing(tmp_path: Path) -> None:
    old = certify("device", LEAF_KEY, "Root", ROOT, LEAF, MAY_SHAKE_HANDS, CLIENT)
    told = told_beside_another_ca(tmp_path, alert("certificate_unknown"), old)
    assert "authorityKeyIdentifier" not in told.causes[0]


def test_a_servers_pair_in_a_client_may_be_the_cause(tmp_path: Path) -> None:
    refused = Side("device", Stage.HANDSHAKE, alert("unknown_ca"))
    told = asked(tmp_path, Misfit(refused, [leaf(SERVER, named("localhost"))], ""))
    assert "has no clientAuth" in told.causes[0]


@pytest.mark.parametrize(
    ("which", "odd", "says"),
    [
        ("illegal_parameter", {"key": BRAINPOOL}, "is on the curve brainpoolP256r1"),
        ("internal_error", {"bits": {"data_encipherment": True}}, "no digitalSignature"),
    ],
)
def test_what_openssl_and_gnutls_send_for_an_odd_certificate(
    tmp_path: Path, which: str, odd: dict[str, Any], says: str
) -> None:
    """Measured: OpenSSL 3.0.19 in TLS 1.2 sends the first, GnuTLS 3.7.9 the second."""
    bits = usage(**odd.get("bits", {"digital_signature": True}))
    key = odd.get("key", LEAF_KEY)
    one = certify("device", key, "Root", ROOT, LEAF, bits, aki(ROOT), CLIENT)
    told = asked(tmp_path, Misfit(alert(which), [one], "", key=key))
    assert says in told.why


def test_a_client_that_hung_up_says_nothing_of_the_servers_ca_file(tmp_path: Path) -> None:
    gone = Side("backend", Stage.HANDSHAKE, Failure("SSLEOFError"))
    mine = leaf(SERVER, named("localhost"))
    assert "neither in" not in told_beside_another_ca(tmp_path, gone, mine).why
    told = asked(tmp_path, Misfit(gone, [mine], "", cas=()))
    assert "is empty" not in told.why


# --- Hostile files


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**30)  # sparse: no disk is filled


def make_folder(path: Path) -> None:
    path.mkdir()


def make_loop(path: Path) -> None:
    path.symlink_to(path)


def make_nested(path: Path) -> None:
    path.write_bytes(b"\x30\x84\x00\x0f\xff\xff" * 100_000)


def make_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


HOSTILE: list[Callable[[Path], None]] = [make_large, make_folder, make_loop, make_nested]
if hasattr(os, "mkfifo"):
    HOSTILE += [make_pipe, make_device]


@pytest.mark.parametrize("make", HOSTILE, ids=lambda make: make.__name__)
def test_a_hostile_file_gets_one_answer(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "odd.pem"
    make(path)
    error = ssl.SSLError("[SSL] PEM lib (_ssl.c:3900)")
    told = explain(error, certfile=path, keyfile=path, cafile=path)
    assert "odd.pem" in told.what + told.why
    assert told.known


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from(["my.crt", "my.key", "ca.pem"]),
    st.integers(0, 900),
)
def test_a_damaged_file_gets_one_answer(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, file: str, place: int
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    fine = Misfit(Failure("SSLError", text="[SSL] PEM lib"), [leaf()], "")
    asked(folder, fine)
    data = (folder / file).read_bytes()
    (folder / file).write_bytes(data[:place] + noise + data[place + len(noise) :])
    paths = {"certfile": folder / "my.crt", "keyfile": folder / "my.key"}
    told = str(explain(fine.failure, **paths, cafile=folder / "ca.pem"))  # type: ignore[arg-type]
    assert all(character.isprintable() or character == "\n" for character in told)


def test_a_certificate_that_is_damaged_inside_gets_one_answer(tmp_path: Path) -> None:
    """The outer form is whole, and the names are not: cryptography reads those only when asked."""
    der = bytearray(leaf().public_bytes(Encoding.DER))
    place = der.index(b"Root") - 2  # the type of the text
    der[place] = 0x30
    (tmp_path / "my.crt").write_text(ssl.DER_cert_to_PEM_cert(bytes(der)), encoding="utf-8")
    told = explain(unverified(20), certfile=tmp_path / "my.crt", cafile=tmp_path / "my.crt")
    assert told.entry == "unknown_issuer"
    assert "holds a damaged certificate" in told.files[0]


def test_a_name_in_a_certificate_cannot_write_a_line(tmp_path: Path) -> None:
    odd = certify("x\nWho:   nobody\x1b[31m", LEAF_KEY, "Root", ROOT, LEAF, MAY_SHAKE_HANDS, CLIENT)
    told = asked(tmp_path, Misfit(unverified(85), [odd], ""))
    assert "\x1b" not in str(told)
    assert str(told).count("\nWho:") + str(told).startswith("Who:") == 1
    assert name("x") != odd.subject


def test_a_thousand_certificates_are_not_each_held_against_each_other() -> None:
    """In a file of 2 MiB there may be 4,000; quadratic, they took minutes."""
    certificates = [leaf(), root(CA, MAY_SHAKE_HANDS), *[root()] * 4000]
    started = time.process_time()
    ((state, words),) = wrong_signers(certificates)
    assert (state, dict(words)["signer"]) == ("signer: no keyCertSign", "CN=Root")
    assert time.process_time() - started < 2

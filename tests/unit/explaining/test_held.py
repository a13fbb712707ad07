"""Files of other kinds than certificate and key: revocation lists, bundles, and who may read a key.

Here: what is found in them, and when it is the cause. Not here: certificates (test_look.py).
"""

import os
import ssl
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7, pkcs12

from mtls_lab.common import FileProblem
from mtls_lab.diagnosing.own import look_into
from mtls_lab.explaining import Explanation, explain
from mtls_lab.pki import CertificateAuthority, Identity, Purpose, pem
from mtls_lab.pki.bundles import read_bundle
from mtls_lab.pki.pem import write_pkcs12
from mtls_lab.pki.revocation import revocations
from mtls_lab.wire import Failure, Side, Stage
from mtls_lab.wire.names import reason_of_alert
from tests.unit.lab import BECOMES_NOBODY, not_root

CAUSE = "In these files, "
FACTORY = CertificateAuthority.create("Lab CA")
DEVICE = FACTORY.issue_client("trusted-client")


def openssl(folder: Path, arguments: str) -> None:
    command = ["openssl", *arguments.split()]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)


def unverified(code: int) -> Failure:
    return Failure("SSLCertVerificationError", "CERTIFICATE_VERIFY_FAILED", code)


def asked(folder: Path, failure: Failure | str, crl: x509.CertificateRevocationList) -> Explanation:
    pem.write_crl(folder / "my.crl", crl)
    pem.write_certificate(folder / "ca.pem", FACTORY.certificate)
    certfile, keyfile = DEVICE.save(folder, "my")
    return explain(
        failure,
        certfile=certfile,
        keyfile=keyfile,
        cafile=folder / "ca.pem",
        crlfile=folder / "my.crl",
    )


def factory(*revoked: x509.Certificate, name: str = "Lab CA") -> CertificateAuthority:
    """The factory's CA, or one that was made again under its name, with these revoked."""
    own = name == "Lab CA"
    ca = CertificateAuthority(FACTORY.key, FACTORY.certificate) if own else None
    ca = ca or CertificateAuthority.create(name)
    for each in revoked:
        ca.revoke(each)
    return ca


LISTS: dict[str, tuple[int, Callable[[], x509.CertificateRevocationList], str]] = {
    "revoked": (23, lambda: factory(DEVICE.certificate).crl(), "is on the revocation list"),
    "expired": (
        12,
        lambda: factory().crl(days=-1, skew=timedelta(days=3)),
        "has been out of date for 1 day",
    ),
    "not yet valid": (11, lambda: factory().crl(skew=timedelta(days=-2)), "begins only in 1 day"),
    "another CA's": (3, lambda: factory(name="Other CA").crl(), "has no list of CN=Lab CA"),
    "another key's": (
        3,  # OpenSSL goes by the key identifiers and finds none; without these it says 8
        lambda: CertificateAuthority.create("Lab CA").crl(),
        "is not signed with that CA's key",
    ),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_the_cause(tmp_path: Path, name: str) -> None:
    code, crl, says = LISTS[name]
    told = asked(tmp_path, unverified(code), crl())
    assert told.why.startswith(CAUSE)
    assert says in told.why
    assert str(tmp_path) not in told.why + told.where


def test_a_list_of_another_key_is_the_cause_of_an_alert_too(tmp_path: Path) -> None:
    # ran: haproxy 2.6.12, crl-file with the lists of a CA that was made again
    refused = Failure("SSLError", reason_of_alert("unknown_ca"))
    told = asked(tmp_path, refused, CertificateAuthority.create("Lab CA").crl())
    assert "is not signed with that CA's key" in told.why


def test_a_good_list_is_not_blamed(tmp_path: Path) -> None:
    told = asked(tmp_path, unverified(23), factory().crl())
    assert CAUSE not in told.why
    assert told.files == ()


def test_openssl_agrees(tmp_path: Path) -> None:
    """By number, of every list above: what we say of it is what a verifier refuses it for."""
    for name, (code, crl, _) in LISTS.items():
        asked(tmp_path, unverified(code), crl())
        verify = ("openssl", "verify", "-crl_check", "-CAfile", "ca.pem", "-CRLfile", "my.crl")
        done = subprocess.run(
            [*verify, "my.crt"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert f"error {code} at 0 depth" in done.stdout + done.stderr, name


def test_the_clock_is_the_verifiers() -> None:
    later = datetime.now(UTC) + timedelta(days=60)
    cas, crls = [FACTORY.certificate], [factory().crl()]
    assert [*revocations([DEVICE.certificate], cas, crls)] == []
    (look,) = revocations([DEVICE.certificate], cas, crls, later)
    assert (look.name, look.words["apart"]) == ("crl expired", "30 days")


@pytest.mark.parametrize("content", [b"", b"no list", b"-----BEGIN X509 CRL-----\nAAAA\n"])
def test_what_is_no_list(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "my.crl"
    path.write_bytes(content)
    told = explain(unverified(23), crlfile=path)
    assert len(told.files) == 1
    assert "my.crl" in told.files[0]
    with pytest.raises(FileProblem):
        pem.read_crls(path)


# --- No CA at all


def test_a_ca_file_that_holds_no_ca(tmp_path: Path) -> None:
    """OpenSSL loads such a file without a word; a client's own pair beside it changes nothing."""
    pem.write_crl(tmp_path / "ca.pem", factory().crl())
    certfile, keyfile = DEVICE.save(tmp_path, "my")
    told = explain(unverified(20), certfile=certfile, keyfile=keyfile, cafile=tmp_path / "ca.pem")
    assert "ca.pem holds a certificate revocation list. So no CA was loaded" in told.why


def test_a_folder_without_hashes_beside_ones_own_pair(tmp_path: Path) -> None:
    (tmp_path / "cas").mkdir()
    pem.write_certificate(tmp_path / "cas" / "ca.pem", FACTORY.certificate)
    certfile, keyfile = DEVICE.save(tmp_path, "my")
    told = explain(unverified(20), certfile=certfile, keyfile=keyfile, cafile=tmp_path / "cas")
    assert "no name in it is a hash" in told.why


# --- Bundles


def bundles(folder: Path) -> None:
    identity = Identity(DEVICE.key, DEVICE.certificate, (FACTORY.certificate,))
    pem.write_pkcs12(folder / "my.p12", identity, b"barley")
    pair = [DEVICE.certificate, FACTORY.certificate]
    for name, encoding in (("my.p7b", Encoding.PEM), ("der.p7b", Encoding.DER)):
        (folder / name).write_bytes(pkcs7.serialize_certificates(pair, encoding))
    pem.write_certificate(folder / "ca.pem", CertificateAuthority.create("Other CA").certificate)


@pytest.mark.parametrize("name", ["my.p12", "my.p7b", "der.p7b"])
def test_what_is_in_a_bundle_is_compared(tmp_path: Path, name: str) -> None:
    bundles(tmp_path)
    told = explain(
        unverified(20), certfile=tmp_path / name, cafile=tmp_path / "ca.pem", password="barley"
    )
    said = " ".join((told.what, told.why, *told.files))
    assert "PKCS #" in said  # which ssl does not load
    assert "CN=Lab CA" in said
    assert "CN=Other CA" in said


def test_a_bundle_and_its_password(tmp_path: Path) -> None:
    bundles(tmp_path)
    key, certificates = read_bundle(tmp_path / "my.p12", "barley")
    assert key is not None
    assert certificates == [DEVICE.certificate, FACTORY.certificate]
    wrong, none = "the one that was given does not open it", "and none was given"
    for password, why in (("wheat", wrong), ("bar\0ley", wrong), (None, none)):
        with pytest.raises(FileProblem, match=why):
            read_bundle(tmp_path / "my.p12", password)
    with pytest.raises(FileProblem, match="is not a bundle"):
        read_bundle(tmp_path / "ca.pem", "barley")


# --- Who may read a key


def keyed(failure: Failure | str, path: Path, mode: int) -> Explanation:
    pem.write_key(path, DEVICE.key)
    path.chmod(mode)
    return explain(failure, keyfile=path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
class TestTheModeOfAKey:
    LINE = 'private key file "client.key" has group or world access; permissions should be u=rw'

    @pytest.mark.parametrize(("mode", "whom"), [(0o644, "everybody"), (0o604, "everybody")])
    def test_open_to_all(self, tmp_path: Path, mode: int, whom: str) -> None:
        told = keyed(self.LINE, tmp_path / "client.key", mode)
        assert told.why.startswith(CAUSE)
        assert f"may be read by {whom} on this machine (mode {mode:04o})" in told.why
        assert "chmod 600" in told.fix

    def test_it_is_told_beside_another_failure(self, tmp_path: Path) -> None:
        told = keyed(Failure("ConnectionRefusedError", "ECONNREFUSED"), tmp_path / "a.key", 0o644)
        assert [each for each in told.files if "may be read by everybody" in each]

    def test_its_owner_alone(self, tmp_path: Path) -> None:
        assert keyed(self.LINE, tmp_path / "client.key", 0o600).files == ()

    @pytest.mark.once  # who it runs as decides, and no Python
    @BECOMES_NOBODY
    def test_another_user(self) -> None:
        with open_folder() as folder:
            pem.write_key(folder / "client.key", DEVICE.key)
            line = "nginx: [emerg] BIO_new_file() failed (13: Permission denied)"
            with not_root():
                told = explain(
                    PermissionError(13, "Permission denied"), keyfile=folder / "client.key"
                )
                explain(line, keyfile=folder / "client.key")
        said = " ".join((told.why, *told.files))
        assert "cannot be read by nobody: it belongs to root, with the mode 0600" in said

    @pytest.mark.once
    @BECOMES_NOBODY
    def test_a_folder_of_another_user(self) -> None:
        """/etc/ssl/private, say. Before Python 3.14, pathlib raises where it asks what is there."""
        with open_folder() as folder:
            cert, key = DEVICE.save(folder, "my")
            (folder / "private").mkdir(mode=0o700)
            key = key.rename(folder / "private" / "my.key")
            cert.chmod(0o644)
            explain("tls: bad certificate", certfile=cert, keyfile=key)  # loads what root may
            with not_root():
                with pytest.raises(PermissionError) as caught:
                    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(cert, key)
                told = explain(caught.value)
                vague = explain("tls: bad certificate", certfile=cert, keyfile=key, cafile=key)
                own = look_into(None, cert, key)
        assert "/my.key is in a folder that the account nobody may not enter" in told.why
        assert any(each.endswith("/my.key cannot be read") for each in vague.files)
        assert "that the account nobody may not enter" in own.problems[0].why


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that everybody may look into, as pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_what_a_file_is_called_says_nothing_of_what_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "damaged, a Java keystore.pem"
    pem.write_key(path, DEVICE.key)
    told = explain(unverified(20), cafile=path)
    assert " holds a private key. So no CA was loaded from it" in told.why


def test_a_folder_of_cas_is_searched_by_hash(tmp_path: Path) -> None:
    folder = tmp_path / "cas"
    folder.mkdir()
    pem.write_certificate(folder / "lab.pem", FACTORY.certificate)
    told = explain(unverified(20), cafile=folder)
    assert told.why.startswith(CAUSE)
    assert "no name in it is a hash" in told.why
    subprocess.run(["openssl", "rehash", folder], check=True)
    assert "hash" not in explain(unverified(20), cafile=folder).why


@pytest.mark.parametrize("form", ["PKCS8", "TraditionalOpenSSL"])
def test_what_has_a_password_is_said_not_to_be_looked_into(tmp_path: Path, form: str) -> None:
    files = DEVICE.save(tmp_path, "my")
    locked, bundle = tmp_path / "locked.key", tmp_path / "my.p12"
    write_pkcs12(bundle, DEVICE, b"barley")
    locked.write_bytes(
        DEVICE.key.private_bytes(
            serialization.Encoding.PEM,
            getattr(serialization.PrivateFormat, form),
            serialization.BestAvailableEncryption(b"barley"),
        )
    )
    line = "remote error: tls: bad certificate"
    told = explain(line, certfile=files[0], keyfile=locked)
    assert any(
        "locked.key has a password, so it was not looked into" in each for each in told.files
    )
    told = explain(line, certfile=bundle)
    assert any("and none was given, so it was not looked into" in each for each in told.files)
    whole = tmp_path / "whole.key"
    whole.write_text("age-encryption.org/v1\n")
    told = explain(line, certfile=files[0], keyfile=whole)
    assert any("is encrypted as a whole, by age, so it was not" in each for each in told.files)
    for cert, key in ((files[0], locked), (bundle, None)):
        told = explain(line, certfile=cert, keyfile=key, password="barley")
        assert not any("not looked into" in each for each in told.files)


def test_the_key_that_fits_may_stand_behind_another(tmp_path: Path) -> None:
    certfile, keyfile = DEVICE.save(tmp_path, "my")
    _, other = FACTORY.issue_client("other").save(tmp_path, "other")
    other.write_bytes(other.read_bytes() + keyfile.read_bytes())
    mismatch = Failure("SSLError", "KEY_VALUES_MISMATCH")
    told = explain(mismatch, certfile=certfile, keyfile=other)
    assert "/other.key holds several keys; number 2 belongs to" in told.why
    assert "key" not in " ".join(explain(mismatch, certfile=certfile, keyfile=keyfile).files)


def test_nobody_was_there_to_be_asked_for_the_password(tmp_path: Path) -> None:
    certfile, keyfile = DEVICE.save(tmp_path, "my")
    openssl(tmp_path, f"pkey -aes256 -passout pass:barley -in {keyfile.name} -out locked.key")
    # ran: Python 3.11, load_cert_chain in a service, which has no terminal
    error = OSError(22, "Invalid argument")
    told = explain(error, certfile=certfile, keyfile=tmp_path / "locked.key")
    assert told.entry == "file_password"
    assert not explain(error, certfile=certfile, keyfile=keyfile).known


def test_one_that_signs_itself_is_suspected_first_where_no_ca_is_at_hand(tmp_path: Path) -> None:
    pem.write_certificate(tmp_path / "my.crt", FACTORY.certificate)
    pem.write_key(tmp_path / "my.key", FACTORY.key)
    refused = Failure("SSLError", reason_of_alert("unknown_ca"))
    told = explain(refused, certfile=tmp_path / "my.crt", keyfile=tmp_path / "my.key")
    assert "/my.crt is self-signed (18)" in told.causes[0]
    assert "is self-signed" not in explain(refused).causes[0]


def test_a_password_that_is_wrong_is_the_cause_and_not_the_form_of_the_file(tmp_path: Path) -> None:
    write_pkcs12(tmp_path / "my.p12", DEVICE, b"secret")
    line = "Error: mac verify failure"  # ran: Node.js 20, createSecureContext with such a pfx
    told = explain(line, certfile=tmp_path / "my.p12", password="wrong")
    assert told.entry == "line_password"
    assert told.why.startswith(CAUSE)
    assert "is a PKCS #12 file with a password, and the one that was given does not" in told.why
    assert told.files == ()
    told = explain(line, certfile=tmp_path / "my.p12")
    assert told.entry == "line_password"
    assert "in PEM form" not in told.what


def test_a_bundle_with_rc2_is_told_to_openssl_alone(tmp_path: Path) -> None:
    pair = DEVICE.save(tmp_path, "my")
    made = "pkcs12 -export -legacy -certpbe PBE-SHA1-RC2-40 -passout pass:secret -out my.p12"
    openssl(tmp_path, f"{made} -in {pair[0].name} -inkey {pair[1].name}")
    # ran: Node.js 20, createSecureContext with such a pfx
    told = explain(
        "Error: unsupported", certfile=tmp_path / "my.p12", password="secret", course=False
    )
    assert "my.p12 is encrypted with RC2 or RC4" in str(told)
    with pytest.raises(FileProblem) as caught:
        pem.read_certificate(tmp_path / "my.p12")
    assert "openssl pkcs12 -legacy -in" in caught.value.todo


def test_a_curve_that_is_written_out_is_refused_by_all(tmp_path: Path) -> None:
    made = "req -x509 -nodes -subj /CN=pump -newkey ec -pkeyopt ec_paramgen_curve:P-256"
    openssl(tmp_path, f"{made} -pkeyopt ec_param_enc:explicit -keyout my.key -out my.crt")
    told = explain(unverified(94), certfile=tmp_path / "my.crt")
    assert "the key of CN=pump has explicit parameters" in told.why


def test_a_bundle_without_a_key_is_not_presented(tmp_path: Path) -> None:
    data = pkcs12.serialize_key_and_certificates(
        None, None, DEVICE.certificate, None, serialization.BestAvailableEncryption(b"secret")
    )
    (tmp_path / "my.p12").write_bytes(data)
    # ran: Java 17, a key store that openssl pkcs12 -export -nokeys made
    line = "javax.net.ssl.SSLHandshakeException: Received fatal alert: certificate_required"
    told = explain(line, certfile=tmp_path / "my.p12", password="secret")
    assert told.why.startswith(CAUSE)
    assert "with certificates and no private key in it" in told.why


@pytest.mark.parametrize(
    ("line", "form", "why"),
    [
        # ran: Go 1.19, a client whose AppendCertsFromPEM returned false, which nobody looked at
        ("x509: certificate signed by unknown authority", "utf-16", "know no CA"),
        # ran: stunnel 5.68, CAfile with an empty file
        ("[!] No trusted certificates found", "empty", "programs take certificates in PEM form"),
        # ran: Node.js 20, a server with such a `ca`; curl was hung up on
        ("curl: (52) Empty reply from server", "run together", "know no CA"),
    ],
)
def test_a_file_of_cas_that_a_program_goes_on_without(
    tmp_path: Path, line: str, form: str, why: str
) -> None:
    cas = FACTORY.certificate.public_bytes(Encoding.PEM)
    shapes = {
        "empty": b"",
        "utf-16": cas.decode().encode("utf-16"),
        "run together": cas.rstrip() + cas,
    }
    (tmp_path / "ca.pem").write_bytes(shapes[form])
    certfile, keyfile = FACTORY.issue_server(["localhost"]).save(tmp_path, "server")
    told = explain(line, certfile=certfile, keyfile=keyfile, cafile=tmp_path / "ca.pem")
    assert told.why.startswith(CAUSE)
    assert "ca.pem" in told.why
    assert why in told.why


def test_a_truststore_that_openssl_made_is_empty_for_java(tmp_path: Path) -> None:
    data = pkcs12.serialize_key_and_certificates(
        None, None, None, [FACTORY.certificate], serialization.BestAvailableEncryption(b"secret")
    )
    (tmp_path / "trust.p12").write_bytes(data)
    # ran: OpenJDK 17, a trust store that openssl pkcs12 -export -nokeys made
    line = "java.security.InvalidAlgorithmParameterException: the trustAnchors parameter must be "
    told = explain(f"{line}non-empty", cafile=tmp_path / "trust.p12", password="secret")
    assert told.why.startswith(CAUSE)
    assert "does not take its certificates for trusted" in told.why


# ran: git 2.39 with GnuTLS 3.7, http.sslCert with the certificate of the CA
def test_a_pair_that_a_library_cannot_use_is_compared(tmp_path: Path) -> None:
    pem.write_certificate(tmp_path / "my.crt", FACTORY.certificate)
    pem.write_key(tmp_path / "my.key", DEVICE.key)
    line = (
        "fatal: unable to access 'https://localhost/': error reading X.509 key or certificate file"
    )
    told = explain(line, certfile=tmp_path / "my.crt", keyfile=tmp_path / "my.key")
    assert told.why.startswith(CAUSE)
    assert "my.crt begins with the certificate of the CA CN=Lab CA, and none in it" in told.why


@pytest.mark.parametrize(
    ("trust", "purpose", "code", "says"),
    [
        ("-addtrust serverAuth", "sslclient", 28, "clients are not among them"),
        ("-addtrust clientAuth", "sslserver", 28, "servers are not among them"),
        ("-addtrust clientAuth -addtrust serverAuth", "sslclient", 0, ""),
        ("-addtrust anyExtendedKeyUsage", "sslclient", 0, ""),
        ("-setalias lab", "sslclient", 0, ""),
    ],
)
def test_what_openssl_is_told_to_trust_a_ca_for(
    tmp_path: Path, trust: str, purpose: str, code: int, says: str
) -> None:
    """By openssl verify, and by what we say of the same file."""
    pem.write_certificate(tmp_path / "plain.pem", FACTORY.certificate)
    whose = Purpose.CLIENT if purpose == "sslclient" else Purpose.SERVER
    certfile, _ = factory().issue("localhost", whose, names=["localhost"]).save(tmp_path, "my")
    make = ["openssl", "x509", "-in", "plain.pem", "-trustout", *trust.split(), "-out", "ca.pem"]
    subprocess.run(make, cwd=tmp_path, check=True, capture_output=True)
    verify = ["openssl", "verify", "-purpose", purpose, "-CAfile", "ca.pem", "my.crt"]
    done = subprocess.run(verify, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (f"error {code} at" in done.stdout + done.stderr) == bool(code), done
    side = "backend" if purpose == "sslclient" else "device"
    failure = Failure("SSLCertVerificationError", verify_code=28)
    told = explain(
        Side(side, Stage.HANDSHAKE, failure), certfile=certfile, cafile=tmp_path / "ca.pem"
    )
    assert (CAUSE in told.why and says in told.why) == bool(code), told


def test_a_list_of_every_ca_in_the_chain_is_wanted(tmp_path: Path) -> None:
    root = CertificateAuthority.create("Root CA", below=1)
    between = root.intermediate("Issuing CA")
    certfile, _ = between.issue_client("device").save(tmp_path, "my")
    pem.write_certificate(tmp_path / "ca.pem", root.certificate)
    pem.write_crl(tmp_path / "my.crl", between.crl())
    # ran: nginx 1.22.1, ssl_crl with the list of the issuing CA alone
    line = "client SSL certificate verify error: (3:unable to get certificate CRL) while reading"
    crl, ca = tmp_path / "my.crl", tmp_path / "ca.pem"
    told = explain(line, certfile=certfile, cafile=ca, crlfile=crl)
    assert "has no list of CN=Root CA" in told.why
    # ran: haproxy 2.6.12, crl-file with the same list; a server that checks the leaf alone takes it
    refused = Failure("SSLError", reason_of_alert("unknown_ca"))
    told = explain(refused, certfile=certfile, cafile=ca, crlfile=crl)
    assert told.causes[0].startswith("if the lists of the whole chain are checked")
    pem.write_crl(crl, root.crl())
    told = explain(refused, certfile=certfile, cafile=ca, crlfile=crl)
    assert "has no list of CN=Issuing CA, which signed the certificate of CN=device" in told.why
    root.revoke(between.certificate)
    pem.write_crl(crl, root.crl())
    told = explain(unverified(23), certfile=certfile, cafile=ca, crlfile=crl)
    assert "CN=Issuing CA is on the revocation list" in told.why


# ran: OpenJDK 17, javax.net.ssl.trustStore with the name of a PEM file
def test_java_wants_a_keystore(tmp_path: Path) -> None:
    pem.write_certificate(tmp_path / "ca.pem", FACTORY.certificate)
    line = "Caused by: java.security.KeyManagementException: problem accessing trust store"
    told = explain(line, cafile=tmp_path / "ca.pem")
    assert told.why.startswith(CAUSE)
    assert "is PEM, and as a keystore or truststore Java takes" in told.why
    assert "keytool -importcert" in told.fix

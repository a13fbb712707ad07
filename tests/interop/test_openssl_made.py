"""Files made by the openssl commands that the notebooks show, in our servers and clients."""

import ssl
from pathlib import Path

import pytest
from cryptography import x509

from mtls_lab import CertificateAuthority, ask, pki, serve
from mtls_lab.net import client_context, only_trusted_client, server_context
from mtls_lab.pki import Purpose, describe, pem
from tests.interop.command import done, openssl
from tests.unit.lab import failed, spelled
from tests.unit.requests import create_csr

#: From version 4 on, openssl adds no identifier by itself.
IDENTIFIERS = "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
LEAF = f"basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n{IDENTIFIERS}"
SERVER = LEAF + "extendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n"
CLIENT = LEAF + "extendedKeyUsage=clientAuth\n"
#: Three ways to make the same kind of key.
KEYS = {
    "genpkey": ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "ecparam": ["ecparam", "-name", "prime256v1", "-genkey", "-noout"],
    "ecparam with parameters": ["ecparam", "-name", "prime256v1", "-genkey"],
}


def make_ca(folder: Path, name: str = "ca", key: str = "genpkey") -> None:
    done(openssl(*KEYS[key], "-out", folder / f"{name}.key"))
    done(
        openssl(
            *("req", "-x509", "-new", "-key", folder / f"{name}.key", "-sha256", "-days", "365"),
            *("-subj", "/CN=Lab CA", "-addext", "basicConstraints=critical,CA:TRUE,pathlen:0"),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", folder / f"{name}.crt"),
        )
    )


def make_leaf(folder: Path, name: str, subject: str, extensions: str, key: str = "genpkey") -> None:
    done(openssl(*KEYS[key], "-out", folder / f"{name}.key"))
    csr = folder / f"{name}.csr"
    done(openssl("req", "-new", "-key", folder / f"{name}.key", "-subj", subject, "-out", csr))
    done(
        openssl(
            *("x509", "-req", "-in", csr, "-CA", folder / "ca.crt", "-CAkey", folder / "ca.key"),
            *("-CAcreateserial", "-out", folder / f"{name}.crt", "-days", "90", "-sha256"),
            *("-extfile", "-"),
            stdin=extensions,
        )
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a CA, a server and a client, none of them ours."""
    folder = tmp_path_factory.mktemp("openssl")
    make_ca(folder)
    make_leaf(folder, "server", "/CN=localhost", SERVER)
    make_leaf(folder, "client", "/CN=trusted-client", CLIENT)
    return folder


def pair(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}.crt", folder / f"{name}.key"


@pytest.mark.parametrize("strict", [False, True], ids=["default", "strict"])
def test_mutual_tls(made: Path, version: ssl.TLSVersion, *, strict: bool) -> None:
    server = server_context(*pair(made, "server"), client_ca=made / "ca.crt")
    client = client_context(made / "ca.crt", *pair(made, "client"), version=version)
    if strict:  # what Python 3.13 does by default
        for context in (server, client):
            context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    with serve(server, authorize=only_trusted_client) as backend:
        exchange = ask("GET_SECRET", backend, context=client)
    assert exchange.ok, str(exchange)
    assert exchange.device.version == spelled(version)


def test_both_ways_say_the_same(made: Path) -> None:
    """The certificates of openssl and of Python differ in nothing that decides over trust."""
    ca = CertificateAuthority.create("Lab CA")
    ours = {
        "ca": ca.certificate,
        "server": ca.issue_server(["localhost", "127.0.0.1"]).certificate,
        "client": ca.issue_client("trusted-client").certificate,
    }
    for name, certificate in ours.items():
        theirs = pem.read_certificate(made / f"{name}.crt")
        assert describe(theirs) == describe(certificate)
        assert {e.oid for e in certificate.extensions} <= {e.oid for e in theirs.extensions}


@pytest.mark.parametrize("key", KEYS)
def test_every_kind_of_key_file(tmp_path: Path, key: str) -> None:
    make_ca(tmp_path, key=key)
    make_leaf(tmp_path, "client", "/CN=trusted-client", CLIENT, key=key)
    for name in ("ca", "client"):
        identity = pem.read_identity(*pair(tmp_path, name))
        assert identity.key.curve.name == "secp256r1"


def test_our_ca_from_their_files(made: Path) -> None:
    """The CA was made by openssl; Python signs with it, a request of openssl's too."""
    ca = CertificateAuthority.load(*pair(made, "ca"))
    device = ca.issue_client("trusted-client").certificate
    device.verify_directly_issued_by(ca.certificate)
    pem.write_certificate(made / "ours.crt", device)
    verify = ("verify", "-x509_strict", "-CAfile", made / "ca.crt", "-purpose", "sslclient")
    assert done(openssl(*verify, made / "ours.crt")).endswith(": OK\n")


def test_their_signature_on_our_request(made: Path, version: ssl.TLSVersion) -> None:
    """The key and the request are ours, the CA is openssl."""
    key = pki.create_key()
    pem.write_key(made / "mine.key", key)
    pem.write_csr(made / "mine.csr", create_csr(key, "trusted-client"))
    done(
        openssl(
            *("x509", "-req", "-in", made / "mine.csr", "-CA", made / "ca.crt"),
            *("-CAkey", made / "ca.key", "-CAcreateserial", "-out", made / "mine.crt"),
            *("-days", "90", "-sha256", "-extfile", "-"),
            stdin=CLIENT,
        )
    )
    server = server_context(*pair(made, "server"), client_ca=made / "ca.crt")
    client = client_context(made / "ca.crt", *pair(made, "mine"), version=version)
    with serve(server, authorize=only_trusted_client) as backend:
        assert ask("GET_SECRET", backend, context=client).ok


def test_our_signature_on_their_request(made: Path) -> None:
    ca = CertificateAuthority.load(*pair(made, "ca"))
    csr = x509.load_pem_x509_csr((made / "client.csr").read_bytes())
    certificate = ca.sign(csr, Purpose.CLIENT)
    assert describe(certificate) == describe(pem.read_certificate(made / "client.crt"))


@pytest.mark.parametrize("kind", ["another purpose", "another CA"])
def test_what_is_refused(made: Path, tmp_path: Path, version: ssl.TLSVersion, kind: str) -> None:
    if kind == "another CA":
        make_ca(tmp_path)
        make_leaf(tmp_path, "client", "/CN=trusted-client", CLIENT)
    else:
        for name in ("ca.crt", "ca.key"):
            (tmp_path / name).write_bytes((made / name).read_bytes())
        make_leaf(tmp_path, "client", "/CN=trusted-client", LEAF + "extendedKeyUsage=serverAuth\n")
    server = server_context(*pair(made, "server"), client_ca=made / "ca.crt")
    client = client_context(made / "ca.crt", *pair(tmp_path, "client"), version=version)
    with serve(server) as backend:
        exchange = ask("GET_SECRET", backend, context=client)
    assert failed(exchange.backend).verify_code == (20 if kind == "another CA" else 26)

"""The run decides what is right in data/quiz.toml: a test for each question of the course.

Each plays the situation with real sockets and names the answer that this run gives. Where there
are wrong answers that would look alike in that run, they are ruled out as well.
"""

import shutil
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import run
from threading import Thread

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from mtls_lab.kata.purposes import careless_client as careless
from mtls_lab.net import Address, Backend, ask, only_trusted_client, server_context
from mtls_lab.pki import CertificateAuthority, Purpose, create_key, pem, self_signed
from mtls_lab.wire import SECRET, Exchange, Side, Stage
from tests.unit.lab import Lab, failed, served_with
from tests.unit.learner.quiz_runs import decides, without_a_run

BOTH_SIGN = ("key_cert_sign", "crl_sign")


def seen(exchange: Exchange) -> Side:
    assert exchange.backend
    return exchange.backend


def test_every_question_has_a_run() -> None:
    assert without_a_run("after", sys.modules[__name__]) == set()


def test_encrypted_to_whom(tmp_path: Path) -> None:
    hers = self_signed("mallory", Purpose.SERVER, names=["mallory.example"])
    with Backend(served_with(hers, tmp_path), secret="thanks") as mallory:
        exchange = ask("PICTURE 0110", mallory, context=careless(None))
    assert (exchange.device.version, seen(exchange).failure) == ("TLSv1.3", None)
    assert list(seen(exchange).received) == ["PICTURE 0110"]
    decides("after", "encrypted_to_whom", "pictures")


def test_only_the_certificate(lab: Lab) -> None:
    """What she has is no identity: no library presents it, and no signature of hers would hold."""
    certfile, keyfile = lab.store.files("valid")
    with Backend(lab.mtls(), authorize=only_trusted_client) as backend:
        assert ask("GET_SECRET", backend, context=careless((certfile, keyfile))).reply == SECRET
        refused = ask("GET_SECRET", backend, context=careless(None))
    assert failed(refused.backend).reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE"
    own = create_key()
    pem.write_key(lab.folder / "stranger.key", own)
    with pytest.raises(ssl.SSLError, match="KEY_VALUES_MISMATCH"):
        careless((certfile, lab.folder / "stranger.key"))
    public = pem.read_certificate(certfile).public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    signature = own.sign(b"this handshake", ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        public.verify(signature, b"this handshake", ec.ECDSA(hashes.SHA256()))
    decides("after", "only_the_certificate", "nothing")


def test_pinned(tmp_path: Path) -> None:
    ours, hers = (self_signed("localhost", Purpose.SERVER, names=["localhost"]) for _ in "12")
    pem.write_certificate(tmp_path / "pinned.pem", ours.certificate)
    device = ssl.create_default_context(cafile=tmp_path / "pinned.pem")
    with (
        Backend(served_with(ours, tmp_path, "ours")) as backend,
        Backend(served_with(hers, tmp_path, "hers")) as mallory,
    ):
        assert ask("GET_SECRET", backend, context=device).ok  # self-signed, and trusted
        exchange = ask("GET_SECRET", mallory, context=device)
    assert exchange.device.stage is Stage.HANDSHAKE
    assert failed(exchange.device).reason == "CERTIFICATE_VERIFY_FAILED"
    assert list(seen(exchange).received) == []
    decides("after", "pinned", "refuses")


def test_another_customer(lab: Lab, tmp_path: Path) -> None:
    files = lab.ca.issue_client("device of customer B").save(tmp_path, "b")
    with Backend(lab.mtls()) as backend:
        exchange = ask("GET_SECRET", backend, context=careless(files))
    assert (exchange.reply, seen(exchange).peer) == (SECRET, "CN=device of customer B")
    decides("after", "another_customer", "served")


def test_optional(lab: Lab, tmp_path: Path) -> None:
    context = server_context(*lab.server_files, client_ca=lab.ca_file)
    context.verify_mode = ssl.CERT_OPTIONAL
    own = CertificateAuthority.create("His CA").issue_client("trusted-client").save(tmp_path, "his")
    with Backend(context) as backend:
        without, presented = (
            ask("GET_SECRET", backend, context=careless(files)) for files in (None, own)
        )
    assert (without.reply, presented.reply) == (SECRET, None)
    assert failed(presented.backend).reason == "CERTIFICATE_VERIFY_FAILED"
    decides("after", "optional", "without")


def test_stolen_and_listed(lab: Lab, tmp_path: Path) -> None:
    ca = CertificateAuthority(lab.ca.key, lab.ca.certificate)
    device = ca.issue_client("trusted-client")
    files = device.save(tmp_path, "stolen")
    ca.revoke(device.certificate)
    pem.write_crl(tmp_path / "on_the_ca.crl", ca.crl())
    as_before = server_context(*lab.server_files, client_ca=lab.ca_file)
    told = server_context(*lab.server_files, client_ca=lab.ca_file, crl=tmp_path / "on_the_ca.crl")
    for context, reply in ((as_before, SECRET), (told, None)):
        with Backend(context, authorize=only_trusted_client) as backend:
            assert ask("GET_SECRET", backend, context=careless(files)).reply == reply
    decides("after", "stolen_and_listed", "served")


def test_list_and_session(lab: Lab, tmp_path: Path, version: ssl.TLSVersion) -> None:
    ca = CertificateAuthority(lab.ca.key, lab.ca.certificate)
    device = ca.issue_client("trusted-client")
    client = ssl.create_default_context(cafile=lab.ca_file)
    client.load_cert_chain(*device.save(tmp_path, "device"))
    client.minimum_version = client.maximum_version = version
    context = server_context(*lab.server_files, client_ca=lab.ca_file)
    with Backend(context, authorize=only_trusted_client) as backend:
        session = ask("GET_SECRET", backend, context=client).session
        ca.revoke(device.certificate)
        pem.write_crl(tmp_path / "new.crl", ca.crl())
        context.load_verify_locations(cafile=tmp_path / "new.crl")
        context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
        in_full = ask("GET_SECRET", backend, context=client)
        resumed = ask("GET_SECRET", backend, context=client, session=session)
    assert (failed(in_full.backend).verify_code, in_full.reply) == (23, None)
    assert (seen(resumed).reused, resumed.reply) == (True, SECRET)
    decides("after", "list_and_session", "served")


def test_connected(lab: Lab, tmp_path: Path) -> None:
    """Served or refused, the client's log is the same up to its first read."""
    device = ssl.create_default_context(cafile=lab.ca_file)
    files = CertificateAuthority.create("Another CA").issue_client("trusted-client")
    device.load_cert_chain(*files.save(tmp_path, "other"))
    with Backend(lab.mtls()) as backend:
        exchange = ask("GET_SECRET", backend, context=device)
    assert (exchange.device.version, exchange.device.stage) == ("TLSv1.3", Stage.FIRST_READ)
    assert failed(exchange.backend).reason == "CERTIFICATE_VERIFY_FAILED"
    decides("after", "connected", "open")


def test_leaf_alone(lab: Lab, tmp_path: Path) -> None:
    bare = CertificateAuthority.create("Root CA")
    signed = bare.issue(
        "Root CA", None, key=bare.key, key_usage=BOTH_SIGN, is_ca=True, valid_days=(0, 9)
    )
    root = CertificateAuthority(bare.key, signed.certificate)  # without pathlen:0
    below = root.issue("Issuing CA", None, key_usage=BOTH_SIGN, is_ca=True, valid_days=(0, 9))
    issuing = CertificateAuthority(below.key, below.certificate)
    device = issuing.issue_client("trusted-client")
    certfile, keyfile = device.save(tmp_path, "device")
    pem.write_certificate(tmp_path / "root.pem", root.certificate)
    sent = {
        "alone": [device.certificate],
        "with the issuing CA": [device.certificate, issuing.certificate],
        "with the root": [device.certificate, root.certificate],
    }
    context = server_context(*lab.server_files, client_ca=tmp_path / "root.pem")
    served = {}
    with Backend(context, authorize=only_trusted_client) as backend:
        for what, chain in sent.items():
            pem.write_certificate(certfile, *chain)
            served[what] = ask("GET_SECRET", backend, context=careless((certfile, keyfile))).ok
    assert served == {"alone": False, "with the issuing CA": True, "with the root": False}
    decides("after", "leaf_alone", "refused")


class Application(BaseHTTPRequestHandler):
    """What is behind the proxy: it believes the header."""

    def do_GET(self) -> None:
        name = self.headers.get("X-Client-Name", "")
        body = (SECRET if name == "trusted-client" else "ERROR not authorized").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def application() -> Iterator[Address]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Application) as server:
        server.daemon_threads = False  # so that its end waits for whoever is answered
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[0], server.server_port  # type: ignore[misc]
        finally:
            server.shutdown()
            thread.join()


def get(address: Address, **headers: str) -> str:
    connection = HTTPConnection(*address, timeout=300)
    connection.request("GET", "/", headers={k.replace("_", "-"): v for k, v in headers.items()})
    with connection.getresponse() as response:
        text = response.read().decode()
    connection.close()
    return text


def test_header(lab: Lab) -> None:
    """The proxy is a backend whose rule passes the name on, as a proxy does."""
    with application() as address:
        passed_on: list[str] = []

        def proxy(certificate: object) -> bool:
            assert isinstance(certificate, dict)
            names = [v for rdn in certificate["subject"] for k, v in rdn if k == "commonName"]
            passed_on.append(get(address, X_Client_Name=names[0]))
            return True

        with Backend(lab.mtls(), authorize=proxy) as backend:
            ask("GET_SECRET", backend, context=lab.device())
        assert passed_on == [SECRET]
        assert get(address) == "ERROR not authorized"
        assert get(address, X_Client_Name="trusted-client") == SECRET
    decides("after", "header", "anybody")


def test_clock(lab: Lab, tmp_path: Path) -> None:
    """OpenSSL verifies as of 1970; and over TLS, a date that is still to come ends it there."""
    files = [lab.ca_file, lab.server_files[0]]
    openssl = shutil.which("openssl")
    assert openssl
    verify = [openssl, "verify", "-attime", "86400", "-CAfile", *map(str, files)]
    said = run(verify, capture_output=True, text=True, check=False)
    assert said.returncode != 0
    assert "certificate is not yet valid" in said.stdout + said.stderr
    future = lab.ca.issue("localhost", Purpose.SERVER, names=["localhost"], valid_days=(30, 60))
    context = server_context(*future.save(tmp_path, "future"), client_ca=lab.ca_file)
    with Backend(context) as backend:
        exchange = ask("GET_SECRET", backend, context=lab.device())
    assert (exchange.device.stage, failed(exchange.device).verify_code) == (Stage.HANDSHAKE, 9)
    assert failed(exchange.backend).reason == "SSLV3_ALERT_BAD_CERTIFICATE"  # told by the device
    decides("after", "clock", "device")


def test_unknown_ca(lab: Lab, tmp_path: Path) -> None:
    """Of two exchanges in which a CA file is the wrong one, the alert tells which."""
    other = CertificateAuthority.create("Another CA")
    pem.write_certificate(tmp_path / "other.pem", other.certificate)
    backends_file = server_context(*lab.server_files, client_ca=tmp_path / "other.pem")
    with Backend(backends_file) as backend:
        exchange = ask("GET_SECRET", backend, context=lab.device())
    assert failed(exchange.device).reason == "TLSV1_ALERT_UNKNOWN_CA"
    devices_file = ssl.create_default_context(cafile=tmp_path / "other.pem")
    with Backend(lab.mtls()) as backend:
        exchange = ask("GET_SECRET", backend, context=devices_file)
    assert failed(exchange.device).reason == "CERTIFICATE_VERIFY_FAILED"
    decides("after", "unknown_ca", "other")

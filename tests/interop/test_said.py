"""What the lessons' texts say in passing, each shown with `ssl` and, where it is about it, another
library.

Here: sentences that no cell of a notebook runs. Not here: the answers under "What you should see"
(tests/notebooks/claims.py), and the commands for a shell (test_shown_commands.py).
"""

import re
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from mtls_lab import CertificateAuthority, Purpose, ask, pem, serve
from mtls_lab.learner import enter
from mtls_lab.pki import Identity, create_key
from tests.authoring import canonical
from tests.unit.failures import CA, LEAF, MAY_SIGN, NAMED, SERVER, aki, certify, ski


@pytest.fixture(autouse=True)
def folder(folder: Path) -> Path:
    """A learner's folder after all parts."""
    enter(4)
    return folder


@pytest.fixture
def ca() -> CertificateAuthority:
    """The lab's."""
    return CertificateAuthority.load("ca/ca.crt", "ca/ca.key")


def presents(identity: Identity) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*identity.save("backend", "said"))
    return context


def trusts(certificate: x509.Certificate) -> ssl.SSLContext:
    pem.write_certificate("device/said.pem", certificate)
    return ssl.create_default_context(cafile="device/said.pem")


def renewed(ca: CertificateAuthority) -> x509.Certificate:
    """Other dates and another number; the rest is the same."""
    old = ca.certificate
    builder = x509.CertificateBuilder(
        issuer_name=old.subject,
        subject_name=old.subject,
        public_key=ca.key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=old.not_valid_before_utc,
        not_valid_after=old.not_valid_after_utc.replace(year=2099),
        extensions=list(old.extensions),
    )
    return builder.sign(ca.key, hashes.SHA256())


def test_a_ca_is_replaced_by_one_with_new_dates(ca: CertificateAuthority) -> None:
    """Part 2, section 1: name and key are the same, so nothing has to be signed again."""
    successor = renewed(ca)
    assert successor.serial_number != ca.certificate.serial_number
    with serve(presents(ca.issue_server(["localhost"]))) as backend:
        assert ask("PING", backend, context=trusts(successor)).reply == "PONG"


@pytest.mark.parametrize("kind", ["RSA", "Ed25519"])
def test_a_ca_of_another_kind_than_its_server(kind: str) -> None:
    """Part 2, section 9."""
    own: Any = ed25519.Ed25519PrivateKey.generate()
    if kind == "RSA":
        own = rsa.generate_private_key(65537, 2048)
    root = certify("Root", own, "Root", own, CA, MAY_SIGN, ski(own))
    leaf = certify("localhost", key := create_key(), "Root", own, LEAF, SERVER, NAMED, aki(own))
    with serve(presents(Identity(key, leaf))) as backend:
        assert ask("PING", backend, context=trusts(root)).reply == "PONG"


def test_a_key_of_rsa_is_longer() -> None:
    """Part 2, section 9: as both are sent, in the form of a certificate."""
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    short, long = (
        len(each.public_key().public_bytes(serialization.Encoding.DER, spki))
        for each in (create_key(), rsa.generate_private_key(65537, 2048))
    )
    assert long > 3 * short


#: A client by itself: gRPC keeps descriptors and threads of its own after its channels are closed.
GRPC = """
import sys, grpc
trusted = grpc.ssl_channel_credentials(root_certificates=open("ca/ca.crt", "rb").read())
with grpc.secure_channel(sys.argv[1], trusted) as channel:
    try:
        channel.unary_unary("/a/b")(b"", timeout=5)
    except grpc.RpcError:
        pass
"""


def test_a_peer_that_does_not_take_ed25519(ca: CertificateAuthority) -> None:
    """Part 2, section 9: BoringSSL verifies it only where a program asks for it
    (`kVerifySignatureAlgorithms` in ssl/extensions.cc). gRPC does not."""
    ours: Any = ed25519.Ed25519PrivateKey.generate()
    answered = {}
    for kind, key in {"P-256": None, "Ed25519": ours}.items():
        context = presents(ca.issue("localhost", Purpose.SERVER, names=["localhost"], key=key))
        context.set_alpn_protocols(["h2"])
        with serve(context) as backend:
            address = f"localhost:{backend.address[1]}"
            subprocess.run([sys.executable, "-c", GRPC, address], check=True)
        answered[kind] = {side.version for side in backend.connections}
    assert answered == {"P-256": {"TLSv1.3"}, "Ed25519": {None}}


def test_what_getpeercert_returns(ca: CertificateAuthority) -> None:
    """Part 2, section 7: the server's certificate came, and nobody verified it; a backend that asks
    for none has none."""
    seen = []
    blind = ssl.create_default_context()
    blind.check_hostname = False
    blind.verify_mode = ssl.CERT_NONE

    def note(certificate: object) -> bool:
        seen.append(certificate)
        return True

    with (
        serve(presents(ca.issue_server(["localhost"])), authorize=note) as backend,
        socket.create_connection(backend.address) as raw,
        blind.wrap_socket(raw, server_hostname="localhost") as tls,
    ):
        tls.sendall(b"PING\n")
        assert tls.recv(100) == b"PONG\n"
        assert tls.getpeercert() == {}
    assert seen == [None]


def test_to_demand_certificates_does_not_free_an_accept_that_shakes_hands() -> None:
    """Part 2, section 7."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("backend/server.crt", "backend/server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations("backend/client_ca.pem")

    def accept() -> None:
        with suppress(OSError):
            listener.accept()

    with (
        socket.create_server(("127.0.0.1", 0)) as bare,
        context.wrap_socket(bare, server_side=True) as listener,
    ):
        loop = threading.Thread(target=accept, daemon=True)
        loop.start()
        with socket.create_connection(listener.getsockname()):
            loop.join(0.3)
            assert loop.is_alive()
        loop.join(5)
        assert not loop.is_alive()


def test_a_certificate_for_both_roles(ca: CertificateAuthority) -> None:
    """`5_in_your_own_stack`, section 1: its thief is a backend, and a device."""
    both = ca.issue("trusted-client", [Purpose.SERVER, Purpose.CLIENT], names=["localhost"])
    context = presents(both)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations("ca/ca.crt")
    device = trusts(ca.certificate)
    device.load_cert_chain("backend/said.crt", "backend/said.key")
    with serve(context) as backend:
        assert ask("PING", backend, context=device).reply == "PONG"


def test_the_way_back_from_a_key_store() -> None:
    """`5_in_your_own_stack`, section 9: one file that `load_cert_chain` takes alone."""
    notebook = canonical.read(canonical.STACKS)
    (shown,) = {
        command
        for cell in notebook.cells
        for command in re.findall(r"`(openssl pkcs12 -in [^`]+)`", cell.source)
    }
    there = "openssl pkcs12 -export -in client.crt -inkey client.key -out client.p12"
    secret = {"out": " -passout pass:changeit", "in": " -passin pass:changeit"}
    for command in (there + secret["out"], shown + secret["in"]):
        subprocess.run(command.split(), cwd="device", check=True, capture_output=True)
    ssl.create_default_context().load_cert_chain("device/client.pem")

"""What the lessons say in passing of connections that no cell makes, each by a run.

Not here: what is claimed under "What you should see" (claims.py).
"""

import ssl
import subprocess
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest

from mtls_lab import (
    CertificateAuthority,
    Direction,
    Exchange,
    Purpose,
    Relay,
    ask,
    pem,
    self_signed,
    serve,
    watch,
)
from mtls_lab.net import Chunk, client_context, server_context
from mtls_lab.pki import Identity
from tests.unit.lab import failed


def test_a_pin_locks_a_device_out_that_does_not_know_the_next_certificate(tmp_path: Path) -> None:
    """Part 2, In practice. RFC 7469, section 4.3, wants a backup pin for that."""
    now, then = (self_signed("localhost", Purpose.SERVER, names=["localhost"]) for _ in range(2))
    pem.write_certificate(tmp_path / "one.pem", now.certificate)
    pem.write_certificate(tmp_path / "both.pem", now.certificate, then.certificate)

    def call(identity: Identity, pins: str) -> Exchange:
        context = server_context(*identity.save(tmp_path, "server"))
        device = ssl.create_default_context(cafile=tmp_path / pins)
        with serve(context, name="pinned") as backend:
            return ask("GET_SECRET", backend, context=device)

    assert call(now, "one.pem").ok
    assert call(now, "both.pem").ok
    assert call(then, "both.pem").ok
    assert failed(call(then, "one.pem").device).verify_code == 18


def test_nobody_reads_what_a_refused_client_has_written(tmp_path: Path) -> None:
    """Part 3, section 5. TLS 1.3: it writes at once, before it can know of the refusal."""
    ca = CertificateAuthority.create("Lab CA")
    pem.write_certificate(tmp_path / "ca.pem", ca.certificate)
    files = ca.issue_server(["localhost"]).save(tmp_path, "server")
    context = server_context(*files, client_ca=tmp_path / "ca.pem")
    device = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    with serve(context, name="strict") as backend:
        exchange = ask("GET_SECRET", backend, context=device)
    assert exchange.device.version == "TLSv1.3"
    assert exchange.backend is not None
    assert exchange.backend.failure is not None
    assert exchange.backend.received == ()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_nobody_changes_a_message_of_the_handshake(tmp_path: Path, version: ssl.TLSVersion) -> None:
    """Part 2, section 4: not even one that is in clear, such as the offer in the ClientHello."""
    ca = CertificateAuthority.create("Lab CA")
    pem.write_certificate(tmp_path / "ca.pem", ca.certificate)
    context = server_context(*ca.issue_server(["localhost"]).save(tmp_path, "server"))
    device = client_context(tmp_path / "ca.pem", version=version)

    def weaken(chunk: Chunk) -> bytes:
        """Take the first cipher suite out of the offer, by exchanging it for one nobody knows."""
        hello = chunk.direction is Direction.TO_BACKEND and chunk.heard[:1] == b"\x16"
        if not hello or chunk.heard[5:6] != b"\x01":
            return chunk.heard
        at = 43 + 1 + chunk.heard[43] + 2  # after the record's and the message's header, random, ID
        return chunk.heard[:at] + b"\x0a\x0a" + chunk.heard[at + 2 :]

    served = {}
    with serve(context, name="strong") as backend:
        for tamper in (None, weaken):
            with Relay(backend, tamper=tamper) as mallory:
                served[tamper] = ask(
                    "GET_SECRET", mallory, context=device, server_hostname="localhost"
                )
    assert served[None].ok
    failed(served[weaken].device)


def test_a_self_signed_certificate_that_is_trusted_signs_others(tmp_path: Path) -> None:
    """Kata, section 2: `openssl req -x509` makes a CA; whoever owns it can be any device."""
    ca = CertificateAuthority.create("Lab CA")
    pem.write_certificate(tmp_path / "ca.pem", ca.certificate)
    made = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    own = tmp_path / "device-1.crt", tmp_path / "device-1.key"
    files = ("-subj", "/CN=device-1", "-out", str(own[0]), "-keyout", str(own[1]))
    subprocess.run(["openssl", *made, *files], check=True, capture_output=True)
    owner = pem.read_identity(*own)
    other = CertificateAuthority(owner.key, owner.certificate).issue_client("device-2")
    context = server_context(
        *ca.issue_server(["localhost"]).save(tmp_path, "server"), client_ca=own[0]
    )
    device = client_context(tmp_path / "ca.pem", *other.save(tmp_path, "device-2"))
    with serve(context, name="trusting") as backend:
        exchange = ask("GET_SECRET", backend, context=device)
    assert exchange.backend is not None
    assert (exchange.ok, exchange.backend.peer) == (True, "CN=device-2")


def test_a_token_is_good_from_any_client_unless_it_is_bound(tmp_path: Path) -> None:
    """Part 3, section 1. RFC 8705, section 3.1: x5t#S256 is the SHA-256 of the certificate."""
    ca = CertificateAuthority.create("Lab CA")
    pem.write_certificate(tmp_path / "ca.pem", ca.certificate)
    devices = {}
    for name in ("owner", "thief"):
        certfile, keyfile = ca.issue_client(name).save(tmp_path, name)
        devices[name] = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        devices[name].load_cert_chain(certfile, keyfile)
    der = ssl.PEM_cert_to_DER_cert((tmp_path / "owner.crt").read_text("ascii"))
    tokens = {"loose": None, "bound": sha256(der).hexdigest()}

    def answer(token: str, certificate: bytes | None) -> str:
        bound_to = tokens[token]
        mine = bound_to in (None, sha256(certificate or b"").hexdigest())
        return "open sesame" if mine else "ERROR the token of another certificate"

    files = ca.issue_server(["localhost"]).save(tmp_path, "server")
    context = server_context(*files, client_ca=tmp_path / "ca.pem")
    with serve(context, answer=answer, name="tokens") as backend:
        served = {
            (token, name): ask(token, backend, context=device).ok
            for token in tokens
            for name, device in devices.items()
        }
    assert [pair for pair, ok in served.items() if not ok] == [("bound", "thief")]


def test_an_impostor_who_asks_does_not_learn_who_calls(tmp_path: Path) -> None:
    """Part 3, section 12: a device verifies the backend before it presents its certificate."""
    ca, hers = CertificateAuthority.create("Lab CA"), CertificateAuthority.create("Mallory CA")
    pem.write_certificate(tmp_path / "ca.pem", ca.certificate)
    files = ca.issue_client("trusted-client").save(tmp_path, "client")
    learned = {}
    for issuer in (ca, hers):
        own = issuer.issue_server(["localhost"]).save(tmp_path, "server")
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            asks = server_context(*own, client_ca=tmp_path / "ca.pem")
            device = client_context(tmp_path / "ca.pem", *files, version=version)
            watch(asks, device)
            with serve(asks, name="asking") as backend:
                exchange = ask("PING", backend, context=device)
            presented = [
                message.name
                for message in exchange.handshake.messages
                if message.direction is Direction.TO_BACKEND and message.name == "Certificate"
            ]
            learned[issuer.certificate.subject.rfc4514_string(), version.name] = presented
    assert learned == {
        ("CN=Lab CA", "TLSv1_2"): ["Certificate"],
        ("CN=Lab CA", "TLSv1_3"): ["Certificate"],
        ("CN=Mallory CA", "TLSv1_2"): [],
        ("CN=Mallory CA", "TLSv1_3"): [],
    }


def test_a_context_reads_its_files_once(tmp_path: Path) -> None:
    """A device's life, section 7: a renewed file counts from the next context on."""
    ca = CertificateAuthority.create("Lab CA")
    pem.write_certificate(tmp_path / "ca.pem", ca.certificate)
    device = client_context(tmp_path / "ca.pem")

    def presented(context: ssl.SSLContext) -> str:
        with serve(context) as backend:
            name = ask("PING", backend, context=device, server_hostname="localhost").device.peer
        assert name is not None
        return name

    files = ca.issue("old", Purpose.SERVER, names=["localhost"]).save(tmp_path, "server")
    context = server_context(*files)
    assert ca.issue("new", Purpose.SERVER, names=["localhost"]).save(tmp_path, "server") == files
    assert presented(context) == "CN=old"
    assert presented(server_context(*files)) == "CN=new"


def test_a_server_asks_later_only_whom_it_may(tmp_path: Path) -> None:
    """In your own stack, section 2. RFC 8446, section 4.6.2: the client has to have offered it."""
    ca = CertificateAuthority.create("Lab CA")
    pem.write_certificate(tmp_path / "ca.pem", ca.certificate)
    asks = server_context(*ca.issue_server(["localhost"]).save(tmp_path, "server"))
    asks.load_verify_locations(cafile=tmp_path / "ca.pem")
    asks.verify_mode, asks.post_handshake_auth = ssl.CERT_REQUIRED, True
    files = ca.issue_client("trusted-client").save(tmp_path, "client")

    def later(*, offers: bool) -> str | None:
        device = client_context(tmp_path / "ca.pem", *files)
        device.post_handshake_auth = offers
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = asks.wrap_bio(incoming, outgoing, server_side=True)
        client = device.wrap_bio(outgoing, incoming, server_hostname="localhost")
        for side in (client, server, client, server):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
        assert server.getpeercert() is None
        try:
            server.verify_client_post_handshake()
        except ssl.SSLError as error:
            return error.reason
        for writes, reads in ((server, client), (client, server)):  # the request, then its answer
            writes.write(b"PING")
            reads.read()
        certificate = server.getpeercert()
        return None if certificate is None else str(certificate["subject"])

    assert later(offers=False) == "EXTENSION_NOT_RECEIVED"
    assert later(offers=True) == "((('commonName', 'trusted-client'),),)"

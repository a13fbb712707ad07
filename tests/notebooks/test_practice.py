"""What the lessons say in passing of connections that no cell makes, each by a run.

Not here: what is claimed under "What you should see" (claims.py).
"""

import ssl
from hashlib import sha256
from pathlib import Path

from mtls_lab import CertificateAuthority, Exchange, Purpose, ask, pem, self_signed, serve
from mtls_lab.net import server_context
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

"""What a peer says cannot forge a line, ring a terminal or turn the reading direction round."""

import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from mtls_lab import (
    CertificateAuthority,
    FileProblem,
    Purpose,
    Relay,
    ask,
    create_key,
    explain,
    serve,
)
from mtls_lab.experiments.eavesdropping import listing, seen, units
from mtls_lab.pki import Identity
from mtls_lab.wire import server_name
from tests.unit.lab import Lab

#: A line break, ESC, NEL, a bidirectional override, a zero-width space; NUL is not for every name.
EVIL = "evil\n[!] forged\x1b[2J\x85\u202e\u200b"
SHOWN = r"evil\u000a[!] forged\u001b[2J\u0085\u202e\u200b"


def assert_harmless(text: str, *, lines: int) -> None:
    assert len(text.splitlines()) == lines
    assert all(line.isprintable() for line in text.split("\n"))


def evil_device(lab: Lab) -> Identity:
    key = create_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, EVIL)])
    csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return Identity(key, lab.ca.sign(csr, Purpose.CLIENT))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2])
def test_the_name_of_a_client(lab: Lab, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=lab.ca_file)
    context.minimum_version = context.maximum_version = version
    evil_device(lab).load_into(context)
    with serve(lab.mtls()) as backend, Relay(backend) as relay:
        exchange = ask("GET_SECRET", relay, context=context)
        heard = units(relay.chunks)
        side = backend.connections[-1]
        assert_harmless(str(side), lines=1)
    assert f"CN={SHOWN}" in str(side)
    assert_harmless(str(exchange), lines=2)
    assert_harmless(listing(heard), lines=2)
    assert_harmless("\n".join(value for _, value in seen(heard)), lines=4)


@pytest.mark.parametrize("rule", [True, False])
def test_what_is_explained_of_it(lab: Lab, *, rule: bool) -> None:
    context = ssl.create_default_context(cafile=lab.ca_file)
    evil_device(lab).load_into(context)
    with serve(lab.mtls(), authorize=lambda _: rule) as backend:
        exchange = ask("GET_SECRET", backend, context=context)
    text = str(explain(exchange))
    assert all(line.isprintable() for line in text.split("\n"))
    assert not any(line.startswith("[!]") for line in text.split("\n"))


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("ERROR x\rdevice   ok\x85", r"✗ ERROR x\u000ddevice   ok\u0085"),
        (
            "ERROR x\x1b[2J",
            "ProtocolError: this is not text: a line may hold no control characters",
        ),
        ("ERROR x\u202eok\u200b\u2028device", r"✗ ERROR x\u202eok\u200b\u2028device"),
    ],
)
def test_the_answer_of_a_server(answer: str, shown: str) -> None:
    with serve(secret=answer) as backend, Relay(backend) as relay:
        exchange = ask("GET_SECRET", relay)
        assert_harmless(listing(units(relay.chunks)), lines=2)
    assert_harmless(str(exchange), lines=2)
    assert shown in str(exchange)


def test_the_server_name_of_a_client() -> None:
    name = b"a\nb\x1b"
    entry = b"\x00" + len(name).to_bytes(2, "big") + name
    body = len(entry).to_bytes(2, "big") + entry
    extension = b"\x00\x00" + len(body).to_bytes(2, "big") + body
    hello = b"\x03\x03" + bytes(32) + b"\x00" + b"\x00\x02\x13\x01" + b"\x01\x00"
    hello += len(extension).to_bytes(2, "big") + extension
    message = b"\x01" + len(hello).to_bytes(3, "big") + hello
    record = b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message
    assert server_name(record) == r"a\u000ab\u001b"
    assert server_name(record + b"\xff" * 5) == r"a\u000ab\u001b"


def test_a_message_about_a_file(tmp_path: Path) -> None:
    with pytest.raises(FileProblem) as caught:
        CertificateAuthority.load(tmp_path / EVIL, tmp_path / "ca.key")
    assert_harmless(str(caught.value), lines=3)
    assert SHOWN in caught.value.found

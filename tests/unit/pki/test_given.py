"""The likely slips of whoever asks a CA for something: each is told at once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from mtls_lab.common import LabError
from mtls_lab.pki import CertificateAuthority, Purpose, describe, pem, self_signed
from mtls_lab.pki.bundles import read_pair

CA: Any = CertificateAuthority.create("Lab CA")  # as from a notebook, where no type is checked
DEVICE = CA.issue_client("device-7")
DESCRIBE: Callable[..., Any] = describe
SELF_SIGNED: Callable[..., Any] = self_signed
WRITE: Callable[..., Any] = pem.write_certificate
WRITE_KEY: Callable[..., Any] = pem.write_key


@pytest.mark.parametrize(
    ("slip", "found", "todo"),
    [
        (
            lambda: DESCRIBE("device/client.crt"),
            "describe was given a str",
            "read the file first: pem.read_certificate('device/client.crt')",
        ),
        (
            lambda: DESCRIBE(DEVICE),
            "describe was given an Identity",
            "give what is in it: describe(….certificate)",
        ),
        (
            lambda: CA.revoke(None),
            "revoke was given None",
            "give a certificate; pem.read_certificate(file) reads one",
        ),
        (
            lambda: CA.sign("device.csr", Purpose.CLIENT),
            "sign was given a str",
            "read the file first: x509.load_pem_x509_csr(Path('device.csr').read_bytes())",
        ),
        (
            lambda: CertificateAuthority.create(""),
            "a name of 0 characters",
            'give a short one, such as "device-7"',
        ),
        (
            lambda: CA.issue_client("x" * 65),
            "a name of 65 characters",
            'give a short one, such as "device-7"',
        ),
        (
            lambda: WRITE(DEVICE.certificate, "device.crt"),
            "write_certificate was given a str to write",
            "write write_certificate(path, …), with a certificate in the second place",
        ),
        (
            lambda: WRITE("device.crt"),
            "write_certificate was given None to write",
            "write write_certificate(path, …), with a certificate in the second place",
        ),
        (
            lambda: WRITE_KEY("device.key", DEVICE),
            "write_key was given an Identity to write",
            "write write_key(path, …), with a private key in the second place",
        ),
        (lambda: CA.issue_client(7), "an int", 'give a short one, such as "device-7"'),
        (
            lambda: CA.issue_server(["localhost", 1]),
            "an int among the names",
            'put it in quotes: ["localhost", "127.0.0.1"]',
        ),
        (
            lambda: CA.issue_server(["bücher.example"]),
            "the name 'bücher.example'",
            'write "xn--bcher-kva.example", as the DNS has it',
        ),
        # A text is a list of its characters: DNS:l, DNS:o, DNS:c, …
        (
            lambda: CA.issue("localhost", Purpose.SERVER, names="localhost"),
            "one text",
            "write it in brackets: ['localhost']",
        ),
        (
            lambda: SELF_SIGNED("localhost", Purpose.SERVER, names="localhost"),
            "one text",
            "write it in brackets: ['localhost']",
        ),
        (
            lambda: CA.issue_server("localhost, 127.0.0.1"),
            "one text",
            "write issue_server(['localhost', '127.0.0.1'])",
        ),
        (lambda: CA.issue_server(None), "no name", "write issue_server(['localhost'])"),
        *(
            (
                lambda name=name: CA.issue_server(["localhost", name]),
                f"the name {name!r}",
                'give the host alone, without blank, port or brackets, such as "localhost"',
            )
            for name in ("", " localhost", "local\nhost", "localhost:5000", "[::1]", "localhost/")
        ),
        (
            lambda: CA.issue("x", "client"),
            "a str as the purpose",
            "write Purpose.CLIENT, say; it is imported from mtls_lab",
        ),
        (
            lambda: CA.issue_client("é" * 64),
            "a name of 64 characters, which are 128 bytes in UTF-8",
            'give a short one, such as "device-7"',
        ),
        (
            lambda: CA.issue_client("x", days=-1),
            "-1 days",
            "for one that has expired, write issue(…, valid_days=(-30, -1))",
        ),
        (
            lambda: CA.issue_server(["localhost"], days="30"),
            "a str as days",
            "for one that has expired, write issue(…, valid_days=(-30, -1))",
        ),
    ],
)
def test_a_slip_is_told(slip: Callable[[], object], found: str, todo: str) -> None:
    with pytest.raises(LabError) as caught:
        slip()
    assert (caught.value.found, caught.value.todo) == (found, todo)
    assert caught.value.expected


@pytest.mark.parametrize("written", ["Bäcker", "Bäcker".encode()], ids=["text", "bytes"])
@pytest.mark.parametrize("read", ["Bäcker", "Bäcker".encode()], ids=["text", "bytes"])
def test_a_password_is_a_text_or_bytes_as_ssl_takes_it(
    tmp_path: Path, written: str | bytes, read: str | bytes
) -> None:
    pem.write_pkcs12(tmp_path / "client.p12", DEVICE, written)
    assert read_pair(tmp_path / "client.p12", read).chain[0] == DEVICE.certificate
    locked = BestAvailableEncryption("Bäcker".encode())
    key = DEVICE.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)
    (tmp_path / "client.key").write_bytes(key)
    opened: Any = pem.read_any_key(tmp_path / "client.key", read)
    assert opened.public_key() == DEVICE.key.public_key()


def test_what_the_advice_says_works(tmp_path: Any) -> None:
    certificate, _ = DEVICE.save(tmp_path, "client")
    assert "CN=device-7" in describe(pem.read_certificate(certificate))
    assert CA.issue_server(["xn--bcher-kva.example"]).certificate

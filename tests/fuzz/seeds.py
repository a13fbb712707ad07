"""The inputs that a hunt begins with: real ones, made now, and those in corpus/ that led further.

Here: both, for each target. Keys are made at run time, so that none is in git. Not here: what is
done with them (targets.py, hunt.py).
"""

from __future__ import annotations

import base64
import json
import ssl
import tomllib
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs7,
)
from cryptography.x509.oid import AuthorityInformationAccessOID

from mtls_lab import Exchange, ask, serve, watch
from mtls_lab.enrolment import attest_line, endorse, enrol_line, request
from mtls_lab.experiments.attesting import public_of
from mtls_lab.net import server_context
from mtls_lab.pki import CertificateAuthority, Identity, Purpose, create_key, pem
from mtls_lab.tpm import Attribute, Evidence, Statement
from mtls_lab.tpm.conversation import OWNER
from mtls_lab.tpm.endorsed import RSA_ENDORSEMENT_KEY
from mtls_lab.tpm.structures import CERTIFIED, GENERATED, INSIDE, sized
from mtls_lab.wire import Direction, Recording
from tests.fuzz.targets import LABELS
from tests.unit.explaining.test_containers import entry, keystore
from tests.unit.failures import certify
from tests.unit.lab import VERSIONS, Lab

__all__ = ["CORPUS", "committed", "fresh"]

#: A file for each target: an input in each line, in hexadecimal.
CORPUS = Path(__file__).with_name("corpus")
UNIT = Path(__file__).parent.parent / "unit"


def committed(target: str) -> list[bytes]:
    """The inputs in git; the lines that begin with # say what some of them found."""
    file = CORPUS / f"{target}.txt"
    text = file.read_text("ascii").splitlines() if file.exists() else []
    return [bytes.fromhex(line) for line in text if not line.startswith("#")]


def fresh(folder: Path) -> dict[str, list[bytes]]:
    """Inputs as they really come, by target."""
    lab = Lab.create(folder)
    exchanges = [_recorded(lab, version) for version in VERSIONS]
    certificates, files, blocks = _pki(folder)
    toml = tomllib.loads((UNIT / "explaining" / "lines.toml").read_text("utf-8"))
    told = [str(each["text"]).encode() for each in toml["line"]]
    return {
        "records": [_one_way(each, way) for each in exchanges for way in Direction],
        "messages": [one for each in exchanges for one in _messages(each)],
        "notes": [_notes(each) for each in exchanges],
        "streams": [_stream(each) for each in exchanges],
        "lines": [b"GET_SECRET\n", b"PING\r\nHELP\nno such thing\n", "öffne dich\n".encode()],
        "learners": list(_learners()),
        "books": [json.dumps({"cells": [{"source": ["x"], "cell_type": "code"}]}).encode()],
        "files": files,
        "blocks": blocks,
        "certificates": certificates,
        "requests": list(_requests()),
        "told": told,
        "explained": [b"\n=====\n".join([told[0], one, one, one, one]) for one in files],
        "answers": _answers(),
        "served": [_served(each) for each in exchanges],
        "starttls": _dialogues(),
        "attested": list(_attested()),
    }


def _attested() -> Iterator[bytes]:
    """As a TPM writes them; a key of the test's in the place of one in a TPM."""
    area = public_of(create_key(), INSIDE | Attribute.SIGN)
    statement = Statement(
        GENERATED, CERTIFIED, area.qualified(OWNER), b"nonce", area.name
    ).encoded()
    signature = bytes.fromhex("0018000b") + sized(area.x) + sized(area.y)
    yield from (area.encoded(), RSA_ENDORSEMENT_KEY.encoded(), statement, signature)
    parts = (area.encoded(), area.encoded(), statement, signature)
    yield b"".join(bytes([len(each)]) + each for each in parts)
    maker = CertificateAuthority.create("TPM Maker")
    evidence = Evidence(area.encoded(), statement, signature)
    csr = request(create_key(), "device-21")
    for line in (attest_line(endorse(maker, area, "TPM"), area), enrol_line(csr, evidence)):
        yield line.encode()
        yield line.partition(" ")[2].encode()


def _recorded(lab: Lab, version: ssl.TLSVersion) -> Exchange:
    device, backend = (
        lab.device("valid", version),
        server_context(*lab.server_files, client_ca=lab.ca_file),
    )
    watch(device, backend)
    with serve(backend) as running:
        return ask("GET_SECRET", running, context=device)


def _recording(exchange: Exchange) -> Recording:
    assert exchange.recording
    return exchange.recording


def _one_way(exchange: Exchange, way: Direction) -> bytes:
    return b"".join(each.data for each in _recording(exchange).passed if each.direction is way)


def _messages(exchange: Exchange) -> Iterator[bytes]:
    for each in exchange.handshake.messages:
        yield len(each.server_hello).to_bytes(2) + each.server_hello + each.data


def _notes(exchange: Exchange) -> bytes:
    made = b""
    for each in exchange.handshake.messages:
        way = each.direction is Direction.TO_BACKEND
        note = bytes([way | 2 | (2 << 2)]) + each.data[:250]
        made += bytes([len(note)]) + note
    return made


def _stream(exchange: Exchange) -> bytes:
    recording = _recording(exchange)
    secrets = recording.secrets
    made = len(secrets).to_bytes(2, "big") + secrets
    for each in recording.passed:
        way = list(Direction).index(each.direction)
        made += (way << 15 | len(each.data)).to_bytes(2, "big") + each.data
    return made


def _served(exchange: Exchange) -> bytes:
    said = [m.data for m in exchange.handshake.messages if m.direction is Direction.TO_DEVICE]
    return b"".join(len(each).to_bytes(2, "big") + each for each in said)


def _pki(folder: Path) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """Certificates in DER, files of every kind, and DER for blocks of PEM."""
    ca = CertificateAuthority.create("Lab CA", below=1)
    below = ca.intermediate("Lab Intermediate CA")
    device = below.issue("trusted-client", Purpose.CLIENT, names=["spiffe://lab.example/7"])
    server = ca.issue_server(["localhost", "127.0.0.1", "::1", "*.lab.example"])
    certificates = [
        each.public_bytes(Encoding.DER)
        for each in (ca.certificate, device.certificate, server.certificate, *_foreign())
    ]
    pem.write_pkcs12(folder / "real.p12", Identity(device.key, device.certificate), b"x")
    ca.revoke(device.certificate)
    chain = [device.certificate, below.certificate]
    old, new = PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8
    curve, rsa_key = ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)
    plain = [
        curve.private_bytes(Encoding.DER, old, NoEncryption()),
        rsa_key.private_bytes(Encoding.DER, old, NoEncryption()),
        curve.private_bytes(Encoding.DER, new, NoEncryption()),
        rsa_key.private_bytes(Encoding.DER, new, NoEncryption()),
        ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.DER, new, NoEncryption()),
    ]
    locked = curve.private_bytes(Encoding.DER, new, BestAvailableEncryption(b"barley"))
    crl = ca.crl()
    files = [
        b"".join(path.read_bytes() for path in device.save(folder, "real")),
        *(pkcs7.serialize_certificates(chain, form) for form in (Encoding.PEM, Encoding.DER)),
        (folder / "real.p12").read_bytes(),
        crl.public_bytes(Encoding.PEM),
        b"-----BEGIN TSS2 PRIVATE KEY-----\nMIHx\n-----END TSS2 PRIVATE KEY-----\n",
        b"data:\n  tls.crt: " + base64.b64encode((folder / "real.crt").read_bytes()) + b"\n",
        b"data:\n  ca.crt: |\n    -----BEGIN CERTIFICATE-----\n    MIIB\n",
        keystore(entry(2, certificates[1]), entry(1, certificates[1])),
    ]
    kinds = {
        "CERTIFICATE": certificates[1],
        "TRUSTED CERTIFICATE": certificates[1] + b"0\x0c0\n\x06\x08+\x06\x01\x05\x05\x07\x03\x02",
        "EC PRIVATE KEY": plain[0],
        "RSA PRIVATE KEY": plain[1],
        "PRIVATE KEY": plain[2],
        "ENCRYPTED PRIVATE KEY": locked,
        "X509 CRL": crl.public_bytes(Encoding.DER),
        "PKCS7": pkcs7.serialize_certificates(chain, Encoding.DER),
        "TSS2 PRIVATE KEY": bytes.fromhex("300e06066781050a0103a0030101ff"),
    }
    blocks = [bytes([LABELS.index(label)]) + der for label, der in kinds.items()]
    blocks += [bytes([LABELS.index("PRIVATE KEY")]) + der for der in plain[3:]]
    return certificates, files, blocks


def _foreign() -> Iterator[x509.Certificate]:
    """Extensions that the lab does not write, and other programs do."""
    ca, key = CertificateAuthority.create("Other CA"), ed25519.Ed25519PrivateKey.generate()
    uri = x509.UniformResourceIdentifier("http://crl.example/a")
    extensions: list[x509.ExtensionType] = [
        x509.NameConstraints([x509.DNSName("example")], [x509.DNSName("bad.example")]),
        x509.CRLDistributionPoints([x509.DistributionPoint([uri], None, None, None)]),
        x509.AuthorityInformationAccess(
            [x509.AccessDescription(AuthorityInformationAccessOID.OCSP, uri)]
        ),
        x509.CertificatePolicies(
            [x509.PolicyInformation(x509.ObjectIdentifier("2.23.140.1.2.1"), ["http://a.example"])]
        ),
        x509.SubjectAlternativeName(
            [
                x509.RFC822Name("a@b.example"),
                x509.OtherName(x509.ObjectIdentifier("1.2.3.4"), b"\x0c\x01a"),
                x509.DirectoryName(ca.certificate.subject),
                x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
            ]
        ),
        x509.TLSFeature([x509.TLSFeatureType.status_request]),
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.9"), b"\x05\x00"),
    ]
    name = ca.certificate.subject
    yield certify(name, key, name, key, *((each, False) for each in extensions))


def _requests() -> Iterator[bytes]:
    for key, digest in (
        (ec.generate_private_key(ec.SECP256R1()), SHA256()),
        (ed25519.Ed25519PrivateKey.generate(), None),
    ):
        names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
        subject = CertificateAuthority.create("pump-7").certificate.subject
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
        made = builder.add_extension(names, critical=False).sign(key, digest)
        yield made.public_bytes(Encoding.DER)


def _learners() -> Iterator[bytes]:
    events: list[dict[str, object]] = [
        {"prediction": "clone_over_tls", "choice": "yes", "sure": True, "day": "2026-11-26"},
        {"prediction": "clone_over_tls", "choice": "yes", "truth": "no", "day": "2026-11-26"},
        {"of": "clone_over_tls", "reason": "a"},
        {"exercise": "fetch", "outcome": "not yet"},
        {"exercise": "fetch", "outcome": "right"},
        {"review": "clone_over_tls", "choice": "no", "truth": "no", "day": "2026-12-01"},
        {"quiz": "before", "question": "who_reads", "choice": "a"},
        {"quiz": "before", "state": "handed in"},
    ]
    yield b"".join(json.dumps(each).encode() + b"\n" for each in events)
    yield json.dumps(
        {
            "name": "Eve",
            "predictions": {"q": {"choice": "a", "truth": "b"}},
            "exercises": {"fetch": {"outcome": "right", "tries": 2}},
            "quiz": {"before": {"answers": {"who_reads": "a"}, "handed_in": True}},
        }
    ).encode()
    yield b'{"1_plain_tcp.ipynb": "abc"}'


def _answers() -> list[bytes]:
    return [
        b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n<html>No required SSL certificate",
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        b"220 mail.example ESMTP\r\n",
        b"-ERR unknown command\r\n",
        b"E\x00\x00\x00\x20SFATAL\x00C28000\x00Mno\x00\x00",
        b"\x4a\x00\x00\x00\x0a8.0.36\x00",
        bytes.fromhex("20020005"),
        bytes.fromhex("15030300020228"),
    ]


def _dialogues() -> list[bytes]:
    said = {
        "postgres": [b"S", b"N", b"E"],
        "smtp": [
            b"220 a\r\n250-a\r\n250 STARTTLS\r\n220 go\r\n",
            b"220-a\r\n220 b\r\n250 HELP\r\n",
        ],
        "imap": [b"* OK a\r\n* CAPABILITY\r\na1 OK go\r\n", b"* OK a\r\na1 BAD no\r\n"],
        "ldap": [bytes.fromhex("300c02010178070a010004000400")],
        "mysql": [bytes.fromhex("1500000001") + b"8\0" + bytes(13) + b"\0\x08" + bytes(4)],
        "pop3": [b"+OK\r\n+OK go\r\n", b"+OK\r\n-ERR no\r\n"],
        "ftp": [b"220 a\r\n234 go\r\n", b"220 a\r\n502 no\r\n"],
        "nats": [b'INFO {"tls_required":true}\r\n', b"INFO {}\r\n"],
    }
    return [bytes([n]) + one for n, protocol in enumerate(said) for one in said[protocol]]

"""Every reader of foreign bytes, each as a function of one input.

Here: what is called, and which one error each may raise. Whatever else comes out is a finding. Not
here: the inputs to begin with (seeds.py), and the fuzzer (hunt.py).
"""

from __future__ import annotations

import base64
import socket
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

from cryptography import x509

from mtls_lab.classroom import class_report, read_export
from mtls_lab.classroom.one_learner import report as one_report
from mtls_lab.common import LabError
from mtls_lab.diagnosing.asking import status_of
from mtls_lab.diagnosing.attempts import Attempt
from mtls_lab.diagnosing.judging import judge
from mtls_lab.diagnosing.own import look_into
from mtls_lab.diagnosing.probing import VERSIONS, Seen
from mtls_lab.diagnosing.reporting import report
from mtls_lab.diagnosing.starttls import PROTOCOLS, NoStartTls, into_tls, named
from mtls_lab.enrolment import (
    RULES,
    AttestingOffice,
    Claim,
    names_in,
    request,
    request_from,
)
from mtls_lab.explaining import explain
from mtls_lab.learner import notebooks, progress
from mtls_lab.learner.folder import MARKER, read_marker
from mtls_lab.panels.certificate import card
from mtls_lab.pki import (
    CertificateAuthority,
    Purpose,
    create_key,
    describe,
    pem,
    read_fields,
    read_identity,
)
from mtls_lab.pki.bundles import read_bundle
from mtls_lab.pki.comparison import compare
from mtls_lab.pki.containers import blocks_in
from mtls_lab.pki.keystores import read_keystore
from mtls_lab.pki.kinds import kind_of
from mtls_lab.pki.signed import UNREADABLE
from mtls_lab.tpm import Evidence, Public, RSAPublic, Signature, Statement
from mtls_lab.tpm.keys import parsed
from mtls_lab.wire import (
    Direction,
    LineBuffer,
    Message,
    Passed,
    PlaintextMessages,
    ProtocolError,
    Recording,
    Service,
    Splitter,
    Stage,
    from_wire,
    hexdump,
    parse_records,
    readable_records,
    server_name,
)
from mtls_lab.wire.handshake import join, message_of, read_notes
from mtls_lab.wire.names import handshake_name
from mtls_lab.wire.reading import Malformed, read_alert, read_change_cipher_spec, read_message

__all__ = ["TARGETS"]

#: What begins a file of each kind that `_in_pem` wraps.
LABELS = (
    *("CERTIFICATE", "TRUSTED CERTIFICATE", "X509 CERTIFICATE", "PRIVATE KEY", "EC PRIVATE KEY"),
    *("RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "TSS2 PRIVATE KEY", "OPENSSH PRIVATE KEY"),
    *("X509 CRL", "PKCS7", "CERTIFICATE REQUEST", "PUBLIC KEY"),
)
#: More than a socket pair holds would wait for its reader.
SAID = 32 * 1024


@cache
def _folder() -> Path:
    """A folder of this process, gone with it."""
    made = tempfile.TemporaryDirectory(prefix="lab-fuzz-")
    _kept.append(made)
    return Path(made.name)


_kept: list[tempfile.TemporaryDirectory[str]] = []


@cache
def _authority() -> CertificateAuthority:
    return CertificateAuthority.create("Lab CA")


def _file(name: str, data: bytes) -> Path:
    path = _folder() / name
    path.write_bytes(data)
    return path


def printable(text: str) -> None:
    """What the lab prints of it: no character that a terminal does something with."""
    assert all(character.isprintable() or character == "\n" for character in text), repr(text)


def pieces(data: bytes) -> Iterator[bytes]:
    """Cut an input: the first byte of each piece is its length."""
    while data:
        size, data = data[0], data[1:]
        yield data[:size]
        data = data[size:]


def records(data: bytes) -> None:
    with suppress(ValueError):
        found, rest = parse_records(data)
        assert sum(5 + len(each.payload) for each in found) + len(rest) == len(data)
    for record in readable_records(data):
        printable(str(record))
    for name, size in PlaintextMessages().feed(data):
        assert size >= 0
        printable(name)
    printable(server_name(data) or "")
    for line in hexdump(data):
        printable(line)
    splitter = Splitter()
    units = [unit for piece in (data[:7], data[7:]) for unit in splitter.feed(piece)]
    assert b"".join([*units, splitter.rest()]) == data
    half = len(data) // 2
    passed = from_wire([(Direction.TO_BACKEND, data[:half]), (Direction.TO_DEVICE, data[half:])])
    printable(str(passed))


def messages(data: bytes) -> None:
    size = int.from_bytes(data[:2])  # with a key share after quantum computers, over 1,000
    server_hello, said = data[2 : 2 + size], data[2 + size :]
    for read in (read_alert, read_change_cipher_spec):
        printable(str(read(said)))
    with suppress(Malformed):
        printable(str(read_message(said, server_hello)))
    if said:
        name = handshake_name(said)
        message = message_of(name, Direction.TO_DEVICE, said, server_hello, encrypted=True)
        printable(f"{message}\n{message.fields}")


def notes(data: bytes) -> None:
    log = tuple(
        (
            "write" if each[0] & 1 else "read",
            0x0304 if each[0] & 2 else 0x0303,
            (20, 21, 22, 23, 256, 257)[(each[0] >> 2) % 6],
            each[1:],
        )
        for each in pieces(data)
        if each
    )
    ends = [read_notes(log[part::2], client=part == 0) for part in (0, 1)]
    for handshake in (join(*ends), join(ends[0], [])):
        printable(str(handshake))
        assert "\x1b" not in handshake._repr_html_()


def streams(data: bytes) -> None:
    """A connection, and beside it secrets that may be its own."""
    size = int.from_bytes(data[:2], "big")
    secrets, rest = data[2 : 2 + size], data[2 + size :]
    passed, way = [], 0
    while rest:
        size, rest = int.from_bytes(rest[:2], "big"), rest[2:]
        direction = list(Direction)[size >> 15]
        passed.append(Passed(1.0 + way, direction, rest[: size & 0x7FFF]))
        rest, way = rest[size & 0x7FFF :], way + 1
    recording = Recording(("127.0.0.1", 4), ("127.0.0.1", 5), tuple(passed), secrets)
    for record in recording.records:
        printable(str(record))
    for message in recording.handshake.messages:
        printable(f"{message}\n{message.fields}")
    with suppress(LabError):
        recording.save_pcapng(_folder() / "made.pcapng", overwrite=True)


def lines(data: bytes) -> None:
    service, buffer = Service(), LineBuffer()
    with suppress(ProtocolError):
        for piece in (data[:9], data[9:]):
            for line in buffer.feed(piece):
                answer = service.answer(line)
                assert "\n" not in answer
                assert len(answer.encode()) <= 1024


def learners(data: bytes) -> None:
    """The same bytes as progress, as what a learner hands in, and as the marker of a folder."""
    folder = _folder()
    _file(MARKER, data)
    with suppress(LabError):
        read_marker(folder)
    _file("progress.jsonl", data)
    with suppress(LabError):
        progress.read(folder)
        _file(MARKER, b"{}")
        printable(one_report(folder))
    with suppress(LabError):
        printable(class_report([read_export(_file("learner.json", data))] * 2))


def books(data: bytes) -> None:
    path = _file("1_plain_tcp.ipynb", data)
    notebooks._fingerprint_of(path)
    notebooks._is_ours(path, {})


def _read_files(path: Path) -> None:
    for read in (pem.read_certificates, pem.read_any_key, pem.read_key, pem.read_crls, read_bundle):
        try:
            read(path)
        except LabError as error:
            printable(str(error))
    with suppress(LabError):
        read_identity(path, path)


def files(data: bytes) -> None:
    """Bytes as a file of every kind: PEM, bundles, manifests, keystores, and none of these."""
    kind_of(data)
    path = _file("odd.pem", data)
    _read_files(path)
    for name, value in blocks_in(data).items():
        printable(f"{name}: {len(value)}")
    for trusted in (False, True):
        with suppress(LabError):
            read_keystore(path, trusted=trusted)


def _in_pem(label: str, der: bytes) -> bytes:
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n".encode()


def blocks(data: bytes) -> None:
    """DER in a block of PEM: the first byte says which."""
    label = LABELS[(data[0] if data else 0) % len(LABELS)]
    _read_files(_file("odd.pem", _in_pem(label, data[1:])))


def certificates(data: bytes) -> None:
    """What can be read of a certificate, in every form that the lab has for one."""
    path = _file("odd.crt", _in_pem("CERTIFICATE", data))
    try:
        found = pem.read_certificates(path)[0]
    except LabError as error:
        printable(str(error))
        return
    printable(describe(found))
    for each in read_fields(found):
        printable(f"{each.title}: {each.value}")
    assert "\x1b" not in card(found)
    ca = _authority().certificate
    for chain, cas in (([found], []), ([found], [ca]), ([found, ca], [found])):
        for look in compare(chain, _authority().key, cas):
            printable(f"{look}")
    printable(str(explain("tlsv1 alert unknown ca", certfile=path, keyfile=path, cafile=path)))


def requests(data: bytes) -> None:
    """As a file of it, and as the line that an office gets."""
    with suppress(LabError):
        names_in(request_from(base64.b64encode(data).decode()))
    try:
        found = x509.load_der_x509_csr(data)
    except UNREADABLE:
        return
    with suppress(ValueError):
        describe(_authority().sign(found, Purpose.CLIENT))


def told(data: bytes) -> None:
    """A line, as a program wrote it."""
    for what in (data, data.decode("utf-8", "replace"), OSError(data.decode("latin-1"))):
        printable(str(explain(what)))


def explained(data: bytes) -> None:
    """Up to four files beside a line; each begins where the one before ends."""
    line, *parts = data.split(b"\n=====\n", 4)
    given = dict(enumerate(_file(f"odd.{number}", part) for number, part in enumerate(parts)))
    told = explain(
        line.decode("utf-8", "replace"),
        certfile=given.get(0),
        keyfile=given.get(1),
        cafile=given.get(2),
        crlfile=given.get(3),
    )
    printable(str(told))


@cache
def _seen() -> Seen:
    ca = _authority()
    pem.write_certificate(_folder() / "ca.crt", ca.certificate)
    own = look_into(_folder() / "ca.crt", *ca.issue_client("trusted-client").save(_folder(), "own"))
    return Seen("localhost", 1, "localhost", own, addresses=(("127.0.0.1", 1),))


def _judged(seen: Seen) -> None:
    for each in (*report(seen), *judge(seen)):
        printable(str(each))


def answers(data: bytes) -> None:
    """What a server says that is asked by `diagnose`: in the clear, or to a request."""
    clear = Attempt(Stage.HANDSHAKE, heard=data)
    printable(named(data))
    _judged(replace(_seen(), full={"TLS 1.3": clear}, protocol=named(data), greeting=data))
    half = len(data) // 2
    asked, bare = (
        Attempt(Stage.FIRST_READ, None, "TLSv1.3", "X", heard=part, end="said")
        for part in (data, data[half:])
    )
    printable(status_of(asked))
    full = dict.fromkeys(VERSIONS, replace(asked, heard=b"", end="quiet"))
    _judged(replace(_seen(), full=full, asked=asked, asked_bare=bare))


def served(data: bytes) -> None:
    """The messages of a server, as `diagnose` judges them."""
    found: list[Message] = []
    server_hello, rest = b"", data
    while len(rest) >= 2:
        size, rest = int.from_bytes(rest[:2], "big"), rest[2:]
        said, rest = rest[:size], rest[size:]
        if said:
            name = handshake_name(said)
            server_hello = said if name == "ServerHello" else server_hello
            found.append(message_of(name, Direction.TO_DEVICE, said, server_hello, encrypted=False))
    tried = Attempt(Stage.HANDSHAKE, None, "", "", tuple(found))
    done = replace(tried, version="TLSv1.2", cipher="X", end="quiet")
    for each in (tried, done):
        _judged(replace(_seen(), full={"TLS 1.3": each, "TLS 1.2": each}, bare=tried))


def starttls(data: bytes) -> None:
    protocol = list(PROTOCOLS)[(data[0] if data else 0) % len(PROTOCOLS)]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data[1:SAID])
        theirs.shutdown(socket.SHUT_WR)
        with suppress(NoStartTls):
            into_tls(ours, protocol, lambda seconds: seconds)


def attested(data: bytes) -> None:
    """What a device sends about a key: each reader of a TPM's bytes, the office, and its rules."""
    for read in (Public.read, RSAPublic.read, Statement.read, Signature.read, parsed):
        with suppress(ValueError):
            printable(str(read(data)))
    with suppress(ValueError):
        bool(Public.read(data).key)
    words = data.decode("latin-1")
    for line in (words, f"ATTEST {words}", f"ENROL {words}"):
        printable(_office().answer(line, None))
    attestation, *sent = [*pieces(data), b"", b"", b"", b""][:4]
    with suppress(ValueError):
        claim = Claim.of(_request(), "device", Public.read(attestation), Evidence(*sent))
        for rule in RULES:
            printable(rule(claim) or "")


@cache
def _request() -> x509.CertificateSigningRequest:
    return request(create_key(), "device")


@cache
def _office() -> AttestingOffice:
    maker = CertificateAuthority.create("TPM Maker")
    return AttestingOffice(maker, [maker.certificate])


#: By name; each takes an input, and raises what is a finding.
TARGETS: dict[str, Callable[[bytes], None]] = {
    each.__name__: each
    for each in (
        *(records, messages, notes, streams, lines, learners, books, files, blocks, certificates),
        *(requests, told, explained, answers, served, starttls, attested),
    )
}

# cryptography's, of what it will not read one day: the lab's commands do not show them either.
warnings.simplefilter("ignore")

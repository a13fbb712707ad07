"""The exercises of Part 2: untouched, wrong in every way that a check knows, unsafe, and right.

Here: what each check finds. Not here: the solutions of the notebook (tests/notebooks), and what
all checks share (test_judging.py).
"""

import os
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from mtls_lab import CertificateAuthority, checks
from mtls_lab.exercises import Outcome, Result
from mtls_lab.exercises.impostors import VARIABLE
from mtls_lab.exercises.part2 import fetch as tls_fetch
from mtls_lab.net import Address
from mtls_lab.pki import Identity, Purpose, create_key, self_signed
from tests.unit.exercises.conftest import Hurry

NOT_YET, UNSAFE = Outcome.NOT_YET, Outcome.UNSAFE
NAMES = ["backend.example", "localhost", "127.0.0.1"]
LIE = "'the cave is empty'"


def judged(result: Result) -> tuple[Outcome, str, str]:
    return result.outcome, result.found, result.rule


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    """The learner's."""
    return CertificateAuthority.create("Lab CA")


@pytest.fixture(autouse=True)
def learner(ca: CertificateAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the CA in it, and no other file."""
    (tmp_path / "ca").mkdir()
    Identity(ca.key, ca.certificate).save(tmp_path / "ca", "ca")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def as_before(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """No traceback is printed, and the operating system's CAs are its own again."""
    before = os.environ.get(VARIABLE)
    yield
    assert os.environ.get(VARIABLE) == before
    assert "Traceback" not in capsys.readouterr().err


# --- The backend's certificate ---------------------------------------------------------------


def as_dns_name(ca: CertificateAuthority) -> Identity:
    """The address is in the certificate, as a name."""
    return signed(ca, [x509.DNSName(name) for name in NAMES])


def without_key_ids(ca: CertificateAuthority) -> Identity:
    return ca.issue("localhost", Purpose.SERVER, names=NAMES, authority_id=False)


def signed(ca: CertificateAuthority, names: list[x509.GeneralName]) -> Identity:
    """A leaf with the names as they are."""
    key, now = create_key(), datetime.now(UTC)
    key_id = ca.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(ca.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id), critical=False
        )
    )
    return Identity(key, builder.sign(ca.key, hashes.SHA256()))


def with_names(*names: str) -> Callable[[CertificateAuthority], Identity]:
    return lambda ca: ca.issue_server(names)


def with_fields(**fields: Any) -> Callable[[CertificateAuthority], Identity]:
    options = {"purpose": Purpose.SERVER, "names": NAMES, **fields}
    return lambda ca: ca.issue("localhost", **options)


TRUST = "a certificate is verified with the certificate of the CA that signed it"
SAN = "a device looks in subjectAltName for the name that it asked for"
DAYS = "a certificate is valid from its first day to its last"
LEAF = "the backend's certificate is a leaf: CA:FALSE"
PURPOSE = "one certificate, one purpose: extendedKeyUsage names serverAuth and nothing else"
OTHER_NAMES = "a certificate holds the names that its owner is reached by, and no others"
UNKNOWN = "the device refuses the certificate: it comes from a CA that is not trusted there"
CLIENT = (
    "a backend that asks for a device's certificate takes this one: with the key, Mallory read"
    " 'the moon is full'"
)

CERTIFICATES: dict[str, tuple[Callable[[CertificateAuthority], Any], Outcome, str, str]] = {
    "no backend.example": (
        with_names("localhost", "127.0.0.1"),
        NOT_YET,
        "the device asks for backend.example, and the certificate does not name it",
        SAN,
    ),
    "no address": (
        with_names("backend.example", "localhost"),
        NOT_YET,
        "the device asks for 127.0.0.1, and the certificate does not name it",
        SAN,
    ),
    "no SAN": (
        lambda ca: ca.issue("backend.example", Purpose.SERVER),
        NOT_YET,
        "the device asks for backend.example, and the certificate does not name it",
        SAN,
    ),
    "address as DNS name": (
        as_dns_name,
        NOT_YET,
        "the device asks for the address 127.0.0.1, and the certificate has it as a DNS name",
        "in subjectAltName, an IP address has its own type",
    ),
    "expired": (
        with_fields(valid_days=(-30, -1)),
        NOT_YET,
        "the device refuses the certificate: it has expired",
        DAYS,
    ),
    "not yet valid": (
        with_fields(valid_days=(1, 30)),
        NOT_YET,
        "the device refuses the certificate: it is not valid yet",
        DAYS,
    ),
    "for a client": (
        with_fields(purpose=Purpose.CLIENT),
        NOT_YET,
        "the device refuses the certificate: it is for a different purpose",
        "the extended key usage says what a certificate may be used for",
    ),
    "another CA": (
        lambda _: CertificateAuthority.create("Another CA").issue_server(NAMES),
        NOT_YET,
        UNKNOWN,
        TRUST,
    ),
    "another CA of this name": (
        lambda _: CertificateAuthority.create("Lab CA").issue_server(NAMES),
        NOT_YET,
        UNKNOWN,
        TRUST,
    ),
    "self-signed": (
        lambda _: self_signed("localhost", Purpose.SERVER, names=NAMES),
        NOT_YET,
        UNKNOWN,
        TRUST,
    ),
    "no authority key identifier": (
        without_key_ids,
        NOT_YET,
        "the device refuses the certificate (verify code 85)",
        "every field follows RFC 5280, section 4.2",
    ),
    "another key": (
        lambda ca: replace(ca.issue_server(NAMES), key=create_key()),
        NOT_YET,
        "the key is not the one in the certificate",
        "a certificate speaks for one key, and the backend proves that it has it",
    ),
    "CA:TRUE": (
        with_fields(is_ca=True, key_usage=["digital_signature", "key_cert_sign"]),
        NOT_YET,
        "the certificate says CA:TRUE; what it signs is refused, but for other reasons",
        LEAF,
    ),
    "every purpose": (with_fields(purpose=None), UNSAFE, CLIENT, PURPOSE),
    "both purposes": (
        with_fields(purpose=[Purpose.SERVER, Purpose.CLIENT]),
        UNSAFE,
        CLIENT,
        PURPOSE,
    ),
    "a wildcard": (
        with_names(*NAMES, "*.backend.example"),
        UNSAFE,
        "a device that asked for mallory.backend.example accepted this certificate and believed "
        + LIE,
        OTHER_NAMES,
    ),
    "a further name": (
        with_names("bank.example", *NAMES),
        UNSAFE,
        f"a device that asked for bank.example accepted this certificate and believed {LIE}",
        OTHER_NAMES,
    ),
    "a further name that no device asks for": (
        with_names(*NAMES, "*"),
        NOT_YET,
        "the certificate names '*' as well",
        OTHER_NAMES,
    ),
    "a certificate alone": (
        lambda ca: ca.certificate,
        NOT_YET,
        "you gave the check a Certificate",
        "it takes an Identity, or two file names (certfile, keyfile)",
    ),
    "no file": (
        lambda _: ("backend/server.crt", "backend/server.key"),
        NOT_YET,
        "backend/server.crt cannot be read (No such file or directory)",
        "check the name and the folder, or make the file again",
    ),
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_backend_certificate(name: str, ca: CertificateAuthority) -> None:
    make, *expected = CERTIFICATES[name]
    assert judged(checks.backend_certificate(make(ca))) == tuple(expected)


def test_a_certificate_that_can_sign(learner: Path) -> None:
    """As with a CA of many instructions, which has no path length."""
    ca = _without_path_length(CertificateAuthority.create("Lab CA"))
    Identity(ca.key, ca.certificate).save(learner / "ca", "ca")
    identity = ca.issue(
        "localhost",
        Purpose.SERVER,
        names=NAMES,
        is_ca=True,
        key_usage=["digital_signature", "key_cert_sign"],
    )
    assert judged(checks.backend_certificate(identity)) == (
        UNSAFE,
        "with the backend's key Mallory signed a certificate for bank.example, and was believed: "
        + LIE,
        LEAF,
    )


def _without_path_length(ca: CertificateAuthority) -> CertificateAuthority:
    old = ca.certificate
    builder = (
        x509.CertificateBuilder()
        .subject_name(old.subject)
        .issuer_name(old.issuer)
        .public_key(old.public_key())
        .serial_number(old.serial_number)
        .not_valid_before(old.not_valid_before_utc)
        .not_valid_after(old.not_valid_after_utc)
    )
    for extension in old.extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints):
            value = x509.BasicConstraints(ca=True, path_length=None)
        builder = builder.add_extension(value, extension.critical)
    return CertificateAuthority(ca.key, builder.sign(ca.key, hashes.SHA256()))


def test_no_ca(learner: Path, ca: CertificateAuthority) -> None:
    (learner / "ca" / "ca.key").unlink()
    assert judged(checks.backend_certificate(ca.issue_server(NAMES))) == (
        NOT_YET,
        "ca/ca.key cannot be read (No such file or directory)",
        "run the first code cell again: it makes the files",
    )


def test_backend_certificate_right(learner: Path, ca: CertificateAuthority) -> None:
    identity = ca.issue_server(NAMES)
    for thing in (identity, identity.save(learner, "server"), ["server.crt", "server.key"]):
        result = checks.backend_certificate(thing)
        assert result.right, result
        assert result.seen == (
            *(f"a strict device reaches the backend as {name}" for name in NAMES),
            "whoever takes its key cannot sign with it",
            "whoever takes its key cannot pass for a device",
            "it has no name that is not the backend's",
        )


# --- The device's context --------------------------------------------------------------------


def odd(*_: object) -> object:
    return object()


def stumbling(*_: object) -> None:
    raise KeyError("here")


def no_arguments() -> object:
    return odd()


def careful(cafile: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=cafile)


def by_hand(cafile: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile)
    return context


def for_a_server(cafile: str) -> ssl.SSLContext:
    return ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=cafile)


def no_ca(_: str) -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def another_ca(_: str) -> ssl.SSLContext:
    return careful("ca/ca.crt")


def cert_none(cafile: str) -> ssl.SSLContext:
    context = by_hand(cafile)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def any_host(cafile: str) -> ssl.SSLContext:
    context = careful(cafile)
    context.check_hostname = False
    return context


def public_cas_too(cafile: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(cafile)
    return context


def any_day(cafile: str) -> ssl.SSLContext:
    context = by_hand(cafile)
    context.verify_flags |= 0x200000  # X509_V_FLAG_NO_CHECK_TIME
    return context


def believed(shows: str) -> str:
    return f"Mallory presented {shows}, and the device believed her: {LIE}"


OWN_CA = "a certificate of her own CA"
PUBLIC_CA = "a certificate that a public CA gave her"
OTHER_HOST = "a genuine certificate, for mallory.example"
EXPIRED = "an old certificate of the backend, expired"
UNCHECKED = "without a check of the certificate, a device talks to anybody"
ONLY_ONE = "a device trusts the CA that it was given, not the operating system's as well"
HOST = "the certificate has to be for the host that the device asked for"

DEVICES: list[tuple[Callable[..., Any], Outcome, str, str]] = [
    (
        for_a_server,
        NOT_YET,
        "for_a_server returned a context for the backend's side",
        "a context is made for one side of the connection",
    ),
    (odd, NOT_YET, "odd returned an object", "it returns an ssl.SSLContext"),
    (no_ca, NOT_YET, UNKNOWN, TRUST),
    (another_ca, NOT_YET, UNKNOWN, TRUST),
    (cert_none, UNSAFE, believed(OWN_CA), UNCHECKED),
    (public_cas_too, UNSAFE, believed(PUBLIC_CA), ONLY_ONE),
    (any_host, UNSAFE, believed(OTHER_HOST), HOST),
    (any_day, UNSAFE, believed(EXPIRED), DAYS),
]


@pytest.mark.parametrize(("make", "outcome", "found", "rule"), DEVICES)
def test_device_context(make: Any, outcome: Outcome, found: str, rule: str) -> None:
    assert judged(checks.device_context(make)) == (outcome, found, rule)


@pytest.mark.parametrize("make", [careful, by_hand])
def test_device_context_right(make: Any) -> None:
    result = checks.device_context(make)
    assert result.right, result
    assert result.seen == (
        "it is a context for the device's side",
        "the device receives the secret from its backend",
        *(
            f"Mallory, who presents {what}, is refused"
            for what in (OWN_CA, PUBLIC_CA, OTHER_HOST, EXPIRED)
        ),
    )


def test_a_context_is_no_function() -> None:
    result = checks.device_context(ssl.create_default_context())
    assert judged(result) == (
        NOT_YET,
        "you gave the check a SSLContext",
        "it takes a function device_context(cafile)",
    )


# --- The backend's context -------------------------------------------------------------------


def hidden(certfile: str, keyfile: str) -> ssl.SSLContext:
    context = visible(certfile, keyfile)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def visible(certfile: str, keyfile: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certfile, keyfile)
    return context


def with_everything_old(certfile: str, keyfile: str) -> ssl.SSLContext:
    context = visible(certfile, keyfile)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    return context


def only_old(certfile: str, keyfile: str) -> ssl.SSLContext:
    context = visible(certfile, keyfile)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def for_a_client(certfile: str, keyfile: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_cert_chain(certfile, keyfile)
    return context


def no_certificate(_certfile: str, _keyfile: str) -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


def another_certificate(_certfile: str, _keyfile: str) -> ssl.SSLContext:
    return hidden("ca/ca.crt", "ca/ca.key")


def asks_for_a_certificate(certfile: str, keyfile: str) -> ssl.SSLContext:
    context = hidden(certfile, keyfile)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


EVE = "a device spoke TLS 1.2 and was served: Eve has read the backend's certificate"
ENCRYPTED = "from TLS 1.3 on, the certificate is sent encrypted: RFC 8446"
BACKENDS: list[tuple[Callable[..., Any], Outcome, str, str]] = [
    (
        for_a_client,
        NOT_YET,
        "for_a_client returned a context for the device's side",
        "a context is made for one side of the connection",
    ),
    (odd, NOT_YET, "odd returned an object", "it returns an ssl.SSLContext"),
    (
        no_certificate,
        NOT_YET,
        "the handshake fails: the backend has no certificate to present",
        "a backend presents a certificate, and proves with its key that it is its own",
    ),
    (another_certificate, NOT_YET, UNKNOWN, TRUST),
    (
        asks_for_a_certificate,
        NOT_YET,
        "the backend refuses a device without a certificate",
        "in Part 2, devices have none: the backend presents one",
    ),
    (visible, UNSAFE, EVE, ENCRYPTED),
    (only_old, UNSAFE, EVE, ENCRYPTED),
    (with_everything_old, UNSAFE, EVE, ENCRYPTED),
]


@pytest.mark.parametrize(("make", "outcome", "found", "rule"), BACKENDS)
def test_backend_context(make: Any, outcome: Outcome, found: str, rule: str) -> None:
    assert judged(checks.backend_context(make)) == (outcome, found, rule)


def test_backend_context_right() -> None:
    result = checks.backend_context(hidden)
    assert result.right, result
    assert result.seen == (
        "it is a context for the backend's side",
        "a device that trusts the CA receives the secret",
        "a device that speaks nothing newer than TLS 1.2 is refused",
        "Eve, who has recorded it all, does not find the certificate",
    )


# --- Fetch -----------------------------------------------------------------------------------


@dataclass
class Fetch:
    """The solution of the last exercise, or something near it."""

    make: Callable[[str], ssl.SSLContext] = careful
    host: str | None = None
    command: bytes = b"GET_SECRET\n"
    once: bool = False
    end_is_end: bool = False
    timeout: bool = True
    again: "Callable[[Address, str, str, float], Any] | None" = None
    suffix: str = ""
    __name__ = "fetch"

    def __call__(self, address: Address, cafile: str, host: str, timeout: float) -> Any:
        try:
            return self.ask(address, cafile, host, timeout)
        except OSError:
            if self.again is None:
                raise
            return self.again(address, cafile, host, timeout)

    def ask(self, address: Address, cafile: str, host: str, timeout: float) -> str:
        context, received = self.make(cafile), b""
        with (
            socket.create_connection(address, timeout if self.timeout else None) as raw,
            context.wrap_socket(raw, server_hostname=self.host or host) as tls,
        ):
            tls.sendall(self.command)
            while not received.endswith(b"\n") and not (self.once and received):
                data = tls.recv(1024)
                if not data and self.end_is_end:
                    break
                if not data:
                    raise ConnectionError
                received += data
        return received.decode().rstrip("\n") + self.suffix


def in_plain(address: Address, _cafile: str, _host: str, timeout: float) -> str:
    with (
        socket.create_connection(address, timeout) as connection,
        connection.makefile("rb") as lines,
    ):
        connection.sendall(b"GET_SECRET\n")
        return lines.readline().decode().rstrip("\n")


def never_closes(address: Address, cafile: str, host: str, timeout: float) -> str:
    raw = socket.create_connection(address, timeout)
    tls = careful(cafile).wrap_socket(raw, server_hostname=host)
    tls.sendall(b"GET_SECRET\n")
    return tls.recv(1024).decode().rstrip("\n")


def looks_afterwards(address: Address, cafile: str, host: str, timeout: float) -> str:
    """It compares with the CA by hand, after it has asked."""
    reply = Fetch(cert_none).ask(address, cafile, host, timeout)
    Fetch(careful).ask(address, cafile, host, timeout)
    return reply


def nothing_on_error(*_: object) -> None:
    return None


REFUSE = "a backend that does not prove who it is gets no command, and an error is raised"
STREAM = "a socket carries bytes, and in a stream: encode, collect up to the line end, then decode"


def fooled(shows: str) -> str:
    return f"Mallory presented {shows}, and fetch returned {LIE} as the secret"


FETCHES: dict[str, tuple[Any, Outcome, str, str]] = {
    "no CA": (
        Fetch(no_ca),
        NOT_YET,
        "fetch refuses the backend",
        "the backend is backend.example, with a certificate of the CA in cafile",
    ),
    "a fixed name": (
        Fetch(host="localhost"),
        NOT_YET,
        "fetch refuses the backend (verify code 62)",
        "the backend is backend.example, with a certificate of the CA in cafile",
    ),
    "newline left on": (
        Fetch(suffix="\n"),
        NOT_YET,
        "fetch returned 'the moon is full\\n'",
        "the newline ends the line, and is not part of it",
    ),
    "another command": (
        Fetch(command=b"PING\n"),
        NOT_YET,
        "fetch returned 'PONG', and the reply is 'the moon is full'",
        STREAM,
    ),
    "one recv": (
        Fetch(once=True),
        NOT_YET,
        "fetch returned 'the mo', and the reply is 'the moon is full'",
        STREAM,
    ),
    "plain TCP": (
        in_plain,
        NOT_YET,
        "in_plain spoke plain TCP to a backend that speaks TLS",
        "TLS begins with a handshake, and nothing is said before it",
    ),
    "never closes": (
        never_closes,
        NOT_YET,
        "never_closes leaves its socket open",
        "whoever opens a socket closes it, whatever happens: `with` does that, for the "
        "socket and for a file that `makefile` makes of it",
    ),
    "another type": (
        odd,
        NOT_YET,
        "odd returned an object, and the reply is 'the moon is full'",
        STREAM,
    ),
    "no check": (Fetch(cert_none), UNSAFE, fooled(OWN_CA), UNCHECKED),
    "public CAs too": (Fetch(public_cas_too), UNSAFE, fooled(PUBLIC_CA), ONLY_ONE),
    "any host": (Fetch(any_host), UNSAFE, fooled(OTHER_HOST), HOST),
    "any day": (Fetch(any_day), UNSAFE, fooled(EXPIRED), DAYS),
    "again without a check": (
        Fetch(again=Fetch(cert_none)),
        UNSAFE,
        fooled(OWN_CA),
        UNCHECKED,
    ),
    "a check after the command": (
        looks_afterwards,
        UNSAFE,
        f"Mallory presented {OWN_CA}, and has read 'GET_SECRET'",
        REFUSE,
    ),
    "again in plain TCP": (
        Fetch(again=in_plain),
        UNSAFE,
        "Mallory hung up on TLS, was asked again without it, and read b'GET_SECRET\\n'",
        "what TLS refuses must never be sent without it",
    ),
    "an error hidden": (
        Fetch(again=nothing_on_error),
        NOT_YET,
        "Mallory hung up on TLS, and fetch returned None",
        REFUSE,
    ),
    "half is whole": (
        Fetch(end_is_end=True),
        UNSAFE,
        "Mallory cut the reply in the middle, and fetch returned 'the mo' as the secret",
        "an end without a line end may be Mallory's cut: it is an error",
    ),
    "no time-out": (
        Fetch(timeout=False),
        NOT_YET,
        "the backend said nothing, and with a time-out of 0.3 s fetch waited on, until it was"
        " stopped",
        "a time-out holds from the first step on, in the handshake too",
    ),
    "no function": (
        "fetch",
        NOT_YET,
        "you gave the check a str",
        "it takes a function fetch(address, cafile, server_hostname, timeout)",
    ),
}


# Who is stopped inside of wrap_socket leaves the socket to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed <ssl:ResourceWarning")
@pytest.mark.parametrize("name", FETCHES)
def test_fetch(hurry: Hurry, name: str) -> None:
    function, outcome, found, rule = FETCHES[name]
    if name == "no time-out":
        function = hurry(function, len(checks.fetch(Fetch()).seen) - 1)
    result = checks.fetch(function)
    assert (result.outcome, result.rule) == (outcome, rule), result
    assert result.found.startswith(found), result


def test_fetch_right() -> None:
    result = checks.fetch(Fetch())
    assert result.right, result
    assert result.seen == (
        "the device receives the secret from backend.example",
        "a reply that arrives in three records is put together",
        "Mallory, who hangs up on TLS, is not asked again without it",
        *(
            f"Mallory, who presents {what}, learns nothing"
            for what in (OWN_CA, PUBLIC_CA, OTHER_HOST, EXPIRED)
        ),
        "Mallory cuts the reply in the middle, and that is an error",
        "a backend that accepts and then says nothing is given up after the time-out",
    )


# --- Odd and untouched -----------------------------------------------------------------------

CHECKS: list[Callable[[object], Result]] = [
    checks.device_context,
    checks.backend_context,
    checks.fetch,
]


@pytest.mark.parametrize("check", CHECKS)
def test_functions_that_raise(check: Callable[[object], Result]) -> None:
    assert check(stumbling).found.startswith("stumbling raised KeyError: 'here'")
    told = "no_arguments raised TypeError: no_arguments() takes 0 positional arguments but "
    assert check(no_arguments).found.startswith(told)


@pytest.mark.parametrize("check", CHECKS)
def test_functions_that_never_return(check: Callable[[object], Result], hurry: Hurry) -> None:
    def forever(*_: object) -> None:
        while True:
            pass

    assert check(hurry(forever, 0)).found == "forever had not returned after 1 s, and was stopped"


def open_function(*_: object) -> object:
    return ...


@pytest.mark.parametrize("check", CHECKS)
def test_untouched(check: Callable[[object], Result]) -> None:
    assert judged(check(open_function)) == (Outcome.NOT_ATTEMPTED, "", "")


def test_untouched_certificate() -> None:
    assert judged(checks.backend_certificate(...)) == (Outcome.NOT_ATTEMPTED, "", "")


def test_the_host_is_no_name_of_this_machine() -> None:
    """A device that asks for the address, or for localhost, is found out."""
    assert tls_fetch.HOST not in ("localhost", "127.0.0.1")

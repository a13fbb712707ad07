"""The exercises of Part 2: untouched, wrong in every way that a check knows, unsafe, and right.

Here: what each check finds. Not here: the solutions of the notebook (tests/notebooks), and what
all checks share (test_judging.py).
"""

import os
import socket
import ssl
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from mtls_lab import CertificateAuthority, checks
from mtls_lab.exercises import Outcome, Result
from mtls_lab.exercises.part2 import fetch as tls_fetch
from mtls_lab.exercises.peers import server_context, strict_device
from mtls_lab.net import Address, Backend, ask
from mtls_lab.pki import Identity, Purpose, create_key, pem, self_signed
from mtls_lab.pki.public import VARIABLE
from tests.unit.exercises.conftest import Hurry
from tests.unit.exercises.verdicts import Attempts, Hold, logs_keys, named, takes_proxies
from tests.unit.failures import CA, LEAF, SERVER, Keyed, aki, certify

NOT_YET, UNSAFE, RIGHT = Outcome.NOT_YET, Outcome.UNSAFE, Outcome.RIGHT
NAMES = ["backend.example", "localhost", "127.0.0.1"]


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


def signed(
    ca: CertificateAuthority, names: list[x509.GeneralName], names_key: Keyed | None = None
) -> Identity:
    """A leaf with the names as they are, which says that the CA, or another key, has signed it."""
    key, san = create_key(), (x509.SubjectAlternativeName(names), True)
    signer = aki(names_key or ca.key)
    made = certify(x509.Name([]), key, ca.certificate.subject, ca.key, san, signer)
    return Identity(key, made)


def with_names(*names: str) -> Callable[[CertificateAuthority], Identity]:
    return lambda ca: ca.issue_server(names)


def with_fields(**fields: Any) -> Callable[[CertificateAuthority], Identity]:
    options = {"purpose": Purpose.SERVER, "names": NAMES, **fields}
    return lambda ca: ca.issue("localhost", **options)


#: Which no certificate of the lab has, so there is no Purpose for it.
ANY = SimpleNamespace(value=ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
OCSP = SimpleNamespace(value=ExtendedKeyUsageOID.OCSP_SIGNING)
CERTIFICATES: Attempts = {
    "no backend.example": (with_names("localhost", "127.0.0.1"), NOT_YET),
    "no address": (with_names("backend.example", "localhost"), NOT_YET),
    "no SAN": (lambda ca: ca.issue("backend.example", Purpose.SERVER), NOT_YET),
    "address as DNS name": (as_dns_name, NOT_YET),
    "expired": (with_fields(valid_days=(-30, -1)), NOT_YET),
    "not yet valid": (with_fields(valid_days=(1, 30)), NOT_YET),
    "for a client": (with_fields(purpose=Purpose.CLIENT), NOT_YET),
    "another CA": (
        lambda _: CertificateAuthority.create("Another CA").issue_server(NAMES),
        NOT_YET,
    ),
    "another CA of this name": (
        lambda _: CertificateAuthority.create("Lab CA").issue_server(NAMES),
        NOT_YET,
    ),
    "a URL": (lambda ca: ca.issue_server([f"https://{NAMES[0]}", *NAMES[1:]]), NOT_YET),
    "self-signed": (lambda _: self_signed("localhost", Purpose.SERVER, names=NAMES), NOT_YET),
    "no authority key identifier": (without_key_ids, NOT_YET),
    "another key's identifier": (
        lambda ca: signed(ca, [x509.DNSName(name) for name in NAMES], create_key()),
        NOT_YET,
    ),
    "another key": (lambda ca: replace(ca.issue_server(NAMES), key=create_key()), NOT_YET),
    "CA:TRUE": (with_fields(is_ca=True, key_usage=["digital_signature", "key_cert_sign"]), NOT_YET),
    "every purpose": (with_fields(purpose=None), UNSAFE),
    "both purposes": (with_fields(purpose=[Purpose.SERVER, Purpose.CLIENT]), UNSAFE),
    "any purpose too": (with_fields(purpose=[Purpose.SERVER, ANY]), UNSAFE),
    "another purpose too": (with_fields(purpose=[Purpose.SERVER, OCSP]), NOT_YET),
    "the CA's own key": (lambda ca: with_fields(key=ca.key)(ca), UNSAFE),
    "keyEncipherment": (with_fields(key_usage=["key_encipherment"]), NOT_YET),
    "keyCertSign": (with_fields(key_usage=["digital_signature", "key_cert_sign"]), NOT_YET),
    "CA:TRUE without key usage": (with_fields(is_ca=True, key_usage=None), NOT_YET),
    "a wildcard": (with_names(*NAMES, "*.backend.example"), UNSAFE),
    "a further name": (with_names("bank.example", *NAMES), UNSAFE),
    "a wildcard for every name": (with_names(*NAMES, "*"), UNSAFE),
    "a wildcard for a whole domain": (with_names(*NAMES, "*.example"), UNSAFE),
    "another address": (with_names(*NAMES, "127.0.0.2"), UNSAFE),
    "capitals": (with_names("Backend.Example", "LOCALHOST", "127.0.0.1"), RIGHT),
    "a certificate alone": (lambda ca: ca.certificate, NOT_YET),
    "no file": (lambda _: ("backend/server.crt", "backend/server.key"), NOT_YET),
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_backend_certificate(hold: Hold, name: str, ca: CertificateAuthority) -> None:
    make, outcome = CERTIFICATES[name]
    hold(checks.backend_certificate(make(ca)), outcome)


def test_a_certificate_that_can_sign(hold: Hold, learner: Path) -> None:
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
    hold(checks.backend_certificate(identity), UNSAFE)


def _without_path_length(ca: CertificateAuthority) -> CertificateAuthority:
    name, basic = ca.certificate.subject, x509.BasicConstraints.oid
    kept = [(each.value, each.critical) for each in ca.certificate.extensions if each.oid != basic]
    return CertificateAuthority(ca.key, certify(name, ca.key, name, ca.key, CA, *kept))


def test_no_ca(hold: Hold, learner: Path, ca: CertificateAuthority) -> None:
    (learner / "ca" / "ca.key").unlink()
    hold(checks.backend_certificate(ca.issue_server(NAMES)), NOT_YET)


def handmade(
    ca: CertificateAuthority,
    folder: Path,
    key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey,
    *,
    is_ca: bool = False,
) -> list[str]:
    """Sign as instructions of the web do, for a key that they make: two file names."""
    names = [
        x509.DNSName("backend.example"),
        x509.DNSName("localhost"),
        x509.IPAddress(ip_address("127.0.0.1")),
    ]
    extensions = (CA if is_ca else LEAF, SERVER, (x509.SubjectAlternativeName(names), True))
    issuer = ca.certificate.subject
    made = certify(x509.Name([]), key, issuer, ca.key, *extensions, aki(ca.key))
    pem.write_certificate(folder / "own.crt", made)
    pem.write_key(folder / "own.key", key)
    return ["own.crt", "own.key"]


HANDMADE: dict[str, tuple[Any, bool, Outcome]] = {
    "RSA 2048": (lambda: rsa.generate_private_key(65537, 2048), False, RIGHT),
    "Ed25519": (ed25519.Ed25519PrivateKey.generate, False, RIGHT),
    "RSA 1024": (lambda: rsa.generate_private_key(65537, 1024), False, NOT_YET),  # noqa: S505 - that is the point
    "RSA 2048, CA:TRUE": (lambda: rsa.generate_private_key(65537, 2048), True, NOT_YET),
    "Ed25519, CA:TRUE": (ed25519.Ed25519PrivateKey.generate, True, NOT_YET),
}


@pytest.mark.parametrize("name", HANDMADE)
def test_backend_certificate_by_hand(
    hold: Hold, learner: Path, ca: CertificateAuthority, name: str
) -> None:
    make, is_ca, outcome = HANDMADE[name]
    hold(checks.backend_certificate(handmade(ca, learner, make(), is_ca=is_ca)), outcome)


@pytest.mark.parametrize("handed_in", ["an identity", "a tuple of files", "a list of files"])
def test_backend_certificate_right(
    hold: Hold, learner: Path, ca: CertificateAuthority, handed_in: str
) -> None:
    identity = ca.issue_server(NAMES)
    files = identity.save(learner, "server")
    things = {
        "an identity": identity,
        "a tuple of files": files,
        "a list of files": ["server.crt", "server.key"],
    }
    hold(checks.backend_certificate(things[handed_in]), RIGHT)


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


def cert_none_first(cafile: str) -> ssl.SSLContext:
    context = by_hand(cafile)
    context.verify_mode = ssl.CERT_NONE
    return context


def nearly_a_setting(cafile: str) -> ssl.SSLContext:
    context = careful(cafile)
    context.minimal_version = ssl.TLSVersion.TLSv1_3  # type: ignore[attr-defined]
    return context


def misspelled(cafile: str) -> ssl.SSLContext:
    return by_hand(cafile).load_verify_location(cafile)  # type: ignore[attr-defined,no-any-return]


def any_host(cafile: str) -> ssl.SSLContext:
    context = careful(cafile)
    context.check_hostname = False
    return context


def public_cas_too(cafile: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(cafile)
    return context


def another_file(_cafile: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile="device/server_ca.pm")


def any_day(cafile: str) -> ssl.SSLContext:
    context = by_hand(cafile)
    context.verify_flags |= 0x200000  # X509_V_FLAG_NO_CHECK_TIME
    return context


def weakly(
    ciphers: str, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
) -> Callable[[str], ssl.SSLContext]:
    """As an answer on the web to a handshake that fails."""

    def weak(cafile: str) -> ssl.SSLContext:
        context = careful(cafile)
        context.set_ciphers(ciphers)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = version
        return context

    return weak


def one_more_ca(cafile: str) -> ssl.SSLContext:
    """As with a bundle of CAs from a package, which no environment variable moves."""
    context = careful(cafile)
    context.load_verify_locations("ca/ca.crt")
    return context


DEVICES: Attempts = {
    **named(NOT_YET, for_a_server, odd, no_ca, another_ca, another_file),
    **named(NOT_YET, cert_none_first, misspelled, nearly_a_setting),
    **named(UNSAFE, cert_none, public_cas_too, any_host, any_day),
    "ALL:@SECLEVEL=0": (weakly("ALL:@SECLEVEL=0"), UNSAFE),
    "ALL:eNULL:@SECLEVEL=0": (weakly("ALL:eNULL:@SECLEVEL=0"), UNSAFE),
    "aNULL:DEFAULT:@SECLEVEL=0": (weakly("aNULL:DEFAULT:@SECLEVEL=0"), UNSAFE),
    "DEFAULT:@SECLEVEL=0": (weakly("DEFAULT:@SECLEVEL=0"), UNSAFE),
    "DEFAULT:@SECLEVEL=1": (weakly("DEFAULT:@SECLEVEL=1"), UNSAFE),
    "DEFAULT:eNULL:!aNULL:@SECLEVEL=0": (weakly("DEFAULT:eNULL:!aNULL:@SECLEVEL=0"), UNSAFE),
    **named(UNSAFE, one_more_ca),
    "a log of keys": (logs_keys(careful), UNSAFE),
    "proxy certificates": (takes_proxies(careful), UNSAFE),
    "no function": (ssl.create_default_context(), NOT_YET),
    **named(RIGHT, careful, by_hand),
}


@pytest.mark.parametrize("name", DEVICES)
def test_device_context(hold: Hold, name: str) -> None:
    make, outcome = DEVICES[name]
    hold(checks.device_context(make), outcome)


#: ProxyCertInfo (RFC 3820, section 3.8): another certificate below it, with all rights.
PROXY = x509.UnrecognizedExtension(
    x509.ObjectIdentifier("1.3.6.1.5.5.7.1.14"), bytes.fromhex("300c300a06082b06010505071501")
)


def proxy(signer: Identity, name: str) -> Identity:
    """What somebody with a certificate signs for itself, under a further name."""
    further = x509.NameAttribute(x509.NameOID.COMMON_NAME, name)
    subject = x509.Name([*signer.certificate.subject, further])
    key, signs = create_key(), signer.certificate.subject
    made = certify(subject, key, signs, signer.key, (PROXY, True), aki(signer.key))
    return Identity(key, made, (signer.certificate,))


@pytest.mark.parametrize("takes", [False, True])
def test_whoever_has_a_certificate_signs_proxy_certificates(
    *, takes: bool, ca: CertificateAuthority
) -> None:
    """What the rule says: Mallory's certificate for her own host makes one for localhost, and a
    device's one that the backend takes for the device's."""
    pem.write_certificate(cafile := Path("ca.pem"), ca.certificate)
    device = (takes_proxies(careful) if takes else careful)(str(cafile))
    mallory = proxy(ca.issue_server(["mallory.example"]), "localhost")
    with Backend(server_context(mallory), secret="a lie") as impostor:
        assert ask("GET_SECRET", impostor, context=device).ok == takes
    own = server_context(ca.issue_server(["localhost"]), client_ca=ca.certificate)
    own.verify_flags |= ssl.VERIFY_ALLOW_PROXY_CERTS if takes else own.verify_flags
    child = strict_device(ca.certificate, proxy(ca.issue_client("device-07"), "device-08"))
    with Backend(own) as backend:
        assert ask("GET_SECRET", backend, context=child).ok == takes


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


def nothing_but_old(certfile: str, keyfile: str) -> ssl.SSLContext:
    """It refuses TLS 1.2, and speaks TLS 1.1 with whoever does."""
    context = visible(certfile, keyfile)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.options |= ssl.OP_NO_TLSv1_2
    return context


def for_a_client(certfile: str, keyfile: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_cert_chain(certfile, keyfile)
    return context


def no_certificate(_certfile: str, _keyfile: str) -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


def no_certificate_for_tls_1_3(_certfile: str, _keyfile: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def another_certificate(_certfile: str, _keyfile: str) -> ssl.SSLContext:
    return hidden("ca/ca.crt", "ca/ca.key")


def asks_for_a_certificate(certfile: str, keyfile: str) -> ssl.SSLContext:
    context = hidden(certfile, keyfile)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


BACKENDS: Attempts = {
    **named(
        NOT_YET, for_a_client, odd, no_certificate, another_certificate, asks_for_a_certificate
    ),
    **named(NOT_YET, no_certificate_for_tls_1_3),
    **named(UNSAFE, visible, only_old, with_everything_old, nothing_but_old),
    "a log of keys": (logs_keys(hidden), UNSAFE),
    **named(RIGHT, hidden),
}


@pytest.mark.parametrize("name", BACKENDS)
def test_backend_context(hold: Hold, name: str) -> None:
    make, outcome = BACKENDS[name]
    hold(checks.backend_context(make), outcome)


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
    errors: str = "strict"
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
        return received.decode("utf-8", self.errors).rstrip("\n") + self.suffix


def in_plain(address: Address, _cafile: str, _host: str, timeout: float) -> str:
    with (
        socket.create_connection(address, timeout) as connection,
        connection.makefile("rb") as lines,
    ):
        connection.sendall(b"GET_SECRET\n")
        return lines.readline().decode().rstrip("\n")


def takes_blanks_away(address: Address, cafile: str, host: str, timeout: float) -> str:
    return Fetch(careful).ask(address, cafile, host, timeout).strip()


def as_a_file_of_text(address: Address, cafile: str, host: str, timeout: float) -> str:
    with (
        socket.create_connection(address, timeout) as raw,
        careful(cafile).wrap_socket(raw, server_hostname=host) as tls,
        tls.makefile("r", encoding="utf-8") as lines,
    ):
        tls.sendall(b"GET_SECRET\n")
        line = lines.readline()
    if not line.endswith("\n"):
        raise ConnectionError("half a line")
    return line[:-1]


def told_of_cuts(address: Address, cafile: str, host: str, timeout: float) -> str:
    with (
        socket.create_connection(address, timeout) as raw,
        careful(cafile).wrap_socket(raw, server_hostname=host, suppress_ragged_eofs=False) as tls,
    ):
        tls.sendall(b"GET_SECRET\n")
        received = b""
        while not received.endswith(b"\n") and (data := tls.recv(1024)):
            received += data
    return received.decode().rstrip("\n")


def never_closes(address: Address, cafile: str, host: str, timeout: float) -> str:
    raw = socket.create_connection(address, timeout)
    tls = careful(cafile).wrap_socket(raw, server_hostname=host)
    tls.sendall(b"GET_SECRET\n")
    return tls.recv(1024).decode().rstrip("\n")


def closes_if_all_goes_well(address: Address, cafile: str, host: str, timeout: float) -> str:
    raw = socket.create_connection(address, timeout)
    tls = careful(cafile).wrap_socket(raw, server_hostname=host)
    tls.sendall(b"GET_SECRET\n")
    received = b""
    while not received.endswith(b"\n"):
        data = tls.recv(1024)
        if not data:
            raise ConnectionError
        received += data
    tls.close()
    return received.decode().rstrip("\n")


def looks_afterwards(address: Address, cafile: str, host: str, timeout: float) -> str:
    """It compares with the CA by hand, after it has asked."""
    reply = Fetch(cert_none).ask(address, cafile, host, timeout)
    Fetch(careful).ask(address, cafile, host, timeout)
    return reply


def secret_of(tls: ssl.SSLSocket) -> str:
    """Ask, and return the whole line of the answer."""
    tls.sendall(b"GET_SECRET\n")
    with tls.makefile("rb") as lines:
        line = lines.readline()
    if not line.endswith(b"\n"):
        raise ConnectionError("half a line")
    return line.decode().rstrip("\n")


def compares_names(
    is_right: Callable[[dict[str, Any], str], bool],
) -> Callable[[Address, str, str, float], str]:
    """It compares the name by hand, before it asks."""

    def fetch(address: Address, cafile: str, host: str, timeout: float) -> str:
        context = any_host(cafile)
        with (
            socket.create_connection(address, timeout) as raw,
            context.wrap_socket(raw, server_hostname=host) as tls,
        ):
            if not is_right(tls.getpeercert() or {}, host):
                raise ConnectionError("another name")
            return secret_of(tls)

    return fetch


def keeps_the_first() -> Callable[[Address, str, str, float], str]:
    """As ssh does it: the first certificate of a host is kept, and every other refused."""
    kept: dict[str, bytes | None] = {}

    def fetch(address: Address, cafile: str, host: str, timeout: float) -> str:
        with (
            socket.create_connection(address, timeout) as raw,
            cert_none(cafile).wrap_socket(raw, server_hostname=host) as tls,
        ):
            presented = tls.getpeercert(binary_form=True)
            if kept.setdefault(host, presented) != presented:
                raise ConnectionError("another certificate")
            return secret_of(tls)

    return fetch


def to_the_end_of_the_stream(address: Address, cafile: str, host: str, timeout: float) -> str:
    """It gives up early, so that nobody has to wait for it."""
    with (
        socket.create_connection(address, timeout / 20) as raw,
        careful(cafile).wrap_socket(raw, server_hostname=host) as tls,
    ):
        tls.sendall(b"GET_SECRET\n")
        return tls.makefile("rb").read().decode()


def nothing_on_error(*_: object) -> None:
    return None


FETCHES: Attempts = {
    "no CA": (Fetch(no_ca), NOT_YET),
    "a fixed name": (Fetch(host="localhost"), NOT_YET),
    "newline left on": (Fetch(suffix="\n"), NOT_YET),
    "strip": (takes_blanks_away, NOT_YET),
    **named(NOT_YET, as_a_file_of_text),
    "no newline": (Fetch(command=b"GET_SECRET"), NOT_YET),
    **named(NOT_YET, to_the_end_of_the_stream),
    "another command": (Fetch(command=b"PING\n"), NOT_YET),
    "more than a command": (Fetch(command=b"GET_SECRET\nand more"), NOT_YET),
    "one recv": (Fetch(once=True), NOT_YET),
    "plain TCP": (in_plain, NOT_YET),
    "never closes": (never_closes, NOT_YET),
    "closed only if all goes well": (closes_if_all_goes_well, NOT_YET),
    "any cipher": (Fetch(weakly("ALL:@SECLEVEL=0")), UNSAFE),
    "a short key": (Fetch(weakly("DEFAULT:@SECLEVEL=0")), UNSAFE),
    "another type": (odd, NOT_YET),
    "no check": (Fetch(cert_none), UNSAFE),
    "public CAs too": (Fetch(public_cas_too), UNSAFE),
    "any host": (Fetch(any_host), UNSAFE),
    "part of the name": (compares_names(lambda shown, host: host in str(shown)), UNSAFE),
    "the end of a name": (
        compares_names(
            lambda shown, host: any(name.endswith(host) for _, name in shown["subjectAltName"])
        ),
        UNSAFE,
    ),
    "the common name": (
        compares_names(lambda shown, host: shown["subject"] == ((("commonName", host),),)),
        UNSAFE,
    ),
    "the first one": (keeps_the_first(), UNSAFE),
    "one of the names": (
        compares_names(lambda shown, host: ("DNS", host) in shown["subjectAltName"]),
        RIGHT,
    ),
    "any day": (Fetch(any_day), UNSAFE),
    "again without a check": (Fetch(again=Fetch(cert_none)), UNSAFE),
    "a check after the command": (looks_afterwards, UNSAFE),
    "again in plain TCP": (Fetch(again=in_plain), UNSAFE),
    "an error hidden": (Fetch(again=nothing_on_error), NOT_YET),
    "what is no text is left out": (Fetch(errors="ignore"), UNSAFE),
    "half is whole": (Fetch(end_is_end=True), UNSAFE),
    "no time-out": (Fetch(timeout=False), NOT_YET),
    "no function": ("fetch", NOT_YET),
    "right": (Fetch(), RIGHT),
}
if sys.version_info >= (3, 11, 4):  # before that, Python tells no cut from an honest end
    FETCHES["an honest end is an end"] = (told_of_cuts, UNSAFE)


# Who is stopped inside of wrap_socket leaves the socket to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed <ssl:ResourceWarning")
@pytest.mark.parametrize("name", FETCHES)
def test_fetch(hurry: Hurry, hold: Hold, name: str) -> None:
    function, outcome = FETCHES[name]
    if name == "no newline":
        function = hurry(function, 0)
    if name == "no time-out":
        function = hurry(function, len(checks.fetch(Fetch()).seen) - 1)
    hold(checks.fetch(function), outcome)


# --- Odd and untouched -----------------------------------------------------------------------

CHECKS: list[Callable[[object], Result]] = [
    checks.device_context,
    checks.backend_context,
    checks.fetch,
]


@pytest.mark.parametrize("check", CHECKS)
def test_a_function_that_raises(check: Callable[[object], Result], hold: Hold) -> None:
    hold(check(stumbling), NOT_YET)


@pytest.mark.parametrize("check", CHECKS)
def test_a_function_of_other_arguments(check: Callable[[object], Result], hold: Hold) -> None:
    hold(check(no_arguments), NOT_YET)


@pytest.mark.parametrize("check", CHECKS)
def test_a_function_that_never_returns(
    check: Callable[[object], Result], hurry: Hurry, hold: Hold
) -> None:
    def forever(*_: object) -> None:
        while True:
            time.sleep(0.01)

    hold(check(hurry(forever, 0)), NOT_YET)


def open_function(*_: object) -> object:
    return ...


@pytest.mark.parametrize("check", CHECKS)
def test_untouched(check: Callable[[object], Result]) -> None:
    assert check(open_function).outcome is Outcome.NOT_ATTEMPTED


def test_untouched_certificate() -> None:
    assert checks.backend_certificate(...).outcome is Outcome.NOT_ATTEMPTED


def test_the_host_is_no_name_of_this_machine() -> None:
    """A device that asks for the address, or for localhost, is found out."""
    assert tls_fetch.HOST not in ("localhost", "127.0.0.1")

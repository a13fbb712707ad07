"""The exercises of Part 3: every way to be right, wrong or unsafe that their checks know. Not here:
the solutions in the notebook (tests/notebooks/test_solutions.py)."""

import gc
import re
import socket
import ssl
import warnings
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from mtls_lab import CertificateAuthority, Exchange, checks
from mtls_lab.exercises import Outcome, call
from mtls_lab.exercises.judging import Check
from mtls_lab.facts import MARKER
from mtls_lab.learner import enter
from mtls_lab.net import Backend, forbid_resumption, server_context
from mtls_lab.pki import Purpose, create_key, pem
from mtls_lab.pki.leaf import LEAF_KEY_USAGE

CHECKS: dict[str, Check] = {
    "mutual_device": checks.mutual_device,
    "mutual_backend": checks.mutual_backend,
    "device_certificate": checks.device_certificate,
    "authorize": checks.authorize,
    "hardened_backend": checks.hardened_backend,
    "trusted_backend": checks.trusted_backend,
    "is_served": checks.is_served,
    "diagnose": checks.diagnose,
}
NOT_YET, UNSAFE = Outcome.NOT_YET, Outcome.UNSAFE
SECRET = "'the moon is full'"
#: Of `call`: how long a learner's function may take stands there.
DEFAULTS: dict[str, Any] = call.__kwdefaults__ or {}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A learner's folder as the notebook's first cell leaves it."""
    (tmp_path / MARKER).write_text("{}")
    monkeypatch.chdir(tmp_path)
    enter(4)
    ca = CertificateAuthority.load("ca/ca.crt", "ca/ca.key")
    lost = ca.issue_client("trusted-client")
    lost.save("device", "lost")
    ca.revoke(lost.certificate)
    pem.write_crl("backend/client_ca.crl", ca.crl())
    return tmp_path


def told(check: Check, thing: object) -> tuple[Outcome, str]:
    """The outcome and the sentence; a sentence always has its rule."""
    result = check(thing)
    assert bool(result.found) == bool(result.rule)
    assert result.rule not in result.seen
    return result.outcome, result.found


# --- What any of them may get ---


@pytest.fixture(params=CHECKS)
def check(request: pytest.FixtureRequest) -> Check:
    return CHECKS[request.param]


def untouched(*_: object) -> object:
    return ...


def stumble(*_: object) -> None:
    raise LookupError("the reason")


def forever(*_: object) -> None:
    while True:
        pass


@pytest.mark.parametrize("thing", [..., untouched])
def test_not_attempted(check: Check, thing: object) -> None:
    assert check(thing).outcome is Outcome.NOT_ATTEMPTED


@pytest.mark.parametrize("thing", ["text", None, 7])
def test_no_function(check: Check, thing: object) -> None:
    result = check(thing)
    assert result.outcome is NOT_YET
    assert result.found.startswith("you gave the check ")
    assert result.rule.startswith("it takes a function ")


def test_a_function_that_raises(check: Check) -> None:
    outcome, found = told(check, stumble)
    line = stumble.__code__.co_firstlineno + 1
    assert outcome is NOT_YET
    assert found.endswith(f"stumble raised LookupError: the reason (line {line} of its cell)")


def test_a_function_that_never_returns(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEFAULTS, "limit", 0.2)
    found = "forever had not returned after 0.2 s, and was stopped"
    assert told(check, forever) == (NOT_YET, found)


def test_a_function_of_other_arguments(check: Check) -> None:
    outcome, found = told(check, lambda *, key: key)
    assert outcome is NOT_YET
    assert "<lambda> raised TypeError: " in found


def test_it_is_an_exercise_of_part_3() -> None:
    part_3 = [each.name for each in checks.EXERCISES if each.part == 3]
    assert part_3 == list(CHECKS)  # in the notebook's order


# --- The device proves itself ---


def device_context(folder: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=folder / "server_ca.pem")
    context.load_cert_chain(folder / "client.crt", folder / "client.key")
    return context


def device_without_certificate(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=folder / "server_ca.pem")


def device_with_another_key(folder: Path) -> ssl.SSLContext:
    pem.write_key(folder / "client.key", create_key())
    return device_context(folder)


def device_without_ca(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(folder / "client.crt", folder / "client.key")
    return context


def device_as_server(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "client.crt", folder / "client.key")
    return context


def self_made_device(folder: Path) -> ssl.SSLContext:
    own = CertificateAuthority.create("My CA").issue_client("trusted-client")
    own.save(folder, "client")
    return device_context(folder)


def device_that_believes_everybody(folder: Path) -> ssl.SSLContext:
    context = device_context(folder)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def device_that_compares_no_name(folder: Path) -> ssl.SSLContext:
    context = device_context(folder)
    context.check_hostname = False
    return context


def device_that_trusts_public_cas(folder: Path) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=folder / "server_ca.pem")
    context.load_cert_chain(folder / "client.crt", folder / "client.key")
    return context


def device_that_prints(folder: Path) -> ssl.SSLContext:
    print("made of", len(list(folder.iterdir())), "files")  # noqa: T201 - as a learner does
    return device_context(folder)


def weak(context: ssl.SSLContext, ciphers: str, *, old: bool = False) -> ssl.SSLContext:
    """As an answer on the web to a handshake that fails."""
    context.set_ciphers(ciphers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        # Debian's Python has no floor of its own, only the security level that is now gone.
        context.minimum_version = ssl.TLSVersion.TLSv1 if old else ssl.TLSVersion.TLSv1_2
    return context


def one_more_ca(context: ssl.SSLContext, folder: Path) -> ssl.SSLContext:
    """As with a bundle of CAs from a package."""
    pem.write_certificate(folder / "more.pem", CertificateAuthority.create("More CA").certificate)
    context.load_verify_locations(folder / "more.pem")
    return context


ANY_CIPHER, NULL_TOO = "ALL:@SECLEVEL=0", "ALL:eNULL:@SECLEVEL=0"
OTHER_CAS = "the context trusts other CAs as well: 1, such as CN=More CA"
READ = f"was served, and Eve has read {SECRET}"
HEARD = "read the command, and answered 'the cave is empty'"
CLIENT_AND_SERVER = "the side that connects is the client, the side that accepts is the server"


@pytest.mark.parametrize(
    ("function", "outcome", "found"),
    [
        (
            device_without_certificate,
            NOT_YET,
            "the backend asks for a certificate, and the device has none",
        ),
        (
            device_without_ca,
            NOT_YET,
            "the device refuses the backend's certificate: it comes from a CA that is"
            " not trusted there",
        ),
        (
            self_made_device,
            NOT_YET,
            "the backend refuses the device's certificate: it comes from a CA that is"
            " not trusted there",
        ),
        (device_as_server, NOT_YET, "this is not a context for a client"),
        (lambda folder: folder.suffix, NOT_YET, "<lambda> returned ''"),
        (
            device_that_believes_everybody,
            UNSAFE,
            f"Mallory presented a certificate of her own CA, {HEARD}",
        ),
        (
            device_that_trusts_public_cas,
            UNSAFE,
            f"Mallory presented a certificate that a public CA gave her, {HEARD}",
        ),
        (
            device_that_compares_no_name,
            UNSAFE,
            f"Mallory presented a genuine certificate, for mallory.example, {HEARD}",
        ),
        (
            lambda folder: weak(device_context(folder), ANY_CIPHER),
            UNSAFE,
            f"Mallory presented no certificate at all, {HEARD}",
        ),
        (
            lambda folder: weak(device_context(folder), "DEFAULT:@SECLEVEL=1"),
            UNSAFE,
            "Mallory presented an old certificate of the backend, whose RSA key of 1024 bits is"
            f" too short, {HEARD}",
        ),
        (lambda folder: one_more_ca(device_context(folder), folder), UNSAFE, OTHER_CAS),
        (device_context, Outcome.RIGHT, ""),
        (device_that_prints, Outcome.RIGHT, ""),
    ],
)
def test_mutual_device(function: Callable[..., object], outcome: Outcome, found: str) -> None:
    assert told(checks.mutual_device, function) == (outcome, found)


def test_another_key_is_told_without_the_words_of_openssl() -> None:
    result = checks.mutual_device(device_with_another_key)
    assert result.outcome is NOT_YET
    found = r"device_with_another_key raised SSLError: KEY_VALUES_MISMATCH \(line \d+ of its cell\)"
    assert re.fullmatch(found, result.found)
    assert result.rule.startswith("a certificate is loaded together with its own key")


def test_what_is_seen_and_the_rule_of_the_device() -> None:
    result = checks.mutual_device(device_that_compares_no_name)
    assert result.seen == (
        "the device proves itself with its certificate, and is served",
        "Mallory, who presents a certificate of her own CA, is refused",
        "Mallory, who presents a certificate that a public CA gave her, is refused",
    )
    assert result.rule == "the certificate has to be for the host that the device asked for"
    assert checks.mutual_device(device_as_server).rule == CLIENT_AND_SERVER


# --- The backend demands a certificate ---


def backend_context(
    folder: Path,
    *,
    mode: ssl.VerifyMode = ssl.CERT_REQUIRED,
    cas: Iterable[str] = ("client_ca.pem",),
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    context.verify_mode = mode
    for ca in cas:
        context.load_verify_locations(cafile=folder / ca)
    return context


def backend_by_purpose(folder: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(
        ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "client_ca.pem")
    )
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    return context


def backend_without_certificate(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cafile=folder / "client_ca.pem")
    return context


def backend_with_public_cas(folder: Path) -> ssl.SSLContext:
    context = backend_context(folder)
    context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
    return context


def backend_of_another_ca(folder: Path) -> ssl.SSLContext:
    CertificateAuthority.create("My CA").issue_server(["localhost"]).save(folder, "server")
    return backend_context(folder)


NOBODY_ASKED = "the device is served, and nobody asked for its certificate"


@pytest.mark.parametrize(
    ("function", "outcome", "found"),
    [
        (lambda f: backend_context(f, mode=ssl.CERT_NONE), NOT_YET, NOBODY_ASKED),
        (backend_by_purpose, NOT_YET, NOBODY_ASKED),
        (
            lambda f: backend_context(f, cas=()),
            NOT_YET,
            "the backend refuses every device: it has no CA to check them with",
        ),
        (
            lambda f: backend_context(f, cas=["server_ca.pem"]),
            NOT_YET,
            "the backend refuses the device's certificate: it comes from a CA that is"
            " not trusted there",
        ),
        (
            backend_of_another_ca,
            NOT_YET,
            "the device refuses the backend's certificate: it comes from a CA that is"
            " not trusted there",
        ),
        (backend_without_certificate, NOT_YET, "the backend has no certificate to present"),
        (
            lambda _: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            NOT_YET,
            "this is not a context for a server",
        ),
        (lambda folder: folder.touch(), NOT_YET, "<lambda> returned None"),
        (
            lambda f: backend_context(f, mode=ssl.CERT_OPTIONAL),
            UNSAFE,
            f"a device without a certificate got {SECRET}",
        ),
        (
            lambda f: backend_context(f, cas=["client_ca.pem", "server_ca.pem"]),
            UNSAFE,
            f"a client that the server CA has signed got {SECRET}",
        ),
        (
            backend_with_public_cas,
            UNSAFE,
            f"a client that a public CA has signed got {SECRET}",
        ),
        (
            lambda folder: weak(backend_context(folder), NULL_TOO),
            UNSAFE,
            f"a device that encrypts nothing {READ}",
        ),
        (
            lambda folder: weak(backend_context(folder), ANY_CIPHER, old=True),
            UNSAFE,
            "a device that speaks nothing newer than TLS 1.1 was served",
        ),
        (lambda folder: one_more_ca(backend_context(folder), folder), UNSAFE, OTHER_CAS),
        (lambda folder: weak(backend_context(folder), ANY_CIPHER), Outcome.RIGHT, ""),
        (backend_context, Outcome.RIGHT, ""),
    ],
)
def test_mutual_backend(function: Callable[..., object], outcome: Outcome, found: str) -> None:
    assert told(checks.mutual_backend, function) == (outcome, found)


def test_a_wrong_file_is_told_without_the_words_of_openssl() -> None:
    def wrong_file(folder: Path) -> ssl.SSLContext:
        return backend_context(folder, cas=["server.key"])

    outcome, found = told(checks.mutual_backend, wrong_file)
    assert outcome is NOT_YET
    assert found.startswith("wrong_file raised SSLError: NO_CERTIFICATE_OR_CRL_FOUND (line ")


def test_what_is_seen_of_the_backend() -> None:
    assert checks.mutual_backend(backend_context).seen == (
        "the device is served, and the backend knows its name",
        "a device without a certificate is refused",
        "Mallory, with a certificate from a CA of her own, is refused",
        "a client that the server CA has signed is refused",
        "a client that a public CA has signed is refused",
        "a device without encryption, or with TLS 1.1, is refused",
    )


# --- The CA signs a device's request ---

CSR = x509.CertificateSigningRequest
NO_CA = (x509.BasicConstraints(ca=False, path_length=None), True)
IS_CA = (x509.BasicConstraints(ca=True, path_length=None), True)
CLIENT = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
SERVER = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
BOTH = (
    x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]),
    False,
)


def sign(
    csr: CSR,
    ca: CertificateAuthority,
    *extensions: tuple[x509.ExtensionType, bool],
    days: tuple[int, int] = (-1, 90),
    serial: int | None = None,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(csr.subject)
        .issuer_name(ca.certificate.subject)
        .public_key(csr.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(ca.key, hashes.SHA256())


def sign_what_is_asked(csr: CSR, ca: CertificateAuthority) -> x509.Certificate:
    """As `copy_extensions = copyall` of openssl does."""
    asked = [(each.value, each.critical) for each in csr.extensions]
    return sign(csr, ca, *(asked or [NO_CA, CLIENT]))


def sign_with_the_san_asked(csr: CSR, ca: CertificateAuthority) -> x509.Certificate:
    return ca.sign(csr, Purpose.CLIENT)


def sign_nobody_called_localhost(csr: CSR, ca: CertificateAuthority) -> x509.Certificate:
    if "localhost" in csr.subject.rfc4514_string():
        raise ValueError("not for a device")
    return sign(csr, ca)


AS_BACKEND = (
    "Mallory, a device that calls itself localhost, was taken for the backend: she " + HEARD
)
AS_CA = f"Mallory signed a certificate for CN=trusted-client with her own, and got {SECRET}"


@pytest.mark.parametrize(
    ("function", "outcome", "found"),
    [
        (
            lambda csr, ca: sign(csr, ca, NO_CA, SERVER),
            NOT_YET,
            "the backend refuses the device's certificate: it is for a different purpose",
        ),
        (
            lambda csr, ca: sign(csr, ca, NO_CA, CLIENT, days=(-9, -1)),
            NOT_YET,
            "the backend refuses the device's certificate: it has expired",
        ),
        (
            lambda csr, ca: sign(csr, ca, NO_CA, CLIENT, days=(1, 9)),
            NOT_YET,
            "the backend refuses the device's certificate: it is not valid yet",
        ),
        (
            lambda csr, _: sign(csr, CertificateAuthority.create("Lab CA"), NO_CA, CLIENT),
            NOT_YET,
            "the backend refuses the device's certificate: it comes from a CA that is"
            " not trusted there",
        ),
        (
            lambda _, ca: ca.issue_client("sensor-7").certificate,
            NOT_YET,
            "the certificate holds a different key from the request, so the device cannot use it",
        ),
        (
            lambda csr, ca: ca.issue("trusted-client", None, key=Borrowed(csr)).certificate,
            NOT_YET,
            "the device asked for CN=sensor-7, and the backend sees CN=trusted-client",
        ),
        (
            lambda csr, ca: sign(csr, ca, NO_CA, CLIENT, serial=1),
            NOT_YET,
            "two certificates have the same serial number",
        ),
        (
            lambda csr, ca: (
                ca.issue(
                    csr.subject.rfc4514_string()[3:],
                    Purpose.CLIENT,
                    key=Borrowed(csr),
                    is_ca=True,
                    key_usage=LEAF_KEY_USAGE,
                ).certificate
            ),
            NOT_YET,
            "the certificate says CA:TRUE",
        ),
        (lambda csr, _: csr.subject, NOT_YET, "<lambda> returned a Name"),
        (sign, UNSAFE, AS_BACKEND),
        (lambda csr, ca: sign(csr, ca, NO_CA), UNSAFE, AS_BACKEND),
        (lambda csr, ca: sign(csr, ca, NO_CA, BOTH), UNSAFE, AS_BACKEND),
        (sign_what_is_asked, UNSAFE, AS_BACKEND),
        (lambda csr, ca: sign(csr, ca, IS_CA, CLIENT), UNSAFE, AS_CA),
        (lambda csr, ca: sign(csr, ca, NO_CA, CLIENT), Outcome.RIGHT, ""),
        (lambda csr, ca: sign(csr, ca, CLIENT), Outcome.RIGHT, ""),
        (lambda csr, ca: sign(csr, ca, NO_CA, CLIENT, days=(-1, 36500)), Outcome.RIGHT, ""),
        (sign_with_the_san_asked, Outcome.RIGHT, ""),
        (sign_nobody_called_localhost, Outcome.RIGHT, ""),
    ],
)
def test_device_certificate(function: Callable[..., object], outcome: Outcome, found: str) -> None:
    assert told(checks.device_certificate, function) == (outcome, found)


def Borrowed(csr: CSR) -> Any:  # noqa: N802 - stands where a key would
    """What `issue` needs of a key: the public one of a request."""
    return csr


def test_what_is_seen_of_the_ca() -> None:
    everything = checks.device_certificate(sign_with_the_san_asked).seen
    assert everything == (
        "sensor-7 gets a certificate for its name and its key, and is served",
        "Mallory, a device, calls herself localhost, but is neither a backend nor a CA",
        "Mallory, a device, calls herself localhost and asks for everything,"
        " but is neither a backend nor a CA",
    )
    assert checks.device_certificate(sign_what_is_asked).seen == everything[:2]


def test_without_a_ca(folder: Path) -> None:
    (folder / "ca" / "ca.key").unlink()
    result = checks.device_certificate(sign_with_the_san_asked)
    assert (result.outcome, result.rule) == (
        NOT_YET,
        "run the first code cell again: it makes the files",
    )


# --- One device may speak ---

Certificate = dict[str, Any] | None


def common_names(certificate: Certificate) -> list[str]:
    subject = (certificate or {}).get("subject", ())
    return [value for rdn in subject for key, value in rdn if key == "commonName"]


def exact(certificate: Certificate) -> bool:
    return common_names(certificate) == ["trusted-client"]


def as_in_part_3(certificate: Certificate) -> bool:
    assert certificate is not None
    return exact(certificate)


def last_name(certificate: Certificate) -> bool:
    pairs = dict(rdn[0] for rdn in certificate["subject"]) if certificate else {}
    return pairs.get("commonName") == "trusted-client"


def first_name(certificate: Certificate) -> bool:
    return common_names(certificate)[:1] == ["trusted-client"]


def any_attribute(certificate: Certificate) -> bool:
    subject = (certificate or {}).get("subject", ())
    return [value for rdn in subject for _, value in rdn][:1] == ["trusted-client"]


def without_a_name(certificate: Certificate) -> bool:
    return certificate is None or exact(certificate)


def first_name_must_exist(certificate: Certificate) -> bool:
    names = common_names(certificate)
    return names[0] == "trusted-client" and len(names) == 1


async def later(certificate: Certificate) -> bool:
    return exact(certificate)


def got_in(who: str) -> str:
    return f"a device with {who} got {SECRET}"


SIMILAR = got_in("CN=not-trusted-client")


@pytest.mark.parametrize(
    ("function", "outcome", "found"),
    [
        (lambda c: not c, NOT_YET, "the backend knows the device, but its rule refuses it"),
        (
            lambda c: None if c else True,
            NOT_YET,
            "the backend knows the device, but its rule refuses it",
        ),
        (bool, UNSAFE, SIMILAR),
        (lambda c: "no" if c else "", UNSAFE, SIMILAR),
        (lambda c: "trusted-client" in str(c), UNSAFE, SIMILAR),
        (lambda c: common_names(c)[0].endswith("trusted-client"), UNSAFE, SIMILAR),
        (lambda c: c["issuer"] == ((("commonName", "Lab CA"),),), UNSAFE, SIMILAR),
        (
            lambda c: common_names(c)[0].startswith("trusted-client"),
            UNSAFE,
            got_in("CN=trusted-client-2"),
        ),
        (
            lambda c: common_names(c)[0].lower() == "trusted-client",
            UNSAFE,
            got_in("CN=Trusted-Client"),
        ),
        (lambda c: common_names(c)[0] in "trusted-client", UNSAFE, got_in("CN=client")),
        (
            lambda c: common_names(c)[0].strip() == "trusted-client",
            UNSAFE,
            got_in("CN=trusted-client␣"),
        ),
        (lambda c: "'trusted-client'" in str(c), UNSAFE, got_in("O=trusted-client and CN=mallory")),
        (any_attribute, UNSAFE, got_in("O=trusted-client and CN=mallory")),
        (last_name, UNSAFE, got_in("CN=mallory and CN=trusted-client")),
        (
            lambda c: "trusted-client" in common_names(c),
            UNSAFE,
            got_in("CN=mallory and CN=trusted-client"),
        ),
        (first_name, UNSAFE, got_in("CN=trusted-client and CN=mallory")),
        (without_a_name, UNSAFE, f"a device without a certificate (None) got {SECRET}"),
        (exact, Outcome.RIGHT, ""),
        (lambda c: bool(c) and exact(c), Outcome.RIGHT, ""),
        (lambda c: exact(c) or None, Outcome.RIGHT, ""),
    ],
)
def test_authorize(function: Callable[..., object], outcome: Outcome, found: str) -> None:
    assert told(checks.authorize, function) == (outcome, found)


@pytest.mark.filterwarnings("ignore:coroutine 'later' was never awaited")
def test_a_coroutine_is_true_for_everybody() -> None:
    assert told(checks.authorize, later) == (UNSAFE, SIMILAR)
    gc.collect()  # now, while the warning is expected


@pytest.mark.parametrize(
    ("function", "found"),
    [
        (
            as_in_part_3,
            "for a device without a certificate (None), as_in_part_3 raised AssertionError",
        ),
        (
            first_name_must_exist,
            "for a device with O=trusted-client, first_name_must_exist raised IndexError",
        ),
    ],
)
def test_to_raise_is_no_answer(function: Callable[..., object], found: str) -> None:
    result = checks.authorize(function)
    assert result.outcome is NOT_YET
    assert result.found.startswith(found)
    assert result.rule == "whether an exception means no is the server's choice: say False"


class Undecided:
    def __bool__(self) -> bool:
        raise LookupError


def test_what_is_neither_true_nor_false() -> None:
    outcome, found = told(checks.authorize, lambda _: Undecided())
    assert (outcome, found) == (NOT_YET, "the device is not served: LookupError")


# --- One device is lost ---


def start(
    serve: Callable[..., Backend],
    *,
    mode: ssl.VerifyMode = ssl.CERT_REQUIRED,
    flags: int = ssl.VERIFY_CRL_CHECK_LEAF,
    files: Iterable[str] = ("client_ca.pem", "client_ca.crl"),
    rule: Callable[[Certificate], object] | None = exact,
    harden: Callable[[ssl.SSLContext], None] = forbid_resumption,
) -> Backend:
    context = server_context("backend/server.crt", "backend/server.key")
    harden(context)
    context.verify_mode = mode
    for file in files:
        context.load_verify_locations(cafile=f"backend/{file}")
    context.verify_flags |= flags
    return serve(context, authorize=rule)


def as_it_is(_: ssl.SSLContext) -> None:
    """Tickets, and TLS 1.2 too."""


def without_tickets(context: ssl.SSLContext) -> None:
    context.num_tickets = 0


def pinned(serve: Callable[..., Backend]) -> Backend:
    """Another right answer: the one certificate, and no other of the same name."""
    own = pem.read_certificate("device/client.crt")
    serial = f"{own.serial_number:X}"

    def is_own(certificate: Certificate) -> bool:
        found = (certificate or {}).get("serialNumber", "")
        return bool(found.lstrip("0") == serial.lstrip("0"))

    return start(serve, flags=0, rule=is_own, harden=as_it_is)


def not_listed(certificate: Certificate) -> bool:
    """Asked for every connection, resumed or not: another right answer."""
    revoked = x509.load_pem_x509_crl(Path("backend/client_ca.crl").read_bytes())
    serial = int(str((certificate or {}).get("serialNumber", "0")), 16)
    return exact(certificate) and not revoked.get_revoked_certificate_by_serial_number(serial)


def start_twice(serve: Callable[..., Backend]) -> Backend:
    start(serve)
    return start(serve)


SINCE_REVOKED = (
    f"with a session from before it was revoked, and neither certificate nor key, got {SECRET}"
)
NOBODY_KNOWN = "the backend did not ask for a certificate, and knows nobody"


@pytest.mark.parametrize(
    ("function", "outcome", "found"),
    [
        (lambda _: str(None), NOT_YET, "no backend was started"),
        (
            lambda serve: serve(),
            NOT_YET,
            "the backend does not understand the device: it does not speak TLS",
        ),
        (lambda serve: serve(7), NOT_YET, "the device is not served: AttributeError"),
        (lambda serve: start(serve, mode=ssl.CERT_NONE), NOT_YET, NOBODY_KNOWN),
        (lambda serve: start(serve, mode=ssl.CERT_NONE, rule=None), NOT_YET, NOBODY_ASKED),
        (
            lambda serve: start(serve, rule=lambda _: False),
            NOT_YET,
            "the backend knows the device, but its rule refuses it",
        ),
        (
            lambda serve: start(serve, files=["client_ca.pem"]),
            NOT_YET,
            "the backend refuses the device's certificate: there is no list of revoked"
            " certificates to check it against",
        ),
        (
            lambda serve: start(serve).stop(),
            NOT_YET,
            "nobody listens where the backend should be",
        ),
        (
            lambda serve: start(serve, mode=ssl.CERT_OPTIONAL, rule=without_a_name),
            UNSAFE,
            f"a device without a certificate got {SECRET}",
        ),
        (
            lambda serve: start(serve, rule=None),
            UNSAFE,
            f"another device of your CA, CN=not-trusted-client, got {SECRET}",
        ),
        (
            lambda serve: start(serve, flags=0),
            UNSAFE,
            f"the lost device, with its certificate for CN=trusted-client, got {SECRET}",
        ),
        (
            lambda serve: start(serve, flags=0, files=["client_ca.pem"]),
            UNSAFE,
            f"the lost device, with its certificate for CN=trusted-client, got {SECRET}",
        ),
        (start, Outcome.RIGHT, ""),
        (
            lambda serve: start(serve, mode=ssl.CERT_OPTIONAL),
            UNSAFE,
            "a device without a certificate finished the handshake: only your rule can still"
            " stop it",
        ),
        (
            lambda serve: start(serve, harden=as_it_is),
            UNSAFE,
            f"TLS 1.3: the lost device, {SINCE_REVOKED}",
        ),
        (
            lambda serve: start(serve, harden=without_tickets),
            UNSAFE,
            f"TLS 1.2: the lost device, {SINCE_REVOKED}",
        ),
        (lambda serve: start(serve, rule=not_listed, harden=as_it_is), Outcome.RIGHT, ""),
        (pinned, Outcome.RIGHT, ""),
        (start_twice, Outcome.RIGHT, ""),
    ],
)
def test_trusted_backend(function: Callable[..., object], outcome: Outcome, found: str) -> None:
    assert told(checks.trusted_backend, function) == (outcome, found)


def test_a_secret_and_a_name_of_their_own() -> None:
    def named(serve: Callable[..., Backend]) -> Backend:
        context = server_context(
            "backend/server.crt", "backend/server.key", client_ca="backend/client_ca.pem"
        )
        return serve(context, name="mine", secret="42")

    assert told(checks.trusted_backend, named) == (
        UNSAFE,
        "another device of your CA, CN=not-trusted-client, got '42'",
    )


def test_a_rule_that_never_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEFAULTS, "limit", 0.2)
    assert told(checks.trusted_backend, lambda serve: start(serve, rule=forever)) == (
        NOT_YET,
        "forever had not returned after 0.2 s, and was stopped",
    )


@pytest.mark.parametrize("name", ["client", "lost"])
def test_certificates_of_an_earlier_ca(folder: Path, name: str) -> None:
    CertificateAuthority.create("Old CA").issue_client("trusted-client").save("device", name)
    result = checks.trusted_backend(start)
    assert (result.outcome, result.found, result.rule) == (
        NOT_YET,
        f"device/{name}.crt is out of date",
        "run the first code cell again",
    )
    (folder / "device" / f"{name}.crt").unlink()
    outcome, found = told(checks.trusted_backend, start)
    assert outcome is NOT_YET
    assert found.startswith(f"device/{name}.crt cannot be read")


# --- Am I served? ---


def is_served(address: tuple[str, int], context: ssl.SSLContext, timeout: float) -> bool:
    try:
        with (
            socket.create_connection(address, timeout) as raw,
            context.wrap_socket(raw, server_hostname="localhost") as tls,
        ):
            tls.sendall(b"PING\n")
            reply = tls.recv(1024)
    except OSError:
        return False
    return reply.startswith(b"PONG")


def naive(
    address: tuple[str, int],
    context: ssl.SSLContext,
    timeout: float | None,
    last: Callable[[ssl.SSLSocket], bool],
    hostname: str = "localhost",
) -> bool:
    """As `is_served`, with another last step."""
    try:
        with (
            socket.create_connection(address, timeout) as raw,
            context.wrap_socket(raw, server_hostname=hostname) as tls,
        ):
            return last(tls)
    except OSError:
        return False


def ping(tls: ssl.SSLSocket) -> bytes:
    tls.sendall(b"PING\n")
    return tls.recv(1024)


def never_closes(address: tuple[str, int], context: ssl.SSLContext, timeout: float) -> bool:
    try:
        raw = socket.create_connection(address, timeout)
        tls = context.wrap_socket(raw, server_hostname="localhost")
        return ping(tls).startswith(b"PONG")
    except OSError:
        return False


def no_timeout(address: tuple[str, int], context: ssl.SSLContext, _: float) -> bool:
    return naive(address, context, None, lambda tls: ping(tls).startswith(b"PONG"))


def only_to_connect(address: tuple[str, int], context: ssl.SSLContext, timeout: float) -> bool:
    def last(tls: ssl.SSLSocket) -> bool:
        tls.settimeout(None)
        return ping(tls).startswith(b"PONG")

    return naive(address, context, timeout, last)


def unchecked(address: tuple[str, int], context: ssl.SSLContext, timeout: float) -> bool:
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return is_served(address, context, timeout)


def no_name(address: tuple[str, int], context: ssl.SSLContext, timeout: float) -> bool:
    context.check_hostname = False
    return is_served(address, context, timeout)


def escaping(address: tuple[str, int], context: ssl.SSLContext, timeout: float) -> bool:
    with (
        socket.create_connection(address, timeout) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as tls,
    ):
        return ping(tls).startswith(b"PONG")


SERVED_IN_1_2 = "TLS 1.2: True for the device that is served, False for three that are refused"
SERVED_IN_1_3 = SERVED_IN_1_2.replace("1.2", "1.3")


@pytest.mark.parametrize(
    ("function", "outcome", "found"),
    [
        (
            lambda *each: len(each) == 4,
            NOT_YET,
            "TLS 1.2: False for a device that the backend serves",
        ),
        (lambda *each: len(each) == 3, NOT_YET, "TLS 1.2: True for a device without a certificate"),
        (lambda *each: str(len(each)), NOT_YET, "<lambda> returned '3'"),
        (
            lambda a, c, t: naive(a, c, t, lambda tls: bool(tls.version())),
            NOT_YET,
            "TLS 1.3: True for a device without a certificate",
        ),
        (
            lambda a, c, t: naive(a, c, t, lambda tls: len(ping(tls)) > 0),
            NOT_YET,
            "True for a device that the rule refused: it got an ERROR line",
        ),
        (
            lambda a, c, t: naive(a, c, t, lambda tls: not ping(tls).startswith(b"ERROR")),
            NOT_YET,
            "True for a backend that hangs up without an answer",
        ),
        (
            lambda a, c, t: naive(a, c, t, lambda tls: b"PON" in ping(tls)),
            NOT_YET,
            "True for a backend whose answer is cut",
        ),
        (
            lambda a, c, t: is_served(a, weak(c, NULL_TOO), t),
            UNSAFE,
            "True for a backend that encrypts nothing",
        ),
        (
            lambda a, c, t: is_served(a, weak(c, ANY_CIPHER), t),
            UNSAFE,
            "True for Mallory, who presented no certificate at all, and read the command",
        ),
        (
            lambda a, c, t: is_served(a, weak(c, "DEFAULT:@SECLEVEL=0"), t),
            UNSAFE,
            "True for Mallory, who presented an old certificate of the backend, whose RSA key",
        ),
        (never_closes, NOT_YET, "never_closes leaves its socket open"),
        (unchecked, UNSAFE, "True for Mallory, with a certificate of another CA, who read"),
        (no_name, UNSAFE, "True for Mallory, with a certificate for another name, who read"),
        (is_served, Outcome.RIGHT, ""),
        (
            lambda a, c, t: naive(
                a, c, t, lambda tls: ping(tls).startswith(b"PONG"), hostname="127.0.0.1"
            ),
            Outcome.RIGHT,
            "",
        ),
    ],
)
def test_is_served(function: Callable[..., object], outcome: Outcome, found: str) -> None:
    result = checks.is_served(function)
    assert (result.outcome, result.found[: len(found)]) == (outcome, found)
    assert bool(result.found) == bool(found)


def test_true_after_the_handshake() -> None:
    result = checks.is_served(lambda a, c, t: naive(a, c, t, lambda tls: bool(tls.version())))
    assert result.seen == (SERVED_IN_1_2,)
    assert result.found == "TLS 1.3: True for a device without a certificate"
    assert result.rule.startswith("in TLS 1.3 the backend looks at the certificate after")


def test_a_refusal_is_no_exception() -> None:
    result = checks.is_served(escaping)
    assert result.outcome is NOT_YET
    assert result.found.startswith("escaping raised SSLError: ")
    assert result.rule == "being refused is not an error here: it is the answer"


# A handshake that is stopped leaves its socket to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
@pytest.mark.parametrize(
    ("function", "who"),
    [
        (no_timeout, "a backend that hangs up without an answer"),
        (only_to_connect, "a backend that never shakes hands"),
    ],
)
def test_to_wait_for_ever(
    function: Callable[..., object], who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DEFAULTS, "limit", 2.0)
    result = checks.is_served(function)
    name = function.__name__
    assert (result.outcome, result.found, result.seen[-1]) == (
        NOT_YET,
        f"{name} had not returned after 2 s, and was stopped",
        f"False for {who}",
    )
    gc.collect()


def test_what_is_seen_of_is_served() -> None:
    assert checks.is_served(is_served).seen == (
        SERVED_IN_1_2,
        SERVED_IN_1_3,
        "False for a device that got an ERROR line",
        "False for an address where nobody listens",
        "False for a backend that hangs up without an answer",
        "False for a backend that never shakes hands",
        "False for a backend that never answers",
        "False for a backend whose answer is cut",
        "False for a backend without encryption, or with TLS 1.1",
        "False for Mallory in the backend's place",
    )


# --- Who refused, and why? ---

WHY: dict[object, str] = {
    10: "expired",
    18: "unknown CA",
    19: "unknown CA",
    20: "unknown CA",
    26: "wrong purpose",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "no certificate",
    "NOT_AUTHORIZED": "not authorized",
}


def diagnose(exchange: Exchange, why: dict[object, str] = WHY) -> str:
    if exchange.ok:
        return "served"
    for side, who in ((exchange.device, "device"), (exchange.backend, "backend")):
        failure = side and side.failure
        if failure:
            cause = why.get(failure.verify_code) or why.get(failure.reason)
            if cause:
                return f"{who}: {cause}"
    return "nothing that I know"


def by_text(exchange: Exchange) -> str:
    """As `diagnose`, by the words for an expired certificate."""
    failure = exchange.backend and exchange.backend.failure
    if failure and "expired" in failure.verify_message:
        return "backend: expired"
    return diagnose(exchange)


def by_words_alone(exchange: Exchange) -> str:
    failure = exchange.backend and exchange.backend.failure
    if failure and failure.verify_code == 10:
        return "backend: expired" if "expired" in failure.verify_message else "backend"
    return diagnose(exchange)


def only_19(exchange: Exchange) -> str:
    return diagnose(exchange, {key: why for key, why in WHY.items() if key not in {18, 20}})


def only_the_backend(exchange: Exchange) -> str:
    return diagnose(exchange).replace("device: ", "backend: ")


@pytest.mark.parametrize(
    ("function", "outcome", "found"),
    [
        (
            lambda each: "served" if each else "",
            NOT_YET,
            "TLS 1.2, a device without a certificate:",
        ),
        (
            lambda each: each.reply and None,
            NOT_YET,
            "TLS 1.2, the right device: <lambda> returned None",
        ),
        (lambda _: {}, NOT_YET, "TLS 1.2, the right device: <lambda> returned a dict"),
        (only_19, NOT_YET, "TLS 1.2, a device of another CA: only_19 returned 'nothing that I"),
        (
            only_the_backend,
            NOT_YET,
            "TLS 1.2, an expired backend: only_the_backend returned 'backend: expired'",
        ),
        (
            by_words_alone,
            NOT_YET,
            "TLS 1.2, an expired device, in other words: by_words_alone returned 'backend'",
        ),
        (by_text, Outcome.RIGHT, ""),  # the code decides after all
        (diagnose, Outcome.RIGHT, ""),
    ],
)
def test_diagnose(function: Callable[..., object], outcome: Outcome, found: str) -> None:
    result = checks.diagnose(function)
    assert (result.outcome, result.found[: len(found)]) == (outcome, found)
    assert bool(result.found) == bool(found)


def test_what_is_seen_of_diagnose() -> None:
    assert checks.diagnose(diagnose).seen == (
        "TLS 1.2: right for 10 exchanges",
        "TLS 1.2: right for the same, from an OpenSSL with other words",
        "TLS 1.3: right for 10 exchanges",
        "TLS 1.3: right for the same, from an OpenSSL with other words",
    )

"""The exercises of Part 3: every way to be right, wrong or unsafe that their checks know. Not here:
the solutions in the notebook (tests/notebooks/test_solutions.py)."""

import gc
import re
import socket
import ssl
import unicodedata
import warnings
from collections.abc import Callable, Iterable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from mtls_lab import CertificateAuthority, Exchange, checks
from mtls_lab.exercises import Outcome, call
from mtls_lab.exercises.judging import Check
from mtls_lab.net import Backend, forbid_resumption, server_context
from mtls_lab.pki import Purpose, create_key, pem
from mtls_lab.pki.leaf import LEAF_KEY_USAGE
from tests.unit.exercises.verdicts import Attempts, Hold, logs_keys, named, takes_proxies
from tests.unit.failures import CA, CLIENT, LEAF, SERVER, aki, certify, usage

pytestmark = pytest.mark.usefixtures("folder")

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
NOT_YET, UNSAFE, RIGHT = Outcome.NOT_YET, Outcome.UNSAFE, Outcome.RIGHT
#: Of `call`: how long a learner's function may take stands there.
DEFAULTS: dict[str, Any] = call.__kwdefaults__ or {}


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


def test_a_function_that_raises(check: Check, hold: Hold) -> None:
    hold(check(stumble), NOT_YET)


def test_a_function_that_never_returns(
    check: Check, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DEFAULTS, "limit", 0.2)
    hold(check(forever), NOT_YET)


def test_a_function_of_other_arguments(check: Check) -> None:
    result = check(lambda *, key: key)
    assert result.outcome is NOT_YET
    assert "<lambda> raised TypeError: " in result.found


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


def device_of_texts(folder: Any) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=folder + "/server_ca.pem")


def device_of_a_worded_version(folder: Path) -> ssl.SSLContext:
    context = device_context(folder)
    context.minimum_version = "TLSv1.3"  # type: ignore[assignment]
    return context


def device_that_gives_tickets(folder: Path) -> ssl.SSLContext:
    context = device_context(folder)
    context.num_tickets = 0
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
DEVICES: Attempts = {
    **named(
        NOT_YET, device_without_certificate, device_without_ca, self_made_device, device_as_server
    ),
    "a text": (lambda folder: folder.suffix, NOT_YET),
    **named(NOT_YET, device_of_texts, device_that_gives_tickets, device_of_a_worded_version),
    **named(
        UNSAFE,
        device_that_believes_everybody,
        device_that_trusts_public_cas,
        device_that_compares_no_name,
    ),
    "a log of keys": (logs_keys(device_context), UNSAFE),
    "proxy certificates": (takes_proxies(device_context), UNSAFE),
    "any cipher suite": (lambda folder: weak(device_context(folder), ANY_CIPHER), UNSAFE),
    "security level 1": (
        lambda folder: weak(device_context(folder), "DEFAULT:@SECLEVEL=1"),
        UNSAFE,
    ),
    "one more CA": (lambda folder: one_more_ca(device_context(folder), folder), UNSAFE),
    **named(NOT_YET, device_with_another_key),
    **named(RIGHT, device_context, device_that_prints),
}


@pytest.mark.parametrize("name", DEVICES)
def test_mutual_device(name: str, hold: Hold) -> None:
    function, outcome = DEVICES[name]
    hold(checks.mutual_device(function), outcome)


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


def backend_that_wants_a_host_name(folder: Path) -> ssl.SSLContext:
    context = backend_context(folder)
    context.check_hostname = True
    return context


def backend_with_public_cas(folder: Path) -> ssl.SSLContext:
    context = backend_context(folder)
    context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
    return context


def backend_of_another_ca(folder: Path) -> ssl.SSLContext:
    CertificateAuthority.create("My CA").issue_server(["localhost"]).save(folder, "server")
    return backend_context(folder)


def backend_of_a_wrong_file(folder: Path) -> ssl.SSLContext:
    return backend_context(folder, cas=["server.key"])


def any_day(context: ssl.SSLContext) -> ssl.SSLContext:
    context.verify_flags |= 0x200000  # X509_V_FLAG_NO_CHECK_TIME
    return context


BACKENDS: Attempts = {
    "CERT_NONE": (lambda f: backend_context(f, mode=ssl.CERT_NONE), NOT_YET),
    **named(NOT_YET, backend_by_purpose),
    "no CA": (lambda f: backend_context(f, cas=()), NOT_YET),
    "the server CA": (lambda f: backend_context(f, cas=["server_ca.pem"]), NOT_YET),
    **named(NOT_YET, backend_of_another_ca, backend_without_certificate),
    "a context for a client": (lambda _: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), NOT_YET),
    "None": (lambda folder: folder.touch(), NOT_YET),
    "CERT_OPTIONAL": (lambda f: backend_context(f, mode=ssl.CERT_OPTIONAL), UNSAFE),
    "the server CA as well": (
        lambda f: backend_context(f, cas=["client_ca.pem", "server_ca.pem"]),
        UNSAFE,
    ),
    **named(UNSAFE, backend_with_public_cas),
    "any day": (lambda folder: any_day(backend_context(folder)), UNSAFE),
    "cipher suites without encryption": (
        lambda folder: weak(backend_context(folder), NULL_TOO),
        UNSAFE,
    ),
    "any cipher suite and TLS 1.0": (
        lambda folder: weak(backend_context(folder), ANY_CIPHER, old=True),
        UNSAFE,
    ),
    "one more CA": (lambda folder: one_more_ca(backend_context(folder), folder), UNSAFE),
    "a log of keys": (logs_keys(backend_context), UNSAFE),
    "proxy certificates": (takes_proxies(backend_context), UNSAFE),
    "any cipher suite and TLS 1.2": (
        lambda folder: weak(backend_context(folder), ANY_CIPHER),
        RIGHT,
    ),
    **named(NOT_YET, backend_of_a_wrong_file, backend_that_wants_a_host_name),
    **named(RIGHT, backend_context),
}


@pytest.mark.parametrize("name", BACKENDS)
def test_mutual_backend(name: str, hold: Hold) -> None:
    function, outcome = BACKENDS[name]
    hold(checks.mutual_backend(function), outcome)


# --- The CA signs a device's request ---

CSR = x509.CertificateSigningRequest
LOCALHOST = x509.DNSName("localhost")
ANY = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]), False)
SIGNS = usage(digital_signature=True, key_cert_sign=True)
OCSP_TOO = (x509.ExtendedKeyUsage([*CLIENT[0], ExtendedKeyUsageOID.OCSP_SIGNING]), False)
ANY_TOO = (x509.ExtendedKeyUsage([*CLIENT[0], *ANY[0]]), False)
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
    issuer = ca.certificate.subject
    return certify(csr.subject, csr, issuer, ca.key, *extensions, days=days, serial=serial)


def sign_what_is_asked(csr: CSR, ca: CertificateAuthority) -> x509.Certificate:
    """As `copy_extensions = copyall` of openssl does."""
    asked = [(each.value, each.critical) for each in csr.extensions]
    return sign(csr, ca, *(asked or [LEAF, CLIENT]))


def sign_the_rest_as_it_is_asked(csr: CSR, ca: CertificateAuthority) -> x509.Certificate:
    """The two that decide are the CA's own, whatever else there is is Mallory's."""
    own = (x509.BasicConstraints, x509.ExtendedKeyUsage)
    rest = [(e.value, e.critical) for e in csr.extensions if not isinstance(e.value, own)]
    return sign(csr, ca, LEAF, CLIENT, *rest)


def sign_with_the_san_asked(csr: CSR, ca: CertificateAuthority) -> x509.Certificate:
    return ca.sign(csr, Purpose.CLIENT)


def sign_a_name_for_all(csr: CSR, ca: CertificateAuthority) -> x509.Certificate:
    return sign(csr, ca, LEAF, CLIENT, (x509.SubjectAlternativeName([LOCALHOST]), False))


def sign_the_subject_as_san(csr: CSR, ca: CertificateAuthority) -> x509.Certificate:
    name = x509.DNSName(csr.subject.rfc4514_string().removeprefix("CN="))
    return sign(csr, ca, LEAF, CLIENT, (x509.SubjectAlternativeName([name]), False))


def sign_nobody_called_localhost(csr: CSR, ca: CertificateAuthority) -> x509.Certificate:
    if "localhost" in csr.subject.rfc4514_string():
        raise ValueError("not for a device")
    return sign(csr, ca)


CERTIFICATES: Attempts = {
    "for a server": (lambda csr, ca: sign(csr, ca, LEAF, SERVER), NOT_YET),
    "expired": (lambda csr, ca: sign(csr, ca, LEAF, CLIENT, days=(-9, -1)), NOT_YET),
    "not yet valid": (lambda csr, ca: sign(csr, ca, LEAF, CLIENT, days=(1, 9)), NOT_YET),
    "another CA of this name": (
        lambda csr, _: sign(csr, CertificateAuthority.create("Lab CA"), LEAF, CLIENT),
        NOT_YET,
    ),
    "another key": (lambda _, ca: ca.issue_client("sensor-7").certificate, NOT_YET),
    "another name": (
        lambda csr, ca: ca.issue("trusted-client", None, key=Borrowed(csr)).certificate,
        NOT_YET,
    ),
    "one serial number for all": (lambda csr, ca: sign(csr, ca, LEAF, CLIENT, serial=1), NOT_YET),
    "CA:TRUE without keyCertSign": (
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
    ),
    "a Name": (lambda csr, _: csr.subject, NOT_YET),
    **named(UNSAFE, sign),
    "no purpose": (lambda csr, ca: sign(csr, ca, LEAF), UNSAFE),
    "both purposes": (lambda csr, ca: sign(csr, ca, LEAF, BOTH), UNSAFE),
    **named(UNSAFE, sign_what_is_asked),
    "CA:TRUE": (lambda csr, ca: sign(csr, ca, CA, CLIENT), UNSAFE),
    "any purpose too": (lambda csr, ca: sign(csr, ca, LEAF, ANY_TOO), UNSAFE),
    **named(NOT_YET, sign_the_rest_as_it_is_asked, sign_a_name_for_all),
    "another purpose too": (lambda csr, ca: sign(csr, ca, LEAF, OCSP_TOO), NOT_YET),
    "keyAgreement": (
        lambda csr, ca: sign(csr, ca, LEAF, CLIENT, usage(key_agreement=True)),
        NOT_YET,
    ),
    "keyEncipherment": (
        lambda csr, ca: sign(csr, ca, LEAF, CLIENT, usage(key_encipherment=True)),
        NOT_YET,
    ),
    "another key's identifier": (lambda csr, ca: sign(csr, ca, LEAF, CLIENT, aki(csr)), NOT_YET),
    "keyCertSign": (lambda csr, ca: sign(csr, ca, LEAF, CLIENT, SIGNS), NOT_YET),
    "keyCertSign alone": (lambda csr, ca: sign(csr, ca, CLIENT, SIGNS), NOT_YET),
    "any purpose alone": (lambda csr, ca: sign(csr, ca, LEAF, ANY), NOT_YET),
    "CA:FALSE and for a client": (lambda csr, ca: sign(csr, ca, LEAF, CLIENT), RIGHT),
    "for a client": (lambda csr, ca: sign(csr, ca, CLIENT), RIGHT),
    "a hundred years": (
        lambda csr, ca: sign(csr, ca, LEAF, CLIENT, days=(-1, 36500)),
        RIGHT,
    ),
    **named(RIGHT, sign_with_the_san_asked, sign_the_subject_as_san),
    **named(RIGHT, sign_nobody_called_localhost),
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_device_certificate(name: str, hold: Hold) -> None:
    function, outcome = CERTIFICATES[name]
    hold(checks.device_certificate(function), outcome)


def Borrowed(csr: CSR) -> Any:  # noqa: N802 - stands where a key would
    """What `issue` needs of a key: the public one of a request."""
    return csr


def test_without_a_ca(folder: Path, hold: Hold) -> None:
    (folder / "ca" / "ca.key").unlink()
    hold(checks.device_certificate(sign_with_the_san_asked), NOT_YET)


# --- One device may speak ---

Certificate = dict[str, Any] | None


def common_names(certificate: Certificate) -> list[str]:
    subject = (certificate or {}).get("subject", ())
    return [value for rdn in subject for key, value in rdn if key == "commonName"]


def only_prints(certificate: Certificate) -> None:
    print(exact(certificate))  # noqa: T201 - as a learner does


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


def joined(certificate: Certificate) -> bool:
    return "".join(common_names(certificate)) == "trusted-client"


def first_pairs(certificate: Certificate) -> bool:
    """It takes every RDN for a single pair."""
    subject = (certificate or {}).get("subject", ())
    return [rdn[0][1] for rdn in subject if rdn[0][0] == "commonName"] == ["trusted-client"]


def the_whole_subject(certificate: Certificate) -> bool:
    return (certificate or {}).get("subject") == ((("commonName", "trusted-client"),),)


def only_one_rdn(certificate: Certificate) -> bool:
    subject = certificate["subject"] if certificate else ((("", ""),),)
    if len(subject) != 1:
        raise ValueError("more than one")
    return subject[0] == (("commonName", "trusted-client"),)


async def later(certificate: Certificate) -> bool:
    return exact(certificate)


class Undecided:
    def __bool__(self) -> bool:
        raise LookupError


RULES: Attempts = {
    "nobody with a certificate": (lambda c: not c, NOT_YET),
    "None and True": (lambda c: None if c else True, NOT_YET),
    **named(UNSAFE, bool),
    "a text": (lambda c: "no" if c else "", UNSAFE),
    "part of the text": (lambda c: "trusted-client" in str(c), UNSAFE),
    "endswith": (lambda c: common_names(c)[0].endswith("trusted-client"), UNSAFE),
    "the issuer": (lambda c: c["issuer"] == ((("commonName", "Lab CA"),),), UNSAFE),
    "startswith": (lambda c: common_names(c)[0].startswith("trusted-client"), UNSAFE),
    "lower": (lambda c: common_names(c)[0].lower() == "trusted-client", UNSAFE),
    "part of the name": (lambda c: common_names(c)[0] in "trusted-client", UNSAFE),
    "a pattern that ends at a line": (
        lambda c: [bool(re.match("trusted-client$", each)) for each in common_names(c)] == [True],
        UNSAFE,
    ),
    "a pattern with a dot": (
        lambda c: (
            [bool(re.fullmatch("trusted.client", each)) for each in common_names(c)] == [True]
        ),
        UNSAFE,
    ),
    "the name is a pattern": (
        lambda c: [fnmatch("trusted-client", each) for each in common_names(c)] == [True],
        UNSAFE,
    ),
    "up to a dot": (
        lambda c: [each.partition(".")[0] for each in common_names(c)] == ["trusted-client"],
        UNSAFE,
    ),
    "up to an @": (
        lambda c: [each.partition("@")[0] for each in common_names(c)] == ["trusted-client"],
        UNSAFE,
    ),
    "up to a zero byte": (
        lambda c: [each.partition("\0")[0] for each in common_names(c)] == ["trusted-client"],
        UNSAFE,
    ),
    "behind a backslash": (
        lambda c: [each.rpartition("\\")[2] for each in common_names(c)] == ["trusted-client"],
        UNSAFE,
    ),
    "lstrip": (lambda c: [each.lstrip() for each in common_names(c)] == ["trusted-client"], UNSAFE),
    "letters evened out": (
        lambda c: (
            [unicodedata.normalize("NFKC", each) for each in common_names(c)] == ["trusted-client"]
        ),
        UNSAFE,
    ),
    "letters left out": (
        lambda c: (
            [each.encode("ascii", "ignore") for each in common_names(c)] == [b"trusted-client"]
        ),
        UNSAFE,
    ),
    "strip": (lambda c: common_names(c)[0].strip() == "trusted-client", UNSAFE),
    "quoted in the text": (lambda c: "'trusted-client'" in str(c), UNSAFE),
    **named(UNSAFE, any_attribute, last_name),
    "a set of names": (lambda c: set(common_names(c)) == {"trusted-client"}, UNSAFE),
    "one of several names": (lambda c: "trusted-client" in common_names(c), UNSAFE),
    **named(UNSAFE, first_name, without_a_name, joined, first_pairs),
    **named(NOT_YET, the_whole_subject, only_one_rdn, as_in_part_3, first_name_must_exist),
    "neither true nor false": (lambda _: Undecided(), NOT_YET),
    **named(NOT_YET, only_prints),
    **named(RIGHT, exact),
    "bool and exact": (lambda c: bool(c) and exact(c), RIGHT),
    "exact or None": (lambda c: exact(c) or None, RIGHT),
}


@pytest.mark.parametrize("name", RULES)
def test_authorize(name: str, hold: Hold) -> None:
    function, outcome = RULES[name]
    hold(checks.authorize(function), outcome)


@pytest.mark.filterwarnings("ignore:coroutine 'later' was never awaited")
def test_a_coroutine_is_true_for_everybody(hold: Hold) -> None:
    result = checks.authorize(later)
    hold(result, UNSAFE)
    assert result.found.endswith("your function returned a coroutine, which counts as yes")
    gc.collect()  # now, while the warning is expected


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


def any_day_hardened(context: ssl.SSLContext) -> None:
    forbid_resumption(any_day(context))


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


def start_two(serve: Callable[..., Backend]) -> Backend:
    """Both of one context."""
    context = server_context(
        "backend/server.crt", "backend/server.key", client_ca="backend/client_ca.pem"
    )
    context.load_verify_locations(cafile="backend/client_ca.crl")
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    forbid_resumption(context)
    serve(context, authorize=exact)
    return serve(context, authorize=exact)


def start_and_stop(serve: Callable[..., Backend]) -> Backend:
    """The first one would be open."""
    start(serve, rule=None).stop()
    return start(serve)


def open_beside(serve: Callable[..., Backend], **options: Any) -> Backend:
    start(serve, **options)
    return start(serve)


def plain_beside(serve: Callable[..., Backend]) -> Backend:
    serve()
    return start(serve)


def refusing_beside(serve: Callable[..., Backend]) -> Backend:
    """Without TLS, and for nobody."""
    serve(authorize=lambda _: False)
    return start(serve)


def reads_the_list_at_its_start(serve: Callable[..., Backend], **options: Any) -> Backend:
    once = x509.load_pem_x509_crl(Path("backend/client_ca.crl").read_bytes())

    def not_on_it(certificate: Certificate) -> bool:
        serial = int(str((certificate or {}).get("serialNumber", "0")), 16)
        return exact(certificate) and not once.get_revoked_certificate_by_serial_number(serial)

    return start(serve, **{"flags": 0, "rule": not_on_it, "harden": as_it_is, **options})


def reads_the_list_and_checks_it_too(serve: Callable[..., Backend]) -> Backend:
    """Its context hears of a new list, and a session asks the rule alone."""
    return reads_the_list_at_its_start(serve, flags=ssl.VERIFY_CRL_CHECK_LEAF)


def without_a_certificate(serve: Callable[..., Backend]) -> Backend:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    forbid_resumption(context)
    return serve(context, authorize=exact)


def by_place(serve: Callable[..., Backend]) -> Backend:
    return serve(server_context("backend/server.crt", "backend/server.key"), exact)


TRUSTED: Attempts = {
    "no backend": (lambda _: str(None), NOT_YET),
    "without TLS": (lambda serve: serve(), NOT_YET),
    "no context": (lambda serve: serve(7), NOT_YET),
    "CERT_NONE": (lambda serve: start(serve, mode=ssl.CERT_NONE), NOT_YET),
    "CERT_NONE and no rule": (lambda serve: start(serve, mode=ssl.CERT_NONE, rule=None), NOT_YET),
    "a rule that refuses everybody": (lambda serve: start(serve, rule=lambda _: False), NOT_YET),
    "no CRL": (lambda serve: start(serve, files=["client_ca.pem"]), NOT_YET),
    "stopped at once": (lambda serve: start(serve).stop(), NOT_YET),
    "CERT_OPTIONAL and None is fine": (
        lambda serve: start(serve, mode=ssl.CERT_OPTIONAL, rule=without_a_name),
        UNSAFE,
    ),
    "no rule": (lambda serve: start(serve, rule=None), UNSAFE),
    "the CRL is not checked": (lambda serve: start(serve, flags=0), UNSAFE),
    "neither a CRL nor a check": (
        lambda serve: start(serve, flags=0, files=["client_ca.pem"]),
        UNSAFE,
    ),
    **named(RIGHT, start),
    "CERT_OPTIONAL": (lambda serve: start(serve, mode=ssl.CERT_OPTIONAL), UNSAFE),
    "sessions": (lambda serve: start(serve, harden=as_it_is), UNSAFE),
    "sessions in TLS 1.2": (lambda serve: start(serve, harden=without_tickets), UNSAFE),
    "a rule that reads the list": (
        lambda serve: start(serve, rule=not_listed, harden=as_it_is),
        RIGHT,
    ),
    **named(RIGHT, pinned, start_twice, start_two, start_and_stop, refusing_beside),
    "any day": (lambda serve: start(serve, harden=any_day_hardened), UNSAFE),
    "another backend without a rule": (lambda serve: open_beside(serve, rule=None), UNSAFE),
    "another backend without a list": (lambda serve: open_beside(serve, flags=0), UNSAFE),
    "another backend with sessions": (
        lambda serve: open_beside(serve, harden=as_it_is),
        UNSAFE,
    ),
    **named(UNSAFE, plain_beside, reads_the_list_at_its_start, reads_the_list_and_checks_it_too),
    "reads the list at its start, no sessions": (
        lambda serve: reads_the_list_at_its_start(serve, harden=forbid_resumption),
        UNSAFE,
    ),
    "the rule of exercise 4 untouched": (lambda serve: start(serve, rule=untouched), NOT_YET),
    **named(NOT_YET, by_place, without_a_certificate),
}


@pytest.mark.parametrize("name", TRUSTED)
def test_trusted_backend(name: str, hold: Hold) -> None:
    function, outcome = TRUSTED[name]
    hold(checks.trusted_backend(function), outcome)


def test_a_secret_and_a_name_of_their_own(hold: Hold) -> None:
    def called(serve: Callable[..., Backend]) -> Backend:
        context = server_context(
            "backend/server.crt", "backend/server.key", client_ca="backend/client_ca.pem"
        )
        return serve(context, name="mine", secret="42")

    hold(checks.trusted_backend(called), UNSAFE)


def test_a_rule_that_never_returns(hold: Hold, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEFAULTS, "limit", 0.2)
    hold(checks.trusted_backend(lambda serve: start(serve, rule=forever)), NOT_YET)


@pytest.mark.parametrize("name", ["client", "lost"])
def test_trusted_backend_and_certificates_of_an_earlier_ca(hold: Hold, name: str) -> None:
    CertificateAuthority.create("Old CA").issue_client("trusted-client").save("device", name)
    hold(checks.trusted_backend(start), NOT_YET)


@pytest.mark.parametrize("name", ["client.crt", "lost.crt"])
def test_trusted_backend_and_a_file_that_is_gone(folder: Path, hold: Hold, name: str) -> None:
    (folder / "device" / name).unlink()
    hold(checks.trusted_backend(start), NOT_YET)


# --- Am I served? ---


def ping(tls: ssl.SSLSocket) -> bytes:
    tls.sendall(b"PING\n")
    with tls.makefile("rb") as lines:
        return lines.readline(100)


def ponged(tls: ssl.SSLSocket) -> bool:
    return ping(tls) == b"PONG\n"


def is_served(
    address: tuple[str, int],
    context: ssl.SSLContext,
    timeout: float | None,
    last: Callable[[ssl.SSLSocket], bool] = ponged,
    hostname: str = "localhost",
) -> bool:
    try:
        with (
            socket.create_connection(address, timeout) as raw,
            context.wrap_socket(raw, server_hostname=hostname) as tls,
        ):
            return last(tls)
    except OSError:
        return False


def one_piece(tls: ssl.SSLSocket) -> bytes:
    tls.sendall(b"PING\n")
    return tls.recv(100)


def never_closes(address: tuple[str, int], context: ssl.SSLContext, timeout: float) -> bool:
    try:
        raw = socket.create_connection(address, timeout)
        tls = context.wrap_socket(raw, server_hostname="localhost")
        return ponged(tls)
    except OSError:
        return False


def no_timeout(address: tuple[str, int], context: ssl.SSLContext, _: float) -> bool:
    return is_served(address, context, None)


def only_to_connect(address: tuple[str, int], context: ssl.SSLContext, timeout: float) -> bool:
    def last(tls: ssl.SSLSocket) -> bool:
        tls.settimeout(None)
        return ponged(tls)

    return is_served(address, context, timeout, last)


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
        return ponged(tls)


def sends_a_text(address: tuple[str, int], context: ssl.SSLContext, timeout: float) -> bool:
    def last(tls: ssl.SSLSocket) -> bool:
        tls.sendall("PING\n")  # type: ignore[arg-type]
        return ponged(tls)

    return is_served(address, context, timeout, last)


SERVED: Attempts = {
    "always False": (lambda *each: len(each) == 4, NOT_YET),
    "always True": (lambda *each: len(each) == 3, NOT_YET),
    "a text": (lambda *each: str(len(each)), NOT_YET),
    "after the handshake": (
        lambda a, c, t: is_served(a, c, t, lambda tls: bool(tls.version())),
        NOT_YET,
    ),
    "any answer": (lambda a, c, t: is_served(a, c, t, lambda tls: len(ping(tls)) > 0), NOT_YET),
    "any answer but ERROR": (
        lambda a, c, t: is_served(a, c, t, lambda tls: not ping(tls).startswith(b"ERROR")),
        NOT_YET,
    ),
    "more than PONG": (
        lambda a, c, t: is_served(a, c, t, lambda tls: ping(tls).startswith(b"PONG")),
        NOT_YET,
    ),
    "one piece": (
        lambda a, c, t: is_served(a, c, t, lambda tls: one_piece(tls) == b"PONG\n"),
        NOT_YET,
    ),
    "stripped": (
        lambda a, c, t: is_served(a, c, t, lambda tls: ping(tls).strip() == b"PONG"),
        NOT_YET,
    ),
    "as text": (
        lambda a, c, t: is_served(a, c, t, lambda tls: ping(tls).decode() == "PONG\n"),
        NOT_YET,
    ),
    "part of PONG": (lambda a, c, t: is_served(a, c, t, lambda tls: b"PON" in ping(tls)), NOT_YET),
    "cipher suites without encryption": (
        lambda a, c, t: is_served(a, weak(c, NULL_TOO), t),
        UNSAFE,
    ),
    "any cipher suite": (lambda a, c, t: is_served(a, weak(c, ANY_CIPHER), t), UNSAFE),
    "security level 0": (lambda a, c, t: is_served(a, weak(c, "DEFAULT:@SECLEVEL=0"), t), UNSAFE),
    **named(NOT_YET, never_closes),
    **named(UNSAFE, unchecked, no_name),
    **named(NOT_YET, escaping, sends_a_text),
    **named(RIGHT, is_served),
    "by its address": (lambda a, c, t: is_served(a, c, t, hostname="127.0.0.1"), RIGHT),
}


@pytest.mark.parametrize("name", SERVED)
def test_is_served(name: str, hold: Hold) -> None:
    function, outcome = SERVED[name]
    hold(checks.is_served(function), outcome)


# A handshake that is stopped leaves its socket to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
@pytest.mark.parametrize("function", [no_timeout, only_to_connect])
def test_is_served_that_waits_for_ever(
    function: Callable[..., object], hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DEFAULTS, "limit", 2.0)
    hold(checks.is_served(function), NOT_YET)
    gc.collect()


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


def by_what_both_say(exchange: Exchange) -> str:
    """As whoever prints an exchange, and searches that."""
    return "backend: not authorized" if "NOT_AUTHORIZED" in str(exchange) else diagnose(exchange)


def only_19(exchange: Exchange) -> str:
    return diagnose(exchange, {key: why for key, why in WHY.items() if key not in {18, 20}})


def only_the_backend(exchange: Exchange) -> str:
    return diagnose(exchange).replace("device: ", "backend: ")


DIAGNOSED: Attempts = {
    "always served": (lambda each: "served" if each else "", NOT_YET),
    "None": (lambda each: each.reply and None, NOT_YET),
    "a dict": (lambda _: {}, NOT_YET),
    "in capitals": (lambda each: diagnose(each).capitalize(), NOT_YET),
    **named(NOT_YET, only_19, only_the_backend, by_words_alone, by_what_both_say),
    **named(RIGHT, by_text, diagnose),
}


@pytest.mark.parametrize("name", DIAGNOSED)
def test_diagnose(name: str, hold: Hold) -> None:
    function, outcome = DIAGNOSED[name]
    hold(checks.diagnose(function), outcome)

"""The office over real connections: who is certified, and who is refused in which words."""

import base64
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from mtls_lab.common import LabError
from mtls_lab.enrolment import (
    GRACE,
    Asked,
    Office,
    certificate_from,
    current_only,
    names_in,
    not_too_late,
    own_name,
    request,
    request_from,
    to_line,
)
from mtls_lab.enrolment import office as offices
from mtls_lab.enrolment.office import MOST_REFUSALS
from mtls_lab.net import Backend, ask
from mtls_lab.pki import CertificateAuthority, Identity, Purpose, common_name, create_key, pem
from mtls_lab.pki.leaf import general_names, name_of
from mtls_lab.wire import Exchange
from tests.unit.lab import failed

NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
STALE = "ERROR this certificate is not the current one"
RETIRED = "ERROR this device is retired"


def by_serial_number(asked: Asked) -> str | None:
    """The rule of an office that compares too little."""
    known = asked.registered and asked.registered.serial_number
    return None if asked.certificate.serial_number == known else "another serial number"


class World:
    """A root, a birth CA and a device CA below it, an office, and its endpoint."""

    def __init__(self, folder: Path) -> None:
        servers = CertificateAuthority.create("Server CA")
        self.root = root = CertificateAuthority.create("Device Root", below=1)
        self.births, self.devices = root.intermediate("Birth CA"), root.intermediate("Device CA")
        self.office = Office(self.devices, [own_name, current_only, not_too_late])
        self.trusted = folder / "server_ca.pem"
        pem.write_certificate(self.trusted, servers.certificate)
        pem.write_certificate(folder / "root.pem", root.certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server = servers.issue_server(["localhost"])
        server.load_into(context)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cafile=folder / "root.pem")
        context.verify_flags |= NO_CHECK_TIME
        self.context, self._server, self._folder = context, server, folder

    def trusting(self, *cas: CertificateAuthority) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server.load_into(context)
        context.verify_mode = ssl.CERT_REQUIRED
        pem.write_certificate(self._folder / "cas.pem", *(ca.certificate for ca in cas))
        context.load_verify_locations(cafile=self._folder / "cas.pem")
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return context

    def born(self, name: str) -> Identity:
        identity = self.births.issue_client(name)
        self.office.announce(identity.certificate)
        return identity

    def ask(self, identity: Identity, command: str) -> Exchange:
        context = ssl.create_default_context(cafile=self.trusted)
        identity.load_into(context)
        with Backend(self.context, answer=self.office.answer, name="office") as endpoint:
            return ask(command, endpoint, context=context)

    def enrol(self, identity: Identity, csr: x509.CertificateSigningRequest) -> Exchange:
        return self.ask(identity, f"ENROL {to_line(csr)}")

    def enrolled(self, identity: Identity) -> Identity:
        key = create_key()
        csr = request(key, common_name(identity.certificate))
        issued = certificate_from(self.enrol(identity, csr).reply)
        return Identity(key, issued, self.devices.chain)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("office"))


def test_a_birth_certificate_is_changed_for_an_operational_one(world: World) -> None:
    own = world.enrolled(world.born("pump-1"))
    own.certificate.verify_directly_issued_by(world.devices.certificate)
    assert common_name(own.certificate) == "pump-1"
    assert world.office.register["pump-1"] == own.certificate


def test_what_is_announced_is_a_certificate() -> None:
    """Of a device as `issue_client` returns it, an office said AttributeError."""
    ca = CertificateAuthority.create("Birth CA")
    announce: Callable[..., None] = offices.Office(ca).announce
    with pytest.raises(LabError, match="announce was given an Identity"):
        announce(ca.issue_client("device-07"))


def test_the_chain_is_that_of_the_ca_which_signs_now(world: World) -> None:
    reply = world.ask(world.born("pump-2"), "CHAIN").reply
    assert certificate_from(reply) == world.devices.certificate


def test_both_sides_say_what_was_asked_without_the_bytes(world: World) -> None:
    exchange = world.enrol(world.born("pump-3"), request(create_key(), "pump-3"))
    assert str(exchange).splitlines() == [
        "device   connect ✓  handshake ✓ TLSv1.3 with CN=localhost  received ✓ …",
        "office   connect ✓  handshake ✓ TLSv1.3 with CN=pump-3  received ✓ ENROL …",
    ]


@pytest.mark.parametrize("signer", ["births", "devices"])
def test_a_forger_with_the_key_of_a_ca_is_not_the_current_certificate(
    world: World, signer: str
) -> None:
    """Name, issuer and serial number can be copied by whoever signs; the certificate cannot."""
    name = f"pump-of-{signer}"
    birth = world.born(name)
    own = world.enrolled(birth) if signer == "devices" else birth
    ca, number = getattr(world, signer), own.certificate.serial_number
    forged = ca.issue(name, Purpose.CLIENT, serial_number=number)
    assert forged.certificate.issuer == own.certificate.issuer
    assert world.enrol(forged, request(create_key(), name)).reply == STALE
    assert world.enrol(own, request(create_key(), name)).ok


def test_an_office_that_compares_less_has_to_drop_a_leaked_ca(tmp_path: Path) -> None:
    """And then lets its devices back in with their birth certificates, announced once more."""
    world = World(tmp_path)
    world.office.rules = [own_name, by_serial_number]
    birth = world.born("pump-1")
    own = world.enrolled(birth)
    number = own.certificate.serial_number
    forged = world.devices.issue("pump-1", Purpose.CLIENT, serial_number=number)
    assert world.enrol(forged, request(create_key(), "pump-1")).ok
    world.context = world.trusting(world.births, world.root.intermediate("Device CA 2"))
    for dropped in (forged, own):
        exchange = world.enrol(dropped, request(create_key(), "pump-1"))
        assert failed(exchange.backend).verify_code == 20
    world.office.announce(birth.certificate)
    assert world.enrol(birth, request(create_key(), "pump-1")).ok


@pytest.mark.parametrize("shown", [None, b"", b"no certificate"])
def test_without_a_certificate_that_can_be_read(world: World, shown: bytes | None) -> None:
    line = f"ENROL {to_line(request(create_key(), 'pump-1'))}"
    reply = world.office.answer(line, shown)
    assert reply == "ERROR there is no certificate that this office can read"


def test_a_birth_certificate_works_once(world: World) -> None:
    birth = world.born("pump-4")
    world.enrolled(birth)
    assert world.enrol(birth, request(create_key(), "pump-4")).reply == STALE
    assert world.office.refusals[-1] == ("pump-4", STALE.removeprefix("ERROR "))


def test_a_renewal_replaces_what_it_was_asked_with(world: World) -> None:
    first = world.enrolled(world.born("pump-5"))
    second = world.enrolled(first)
    assert second.certificate.public_key() != first.certificate.public_key()
    assert world.enrol(first, request(create_key(), "pump-5")).reply == STALE


def test_a_request_that_comes_twice_gets_one_certificate(world: World) -> None:
    """The reply was lost, or somebody replays it: nothing new is signed."""
    birth, csr = world.born("pump-6"), request(create_key(), "pump-6")
    first = world.enrol(birth, csr)
    assert first.ok
    assert world.enrol(birth, csr).reply == first.reply


@pytest.mark.parametrize("wanted", ["pump-8", "pump-7,CN=pump-8"])
def test_another_name_is_refused(world: World, wanted: str) -> None:
    birth, key = world.born("pump-7"), create_key()
    subject = x509.Name.from_rfc4514_string(f"CN={wanted}")
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    assert world.enrol(birth, csr).reply == "ERROR the request is for another name"


def test_a_second_name_in_the_san_is_refused(world: World) -> None:
    builder = x509.CertificateSigningRequestBuilder().subject_name(name_of("pump-9"))
    names = x509.SubjectAlternativeName(general_names(["localhost"]))
    csr = builder.add_extension(names, critical=False).sign(create_key(), hashes.SHA256())
    assert names_in(csr) == ["pump-9", "localhost"]
    reply = world.enrol(world.born("pump-9"), csr).reply
    assert reply == "ERROR the request is for another name"


def test_who_was_never_announced_and_who_is_retired(world: World) -> None:
    stranger = world.births.issue_client("pump-10")
    csr = request(create_key(), "pump-10")
    assert world.enrol(stranger, csr).reply == "ERROR nobody has announced this device"
    retired = world.born("pump-11")
    world.office.register["pump-11"] = None
    assert world.enrol(retired, request(create_key(), "pump-11")).reply == RETIRED


@pytest.mark.parametrize(("late", "served"), [(GRACE - 1, True), (GRACE + 1, False)])
def test_how_late_a_device_may_be(world: World, late: int, *, served: bool) -> None:
    old = world.devices.issue("pump-12", Purpose.CLIENT, valid_days=(-90 - late, -late))
    world.office.register["pump-12"] = old.certificate
    exchange = world.enrol(old, request(create_key(), "pump-12"))
    assert exchange.ok is served
    if not served:
        assert exchange.reply == f"ERROR this certificate expired more than {GRACE} days ago"


def damaged(csr: x509.CertificateSigningRequest) -> str:
    der = bytearray(base64.b64decode(to_line(csr)))
    der[-1] ^= 1
    return base64.b64encode(der).decode()


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("GET_SECRET", "ERROR this office knows ENROL and CHAIN"),
        ("ENROL", "ERROR a line that is not a signing request"),
        ("ENROL ****", "ERROR a line that is not a signing request"),
        ("ENROL MIIB", "ERROR a line that is not a signing request"),
    ],
)
def test_what_is_not_a_request(world: World, command: str, reply: str) -> None:
    assert world.ask(world.born("pump-13"), command).reply == reply


#: EC P-256 in a request, the first byte of its version, and where its names end, in DER.
EC_KEY, VERSION = bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("020100")


@pytest.mark.parametrize(
    ("what", "instead"),
    [
        (VERSION, bytes.fromhex("020105")),  # a version that X.509 does not have
        (EC_KEY, bytes.fromhex("06072a8648ce3d0209")),  # a key of an unknown kind
        (b"\x0c\x07pump-13", b"\x4c\x07pump-13"),  # a name of an unknown type
    ],
    ids=["version", "key", "name"],
)
def test_a_request_that_cryptography_cannot_read(world: World, what: bytes, instead: bytes) -> None:
    der = base64.b64decode(to_line(request(create_key(), "pump-13")))
    assert what in der
    line = base64.b64encode(der.replace(what, instead, 1)).decode()
    reply = world.ask(world.born("pump-13"), f"ENROL {line}").reply
    assert reply == "ERROR a line that is not a signing request"


def test_a_certificate_that_cryptography_cannot_read_is_no_reply(world: World) -> None:
    der = base64.b64decode(to_line(world.born("pump-13").certificate))
    version = bytes.fromhex("a003020102")
    assert version in der
    line = base64.b64encode(der.replace(version, bytes.fromhex("a003020109"), 1)).decode()
    with pytest.raises(LabError, match="Expected: a certificate"):
        certificate_from(line)


def test_a_request_without_its_key(world: World) -> None:
    line = damaged(request(create_key(), "pump-14"))
    reply = world.ask(world.born("pump-14"), f"ENROL {line}").reply
    assert reply == "ERROR the request is not signed with the key that it names"


def test_a_key_that_the_ca_does_not_sign(world: World) -> None:
    rsa_key = rsa.generate_private_key(65537, 2048)
    csr = x509.CertificateSigningRequestBuilder().subject_name(name_of("pump-15"))
    reply = world.enrol(world.born("pump-15"), csr.sign(rsa_key, hashes.SHA256())).reply
    assert reply == "ERROR the lab signs EC keys only: create one with create_key()"


def test_lines_come_back() -> None:
    csr = request(create_key(), "pump-16")
    assert request_from(to_line(csr)) == csr
    assert names_in(None) == []
    with pytest.raises(LabError, match="Found:    no reply"):
        certificate_from(None)


def test_the_latest_refusals_are_remembered_in_harmless_words() -> None:
    office = Office(CertificateAuthority.create("Device CA"))
    line = f"ENROL {to_line(request(create_key(), 'pump-9'))}"
    ca, key = CertificateAuthority.create("Birth CA"), create_key()
    for number in range(MOST_REFUSALS + 5):
        theirs = ca.issue(f"pump-\x1b[2J{number}", Purpose.CLIENT, key=key).certificate
        asks = theirs.public_bytes(Encoding.DER)
        assert office.answer(line, asks) == "ERROR nobody has announced this device"
    assert len(office.refusals) == MOST_REFUSALS
    assert office.refusals[0][0] == "pump-\\u001b[2J5"


def test_so_many_answers_can_be_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offices, "MOST_ANSWERS", 2)
    ca = CertificateAuthority.create("Device CA")
    office = Office(ca, [current_only])
    said = []
    for number in range(3):
        name = f"pump-{number}"
        birth = ca.issue_client(name).certificate
        office.announce(birth)
        asks = birth.public_bytes(Encoding.DER)
        said.append((f"ENROL {to_line(request(create_key(), name))}", asks))
    first = [office.answer(*each) for each in said]
    assert [office.answer(*each) == first[n] for n, each in enumerate(said)] == [False, True, True]
    assert office.answer(*said[0]) == "ERROR this certificate is not the current one"

"""Every failure that data/explanations.toml explains, provoked for real in a learner's folder.

Here: the folder, certificates that the lab itself would not make, and one function for each way
to fail. Not here: what the explanations say about them (test_explanations.py).
"""

import os
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mtls_lab import CertificateAuthority, Exchange, Relay, Side, ask, pki, serve
from mtls_lab.attacks import reply_index
from mtls_lab.experiments import CredentialStore
from mtls_lab.learner import notebooks as unpacking
from mtls_lab.learner import workspace
from mtls_lab.net import (
    Chunk,
    Tamper,
    client_context,
    cut,
    flip_bit,
    only_trusted_client,
    server_context,
)
from mtls_lab.pki import pem
from mtls_lab.wire import Direction
from tests.unit.lab import LONG, connect, name_of, not_root, read_all

AnyKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Extension = tuple[x509.ExtensionType, bool]

TLS_1_3, TLS_1_2 = ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2
STRICT = ssl.VerifyFlags.VERIFY_X509_STRICT
CRL_CHECK = ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
SHORT = 0.3

BACKEND_FILES = ("backend/server.crt", "backend/server.key")
DEVICE_FILES = ("device/client.crt", "device/client.key")
CLIENT_CA, SERVER_CA = "backend/client_ca.pem", "device/server_ca.pem"


# --- Certificates by hand: one extension more or less than the lab's CA would write

CA = (x509.BasicConstraints(ca=True, path_length=None), True)
LEAF = (x509.BasicConstraints(ca=False, path_length=None), True)


def usage(**bits: bool) -> Extension:
    """A critical keyUsage with these bits."""
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment")
    more = ("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**(dict.fromkeys(names + more, False) | bits)), True


MAY_SIGN = usage(key_cert_sign=True, crl_sign=True)
MAY_SHAKE_HANDS = usage(digital_signature=True)
CLIENT = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
SERVER = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
NAMED = (x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
CRITICAL = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True)


class Keyed(Protocol):
    """A key, a request or a certificate."""

    def public_key(self) -> Any: ...


def ski(key: AnyKey) -> Extension:
    return x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False


def aki(key: Keyed) -> Extension:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False


def name(text: str | x509.Name) -> x509.Name:
    if isinstance(text, x509.Name):
        return text
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def day(number: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=number)


def certify(
    subject: str | x509.Name,
    key: Keyed,
    issuer: str | x509.Name,
    issuer_key: AnyKey | ed25519.Ed25519PrivateKey,
    *extensions: Extension,
    days: tuple[int, int] = (-1, 30),
    serial: int | None = None,
) -> x509.Certificate:
    """A certificate for the key of `key`, with these extensions and no others."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(day(days[0]))
        .not_valid_after(day(days[1]))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    digest = None if isinstance(issuer_key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(issuer_key, digest)


def private_pem(key: AnyKey, password: bytes = b"") -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption(),
    )


# --- The learner's folder


@dataclass
class World:
    """A learner's folder with everything that Parts 1 to 3 make; the tests run inside it."""

    folder: Path
    version: ssl.TLSVersion = TLS_1_3
    keys: dict[str, ec.EllipticCurvePrivateKey] = field(default_factory=dict)

    @classmethod
    def create(cls, folder: Path) -> "World":
        here = Path.cwd()
        unpacking.unpack(folder)
        try:
            os.chdir(folder)
            workspace.enter(4)
        finally:
            os.chdir(here)
        return cls(folder)

    @property
    def ca(self) -> CertificateAuthority:
        return CertificateAuthority.load("ca/ca.crt", "ca/ca.key")

    @property
    def store(self) -> CredentialStore:
        return CredentialStore(self.ca, "device/credentials")

    def key(self, owner: str) -> ec.EllipticCurvePrivateKey:
        """The same key for the same owner, so that certificates can be made again."""
        return self.keys.setdefault(owner, pki.create_key())

    def write(self, file: str, *certificates: x509.Certificate) -> str:
        pem.write_certificate(file, *certificates)
        return file

    def write_key(self, file: str, key: AnyKey) -> str:
        Path(file).write_bytes(private_pem(key))
        return file

    # --- Contexts, as the notebooks write them

    def server(self, certfile: str = "backend/server", *, mutual: bool = True) -> ssl.SSLContext:
        files = f"{certfile}.crt", f"{certfile}.key"
        return server_context(*files, client_ca=CLIENT_CA if mutual else None)

    def device(self, *files: str | Path, ca: str = SERVER_CA) -> ssl.SSLContext:
        context = client_context(ca, *files, version=self.version)
        # Python 3.13 made this the default; here every Python starts from the same flags.
        context.verify_flags &= ~STRICT
        return context

    def valid(self) -> ssl.SSLContext:
        return self.device(*DEVICE_FILES)

    # --- Exchanges

    def ask(
        self,
        server: ssl.SSLContext | None,
        device: ssl.SSLContext | None,
        *,
        command: str = "GET_SECRET",
        server_hostname: str | None = "localhost",
        authorize: Callable[..., object] | None = None,
    ) -> Exchange:
        with serve(server, authorize=authorize) as backend:
            return ask(command, backend, context=device, server_hostname=server_hostname)

    def resume(self, server: ssl.SSLContext, device: ssl.SSLContext) -> Exchange:
        """The second of two exchanges, which resumes the session of the first."""
        with serve(server) as backend:
            first = ask("GET_SECRET", backend, context=device)
            return ask("GET_SECRET", backend, context=device, session=first.session)

    def through(self, tamper: Tamper) -> Exchange:
        """An exchange with Mallory in between."""
        with serve(self.server()) as backend, Relay(backend, tamper=tamper) as mallory:
            return ask("GET_SECRET", mallory, context=self.valid())

    def credential(self, which: str) -> Exchange:
        """One of the catalogue, against a backend that checks everything."""
        context, store = self.server(), self.store
        context.load_verify_locations(store.crl())
        context.verify_flags |= CRL_CHECK
        with serve(context, authorize=only_trusted_client) as backend:
            return ask(
                "GET_SECRET",
                backend,
                context=lambda: client_context(
                    SERVER_CA, *store.files(which), version=self.version
                ),
            )

    def shows(
        self,
        chain: list[x509.Certificate],
        key: AnyKey,
        *,
        trusted: x509.Certificate,
        flags: ssl.VerifyFlags = ssl.VerifyFlags.VERIFY_DEFAULT,
        crl: str = "",
        weak: bool = False,
    ) -> Exchange:
        """A device with this chain, at a backend that trusts this certificate."""
        certfile, keyfile = self.write("odd.crt", *chain), self.write_key("odd.key", key)
        server = server_context(*BACKEND_FILES, client_ca=self.write("odd_ca.pem", trusted))
        server.verify_flags |= flags
        if crl:
            server.load_verify_locations(crl)
            server.verify_flags |= CRL_CHECK
        device = self.device()
        if weak:
            device.set_ciphers("DEFAULT:@SECLEVEL=0")
        device.load_cert_chain(certfile, keyfile)
        return self.ask(server, device)

    def root(self, *extensions: Extension) -> x509.Certificate:
        key = self.key("Root")
        return certify("Root", key, "Root", key, *(extensions or (CA, MAY_SIGN, ski(key))))

    def leaf(self, *extensions: Extension, issuer: str = "Root") -> x509.Certificate:
        key, signer = self.key("leaf"), self.key(issuer)
        usual = (LEAF, MAY_SHAKE_HANDS, ski(key), aki(signer), CLIENT)
        return certify("trusted-client", key, issuer, signer, *(extensions or usual))

    def crl(
        self,
        first: int,
        last: int,
        signer: str = "Root",
        extension: x509.ExtensionType | None = None,
    ) -> str:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(name("Root"))
            .last_update(day(first))
            .next_update(day(last))
            .add_extension(x509.CRLNumber(1), critical=False)
        )
        if extension is not None:
            builder = builder.add_extension(extension, critical=True)
        pem.write_crl("odd.crl", builder.sign(self.key(signer), hashes.SHA256()))
        return "odd.crl"


# --- What a device shows


def fails_strictly(world: World, *root: Extension, leaf: tuple[Extension, ...] = ()) -> Exchange:
    chain = [world.leaf(*leaf)]
    return world.shows(chain, world.key("leaf"), trusted=world.root(*root), flags=STRICT)


def no_aki(world: World) -> Exchange:
    return fails_strictly(world, leaf=(LEAF, MAY_SHAKE_HANDS, ski(world.key("leaf")), CLIENT))


def intermediate(world: World) -> x509.Certificate:
    key, root = world.key("Inter"), world.key("Root")
    return certify("Inter", key, "Root", root, CA, MAY_SIGN, ski(key), aki(root))


def missing_root(world: World) -> Exchange:
    chain = [world.leaf(issuer="Inter")]
    return world.shows(chain, world.key("leaf"), trusted=intermediate(world))


def missing_intermediate(world: World) -> Exchange:
    return world.shows([world.leaf(issuer="Inter")], world.key("leaf"), trusted=world.root())


def no_further_ca(world: World) -> Exchange:
    only = (x509.BasicConstraints(ca=True, path_length=0), True)
    root = world.root(only, MAY_SIGN, ski(world.key("Root")))
    chain = [world.leaf(issuer="Inter"), intermediate(world)]
    return world.shows(chain, world.key("leaf"), trusted=root)


def below_a_leaf(world: World, *extensions: Extension) -> list[x509.Certificate]:
    """A clone, and the leaf that signed it, which has these extensions or its usual ones."""
    key, signer = world.key("clone"), world.key("leaf")
    usual = (LEAF, MAY_SHAKE_HANDS, ski(key), aki(signer), CLIENT)
    clone = certify("clone", key, "trusted-client", signer, *usual)
    return [clone, world.leaf(*extensions)]


def device_as_ca(world: World, *extensions: Extension) -> Exchange:
    chain = below_a_leaf(world, *extensions)
    return world.shows(chain, world.key("clone"), trusted=world.root())


def same_name_without_aki(world: World) -> Exchange:
    """Signed with another key under the name of the CA, and nothing tells the two apart."""
    key, stranger = world.key("leaf"), world.key("stranger")
    usual = (LEAF, MAY_SHAKE_HANDS, ski(key), CLIENT)
    leaf = certify("trusted-client", key, "Root", stranger, *usual)
    return world.shows([leaf], key, trusted=world.root())


def weak_rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 1024)  # noqa: S505 - weak on purpose


def weak_key(world: World, *, weak: bool = True) -> Exchange:
    key, root = weak_rsa(), world.key("Root")
    usual = (LEAF, MAY_SHAKE_HANDS, ski(key), aki(root), CLIENT)
    leaf = certify("trusted-client", key, "Root", root, *usual)
    return world.shows([leaf], key, trusted=world.root(), weak=weak)


def critical_extension(world: World) -> Exchange:
    key, root = world.key("leaf"), world.key("Root")
    leaf = world.leaf(LEAF, MAY_SHAKE_HANDS, ski(key), aki(root), CLIENT, CRITICAL)
    return world.shows([leaf], key, trusted=world.root())


def outside_its_names(world: World) -> Exchange:
    """An intermediate CA that may sign for corp.example, and a leaf with another name."""
    key, root = world.key("Inter"), world.key("Root")
    limits = x509.NameConstraints([x509.DNSName("corp.example")], None), True
    inter = certify("Inter", key, "Root", root, CA, MAY_SIGN, ski(key), aki(root), limits)
    leaf_key = world.key("leaf")
    named = (x509.SubjectAlternativeName([x509.DNSName("device.other.example")]), False)
    extensions = (LEAF, MAY_SHAKE_HANDS, ski(leaf_key), aki(key), CLIENT, named)
    chain = [world.leaf(*extensions, issuer="Inter"), inter]
    return world.shows(chain, leaf_key, trusted=world.root())


def no_policy(world: World) -> Exchange:
    """A backend that wants a certificate policy (X509_V_FLAG_EXPLICIT_POLICY), which is rare."""
    explicit = ssl.VerifyFlags(0x100)
    return world.shows([world.leaf()], world.key("leaf"), trusted=world.root(), flags=explicit)


def suite_b(world: World) -> Exchange:
    """A backend that takes P-384 alone (X509_V_FLAG_SUITEB_192_LOS), and a chain on P-256."""
    level = ssl.VerifyFlags(0x20000)
    return world.shows([world.leaf()], world.key("leaf"), trusted=world.root(), flags=level)


def with_extension(world: World, number: str, der: str) -> Exchange:
    """A leaf with a critical extension that OpenSSL knows and cryptography does not."""
    key, root = world.key("leaf"), world.key("Root")
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier(number), bytes.fromhex(der)), True
    leaf = world.leaf(LEAF, MAY_SHAKE_HANDS, ski(key), aki(root), CLIENT, odd)
    return world.shows([leaf], key, trusted=world.root())


def by_proxy(world: World) -> Exchange:
    """ProxyCertInfo with the policy id-ppl-inheritAll (RFC 3820, section 3.8)."""
    return with_extension(world, "1.3.6.1.5.5.7.1.14", "300c300a06082b06010505071501")


def foreign_addresses(world: World) -> Exchange:
    """The leaf owns 10.0.0.0/8, and its CA owns no address at all (RFC 3779, section 2)."""
    return with_extension(world, "1.3.6.1.5.5.7.1.7", "300c300a0402000130040302000a")


def with_crl(world: World, first: int, last: int, signer: str = "Root") -> Exchange:
    crl = world.crl(first, last, signer)
    return world.shows([world.leaf()], world.key("leaf"), trusted=world.root(), crl=crl)


def crl_for_cas(world: World) -> Exchange:
    """A list of revoked CAs alone (issuingDistributionPoint), and a leaf."""
    only_cas = x509.IssuingDistributionPoint(None, None, False, True, None, False, False)  # noqa: FBT003
    crl = world.crl(-1, 9, extension=only_cas)
    return world.shows([world.leaf()], world.key("leaf"), trusted=world.root(), crl=crl)


def ca_signs_no_crl(world: World) -> Exchange:
    root = world.root(CA, usage(key_cert_sign=True), ski(world.key("Root")))
    crl = world.crl(-1, 9)
    return world.shows([world.leaf()], world.key("leaf"), trusted=root, crl=crl)


def no_crl(world: World) -> Exchange:
    return world.shows([world.leaf()], world.key("leaf"), trusted=world.root(), flags=CRL_CHECK)


def welcomes_nobody_too(world: World) -> ssl.SSLContext:
    context = world.server()
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


# --- What a backend shows


def impostor(
    world: World,
    identity: pem.Identity,
    *,
    device: ssl.SSLContext | None = None,
) -> Exchange:
    identity.save("attacker", "mallory")
    return world.ask(world.server("attacker/mallory", mutual=False), device or world.device())


def stranger(world: World, *, send_ca: bool) -> Exchange:
    other = CertificateAuthority.create("Mallory CA")
    identity = other.issue_server(["localhost"])
    chain = (other.certificate,) if send_ca else ()
    return impostor(world, pem.Identity(identity.key, identity.certificate, chain))


def from_the_ca(world: World, purpose: pki.Purpose, days: tuple[int, int] = (0, 90)) -> Exchange:
    names = ["localhost", "127.0.0.1"]
    return impostor(world, world.ca.issue("localhost", purpose, names=names, valid_days=days))


def from_root(
    world: World,
    *root: Extension,
    device: ssl.SSLContext | None = None,
    has_aki: bool = True,
    signer: str = "Root",
) -> Exchange:
    """A backend's certificate from a root made by hand; the device is strict if not given."""
    key, usual = world.key("server"), (LEAF, MAY_SHAKE_HANDS, ski(world.key("server")), SERVER)
    more = (NAMED, aki(world.key("Root"))) if has_aki else (NAMED,)
    certificate = certify("localhost", key, "Root", world.key(signer), *usual, *more)
    world.write("odd_ca.pem", world.root(*root))
    if device is None:
        device = world.device()
        device.verify_flags |= STRICT
    device.load_verify_locations("odd_ca.pem")
    return impostor(world, pem.Identity(key, certificate), device=device)


# --- Protocols and the wire


def versions_apart(world: World) -> Exchange:
    server = world.server()
    if world.version is TLS_1_3:
        server.maximum_version = TLS_1_2
    else:
        server.minimum_version = TLS_1_3
    return world.ask(server, world.valid())


def no_version_left(world: World) -> Exchange:
    device = world.valid()
    device.minimum_version, device.maximum_version = TLS_1_3, TLS_1_2
    return world.ask(world.server(), device)


def ciphers_apart(world: World) -> Exchange:
    """TLS 1.2 only: set_ciphers does not touch those of TLS 1.3."""
    server, device = world.server(), world.device(*DEVICE_FILES)
    device.minimum_version = device.maximum_version = TLS_1_2
    server.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    device.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
    return world.ask(server, device)


def backend_without_certificate(world: World) -> Exchange:
    """A device that admits both versions is told of ciphers, one with TLS 1.3 only is not."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    return world.ask(server, client_context(SERVER_CA, version=None))


def alert_of_choice(world: World, alert: ssl.AlertDescription) -> Exchange:
    server = world.server()
    server.sni_callback = lambda *_: alert
    return world.ask(server, world.valid())


def raw(
    server: ssl.SSLContext | None,
    action: Callable[[socket.socket], object],
    *,
    patience: float = LONG,
) -> Side:
    """What the backend sees of a client that is no `ask`."""
    with serve(server, handshake_timeout=patience, idle_timeout=patience) as backend:
        with connect(backend.address) as client:
            peer = name_of(client)
            action(client)
            with suppress(OSError):
                client.shutdown(socket.SHUT_WR)
        return backend.wait_for(peer, LONG)


def of_another_user() -> Side:
    """A neighbour calls. Only root can become one: test_neighbours.py does, with real users."""
    with (
        mock.patch("mtls_lab.net.sockets.stranger", return_value=1234),
        serve() as backend,
        connect(backend.address) as client,
    ):
        assert read_all(client) == b""
        return backend.connections[-1]


def reset(client: socket.socket) -> None:
    """Close with a TCP reset, when the backend waits for more."""
    client.sendall(b"PING\n")
    client.recv(5)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def says_nothing(server: ssl.SSLContext | None) -> Side:
    """A client that is silent until the backend has had enough and hangs up."""
    return raw(server, lambda client: client.recv(100), patience=SHORT)


def changed_record(world: World) -> Exchange:
    with serve(world.server()) as backend, Relay(backend) as mallory:
        ask("GET_SECRET", mallory, context=world.valid())
        mallory.tamper = flip_bit(reply_index(mallory), Direction.TO_DEVICE)
        return ask("GET_SECRET", mallory, context=world.valid())


def changed_plain_reply(_: World) -> Exchange:
    first_bit = flip_bit(0, Direction.TO_DEVICE, 8 * len("open sesame\n") - 1)
    with serve() as backend, Relay(backend, tamper=first_bit) as mallory:
        return ask("GET_SECRET", mallory)


def cut_reply(world: World) -> Exchange:
    with serve(world.server()) as backend, Relay(backend) as mallory:
        ask("GET_SECRET", mallory, context=world.valid())
        mallory.tamper = cut(reply_index(mallory))
        return ask("GET_SECRET", mallory, context=world.valid())


def cut_plain_reply(_: World) -> Exchange:
    with serve() as backend, Relay(backend, tamper=cut(0)) as mallory:
        return ask("GET_SECRET", mallory)


def hangs_up_after_the_handshake(world: World) -> Exchange:
    """A backend that reads the command and says goodbye, as TLS does."""
    server = world.server()

    def goodbye() -> None:
        raw, _ = listener.accept()
        with raw, server.wrap_socket(raw, server_side=True) as tls:
            tls.recv(1024)
            with suppress(OSError):  # the device does not answer the goodbye
                tls.unwrap()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=goodbye)
        thread.start()
        exchange = ask("GET_SECRET", listener.getsockname(), context=world.valid())
        thread.join(LONG)
    return exchange


def changed_signature(world: World) -> Exchange:
    """TLS 1.2 has ServerKeyExchange in clear, the third record that the backend sends."""
    assert world.version is TLS_1_2
    return world.through(flip_bit(2, Direction.TO_DEVICE))


def changed_hello(world: World) -> Exchange:
    """The backend's first record is a ServerHello: here it names a cipher that does not exist."""

    def tamper(chunk: Chunk) -> bytes:
        if (chunk.direction, chunk.index) != (Direction.TO_DEVICE, 0):
            return chunk.heard
        session_id = 5 + 4 + 2 + 32  # behind two headers, a version and the random
        cipher = session_id + 1 + chunk.heard[session_id]
        return chunk.heard[:cipher] + b"\xfa\xfa" + chunk.heard[cipher + 2 :]

    return world.through(tamper)


# --- Sockets


def silent_listener(context: ssl.SSLContext | None) -> Exchange:
    """The kernel accepts, the program does not, and does not say goodbye either."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return ask("PING", listener.getsockname(), context=context, timeout=SHORT)


def full_queue(_: World) -> Exchange:
    """Linux drops what would be one connection too many, without a word."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _waiting in range(4):
            client = stack.enter_context(socket.socket())
            client.settimeout(0)
            client.connect_ex(listener.getsockname())
        return ask("PING", listener.getsockname(), timeout=SHORT)


def nobody_there(_: World) -> Exchange:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    return ask("PING", address)


def caught(action: Callable[[], object]) -> BaseException:
    """The exception that an action raises, with its traceback."""
    try:
        action()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is explained
        return error
    raise AssertionError("it did not fail")


def twice(port_of: Callable[[tuple[str, int]], object]) -> BaseException:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        return caught(lambda: port_of(address))


def no_such_host(_: World) -> BaseException:
    """Without asking a name server, which a machine may not have."""
    numbers = socket.AI_NUMERICHOST
    return caught(lambda: socket.getaddrinfo("no such host", 5000, flags=numbers))


def broken_pipe(_: World) -> BaseException:
    one, other = socket.socketpair()
    with one:
        other.close()
        return caught(lambda: one.send(b"x"))


def unreadable_key(_: World) -> BaseException:
    """As an account that does not own the key: root may read everything."""
    private = Path("private.key")
    private.unlink(missing_ok=True)  # the last test's, which nobody but root may write to
    private.write_bytes(Path("device/client.key").read_bytes())
    private.chmod(0)
    with not_root():
        return caught(lambda: load(DEVICE_FILES[0], "private.key"))


def load(certfile: str, keyfile: str | None = None, password: str | None = None) -> None:
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certfile, keyfile, password)


def trust(cafile: str) -> None:
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile)


# --- Keys of tomorrow


def post_quantum(
    certificate: x509.Certificate, signer: ec.EllipticCurvePrivateKey, number: int
) -> x509.Certificate:
    """The same certificate for a key of another kind, signed again: ML-DSA-65 is number 18.

    cryptography makes such keys only from some release on. The algorithm of a P-256 key (RFC 5480)
    gives way to one without parameters, and the key is longer by as much; it is none.
    """
    new = bytes.fromhex("300b0609 6086480165030403") + bytes([number])
    return of_another_key(certificate, signer, new + bytes.fromhex("034a00 000000000000000000"))


#: DER of the beginning of a DSA key, as `of_another_key` wants it.
DSA_KEY = bytes.fromhex("301406072a8648ce380401 3009020101020101020101 034100")


def of_another_key(
    certificate: x509.Certificate, signer: ec.EllipticCurvePrivateKey, new: bytes
) -> x509.Certificate:
    """The same certificate, signed again, with the first bytes of another key: 25, as of P-256."""
    old = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107 03420004")
    body = certificate.tbs_certificate_bytes.replace(old, new)
    assert body != certificate.tbs_certificate_bytes
    signature = signer.sign(body, ec.ECDSA(hashes.SHA256()))
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")
    whole = body + algorithm + b"\x03" + bytes([len(signature) + 1, 0]) + signature
    return x509.load_der_x509_certificate(b"\x30\x82" + len(whole).to_bytes(2, "big") + whole)

"""The attacker of a kata, who tries both sides of what a learner has repaired.

Here: every attack on its backend and on its device. Not here: the honest exchange before, and the
learner's file (exam.py).

The current folder is a copy of the kata's, so that an attack may change its files.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mtls_lab.common import FileProblem
from mtls_lab.exercises import Unsafe
from mtls_lab.exercises.calling import Rule
from mtls_lab.exercises.refusals import refused_in_the_handshake
from mtls_lab.exercises.temptations import anonymous, careless_backends, careless_devices
from mtls_lab.exercises.thief import revoked_returns
from mtls_lab.kata import purposes
from mtls_lab.kata.purposes import careless_client
from mtls_lab.kata.sabotage import THIEF
from mtls_lab.net import Backend, PeerCertificate, ask, server_context
from mtls_lab.pki import CertificateAuthority, Purpose, pem
from mtls_lab.wire import SECRET

__all__ = ["COMMAND", "RULE_LIMIT", "Mallory"]

COMMAND = "GET_SECRET"
#: What an impostor answers in the backend's place.
FORGED = "a word of Mallory's"
#: A rule compares a name. While it runs, a device waits for its answer.
RULE_LIMIT = 2.0
#: Names that are near to the one that may speak, and are not it.
OTHER_NAMES = ("another-client", "not-trusted-client", "trusted-client-2")
#: The CAs in ca/ that sign for one side; what they sign proves nobody on the other.
OF_BACKENDS, OF_DEVICES = ("server_ca", "issuing_ca"), ("client_ca",)
SERVED = "only trusted-client is served, certified by the backend's CA, not expired and not revoked"
BELIEVED = "the device speaks to SERVER_HOSTNAME, proved by a CA that it trusts, or to nobody"
TWO_CAS = "there are two CAs, so that what signs backends does not decide who is a device"
NO_PUBLIC_CA = "each side trusts the CA of the other side, not the operating system's as well"
FURTHER_CA = "whatever a CA has signed is let in with it: have your own CA sign again instead"
EXPIRED = (-90, -1)
#: What makes a file a revocation list, whatever a learner calls it.
LIST = b"-----BEGIN X509 CRL-----"
#: A CA, in words, and the rule that a side breaks which trusts it.
Other = tuple[CertificateAuthority, str, str]


class Mallory:
    """The attacker, with whatever certificates she likes.

    Some attacks need a certificate of a CA that the victim trusts. For these a second CA is
    added to what the victim's own context trusts: it stands for whatever the first has signed
    or will sign, so that no attack depends on where its key is.
    """

    def __init__(
        self,
        backend: ssl.SSLContext,
        device: ssl.SSLContext,
        authorize: Callable[[PeerCertificate], object],
        hostname: str | None,
        folder: Path,
        public: CertificateAuthority,
    ) -> None:
        self._backend, self._device, self._authorize = backend, device, authorize
        self._hostname, self._folder = hostname, folder
        self._stranger, self._public = CertificateAuthority.create("Client CA"), public
        self._trusted = CertificateAuthority.create("Second CA")

    def as_device(self, *, crl: bool, sessions: bool) -> Iterator[str]:
        """Ask the learner's backend for the secret."""
        with Backend(self._backend, authorize=Rule(self._authorize, limit=RULE_LIMIT)) as backend:
            self._refused(backend, None, "without a certificate")
            yield "a device without a certificate is refused in the handshake"
            for ca, whose, rule in self._other_cas(OF_BACKENDS):
                self._refused(backend, self._issued(ca), f"with a certificate of {whose}", rule)
            yield "a device with a certificate of another CA is refused in the handshake"
            if THIEF.with_suffix(".key").is_file():
                stolen = THIEF.with_suffix(".crt"), THIEF.with_suffix(".key")
                self._refused(backend, stolen, "with the certificate that is revoked")
                yield "the certificate that is revoked is refused"
            _trusts_no_further_ca(self._backend, "backend")
            lost = self._issued(self._trusted)
            self._be_trusted(self._backend)
            if crl:
                self._renew_lists()
                self._refused(backend, lost, "with another certificate that is revoked")
                yield "another device that is revoked is refused"
            if sessions:
                revoked_returns(
                    backend,
                    self._backend,
                    lambda: careless_client(lost),
                    "Mallory, with the session of a device that has been revoked since",
                )
                yield "a device that is revoked is refused with an old session too"
            for name in OTHER_NAMES:
                files = self._issued(self._trusted, name)
                self._refused(backend, files, f"as a device of yours that is called {name}")
            yield "a device with another name is refused"
            expired = self._trusted.issue("trusted-client", Purpose.CLIENT, valid_days=EXPIRED)
            files = expired.save(self._folder, "expired")
            self._refused(backend, files, "with the certificate of a device, expired")
            yield "a device with an expired certificate is refused"
            accomplice = self._trusted.issue_client("trusted-client").save(self._folder, "careless")
            yield careless_devices(backend, lambda: careless_client(accomplice))
            purposes.backend_has_one(backend, accomplice)
            yield "the backend's certificate is good for a backend, and for nothing else"

    def _refused(
        self, backend: Backend, files: tuple[Path, Path] | None, how: str, rule: str = SERVED
    ) -> None:
        exchange = ask(COMMAND, backend, context=careless_client(files))
        if exchange.reply == SECRET:
            raise Unsafe(f'Mallory, {how}, got "{SECRET}"', rule)
        if files is None:
            refused_in_the_handshake(exchange, f"Mallory, {how},")

    def _renew_lists(self) -> None:
        """Let a rule that reads the list from its file, each time it is asked, know as well."""
        for path in list(Path().rglob("*")):
            if path.is_file() and LIST in path.read_bytes():
                pem.write_crl(path, self._trusted.crl())

    def _other_cas(self, others: tuple[str, ...]) -> Iterator[Other]:
        """Yield each CA that a side has no reason to trust, in words, and what it breaks if so."""
        yield self._stranger, "her own CA", BELIEVED if others is OF_DEVICES else SERVED
        for name in others:
            files = Path("ca", f"{name}.crt"), Path("ca", f"{name}.key")
            with suppress(FileProblem):  # nobody has a key that is not there, or not the CA's
                # Nothing is sent along: it is about who trusts this CA itself.
                yield replace(CertificateAuthority.load(*files), chain=()), f"ca/{name}", TWO_CAS
        yield self._public, "a public CA", NO_PUBLIC_CA

    def as_backend(self) -> Iterator[str]:
        """Answer the learner's device in the backend's place."""
        name = self._hostname or "localhost"
        for ca, whose, rule in self._other_cas(OF_DEVICES):
            self._not_believed(ca, name, f"with a certificate of {whose}", rule)
        self._trust_no_same_ca()
        _trusts_no_further_ca(self._device, "device")
        yield "an impostor with a certificate of another CA is refused"
        self._be_trusted(self._device)
        self._not_believed(self._trusted, "mallory.example", "with another server's certificate")
        yield "an impostor with a certificate for another name is refused"
        expired = self._trusted.issue(name, Purpose.SERVER, names=[name], valid_days=EXPIRED)
        files = expired.save(self._folder, "expired")
        self._believes_not(server_context(*files), "with a certificate of the backend, expired")
        yield "an impostor with an expired certificate is refused"
        self._believes_not(anonymous().context, "without any certificate")
        yield "an impostor without any certificate is refused"
        files = self._trusted.issue_server([name]).save(self._folder, "careless")
        yield careless_backends(self._device, lambda: server_context(*files), self._hostname)

    def _trust_no_same_ca(self) -> None:
        """Read what cannot be tried: nobody has the key of a CA that was made and not kept."""
        both = set(self._backend.get_ca_certs(binary_form=True))
        for each in self._device.get_ca_certs(binary_form=True):
            if each in both:
                name = x509.load_der_x509_certificate(each).subject.rfc4514_string()
                raise Unsafe(f"the backend and the device both trust {name}", TWO_CAS)

    def _not_believed(
        self, ca: CertificateAuthority, name: str, how: str, rule: str = BELIEVED
    ) -> None:
        issued = ca.issue(name, Purpose.SERVER, names=[name], authority_id=_has_id(ca))
        files = issued.save(self._folder, "impostor")
        self._believes_not(server_context(*files), how, rule)

    def _believes_not(self, context: ssl.SSLContext, how: str, rule: str = BELIEVED) -> None:
        with Backend(context, secret=FORGED) as impostor:
            exchange = ask(COMMAND, impostor, context=self._device, server_hostname=self._hostname)
        if exchange.reply == FORGED:
            raise Unsafe(
                f'Mallory, {how}, answered "{FORGED}", and the device believed her',
                rule,
            )

    def _issued(self, ca: CertificateAuthority, name: str = "trusted-client") -> tuple[Path, Path]:
        identity = ca.issue(name, Purpose.CLIENT, authority_id=_has_id(ca))
        if ca is self._trusted and name == "trusted-client":
            ca.revoke(identity.certificate)
        return identity.save(self._folder, name)

    def _be_trusted(self, context: ssl.SSLContext) -> None:
        """Let a victim trust the second CA, and know whom that has revoked."""
        files = self._folder / "second_ca.pem", self._folder / "second_ca.crl"
        pem.write_certificate(files[0], self._trusted.certificate)
        pem.write_crl(files[1], self._trusted.crl())
        for file in files:
            context.load_verify_locations(cafile=file)


def _trusts_no_further_ca(context: ssl.SSLContext, who: str) -> None:
    """Read what cannot be tried, for the same reason.

    A CA that replaces the kata's may be a new one; one beside it is one too many.
    """
    trusted = context.get_ca_certs(binary_form=True)
    known = [each.public_bytes(Encoding.DER) for each in _cas_of_the_folder()]
    for each in trusted if len(trusted) > 1 else ():
        if each not in known:
            name = x509.load_der_x509_certificate(each).subject.rfc4514_string()
            found = f"besides its own CA, the {who} trusts a {name} that is not in the folder ca"
            raise Unsafe(found, FURTHER_CA)


def _cas_of_the_folder() -> Iterator[x509.Certificate]:
    for path in Path("ca").glob("*.crt"):
        with suppress(FileProblem):
            yield from pem.read_certificates(path)


def _has_id(ca: CertificateAuthority) -> bool:
    """Whether what a CA signs can name its key: a learner's own CA may have no identifier."""
    return any(e.oid == x509.SubjectKeyIdentifier.oid for e in ca.certificate.extensions)

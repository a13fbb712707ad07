"""The life of a small fleet: provisioned, robbed, renewed, revoked, and moved to another CA.

Here: real certificates of a birth CA and two device CAs, an office, a backend, and one real
handshake for each device after each step. Not here: the buttons (panels/life.py), and who shares a
key with whom (fleet.py).
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mtls_lab.common import UnknownName, scratch_folder, write_file
from mtls_lab.enrolment import (
    Office,
    ask_all,
    certificate_from,
    current_only,
    own_name,
    request,
    to_line,
    why,
)
from mtls_lab.net import Backend, ask
from mtls_lab.pki import CertificateAuthority, Identity, Purpose, create_key
from mtls_lab.wire import Exchange

__all__ = ["CAS", "TRUSTED", "Life", "LifeReport", "Member"]

CAS = ("CA 1", "CA 2")
#: What the backend may trust, each with the CAs that it means.
TRUSTED = {"CA 1": CAS[:1], "both": CAS, "CA 2": CAS[1:]}
#: Steps that a report remembers.
REMEMBERED = 4


@dataclass(frozen=True, slots=True)
class Member:
    """A device, or the thief, after a step.

    Attributes:
        name: "01" to "08", or "thief".
        ca: which CA has signed the certificate that it presents.
        why: why it is refused; empty if it is served.
    """

    name: str
    ca: str
    why: str

    @property
    def served(self) -> bool:
        """Whether it got the secret."""
        return not self.why


@dataclass(frozen=True)
class LifeReport:
    """A fleet after a step: who is served, and what was done so far.

    Attributes:
        devices: in order.
        thief: whoever has the copy of a key; None while nobody has.
        robbed: the device whose key that is; empty while nobody has one.
        trusted, signing: what the backend trusts, and what the office signs with.
        done: the latest steps, each with what came of it.
    """

    devices: tuple[Member, ...]
    thief: Member | None
    robbed: str
    trusted: str
    signing: str
    done: tuple[str, ...]

    @property
    def served(self) -> tuple[Member, ...]:
        """The devices that get the secret, without the thief."""
        return tuple(each for each in self.devices if each.served)

    @property
    def refused(self) -> tuple[Member, ...]:
        """The devices that do not."""
        return tuple(each for each in self.devices if not each.served)

    def __str__(self) -> str:
        trusts = f"trusts {self.trusted}" if self.trusted != "both" else "trusts both CAs"
        lines = [f"The backend {trusts}, the office signs with {self.signing}"]
        lines.append(f"  served    {' '.join(each.name for each in self.served) or 'none'}")
        lines += [f"  refused   {each.name}: {each.why}" for each in self.refused]
        if self.thief:
            lines.append(f"  thief     as {self.robbed}: {self.thief.why or 'served'}")
        return "\n".join([*lines, *(f"  then      {step}" for step in self.done)])


@dataclass(frozen=True)
class _Held:
    """Who presents what, and who signed it."""

    identity: Identity
    ca: str
    context: ssl.SSLContext = field(repr=False)


class Life:
    """A fleet of so many devices, provisioned with CA 1; each method is a step and reports.

    Raises:
        UnknownName: there is no such device or CA.

    Example:
        >>> life = Life(2)
        >>> life.steal("01").thief.served
        True
        >>> print(life.revoke("01"))
        The backend trusts CA 1, the office signs with CA 1
          served    02
          refused   01: the backend says: certificate revoked
          thief     as 01: the backend says: certificate revoked
          then      the key of 01 is copied
          then      01 is revoked: on the list, and off the register
    """

    def __init__(self, size: int = 8) -> None:
        self._servers = CertificateAuthority.create("Server CA")
        root = CertificateAuthority.create("Device Root", below=1)
        births = root.intermediate("Birth CA")
        self._cas = {name: root.intermediate(f"Device {name}") for name in CAS}
        self._server = self._servers.issue_server(["localhost"])
        self._office = Office(self._cas["CA 1"], [own_name, current_only])
        self._counter = self._trusting(root.certificate)
        self.trusted, self.signing, self._robbed = "CA 1", "CA 1", ""
        self._thief: _Held | None = None
        self._done: list[str] = []
        self._devices: dict[str, _Held] = {}
        self._issued: dict[str, list[x509.Certificate]] = {}
        born = {
            f"{number:02}": births.issue_client(f"{number:02}") for number in range(1, size + 1)
        }
        for identity in born.values():
            self._office.announce(identity.certificate)
        first = {name: _Held(birth, "", self._present(birth)) for name, birth in born.items()}
        with self._open() as office:
            for name, held in first.items():
                _, self._devices[name] = self._enrolled(name, held, office)

    # --- Steps

    def steal(self, name: str) -> LifeReport:
        """Copy the certificate and the key that a device has now."""
        self._thief, self._robbed = self._device(name), name
        return self._step(f"the key of {name} is copied")

    def renew(self, name: str) -> LifeReport:
        """Let a device ask the office for its next certificate."""
        held = self._device(name)
        exchange, self._devices[name] = self._asked(name, held)
        return self._step(f"{name} renews: {_refusal(exchange) or 'done'}")

    def renew_all(self) -> LifeReport:
        """Let every device ask, one after the other."""
        failed = []
        for name, held in list(self._devices.items()):
            exchange, self._devices[name] = self._asked(name, held)
            failed += [] if exchange.ok else [name]
        refused = f"; the office refuses {', '.join(failed)}" if failed else ""
        return self._step(f"all renew{refused}")

    def thief_renews(self) -> LifeReport:
        """Let the thief ask the office, with what was copied."""
        if self._thief is None:
            return self._step("nobody has copied a key yet")
        exchange, self._thief = self._asked(self._robbed, self._thief)
        return self._step(f"the thief renews as {self._robbed}: {_refusal(exchange) or 'done'}")

    def revoke(self, name: str) -> LifeReport:
        """Put all that was issued in its name on the list, and take it off the register."""
        self._device(name)
        for certificate in self._issued[name]:
            for ca in self._cas.values():
                ca.revoke(certificate)
        self._office.register[name] = None
        return self._step(f"{name} is revoked: on the list, and off the register")

    def trust(self, which: str) -> LifeReport:
        """Let the backend trust one device CA or both, from its next connection on."""
        if which not in TRUSTED:
            raise UnknownName("CA to trust", which, TRUSTED)
        self.trusted = which
        return self._step(f"the backend trusts {which}" + " CAs" * (which == "both"))

    def sign_with(self, which: str) -> LifeReport:
        """Let the office issue from this CA, from the next request on."""
        if which not in CAS:
            raise UnknownName("CA to sign with", which, CAS)
        self.signing, self._office.ca = which, self._cas[which]
        return self._step(f"the office signs with {which}")

    def report(self) -> LifeReport:
        """Let everybody ask the backend for the secret, without another step."""
        callers: dict[str, object] = {name: held.context for name, held in self._devices.items()}
        if self._thief:
            callers["thief"] = self._thief.context
        with Backend(self._operations()) as backend:
            run = ask_all(callers, backend)
        refused = {name: _refusal(exchange) for name, exchange in run.exchanges.items()}
        members = {name: Member(name, d.ca, refused[name]) for name, d in self._devices.items()}
        return LifeReport(
            tuple(members.values()),
            Member("thief", self._thief.ca, refused["thief"]) if self._thief else None,
            self._robbed,
            self.trusted,
            self.signing,
            tuple(self._done[-REMEMBERED:]),
        )

    def certified_by(self, which: str) -> tuple[Member, Member]:
        """Let a thief with a device CA's key copy a name and serial number; ask at both places."""
        name, own = next(iter(self._devices.items()))
        number = own.identity.certificate.serial_number
        forged = self._cas[which].issue(name, Purpose.CLIENT, serial_number=number)
        held = _Held(forged, which, self._present(forged))
        with Backend(self._operations()) as backend:
            at_work = ask("GET_SECRET", backend, context=held.context)
        office, _ = self._asked(name, held)
        return Member("thief", which, _refusal(at_work)), Member("thief", which, _refusal(office))

    # --- Behind them

    def _open(self) -> Backend:
        return Backend(self._counter, answer=self._office.answer, name="office")

    def _step(self, said: str) -> LifeReport:
        self._done.append(said)
        return self.report()

    def _device(self, name: str) -> _Held:
        if name not in self._devices:
            raise UnknownName("device", name, self._devices)
        return self._devices[name]

    def _asked(self, name: str, held: _Held) -> tuple[Exchange, _Held]:
        with self._open() as office:
            return self._enrolled(name, held, office)

    def _enrolled(self, name: str, held: _Held, office: Backend) -> tuple[Exchange, _Held]:
        """Ask with what is held; what came of it, and what is held afterwards."""
        key = create_key()
        exchange = ask(f"ENROL {to_line(request(key, name))}", office, context=held.context)
        if not exchange.ok:
            return exchange, held
        ca = self._cas[self.signing]
        own = Identity(key, certificate_from(exchange.reply), ca.chain)
        self._issued.setdefault(name, []).append(own.certificate)
        return exchange, _Held(own, self.signing, self._present(own))

    def _present(self, identity: Identity) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _load(context, self._servers.certificate)
        identity.load_into(context)
        return context

    def _trusting(
        self, *trusted: x509.Certificate | x509.CertificateRevocationList
    ) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server.load_into(context)
        context.verify_mode = ssl.CERT_REQUIRED
        _load(context, *trusted)
        return context

    def _operations(self) -> ssl.SSLContext:
        """What the backend has for its next connections: CAs that it trusts, and their lists."""
        cas = [self._cas[name] for name in TRUSTED[self.trusted]]
        context = self._trusting(*(ca.certificate for ca in cas), *(ca.crl() for ca in cas))
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_CRL_CHECK_LEAF
        return context


def _load(
    context: ssl.SSLContext, *trusted: x509.Certificate | x509.CertificateRevocationList
) -> None:
    """Let a context trust certificates, and go by lists."""
    with scratch_folder() as folder:
        path = Path(folder, "trusted.pem")
        for each in trusted:
            write_file(path, each.public_bytes(Encoding.PEM), mode=0o644)
            context.load_verify_locations(cafile=path)


def _refusal(exchange: Exchange) -> str:
    return "" if exchange.ok else why(exchange)

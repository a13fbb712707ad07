"""The attacks, each run for real against a protection, each with a verdict.

Here: what an attacker does and what it proves. Not here: sockets (relay.py), the learner's
contexts (a Protection brings them, finished), the table (table.py).
"""

from __future__ import annotations

import shutil
import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mtls_lab.client import ask
from mtls_lab.errors import ProtectionBroken
from mtls_lab.outcome import Exchange
from mtls_lab.pki import CertificateAuthority, Profile, self_signed
from mtls_lab.relay import Relay, Tamper, flip_bit, replace
from mtls_lab.server import Backend, PeerCertificate
from mtls_lab.service import SECRET
from mtls_lab.wire import Direction, server_name

__all__ = [
    "ATTACKS",
    "Protection",
    "Verdict",
    "change_reply",
    "clone",
    "eavesdrop",
    "impersonate",
    "reply_index",
    "steal_key",
    "tamper",
]

#: What Mallory would have the device believe.
LIE = "the cave is empty"
#: A close_notify in a TLS 1.3 record: header, two bytes, content type, tag (RFC 8446, section 5.2).
CLOSE_NOTIFY = 5 + 2 + 1 + 16


@dataclass(frozen=True)
class Protection:
    """How device and backend are set up: what the attacks run against.

    Attributes:
        name: the column of the table.
        server_context, client_context: finished contexts; None for plain TCP.
        authorize: the backend's rule, as `serve` takes it.
        server_ca: the file with the CA that the device trusts; public, so a clone has it too.
        certfile, keyfile: what the device presents; None if it presents nothing.
    """

    name: str
    server_context: ssl.SSLContext | None = None
    client_context: ssl.SSLContext | None = None
    authorize: Callable[[PeerCertificate], object] | None = None
    server_ca: str | Path | None = None
    certfile: str | Path | None = None
    keyfile: str | Path | None = None

    def backend(self) -> Backend:
        """Start the backend that is attacked."""
        return Backend(self.server_context, authorize=self.authorize)

    def check(self) -> None:
        """Raise ProtectionBroken if the device itself is not served: nothing would be proved."""
        with self.backend() as backend:
            exchange = ask("GET_SECRET", backend, context=self.client_context)
        if not exchange.ok:
            raise ProtectionBroken(
                f"under {self.name!r} the device itself is not served:\n{exchange}",
                "a device that gets the secret; without it, an attack that fails proves nothing",
                "make this exchange work first, then run the attacks again",
            )


@dataclass(frozen=True)
class Verdict:
    """How one attack on one protection ended.

    Attributes:
        attack, protection: the names of its row and column.
        succeeded: whether the attacker got what they wanted.
        evidence: what happened, in sentences.
    """

    attack: str
    protection: str
    succeeded: bool
    evidence: tuple[str, ...]

    @property
    def word(self) -> str:
        """`"✗ succeeds"` or `"✓ stopped"`, from the defender's point of view."""
        return "✗ succeeds" if self.succeeded else "✓ stopped"

    def __str__(self) -> str:
        lines = [f"{self.attack} against {self.protection}: {self.word}"]
        return "\n".join([*lines, *(f"  {line}" for line in self.evidence)])


def eavesdrop(protection: Protection) -> Verdict:
    """Eve records everything, and looks for the secret.

    Example:
        >>> print(eavesdrop(Protection("Plain TCP")))
        Eavesdrop against Plain TCP: ✗ succeeds
          Eve recorded the exchange and found "open sesame" in it.
    """
    with protection.backend() as backend, Relay(backend) as eve:
        ask("GET_SECRET", eve, context=protection.client_context)
        read = eve.heard(SECRET)
        host = server_name(eve.stream(Direction.TO_BACKEND))
    found = "found" if read else "did not find"
    evidence = [f'Eve recorded the exchange and {found} "{SECRET}" in it.']
    if host:
        evidence.append(f"She did read the server name: {host}.")
    return Verdict("Eavesdrop", protection.name, read, tuple(evidence))


def tamper(protection: Protection) -> Verdict:
    """Mallory changes the reply on its way: the words if they are in clear, else one bit."""
    with protection.backend() as backend, Relay(backend) as mallory:
        ask("GET_SECRET", mallory, context=protection.client_context)
        mallory.tamper = change_reply(mallory)
        exchange = ask("GET_SECRET", mallory, context=protection.client_context)
    evidence = [
        f'The backend sent "{SECRET}".',
        f'The device received "{exchange.reply}".'
        if exchange.device.ok
        else f"The device refused what arrived: {exchange.device.failure}.",
    ]
    if exchange.backend and exchange.backend.failure:
        evidence.append(f"The backend was told: {exchange.backend.failure}.")
    succeeded = exchange.device.ok and exchange.reply != SECRET
    return Verdict("Tamper", protection.name, succeeded, tuple(evidence))


def change_reply(relay: Relay) -> Tamper:
    """Make the tamper that changes the reply: its words if they are in clear, else one bit.

    It needs one undisturbed exchange that this relay has heard.
    """
    if relay.heard(SECRET):
        return replace(SECRET, LIE)
    return flip_bit(reply_index(relay), Direction.TO_DEVICE)


def reply_index(relay: Relay) -> int:
    """Return which chunk towards the device holds the reply, from the first exchange heard.

    Encrypted records do not say what they hold, but their order is the same every time: the
    reply is the last that the backend sends before its close_notify, and longer than that.
    """
    heard = [c for c in relay.chunks if c.direction is Direction.TO_DEVICE and c.connection == 0]
    encrypted = [c for c in heard if c.heard[0] == 23 and len(c.heard) > CLOSE_NOTIFY]
    return (encrypted or heard)[-1].index


def impersonate(protection: Protection) -> Verdict:
    """Mallory answers in the backend's place, with a certificate from a CA of her own."""
    context = None
    with tempfile.TemporaryDirectory() as folder:
        if protection.client_context is not None:
            identity = CertificateAuthority.create("Mallory CA").issue_server(
                ["localhost", "127.0.0.1"]
            )
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*identity.save(folder, "mallory"))
        with Backend(context, name="mallory", secret=LIE) as mallory:
            exchange = ask("GET_SECRET", mallory, context=protection.client_context)
    if exchange.ok:
        line = f'The device asked Mallory, and believed her: "{exchange.reply}".'
    else:
        line = f"The device hung up on Mallory: {exchange.device.failure}."
    return Verdict("Impersonate the backend", protection.name, exchange.ok, (line,))


def clone(protection: Protection) -> Verdict:
    """Someone runs the device's software on a PC, with all that is public and no key."""
    attempts: list[tuple[str, ssl.SSLContext | None]]
    if protection.server_ca is None:
        attempts = [("A copy of the software", None)]
    else:
        with tempfile.TemporaryDirectory() as folder:
            bare = ssl.create_default_context(cafile=str(protection.server_ca))
            forged = ssl.create_default_context(cafile=str(protection.server_ca))
            identity = self_signed("trusted-client", Profile.CLIENT)
            forged.load_cert_chain(*identity.save(folder, "clone"))
        attempts = [
            ("A copy of the software, without a certificate,", bare),
            ("A copy with a self-made certificate for CN=trusted-client", forged),
        ]
    with protection.backend() as backend:
        results = [(who, ask("GET_SECRET", backend, context=context)) for who, context in attempts]
    served = [result for result in results if result[1].ok]
    evidence = [_served(who, exchange) for who, exchange in served[:1] or results]
    return Verdict("Clone the device", protection.name, bool(served), tuple(evidence))


def steal_key(protection: Protection) -> Verdict:
    """Someone copies every file of the device, the private key among them, and uses them."""
    who = "A copy of the device's files"
    with tempfile.TemporaryDirectory() as folder:
        context = None
        if protection.server_ca is not None:
            context = ssl.create_default_context(cafile=shutil.copy(protection.server_ca, folder))
            if protection.certfile and protection.keyfile:
                stolen = [Path(folder, "stolen.crt"), Path(folder, "stolen.key")]
                shutil.copy(protection.certfile, stolen[0])
                shutil.copy(protection.keyfile, stolen[1])
                context.load_cert_chain(stolen[0], stolen[1])
                who += ", client.key among them,"
        with protection.backend() as backend:
            exchange = ask("GET_SECRET", backend, context=context)
    return Verdict("Steal the key file", protection.name, exchange.ok, (_served(who, exchange),))


def _served(who: str, exchange: Exchange) -> str:
    if exchange.ok:
        return f'{who} asked from elsewhere and got "{exchange.reply}".'
    why = (exchange.backend and exchange.backend.failure) or exchange.device.failure
    return f"{who} was refused by the backend: {why}."


ATTACKS: tuple[Callable[[Protection], Verdict], ...] = (
    eavesdrop,
    tamper,
    impersonate,
    clone,
    steal_key,
)

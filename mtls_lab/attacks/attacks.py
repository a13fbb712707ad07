"""The attacks, each run for real against a protection, and what each proves.

Here: what an attacker does, and ATTACKS, the order and titles of them all. Not here: sockets
(net/relay.py), finished contexts (protections.py), the table (table.py).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mtls_lab.attacks.protections import Protection
from mtls_lab.common import Shown, scratch_folder
from mtls_lab.drawing import actor, breakable, card, escape, side_by_side
from mtls_lab.net import Backend, Relay, Tamper, ask, flip_bit, replace, watch
from mtls_lab.pki import CertificateAuthority, Purpose, self_signed
from mtls_lab.wire import LIE, SECRET, Direction, Exchange, server_name

__all__ = [
    "ATTACKS",
    "Attack",
    "AttackResult",
    "attacker_of",
    "change_reply",
    "clone",
    "eavesdrop",
    "impersonate",
    "reply_index",
    "steal_key",
    "steal_session",
    "tamper",
]

#: A close_notify in a TLS 1.3 record: header, two bytes, content type, tag (RFC 8446, section 5.2).
CLOSE_NOTIFY = 5 + 2 + 1 + 16


@dataclass(frozen=True)
class AttackResult(Shown):
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

    def _repr_html_(self) -> str:
        title = escape(f"{self.attack} against {self.protection}: {self.word}")
        head = f"<b>{actor(attacker_of(self.attack))} {title}</b>"
        lines = "".join(f"<div>{breakable(line)}</div>" for line in self.evidence)
        return side_by_side(card(head, lines, good=not self.succeeded))


def eavesdrop(protection: Protection) -> AttackResult:
    """Eve records everything, and looks for the secret.

    Example:
        >>> print(eavesdrop(Protection("Plain TCP")))
        Eavesdrop against Plain TCP: ✗ succeeds
          Eve recorded the exchange and found "open sesame" in it.
    """
    with protection.backend() as backend, Relay(backend) as eve:
        protection.ask(eve)
        read = eve.heard(SECRET)
        host = server_name(eve.stream(Direction.TO_BACKEND))
    found = "found" if read else "did not find"
    evidence = [f'Eve recorded the exchange and {found} "{SECRET}" in it.']
    if host:
        evidence.append(f"She did read the server name: {host}.")
    return _result(eavesdrop, protection, *evidence, succeeded=read)


def tamper(protection: Protection) -> AttackResult:
    """Mallory changes the reply on its way: the words if they are in clear, else one bit."""
    with protection.backend() as backend, Relay(backend) as mallory:
        protection.ask(mallory)
        mallory.tamper = change_reply(mallory)
        exchange = protection.ask(mallory)
    evidence = [
        f'The backend sent "{SECRET}".',
        f'The device received "{exchange.reply}".'
        if exchange.device.ok
        else f"The device refused what arrived: {exchange.device.failure}.",
    ]
    if exchange.backend and exchange.backend.failure:
        evidence.append(f"The backend was told: {exchange.backend.failure}.")
    succeeded = exchange.device.ok and exchange.reply != SECRET
    return _result(tamper, protection, *evidence, succeeded=succeeded)


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


def impersonate(protection: Protection) -> AttackResult:
    """Mallory answers in the backend's place, with a certificate from a CA of her own."""
    context = None
    if protection.server_context is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        mallory_ca = CertificateAuthority.create("Mallory CA")
        mallory_ca.issue_server(["localhost", "127.0.0.1"]).load_into(context)
    with Backend(context, name="mallory", secret=LIE) as mallory:
        exchange = protection.ask(mallory)
    if exchange.ok:
        line = f'The device asked Mallory, and believed her: "{exchange.reply}".'
    else:
        line = f"The device hung up on Mallory: {exchange.device.failure}."
    return _result(impersonate, protection, line, succeeded=exchange.ok)


def clone(protection: Protection) -> AttackResult:
    """Someone runs the device's software on a PC, with all that is public and no key."""
    attempts: list[tuple[str, ssl.SSLContext | None]]
    if protection.server_ca is None:
        attempts = [("A copy of the software", None)]
    else:
        bare = ssl.create_default_context(cafile=str(protection.server_ca))
        forged = ssl.create_default_context(cafile=str(protection.server_ca))
        self_signed("trusted-client", Purpose.CLIENT).load_into(forged)
        attempts = [
            ("A copy of the software, without a certificate,", bare),
            ("A copy with a self-made certificate for CN=trusted-client", forged),
        ]
    with protection.backend() as backend:
        results = [(who, ask("GET_SECRET", backend, context=context)) for who, context in attempts]
    served = [result for result in results if result[1].ok]
    evidence = [_served(who, exchange) for who, exchange in served[:1] or results]
    return _result(clone, protection, *evidence, succeeded=bool(served))


def steal_key(protection: Protection) -> AttackResult:
    """Someone copies every file of the device, the private key among them, and uses them."""
    who = "A copy of the device's files"
    if protection.server_ca is not None and protection.keyfile:
        who += f", {Path(protection.keyfile).name} among them,"
    with scratch_folder() as folder, protection.backend() as backend:
        exchange = protection.ask_with_copies(backend, folder)
    return _result(steal_key, protection, _served(who, exchange), succeeded=exchange.ok)


def steal_session(protection: Protection) -> AttackResult:
    """Someone copies the device's session out of its memory, and neither certificate nor key."""
    if protection.server_context is not None:
        watch(protection.server_context)
    with protection.backend() as backend:
        before, _, exchange = protection.ask_with_session(backend)
    evidence = [_served("A thief without a certificate", before)]
    if before.ok:
        evidence.append("No session was needed.")
        return _result(steal_session, protection, *evidence, succeeded=before.ok)
    if exchange is None:
        evidence.append("The device had no session: the backend gives none to resume.")
        return _result(steal_session, protection, *evidence, succeeded=before.ok)
    evidence.append(_served("The same thief, with the device's session,", exchange))
    if exchange.backend and exchange.backend.reused:
        evidence.append(f"The backend took it for {exchange.backend.peer}.")
        if not any(m.name.startswith("Certificate") for m in exchange.handshake.messages):
            evidence.append("No Certificate and no CertificateVerify crossed the wire.")
    return _result(steal_session, protection, *evidence, succeeded=exchange.ok)


def _served(who: str, exchange: Exchange) -> str:
    if exchange.ok:
        return f'{who} asked from elsewhere and got "{exchange.reply}".'
    if exchange.backend is None:
        return f"{who} did not get as far as the backend: {exchange.device.failure}."
    return f"{who} was refused by the backend: {exchange.backend.failure}."


Attack = Callable[[Protection], AttackResult]
#: Every attack under its title, in the order of the table's rows. A new one takes its place here.
ATTACKS: dict[str, Attack] = {
    "Eavesdrop": eavesdrop,
    "Tamper": tamper,
    "Impersonate the backend": impersonate,
    "Clone the device": clone,
    "Steal the key file": steal_key,
    "Steal the session": steal_session,
}


def attacker_of(attack: str) -> str:
    """Return `"Eve"`, who listens, or `"Mallory"`, who does something; `attack` is a title."""
    return "Eve" if ATTACKS.get(attack) is eavesdrop else "Mallory"


def _result(
    attack: Attack, protection: Protection, *evidence: str, succeeded: bool
) -> AttackResult:
    title = next(title for title, each in ATTACKS.items() if each is attack)
    return AttackResult(title, protection.name, succeeded, evidence)

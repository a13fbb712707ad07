"""The five attacks, each run for real against a protection, and the table of their verdicts.

Here: what an attacker does and what it proves. Not here: sockets (relay.py), the learner's
contexts (a Protection brings them, finished).
"""

from __future__ import annotations

import html
import shutil
import ssl
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mtls_lab.client import ask
from mtls_lab.errors import ProtectionBroken
from mtls_lab.outcome import Exchange
from mtls_lab.pki import CertificateAuthority, Profile, self_signed
from mtls_lab.relay import Relay, Tamper, flip_bit, replace
from mtls_lab.server import Backend, PeerCertificate, serve
from mtls_lab.service import SECRET
from mtls_lab.wire import Direction, looks_like_tls, server_name

__all__ = [
    "ATTACKS",
    "AttackTable",
    "Protection",
    "Verdict",
    "attack_table",
    "clone",
    "eavesdrop",
    "impersonate",
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
        return serve(self.server_context, authorize=self.authorize, name="attacked")

    def check(self) -> None:
        """Raise ProtectionBroken if the device itself is not served: nothing would be proved."""
        with self.backend() as backend:
            exchange = ask("GET_SECRET", backend, context=self.client_context)
        if not exchange.ok:
            raise ProtectionBroken(
                f"under {self.name!r} the device itself is not served:\n{exchange}",
                "a device that gets the secret; only then does an attack that fails prove something",
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
    """Make the tamper that changes the reply, from one undisturbed exchange that was heard.

    Encrypted records do not say what they hold, but their order is the same every time: the
    reply is the last that the backend sends before its close_notify, and longer than that.
    """
    replies = [c for c in relay.chunks if c.direction is Direction.TO_DEVICE and c.connection == 0]
    if not any(looks_like_tls(chunk.heard) for chunk in replies):
        return replace(SECRET, LIE)
    indexes = [c.index for c in replies if c.heard[0] == 23 and len(c.heard) > CLOSE_NOTIFY]
    return flip_bit(indexes[-1], Direction.TO_DEVICE)


def impersonate(protection: Protection) -> Verdict:
    """Mallory answers in the backend's place, with a certificate from a CA of her own."""
    context = None
    with tempfile.TemporaryDirectory() as folder:
        if protection.client_context is not None:
            identity = CertificateAuthority.create("Mallory CA").issue_server(["localhost", "127.0.0.1"])
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*identity.save(folder, "mallory"))
        with serve(context, name="mallory", secret=LIE) as mallory:
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
                stolen = [shutil.copy(file, folder) for file in (protection.certfile, protection.keyfile)]
                context.load_cert_chain(*stolen)
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


@dataclass(frozen=True)
class AttackTable:
    """The verdicts as a table: text, HTML, and the SVG picture of the README."""

    verdicts: tuple[Verdict, ...]

    @property
    def rows(self) -> dict[str, dict[str, Verdict]]:
        """The verdicts by attack, then by protection."""
        rows: dict[str, dict[str, Verdict]] = {}
        for verdict in self.verdicts:
            rows.setdefault(verdict.attack, {})[verdict.protection] = verdict
        return rows

    @property
    def columns(self) -> Sequence[str]:
        """The names of the protections, in order."""
        return list(dict.fromkeys(verdict.protection for verdict in self.verdicts))

    def __str__(self) -> str:
        lines = [f"{'':<25}" + "".join(f"{name:<14}" for name in self.columns)]
        for attack, row in self.rows.items():
            lines.append(f"{attack:<25}" + "".join(f"{row[name].word:<14}" for name in self.columns))
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in self.columns)
        body = ""
        for attack, row in self.rows.items():
            cells = "".join(_html_cell(row[name]) for name in self.columns)
            body += f'<tr><th scope="row" style="text-align:left">{html.escape(attack)}</th>{cells}</tr>'
        return f"<table><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table>"

    def svg(self) -> str:
        """Return the table as a picture that reads in light and in dark, without colour too."""
        column, row_height, first = 150, 44, 220
        width = first + column * len(self.columns) + 8
        height = row_height * (len(self.rows) + 1) + 8
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" aria-labelledby="title">',
            f'<title id="title">Five attacks against {html.escape(", ".join(self.columns))}</title>',
            "<style>text{font:15px system-ui,sans-serif;fill:#1f2328}.head{font-weight:600}"
            ".bad{fill:#ffd8d3}.good{fill:#cdf0d4}.in{fill:#1f2328}"
            "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.bad{fill:#7d1f1a}"
            ".good{fill:#14562a}.in{fill:#fff}}</style>",
        ]
        for at, name in enumerate(self.columns):
            x = first + at * column + column // 2
            parts.append(f'<text class="head" x="{x}" y="28" text-anchor="middle">{html.escape(name)}</text>')
        for line, (attack, row) in enumerate(self.rows.items()):
            y = row_height * (line + 1)
            parts.append(f'<text x="8" y="{y + 28}">{html.escape(attack)}</text>')
            for at, name in enumerate(self.columns):
                kind, x = ("bad" if row[name].succeeded else "good"), first + at * column
                parts.append(
                    f'<rect class="{kind}" x="{x + 3}" y="{y + 3}" rx="6" '
                    f'width="{column - 6}" height="{row_height - 6}"/>'
                    f'<text class="in" x="{x + column // 2}" y="{y + 28}" '
                    f'text-anchor="middle">{row[name].word}</text>'
                )
        return "\n".join([*parts, "</svg>"]) + "\n"


def _html_cell(verdict: Verdict) -> str:
    colour = "--jp-error-color1" if verdict.succeeded else "--jp-success-color1"
    evidence = html.escape("\n".join(verdict.evidence), quote=True)
    style = f"border-bottom:3px solid var({colour}, currentColor)"
    return f'<td style="{style}" title="{evidence}">{verdict.word}</td>'


def attack_table(
    protections: Iterable[Protection],
    attacks: Iterable[Callable[[Protection], Verdict]] = ATTACKS,
) -> AttackTable:
    """Run every attack against every protection, now, and return the table.

    Example:
        >>> print(attack_table([Protection("Plain TCP")], [eavesdrop, clone]))
                                 Plain TCP
        Eavesdrop                ✗ succeeds
        Clone the device         ✗ succeeds
    """
    attacks, protections = list(attacks), list(protections)
    for protection in protections:
        protection.check()
    return AttackTable(
        tuple(attack(protection) for protection in protections for attack in attacks)
    )

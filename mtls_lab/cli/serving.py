"""The command `mtls-lab serve`: the tutorial's backend in a terminal, with a live log.

Here: the log. Not here: how the command ends (ending.py), the backend (net/backend.py), its files
and context (place.py), what a refusal means (explaining/).

The backend's threads only put what they saw into the events; this thread prints it.
"""

from __future__ import annotations

import argparse
import ipaddress
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

from mtls_lab.cli.ending import Events, code_for, noted
from mtls_lab.cli.place import Place
from mtls_lab.cli.telling import complain
from mtls_lab.common import LabError, host_and_port, json_text, printable
from mtls_lab.explaining import explain
from mtls_lab.net import Address, PeerCertificate, current, only, serve
from mtls_lab.pki import pem
from mtls_lab.wire import Side

__all__ = ["as_json", "run"]

Event = tuple[str, Address, Side]


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM; return 143 for SIGTERM, or 2 if the files do not load.

    Raises:
        KeyboardInterrupt: Ctrl-C, once everything is closed.
        LabError: the arguments do not fit together, the revocation list is none, or the address
            cannot be listened on.
    """
    _fit(options)
    place = Place.of(options)
    if options.crl is not None:  # OpenSSL takes any PEM file, and then refuses every client
        pem.read_crls(options.crl)
    try:
        context = place.backend(options)
    except (OSError, ValueError) as error:
        complain(place.unloadable(error, "--client-ca"))
        return 2
    events: Events[Event] = Events()
    with noted() as ends:
        with (
            serve(
                context,
                authorize=_rule(options),
                host=options.host,
                port=options.port,
                everybody=True,  # it is for programs of one's own, which may run under other names
                observe=lambda *event: events.put(event),
            ) as backend,
            closing(events),
        ):
            log = _Log(as_json=options.json)
            log.listening(backend.address, _kind(options))
            for event in events.until(ends):
                log.event(*event)
        for event in events.left():
            log.event(*event)
        log.stopped()
    return code_for(ends)


def _fit(options: argparse.Namespace) -> None:
    """Refuse what would be ignored: a rule that nothing enforces looks like a protection."""
    blind = "--plain" if options.plain else "--tls" if options.one_sided else ""
    for name in ("allow", "crl", "client_ca"):
        if blind and getattr(options, name) is not None:
            raise LabError(
                f"--{name.replace('_', '-')} with {blind}",
                "a backend that asks its clients for a certificate",
                f"leave out {blind}",
            )
    if options.plain and options.tls13_only:
        raise LabError("--tls13-only with --plain", "TLS, or none", "leave out one of them")


def _rule(options: argparse.Namespace) -> Callable[[PeerCertificate], bool] | None:
    """Whom the backend serves, of those that the handshake let in; None for everybody.

    A session would let in a device whose certificate has expired meanwhile.
    """
    if options.plain or options.one_sided:
        return None
    named = only(*options.allow) if options.allow else (lambda _: True)
    return lambda certificate: current(certificate) and named(certificate)


def _kind(options: argparse.Namespace) -> str:
    if options.plain:
        return "plain TCP"
    return "TLS, without client certificates" if options.one_sided else "mutual TLS"


class _Log:
    """One line for each thing that happens; what a client chose is made harmless."""

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json
        self._open: set[Address] = set()
        self._count = {"served": 0, "refused": 0}

    def listening(self, address: Address, kind: str) -> None:
        host, port = address
        outside = not ipaddress.ip_address(host.partition("%")[0]).is_loopback
        if self._json:
            self._write(event="listening", host=host, port=port, outside=outside, kind=kind)
            return
        print(f"Listening on {host_and_port(host, port)}, {kind}. Ctrl-C ends it.", flush=True)
        if outside:
            print(
                "It is reachable from outside: every machine that finds a way to this port may "
                "try it.",
                flush=True,
            )

    def event(self, what: str, peer: Address, side: Side) -> None:
        """Print what was seen of a connection."""
        refused = what == "ended" and not side.ok
        if what == "open":
            self._open.add(peer)
        if what == "ended":
            self._open.discard(peer)
            self._count["refused" if refused else "served"] += 1
        if self._json:
            self._write(
                event="refused" if refused else what,
                host=peer[0],
                port=peer[1],
                **as_json(side),
                **({"what": explain(side).what} if refused else {}),
            )
            return
        print(f"{host_and_port(*peer)}  {_told(what, side)}", flush=True)

    def stopped(self) -> None:
        """Print the last line."""
        if self._json:
            self._write(event="stopped", **self._count)
        else:
            served, refused = self._count.values()
            print(f"Stopped. Connections: {served} served, {refused} refused or broken off.")

    def _write(self, **facts: object) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        print(json_text({"time": now} | facts), flush=True)


def _told(what: str, side: Side) -> str:
    """One line about a connection."""
    if what == "command":
        return f"received   {printable(side.received[-1])}"
    if what == "open":
        resumed = " resumed" * side.reused
        who = printable(side.peer) if side.peer else "no certificate"
        return f"connected  {side.version}{resumed}, {who}" if side.version else "connected"
    if side.ok:
        return "closed"
    told = explain(side)
    return f"refused    {side.stage.value} ✗ {printable(str(side.failure))}: {told.what}"


def as_json(side: Side) -> dict[str, object]:
    """Return what a side saw, for a program.

    Example:
        >>> from mtls_lab.wire import Stage
        >>> as_json(Side("device", Stage.APPLICATION, received=("PONG",)))["received"]
        ['PONG']
    """
    failure = side.failure
    return {
        "stage": side.stage.value,
        "version": side.version,
        "peer": side.peer,
        "resumed": side.reused,
        "received": list(side.received),
        "error": failure and failure.error,
        "reason": failure and (failure.verify_message or failure.reason or failure.text),
        "verify_code": failure and failure.verify_code,
    }

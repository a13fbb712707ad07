"""The command `mtls-lab ask`: the tutorial's device in a terminal, one command and its reply.

Here: what is printed where, and the exit codes. Not here: the device (net/device.py), its files
and context (place.py), what a failure means (explaining/).
"""

from __future__ import annotations

import argparse
import socket
import sys
from dataclasses import asdict

from mtls_lab.cli.place import Place
from mtls_lab.cli.serving import as_json
from mtls_lab.cli.telling import complain, of_another_ca, without_certificate
from mtls_lab.common import LabError, host_and_port, json_text, printable
from mtls_lab.explaining import Explanation
from mtls_lab.net import Address, ask, watch
from mtls_lab.net.clock import Clock, addresses
from mtls_lab.wire import MAX_LINE, NO_CHAIN, Exchange, Stage

__all__ = ["run"]

#: The exit codes; machines.py tells them in the help.
ANSWERED, ERROR, WRONG, NO_CONNECTION, REFUSED = range(5)
#: What a backend says to a device without a certificate, in TLS 1.3 alone.
WANTS_ONE = {"TLSV13_ALERT_CERTIFICATE_REQUIRED"}


def run(options: argparse.Namespace) -> int:
    """Ask once; the reply goes to standard output, why there is none to standard error.

    Raises:
        LabError: what was to be sent is not one line, or the arguments do not fit together.
    """
    _fit(options)
    place = Place.of(options)
    try:
        context = place.device(options)
    except (OSError, ValueError) as error:
        why = place.unloadable(error, "--server-ca")
        if options.json:
            _report(None, why)
        else:
            complain(why)
        return WRONG
    host, port = options.address
    to = _reachable(host, port, options.timeout)
    if place.sealed:
        from mtls_lab.cli.sealed import ask_by_tpm  # noqa: PLC0415 - few devices have a TPM

        exchange = ask_by_tpm(options, place, to)
    else:
        if context is not None:
            watch(context)
        exchange = ask(
            options.line,
            to,
            context=context,
            server_hostname=options.server_name or host,
            timeout=options.timeout,
        )
    return _tell(exchange, place, options)


def _tell(exchange: Exchange, place: Place, options: argparse.Namespace) -> int:
    """Print what came of it; return the exit code."""
    code = _code(exchange)
    told = None if code == ANSWERED else _why(exchange, place, options)
    if options.json:
        _report(exchange, told)
        return code
    if exchange.reply is not None:
        print(printable(exchange.reply), flush=True)
    if told is not None:
        print(printable(str(exchange.device)), file=sys.stderr)
        if code in {ERROR, REFUSED}:
            there = host_and_port(*options.address)
            print(f"backend  what it saw is in its own log, at {there}", file=sys.stderr)
        complain(told)
    return code


def _why(exchange: Exchange, place: Place, options: argparse.Namespace) -> Explanation:
    """Explain a failure: it is about what the refused side showed, or about who judged it."""
    failure = exchange.device.failure
    judged = failure is not None and failure.verify_code is not None
    told = place.explain(exchange, pair=not judged, trust=judged)
    if failure and failure.verify_code in NO_CHAIN and place.cafile:
        return of_another_ca(told, place.cafile, exchange.device.messages)
    if options.one_sided and failure and failure.reason in WANTS_ONE:
        return without_certificate(told)
    return told


def _report(exchange: Exchange | None, told: Explanation | None) -> None:
    report = {
        "ok": exchange is not None and exchange.ok,
        "reply": exchange and exchange.reply,
        "device": exchange and as_json(exchange.device),
        "explanation": None if told is None else asdict(told),
    }
    print(json_text(report, indent=1))


def _fit(options: argparse.Namespace) -> None:
    line = options.line
    if not line.strip() or not line.isprintable() or len(line.encode()) >= MAX_LINE:
        raise LabError(
            f"the command {line[:80]!r}",
            f"one line of text, of less than {MAX_LINE} bytes",
            "ask GET_SECRET, PING or HELP",
        )
    if options.plain:
        for name in ("tls13_only", "certfile", "keyfile", "server_ca", "server_name"):
            if getattr(options, name):
                raise LabError(
                    f"--{name.replace('_', '-')} with --plain", "TLS, or none", "leave one out"
                )


def _reachable(host: str, port: int, timeout: float) -> Address:
    """Return the first address of a host; the host itself where none is known, for `ask` to say."""
    try:
        found = addresses(host, port, Clock(timeout))
    except OSError:
        return host, port
    # A backend of ours listens on IPv4, unless it was told otherwise.
    return min(found, key=lambda each: each[0] is not socket.AF_INET)[1]


def _code(exchange: Exchange) -> int:
    if exchange.ok:
        return ANSWERED
    if exchange.reply is not None:
        return ERROR
    return {Stage.SETUP: WRONG, Stage.CONNECT: NO_CONNECTION}.get(exchange.device.stage, REFUSED)

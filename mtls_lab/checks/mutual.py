"""Checks of Part 3 about contexts: the device presents a certificate, the backend demands one.

Here: mutual_device and mutual_backend; and why an honest device was not served, in words, for
every check of the part. Not here: what a CA signs (mutual_ca.py), and names (names.py).
"""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mtls_lab import pem
from mtls_lab.checks.base import exercise
from mtls_lab.checks.calling import call
from mtls_lab.checks.impostors import Impostor, impostors, public_ca
from mtls_lab.checks.peers import LIE, SECRET, server_context, shown, strict_device
from mtls_lab.checks.verdict import NotYet, Unsafe
from mtls_lab.client import ask
from mtls_lab.outcome import Exchange, Failure, Side, Stage
from mtls_lab.pem import Identity
from mtls_lab.pki import CertificateAuthority
from mtls_lab.server import Backend

__all__ = ["ASKING", "mutual_backend", "mutual_device", "served"]

_UNKNOWN_CA = (
    "it comes from a CA that is not trusted there",
    "a certificate is verified with the certificate of the CA that signed it",
)
#: What OpenSSL's verify codes (X509_V_ERR_…) mean, and the rule behind each.
_WHY = {
    3: (
        "there is no list of revoked certificates to check it against",
        "checking revocation takes the CA's list",
    ),
    7: _UNKNOWN_CA,
    9: (
        "it is not valid yet",
        "a certificate is valid from a little before it is made, because clocks differ",
    ),
    10: ("it has expired", "a certificate is valid for as long as it is used"),
    18: _UNKNOWN_CA,
    19: _UNKNOWN_CA,
    20: _UNKNOWN_CA,
    23: ("it is revoked", "only a certificate on the CA's list is revoked"),
    26: (
        "it is for a different purpose",
        "the extended key usage says what a certificate may be used for",
    ),
    62: ("it is for another name", "a device calls its backend by the name in the certificate"),
}
ASKING = "a server has to ask; what a context does by itself is in its verify_mode"
_REASONS = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": (
        "the backend asks for a certificate, and the device has none",
        "a device proves in the handshake that it holds the key of a certificate",
    ),
    **dict.fromkeys(
        ("NO_SHARED_CIPHER", "NO_SUITABLE_SIGNATURE_ALGORITHM"),
        (
            "the backend has no certificate to present",
            "the backend proves itself too: that stays as it was in Part 2",
        ),
    ),
    "ProtocolError": (
        "the backend does not understand the device: it does not speak TLS",
        "a backend without a context speaks plain TCP",
    ),
    "NOT_AUTHORIZED": (
        "the backend knows the device, but its rule refuses it",
        "this device may speak",
    ),
}


def served(exchange: Exchange) -> Side:
    """Return the backend's side of an exchange in which the device got its answer.

    Raises:
        NotYet: it did not; with who refused whom, in words that are the same everywhere.
    """
    if exchange.ok and exchange.backend is not None:
        return exchange.backend
    device = exchange.device.failure
    backend = exchange.backend.failure if exchange.backend else None
    if exchange.device.stage is Stage.CONNECT:
        raise NotYet("nobody listens where the backend should be", "a backend runs until it stops")
    if device is not None and device.verify_code is not None:
        raise _refused("the device refuses the backend's certificate", device)
    if backend is not None and backend.verify_code is not None:
        raise _refused("the backend refuses the device's certificate", backend)
    if exchange.backend and exchange.backend.version and exchange.backend.peer is None:
        raise NotYet("the backend did not ask for a certificate, and knows nobody", ASKING)
    failure = backend or device
    reason = failure.reason or failure.error if failure else "no reason is known"
    found, rule = _REASONS.get(
        reason, (f"the device is not served: {reason}", "a device of yours gets its answer")
    )
    raise NotYet(found, rule)


def _refused(who: str, failure: Failure) -> NotYet:
    words, rule = _WHY.get(
        failure.verify_code or 0, (f"verify code {failure.verify_code}", "both sides verify")
    )
    return NotYet(f"{who}: {words}", rule)


def _context(function: Callable[..., Any], folder: Path, side: str) -> ssl.SSLContext:
    """Let the learner make a context of the files in a folder, for "client" or "server"."""
    called = call(function, folder)
    if isinstance(called.error, ssl.SSLError):
        raise NotYet(  # without OpenSSL's words, which differ
            f"{called.name} raised {Failure.of(called.error)} (line {called.line} of its cell)",
            "a certificate is loaded together with its own key, and a CA file holds certificates",
        )
    context = called.returned("the files of the exercise are in the folder, in PEM form")
    if not isinstance(context, ssl.SSLContext):
        raise NotYet(f"{called.name} returned {shown(context)}", "it returns an ssl.SSLContext")
    wrong = {"client": ssl.PROTOCOL_TLS_SERVER, "server": ssl.PROTOCOL_TLS_CLIENT}[side]
    if context.protocol == wrong:
        raise NotYet(
            f"this is not a context for a {side}",
            "the side that connects is the client, the side that accepts is the server",
        )
    return context


# --- The device's context --------------------------------------------------------------------


@exercise(part=3, wanted="a function device_context(folder)", kind=callable)
def mutual_device(function: Callable[..., Any]) -> Iterator[str]:
    """Let the device prove itself."""
    servers, devices = (CertificateAuthority.create(name) for name in ("Server CA", "Device CA"))
    with tempfile.TemporaryDirectory() as name, public_ca(folder := Path(name)) as public:
        devices.issue_client("trusted-client").save(folder, "client")
        pem.write_certificate(folder / "server_ca.pem", servers.certificate)
        context = _context(function, folder, "client")
    own = server_context(servers.issue_server(["localhost"]), client_ca=devices.certificate)
    with Backend(own, secret=SECRET) as backend:
        served(ask("GET_SECRET", backend, context=context))
    yield "the device proves itself with its certificate, and is served"
    for impostor in impostors(servers, public, "localhost"):
        _answer(context, impostor)
        yield f"Mallory, who presents {impostor.shows}, is refused"


def _answer(context: ssl.SSLContext, impostor: Impostor) -> None:
    """Let Mallory answer in the backend's place. Raises Unsafe if she hears the command."""
    with Backend(impostor.context, name="mallory", secret=LIE) as mallory:
        exchange = ask("GET_SECRET", mallory, context=context)
    if exchange.ok or (exchange.backend is not None and exchange.backend.received):
        raise Unsafe(
            f"Mallory presented {impostor.shows}, read the command, and answered {LIE!r}",
            impostor.rule,
        )


# --- The backend's context -------------------------------------------------------------------


@exercise(part=3, wanted="a function backend_context(folder)", kind=callable)
def mutual_backend(function: Callable[..., Any]) -> Iterator[str]:
    """Serve devices only."""
    servers, devices = (CertificateAuthority.create(name) for name in ("Server CA", "Device CA"))
    with tempfile.TemporaryDirectory() as name, public_ca(folder := Path(name)) as public:
        servers.issue_server(["localhost"]).save(folder, "server")
        pem.write_certificate(folder / "server_ca.pem", servers.certificate)
        pem.write_certificate(folder / "client_ca.pem", devices.certificate)
        context = _context(function, folder, "server")
    with Backend(context, secret=SECRET) as backend:

        def visit(identity: Identity | None) -> Exchange:
            device = strict_device(servers.certificate, identity)
            return ask("GET_SECRET", backend, context=device)

        exchange = visit(devices.issue_client("trusted-client"))
        refusal = exchange.backend and exchange.backend.failure
        if refusal and refusal.verify_code is not None and not context.get_ca_certs():
            raise NotYet(
                "the backend refuses every device: it has no CA to check them with",
                "requiring a certificate is one thing, knowing which ones are good is another",
            )
        if served(exchange).peer is None:
            raise NotYet("the device is served, and nobody asked for its certificate", ASKING)
        yield "the device is served, and the backend knows its name"
        mallory = CertificateAuthority.create("Mallory CA").issue_client("trusted-client")
        for who, identity in (
            ("a device without a certificate", None),
            ("Mallory, with a certificate from a CA of her own,", mallory),
            ("a client that the server CA has signed", servers.issue_client("trusted-client")),
            ("a client that a public CA has signed", public.issue_client("trusted-client")),
        ):
            if visit(identity).ok:
                raise Unsafe(
                    f"{who} got {SECRET!r}",
                    "only a device with a certificate from the device CA is served",
                )
            yield f"{who} is refused"

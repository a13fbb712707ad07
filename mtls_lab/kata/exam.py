"""What a contexts.py does for real: with its own device, and against an attacker.

Here: running the learner's file anew, one honest exchange, and every attack on both of its sides.
Not here: how a kata is made (sabotage.py), and who asks for this (task.py).

Paths in a contexts.py count from its folder, which is the current one while this runs.
"""

from __future__ import annotations

import runpy
import ssl
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mtls_lab.diagnosis import explain
from mtls_lab.diagnosis.symptoms import steady
from mtls_lab.errors import FileProblem, kind_of
from mtls_lab.exercises import NotYet, Unsafe, call
from mtls_lab.exercises.calling import LIMIT, Rule
from mtls_lab.exercises.careless import careless_backends, careless_devices
from mtls_lab.exercises.impostors import anonymous
from mtls_lab.exercises.refusals import refused_in_the_handshake
from mtls_lab.exercises.thief import revoked_returns
from mtls_lab.kata import purposes
from mtls_lab.kata.purposes import careless_client
from mtls_lab.kata.sabotage import FILE, THIEF
from mtls_lab.net import Backend, PeerCertificate, ask, nobody_listens, server_context
from mtls_lab.pki import CertificateAuthority, Purpose, pem
from mtls_lab.wire import SECRET, Exchange, Failure, Side, Stage

__all__ = ["Contexts", "examine", "load", "meet"]

COMMAND = "GET_SECRET"
#: What an impostor answers in the backend's place.
FORGED = "a word of Mallory's"
#: A rule compares a name. While it runs, a device waits for its answer.
RULE_LIMIT = 2.0
#: What nothing but a mistake in the program raises; all else is what TLS says to it.
MISTAKES = (NameError, AttributeError, TypeError, SyntaxError, ImportError, SystemExit)

#: Names that are near to the one that may speak, and are not it.
OTHER_NAMES = ("another-client", "not-trusted-client", "trusted-client-2")


@dataclass(frozen=True)
class Contexts:
    """What a contexts.py gives: its two contexts, or how making one failed, its name and rule."""

    backend: ssl.SSLContext | Exception
    device: ssl.SSLContext | Exception
    authorize: Callable[[PeerCertificate], object]
    hostname: str | None

    def present(self) -> ssl.SSLContext:
        """Return the device's context, or raise what making it has raised."""
        if isinstance(self.device, Exception):
            raise self.device
        return self.device


# --- The learner's file


def load() -> Contexts:
    """Run the contexts.py of the current folder, from its source, and call its functions.

    Raises:
        FileProblem: it is not there, does not run, or does not give what it should.
        NotYet: something in it does not end.
    """
    if not Path(FILE).is_file():
        todo = "Kata.create(…, fresh=True) makes another, and keeps this folder beside it"
        raise FileProblem(f"{FILE} is not there", "the file that the kata came with", todo)

    def run() -> dict[str, Any]:
        # Compiles the source each time: no bytecode of an earlier version is ever run.
        return runpy.run_path(FILE)

    run.__name__ = FILE  # a sentence about it names the file
    called = call(run, limit=LIMIT)
    if called.error is not None:
        raise _problem(FILE, called.error)
    names: dict[str, Any] = called.value
    for name in ("backend_context", "device_context", "authorize"):
        if not callable(names.get(name)):
            raise FileProblem(
                f"{FILE} has no function {name}",
                f"a function {name}, as the kata came with",
                f"{name} is called by this name, so it has to be there",
            )
    hostname = names.get("SERVER_HOSTNAME")
    if not (hostname is None or (isinstance(hostname, str) and hostname.isascii())):
        found = f"SERVER_HOSTNAME in {FILE} is {hostname!r}"
        raise FileProblem(found, "the name of the backend", "it is ASCII text")
    backend, device = (_context(names[f"{side}_context"]) for side in ("backend", "device"))
    return Contexts(backend, device, names["authorize"], hostname)


def _context(function: Callable[[], object]) -> ssl.SSLContext | Exception:
    called = call(function, limit=LIMIT)
    error = called.error
    if isinstance(error, MISTAKES) or (error and not isinstance(error, Exception)):
        raise _problem(called.name, error)
    if isinstance(error, Exception):
        return error
    if not isinstance(called.value, ssl.SSLContext):
        found, rule = (
            f"{called.name} returned {kind_of(called.value)}",
            "it returns a finished ssl.SSLContext",
        )
        raise FileProblem(found, "an ssl.SSLContext", rule)
    return called.value


def _problem(name: str, error: BaseException) -> FileProblem:
    if isinstance(error, SyntaxError):
        line, message = error.lineno, error.msg
    else:
        frames = traceback.extract_tb(error.__traceback__)
        line = next((f.lineno for f in reversed(frames) if f.filename == FILE), None)
        message = str(error)
    where = f" in line {line} of {FILE}" if line else f" in {FILE}"
    what = ": ".join(filter(None, [type(error).__name__, steady(message)]))
    rule = "the file has to run before anybody can connect; each attempt reads it again"
    return FileProblem(f"{name} raised {what}{where}", "a file that runs", rule)


# --- The honest exchange


def meet(contexts: Contexts) -> Exchange:
    """Let the device of these contexts ask their backend, over a real connection.

    Raises:
        FileProblem: the rule raised.
        NotYet: the rule did not end.
    """
    if isinstance(contexts.backend, Exception):
        with nobody_listens() as address:
            exchange = _ask(contexts, address)
        failure = Failure.of(contexts.backend)
        return replace(exchange, backend=Side("backend", Stage.SETUP, failure))
    rule = Rule(contexts.authorize, limit=RULE_LIMIT)
    with Backend(contexts.backend, authorize=rule) as backend:
        exchange = _ask(contexts, backend)
    if isinstance(rule.ended, NotYet):
        raise rule.ended
    # Of None a rule may well fail: that is a no.
    if rule.ended and rule.ended.error is not None and rule.certificate is not None:
        raise _problem("authorize", rule.ended.error)
    return exchange


def _ask(contexts: Contexts, to: Any) -> Exchange:
    return ask(COMMAND, to, context=contexts.present, server_hostname=contexts.hostname)


def _evidence(exchange: Exchange) -> str:
    """Who refused whom, and both lines; not why, for that is the exercise."""
    explanation = explain(exchange)
    sides = "\n".join(f"    {line}" for line in str(exchange).splitlines())
    return f"{explanation.who} {explanation.what}\n{sides}"


# --- The examination


def examine(*, crl: bool) -> Iterator[str]:
    """Try the current folder's contexts.py, first its own device, then every attack.

    It is a check (exercises/judging.py): it yields what held.

    Args:
        crl: whether the backend has to refuse who is revoked.

    Raises:
        NotYet: the device is not served, or the file does not run.
        Unsafe: an attack succeeded.
    """
    contexts = load()
    exchange = meet(contexts)
    if exchange.reply != SECRET or isinstance(contexts.backend, Exception):
        raise NotYet(_evidence(exchange), "the device is served: both lines end with a ✓")
    yield "the device gets the secret"
    purposes.device_has_one(contexts.backend, lambda backend: _ask(contexts, backend))
    yield "the device's certificate is good for a device, and for nothing else"
    with tempfile.TemporaryDirectory() as folder:
        mallory = _Mallory(contexts, Path(folder))
        yield from mallory.as_device(crl=crl)
        yield from mallory.as_backend()


class _Mallory:
    """The attacker, with whatever certificates she likes.

    Some attacks need a certificate of a CA that the victim trusts. For these a second CA is
    added to what the victim's own context trusts: it stands for whatever the first has signed
    or will sign, so that no attack depends on where its key is.
    """

    def __init__(self, contexts: Contexts, folder: Path) -> None:
        # An exchange went well, so there are both.
        assert isinstance(contexts.backend, ssl.SSLContext)  # noqa: S101
        assert isinstance(contexts.device, ssl.SSLContext)  # noqa: S101
        self._backend, self._device = contexts.backend, contexts.device
        self._contexts, self._folder = contexts, folder
        self._stranger = CertificateAuthority.create("Client CA")
        self._trusted = CertificateAuthority.create("Second CA")

    def as_device(self, *, crl: bool) -> Iterator[str]:
        """Ask the learner's backend for the secret."""
        with Backend(
            self._backend, authorize=Rule(self._contexts.authorize, limit=RULE_LIMIT)
        ) as backend:
            self._refused(backend, None, "without a certificate")
            yield "a device without a certificate is refused in the handshake"
            self._refused(backend, self._issued(self._stranger), "with a certificate of her own CA")
            yield "a device with a certificate of another CA is refused in the handshake"
            if THIEF.with_suffix(".key").is_file():
                stolen = THIEF.with_suffix(".crt"), THIEF.with_suffix(".key")
                self._refused(backend, stolen, "with the certificate that is revoked")
                yield "the certificate that is revoked is refused"
            lost = self._issued(self._trusted)
            self._be_trusted(self._backend)
            if crl:
                self._refused(backend, lost, "with another certificate that is revoked")
                yield "another device that is revoked is refused"
                revoked_returns(
                    backend,
                    self._backend,
                    lambda: careless_client(lost),
                    "Mallory, as a device that is revoked",
                )
                yield "a device that is revoked is refused with an old session too"
            for name in OTHER_NAMES:
                files = self._issued(self._trusted, name)
                self._refused(backend, files, f"as a device of yours that is called {name}")
            yield "a device with another name is refused"
            accomplice = self._trusted.issue_client("trusted-client").save(self._folder, "careless")
            yield careless_devices(backend, lambda: careless_client(accomplice))
            purposes.backend_has_one(backend, accomplice)
            yield "the backend's certificate is good for a backend, and for nothing else"

    def _refused(self, backend: Backend, files: tuple[Path, Path] | None, how: str) -> None:
        exchange = ask(COMMAND, backend, context=careless_client(files))
        if exchange.reply == SECRET:
            rule = "only trusted-client is served, certified by the backend's CA and not revoked"
            raise Unsafe(f'Mallory, {how}, got "{SECRET}"', rule)
        if files is None:
            refused_in_the_handshake(exchange, f"Mallory, {how},")

    def as_backend(self) -> Iterator[str]:
        """Answer the learner's device in the backend's place."""
        name = self._contexts.hostname or "localhost"
        self._not_believed(self._stranger, name, "with a certificate of her own CA")
        yield "an impostor with a certificate of another CA is refused"
        self._be_trusted(self._device)
        self._not_believed(self._trusted, "mallory.example", "with another server's certificate")
        yield "an impostor with a certificate for another name is refused"
        self._believes_not(anonymous().context, "without any certificate")
        yield "an impostor without any certificate is refused"
        files = self._trusted.issue_server([name]).save(self._folder, "careless")
        yield careless_backends(
            self._device, lambda: server_context(*files), self._contexts.hostname
        )

    def _not_believed(self, ca: CertificateAuthority, name: str, how: str) -> None:
        files = ca.issue_server([name]).save(self._folder, "impostor")
        self._believes_not(server_context(*files), how)

    def _believes_not(self, context: ssl.SSLContext, how: str) -> None:
        with Backend(context, secret=FORGED) as impostor:
            exchange = _ask(self._contexts, impostor)
        if exchange.reply == FORGED:
            raise Unsafe(
                f'Mallory, {how}, answered "{FORGED}", and the device believed her',
                "the device speaks to SERVER_HOSTNAME, proved by a CA that it trusts, or to nobody",
            )

    def _issued(self, ca: CertificateAuthority, name: str = "trusted-client") -> tuple[Path, Path]:
        identity = ca.issue(name, Purpose.CLIENT)
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

"""The attacker of a kata, who tries both sides of what a learner has repaired.

Here: every attack on its backend and on its device. Not here: the honest exchange before, and the
learner's file (exam.py).

The current folder is that of the kata.
"""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path

from mtls_lab.exercises import Unsafe
from mtls_lab.exercises.calling import Rule
from mtls_lab.exercises.careless import careless_backends, careless_devices
from mtls_lab.exercises.impostors import anonymous
from mtls_lab.exercises.refusals import refused_in_the_handshake
from mtls_lab.exercises.thief import revoked_returns
from mtls_lab.kata import purposes
from mtls_lab.kata.purposes import careless_client
from mtls_lab.kata.sabotage import CRL, THIEF
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
    ) -> None:
        self._backend, self._device, self._authorize = backend, device, authorize
        self._hostname, self._folder = hostname, folder
        self._stranger = CertificateAuthority.create("Client CA")
        self._trusted = CertificateAuthority.create("Second CA")

    def as_device(self, *, crl: bool, sessions: bool) -> Iterator[str]:
        """Ask the learner's backend for the secret."""
        with Backend(self._backend, authorize=Rule(self._authorize, limit=RULE_LIMIT)) as backend:
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
            if sessions:
                self._return(backend, lost)
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

    def _return(self, backend: Backend, lost: tuple[Path, Path]) -> None:
        """Come back with the session of a device that was revoked since. Raises Unsafe.

        A rule may read the list from its file each time it is asked, so the file gets the new
        list too: in a copy of the learner's folder.
        """
        copy = self._folder / "copy"
        shutil.copytree(".", copy)
        with chdir(copy):
            pem.write_crl(CRL, self._trusted.crl())
            revoked_returns(
                backend,
                self._backend,
                lambda: careless_client(lost),
                "Mallory, with the session of a device that has been revoked since",
            )

    def as_backend(self) -> Iterator[str]:
        """Answer the learner's device in the backend's place."""
        name = self._hostname or "localhost"
        self._not_believed(self._stranger, name, "with a certificate of her own CA")
        yield "an impostor with a certificate of another CA is refused"
        self._be_trusted(self._device)
        self._not_believed(self._trusted, "mallory.example", "with another server's certificate")
        yield "an impostor with a certificate for another name is refused"
        self._believes_not(anonymous().context, "without any certificate")
        yield "an impostor without any certificate is refused"
        files = self._trusted.issue_server([name]).save(self._folder, "careless")
        yield careless_backends(self._device, lambda: server_context(*files), self._hostname)

    def _not_believed(self, ca: CertificateAuthority, name: str, how: str) -> None:
        files = ca.issue_server([name]).save(self._folder, "impostor")
        self._believes_not(server_context(*files), how)

    def _believes_not(self, context: ssl.SSLContext, how: str) -> None:
        with Backend(context, secret=FORGED) as impostor:
            exchange = ask(COMMAND, impostor, context=self._device, server_hostname=self._hostname)
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

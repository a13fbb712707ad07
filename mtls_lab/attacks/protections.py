"""How device and backend are set up, finished: what the attacks run against.

Here: one protection, those of the course, and the one whose device keeps its key in a TPM. Not
here: the attacks (attacks.py), the TPM (tpm/).
"""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from mtls_lab.common import LabError, PathLike, ProtectionBroken, kind_of, private_folder
from mtls_lab.net import (
    Backend,
    PeerCertificate,
    Presented,
    Upstream,
    ask,
    ask_apart,
    ask_each_apart,
    client_context,
    forbid_resumption,
    only_trusted_client,
    server_context,
    watch,
)
from mtls_lab.pki import CertificateAuthority, Purpose, pem
from mtls_lab.tpm import SoftwareTPM, create_csr, create_wrapped_key
from mtls_lab.wire import Exchange

__all__ = ["KeyInTPM", "Protection", "expect_protections", "key_in_tpm", "lab_protections"]


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

    def ask(self, to: Upstream) -> Exchange:
        """Be the device itself, which asks for the secret."""
        return ask("GET_SECRET", to, context=self.client_context)

    def ask_with_copies(self, to: Upstream, folder: Path) -> Exchange:
        """Be somebody elsewhere, with copies of all the device's files in `folder`."""
        context = None
        if self.server_ca is not None:
            context = ssl.create_default_context(cafile=shutil.copy(self.server_ca, folder))
            if copies := self.copies(folder):
                context.load_cert_chain(*copies)
        return ask("GET_SECRET", to, context=context)

    def copies(self, folder: Path) -> tuple[Path, Path] | None:
        """Copy the device's certificate and key; None where it has none."""
        if not (self.certfile and self.keyfile):
            return None
        certfile = shutil.copy(self.certfile, folder / "stolen.crt")
        return Path(certfile), Path(shutil.copy(self.keyfile, folder / "stolen.key"))

    def ask_with_session(self, to: Upstream) -> tuple[Exchange, Exchange, Exchange | None]:
        """Be a thief of the device's session, with neither certificate nor key.

        It is presented from a context without a certificate: if the backend does not resume it,
        nothing else speaks for the thief.

        Returns:
            The thief without the session, the device, and the thief with its session; None
            where the device had no session, or where the thief needed none.
        """
        thief = None
        if self.client_context is not None:
            thief = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            thief.check_hostname, thief.verify_mode = False, ssl.CERT_NONE  # a thief need not check
            watch(self.client_context, thief)
        before = ask("GET_SECRET", to, context=thief, name="thief")
        device = before if before.ok else self.ask(to)
        stolen = None if before.ok else device.session
        if stolen is None:
            return before, device, None
        after = ask("GET_SECRET", to, context=thief, session=stolen, name="thief")
        return before, device, after

    def check(self) -> None:
        """Raise ProtectionBroken if the device itself is not served: nothing would be proved."""
        with self.backend() as backend:
            exchange = self.ask(backend)
        if not exchange.ok:
            raise ProtectionBroken(
                f"under {self.name!r} the device itself is not served:\n{exchange}",
                "a device that gets the secret; without it, an attack that fails proves nothing",
                "make this exchange work first, then run the attacks again",
            )


def expect_protections(given: object) -> tuple[Protection, ...]:
    """Return the columns of a table. Raises LabError if they are not several protections."""
    if isinstance(given, Iterable):
        there = tuple(given)
        wrong = [each for each in there if not isinstance(each, Protection)]
        if not wrong:
            return there
        found = f"a list with {kind_of(wrong[0])} in it"
    else:
        found = "a protection without a list" if isinstance(given, Protection) else kind_of(given)
    raise LabError(
        found,
        "a list of protections, one for each column of the table",
        "put it into brackets: [protection], or [one, other]",
    )


def lab_protections(folder: PathLike) -> list[Protection]:
    """Make the protections of Parts 1, 2 and 3, with a new CA and its files in `folder`.

    The last is that of Part 3 with a backend that lets nobody resume a session, and that a scanner
    has nothing to say against.
    """
    folder = private_folder(folder)
    ca = CertificateAuthority.create("Lab CA")
    ca_file, _ = pem.Identity(ca.key, ca.certificate).save(folder, "ca")
    server = ca.issue_server(["localhost", "127.0.0.1"]).save(folder, "server")
    client = ca.issue_client("trusted-client").save(folder, "client")
    device = client_context(ca_file, *client)
    mutual, hardened = (server_context(*server, client_ca=ca_file) for _ in range(2))
    forbid_resumption(hardened)
    # With TLS 1.3 alone, that makes it Mozilla's "intermediate": of the curves that OpenSSL offers
    # by itself, that profile leaves out two. (Python 3.11.2 knows no X25519 here.)
    hardened.set_ecdh_curve("prime256v1")
    return [
        Protection("Plain TCP"),
        Protection("TLS", server_context(*server), client_context(ca_file), server_ca=ca_file),
        Protection("Mutual TLS", mutual, device, only_trusted_client, ca_file, *client),
        Protection(
            "Mutual TLS, no sessions", hardened, device, only_trusted_client, ca_file, *client
        ),
    ]


# --- A key in a TPM


@dataclass(frozen=True)
class KeyInTPM(Protection):
    """A protection whose `keyfile` is wrapped by a TPM.

    Attributes:
        settings: the environment in which the device's process can use the key.
    """

    settings: dict[str, str] = field(default_factory=dict)

    def ask(self, to: Upstream) -> Exchange:
        """Be the device itself: a process that reaches its TPM."""
        return ask_apart(
            "GET_SECRET",
            to,
            certfile=self.certfile,
            keyfile=self.keyfile,
            server_ca=str(self.server_ca),
            environment=self.settings,
        )

    def ask_with_copies(self, to: Upstream, folder: Path) -> Exchange:
        """Be a thief on another machine: all files, and a TPM that is not the device's."""
        certfile, keyfile = self.copies(folder) or (None, None)
        with SoftwareTPM(folder / "other tpm") as other:
            return ask_apart(
                "GET_SECRET",
                to,
                certfile=certfile,
                keyfile=keyfile,
                server_ca=shutil.copy(str(self.server_ca), folder),
                environment=other.environment(folder),
                name="thief",
            )

    def ask_with_session(self, to: Upstream) -> tuple[Exchange, Exchange, Exchange | None]:
        """Be a thief of the session: who can read it is in the device's process."""
        device = Presented(str(self.certfile), str(self.keyfile), str(self.server_ca))
        presented = [Presented(name="thief"), device, Presented(name="thief", session_of=1)]
        before, asked, after = ask_each_apart("GET_SECRET", to, presented, self.settings)
        nothing = after.device.failure is not None and after.device.failure.reason == "NO_SESSION"
        return before, asked, None if nothing else after


def key_in_tpm(chip: SoftwareTPM, mutual: Protection, ca: CertificateAuthority) -> KeyInTPM:
    """Make the same protection, with a key that a TPM has made, beside the files of the first.

    Args:
        chip: the device's TPM.
        mutual: mutual TLS with files.
        ca: signs the certificate.

    Raises:
        LabError: the TPM does not do what it is asked.
        ToolMissing: OpenSSL's provider is not installed.
    """
    folder = Path(str(mutual.keyfile)).parent
    keyfile, certfile = folder / "tpm.key", folder / "tpm.crt"
    create_wrapped_key(chip, keyfile)
    csr = create_csr(chip, keyfile, "trusted-client")
    pem.write_certificate(certfile, ca.sign(csr, Purpose.CLIENT))
    return KeyInTPM(
        "Key in a TPM",
        mutual.server_context,
        None,
        mutual.authorize,
        mutual.server_ca,
        certfile,
        keyfile,
        chip.environment(folder),
    )

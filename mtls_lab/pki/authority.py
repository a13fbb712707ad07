"""Keys, signing requests, certificates and revocation lists, made with cryptography.

Here: everything that is signed; only the hostile requests of
exercises/part3/device_certificate.py are built there. Not here: the fields of a leaf (leaf.py),
files (pem.py), what a certificate says (description.py), TLS contexts, and which certificates the
lab needs (experiments/credentials.py, learner/workspace.py).

Every certificate follows the profile of RFC 5280, section 4.2, to the letter, so that it
verifies under Python 3.13's strict default and under `openssl verify -x509_strict`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from mtls_lab.common import LabError, PathLike
from mtls_lab.pki.leaf import (
    LEAF_KEY_USAGE,
    NO_KEY_USAGE,
    Purpose,
    days_of,
    general_names,
    leaf_builder,
    name_of,
    server_names,
)
from mtls_lab.pki.pem import Identity, Key, read_identity
from mtls_lab.pki.revocation import revoked_by
from mtls_lab.pki.signed import UNREADABLE, expect_certificate, expect_request

__all__ = [
    "CA_DAYS",
    "CLOCK_SKEW",
    "LEAF_DAYS",
    "CertificateAuthority",
    "create_key",
    "self_signed",
]

#: Clocks differ; a certificate that is valid from this second on fails on the next machine.
CLOCK_SKEW = timedelta(minutes=5)
CA_DAYS, LEAF_DAYS, CRL_DAYS = 365, 90, 30
SHA256 = hashes.SHA256()

_CA_KEY_USAGE = x509.KeyUsage(**{**NO_KEY_USAGE, "key_cert_sign": True, "crl_sign": True})


@dataclass
class CertificateAuthority:
    """A CA that signs servers and devices: a root, or an intermediate below one.

    Attributes:
        key, certificate: its own.
        revoked: the serial numbers on its list, and since when.
        chain: what the owner of a certificate has to send along, from this CA's own certificate
            upwards and without the root; empty for a root.

    Example:
        >>> from mtls_lab.pki import describe
        >>> ca = CertificateAuthority.create("Lab CA")
        >>> server = ca.issue_server(["localhost", "127.0.0.1"])
        >>> print(describe(server.certificate))
        subject               CN=localhost
        issuer                CN=Lab CA
        basicConstraints      CA:FALSE, critical
        keyUsage              digitalSignature, critical
        extendedKeyUsage      serverAuth
        subjectAltName        DNS:localhost, IP:127.0.0.1
    """

    key: Key
    certificate: x509.Certificate
    revoked: dict[int, datetime] = field(default_factory=dict)
    chain: tuple[x509.Certificate, ...] = ()

    @classmethod
    def create(
        cls, name: str, *, days: int = CA_DAYS, key: Key | None = None, below: int = 0
    ) -> CertificateAuthority:
        """Make a key and a self-signed CA certificate, valid for `days` from now.

        `below` is how many CAs may follow one another below it: none, and it signs leaves only.
        """
        key = key or create_key()
        return cls(key, _ca_builder(name, key, name_of(name), days, below).sign(key, SHA256))

    def intermediate(self, name: str, *, days: int = CA_DAYS) -> CertificateAuthority:
        """Make a CA that this one signs, and that signs leaves only.

        Raises:
            LabError: this CA may sign no other CA.

        Example:
            >>> root = CertificateAuthority.create("Lab CA", below=1)
            >>> device = root.intermediate("Lab Device CA").issue_client("trusted-client")
            >>> [each.subject.rfc4514_string() for each in device.chain]
            ['CN=Lab Device CA']
        """
        own = self.certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        if own.value.path_length == 0:
            raise LabError(
                "a CA that may sign leaves only (pathlen 0)",
                "one that may sign a CA",
                "make the root so: CertificateAuthority.create(…, below=1).intermediate(…)",
            )
        key, issuer = create_key(), self.certificate.subject
        builder = _ca_builder(name, key, issuer, days, below=0)
        builder = builder.add_extension(self._authority_id(), critical=False)
        certificate = builder.sign(self.key, SHA256)
        return CertificateAuthority(key, certificate, chain=(certificate, *self.chain))

    @classmethod
    def load(
        cls, certfile: PathLike, keyfile: PathLike, *, crlfile: PathLike | None = None
    ) -> CertificateAuthority:
        """Read a CA back, with what its list `crlfile` has revoked so far. Raises FileProblem."""
        identity = read_identity(certfile, keyfile)
        revoked = revoked_by(identity.certificate, crlfile) if crlfile is not None else {}
        chain = tuple(c for c in (identity.certificate, *identity.chain) if c.issuer != c.subject)
        return cls(identity.key, identity.certificate, revoked, chain)

    def sign(
        self,
        csr: x509.CertificateSigningRequest,
        purpose: Purpose,
        *,
        days: int = LEAF_DAYS,
        names: Iterable[str] | None = None,
    ) -> x509.Certificate:
        """Sign a request: its name, its key and its SAN, with the extensions of `purpose`.

        What else the request asks for is ignored: what a certificate may do is the CA's
        decision. So is its SAN, if `names` are given.

        Raises:
            ValueError: the request was not signed with the key that it names, or cannot be read.
        """
        expect_request(csr)
        others: Iterable[x509.GeneralName] = ()
        try:
            signed, subject, public_key = csr.is_signature_valid, csr.subject, csr.public_key()
            with suppress(x509.ExtensionNotFound):
                others = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except UNREADABLE as error:
            raise ValueError(f"the request cannot be read: {error}") from None
        if not signed:
            raise ValueError("the request is not signed with the key that it names")
        if not isinstance(public_key, ec.EllipticCurvePublicKey):
            raise ValueError("the lab signs EC keys only: create one with create_key()")
        first, last = _now() - CLOCK_SKEW, _now() + timedelta(days=days_of(days))
        issuer, issuer_id = self.certificate.subject, self._authority_id()
        sans = others if names is None else general_names(names)
        builder = leaf_builder(issuer, issuer_id, subject, public_key, purpose, sans, first, last)
        return builder.sign(self.key, SHA256)

    def issue_server(self, names: Iterable[str], *, days: int = LEAF_DAYS) -> Identity:
        """Make a key and a server certificate for DNS names and IP addresses.

        A client looks for the host in subjectAltName and nowhere else (RFC 9525, section 6.3).

        Its common name is the first of them, or "server" where that is too long for one. Raises
        LabError: the names are one text and no list, or there are none, or they are no host's.
        """
        name, names = server_names(names)
        return self.issue(name, Purpose.SERVER, names=names, valid_days=(0, days_of(days)))

    def issue_client(self, common_name: str, *, days: int = LEAF_DAYS) -> Identity:
        """Make a key and a client certificate with this common name."""
        return self.issue(common_name, Purpose.CLIENT, valid_days=(0, days_of(days)))

    def issue(
        self,
        common_name: str,
        purpose: Purpose | Iterable[Purpose] | None,
        *,
        names: Iterable[str] = (),
        valid_days: tuple[float, float] = (0, LEAF_DAYS),
        key: Key | None = None,
        key_usage: Iterable[str] | None = LEAF_KEY_USAGE,
        is_ca: bool = False,
        authority_id: bool = True,
        serial_number: int | None = None,
    ) -> Identity:
        """Make a certificate with everything said; `valid_days` counts from today.

        Without a purpose it has no extended key usage, and then verifies for every purpose.
        The last four are for certificates that are wrong on purpose: other bits of keyUsage
        or none of it, CA:TRUE, no authority key identifier, a serial number that is taken.

        Example:
            >>> ca = CertificateAuthority.create("Lab CA")
            >>> old = ca.issue("old", Purpose.CLIENT, valid_days=(-30, -1)).certificate
            >>> old.not_valid_after_utc < datetime.now(UTC)
            True
        """
        key = key or create_key()
        first, last = (_now() + timedelta(days=day) for day in valid_days)
        builder = leaf_builder(
            self.certificate.subject,
            self._authority_id() if authority_id else None,
            name_of(common_name),
            key.public_key(),
            purpose,
            general_names(names),
            first - CLOCK_SKEW,
            last,
            key_usage=key_usage,
            is_ca=is_ca,
            serial_number=serial_number,
        )
        return Identity(key, builder.sign(self.key, SHA256), self.chain)

    def _authority_id(self) -> x509.AuthorityKeyIdentifier:
        own = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)

    def revoke(self, certificate: x509.Certificate) -> None:
        """Put a certificate on the list that `crl` signs from now on."""
        expect_certificate(certificate, "revoke")
        self.revoked.setdefault(certificate.serial_number, _now())

    def crl(
        self, *, days: int = CRL_DAYS, skew: timedelta = CLOCK_SKEW
    ) -> x509.CertificateRevocationList:
        """Sign the list of revoked certificates (RFC 5280, section 5), valid for `days`.

        It is dated back by `skew`, for peers whose clock is slow. Of two lists in one context,
        OpenSSL goes by the one with the later date, to the second.
        """
        now = _now()
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now - skew)
            .next_update(now + timedelta(days=days))
            # A CRL number has to grow with every list (section 5.2.3); the clock does.
            .add_extension(x509.CRLNumber(time.time_ns()), critical=False)
            .add_extension(self._authority_id(), critical=False)
        )
        for serial, when in self.revoked.items():
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when).build()
            )
        return builder.sign(self.key, SHA256)


def _ca_builder(
    name: str, key: Key, issuer: x509.Name, days: int, below: int
) -> x509.CertificateBuilder:
    """Fill in everything of a CA but its issuer's key identifier and signature."""
    now = _now()
    return (
        x509.CertificateBuilder()
        .subject_name(name_of(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=days_of(days)))
        # pathlen 0: this CA signs leaves and no further CA (RFC 5280, section 4.2.1.9).
        .add_extension(x509.BasicConstraints(ca=True, path_length=below), critical=True)
        .add_extension(_CA_KEY_USAGE, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def create_key() -> Key:
    """Make a private key on the curve P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def self_signed(common_name: str, purpose: Purpose, *, names: Iterable[str] = ()) -> Identity:
    """Make a leaf that is its own issuer: what anybody can make in a second."""
    key, name, now = create_key(), name_of(common_name), _now()
    builder = leaf_builder(
        name,
        x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()),
        name,
        key.public_key(),
        purpose,
        general_names(names),
        now - CLOCK_SKEW,
        now + timedelta(days=LEAF_DAYS),
    )
    return Identity(key, builder.sign(key, SHA256))


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)

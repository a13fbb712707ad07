"""Keys, signing requests, certificates and revocation lists, made with cryptography.

Here: everything that is signed; only the hostile requests of checks/mutual_ca.py are built
there. Not here: files (pem.py), what a certificate says (describe.py), TLS contexts, and which
certificates the lab needs (credentials.py, workspace.py).

Every certificate follows the profile of RFC 5280, section 4.2, to the letter, so that it
verifies under Python 3.13's strict default and under `openssl verify -x509_strict`.
"""

from __future__ import annotations

import ipaddress
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mtls_lab.errors import LabError
from mtls_lab.pem import Identity, Key, read_identity

__all__ = [
    "CertificateAuthority",
    "Profile",
    "create_csr",
    "create_key",
    "self_signed",
]

#: Clocks differ; a certificate that is valid from this second on fails on the next machine.
CLOCK_SKEW = timedelta(minutes=5)
CA_DAYS = 365
LEAF_DAYS = 90
CRL_DAYS = 30


class Profile(Enum):
    """What a leaf certificate is for: its extended key usage (RFC 5280, section 4.2.1.12)."""

    SERVER = ExtendedKeyUsageOID.SERVER_AUTH
    CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH


# keyUsage (RFC 5280, section 4.2.1.3): a CA signs certificates and CRLs, a leaf proves in the
# handshake that it holds its key. Key agreement happens with fresh keys, not with this one.
_NO_USAGE = dict.fromkeys(
    [
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    ],
    False,
)  # fmt: skip
_CA_USAGE = x509.KeyUsage(**{**_NO_USAGE, "key_cert_sign": True, "crl_sign": True})
#: By the names that cryptography gives to the bits.
LEAF_USAGE = ("digital_signature",)


@dataclass
class CertificateAuthority:
    """A root CA that signs servers and devices directly.

    Example:
        >>> from mtls_lab.describe import describe
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

    @classmethod
    def create(
        cls, name: str, *, days: int = CA_DAYS, key: Key | None = None
    ) -> CertificateAuthority:
        """Make a key and a self-signed CA certificate, valid for `days` from now."""
        key = key or create_key()
        subject = _name(name)
        now = _now()
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - CLOCK_SKEW)
            .not_valid_after(now + timedelta(days=days))
            # pathlen 0: this CA signs leaves and no further CA (RFC 5280, section 4.2.1.9).
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_CA_USAGE, critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        return cls(key, certificate)

    @classmethod
    def load(
        cls, certfile: str | os.PathLike[str], keyfile: str | os.PathLike[str]
    ) -> CertificateAuthority:
        """Read a CA back from its two files. Raises FileProblem."""
        identity = read_identity(certfile, keyfile)
        return cls(identity.key, identity.certificate)

    def sign(
        self,
        csr: x509.CertificateSigningRequest,
        profile: Profile,
        *,
        days: int = LEAF_DAYS,
    ) -> x509.Certificate:
        """Sign a request: its name, its key and its SAN, with the extensions of `profile`.

        What else the request asks for is ignored: what a certificate may do is the CA's
        decision.

        Raises:
            ValueError: the request was not signed with the key that it names.
        """
        if not csr.is_signature_valid:
            raise ValueError("the request is not signed with the key that it names")
        names: Iterable[x509.GeneralName] = ()
        with suppress(x509.ExtensionNotFound):
            names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        public_key = csr.public_key()
        if not isinstance(public_key, ec.EllipticCurvePublicKey):
            raise ValueError("the lab signs EC keys only: create one with create_key()")
        now = _now()
        first, last = now - CLOCK_SKEW, now + timedelta(days=days)
        issuer, issuer_id = self.certificate.subject, self._authority_id()
        builder = _leaf(issuer, issuer_id, csr.subject, public_key, profile, names, first, last)
        return builder.sign(self.key, hashes.SHA256())

    def issue_server(self, names: Iterable[str], *, days: int = LEAF_DAYS) -> Identity:
        """Make a key and a server certificate for DNS names and IP addresses.

        A client looks for the host in subjectAltName and nowhere else (RFC 9525, section 6.3).

        Raises:
            LabError: the names are one text and no list of them.
        """
        if isinstance(names, str):
            raise LabError("one text", "a list of names", f"write issue_server([{names!r}])")
        names = list(names)
        return self.issue(names[0], Profile.SERVER, names=names, valid_days=(0, days))

    def issue_client(self, common_name: str, *, days: int = LEAF_DAYS) -> Identity:
        """Make a key and a client certificate with this common name."""
        return self.issue(common_name, Profile.CLIENT, valid_days=(0, days))

    def issue(
        self,
        common_name: str,
        profile: Profile | Iterable[Profile] | None,
        *,
        names: Iterable[str] = (),
        valid_days: tuple[int, int] = (0, LEAF_DAYS),
        key: Key | None = None,
        usage: Iterable[str] | None = LEAF_USAGE,
        is_ca: bool = False,
        authority_id: bool = True,
    ) -> Identity:
        """Make a certificate with everything said; `valid_days` counts from today.

        Without a profile it has no extended key usage, and then verifies for every purpose.
        The last three are for certificates that are wrong on purpose: other bits of keyUsage
        or none of it, CA:TRUE, no authority key identifier.

        Example:
            >>> ca = CertificateAuthority.create("Lab CA")
            >>> old = ca.issue("old", Profile.CLIENT, valid_days=(-30, -1)).certificate
            >>> old.not_valid_after_utc < datetime.now(UTC)
            True
        """
        key = key or create_key()
        first, last = (_now() + timedelta(days=day) for day in valid_days)
        builder = _leaf(
            self.certificate.subject,
            self._authority_id() if authority_id else None,
            _name(common_name),
            key.public_key(),
            profile,
            _general_names(names),
            first - CLOCK_SKEW,
            last,
            usage=usage,
            is_ca=is_ca,
        )
        return Identity(key, builder.sign(self.key, hashes.SHA256()))

    def _authority_id(self) -> x509.AuthorityKeyIdentifier:
        own = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)

    def revoke(self, certificate: x509.Certificate) -> None:
        """Put a certificate on the list that `crl` signs from now on."""
        self.revoked.setdefault(certificate.serial_number, _now())

    def crl(self, *, days: int = CRL_DAYS) -> x509.CertificateRevocationList:
        """Sign the list of revoked certificates (RFC 5280, section 5), valid for `days`."""
        now = _now()
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now - CLOCK_SKEW)
            .next_update(now + timedelta(days=days))
            # A CRL number has to grow with every list (section 5.2.3); the clock does.
            .add_extension(x509.CRLNumber(time.time_ns()), critical=False)
            .add_extension(self._authority_id(), critical=False)
        )
        for serial, when in self.revoked.items():
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when).build()
            )
        return builder.sign(self.key, hashes.SHA256())


def create_key() -> Key:
    """Make a private key on the curve P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def create_csr(
    key: Key, common_name: str, names: Iterable[str] = ()
) -> x509.CertificateSigningRequest:
    """Ask a CA for a certificate (RFC 2986): a name, a public key, a proof of the private one."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(_name(common_name))
    if names := list(names):
        builder = builder.add_extension(
            x509.SubjectAlternativeName(_general_names(names)), critical=False
        )
    return builder.sign(key, hashes.SHA256())


def self_signed(common_name: str, profile: Profile, *, names: Iterable[str] = ()) -> Identity:
    """Make a leaf that is its own issuer: what anybody can make in a second."""
    key, name, now = create_key(), _name(common_name), _now()
    builder = _leaf(
        name,
        x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()),
        name,
        key.public_key(),
        profile,
        _general_names(names),
        now - CLOCK_SKEW,
        now + timedelta(days=LEAF_DAYS),
    )
    return Identity(key, builder.sign(key, hashes.SHA256()))


def _leaf(
    issuer: x509.Name,
    issuer_id: x509.AuthorityKeyIdentifier | None,
    subject: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    profile: Profile | Iterable[Profile] | None,
    names: Iterable[x509.GeneralName],
    first: datetime,
    last: datetime,
    *,
    usage: Iterable[str] | None = LEAF_USAGE,
    is_ca: bool = False,
) -> x509.CertificateBuilder:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(last)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )
    if usage is not None:
        bits = {**_NO_USAGE, **dict.fromkeys(usage, True)}
        builder = builder.add_extension(x509.KeyUsage(**bits), critical=True)
    if issuer_id is not None:
        builder = builder.add_extension(issuer_id, critical=False)
    profiles = [profile] if isinstance(profile, Profile) else list(profile or ())
    if profiles:
        purposes = x509.ExtendedKeyUsage([each.value for each in profiles])
        builder = builder.add_extension(purposes, critical=False)
    if names := list(names):
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_names(names: Iterable[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found

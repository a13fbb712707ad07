"""A CA, servers and clients, right and wrong in every way that a test needs, as files.

Nothing of mtls_lab is used: what is judged has not made what it judges.
"""

import datetime as dt
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
BITS = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
    *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)
LOCALHOST = ("localhost", "127.0.0.1")

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass
class Holder:
    """A key and its certificate; `issuer` None signs itself."""

    name: str
    issuer: "Holder | None" = None
    ca: bool = False
    purpose: x509.ObjectIdentifier = CLIENT
    names: Sequence[str] = ()
    days: tuple[int, int] = (-1, 30)
    bits: Sequence[str] | None = None
    authority_id: bool = True
    kind: str = "ec"
    key: Key = field(init=False)

    def __post_init__(self) -> None:
        self.key = (
            rsa.generate_private_key(65537, 2048)
            if self.kind == "rsa"
            else ec.generate_private_key(ec.SECP256R1())
        )

    @cached_property
    def certificate(self) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        above = self.issuer or self
        usual = ("key_cert_sign", "crl_sign") if self.ca else ("digital_signature",)
        bits = usual if self.bits is None else self.bits
        builder = (
            x509.CertificateBuilder()
            .subject_name(named(self.name))
            .issuer_name(named(above.name))
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + dt.timedelta(days=self.days[0]))
            .not_valid_after(now + dt.timedelta(days=self.days[1]))
            .add_extension(x509.BasicConstraints(self.ca, None), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False
            )
        )
        if bits:  # without one, there is no extension
            usage = x509.KeyUsage(**{bit: bit in bits for bit in BITS})
            builder = builder.add_extension(usage, critical=True)
        if not self.ca:
            builder = builder.add_extension(x509.ExtendedKeyUsage([self.purpose]), critical=False)
        if self.names:
            names = x509.SubjectAlternativeName([general(name) for name in self.names])
            builder = builder.add_extension(names, critical=False)
        if self.issuer and self.authority_id:
            identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(above.key.public_key())
            builder = builder.add_extension(identifier, critical=False)
        return builder.sign(above.key, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def crl(self, *revoked: "Holder", days: int = 30) -> bytes:
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(named(self.name))
            .last_update(now - dt.timedelta(days=9))
            .next_update(now + dt.timedelta(days=days))
        )
        for each in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(each.certificate.serial_number)
                .revocation_date(now - dt.timedelta(hours=1))
                .build()
            )
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def make(folder: Path) -> Path:
    """Write `NAME.crt` and `NAME.key` for each holder, and the CA files."""
    root = Holder("Example Root", ca=True)
    other = Holder("Other Root", ca=True)
    between = Holder("Example Issuing CA", root, ca=True)
    deeper = Holder("Example Device CA", between, ca=True)
    again = Holder("Example Root", ca=True)
    lax = Holder("Lax Root", ca=True, bits=())
    server = partial(Holder, "localhost", root, purpose=SERVER, names=LOCALHOST)
    holders = {
        "server": server(),
        "server-rsa": server(kind="rsa"),
        "server-expired": server(days=(-30, -2)),
        "server-notyet": server(days=(2, 30)),
        "server-elsewhere": Holder("api.example", root, purpose=SERVER, names=("api.example",)),
        "server-untrusted": Holder("localhost", other, purpose=SERVER, names=LOCALHOST),
        "server-purpose": Holder("localhost", root, names=LOCALHOST),
        "server-itself": Holder("localhost", purpose=SERVER, names=LOCALHOST),
        "server-below": Holder("localhost", between, purpose=SERVER, names=LOCALHOST),
        "server-rsa-below": Holder(
            "localhost", between, purpose=SERVER, names=LOCALHOST, kind="rsa"
        ),
        "server-lax": Holder("localhost", lax, purpose=SERVER, names=LOCALHOST),
        "client": Holder("device-1", root),
        "other": Holder("device-2", root),
        "rsa": Holder("device-1", root, kind="rsa"),
        "untrusted": Holder("device-1", other),
        "untrusted-expired": Holder("device-1", other, days=(-30, -2)),
        "expired": Holder("device-1", root, days=(-30, -2)),
        "notyet": Holder("device-1", root, days=(2, 30)),
        "purpose": Holder("device-1", root, purpose=SERVER),
        "bits": Holder("device-1", root, bits=("key_encipherment",)),
        "itself": Holder("device-1"),
        "req-x509": Holder("device-1", ca=True, bits=()),
        "below": Holder("device-1", between),
        "deep": Holder("device-1", deeper),
        "again": Holder("device-1", again),
        "again-without-id": Holder("device-1", again, authority_id=False),
        "revoked": Holder("device-1", root),
        "like-other": Holder("Other Root", other, authority_id=False),
        "like-its-ca": Holder("Example Root", root, authority_id=False),
    }
    for name, holder in holders.items():
        (folder / f"{name}.crt").write_bytes(holder.pem)
        (folder / f"{name}.key").write_bytes(holder.key_pem)
    write = {
        "ca.pem": root.pem,
        "other.pem": other.pem,
        "lax.pem": lax.pem,
        "ca-and-other.pem": root.pem + other.pem,
        "ca.crl": root.crl(holders["revoked"]),
        "ca-expired.crl": root.crl(days=-2),
        "issuing.pem": between.pem,
        "again.pem": again.pem,
        "ca-with-crl.pem": root.pem + root.crl(holders["revoked"]),
        "whole.crt": holders["below"].pem + between.pem,
        "whole.key": holders["below"].key_pem,
        "whole-deep.crt": holders["deep"].pem + deeper.pem + between.pem,
        "whole-deep.key": holders["deep"].key_pem,
        "reversed.crt": between.pem + holders["below"].pem,
        "reversed.key": holders["below"].key_pem,
        "mixed.crt": holders["client"].pem,
        "mixed.key": holders["rsa"].key_pem,
        "server-whole.crt": holders["server-below"].pem + between.pem,
        "server-whole.key": holders["server-below"].key_pem,
        "text.crt": b"not a certificate\n",
        "text.key": holders["client"].key_pem,
        "locked.crt": holders["client"].pem,
        "locked.key": holders["client"].key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        ),
    }
    for name, data in write.items():
        (folder / name).write_bytes(data)
    for path in (*folder.glob("server*.crt"),):  # haproxy and some others want both in one file
        (folder / f"{path.stem}.pem").write_bytes(
            path.read_bytes() + (folder / f"{path.stem}.key").read_bytes()
        )
    for path in folder.glob("*.key"):  # some clients take no key that others may read
        path.chmod(0o600)
    return folder

"""What the lab's whole PKI costs: two CAs, a server, and eleven credentials of clients.

Here: the same files made three times: by the lab, by bare cryptography calls, by trustme. Not
here: whether the certificates are right (tests/unit, tests/interop).
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mtls_lab.experiments import CredentialStore
from mtls_lab.pki import CertificateAuthority, Identity, describe, read_certificate
from tests.benchmarks.figures import Figure, compare, seconds

PAIRS = 150
DAYS = (0, 90)


class Recipe(NamedTuple):
    """How a credential of data/credentials.toml is made; `by` names a CA, or is the credential."""

    name: str
    by: str = "Device CA"
    common_name: str = "trusted-client"
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH
    days: tuple[int, int] = DAYS
    send_ca: bool = False
    other_key: bool = False


#: All but `none`, for which there is nothing to make.
RECIPES = [
    Recipe("valid"),
    Recipe("untrusted", by="Another CA", send_ca=True),
    Recipe("expired", days=(-30, -1)),
    Recipe("not_yet_valid", days=(1, 90)),
    Recipe("wrong_purpose", purpose=ExtendedKeyUsageOID.SERVER_AUTH),
    Recipe("self_signed", by="self_signed"),
    Recipe("same_named_ca", by="another Device CA"),
    Recipe("unauthorized_name", common_name="another-client"),
    Recipe("revoked"),
    Recipe("wrong_key", other_key=True),
]


def figures() -> Iterator[Figure]:
    check_that_the_floor_is_the_same()
    pairs = compare(partial(time_of, lab), partial(time_of, bare), pairs=PAIRS)
    yield pairs.at_most(1.2, "the whole PKI : bare cryptography")
    pairs = compare(partial(time_of, lab), partial(time_of, by_trustme), pairs=PAIRS)
    yield pairs.at_most(1.0, "the whole PKI : trustme")


def time_of(make: Callable[[Path], None]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return seconds(partial(make, Path(folder)))


def lab(folder: Path) -> None:
    ca, device_ca = CertificateAuthority.create("Lab CA"), CertificateAuthority.create("Device CA")
    Identity(ca.key, ca.certificate).save(folder, "ca")
    Identity(device_ca.key, device_ca.certificate).save(folder, "device_ca")
    ca.issue_server(["localhost"]).save(folder, "server")
    store = CredentialStore(device_ca, folder)
    for name in ("none", *(recipe.name for recipe in RECIPES)):
        store.files(name)


# --- The floor: the calls that have to be made, and a function where they repeat ----------------

NO_KEY_USAGE = dict.fromkeys(
    [
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    ],
    False,
)  # fmt: skip
CA_USAGE = x509.KeyUsage(**{**NO_KEY_USAGE, "key_cert_sign": True, "crl_sign": True})
LEAF_KEY_USAGE = x509.KeyUsage(**{**NO_KEY_USAGE, "digital_signature": True})

Made = tuple[ec.EllipticCurvePrivateKey, x509.Certificate]


def bare(folder: Path) -> None:
    ca, device_ca = bare_ca("Lab CA"), bare_ca("Device CA")
    write(folder, "ca", *ca)
    write(folder, "device_ca", *device_ca)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    server = bare_leaf(ca, "localhost", ExtendedKeyUsageOID.SERVER_AUTH, DAYS, names)
    write(folder, "server", *server)
    for recipe in RECIPES:
        issuer: Made | None = device_ca
        if recipe.by == recipe.name:
            issuer = None
        elif recipe.by != "Device CA":
            issuer = bare_ca(recipe.by.removeprefix("another "))
        key, *chain = bare_leaf(issuer, recipe.common_name, recipe.purpose, recipe.days)
        if recipe.other_key:
            key = ec.generate_private_key(ec.SECP256R1())
        if recipe.send_ca and issuer:
            chain.append(issuer[1])
        write(folder, recipe.name, key, *chain)


def bare_ca(common_name: str) -> Made:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(CA_USAGE, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return key, builder.sign(key, hashes.SHA256())


def bare_leaf(
    issuer: Made | None,
    common_name: str,
    purpose: x509.ObjectIdentifier,
    days: tuple[int, int],
    names: x509.SubjectAlternativeName | None = None,
) -> Made:
    """A leaf; without an issuer it signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    public_key = key.public_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    issuer_key, issuer_name = (issuer[0], issuer[1].subject) if issuer else (key, name)
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer_name)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0], minutes=-5))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(LEAF_KEY_USAGE, critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(issuer_id, critical=False)
    )
    if names:
        builder = builder.add_extension(names, critical=False)
    return key, builder.sign(issuer_key, hashes.SHA256())


def write(
    folder: Path, name: str, key: ec.EllipticCurvePrivateKey, *certificates: x509.Certificate
) -> None:
    with open(folder / f"{name}.key", "wb", opener=partial(os.open, mode=0o600)) as file:
        file.write(pem_of(key))
    with (folder / f"{name}.crt").open("wb") as file:
        file.writelines(c.public_bytes(serialization.Encoding.PEM) for c in certificates)


def pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def check_that_the_floor_is_the_same() -> None:
    """The floor makes the same files, and the certificates in them say the same."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        lab(Path(one))
        bare(Path(other))
        files = {file.name for file in Path(one).iterdir()}
        assert files == {file.name for file in Path(other).iterdir()}
        for name in files:
            if name.endswith(".crt"):
                ours, floor = (read_certificate(Path(folder, name)) for folder in (one, other))
                assert describe(ours) == describe(floor), name


# --- trustme ------------------------------------------------------------------------------------


def by_trustme(folder: Path) -> None:
    """The same set, as near as trustme comes: every purpose in one, a CA for what signs itself."""
    ca, device_ca = trustme.CA(), trustme.CA()
    write_ca(folder, "ca", ca)
    write_ca(folder, "device_ca", device_ca)
    write_leaf(folder, "server", ca.issue_cert("localhost", common_name="localhost"))
    now = datetime.now(UTC)
    for recipe in RECIPES:
        if recipe.by == recipe.name:
            write_ca(folder, recipe.name, trustme.CA())
            continue
        issuer = device_ca if recipe.by == "Device CA" else trustme.CA()
        leaf = issuer.issue_cert(
            common_name=recipe.common_name,
            not_before=now + timedelta(days=recipe.days[0]),
            not_after=now + timedelta(days=recipe.days[1]),
        )
        if recipe.other_key:
            leaf.private_key_pem = trustme.Blob(pem_of(ec.generate_private_key(ec.SECP256R1())))
        if recipe.send_ca:
            leaf.cert_chain_pems.append(issuer.cert_pem)
        write_leaf(folder, recipe.name, leaf)


def write_ca(folder: Path, name: str, ca: trustme.CA) -> None:
    ca.cert_pem.write_to_path(folder / f"{name}.crt")
    ca.private_key_pem.write_to_path(folder / f"{name}.key")


def write_leaf(folder: Path, name: str, leaf: trustme.LeafCert) -> None:
    for number, pem in enumerate(leaf.cert_chain_pems):
        pem.write_to_path(folder / f"{name}.crt", append=number > 0)
    leaf.private_key_pem.write_to_path(folder / f"{name}.key")

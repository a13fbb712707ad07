"""PEM files: keys, certificates, requests and revocation lists, read and written with care.

Here: the mode of each kind, and one clear message for each way in which a file can be the wrong
one. Not here: making what is written (authority.py), and how a file is written (common/files.py).
"""

from __future__ import annotations

import re
import shlex
import ssl
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import cast, get_args

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs12

from mtls_lab.common import (
    FileProblem,
    Password,
    PathLike,
    expect_written,
    scratch_folder,
    write_file,
)
from mtls_lab.pki.forms import EXCHANGE, INSTEAD
from mtls_lab.pki.kinds import kind_of, read_bounded
from mtls_lab.pki.passwords import each_of, in_bytes, is_costly
from mtls_lab.pki.signed import UNREADABLE
from mtls_lab.pki.trusted import for_everybody

__all__ = [
    "Identity",
    "Key",
    "read_any_key",
    "read_certificate",
    "read_certificates",
    "read_crls",
    "read_identity",
    "read_key",
    "read_keys",
    "word_of",
    "write_certificate",
    "write_crl",
    "write_csr",
    "write_key",
    "write_pkcs12",
]

Key = ec.EllipticCurvePrivateKey
#: The classes of PrivateKeyTypes: to ask a Union takes five times as long.
ANY_KEY = get_args(PrivateKeyTypes)


@dataclass(frozen=True)
class Identity:
    """A private key, its certificate, and the CA certificates to send along.

    Example:
        >>> from mtls_lab.pki import CertificateAuthority
        >>> device = CertificateAuthority.create("Lab CA").issue_client("trusted-client")
        >>> device.certificate.subject.rfc4514_string()
        'CN=trusted-client'
    """

    key: Key
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()

    def load_into(self, *contexts: ssl.SSLContext) -> None:
        """Let contexts present this identity. No file stays, though ssl takes nothing else.

        Raises:
            ssl.SSLError: the key is not the certificate's.
        """
        with scratch_folder() as folder:
            files = self.save(folder, "identity")
            for context in contexts:
                context.load_cert_chain(*files)

    def save(self, folder: PathLike, name: str) -> tuple[Path, Path]:
        """Write `NAME.crt` (with the chain) and `NAME.key` and return both paths."""
        folder = folder if isinstance(folder, Path) else Path(folder)
        certfile, keyfile = folder / f"{name}.crt", folder / f"{name}.key"
        write_certificate(certfile, self.certificate, *self.chain)
        write_key(keyfile, self.key)
        return certfile, keyfile


def write_key(path: PathLike, key: PrivateKeyTypes) -> None:
    """Write a private key, readable by its owner only from its first byte on (mode 0600)."""
    expect_written([key], ANY_KEY, "write_key", "a private key")
    form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    write_file(path, key.private_bytes(serialization.Encoding.PEM, form, none), mode=0o600)


def write_pkcs12(path: PathLike, identity: Identity, password: str | bytes) -> None:
    """Write key, certificate and chain as PKCS #12 with a password, as Java and browsers want it.

    Readable by its owner only: the password may be a short one.
    """
    cipher = serialization.BestAvailableEncryption(in_bytes(password))
    held = identity.key, identity.certificate, identity.chain
    data = pkcs12.serialize_key_and_certificates(Path(path).stem.encode(), *held, cipher)
    write_file(path, data, mode=0o600)


def write_certificate(path: PathLike, *certificates: x509.Certificate) -> None:
    """Write one certificate, or a leaf with the CA certificates to send along."""
    expect_written(certificates, x509.Certificate, "write_certificate", "a certificate")
    data = b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates)
    write_file(path, data, mode=0o644)


def write_csr(path: PathLike, csr: x509.CertificateSigningRequest) -> None:
    """Write a certificate signing request."""
    expect_written([csr], x509.CertificateSigningRequest, "write_csr", "a signing request")
    write_file(path, csr.public_bytes(serialization.Encoding.PEM), mode=0o644)


def write_crl(path: PathLike, crl: x509.CertificateRevocationList) -> None:
    """Write a certificate revocation list."""
    expect_written([crl], x509.CertificateRevocationList, "write_crl", "a revocation list")
    write_file(path, crl.public_bytes(serialization.Encoding.PEM), mode=0o644)


_KINDS = {
    b"-----BEGIN CERTIFICATE-----": "a certificate",
    b"-----BEGIN TRUSTED CERTIFICATE-----": "a certificate",
    b"-----BEGIN X509 CERTIFICATE-----": "a certificate",
    b"-----BEGIN CERTIFICATE REQUEST-----": "a certificate signing request",
    b"-----BEGIN NEW CERTIFICATE REQUEST-----": "a certificate signing request",
    b"-----BEGIN X509 CRL-----": "a certificate revocation list",
    b"-----BEGIN ENCRYPTED PRIVATE KEY-----": "a private key with a password",
    b"-----BEGIN PRIVATE KEY-----": "a private key",
    b"-----BEGIN EC PRIVATE KEY-----": "a private key",
    b"-----BEGIN RSA PRIVATE KEY-----": "a private key",
    b"-----BEGIN PUBLIC KEY-----": "a public key",
}

#: What reads DER, where it is no certificate.
_TOOLS = {"a private key": "pkey", "a certificate revocation list": "crl"}
#: What cryptography reads over, and OpenSSL does not.
MARRED = {"packed", "run together", "escaped", "in json", "one line", "not alone", "bare cr"}
MARRED |= {"cut off", "dashes"}
_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")
#: Each costs up to a tenth of a second, and a file may hold thousands.
MOST_KEYS = 8
_KEY = re.compile(rb"-----BEGIN ([A-Z ]{0,10}PRIVATE KEY)-----[^-]*-----END \1-----")
_CRL = re.compile(rb"-----BEGIN X509 CRL-----[^-]*-----END X509 CRL-----")


def _read(path: Path, expected: str) -> bytes:
    data = read_bounded(path, expected)
    kinds = {kind for marker, kind in _KINDS.items() if marker in data}
    odd = kind_of(data)
    if expected in kinds and not (odd and odd.name in MARRED):
        return data
    todo, typed, kind = "make the file again", shlex.quote(str(path)), ""
    if odd:
        found, todo, kind = f"{path} {odd.found}", odd.todo.replace("{path}", typed), odd.name
    elif kinds:
        held = " and ".join(sorted(kinds))
        found, todo = f"{path} holds {held}", INSTEAD.get(held, EXCHANGE)
        kind = "another thing" if min(kinds) in INSTEAD else "swapped"
        kind = "password" if "a private key with a password" in kinds else kind
    elif not data.strip():
        found = f"{path} is empty"
    elif data[:1] == b"\x30" and not data.isascii():
        found, kind, tool = f"{path} is in DER form", "der", _TOOLS.get(expected, "x509")
        # Never onto itself: openssl pkey empties the file before it reads it.
        new = path.with_suffix(".new.pem" if path.suffix == ".pem" else ".pem")
        command = f"openssl {tool} -inform DER -in {typed} -out {shlex.quote(str(new))}"
        todo = f"convert it, and use the new file: {command}"
    elif blocks := {match[1].decode() for match in _BEGIN.finditer(data)}:
        found = f"{path} holds something else in PEM form: {', '.join(sorted(blocks))}"
        todo, kind = f"name the file that holds {expected}", "another block"
    else:
        found = f"{path} is not a PEM file"
    raise FileProblem(found, f"{expected} in PEM form", todo, kind)


def read_certificate(path: PathLike) -> x509.Certificate:
    """Read the first certificate of a PEM file. Raises FileProblem."""
    return read_certificates(path)[0]


def read_certificates(path: PathLike) -> list[x509.Certificate]:
    """Read all certificates of a PEM file, in its order. Raises FileProblem."""
    data = for_everybody(_read(Path(path), "a certificate"))
    try:
        found = x509.load_pem_x509_certificates(data)
        for each in found:  # cryptography reads these only when it is asked for them
            _ = (each.subject, each.issuer, each.not_valid_before_utc, each.not_valid_after_utc)
    except UNREADABLE as error:
        why = f"{path} holds a damaged certificate ({error})"
        raise FileProblem(why, "a whole certificate", "make it again", "damaged") from None
    return found


def read_crls(path: PathLike) -> list[x509.CertificateRevocationList]:
    """Read all revocation lists of a PEM file, in its order. Raises FileProblem."""
    data = _read(Path(path), "a certificate revocation list")
    try:
        found = [x509.load_pem_x509_crl(block[0]) for block in _CRL.finditer(data)]
        for each in found:
            _ = (each.issuer, each.last_update_utc, each.next_update_utc, len(each))
    except UNREADABLE as error:
        why = f"{path} holds a damaged revocation list ({error})"
        raise FileProblem(why, "a whole list", "make it again") from None
    if not found:
        raise FileProblem(f"{path} holds half a revocation list", "a whole list", "make it again")
    return found


def read_any_key(path: PathLike, password: Password | None = None) -> PrivateKeyTypes:
    """Read a private key of any kind from a PEM file. Raises FileProblem.

    Args:
        path: the file.
        password: of an encrypted key; without one, such a key is a FileProblem.
    """
    for word in each_of(password):
        if (key := _decrypted(Path(path), word)) is not None:
            return key
    data = _read(Path(path), "a private key")
    try:
        return serialization.load_pem_private_key(data, password=None)
    except UNREADABLE as error:
        kind = "password" if isinstance(error, TypeError) else "damaged"  # in the form of RFC 1421
        found = f"{path} holds a damaged key ({error})"
        raise FileProblem(found, "a whole key", "make it again", kind) from None


def read_keys(path: PathLike) -> list[PrivateKeyTypes]:
    """Read the first private keys of a PEM file, in its order; none if one cannot be read."""
    with suppress(FileProblem, *UNREADABLE):
        found = islice(_KEY.finditer(read_bounded(path, "a private key")), MOST_KEYS)
        return [serialization.load_pem_private_key(each[0], None) for each in found]
    return []


def word_of(path: PathLike, password: Password) -> str | bytes:
    """Return which of several passwords opens a key; the first one if none does."""
    words = each_of(password)
    opens = (word for word in words[1:] if _decrypted(Path(path), word) is not None)
    return next(opens, *words[:1] or ("",))


def _decrypted(path: Path, password: str | bytes) -> PrivateKeyTypes | None:
    """Return an encrypted key; None if it is not one, or has another password."""
    with suppress(FileProblem, *UNREADABLE):
        data = read_bounded(path, "a private key")
        if not is_costly(data):
            return serialization.load_pem_private_key(data, in_bytes(password))
    return None


def read_key(path: PathLike) -> Key:
    """Read an EC private key without a password from a PEM file. Raises FileProblem."""
    key = read_any_key(path)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise FileProblem(
            f"{path} holds a key of another kind",
            "an EC key: the lab's own tools make and read no other",
            "for the lab, create_key() makes one; ssl and openssl take this key as it is",
            "kind",
        )
    return key


def read_identity(certfile: PathLike, keyfile: PathLike, *, any_kind: bool = False) -> Identity:
    """Read a certificate, its chain and its key, and check that they belong together.

    With `any_kind` the key may be RSA, say, which ssl takes; the lab's own CA signs with EC only.

    Raises:
        FileProblem: a file is missing, mixed up or damaged, or the key is another one's.
    """
    certificate, *chain = read_certificates(certfile)
    key = cast("Key", read_any_key(keyfile)) if any_kind else read_key(keyfile)
    try:
        belongs = certificate.public_key() == key.public_key()
    except UNREADABLE as error:
        why = f"{certfile} holds a certificate whose key cannot be read ({error})"
        raise FileProblem(why, "a certificate for an EC key", "make the file again") from None
    if not belongs:
        raise FileProblem(
            f"{keyfile} is not the key of {certfile}",
            "the key that the certificate was requested with",
            "take the pair that was made together, or make both again",
        )
    return Identity(key, certificate, tuple(chain))

"""PEM files: keys, certificates, requests and revocation lists, read and written with care.

Here: file modes, and one clear message for each way in which a file can be the wrong one.
Not here: making what is written (authority.py).
"""

from __future__ import annotations

import errno
import os
import ssl
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mtls_lab.errors import FileProblem

__all__ = [
    "Identity",
    "Key",
    "private_folder",
    "read_certificate",
    "read_identity",
    "read_key",
    "write_certificate",
    "write_crl",
    "write_csr",
    "write_key",
]

Key = ec.EllipticCurvePrivateKey


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

    def load_into(self, context: ssl.SSLContext) -> None:
        """Let a context present this identity. No file stays, though ssl takes nothing else.

        Raises:
            ssl.SSLError: the key is not the certificate's.
        """
        with tempfile.TemporaryDirectory() as folder:
            context.load_cert_chain(*self.save(folder, "identity"))

    def save(self, folder: str | os.PathLike[str], name: str) -> tuple[Path, Path]:
        """Write `NAME.crt` (with the chain) and `NAME.key` and return both paths."""
        certfile, keyfile = Path(folder, f"{name}.crt"), Path(folder, f"{name}.key")
        write_certificate(certfile, self.certificate, *self.chain)
        write_key(keyfile, self.key)
        return certfile, keyfile


def private_folder(folder: str | os.PathLike[str]) -> Path:
    """Make a folder that only its owner may open (mode 0700) and return it.

    One that is there already stays as it is: it may be a person's own. Raises FileProblem.
    """
    folder = Path(folder)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None
    return folder


def write_key(path: str | os.PathLike[str], key: Key) -> None:
    """Write a private key, readable by its owner only from its first byte on (mode 0600)."""
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write(path, pem, 0o600)


def write_certificate(path: str | os.PathLike[str], *certificates: x509.Certificate) -> None:
    """Write one certificate, or a leaf with the CA certificates to send along."""
    data = b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates)
    _write(path, data, 0o644)


def write_csr(path: str | os.PathLike[str], csr: x509.CertificateSigningRequest) -> None:
    """Write a certificate signing request."""
    _write(path, csr.public_bytes(serialization.Encoding.PEM), 0o644)


def write_crl(path: str | os.PathLike[str], crl: x509.CertificateRevocationList) -> None:
    """Write a certificate revocation list."""
    _write(path, crl.public_bytes(serialization.Encoding.PEM), 0o644)


def _write(path: str | os.PathLike[str], data: bytes, mode: int) -> None:
    # A new file takes the old one's place in one step, so a reader sees one or the other. With
    # the calls of `os`, for pathlib and a buffer would double the time that a small file takes.
    new = f"{os.fspath(path)}.{os.getpid()}.new"
    try:
        descriptor = _create(new, mode)
        try:
            if os.write(descriptor, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)
        os.replace(new, path)  # noqa: PTH105
    except OSError as error:
        with suppress(OSError):
            Path(new).unlink()
        raise _unwritable(Path(path), error) from None


def _create(path: str, mode: int) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        return os.open(path, flags, mode)
    except FileExistsError:  # left by a process that was killed, perhaps with another mode
        Path(path).unlink()
        return os.open(path, flags, mode)


def _unwritable(path: Path, error: OSError) -> FileProblem:
    return FileProblem(
        f"{path} cannot be written ({error.strerror or error})",
        "a folder that you may write to, with space left",
        "choose another folder, or change its permissions",
    )


_KINDS = {
    b"-----BEGIN CERTIFICATE-----": "a certificate",
    b"-----BEGIN CERTIFICATE REQUEST-----": "a certificate signing request",
    b"-----BEGIN NEW CERTIFICATE REQUEST-----": "a certificate signing request",
    b"-----BEGIN X509 CRL-----": "a certificate revocation list",
    b"-----BEGIN ENCRYPTED PRIVATE KEY-----": "a private key with a password",
    b"-----BEGIN PRIVATE KEY-----": "a private key",
    b"-----BEGIN EC PRIVATE KEY-----": "a private key",
    b"-----BEGIN RSA PRIVATE KEY-----": "a private key",
    b"-----BEGIN PUBLIC KEY-----": "a public key",
}


def _read(path: Path, expected: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileProblem(
            f"{path} cannot be read ({error.strerror or error})",
            f"{expected} in PEM form",
            "check the name and the folder, or make the file again",
        ) from None
    kinds = {kind for marker, kind in _KINDS.items() if marker in data}
    if expected in kinds:
        return data
    if kinds:
        found = f"{path} holds {' and '.join(sorted(kinds))}"
        todo = "exchange the two file names, or name the other file"
    elif not data.strip():
        found, todo = f"{path} is empty", "make the file again"
    elif data[:1] == b"\x30" and not data.isascii():
        found, tool = f"{path} is in DER form", "pkey" if expected == "a private key" else "x509"
        # Never onto itself: openssl pkey empties the file before it reads it.
        new = path.with_suffix(".new.pem" if path.suffix == ".pem" else ".pem")
        todo = f"convert it, and use the new file: openssl {tool} -inform DER -in {path} -out {new}"
    else:
        found, todo = f"{path} is no PEM file", "make the file again"
    raise FileProblem(found, f"{expected} in PEM form", todo)


def read_certificate(path: str | os.PathLike[str]) -> x509.Certificate:
    """Read the first certificate of a PEM file. Raises FileProblem."""
    return read_certificates(path)[0]


def read_certificates(path: str | os.PathLike[str]) -> list[x509.Certificate]:
    """Read all certificates of a PEM file, in its order. Raises FileProblem."""
    data = _read(Path(path), "a certificate")
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError as error:
        raise FileProblem(
            f"{path} holds a damaged certificate ({error})", "a whole certificate", "make it again"
        ) from None


def read_key(path: str | os.PathLike[str]) -> Key:
    """Read an EC private key without a password from a PEM file. Raises FileProblem."""
    data = _read(Path(path), "a private key")
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError) as error:
        raise FileProblem(
            f"{path} holds a damaged key ({error})", "a whole key", "make it again"
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise FileProblem(
            f"{path} holds a key of another kind",
            "an EC key, as the lab makes them",
            "make it again with create_key()",
        )
    return key


def read_identity(certfile: str | os.PathLike[str], keyfile: str | os.PathLike[str]) -> Identity:
    """Read a certificate, its chain and its key, and check that they belong together.

    Raises:
        FileProblem: a file is missing, mixed up or damaged, or the key is another one's.
    """
    certificate, *chain = read_certificates(certfile)
    key = read_key(keyfile)
    if certificate.public_key() != key.public_key():
        raise FileProblem(
            f"{keyfile} is not the key of {certfile}",
            "the key that the certificate was requested with",
            "take the pair that was made together, or make both again",
        )
    return Identity(key, certificate, tuple(chain))

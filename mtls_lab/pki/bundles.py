"""Files that hold several things at once: PKCS #12, PKCS #7 and Java's keystores.

Here: their certificates and key, so that they can be compared like those of PEM files. Not here:
PEM (pem.py), telling such a file by its bytes (kinds.py), and what is in JKS (keystores.py).
"""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs12

from mtls_lab.common import FileProblem, Password, PathLike, scratch_folder
from mtls_lab.pki.keystores import count_keys, locked_key, read_keystore
from mtls_lab.pki.kinds import OLD, kind_of, read_bounded
from mtls_lab.pki.passwords import each_of, expect_openable, in_bytes, not_opened
from mtls_lab.pki.pem import write_certificate, write_key
from mtls_lab.pki.signed import UNREADABLE

__all__ = ["Bundle", "holds_a_pair", "is_old", "is_pkcs12", "keys_in", "read_bundle", "read_pair"]


#: DER of the type of an encrypted key in PKCS #12, a pkcs8ShroudedKeyBag (RFC 7292, section 4.2.2).
#: Few programs encrypt it once more, together with its type.
_SHROUDED_KEY = bytes.fromhex("060b2a864886f70d010c0a0102")


@dataclass(frozen=True)
class Bundle:
    """A private key of any kind, and its certificate with those to send along."""

    key: PrivateKeyTypes
    chain: tuple[x509.Certificate, ...]

    @contextmanager
    def files(self) -> Iterator[tuple[Path, Path]]:
        """Give the chain and the key as PEM files, which are gone afterwards."""
        with scratch_folder() as folder:
            certfile, keyfile = folder / "bundle.crt", folder / "bundle.key"
            write_certificate(certfile, *self.chain)
            write_key(keyfile, self.key)
            yield certfile, keyfile

    def load_into(self, context: ssl.SSLContext) -> None:
        """Let a context present it. No file stays, though ssl takes nothing else.

        Raises:
            ssl.SSLError: the key is not the certificate's, or ssl does not know its kind.
        """
        with self.files() as (certfile, keyfile):
            context.load_cert_chain(certfile, keyfile)


def is_pkcs12(path: PathLike) -> bool:
    """Return whether a file is PKCS #12, which has a password, if often an empty one."""
    return _name(path) == "pkcs12"


def is_old(path: PathLike) -> bool:
    """Return whether a PKCS #12 file is encrypted so that OpenSSL 3 does not open it by itself."""
    return _name(path) == "pkcs12" and OLD.search(read_bounded(Path(path), "a file")) is not None


def holds_a_pair(path: PathLike) -> bool:
    """Return whether a file is PKCS #12 or Java's: a key and its certificate, under a password."""
    return _name(path) in {"pkcs12", "jks"}


def keys_in(path: PathLike) -> int:
    """Return how many private keys are seen in PKCS #12 or a keystore of Java, without a password.

    Raises:
        FileProblem: it is a keystore, and is damaged.
    """
    match _name(path):
        case "jks":
            return count_keys(path)
        case "pkcs12":
            return read_bounded(Path(path), "a bundle").count(_SHROUDED_KEY)
    return 0


def _name(path: PathLike) -> str:
    try:
        kind = kind_of(read_bounded(Path(path), "a file"))
    except FileProblem:
        return ""
    return kind.name if kind else ""


def read_pair(path: PathLike, password: Password) -> Bundle:
    """Read a key with its certificate and chain, of PKCS #12 or a keystore of Java.

    Raises:
        FileProblem: it does not open with this password, or one of the two is not in it.
    """
    try:
        key, certificates = read_bundle(path, password)
    except FileProblem:
        if password:
            raise
        read_bundle(path)  # which says that there is a password
        raise
    if key is None or not certificates:
        missing = "certificate" if key else "private key"
        raise FileProblem(
            f"{path} has no {missing} in it",
            "a file with a private key and its certificate",
            "export it again, together with its key",
        )
    return Bundle(key, tuple(certificates))


def read_bundle(
    path: PathLike, password: Password | None = None
) -> tuple[PrivateKeyTypes | None, list[x509.Certificate]]:
    """Read the key, if there is one, and the certificates of a bundle, the leaf first.

    Args:
        path: a PKCS #12 file, a PKCS #7 file in PEM or DER form, or a keystore of Java.
        password: of a PKCS #12 file, or of the key in a keystore. Without one it is not opened:
            how often the password is hashed is for the file to say, and a hostile one says it
            without end.

    Raises:
        FileProblem: it is none of these, is damaged, or has another password.
    """
    path = Path(path)
    data = read_bounded(path, "a bundle")
    kind = kind_of(data)
    name = kind.name if kind else ""
    if name == "pkcs12" and password is not None:
        expect_openable(path)
    words = [in_bytes(word) for word in each_of(password)]
    if name == "jks":
        return locked_key(path, [*filter(None, words)]), [*read_keystore(path, trusted=False)]
    try:
        if name == "pkcs12" and words:
            return _opened(data, words)
        if name == "pkcs7":
            # Few files are, and it loads all of `email`.
            from cryptography.hazmat.primitives.serialization import pkcs7  # noqa: PLC0415

            pem = b"-----BEGIN" in data[:4096]
            load = pkcs7.load_pem_pkcs7_certificates if pem else pkcs7.load_der_pkcs7_certificates
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # cryptography's, of BER: it reads it all the same
                found = load(data)
            # They are a SET in there, which has no order (RFC 2315, section 9.1).
            issuers = {each.issuer for each in found if each.issuer != each.subject}
            return None, sorted(found, key=lambda each: each.subject in issuers)
    except (*UNREADABLE, ssl.SSLError) as error:
        if name != "pkcs12":
            raise FileProblem(
                f"{path} cannot be opened ({error})", "a whole bundle", "make the file again"
            ) from None
    if name == "pkcs12":
        raise not_opened(
            f"{path} is a PKCS #12 file with a password",
            words,
            "the password that it was made with",
            "check the password (a line end at its end counts); if it is the right one, the file "
            "is damaged: make it again",
        )
    raise FileProblem(f"{path} is not a bundle", "PKCS #12 or PKCS #7", "name another file")


def _opened(
    data: bytes, words: Sequence[bytes]
) -> tuple[PrivateKeyTypes | None, list[x509.Certificate]]:
    """Open PKCS #12 with one of these passwords. Raises what cryptography does with the last."""
    *others, last = words
    for word in others:
        with suppress(*UNREADABLE):
            return _opened(data, [word])
    if b"\0" in last:  # which ends a password (RFC 7292, B.1)
        raise ValueError
    held = pkcs12.load_pkcs12(data, last)
    own = [held.cert] if held.cert else []
    return held.key, [each.certificate for each in (*own, *held.additional_certs)]

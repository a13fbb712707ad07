"""Keys that a TPM makes and keeps: a wrapped file for the key, a request for its certificate.

Here: the file (`TSS2 PRIVATE KEY`, the draft "ASN.1 Specification for TPM 2.0 Key Files"), read and
written, and `openssl` with the provider, or the TPM itself, that makes it. Not here: signing the
request (pki/authority.py), the program that uses the key (net/apart.py).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from mtls_lab.common import (
    FileProblem,
    LabError,
    PathLike,
    expect_text,
    read_file,
    scratch_folder,
    why_of,
    write_file,
)
from mtls_lab.pki.leaf import name_of
from mtls_lab.pki.signed import UNREADABLE
from mtls_lab.tpm.caller import reaches
from mtls_lab.tpm.chip import Chip
from mtls_lab.tpm.conversation import OWNER, Conversation
from mtls_lab.tpm.provider import run_openssl
from mtls_lab.tpm.structures import INSIDE, Attribute, Public

__all__ = [
    "Wrapped",
    "create_csr",
    "create_sealed_key",
    "create_wrapped_key",
    "parsed",
    "read_wrapped",
    "write_wrapped",
]


# --- The file

#: What the file says that it holds, in PEM.
LABEL = "TSS2 PRIVATE KEY"
#: Bytes of a file that is read; a key or a request has a thousand.
MOST = 1 << 16
#: 2.23.133.10.1.3, a loadable key.
LOADABLE = bytes.fromhex("06066781050a0103")
SEQUENCE, BOOLEAN, INTEGER, OCTETS = 0x30, 0x01, 0x02, 0x04
#: Explicitly tagged: whether it needs no PIN. Where it is left out, it may need one.
EMPTY_AUTH = 0xA0


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A wrapped key.

    Attributes:
        parent: the handle of what wraps it, such as 0x40000001: the owner's storage key.
        public: its public area (TPMT_PUBLIC).
        private: its private half, encrypted.
        pin: whether the TPM asks for a PIN before it uses the key.
    """

    parent: int
    public: bytes
    private: bytes
    pin: bool = False

    def __str__(self) -> str:
        """The file, in PEM."""
        halves = (len(half).to_bytes(2, "big") + half for half in (self.public, self.private))
        parts = [tagged(EMPTY_AUTH, tagged(BOOLEAN, b"\0" if self.pin else b"\xff"))]
        parts += [tagged(INTEGER, self.parent.to_bytes(5, "big").removeprefix(b"\0"))]
        parts += [tagged(OCTETS, half) for half in halves]
        der = tagged(SEQUENCE, LOADABLE + b"".join(parts))
        text = re.sub(r"(.{64})(?!$)", r"\1\n", base64.b64encode(der).decode())
        return f"-----BEGIN {LABEL}-----\n{text}\n-----END {LABEL}-----\n"


def read_wrapped(path: PathLike) -> Wrapped:
    """Read such a file.

    Raises:
        FileProblem: it holds none.
    """
    try:
        return parsed(_der_in(path, LABEL))
    except (OSError, ValueError) as error:
        raise FileProblem(
            f"{path} holds no key that a TPM has wrapped ({why_of(error)})",
            "a TSS2 PRIVATE KEY",
            "let the TPM make one: create_wrapped_key(chip, path)",
        ) from None


def _der_in(path: PathLike, label: str) -> bytes:
    """Read the first block of this label. Raises OSError or ValueError: there is none."""
    parts = re.split(rf"-----(?:BEGIN|END) {label}-----".encode(), read_file(path, most=MOST))
    if len(parts) < 2:
        raise ValueError(f"there is no {label} in it")
    return base64.b64decode(parts[1])


def parsed(der: bytes) -> Wrapped:
    """Read the DER of such a file. Raises ValueError: it is none."""
    outer = list(values(der))
    if [tag for tag, _ in outer] != [SEQUENCE] or not outer[0][1].startswith(LOADABLE):
        raise ValueError("not the form of a loadable key")
    inner = list(values(outer[0][1]))
    numbers = [value for tag, value in inner if tag in {INTEGER, OCTETS}]
    if len(numbers) != 3:
        raise ValueError("not a parent and two halves of a key")
    parent, public, private = numbers
    if int.from_bytes(parent, "big") >> 32:
        raise ValueError("a parent that is not a handle")
    for half in (public, private):
        if int.from_bytes(half[:2], "big") != len(half) - 2:
            raise ValueError("a half of another length than it says")
    # Any number but 0 is true: some write 1, against X.690.
    free = any(tag == EMPTY_AUTH and any(value[2:]) for tag, value in inner)
    return Wrapped(int.from_bytes(parent, "big"), public[2:], private[2:], pin=not free)


def write_wrapped(path: PathLike, wrapped: Wrapped) -> None:
    """Write such a file, with the mode of a key."""
    write_file(path, str(wrapped), mode=0o600)


def values(der: bytes) -> Iterator[tuple[int, bytes]]:
    """The values that stand one after the other, each with its tag (X.690, section 8.1)."""
    while der:
        count = der[1] if len(der) > 1 else 0
        start = 2
        if count & 0x80:
            start += count & 0x7F
            count = int.from_bytes(der[2:start], "big") if start <= 4 else len(der)
        if start + count > len(der) or len(der) < 2:
            raise ValueError("DER that ends too early")
        yield der[0], der[start : start + count]
        der = der[start + count :]


def tagged(tag: int, content: bytes) -> bytes:
    """One such value."""
    size = len(content)
    octets = size.to_bytes((size.bit_length() + 7) // 8 or 1, "big")
    return (
        bytes([tag]) + (octets if size < 0x80 else bytes([0x80 | len(octets)]) + octets) + content
    )


# --- The key and its request

#: Both providers, and the TPM's first where it can do a thing.
PROVIDERS = ["-provider", "tpm2", "-provider", "default", "-propquery", "?provider=tpm2"]
#: What openssl says before it reads a password from a terminal.
ASKED = "Enter pass phrase"
#: What the provider's own keys are, too: OpenSSL signs with them, and decrypts.
BOTH = INSIDE | Attribute.SIGN | Attribute.DECRYPT
#: ecdsa-with-SHA256 with a NULL, and without it, as RFC 5758, section 3.2 demands.
_WITH_NULL = bytes.fromhex("300c06082a8648ce3d0403020500")
_WITHOUT = bytes.fromhex("300a06082a8648ce3d040302")


def create_wrapped_key(chip: Chip, path: PathLike, *, pin: str | None = None) -> None:
    """Let a TPM make a P-256 key, and write the file with which that TPM finds it again.

    The file is the private key, encrypted with a key that never leaves the TPM: to every other
    machine it is worth nothing.

    Args:
        chip: the TPM.
        path: the file, with the mode of a key.
        pin: what the TPM asks for at each use of the key; None for nothing.

    Raises:
        ToolMissing: openssl or its provider is not installed.
        LabError: the TPM refused, or does not answer; or the PIN cannot be one.
    """
    options = ["-algorithm", "EC", "-pkeyopt", "group:P-256"]
    if pin is not None:
        expect_text(pin, "the PIN")
        if not pin or len(pin.encode()) > 32 or not pin.isprintable() or pin.isspace():
            raise LabError("this PIN", "1 to 32 characters that can be typed", "choose another")
        if reaches(chip.tcti):  # a command line is for all to read, for as long as it runs
            _create(chip, path, Public(BOTH | Attribute.USER_WITH_AUTH), pin)
            return
        options += ["-pkeyopt", f"user-auth:{pin}"]
    with scratch_folder() as folder:
        made = folder / "made.key"
        run_openssl(["genpkey", *PROVIDERS, *options, "-out", str(made)], chip)
        write_file(path, made.read_bytes(), mode=0o600)


def create_sealed_key(chip: Chip, path: PathLike, policy: bytes) -> None:
    """Let a TPM make a P-256 key that can be used under a policy, and in no other way.

    Args:
        chip: the TPM.
        path: the file, with the mode of a key.
        policy: its digest, such as `policy_for(firmware)` returns.

    Raises:
        LabError: the TPM refused, or does not answer.
    """
    _create(chip, path, Public(BOTH, policy))


def _create(chip: Chip, path: PathLike, public: Public, pin: str = "") -> None:
    with Conversation(chip) as tpm:
        made = tpm.create(tpm.parent(OWNER), public, pin)
    write_wrapped(path, Wrapped(OWNER, *made, pin=bool(pin)))


def create_csr(
    chip: Chip, keyfile: PathLike, common_name: str, *, pin: str | None = None
) -> x509.CertificateSigningRequest:
    """Let the TPM sign a request for a certificate of this name with a wrapped key.

    Raises:
        ToolMissing: openssl or its provider is not installed.
        FileProblem: the file holds no wrapped key. With another one, the TPM would be at fault.
        LabError: the TPM refused, such as a key of another TPM, or does not answer; the name cannot
            be one, or the key has a PIN that was not given.
    """
    name_of(common_name)
    read_wrapped(keyfile)
    name = re.sub(r"([/\\=+])", r"\\\1", common_name)
    with scratch_folder() as folder:
        made = folder / "made.csr"
        words = ["-new", "-utf8", "-key", str(Path(keyfile)), "-subj", f"/CN={name}"]
        if pin is not None:
            expect_text(pin, "the PIN")
            write_file(folder / "pin", pin, mode=0o600)
            words += ["-passin", f"file:{folder / 'pin'}"]
        try:
            run_openssl(["req", *PROVIDERS, *words, "-out", str(made)], chip)
        except LabError as error:
            if pin is None and ASKED in error.found:
                found = f"{keyfile}, a key with a PIN, and no PIN"
                raise LabError(found, "the PIN of this key", "give it: pin=…") from None
            raise
        return read_csr(made)


def read_csr(path: PathLike) -> x509.CertificateSigningRequest:
    """Read a request, also one of tpm2-openssl 1.1, which writes a NULL that does not belong there.

    Raises:
        FileProblem: the file holds no request.
    """
    try:
        return x509.load_der_x509_csr(_without_null(_der_in(path, "CERTIFICATE REQUEST")))
    except (OSError, *UNREADABLE) as error:
        raise FileProblem(
            f"{path} holds no certificate signing request ({error})",
            "a request in PEM form",
            "make it again",
        ) from None


def _without_null(der: bytes) -> bytes:
    """Drop the NULL from the algorithm of the request's signature, which is outside of it."""
    if _WITH_NULL not in der:
        return der
    ((tag, request), *_) = values(der)
    before, _, after = request.rpartition(_WITH_NULL)
    return tagged(tag, before + _WITHOUT + after)

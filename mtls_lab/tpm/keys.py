"""Keys that a TPM makes and keeps: a wrapped file for the key, a request for its certificate.

Here: `openssl` with the provider, or the TPM itself, and the files they make. Not here: signing the
request (pki/authority.py), the program that uses the key (apart.py).
"""

from __future__ import annotations

import base64
import re
from pathlib import Path

from cryptography import x509

from mtls_lab.errors import FileProblem, LabError
from mtls_lab.files import PathLike, read_file, write_file
from mtls_lab.pki.description import UNREADABLE
from mtls_lab.scratch import scratch_folder
from mtls_lab.tpm.caller import reaches
from mtls_lab.tpm.chip import Chip
from mtls_lab.tpm.conversation import OWNER, Conversation
from mtls_lab.tpm.provider import run_openssl
from mtls_lab.tpm.structures import INSIDE, Attribute, Public
from mtls_lab.tpm.wrapped import Wrapped, tagged, values, write_wrapped

__all__ = ["create_csr", "create_sealed_key", "create_wrapped_key", "read_csr"]

#: Both providers, and the TPM's first where it can do a thing.
PROVIDERS = ["-provider", "tpm2", "-provider", "default", "-propquery", "?provider=tpm2"]
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
        LabError: the TPM refused, such as a key of another TPM, or does not answer.
    """
    name = re.sub(r"([/\\=+])", r"\\\1", common_name)
    with scratch_folder() as folder:
        made = folder / "made.csr"
        words = ["-new", "-utf8", "-key", str(Path(keyfile)), "-subj", f"/CN={name}"]
        if pin is not None:
            write_file(folder / "pin", pin, mode=0o600)
            words += ["-passin", f"file:{folder / 'pin'}"]
        run_openssl(["req", *PROVIDERS, *words, "-out", str(made)], chip)
        return read_csr(made)


def read_csr(path: PathLike) -> x509.CertificateSigningRequest:
    """Read a request, also one of tpm2-openssl 1.1, which writes a NULL that does not belong there.

    Raises:
        FileProblem: the file holds no request.
    """
    try:
        data = read_file(path, most=1 << 20)
        _, text, *_ = re.split(rb"-----(?:BEGIN|END) CERTIFICATE REQUEST-----", data)
        return x509.load_der_x509_csr(_without_null(base64.b64decode(text)))
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

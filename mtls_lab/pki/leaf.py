"""The fields of a leaf certificate, by the profile of RFC 5280, section 4.2.

Here: what a leaf is for, its builder, its names and days, and what is told of a caller's that are
none. Not here: keys, CAs and signatures (authority.py).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mtls_lab.common import LabError, kind_of
from mtls_lab.pki.names import is_address

__all__ = [
    "LEAF_KEY_USAGE",
    "NO_KEY_USAGE",
    "Purpose",
    "days_of",
    "general_names",
    "leaf_builder",
    "name_of",
    "server_names",
]

#: The characters of a common name, at most (RFC 5280, appendix A.1: ub-common-name).
LONGEST = 64
#: The names in a text, with commas or blanks between them.
_NAMES = re.compile(r"[^\s,]+")
#: What is in no host name, so that no client would find it; an empty text is none either.
NO_HOST = re.compile(r"[ :/@\[\]]|^$")


class Purpose(Enum):
    """What a leaf certificate is for: its extended key usage (RFC 5280, section 4.2.1.12)."""

    SERVER = ExtendedKeyUsageOID.SERVER_AUTH
    CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH


# keyUsage (RFC 5280, section 4.2.1.3): a CA signs certificates and CRLs, a leaf proves in the
# handshake that it holds its key. Key agreement happens with fresh keys, not with this one.
NO_KEY_USAGE = dict.fromkeys(
    [
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    ],
    False,
)  # fmt: skip
#: By the names that cryptography gives to the bits.
LEAF_KEY_USAGE = ("digital_signature",)


def leaf_builder(
    issuer: x509.Name,
    issuer_id: x509.AuthorityKeyIdentifier | None,
    subject: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    purpose: Purpose | Iterable[Purpose] | None,
    names: Iterable[x509.GeneralName],
    first: datetime,
    last: datetime,
    *,
    key_usage: Iterable[str] | None = LEAF_KEY_USAGE,
    is_ca: bool = False,
    serial_number: int | None = None,
) -> x509.CertificateBuilder:
    """Fill in everything of a leaf but the signature.

    Args:
        issuer, issuer_id: the CA's subject, and its key identifier; None leaves that out.
        subject, public_key: whom it is for.
        purpose: what it is for; several, or None for no limit.
        names: subjectAltName; empty leaves it out.
        first, last: its dates.
        key_usage: keyUsage, by cryptography's names; None leaves it out.
        is_ca: what basicConstraints says.
        serial_number: None for a random one, as it should be.
    """
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(serial_number or x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(last)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )
    if key_usage is not None:
        bits = {**NO_KEY_USAGE, **dict.fromkeys(key_usage, True)}
        builder = builder.add_extension(x509.KeyUsage(**bits), critical=True)
    if issuer_id is not None:
        builder = builder.add_extension(issuer_id, critical=False)
    purposes = [purpose] if isinstance(purpose, Purpose | str) else list(purpose or ())
    for each in purposes:
        _expect_purpose(each)
    if purposes:
        extended = x509.ExtendedKeyUsage([each.value for each in purposes])
        builder = builder.add_extension(extended, critical=False)
    if names := list(names):
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder


def _expect_purpose(purpose: object) -> None:
    if not isinstance(getattr(purpose, "value", None), x509.ObjectIdentifier):
        raise LabError(
            f"{kind_of(purpose)} as the purpose", "Purpose.SERVER, Purpose.CLIENT, both, or None",
            "write Purpose.CLIENT, say; it is imported from mtls_lab",
        )  # fmt: skip


def name_of(common_name: str) -> x509.Name:
    """Return the name that consists of this common name. Raises LabError: it cannot be one."""
    _expect_common_name(common_name)
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _size(name: str) -> int:
    """Return its length as cryptography counts it: in bytes of UTF-8."""
    return len(name.encode("utf-8", "replace"))


def _expect_common_name(name: object) -> None:
    if isinstance(name, str) and 0 < _size(name) <= LONGEST:
        return
    found = f"a name of {len(name)} characters" if isinstance(name, str) else kind_of(name)
    if isinstance(name, str) and _size(name) > len(name):
        found += f", which are {_size(name)} bytes in UTF-8"
    raise LabError(
        found, f"a common name of 1 to {LONGEST} characters", 'give a short one, such as "device-7"'
    )


def general_names(names: Iterable[str]) -> list[x509.GeneralName]:
    """Return host names, IP addresses and URIs, each in its kind (RFC 5280, section 4.2.1.6).

    Raises LabError: they are one text and no list, or one of them is no text, not in ASCII, or
    cannot be a host's: it is empty, or has a blank or a port in it.

    Example:
        >>> [type(name).__name__ for name in general_names(["::1", "spiffe://lab.example/7"])]
        ['IPAddress', 'UniformResourceIdentifier']
    """
    found: list[x509.GeneralName] = []
    if isinstance(names, str):  # a text is a list of its characters, too
        listed = _NAMES.findall(names) or [names]
        raise LabError("one text", "a list of names", f"write it in brackets: {listed}")
    for name in names:
        _expect_name(name)
        if "://" in name:
            found.append(x509.UniformResourceIdentifier(name))
            continue
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def server_names(names: Any) -> tuple[str, list[str]]:
    """Return a server's common name, and its names. Raises LabError: they are no list of names."""
    listed = [] if names is None or isinstance(names, str) else list(names)
    if not listed:
        found, text = ("one text", names) if names else ("no name", "localhost")
        raise LabError(found, "a list of names", f"write issue_server({_NAMES.findall(text)})")
    general_names(listed)
    return (listed[0] if _size(listed[0]) <= LONGEST else "server"), listed


def _expect_name(name: object) -> None:
    if not isinstance(name, str):
        raise LabError(
            f"{kind_of(name)} among the names", "host names and addresses, each a text",
            'put it in quotes: ["localhost", "127.0.0.1"]',
        )  # fmt: skip
    if not name.isascii():
        try:
            spelled = f'write "{name.encode("idna").decode()}", as the DNS has it'
        except UnicodeError:
            spelled = "give the host's name as the DNS has it"
        raise LabError(f"the name {name!r}", "a name in ASCII (RFC 5280, section 7.2)", spelled)
    fits = is_address(name) or ("://" in name and " " not in name) or not NO_HOST.search(name)
    if not (name.isprintable() and fits):
        raise LabError(
            f"the name {name!r}", "a host name, an IP address, or a URI with its scheme",
            'give the host alone, without blank, port or brackets, such as "localhost"',
        )  # fmt: skip


def days_of(days: Any) -> float:
    """Hold days to a number from 0 on, and return it. Raises LabError."""
    if isinstance(days, int | float) and days >= 0:
        return float(days)
    raise LabError(
        f"{days} days" if isinstance(days, int | float) else f"{kind_of(days)} as days",
        "a number from 0 on",
        "for one that has expired, write issue(…, valid_days=(-30, -1))",
    )
